"""Shortcuts: one column, place or word that gives most answers away by itself.

A column: always the strongest, and it turns most answers or gives the label away. A place of a picture: a
corner, or a single feature that turns most answers, with far more evidence than its size explains,
outside what the data mark.
A word: in many texts of one answer and few of the others, and the strongest in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST, spearman, wilson
from xaikit.core.types import Bools, Floats
from xaikit.judge.shares import Shares, low, outstanding, regions

__all__ = ["Shortcut", "shortcut"]

STRONG = 0.25  # least share of the evidence of a column, word or spot
SMALL = 0.1  # most share of a picture that is a spot
BEYOND = 3.0  # times the share that the size of a place explains
GIVEN_AWAY = 0.95  # of neighbours along a column have the same label, but where classes meet
RELATED = 0.98  # rank correlation of a column with the value to be predicted
COMMON = 0.25  # least share of the texts of an answer that hold a word
TELLING = 4.0  # times as common there as elsewhere
FEWEST_ALIKE = 5  # samples of an answer, when every one of them shows it


class Shortcut(NamedTuple):
    """What a model relies on; key: "column", "place" or "word"."""

    key: str
    numbers: Mapping[str, Any]

    def told(self, what: str) -> Finding:
        """As a "finding" or a "warning"."""
        some = ".class" if self.numbers.get("answer") is not None else ""
        return Finding(f"{what}.shortcut.{self.key}{some}", self.numbers)


def shortcut(seen: Shares) -> Shortcut | None:
    """The first that holds; None when there is none, or too few samples to tell."""
    return _column(seen) or _place(seen) or _word(seen)


def _column(seen: Shares) -> Shortcut | None:
    names, shares = seen.columns
    first = outstanding(shares, 0.0, 1) if seen.kind.tabular else []
    if not first:
        return None
    (j,) = first
    turned = int(seen.turns[:, j].sum())
    most = wilson(turned, len(shares))[0] > 0.5
    enough = min(STRONG, BEYOND / len(names))
    if not most and not (low(shares[:, j]) >= enough and _gives_away(seen, j)):
        return None
    numbers = {"name": names[j], "share": float(shares[:, j].mean()), "n": len(shares)}
    return Shortcut("column", {**numbers, "turned": turned})


def _gives_away(seen: Shares, j: int) -> bool:
    """Whether the column alone tells the label."""
    overview = seen.overview
    known = np.array([label is not None for label in overview.labels])
    if not overview.inputs or overview.meaning.many or known.sum() < FEWEST:
        return False
    x = np.array([row[j] for row in overview.inputs], dtype=np.float64)[known]
    y = np.array([label for label in overview.labels if label is not None], dtype=np.float64)
    if overview.meaning.words == "value":
        there = ~np.isnan(x)
        return bool(there.all()) and abs(spearman(x, y)) >= RELATED
    order = np.lexsort((np.random.default_rng(0).permutation(len(x)), x))  # ties in any order
    changes, classes = int(np.count_nonzero(np.diff(y[order]))), len(set(y.tolist()))
    return classes > 1 and changes - (classes - 1) <= (1 - GIVEN_AWAY) * len(y)


class _Spot(NamedTuple):
    """A place with its mean share among the samples of an answer (None: of all)."""

    share: float
    size: float
    where: str
    answer: str | None


def _place(seen: Shares) -> Shortcut | None:
    found = list(_spots(seen)) if seen.kind.view == "picture" else []
    if not found:
        return None
    spot = max(found)
    where = Finding(f"where.{spot.where}")
    every = {s.answer for s in found if s.where == spot.where} >= {a for a, _ in _answers(seen)}
    numbers = {"answer": None if every else spot.answer, "share": spot.share, "size": spot.size}
    return Shortcut("place", {**numbers, "place": where})


def _answers(seen: Shares) -> list[tuple[str | None, Bools]]:
    """The samples of each answer that has enough; all samples where there are no classes."""
    whole, *each = seen.groups()
    return [(answer, mine) for answer, mine in each if mine.sum() >= FEWEST_ALIKE] or [whole]


def _spots(seen: Shares) -> Iterator[_Spot]:
    """Small places with much evidence, outside what the data mark."""
    for answer, mine in _answers(seen):
        for where, region in _places(seen, mine):
            part = seen.everywhere(region, seen.support)
            share, size = part.share[mine & part.known], float(region.mean())
            if _least(share) >= max(STRONG, BEYOND * size) and not _marked(seen, region, mine):
                yield _Spot(float(share.mean()), size, where, answer)


def _least(share: Floats) -> float:
    """What the mean share is at least; of five to nine samples the least of all."""
    if len(share) >= FEWEST:
        return low(share)
    return float(share.min()) if len(share) >= FEWEST_ALIKE else -np.inf


def _places(seen: Shares, mine: Bools) -> Iterator[tuple[str, Bools]]:
    """Corners, where objects seldom lie; and where all samples share their features the strongest of
    them, if it lies in a corner too or turns most answers by itself."""
    for where, region in regions(seen).items():
        if _corner(where):
            yield where, region
    if seen.names:
        j = int(seen.support[mine].mean(axis=0).argmax())
        region = seen.overview.explanations.segmentations[0].ids == j
        alone = bool(seen.turns[mine, j].mean() > 0.5)
        if region.mean() <= SMALL and (alone or _corner(_ninth(region))):
            yield _ninth(region), region


def _corner(where: str) -> bool:
    return "_" in where


def _ninth(region: Bools) -> str:
    """In which ninth of the picture a region lies."""
    y, x = [
        int(3 * np.mean(at) / n) for at, n in zip(np.nonzero(region), region.shape, strict=True)
    ][-2:]
    row, column = ("top", "", "bottom")[y], ("left", "", "right")[x]
    return "_".join(filter(None, (row, column))) or "centre"


def _marked(seen: Shares, region: Bools, mine: Bools) -> bool:
    """Whether the data mark this place as one that carries the answer, in a quarter of it or more."""
    marks = [
        r for r, own in zip(seen.overview.rationales, mine, strict=False) if own and r is not None
    ]
    return bool(marks) and float(np.mean([mark[region].mean() for mark in marks])) >= 0.25


def _word(seen: Shares) -> Shortcut | None:
    strongest = seen.mass.max(axis=1)
    best: tuple[float, Shortcut] | None = None
    for answer, mine in seen.groups():
        for word, share in seen.words.items() if answer is not None else ():
            found = _telling(share, mine, strongest)
            if found is not None and (best is None or found[0] > best[0]):
                numbers = {"answer": answer, "word": word, "k": found[1], "n": int(mine.sum())}
                best = found[0], Shortcut("word", {**numbers, "share": found[0]})
    return best and best[1]


def _telling(share: Floats, mine: Bools, strongest: Floats) -> tuple[float, int] | None:
    """Mean share of a word in the texts of an answer that hold it, and their number."""
    holds = np.isfinite(share)
    here, there = float(holds[mine].mean()), float(holds[~mine].mean())
    if here < COMMON or here < TELLING * there:
        return None
    own = share[holds & mine]
    top = float((own >= strongest[holds & mine] - 1e-12).mean())
    return (float(own.mean()), len(own)) if _least(own) >= STRONG and top >= 0.5 else None
