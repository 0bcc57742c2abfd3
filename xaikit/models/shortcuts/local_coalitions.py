"""A few images that show every place of an early map every coalition of the features in its receptive field.

A receptive field there is a small part of the image, so it holds few features. Features get colours
such that no place has seen two of one colour. An image that keeps whole colours then shows each place
some choice of its features, and a few of these images show every place every choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Bools, Ints
from xaikit.models.shortcuts.receptive_field import Call, FieldTracker, Sides

__all__ = ["CALL", "EXPECTED", "LocalCoalitions", "best_cut", "coloured", "covering"]

EXPECTED = 512  # masks that the cut is chosen for
_CLEAR = 0.95  # share of the work in full that must not be exceeded then
_FEATURES, _COLOURS = 6, 8  # that a place may have seen, and all places together
_BYTES = 2**24  # of the counts that tell what places have seen, and of the tiles
# in multiply-adds of a convolution, what it costs ...
_MOVE, _INDEX = 8, 100  # ... to copy a value and to find a place
CALL = 8_000_000  # ... to make one pass of gathered activations


@dataclass(frozen=True, eq=False)
class LocalCoalitions:
    """Where a net is cut, and the coalitions of features that the places of the map there can see: its tiles.

    n : calls before the cut; shape : (C, H, W) of the map
    bases : (b, n_features) bool, masks whose maps hold all tiles
    codes : (n_features, H * W) float32; summed over the features kept, the number of a place's tile
    first : (H * W,) number of tiles of the places before
    once : work of one base image up to the cut; saved : of one row, less what gathering costs
    """

    n: int
    shape: tuple[int, ...]
    bases: Bools
    codes: NDArray[np.float32]
    first: Ints
    n_tiles: int
    once: float
    saved: float


def best_cut(tracker: FieldTracker, ids: Ints, k: int, rows: int) -> LocalCoalitions | None:
    """That of the cut which is cheapest for a few hundred masks; None where none is clearly cheaper.

    ids : (H, W) features, -1 for places that are never removed; k : references; rows : of a pass
    """
    if 2 * ids.size * int(ids.max() + 1) > _BYTES:
        return None
    cuts = [n for n in tracker.cuts() if _fewest(ids, tracker.calls[n - 1].sides) <= _FEATURES]
    counts = _counts(ids) if cuts else ids
    best, least = None, _CLEAR * EXPECTED * tracker.work
    for n in reversed(cuts):  # deeper maps save more and may need more colours
        call = tracker.calls[n - 1]
        if EXPECTED * (tracker.work - call.work) >= least:
            break
        found = _local(n, call, _seen(counts, call.sides, call.shape[1:]), k)
        if found is not None:
            cost = tracker.work - found.saved + CALL / rows
            cost = EXPECTED * cost + len(found.bases) * found.once
            if cost < least:
                best, least = found, cost
    return best


def _fewest(ids: Ints, sides: Sides) -> float:
    """At least how many features some place has seen: what it sees over the largest feature."""
    seen = math.prod(
        min(reach.end - reach.first, side) for reach, side in zip(sides, ids.shape, strict=True)
    )
    return float((seen - np.sum(ids < 0)) / np.bincount(ids[ids >= 0]).max())


def _local(n: int, call: Call, seen: Bools, k: int) -> LocalCoalitions | None:
    """None where places have seen too many features."""
    many = seen.sum(axis=0)
    n_tiles, n_values = int((2**many).sum()), math.prod(call.shape)
    if many.max() > _FEATURES or 4 * k * n_tiles * call.shape[0] > _BYTES:
        return None
    colours = coloured(seen)
    if colours.max() >= _COLOURS:
        return None
    subsets = np.unique(2**colours @ seen)  # of colours that a place has seen, as bits
    bases = (covering(subsets, int(colours.max()) + 1)[:, None] >> colours) & 1 == 1
    rank = np.cumsum(seen, axis=0) - 1  # of a feature among those that a place has seen
    codes = np.where(seen, 2.0**rank, 0.0).astype(np.float32)
    first = np.append(0, np.cumsum(2**many)[:-1])
    saved = call.work - n_values * _MOVE - len(many) * _INDEX
    return LocalCoalitions(n, call.shape, bases, codes, first, n_tiles, call.work, saved)


def coloured(seen: Bools) -> Ints:
    """(n, places) -> (n,): the first free colour of each feature; no place has seen one twice."""
    near = seen.astype(np.float32)
    meets = (near @ near.T) > 0
    colours = np.full(len(seen), -1)
    for feature, others in enumerate(meets):
        taken = np.bincount(colours[others] + 1)[1:]  # without the colour of those that have none
        free = np.flatnonzero(taken == 0)
        colours[feature] = free[0] if len(free) else len(taken)
    return colours


def covering(subsets: Ints, n_bits: int) -> Ints:
    """Few numbers of so many bits that show each subset of bits, itself a number, every choice of it.

    Greedy: the next is always one that shows most choices not yet seen.
    """
    within = (subsets[:, None] & subsets) == subsets  # [i, j]: j is a part of i
    subsets = subsets[within.sum(axis=0) == 1]  # their parts see every choice too
    numbers, every = np.arange(2**n_bits), np.arange(len(subsets))
    choices = numbers[:, None] & subsets  # (2^n_bits, subsets)
    unseen = np.zeros((len(subsets), len(numbers)), dtype=bool)
    unseen[every, choices] = True
    found = []
    while unseen.any():
        found.append(int(unseen[every, choices].sum(axis=1).argmax()))
        unseen[every, choices[found[-1]]] = False
    return np.array(found)


def _counts(ids: Ints) -> Ints:
    """(n, H + 1, W + 1): places of each feature above and left of each; differences count, modulo 2^16."""
    n, (height, width) = int(ids.max()) + 1, ids.shape
    found = np.zeros((n, height + 1, width + 1), dtype=np.uint16)
    inside = found[:, 1:, 1:]
    np.equal(ids, np.arange(n)[:, None, None], out=inside, casting="unsafe")
    np.cumsum(inside, axis=1, out=inside)
    np.cumsum(inside, axis=2, out=inside)
    return found


def _seen(counts: Ints, sides: Sides, size: Sequence[int]) -> Bools:
    """(n, H * W): which features each place of a map of that size has seen."""
    spans = []
    for reach, n_places, end in zip(sides, size, counts.shape[1:], strict=True):
        start = reach.step * np.arange(n_places)
        spans.append(np.clip([start + reach.first, start + reach.end], 0, end - 1))
    (top, bottom), (left, right) = spans
    band = counts[:, bottom] - counts[:, top]
    found = band[:, :, right] != band[:, :, left]
    return np.asarray(found.reshape(len(counts), -1))
