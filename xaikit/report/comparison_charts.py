"""Where the marks of a comparison stand, in per cent of their place; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xaikit.report.charts import position
from xaikit.report.comparison_told import Told

__all__ = [
    "LOWEST",
    "curve_chart",
    "decision_chart",
    "gap_chart",
    "interval_chart",
    "reliability_chart",
]

LEFT, RIGHT = 9.0, 89.0  # where the first and last size stand
TOP, BOTTOM = 6.0, 93.0
LABELS = 7.0  # per cent between two labels
LOWEST = -1.0  # R2 below it stands at the bottom
LEAST_ERROR = 0.002  # errors below it stand at the top
TICKS = (
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.65,
    0.7,
    0.72,
    0.74,
    0.76,
    0.78,
    0.8,
    0.85,
    0.9,
    0.95,
    0.97,
    0.98,
    0.99,
    0.995,
)


def curve_chart(told: Told) -> dict[str, Any]:
    """Learning curves: lines, marks, levels and names; what is asked about last, so on top."""
    curves = told.comparison["learning"]
    rise = _stretched if told.shares else float
    values = [rise(max(p["value"], LOWEST)) for c in curves for p in c["points"]]
    low, high = min(values), max(values)
    down = _down(rise, low, high)
    across = _across([p["n"] for p in curves[0]["points"]])
    order = sorted(
        curves,
        key=lambda c: [told.a, told.b].index(c["model"]) + 1 if c["model"] in told.asked else 0,
    )
    lines = [
        {
            "tone": {told.a: "la", told.b: "lb"}.get(c["model"], "ot"),
            "points": " ".join(f"{across(p['n']):.2f},{down(p['value']):.2f}" for p in c["points"]),
        }
        for c in order
    ]
    marks = [
        {"tone": told.tone(c["model"]), "x": across(p["n"]), "y": down(p["value"])}
        for c in order
        if c["model"] in told.asked
        for p in c["points"]
    ]
    return {
        "lines": lines,
        "marks": marks,
        "levels": _levels(told, rise, low, high, down),
        "names": _names(told, {c["model"]: down(c["points"][-1]["value"]) for c in curves}),
        "sizes": _sizes(curves[0]["points"], across),
        "label": _label(told, curves),
    }


def _down(rise: Callable[[float], float], low: float, high: float) -> Callable[[float], float]:
    span = high - low or 1.0

    def at(value: float) -> float:
        share = (rise(max(value, LOWEST)) - low) / span
        return BOTTOM - (BOTTOM - TOP) * share

    return at


def _stretched(quality: float) -> float:
    """Errors on a logarithmic scale, so that 98 and 99 % stand apart."""
    return -math.log(max(1 - quality, LEAST_ERROR))


def _across(sizes: Sequence[float]) -> Callable[[float], float]:
    first, last = math.log(sizes[0]), math.log(sizes[-1])
    span = last - first or 1.0
    return lambda n: LEFT + (RIGHT - LEFT) * (math.log(n) - first) / span


def _levels(told: Told, rise: Any, low: float, high: float, down: Any) -> list[dict[str, Any]]:
    """Two or three levels that stand apart, the highest and lowest that are on the chart."""
    ticks = TICKS if told.shares else tuple(np.round(np.arange(-1, 1.01, 0.1), 1))
    known = [t for t in ticks if low <= rise(float(t)) <= high]
    kept: list[float] = []
    for t in sorted(known, reverse=True):
        if not kept or down(t) - down(kept[-1]) >= 20:
            kept.append(float(t))
    return [
        {"y": down(t), "text": told.quality(t, 0 if 1000 * t % 10 == 0 else 1)} for t in kept[:3]
    ]


def _names(told: Told, ends: Mapping[str, float]) -> list[dict[str, Any]]:
    """Names beside the last mark, moved apart; a line leads to each."""
    order = sorted(ends, key=ends.__getitem__)
    at: list[float] = []
    for name in order:
        at.append(max(ends[name], at[-1] + LABELS) if at else ends[name])
    over = max(0.0, at[-1] - 97.0)
    return [
        {"name": told.name(n), "on": n in told.asked, "y": y - over, "from": ends[n]}
        for n, y in zip(order, at, strict=True)
    ]


def _sizes(points: Sequence[Mapping[str, Any]], across: Any) -> list[dict[str, Any]]:
    """The first, the middle and the last number of rows."""
    middle = len(points) // 2
    return [
        {"x": across(points[i]["n"]), "n": points[i]["n"]} for i in dict.fromkeys((0, middle, -1))
    ]


def _label(told: Told, curves: Sequence[Mapping[str, Any]]) -> str:
    said = [
        told.words(
            "cmp.curve.said",
            name=told.name(c["model"]),
            points=", ".join(
                told.words("cmp.curve.point", value=told.quality(p["value"], 0), n=p["n"])
                for p in c["points"]
            ),
        )
        for c in curves
    ]
    return told.words("cmp.curve.label", said="; ".join(said))


def gap_chart(told: Told) -> dict[str, Any]:
    """The difference of the pair by number of rows, with the region that is too small to matter."""
    gaps, rope = told.comparison["gaps"], told.comparison["rope"]
    reach = max(rope * 3, *(abs(b) for g in gaps[-3:] for b in g["interval"]))
    axis = (-reach, reach)
    across = _across([g["n"] for g in gaps])
    marks = []
    for g in gaps:
        low, high = (100 - position(b, axis) for b in g["interval"])
        outside = abs(g["difference"]) > reach
        marks.append(
            {
                "x": across(g["n"]),
                "y": 100 - position(g["difference"], axis),
                "low": low,
                "high": high,
                "out": ("up" if g["difference"] > 0 else "down") if outside else "",
            }
        )
    band = [100 - position(b, axis) for b in (rope, -rope)]
    return {"marks": marks, "band": band[0], "height": band[1] - band[0]}


def interval_chart(told: Told) -> dict[str, Any]:
    """The pair's difference with its interval on the region that does not matter."""
    pair = told.pair(told.a, told.b) or {}
    low, high = pair["interval"]
    reach = 1.25 * max(abs(low), abs(high), 2 * pair["rope"])
    axis = (-reach, reach)
    at = {
        k: position(v, axis)
        for k, v in (("low", low), ("high", high), ("value", pair["difference"]))
    }
    band = position(-pair["rope"], axis), position(pair["rope"], axis)
    return at | {"band": band[0], "width": band[1] - band[0]}


