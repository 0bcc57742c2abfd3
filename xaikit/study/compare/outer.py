"""The outer loop: every family fitted on every fold, within a budget, and nothing fitted twice."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Model
from xaikit.core.errors import OutOfBudget
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Floats, Ints
from xaikit.data.dataset import Dataset
from xaikit.study.compare.families import Family
from xaikit.study.compare.fitting import Cost, Teacher, answers, one_answer
from xaikit.study.compare.folds import Fold, Folds
from xaikit.study.compare.learned import learned_quality
from xaikit.study.compare.shift import SHIFTS, shifted
from xaikit.study.compare.store import Store
from xaikit.study.quality import blind, per_row

__all__ = ["BASE", "Budget", "Outer"]

BASE = "baseline"  # the answer that never looks at the input
Arrays = Mapping[str, Floats]


@dataclass
class Budget:
    """Minutes that a comparison may take; None for as many as it needs."""

    minutes: float | None = None
    start: float = field(default_factory=time.perf_counter)

    @property
    def left(self) -> float:
        """Seconds."""
        spent = time.perf_counter() - self.start
        return np.inf if self.minutes is None else 60 * self.minutes - spent

    def fits(self, seconds: float) -> bool:
        return seconds <= self.left


@dataclass
class Outer:
    """What every family answers on the held-out rows of every fold.

    tick : told of each fit that is done
    """

    folds: Folds
    families: Sequence[Family]
    teach: Teacher
    seed: int
    store: Store
    budget: Budget
    tick: Callable[[int], Any] = abs
    found: dict[tuple[str, int, int], Arrays] = field(default_factory=dict)
    splits: dict[tuple[int, int], Fold] = field(default_factory=dict)
    spent: dict[str, list[float]] = field(default_factory=dict)

    def look(self, repeats: Sequence[int], families: Sequence[Family] | None = None) -> None:
        """Fit the families on all folds of these repeats; `OutOfBudget` when time is up."""
        todo = list(families or self.families)
        for repeat in repeats:
            for fold in self.folds.repeat(repeat):
                self.splits[repeat, fold.number] = fold
                data = self.folds.dataset(fold)
                self.found[BASE, repeat, fold.number] = _base(data)
                for family in todo:
                    self._check_budget(len(repeats) * self.folds.count * len(todo))
                    place = (family.name, repeat, fold.number)
                    self.found[place] = self.fit(family, fold, data)
                    self.tick(1)

    def fit(
        self,
        family: Family,
        fold: Fold,
        data: Dataset | None = None,
        kept: Ints | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Arrays:
        """The answers of one fit and what they cost.

        kept : places among the training rows, when a part of them is learned from
        params : that tuning chose
        """
        data = data if data is not None and kept is None else self.folds.dataset(fold, kept)
        key = self.key(family, data, params or {})
        start = time.perf_counter()
        whole = fold.repeat == 0 and kept is None and not params

        def make() -> Arrays:
            model, cost = self.teach(family, data, self.seed, **(params or {}))
            return _measured(model, cost, data, whole, fold.number == 0, self.seed)

        arrays = self.store({**key, "whole": whole, "first": whole and fold.number == 0}, make)
        took = max(
            time.perf_counter() - start, float(arrays["cost"][0])
        )  # a fit found took longer when made
        self.spent.setdefault(family.name, []).append(took)
        return arrays

    def key(self, family: Family, data: Dataset, params: Mapping[str, Any]) -> dict[str, Any]:
        """What a fit is made of, JSON-able."""
        codes = [c.categories for c in data.columns]  # what codes stand for
        rows = repr([[s.id for s in getattr(data, split)] for split in ("train", "val", "test")])
        return {
            "data": data.hash,
            "rows": hashlib.sha256(rows.encode()).hexdigest(),
            "family": family.name,
            "of": family.of,
            "params": {**family.params, **params},
            "seed": self.seed,
            "balanced": self.teach.balanced,
            "device": self.teach.device,
            **({"codes": codes} if any(codes) else {}),
        }

    def _check_budget(self, wanted: int) -> None:
        if self.budget.left > 0:
            return
        done = sum(name != BASE for name, _, _ in self.found)
        raise OutOfBudget(
            f"{self.budget.minutes:g} minutes are over after {done} of about {wanted} fits; run the same "
            "command again to go on where it stopped (finished fits are kept), give more --minutes, or "
            "name fewer --models."
        )

    def forecast(self, n_folds: int, families: Sequence[Family] | None = None) -> float:
        """Seconds of so many more folds, from the fits so far."""
        known = [np.mean(self.spent[f.name]) for f in families or self.families]
        return float(n_folds * np.sum(known))

    def repeats(self, name: str) -> int:
        return len({r for n, r, _ in self.found if n == name})

    def quality(self, name: str) -> Floats:
        """(J,) mean quality on the held-out rows of each fold, repeat after repeat."""
        places = sorted(p for p in self.found if p[0] == name)
        return np.array([self.found[p]["rows"].mean() for p in places])

    def mean(self, name: str, what: str) -> float:
        """The mean over all fits that measured it."""
        found = [a[what].mean() for (n, _, _), a in self.found.items() if n == name and what in a]
        return float(np.mean(found)) if found else float("nan")

    def each(self, name: str, what: str) -> Floats:
        """(5,) one number a fold of the first repeat."""
        n = self.folds.count
        return np.array([self.found[name, 0, k][what].mean() for k in range(n)])

    def held(self, name: str, what: str = "outputs") -> Floats:
        """(N, ...) of the held-out rows of the first repeat, in the order of `held_rows`."""
        return np.concatenate([self.found[name, 0, k][what] for k in range(self.folds.count)])

    @property
    def held_rows(self) -> Ints:
        """(N,) places of the rows that the first repeat holds out."""
        return np.concatenate([self.splits[0, k].test for k in range(self.folds.count)])

    @property
    def held_labels(self) -> NDArray[Any]:
        return self.folds.labels[self.held_rows]


def _measured(
    model: Model, cost: Cost, data: Dataset, whole: bool, first: bool, seed: int
) -> Arrays:
    xs = data.inputs("test")
    start = time.perf_counter()
    outputs = answers(model, xs)
    seconds = (time.perf_counter() - start) / len(xs)
    found = {
        "outputs": outputs,
        "rows": per_row(outputs, data),
        "cost": np.array([cost.seconds, cost.processor, float(cost.memory)]),
        "answer": np.array([seconds]),
    }
    if whole:
        found |= _wider(model, data, seed)
    if first:
        found["alone"] = np.array([one_answer(model, xs)])
        found["bytes"] = np.array([float(_size(model))])
    return {name: np.asarray(value, dtype=np.float64) for name, value in found.items()}


def _wider(model: Model, data: Dataset, seed: int) -> dict[str, Floats]:
    """Quality on its own rows, on shifted ones, and of a linear model on what it learned."""
    own = (*data.train, *data.val)
    mine = per_row(answers(model, [s.x for s in own]), replace(data, test=own))
    found = {"own": np.array([mine.mean()])}
    for name in SHIFTS.get(MODALITIES.get(data.modality).inputs, {}):
        told = answers(model, shifted(data, name, seed))
        found[f"shift.{name}"] = np.array([per_row(told, data).mean()])
    linear = learned_quality(model, data, seed)
    return found if linear is None else {**found, "learned": np.array([linear])}


def _size(model: Model) -> int:
    """Bytes of what was learned, as saved."""
    held = getattr(model, "pipeline", None)
    return int(model.info.get("bytes", 0)) if held is None else len(pickle.dumps(held))


def _base(data: Dataset) -> Arrays:
    outputs = blind(replace(data, train=(*data.train, *data.val)))[1]
    return {"outputs": outputs, "rows": per_row(outputs, data)}
