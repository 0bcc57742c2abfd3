"""Sequences that cost nothing an element: one thing many times over, names that are counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Floats

__all__ = ["Counted", "Same", "joined", "stacked", "taken"]

T = TypeVar("T")


class Same(Sequence[T]):
    """The same thing n times."""

    def __init__(self, thing: T, n: int) -> None:
        self.thing, self.n = thing, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return Same(self.thing, len(range(*i.indices(self.n))))
        if not -self.n <= i < self.n:
            raise IndexError(i)
        return self.thing


class Counted(Sequence[str]):
    """Names with a number each: "row 0", "row 1", ..."""

    def __init__(self, word: str, numbers: range) -> None:
        self.word, self.numbers = word, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return Counted(self.word, self.numbers[i])
        return f"{self.word} {self.numbers[i]}"


def taken(items: Any, rows: NDArray[np.int64]) -> Any:
    """Those rows of a sequence, as an array or a sequence of the same kind; None of None."""
    if items is None or isinstance(items, np.ndarray):
        return items if items is None else items[rows]
    if isinstance(items, Same):
        return Same(items.thing, len(rows))
    return [items[int(i)] for i in rows]


def stacked(parts: Sequence[Floats | None]) -> Any:
    """(N, ...) where all parts are of one shape, else a list; None when one is missing."""
    if any(part is None for part in parts):
        return None
    same = len({part.shape for part in parts if part is not None}) == 1
    return np.stack(parts) if same else list(parts)  # type: ignore[arg-type] # none is missing


def joined(parts: Sequence[Any]) -> Any:
    """The sequences one after the other; arrays of one shape a row become one array."""
    if any(part is None for part in parts):
        return None
    if all(isinstance(p, np.ndarray) for p in parts) and len({p.shape[1:] for p in parts}) == 1:
        return np.concatenate(parts)
    if all(isinstance(p, Same) for p in parts) and len({id(p.thing) for p in parts}) == 1:
        return Same(parts[0].thing, sum(map(len, parts)))
    if all(isinstance(p, Counted) and p.word == parts[0].word for p in parts):
        runs = [p.numbers for p in parts]
        one_by_one = all(run.step == 1 for run in runs)
        if one_by_one and all(a.stop == b.start for a, b in pairwise(runs)):
            return Counted(parts[0].word, range(runs[0].start, runs[-1].stop))
    return [item for part in parts for item in part]
