"""A table row: each value in its usual range, each method's evidence on one axis, and the sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xaikit.core.types import Explanation
from xaikit.report.case import Case, dot, probability, shares_scale
from xaikit.report.charts import range_bar
from xaikit.report.columns import value_of
from xaikit.report.formats import count, decimals, percent, signed

__all__ = ["table_end", "table_parts"]

MOST_ROWS = 8


def table_parts(mine: Case) -> dict[str, Any] | None:
    """Rows of features with their value and one dot-and-whisker column a method."""
    if mine.lead is None:
        return None
    words = mine.findings.words
    explanations = list(mine.explanations.values())
    order = np.argsort(-np.abs(mine.lead.values), kind="stable")
    kept, rest = order[:MOST_ROWS], order[MOST_ROWS:]
    columns = (mine.findings.run.context.get("data") or {}).get("columns") or []
    shared = table_end(mine)
    ends = [shared if shares_scale(e) else 1.0 for e in explanations]
    return {
        "note": words("table.note", target=_target(mine)),
        "rows": [
            {
                "name": mine.lead.names[i],
                **_value(mine, mine.lead, int(i), columns),
                "cells": [
                    _cell(mine, e, int(i), (-end, end))
                    for e, end in zip(explanations, ends, strict=True)
                ],
            }
            for i in kept
        ],
        "others": _others(mine, len(rest)) if len(rest) else "",
        "rest": [
            words("table.in_total", sum=signed(float(mine.shown(e)[rest].sum()), mine.digits_of(e)))
            for e in explanations
        ],
        "methods": [e.method for e in explanations],
        "sum": _sum(mine),
    }


def _others(mine: Case, n: int) -> str:
    found = mine.findings
    return found.words("table.others", n=count(n), part=found.part, parts=found.parts)


def _target(mine: Case) -> str:
    return mine.findings.task.describe(mine.lead.target) if mine.lead else ""


def table_end(mine: Case) -> float:
    """Where the axis of all methods in the output's unit ends: with their whiskers, if these are not
    longer than the values; the others have an own one, ±1."""
    sharing = [x for x in mine.explanations.values() if shares_scale(x)]
    trusted = [x for x in sharing if x.method in mine.findings.trusted] or sharing
    ends = []
    for x in trusted:
        errors = mine.errors(x)
        ends.append(float((np.abs(x.values) + (0 if errors is None else errors)).max()))
    return min(max([mine.end, *ends]), 2 * mine.end) or 1.0


def _cell(mine: Case, e: Explanation, i: int, axis: tuple[float, float]) -> dict[str, Any]:
    return dot(float(mine.shown(e)[i]), mine.errors(e), i, axis, mine.digits_of(e))


def _value(
    mine: Case, e: Explanation, i: int, columns: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the sample has in this feature, on the usual range of its column."""
    places = np.flatnonzero(e.segmentation.ids == i)
    if len(places) != 1:
        return {"value": mine.findings.words("table.several", n=len(places)), "range": ""}
    place = int(places[0])
    x = float(mine.sample.x[place])
    column = columns[place] if place < len(columns) else {}
    value = value_of(x, column, mine.findings.words)
    if column.get("categories") or np.isnan(x):
        return {"value": value, "range": ""}
    unit = f" {column['unit']}" if column.get("unit") else ""
    ends = [column.get(k) for k in ("low", "median", "high")]
    chart = "" if None in ends else range_bar(x, *(float(end or 0.0) for end in ends))
    return {"value": value + unit, "range": chart}


def _sum(mine: Case) -> str:
    """The additive account of the first method that has one, in words."""
    e = next((x for x in mine.explanations.values() if x.additive and shares_scale(x)), None)
    if e is None:
        return ""
    words, verdict = mine.findings.words, mine.findings.verdicts[e.method]
    d = decimals(max(abs(e.output), abs(e.empty), 1e-6))
    unit = words.known(f"unit.{e.target.unit}", e.target.unit)
    total = signed(e.output, d)
    if mine.findings.classes and e.target.space == "logit" and e.target.against is None:
        name = mine.findings.class_name(e.target.index)
        unit = f"{unit} = {percent(probability(e.output))} {name}"
    body = words(
        "sum.body",
        method=mine.findings.name(e.method),
        empty=signed(e.empty, d),
        parts=signed(float(e.values.sum()), d),
        n=len(e.values),
        what=mine.findings.parts,
        total=total,
        unit=unit,
        residual=signed(e.residual, d),
    )
    check = verdict.check("adds_up")
    return body + (words("sum.passed") if check is not None and check.passed else ".")
