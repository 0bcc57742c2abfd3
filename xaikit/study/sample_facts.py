"""What is known of samples before any model: brightness, length, distance from the training rows, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Column, Dataset

__all__ = ["facts_of", "frames_shown", "groups_of", "shrunk"]

MOST_ROWS = 2000  # training rows that distances are measured to
MOST_GROUPS = 12
FEW_VALUES = 4  # so many different numbers in a column name groups
MISSING = "missing"
SIDE = 64  # pixels of the longer side of a picture that is kept
FRAMES = 8  # of a video
SEEN = 16  # and of one whose distance is measured
BLOCK = 256  # rows whose distances are held at once


def facts_of(samples: Sequence[Sample], data: Dataset) -> dict[str, Floats]:
    """Name -> (N,), a number for each sample.

    brightness, contrast : of pictures: mean and standard deviation of the pixels
    ink : of pictures: share of the pixels that differ from the middle of the border by over a quarter
    length : of texts and series: words or steps
    unseen : of texts: share of the words that no training text holds
    level, spread : of series: mean and standard deviation
    distance : of rows, pictures and series of one shape: share of the training rows that lie nearer to
        their nearest other than the sample does to its nearest; 1 is further than all of them
    """
    kind = samples[0].kind
    xs = [s.x for s in samples]
    if kind.words:
        return {"length": _each(len, xs), "unseen": _unseen(xs, data.inputs("train"))}
    found: dict[str, Floats] = {}
    if kind.view == "picture" and not kind.plot:
        found = {"brightness": _each(np.mean, xs), "contrast": _each(np.std, xs)}
        if xs[0].ndim == 3:
            found["ink"] = _each(_ink, xs)
    elif kind.view == "lines":
        found = {"level": _each(np.mean, xs), "spread": _each(np.std, xs), "length": _each(len, xs)}
    xs, train = ([kind.seen(x) for x in held] for held in (xs, data.inputs("train")))
    if len({x.shape for x in (*xs, *train)}) == 1 and len(train) > 1:
        found["distance"] = _unlike(xs, train, data)
    return found


def groups_of(samples: Sequence[Sample], data: Dataset) -> dict[str, tuple[str, ...]]:
    """Column, or entry of `meta`, that names groups -> N words: 2 to 12 different ones."""
    found = {}
    for key in dict.fromkeys(key for s in samples for key in s.meta):
        values = [s.meta.get(key) for s in samples]
        if all(isinstance(v, (str, bool, int)) for v in values):
            found[key] = tuple(map(str, values))
    if samples[0].kind.tabular:
        for i, column in enumerate(data.columns):
            found[column.name] = _words(column, [s.x[i] for s in samples])
    return {key: words for key, words in found.items() if 2 <= len(set(words)) <= MOST_GROUPS}


def frames_shown(n: int) -> list[int]:
    """Which of n frames stand for a video: all, or 8 of them, each in the middle of its stretch."""
    k = min(n, FRAMES)
    return [(2 * i + 1) * n // (2 * k) for i in range(k)]


def shrunk(x: NDArray[Any], side: int = SIDE) -> NDArray[Any]:
    """A picture (H, W, C) of at most `side` px a side: means over squares of pixels; of a video
    (T, H, W, C) some frames of half that side."""
    if x.ndim == 4:
        return np.stack([shrunk(x[t], max(1, side // 2)) for t in frames_shown(len(x))])
    step = -(-max(x.shape[:2]) // side)
    if step == 1:
        return x
    rows, columns = (np.arange(0, n, step) for n in x.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(x.astype(np.float64), rows, 0), columns, 1)
    heights, widths = (
        np.diff(np.append(at, n)) for at, n in zip((rows, columns), x.shape, strict=False)
    )
    return np.asarray(sums / (heights[:, None] * widths)[..., None], dtype=x.dtype)


def _words(column: Column, values: Sequence[Any]) -> tuple[str, ...]:
    words = column.categories
    if words:
        return tuple(words[int(v)] if v < len(words) else _plain(v) for v in values)
    few = set(map(_plain, values))
    return tuple(map(_plain, values)) if len(few) <= FEW_VALUES else ()


def _plain(value: float) -> str:
    return MISSING if np.isnan(value) else f"{value:g}"


def _each(number: Any, xs: Sequence[NDArray[Any]]) -> Floats:
    return np.array([number(x) for x in xs], dtype=np.float64)


def _ink(x: NDArray[Any]) -> float:
    grey = x.mean(axis=2)
    ground = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    return float((np.abs(grey - ground) > 0.25).mean())


def _unseen(xs: Sequence[NDArray[Any]], train: Sequence[NDArray[Any]]) -> Floats:
    seen = {str(word).casefold() for x in train for word in x}
    return _each(lambda x: np.mean([str(word).casefold() not in seen for word in x]), xs)


def _unlike(xs: Sequence[NDArray[Any]], train: Sequence[NDArray[Any]], data: Dataset) -> Floats:
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.permutation(len(train))[:MOST_ROWS])
    known, new = (_points(part, data) for part in ([train[i] for i in drawn], xs))
    spread = known.std(axis=0)
    known, new = (part / np.where(spread > 0, spread, 1.0) for part in (known, new))
    usual = np.sort(_nearest(known, known, same=True))
    return np.searchsorted(usual, _nearest(new, known)) / len(usual)


def _points(xs: Sequence[NDArray[Any]], data: Dataset) -> Floats:
    """(N, D): pictures shrunk, categories as one column a word."""
    if xs[0].ndim >= 3:
        xs = [shrunk(x, SEEN) for x in xs]
    flat = np.stack([x.ravel() for x in xs]).astype(np.float64)
    if xs[0].ndim == 1 and (gone := np.isnan(flat)).any():
        flat = np.concatenate(
            [np.where(gone, 0.0, flat), gone], axis=1
        )  # missing is a value of its own
    coded = {i: len(c.categories) for i, c in enumerate(data.columns) if c.categories}
    if xs[0].ndim > 1 or not coded:
        return flat
    plain = np.delete(flat, list(coded), axis=1)
    return np.concatenate(
        [plain, *(flat[:, [i]] == np.arange(n) for i, n in coded.items())], axis=1
    )


def _nearest(rows: Floats, others: Floats, same: bool = False) -> Floats:
    """(N,) squared distance to the nearest of the others; of the same rows, to another one."""
    squares, found = (others**2).sum(axis=1), np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        gaps = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ others.T
        if same:
            gaps[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        found[start : start + BLOCK] = np.maximum(gaps.min(axis=1), 0.0)
    return np.round(found, 9)  # so that rows met before lie at 0, whatever the order of sums
