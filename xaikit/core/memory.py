"""A memory of evaluated masks: each distinct mask is evaluated once, without Python per mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput

__all__ = ["Memory", "mask_keys"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_WORD = 64  # features that fit the fast integer key


class Memory:
    """Values of masks over n features, one float64 per mask.

    The keys are the masks' own bits, sorted, so that looking up is a binary search and no two
    masks can be taken for each other, whatever n.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._keys = mask_keys(np.empty((0, n), dtype=bool))  # sorted, distinct
        self._values: FloatArray = np.empty(0)  # in the order of the keys
        self._unsorted: tuple[BoolArray, FloatArray] | None = None  # remembered, without keys yet

    def __len__(self) -> int:
        """Number of masks remembered."""
        return len(self._keys) + (len(self._unsorted[0]) if self._unsorted else 0)

    def first(self, masks: BoolArray, evaluate: Callable[[BoolArray], Any]) -> FloatArray:
        """What `fill` gives for the first masks of all, all different: without looking for them."""
        values = np.asarray(evaluate(masks), dtype=np.float64).reshape(len(masks))
        self._unsorted = masks, values
        return values

    def fill(
        self, masks: BoolArray, evaluate: Callable[[BoolArray], Any], *, remember: bool = True
    ) -> FloatArray:
        """Values of the masks, bool (m, n) -> (m,).

        evaluate : called at most once, with the distinct masks that are not remembered, in the
            order of their first appearance, (k, n); returns k numbers. When it raises, the memory
            is as before.
        remember : keep what was evaluated.

        Raises InvalidInput where the masks are not of n features.
        """
        found = self._find(masks)
        if 0 < len(found.rows) == len(masks) and found.new.all():  # none known, none twice
            values = np.asarray(evaluate(masks), dtype=np.float64).reshape(len(masks))
            if remember:
                self._insert(found.place, found.distinct, values[found.rows])
            return values
        values = np.empty(len(found.rows))
        values[~found.new] = self._values[found.place[~found.new]]
        if found.new.any():
            asked = np.zeros(len(masks), dtype=bool)
            asked[found.rows[found.new]] = True
            fresh = np.asarray(evaluate(masks[asked]), dtype=np.float64)
            fresh = fresh.reshape(int(asked.sum()))  # as many numbers as masks
            fresh = fresh[(np.cumsum(asked) - 1)[found.rows[found.new]]]
            values[found.new] = fresh
            if remember:
                self._insert(found.place[found.new], found.distinct[found.new], fresh)
        return np.asarray(values[found.number], dtype=np.float64)

    def store(self, masks: BoolArray, values: FloatArray) -> None:
        """Remember values (m,) of masks (m, n) found elsewhere; the first of a mask stays."""
        found = self._find(masks)
        new = found.new
        self._insert(found.place[new], found.distinct[new], values[found.rows[new]])

    def fresh(self, masks: BoolArray) -> BoolArray:
        """Which of the masks are the first of their kind and not remembered, (m,)."""
        found = self._find(masks)
        first = np.zeros(len(masks), dtype=bool)
        first[found.rows[found.new]] = True
        return first

    def unseen(self, masks: BoolArray) -> int:
        """How many distinct masks, of bool (m, n), are not remembered."""
        return int(self._find(masks).new.sum())

    def _insert(self, place: NDArray[np.int64], keys: NDArray[Any], values: FloatArray) -> None:
        if len(self._keys) == 0:
            self._keys, self._values = keys, values
        else:
            self._keys = np.insert(self._keys, place, keys)
            self._values = np.insert(self._values, place, values)

    def _find(self, masks: BoolArray) -> _Found:
        if self._unsorted is not None:
            (known, values), self._unsorted = self._unsorted, None
            self.fill(known, lambda _: values)
        if masks.ndim != 2 or masks.shape[1] != self._n:
            raise InvalidInput(
                f"the masks have shape {masks.shape} and the memory is of {self._n} features; "
                f"give masks of shape (m, {self._n})."
            )
        keys = mask_keys(masks)
        order = np.argsort(keys)
        ordered = keys[order]
        first = np.ones(len(keys), dtype=bool)
        first[1:] = ordered[1:] != ordered[:-1]
        number = np.empty(len(keys), dtype=np.int64)
        number[order] = np.cumsum(first) - 1
        every = bool(first.all())  # no mask comes twice
        distinct = ordered if every else ordered[first]
        place = np.searchsorted(self._keys, distinct)
        new = np.ones(len(distinct), dtype=bool)
        inside = np.flatnonzero(place < len(self._keys))
        new[inside] = self._keys[place[inside]] != distinct[inside]
        rows = order if every else np.minimum.reduceat(order, np.flatnonzero(first))
        return _Found(distinct, rows, place, new, number)


def mask_keys(masks: BoolArray) -> NDArray[Any]:
    """One sortable key per mask, (m,), equal for equal masks only: an integer up to 64 features,
    raw bytes beyond."""
    m, n = masks.shape
    width = _WORD if n <= _WORD else -(-n // 8) * 8
    padded = np.zeros((m, width), dtype=bool)
    padded[:, :n] = masks
    packed = np.packbits(padded.ravel())  # much faster than along an axis
    return packed.view(np.uint64 if n <= _WORD else f"V{width // 8}")


class _Found(NamedTuple):
    """Distinct masks of a request of m: sorted keys (d,), first rows (d,), places among the
    remembered keys (d,), whether new (d,), and the number of each request's distinct mask (m,)."""

    distinct: NDArray[Any]
    rows: NDArray[np.int64]
    place: NDArray[np.int64]
    new: BoolArray
    number: NDArray[np.int64]
