"""One column of a table row: its value in the data's own words, and where it lies among training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xaikit.core.types import Explanation
from xaikit.report.case import Case
from xaikit.report.formats import amount
from xaikit.report.words import Words

__all__ = ["Column", "column_of", "rank_of", "said_of", "value_of"]

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
    value = value_of(x, told, mine.findings.words)
    if told.get("categories") or np.isnan(x):
        return Column(e.names[i], value, category=True)
    unit = f" {told['unit']}" if told.get("unit") else ""
    rank = rank_of(x, told)
    return Column(e.names[i], value + unit, rank, _level(rank))


def value_of(x: float, column: Mapping[str, Any], words: Words) -> str:
    """What stands in a cell: a number, a category by its word, or that there is none."""
    categories = column.get("categories") or []
    if not np.isnan(x) and x.is_integer() and 0 <= x < len(categories):
        return str(categories[int(x)])
    return said_of(x, words)


def said_of(value: float | str | None, words: Words) -> str:
    """A value as a run keeps it, where None is a missing one."""
    if isinstance(value, str):
        return value
    return words("table.missing") if value is None or np.isnan(value) else amount(value)


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
