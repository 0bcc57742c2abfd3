"""Agreement between methods, and the removal test, as the page shows them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from xaikit.core.types import Floats
from xaikit.report.badges import badge
from xaikit.report.charts import curve_panel
from xaikit.report.colour import step_of
from xaikit.report.consensus import consensus_block
from xaikit.report.evidence import disagreement_block, ranks_block, shift_block
from xaikit.report.findings import RANDOM, Findings
from xaikit.report.formats import count, fixed, interval, percent, signed

__all__ = ["agreement_block", "removal_block"]

STABLE = 0.8  # agreement with its own second run that counts as repeating well
LOW = 0.4  # agreement that counts as agreeing with nobody
X = np.linspace(0, 1, 41)
TABLED = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


def agreement_block(findings: Findings) -> dict[str, Any]:
    """The matrix by rank correlation, the same by other measures, and what it says in words."""
    shown = findings.agreement_metrics
    return {
        "matrices": [_matrix(findings, m) for m in shown],
        "reading": _reading(findings) if shown else [],
        "differ": disagreement_block(findings),
        "consensus": consensus_block(findings),
    }


def _matrix(findings: Findings, metric: str) -> dict[str, Any]:
    compared = {
        m
        for a, b in itertools.combinations(findings.order, 2)
        if findings.agreement(a, b, metric) is not None
        for m in (a, b)
    }
    methods = [m for m in findings.order if m in compared]
    pairs = (findings.pair(a, b, metric) for a, b in itertools.combinations(methods, 2))
    return {
        "n": max((p.n for p in pairs if p), default=0),
        "metric": findings.measured(metric),
        "names": [findings.name(m) for m in methods],
        "rows": [
            {
                "name": findings.name(a),
                "stopped": findings.stopped(a),
                "cells": [_cell(findings, a, b, metric) for b in methods],
            }
            for a in methods
        ],
    }


def _cell(findings: Findings, a: str, b: str, metric: str) -> dict[str, Any]:
    found = findings.pair(a, b, metric)
    return {
        "text": fixed(found.value if found else None),
        "step": step_of(found.value) if found else 0,
        "ceiling": fixed(found.ceiling) if found and found.ceiling is not None else "",
        "itself": a == b and found is not None,
        "differs": metric == "spearman" and findings.disagree(a, b),
    }


def _reading(findings: Findings) -> list[str]:
    """Which methods stand apart, and whether that is noise."""
    found = []
    for method in (m for m in findings.real if m not in findings.passed):
        own = findings.agreement(method, method)
        others = [
            v
            for m in findings.real
            if m != method and (v := findings.agreement(method, m)) is not None
        ]
        if own is None or not others or max(others) > LOW:
            continue
        key = "unstable" if own < LOW else "alone" if own >= STABLE else ""
        if key:
            name = findings.name(method)
            found.append(findings.words(f"agreement.{key}", name=name, value=fixed(own)))
    return found[:2]


def removal_block(findings: Findings) -> dict[str, Any]:
    """A panel per method with its deletion and insertion curves against the random order."""
    methods = [
        m
        for m in findings.order
        if m != RANDOM
        and any(findings.mean_curve(k, m, X) is not None for k in ("deletion", "insertion"))
    ]
    axis = _axis(findings, methods)
    return {
        "panels": [_panel(findings, m, axis) for m in methods],
        "of": _of(findings),
        "probability": _in_probability(findings),
        "ranks": ranks_block(findings),
        "shift": shift_block(findings),
    }


def _panel(findings: Findings, method: str, axis: tuple[float, float]) -> dict[str, Any]:
    found = [_curve(findings, kind, method, axis) for kind in ("deletion", "insertion")]
    return {
        "title": findings.title(method),
        "badge": badge(findings, findings.verdicts[method].status),
        "stopped": findings.stopped(method),
        "curves": [c for c in found if c],
    }


def _curve(
    findings: Findings, kind: str, method: str, axis: tuple[float, float]
) -> dict[str, Any] | None:
    words = findings.words
    mine, random = (findings.mean_curve(kind, m, X) for m in (method, RANDOM))
    if mine is None or random is None:
        return None
    gain = findings.gain(kind, method)
    value = signed(gain.value) if gain else "–"
    how = words(f"removal.{kind}")
    title, parts = findings.title(method), findings.parts
    label = words("removal.label", method=title, parts=parts, how=how, value=value)
    return {
        "how": how,
        "area": words(
            "removal.area", value=value, interval=interval(gain.interval) if gain else ""
        ).strip(),
        "chart": curve_panel(
            X,
            mine,
            random,
            axis=axis,
            ticks=_ticks(findings),
            names=(findings.name(method), words("removal.random")),
            label=label,
        ),
        "table": [
            (percent(t), fixed(float(np.interp(t, X, mine))), fixed(float(np.interp(t, X, random))))
            for t in TABLED
        ],
    }


def _axis(findings: Findings, methods: list[str]) -> tuple[float, float]:
    """0 to 1 for probabilities; for values what all curves span, never cut."""
    if _in_probability(findings):
        return 0.0, 1.0
    curves: list[Floats] = [
        c
        for m in [*methods, RANDOM]
        for k in ("deletion", "insertion")
        if (c := findings.mean_curve(k, m, X)) is not None
    ]
    if not curves:
        return 0.0, 1.0
    low, high = float(np.min(curves)), float(np.max(curves))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _in_probability(findings: Findings) -> bool:
    """Whether the curves are probabilities of the explained answer."""
    asked = (e.target.space != "value" for e in findings.run.explanations)
    return bool(findings.classes) and all(asked)


def _n_features(findings: Findings) -> int | None:
    """How many features every sample has, None when they differ."""
    counts = {e.segmentation.n_features for e in findings.run.explanations}
    return counts.pop() if len(counts) == 1 else None


def _ticks(findings: Findings) -> list[tuple[float, str]]:
    n = _n_features(findings)
    if n is None:
        return [(t, percent(t)) for t in (0.0, 0.5, 1.0)]
    step = 0.25 if n % 4 == 0 else 0.5 if n % 2 == 0 else 1.0
    return [(t, count(t * n)) for t in np.arange(0, 1.01, step).tolist()]


def _of(findings: Findings) -> str:
    n = _n_features(findings)
    return f"({n})" if n is not None else "(%)"
