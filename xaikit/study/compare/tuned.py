"""The comparison once more with equal tuning inside the folds; the untuned result stays beside it."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np

from xaikit.core.types import Floats
from xaikit.judge.rule import LOOKS, judge_folds
from xaikit.study.compare.families import Family
from xaikit.study.compare.folds import Fold
from xaikit.study.compare.outer import Outer
from xaikit.study.compare.tuning import Tuned, tune

__all__ = ["tuned"]


def tuned(outer: Outer, trials: int, rope: float, allowed: float = 0.0) -> dict[str, Any]:
    """Quality of every family with settings chosen in each of the first ten folds, by as many trials, or
    in as many processor seconds.

    allowed : seconds a fold, where `trials` is 0; what a family's last trial took too long in one fold
        is missing in its next
    """
    repeats = range(1 if outer.folds.in_time else LOOKS[0])
    quality: dict[str, list[float]] = {f.name: [] for f in outer.families}
    seconds, counted = dict.fromkeys(quality, 0.0), dict.fromkeys(quality, 0)
    for repeat in repeats:
        for k in range(outer.folds.count):
            due = allowed * (repeat * outer.folds.count + k + 1)
            for family in outer.families:
                fold = outer.splits[repeat, k]
                left = max(0.0, due - seconds[family.name])
                found = _searched(outer, family, fold, trials, left)
                params = json.loads(bytes(found["params"].astype(np.uint8)).decode())
                if params:
                    rows = outer.fit(family, fold, params=params)["rows"]
                else:
                    rows = outer.found[family.name, repeat, k]["rows"]
                quality[family.name].append(float(rows.mean()))
                seconds[family.name] += float(found["seconds"][0])
                counted[family.name] += int(found["trials"][0])
                outer.tick(1)
    a, b = (outer.families[i].name for i in (0, 1))
    d = np.array(quality[b]) - np.array(quality[a])
    judged = judge_folds(d, len(outer.folds.rows), ratio=outer.folds.ratio, rope=rope)
    n = len(d)
    return {
        "trials": trials,
        "allowed": allowed,
        "word": judged.word,
        "difference": judged.difference,
        "interval": judged.interval,
        "models": [
            {
                "id": name,
                "untuned": float(outer.quality(name)[:n].mean()),
                "tuned": float(np.mean(values)),
                "trials": counted[name],
                "seconds": seconds[name],
            }
            for name, values in quality.items()
        ],
    }


def _searched(
    outer: Outer, family: Family, fold: Fold, trials: int, seconds: float
) -> dict[str, Floats]:
    """What the trials chose in one fold: settings as the bytes of JSON, trials and seconds."""
    data = outer.folds.dataset(fold)
    folds = outer.folds
    key = {**outer.key(family, data, {}), "trials": trials, "allowed": seconds}
    if folds.in_time or folds.groups is not None:
        key["inner"] = "as the folds"

    def make() -> dict[str, Floats]:
        if not trials and not seconds:
            found = Tuned({}, 0, 0.0)  # its last trials took what this fold had
        else:
            rows = partial(outer.folds.inner, fold)
            found = tune(family, rows, outer.teach, trials, outer.seed, seconds)
        text = json.dumps(found.params).encode()
        return {
            "params": np.frombuffer(text, np.uint8).astype(np.float64),
            "trials": np.array([float(found.trials)]),
            "seconds": np.array([found.seconds]),
        }

    return dict(outer.store(key, make))
