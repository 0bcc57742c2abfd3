"""The smallest set of features whose removal turns the decision: searched, shrunk, and where it can be
enumerated, exact."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from xaikit.core.types import Bools, Floats
from xaikit.study.flip.asked import Asked

__all__ = ["exact", "searched", "smallest_removal"]

WIDTH = 8  # sets that are followed at once
CHUNK = 4096  # sets that are enumerated at once


def smallest_removal(
    asked: Asked, n: int, values: Floats | None, most: int
) -> tuple[Bools | None, bool]:
    """The smallest set (n,) bool that was found, or None, and whether it is known to be the smallest.

    values : (n,) of an attribution, whose order is tried first
    most : sets that may be tried in each of the search and the enumeration
    """
    return exact(asked, n, searched(asked, n, values, most), most)


def searched(asked: Asked, n: int, values: Floats | None, most: int) -> Bools | None:
    """A small set: the best of single features, of an order's first ones shrunk, and of a beam."""
    singles = np.eye(n, dtype=bool)
    margins, turned = asked(singles)
    if turned.any():
        return _best(singles, margins, turned)
    best = _first(asked, margins if values is None else values)
    best = None if best is None else _shrunk(asked, best)
    return _beam(asked, singles, margins, best, most)


def exact(asked: Asked, n: int, best: Bools | None, most: int) -> tuple[Bools | None, bool]:
    """All smaller sets in order of size, as far as `most` goes; the first that turns is the smallest."""
    end = n + 1 if best is None else int(best.sum())
    tried = n  # the single features were asked about by the search
    for size in range(2, end):
        tried += comb(n, size)
        if tried > most:
            return best, False
        found = _enumerated(asked, n, size)
        if found is not None:
            return found, True
    return best, True


def _enumerated(asked: Asked, n: int, size: int) -> Bools | None:
    """Of all sets of that size the one that turns it furthest."""
    at = np.array(list(combinations(range(n), size)))
    best, reached = None, -np.inf
    for start in range(0, len(at), CHUNK):
        sets = np.zeros((len(at[start : start + CHUNK]), n), dtype=bool)
        np.put_along_axis(sets, at[start : start + CHUNK], True, axis=1)
        margins, turned = asked(sets)
        if turned.any() and margins[turned].max() > reached:
            best, reached = _best(sets, margins, turned), margins[turned].max()
    return best


def _first(asked: Asked, values: Floats) -> Bools | None:
    """The fewest first features of an order, from either end, that turn it together."""
    order = np.argsort(-values, kind="stable")
    n = len(order)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    firsts = place < np.arange(2, n + 1)[:, None]  # (n - 1, n)
    lasts = place >= np.arange(n - 2, 0, -1)[:, None]  # (n - 2, n)
    sets = np.concatenate([firsts, lasts])
    _, turned = asked(sets)
    sets = sets[turned]
    return sets[sets.sum(axis=1).argmin()] if len(sets) else None


def _shrunk(asked: Asked, found: Bools) -> Bools:
    """Features are left back in, one at a time, as long as it stays turned."""
    while True:
        at = np.flatnonzero(found)
        fewer = np.repeat(found[None], len(at), axis=0)
        fewer[np.arange(len(at)), at] = False
        margins, turned = asked(fewer)
        if not turned.any() or len(at) == 1:
            return found
        found = _best(fewer, margins, turned)


def _beam(
    asked: Asked, singles: Bools, margins: Floats, best: Bools | None, most: int
) -> Bools | None:
    """A smaller set than `best` among those that grow from the most promising ones."""
    n = len(singles)
    sets, end = singles, n + 1 if best is None else int(best.sum())
    for _ in range(2, end):
        kept = sets[np.argsort(-margins, kind="stable")[:WIDTH]]
        grown = (kept[:, None] | singles)[~kept]  # each with one more
        sets = np.unique(grown, axis=0)
        if asked.evaluations + len(sets) > most:
            return best
        margins, turned = asked(sets)
        if turned.any():
            return _best(sets, margins, turned)
    return best


def _best(sets: Bools, margins: Floats, turned: Bools) -> Bools:
    """Of those that turn it the one that does so furthest."""
    found: Bools = sets[np.where(turned, margins, -np.inf).argmax()]
    return found