def reliability_chart(told: Told) -> dict[str, Any] | None:
    """Stated sureness against the share that was right, for both; from the lowest group up."""
    sides = [told.entry(n).get("calibration") or [] for n in told.asked]
    if not all(sides):
        return None
    low = min(min(b["p"], b["observed"]) for bins in sides for b in bins)
    low = math.floor(max(0.0, low) * 10) / 10
    axis = (low, 1.0)
    marks = [
        {
            "tone": told.tone(name),
            "x": position(b["p"], axis),
            "y": 100 - position(b["observed"], axis),
            "low": 100 - position(b["lo"], axis),
            "high": 100 - position(b["hi"], axis),
        }
        for name, bins in zip(told.asked, sides, strict=True)
        for b in bins
    ]
    return {"marks": marks, "low": told.quality(low, 0), "high": told.quality(1.0, 0)}


def decision_chart(told: Told) -> dict[str, Any] | None:
    """Net benefit by threshold, for both, for acting always and never."""
    found = told.comparison.get("decision")
    if not found:
        return None
    x = np.array(found["thresholds"])
    top = max(max(max(v) for v in found["lines"].values()), 1e-6) * 1.08
    axis = (-0.25 * top, top)

    def line(values: Sequence[float]) -> str:
        pairs = [
            (100 * t, 100 - position(v, axis))
            for t, v in zip(x, values, strict=True)
            if v >= axis[0]
        ]
        return " ".join(f"{a:.2f},{b:.2f}" for a, b in pairs)

    return {
        "target": found["class"],
        "a": line(found["lines"][told.a]),
        "b": line(found["lines"][told.b]),
        "everyone": line(found["everyone"]),
        "zero": 100 - position(0.0, axis),
    }
