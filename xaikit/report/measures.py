"""Every measure of every method in one table: what stands behind the verdicts."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from xaikit.core.stats import median_interval
from xaikit.core.types import Score
from xaikit.report.findings import Findings, estimate
from xaikit.report.formats import fixed, interval

__all__ = ["measures_block"]

FAMILIES = ("faithfulness", "stability", "sanity", "plausibility")


def measures_block(findings: Findings) -> dict[str, Any]:
    """Groups of rows, one a family; a row for each measure and way of removing, a cell a method."""
    rows: dict[tuple[str, str, str], dict[str, list[Score]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for s in findings.run.scores:
        if "method" in s.of and findings.measure(s.metric).get("in_table", True):
            masker = str(s.of.get("masker", ""))
            rows[s.family, s.metric, masker][str(s.of["method"])].append(s)
    maskers: dict[str, set[str]] = defaultdict(set)
    for _, metric, masker in rows:
        maskers[metric].add(masker)
    groups = [
        {
            "family": findings.words.known(f"family.{family}", family),
            "rows": [
                _row(findings, metric, masker if len(maskers[metric]) > 1 else "", found)
                for (of, metric, masker), found in rows.items()
                if of == family
            ],
        }
        for family in dict.fromkeys([*FAMILIES, *(of for of, _, _ in rows)])
    ]
    return {
        "methods": [(findings.name(m), findings.stopped(m)) for m in findings.order],
        "groups": [g for g in groups if g["rows"]],
    }


def _row(
    findings: Findings, metric: str, masker: str, found: dict[str, list[Score]]
) -> dict[str, Any]:
    first = next(iter(found.values()))[0]
    told = findings.measure(metric)
    name, meaning = findings.measured(metric), str(told.get("means", ""))
    under = findings.words("measures.under", masker=masker) if masker else ""
    return {
        "name": f"{name} {'↑' if first.direction == 'higher' else '↓'}",
        "meaning": "; ".join(x for x in (meaning, under) if x),
        "cells": [_cell(found.get(m, []), told.get("centre") == "median") for m in findings.order],
    }


def _cell(scores: list[Score], by_median: bool) -> tuple[str, str]:
    """The mean (or median) and its interval as printed."""
    values = [s.value for s in scores if np.isfinite(s.value)]
    found = estimate(values)
    if found is None:
        return "–", ""
    value, bounds = found.value, found.interval
    if by_median:
        value = float(np.median(values))
        bounds = median_interval(values)
    digits = 3 if max(map(abs, (value, *(bounds or ())))) < 0.1 else 2
    return fixed(value, digits), interval(bounds, digits, sign=False)
