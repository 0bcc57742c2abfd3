"""A table row as a way from the average to its answer: the strongest columns, the rest, where it ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.core.types import Explanation
from xaikit.report.case import Case, shares_scale
from xaikit.report.charts import position, tag
from xaikit.report.columns import Column, column_of
from xaikit.report.formats import signed
from xaikit.report.spoken import Phrase

__all__ = ["column_phrase", "row_thumb", "waterfall"]

MOST = 6
UNUSUAL = 3  # of the strongest columns that lie beyond nearly all training rows
PAD = 0.06  # of the way, at both ends of the axis


def waterfall(mine: Case) -> dict[str, Any]:
    """Steps in per cent of the axis, each with its column's value and where that lies."""
    e = mine.lead
    if e is None or not np.abs(e.values).max() > 0:
        return {"waterfall": None}
    order = np.argsort(-np.abs(e.values), kind="stable")
    most = MOST if len(order) > MOST + 1 else len(order)
    kept, rest = order[:most].tolist(), order[most:]
    adds = e.additive and shares_scale(e)
    steps = [float(e.values[i]) for i in kept]
    if len(rest) and adds:
        steps.append(float(e.values[rest].sum()))
    ways = _ways(e.empty if adds else None, steps)
    ends = [end for way in ways for end in way] + ([e.empty, e.output] if adds else [0.0])
    even = adds and e.target.space == "logit"
    low, high = min([*ends, *([0.0] if even else [])]), max([*ends, *([0.0] if even else [])])
    pad = PAD * (high - low)
    axis = (low - pad, high + pad)
    columns = [column_of(mine, e, i) for i in kept]
    rows = [
        _row(mine, e, column.name, value, way, axis) | _place(mine, column)
        for column, value, way in zip(columns, steps, ways, strict=False)
    ]
    if len(steps) > len(kept):
        name = mine.findings.words("waterfall.rest", parts=mine.findings.parts)
        rows.append(_row(mine, e, name, steps[-1], ways[-1], axis) | {"rest": True})
    return {
        "waterfall": {
            "rows": rows,
            "start": f"{position(e.empty, axis):.1f}" if adds else "",
            "average": mine.findings.run.config.get("masker", "auto") in AVERAGES,
            "end": f"{position(e.output, axis):.1f}" if adds else "",
            "zero": f"{position(0.0, axis):.1f}" if even or not adds else "",
            "sides": _sides(mine, e),
        },
        "unusual": _unusual(mine, columns),
    }


AVERAGES = ("auto", "rows", "median")  # removals after which the average of the rows is left


def _ways(start: float | None, steps: list[float]) -> list[tuple[float, float]]:
    """From where to where each step goes; without a start each from zero."""
    if start is None:
        return [(0.0, step) for step in steps]
    ends = np.cumsum([start, *steps]).tolist()
    return list(pairwise(ends))


def _row(
    mine: Case,
    e: Explanation,
    name: str,
    value: float,
    way: tuple[float, float],
    axis: tuple[float, float],
) -> dict[str, Any]:
    left, right = (position(x, axis) for x in sorted(way))
    words = mine.findings.words
    return {
        "name": name,
        "left": f"{left:.1f}",
        "width": f"{right - left:.1f}",
        "to": f"{position(way[1], axis):.1f}",
        "tone": "for" if value > 0 else "ag",
        "label": words(
            "waterfall.for" if value > 0 else "waterfall.against",
            name=name,
            value=signed(value, mine.digits_of(e)),
            unit=words.unit(e.unit),
        ),
    }


def _place(mine: Case, column: Column) -> dict[str, Any]:
    """The value as it is, and where it lies among the training rows."""
    words = mine.findings.words
    return {
        "value": column.value,
        "at": None if column.rank is None else f"{100 * min(max(column.rank, 0.03), 0.97):.0f}",
        "where": words(f"level.{column.level}.where") if column.level else "",
    }


def _sides(mine: Case, e: Explanation) -> tuple[str, str]:
    """What lies to the left and to the right of the zero line."""
    findings, words = mine.findings, mine.findings.words
    if not findings.classes or e.target.space == "value":
        return words("waterfall.lower"), words("waterfall.higher")
    name = findings.class_name(e.target.index)
    if len(findings.classes) == 2 and not findings.task.many:
        return findings.class_name(1 - e.target.index), name
    return words("waterfall.not", name=name), name


def _unusual(mine: Case, columns: list[Column]) -> str:
    n = sum(c.level in ("lowest", "highest") for c in columns)
    if n < UNUSUAL:
        return ""
    words = mine.findings.words
    said = words("waterfall.unusual", n=words.number(n), of=words.number(len(columns)))
    return said[:1].upper() + said[1:]


def column_phrase(mine: Case, e: Explanation, i: int) -> Phrase:
    """A column in a sentence, with how high its value is, or the category that it has."""
    column, words = column_of(mine, e, i), mine.findings.words
    if column.category:
        return Phrase(words("level.category", name=column.name, value=column.value))
    if not column.level:
        return Phrase(column.name)
    key = f"level.{column.level}.is"
    return Phrase(column.name, lambda names: words(key, names=names), key)


def row_thumb(mine: Case) -> Markup:
    """The way in small."""
    found = waterfall(mine)["waterfall"]
    if found is None:
        return tag("svg", viewBox="0 0 48 48", aria_hidden="true")
    rows = found["rows"][:7]
    bars = [
        tag(
            "rect",
            x=4 + 0.4 * float(r["left"]),
            y=4 + 5.8 * k,
            width=max(0.4 * float(r["width"]), 1.0),
            height=4.6,
            class_="res" if r.get("rest") else r["tone"],
        )
        for k, r in enumerate(rows)
    ]
    return tag("svg", *bars, viewBox="0 0 48 48", aria_hidden="true", class_="wft")
