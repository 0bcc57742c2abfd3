"""Equal tuning: as many trials for every family, or as many seconds, inside the outer fold, by optuna."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.study.compare.families import Family
from xaikit.study.compare.fitting import Teacher, answers
from xaikit.study.compare.folds import spared
from xaikit.study.compare.spaces import SPACES
from xaikit.study.quality import per_row

__all__ = ["Tuned", "check_tuner", "inner", "tune"]


@dataclass(frozen=True)
class Tuned:
    """The best settings, the trials that were made, and the processor seconds that these took."""

    params: dict[str, Any]
    trials: int
    seconds: float


def check_tuner() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise InvalidInput(
            "tuning needs optuna, which is not installed; run pip install 'xaikit[tune]', or leave "
            "--trials and --tune out."
        )


def tune(
    family: Family,
    split: Callable[[], Dataset],
    teach: Teacher,
    trials: int,
    seed: int,
    seconds: float = 0.0,
) -> Tuned:
    """The settings of `family` that do best on rows held out of the training rows of a fold.

    split : makes the inner data: a part of the training rows is its test split
    trials : how many, or 0 for as many as begin before so many processor `seconds` are over
    """
    import optuna

    inner, start = split(), process_time()

    def quality(trial: Any) -> float:
        model, _ = teach(family, inner, seed, **_asked(family, trial))
        return float(per_row(answers(model, inner.inputs("test")), inner).mean())

    optuna.logging.set_verbosity(logging.ERROR)

    def stop(study: Any, _: Any) -> None:
        if not trials and process_time() - start >= seconds:
            study.stop()

    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(3, trials // 2))
    found = optuna.create_study(direction="maximize", sampler=sampler)
    found.enqueue_trial({}, user_attrs={"own": True})
    found.optimize(quality, n_trials=trials or None, callbacks=[stop])
    best = found.best_trial
    params = {} if best.user_attrs.get("own") else best.params
    return Tuned(params, len(found.trials), process_time() - start)


def _asked(family: Family, trial: Any) -> dict[str, Any]:
    """The settings of a trial; the first one asks for nothing and takes those of the family."""
    if trial.user_attrs.get("own"):
        return {}
    found = {}
    for name, (kind, *of) in SPACES.get(family.name, {}).items():
        if kind == "of":
            found[name] = trial.suggest_categorical(name, of)
        elif kind == "whole":
            found[name] = trial.suggest_int(name, *of)
        else:
            found[name] = trial.suggest_float(name, *of, log=True)
    return found


def inner(data: Dataset, seed: int) -> Dataset:
    """A fifth of the training rows held out in place of the test rows."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.train))
    if data.classes:
        order = order[np.argsort(data.labels("train")[order], kind="stable")]
    held = np.zeros(len(order), dtype=bool)
    held[order[2::5]] = True
    if data.classes:
        held = spared(held, data.labels("train"))
    parts = [
        tuple(s for s, h in zip(data.train, held, strict=True) if h == side)
        for side in (False, True)
    ]
    return replace(data, train=parts[0], test=parts[1])
