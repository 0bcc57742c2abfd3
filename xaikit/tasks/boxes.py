"""Boxes (left, top, right, bottom) in px: how far two overlap, and how well a list of them finds the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xaikit.core.types import Bools, Floats
from xaikit.tasks.arrays import larger

__all__ = ["ap_of", "hits", "iou", "mean_ap", "without_doubles"]

N_DRAWN = 400  # resamples of the pictures for an interval


def iou(boxes: Any, at: Any) -> Any:
    """(..., 1, 4) and (k, 4), or others that broadcast -> the share that two boxes have in common of what
    they cover together, differentiable where they are."""
    first = larger(boxes[..., :2], at[..., :2])
    last = -larger(-boxes[..., 2:], -at[..., 2:])
    common = (last - first).clip(0)
    both = common[..., 0] * common[..., 1]
    return both / (_area(boxes) + _area(at) - both).clip(1e-9)


def _area(boxes: Any) -> Any:
    sides = (boxes[..., 2:] - boxes[..., :2]).clip(0)
    return sides[..., 0] * sides[..., 1]


def without_doubles(boxes: Floats, most: float = 0.5) -> Floats:
    """(n, 6) class, box, score, the best first -> those that overlap no better one of their class by more
    than `most` (non-maximum suppression)."""
    kept: list[Floats] = []
    for box in boxes[np.argsort(-boxes[:, 5], kind="stable")]:
        rivals = np.array([k[1:5] for k in kept if k[0] == box[0]]).reshape(-1, 4)
        if not (iou(rivals, box[1:5]) > most).any():
            kept.append(box)
    return np.array(kept).reshape(-1, 6)


def hits(found: Floats, truth: Floats, least: float) -> Bools:
    """(n,) whether each found box (n, 6), the best first, is the first to lie over a true one (m, 5) of its
    class by at least that much."""
    taken = np.zeros(len(truth), dtype=bool)
    right = np.zeros(len(found), dtype=bool)
    for i, box in enumerate(found):
        over = iou(truth[:, 1:5], box[1:5]) * (truth[:, 0] == box[0])
        best = int(over.argmax()) if len(truth) else -1
        if best >= 0 and over[best] >= least and not taken[best]:
            taken[best] = right[i] = True
    return right


def ap_of(scores: Floats, right: Bools, n_true: float, weights: Floats | None = None) -> float:
    """The area under the largest precision at each recall or more (Everingham et al. 2010); NaN where nothing
    is to be found.

    weights : (n,) how often each found box counts
    """
    if n_true <= 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    w = np.ones(len(scores)) if weights is None else weights[order]
    hit = np.cumsum(w * right[order])
    precision = hit / np.cumsum(w).clip(1e-9)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(hit, prepend=0.0) * best).sum() / n_true)


def mean_ap(
    found: Sequence[Floats], truth: Sequence[Floats], n_classes: int, least: float
) -> tuple[float, list[float], list[float]]:
    """Mean average precision over the classes that are there, its 95 % interval over pictures, and each
    class's own, of found (n, 6) and true (m, 5) boxes, an array each a picture."""
    owner = np.repeat(np.arange(len(found)), [len(f) for f in found])
    every = np.concatenate([*found, np.zeros((0, 6))])
    right = np.concatenate(
        [*(hits(f, t, least) for f, t in zip(found, truth, strict=True)), np.zeros(0, bool)]
    )
    there = np.stack([np.bincount(t[:, 0].astype(int), minlength=n_classes) for t in truth])

    def of(times: Floats) -> list[float]:
        each = []
        for k in range(n_classes):
            mine = every[:, 0] == k
            n_true = float(times @ there[:, k])
            each.append(ap_of(every[mine, 5], right[mine], n_true, times[owner[mine]]))
        return each

    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), size=N_DRAWN)
    spread = [
        np.nanmean(each) for each in map(of, drawn.astype(np.float64)) if not np.isnan(each).all()
    ]
    each = of(np.ones(len(found)))
    value = float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")
    low, high = np.percentile(spread, [2.5, 97.5]) if spread else (value, value)
    return value, [float(low), float(high)], each
