"""One column of a table row: its value in the data's own words, and where it lies among training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xaikit.core.types import Explanation
from xaikit.report.case import Case
from xaikit.report.formats import amount

__all__ = ["Column", "column_of", "rank_of"]

# share of the training rows that lie below -> how the value is called
LEVELS = (
    (0.01, "lowest"),
    (0.1, "very_low"),
    (0.3, "low"),
    (0.7, "middle"),
    (0.9, "high"),
    (0.99, "very_high"),
)
ENDS = {"low": 0.05, "median": 0.5, "high": 0.95}


@dataclass(frozen=True)
class Column:
    """rank : share of the training rows below its value, None where nobody knows; level : in a word, "" then."""

    name: str
    value: str
    rank: float | None = None
    level: str = ""
    category: bool = False


def column_of(mine: Case, e: Explanation, i: int) -> Column:
    """What the sample has in feature i."""
    places = np.flatnonzero(e.segmentation.ids == i)
    if len(places) != 1:
        several = mine.findings.words("table.several", n=len(places))
        return Column(e.names[i], "" if mine.sample.kind.view == "parts" else several)
    columns = (mine.findings.run.context.get("data") or {}).get("columns") or []
    place, x = int(places[0]), float(mine.sample.x[int(places[0])])
    told = columns[place] if place < len(columns) else {}
    categories = told.get("categories") or []
    if categories:
        known = x.is_integer() and 0 <= x < len(categories)
        return Column(e.names[i], str(categories[int(x)]) if known else amount(x), category=True)
    unit = f" {told['unit']}" if told.get("unit") else ""
    rank = rank_of(x, told)
    return Column(e.names[i], amount(x) + unit, rank, _level(rank))


def rank_of(x: float, column: Mapping[str, Any]) -> float | None:
    """The share of the training rows whose value is smaller, between the quantiles that are known."""
    known: Sequence[float] = column.get("quantiles") or ()
    if len(known) > 1:
        return _between(x, list(known), np.linspace(0, 1, len(known)).tolist())
    ends = [column.get(name) for name in ENDS]
    if None in ends:
        return None
    return _between(x, [float(end or 0.0) for end in ends], list(ENDS.values()))


def _between(x: float, values: list[float], shares: list[float]) -> float:
    """Interpolated; in the middle of values that many rows share; 0 or 1 beyond all."""
    below = float(np.interp(x, values, shares, left=0.0, right=1.0))
    same = [s for v, s in zip(values, shares, strict=True) if v == x]
    return (same[0] + same[-1]) / 2 if len(same) > 1 else below


def _level(rank: float | None) -> str:
    if rank is None:
        return ""
    return next((name for end, name in LEVELS if rank <= end), "highest")
