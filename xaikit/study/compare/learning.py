"""Quality by number of training rows, on the held-out rows of the first repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xaikit.core.types import Ints
from xaikit.judge.rule import judge_folds
from xaikit.study.compare.families import Family
from xaikit.study.compare.folds import Fold, Folds
from xaikit.study.compare.outer import Outer

__all__ = ["SHARES", "curves", "gaps"]

SHARES = (0.05, 0.125, 0.25, 0.5)
FEWEST = 4  # rows of every class, or twice as many in all


def curves(outer: Outer, families: Sequence[Family]) -> list[dict[str, Any]]:
    """One curve a family: `n` rows and the mean `value` over five folds, and those of `folds`."""
    found = []
    for family in families:
        points = []
        for share in SHARES:
            qualities, sizes = [], []
            for k in range(outer.folds.count):
                fold = outer.splits[0, k]
                kept = part(outer.folds, fold, share)
                qualities.append(float(outer.fit(family, fold, kept=kept)["rows"].mean()))
                sizes.append(len(kept))
                outer.tick(1)
            points.append(_point(round(float(np.mean(sizes))), qualities))
        whole = outer.each(family.name, "rows").tolist()
        points.append(_point(round(np.mean([len(f.train) for f in outer.splits.values()])), whole))
        found.append({"model": family.name, "points": points})
    return found


def _point(n: int, qualities: list[float]) -> dict[str, Any]:
    return {
        "n": n,
        "value": float(np.mean(qualities)),
        "low": min(qualities),
        "high": max(qualities),
        "folds": qualities,
    }


def part(folds: Folds, fold: Fold, share: float) -> Ints:
    """Places among the training rows of a fold, every class kept; the last ones of rows in time, and
    whole groups where there are some. The same for every family, and a larger part holds the smaller."""
    n = len(fold.train)
    rng = np.random.default_rng(folds.seed + 1000 * (fold.number + 1))
    if folds.in_time:
        labels = folds.labels[fold.train]
        start = n - max(2 * FEWEST, round(share * n))
        if folds.classed:  # two classes or more
            start = min(start, int(np.flatnonzero(labels != labels[-1])[-1]))
        return np.arange(start, n)
    order = rng.permutation(n)
    if folds.groups is not None:
        names = folds.groups[fold.train]
        shuffled = rng.permutation(np.unique(names))
        order = order[
            np.argsort([int(np.flatnonzero(shuffled == g)[0]) for g in names[order]], kind="stable")
        ]
    if folds.classed:
        labels = folds.labels[fold.train][order]
        first = np.concatenate([np.flatnonzero(labels == c)[:FEWEST] for c in np.unique(labels)])
        order = np.concatenate([order[first], np.delete(order, first)])
    fewest = FEWEST * max(2, len(folds.data.classes))
    return np.sort(order[: max(fewest, round(share * n))])


def gaps(
    found: Sequence[dict[str, Any]], a: str, b: str, outer: Outer, rope: float
) -> list[dict[str, Any]]:
    """b minus a at each number of rows, with the corrected interval of five folds.

    Parts of the training rows overlap less than the whole does, so the correction is rather too wide.
    """
    points = {c["model"]: c["points"] for c in found}
    gone = []
    for p, q in zip(points[a], points[b], strict=True):
        d = np.array(q["folds"]) - np.array(p["folds"])
        judged = judge_folds(d, len(outer.folds.rows), ratio=outer.folds.ratio, rope=rope)
        gone.append(
            {
                "n": p["n"],
                "difference": judged.difference,
                "interval": judged.interval,
                "word": judged.word,
            }
        )
    return gone
