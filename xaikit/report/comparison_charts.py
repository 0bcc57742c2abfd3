"""Charts of the page that compares models: differences, calibration, learning curves, dumbbells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.report.charts import Axis, line_path, position, tag
from xaikit.report.formats import count, fixed, percent, signed, tick_digits

__all__ = [
    "calibration_chart",
    "difference_chart",
    "dumbbell",
    "learning_chart",
    "marker",
    "nice_end",
]

SHAPES = ("circle", "square", "diamond", "triangle")
TONES = 4


def marker(i: int, x: str = "8", y: str = "8", *, small: bool = False) -> Markup:
    """The mark of model number i: shapes differ, so that colour is never needed."""
    shape, tone = SHAPES[i % len(SHAPES)], f"m{i % TONES}"
    r = 4.0 if small else 5.0
    drawn = {
        "circle": f"M-{r} 0a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 -{2 * r} 0z",
        "square": f"M-{r} -{r}h{2 * r}v{2 * r}h-{2 * r}z",
        "diamond": f"M0 -{1.3 * r}L{1.3 * r} 0 0 {1.3 * r}-{1.3 * r} 0z",
        "triangle": f"M0 -{1.2 * r}L{1.2 * r} {r}H-{1.2 * r}z",
    }[shape]
    hollow = "fill:var(--surface)" if (i // len(SHAPES)) % 2 else None
    path = tag("path", d=drawn, class_="marker", style=hollow)
    return tag("svg", path, x=x, y=y, overflow="visible", class_=tone)


def nice_end(value: float) -> float:
    """The next of 1, 2, 3, 4, 5 and 10 times a power of ten."""
    if value <= 0:
        return 1.0
    base = 10 ** np.floor(np.log10(value))
    return float(next(m for m in (1, 2, 3, 4, 5, 10) if m * base >= value * 0.999) * base)


def difference_chart(
    value: float, interval: Sequence[float] | None, rope: float, *, label: str
) -> Markup:
    """A difference with its interval on the grey band of differences that do not matter."""
    reach = max([abs(value), rope, *(abs(b) for b in interval or ())])
    end = nice_end(1.15 * reach)
    axis = (-end, end)
    thirds = f"{end:e}"[0] == "3"
    ticks = np.linspace(-end, end, 7 if thirds else 5).tolist()
    band = (position(-rope, axis), position(rope, axis))
    parts = [
        tag(
            "rect", x=_at(band[0]), width=_at(band[1] - band[0]), y=4, height=72, class_="band-rope"
        ),
        tag("line", x1="50%", x2="50%", y1=4, y2=76, class_="zero"),
        tag("line", x1="0", x2="100%", y1=76, y2=76, class_="axis"),
    ]
    for t in ticks:
        place = _at(position(float(t), axis))
        words = signed(float(t), tick_digits(ticks))
        parts += [
            tag("line", x1=place, x2=place, y1=76, y2=81, class_="axis"),
            tag("text", words, x=place, y=97, class_=f"tick {_side(position(float(t), axis))}"),
        ]
    if interval is not None:
        low, high = (position(b, axis) for b in interval)
        parts.append(tag("line", x1=_at(low), x2=_at(high), y1=50, y2=50, class_="whisker"))
        parts += [
            tag("line", x1=_at(b), x2=_at(b), y1=44, y2=56, class_="whisker") for b in (low, high)
        ]
    x = position(value, axis)
    hollow = interval is None or interval[0] <= 0 <= interval[1]
    parts.append(
        tag(
            "g",
            tag("circle", cx=_at(x), cy=50, r=5.5, class_="dot"),
            class_="hollow" if hollow else "",
        )
    )
    parts.append(tag("text", label, x=_at(x), y=30, class_=f"name {_side(x)}"))
    return _box(parts, 102)


def calibration_chart(
    models: Sequence[Mapping[str, Any]], label: str, words: tuple[str, str]
) -> Markup:
    """Stated probability against the share that is truly so; the diagonal is perfect."""
    ticks = (0.0, 0.5, 1.0)
    parts = [
        tag("line", x1="0", y1="100%", x2="100%", y2="0", class_="perfect"),
        tag("text", words[0], x="66%", y="31%", class_="tick end"),
    ]
    parts += [
        tag("text", percent(t), x=_at(100 * t), y="100%", dy=20, class_=f"tick {_side(100 * t)}")
        for t in ticks
    ]
    parts += [
        tag("text", count(100 * t), x=-8, y=_at(100 - 100 * t), dy=4, class_="tick end")
        for t in ticks
    ]
    parts.append(tag("text", words[1], x="50%", y="100%", dy=38, class_="tick mid"))
    for i, model in enumerate(models):
        for b in model["bins"]:
            x, y = _at(100 * b["p"]), _at(100 - 100 * b["observed"])
            span = tag(
                "line",
                x1=x,
                x2=x,
                y1=_at(100 - 100 * b["lo"]),
                y2=_at(100 - 100 * b["hi"]),
                class_="span",
            )
            parts.append(tag("g", span, marker(i, x, y, small=True), class_=f"m{i % TONES}"))
    return _plot(parts, label, 300, "38px")


def learning_chart(
    curves: Sequence[Mapping[str, Any]], label: str, words: str, *, shares: bool
) -> Markup:
    """Quality by number of training samples (logarithmic); whiskers are the extremes."""
    points = [p for c in curves for p in c["points"]]
    sizes = sorted({int(p["n"]) for p in points})
    bounds = [v for p in points for v in (p["value"], p.get("low"), p.get("high")) if v is not None]
    step = 0.1 if shares else nice_end((max(bounds) - min(bounds)) / 4 or 1)
    low = float(np.floor(min(bounds) / step) * step)
    high = float(np.ceil(max(bounds) / step) * step) or step
    high = min(high, 1.0) if shares else high
    axis = (low, high if high > low else low + step)
    n = np.log([sizes[0], sizes[-1]])
    across: Axis = (float(n[0]), float(n[1]) if n[1] > n[0] else float(n[0]) + 1)
    levels = np.arange(axis[0], axis[1] + step / 2, step)
    digits = tick_digits((100 * levels if shares else levels).tolist())
    parts = [_level(float(v), axis, shares, digits) for v in levels]
    parts += [
        tag("text", count(s), x=_at(_x(s, across)), y="100%", dy=20, class_="tick mid")
        for s in sizes
    ]
    parts.append(tag("text", words, x="50%", y="100%", dy=38, class_="tick mid"))
    for curve in curves:
        parts.append(_learning_line(curve, axis, across))
    return _plot(parts, label, 300, "44px")


def dumbbell(shares: Sequence[float | None], end: float) -> Markup:
    """The share of each model on one track, joined by a bar as long as their gap."""
    at = [(i, position(s, (0.0, end))) for i, s in enumerate(shares) if s is not None]
    places = [x for _, x in at]
    parts = [tag("line", x1="0", x2="100%", y1=9, y2=9, class_="track")]
    if places:
        parts.append(
            tag("line", x1=_at(min(places)), x2=_at(max(places)), y1=9, y2=9, class_="dumbbell")
        )
    parts += [marker(i, _at(x), "9") for i, x in at]
    return tag("svg", *parts, width="100%", height=18, aria_hidden="true")


def _learning_line(curve: Mapping[str, Any], axis: Axis, across: Axis) -> Markup:
    i = int(curve["index"])
    x = np.array([_x(p["n"], across) / 100 for p in curve["points"]])
    y = np.array([position(p["value"], axis) / 100 for p in curve["points"]])
    line = tag(
        "svg",
        tag("path", d=line_path(x, y), class_="stroke"),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
        overflow="visible",
    )
    marks = []
    for p, a, b in zip(curve["points"], x, y, strict=True):
        place = _at(100 * float(a))
        if p.get("low") is not None and p.get("high") is not None:
            ends = [_at(100 - position(p[k], axis)) for k in ("low", "high")]
            marks.append(tag("line", x1=place, x2=place, y1=ends[0], y2=ends[1], class_="span"))
        marks.append(marker(i, place, _at(100 - 100 * float(b)), small=True))
    return tag("g", line, *marks, class_=f"m{i % TONES}")


def _x(n: float, across: Axis) -> float:
    """Sizes lie between 4 and 96 per cent of the plot's width."""
    return 4 + 0.92 * position(float(np.log(n)), across)


def _level(value: float, axis: Axis, shares: bool, digits: int) -> Markup:
    y = _at(100 - position(value, axis))
    words = fixed(100 * value if shares else value, digits)
    return tag(
        "g",
        tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"),
        tag("text", words, x=-8, y=y, dy=4, class_="tick end"),
    )


def _plot(parts: Sequence[Markup], label: str, height: int, left: str) -> Markup:
    chart = tag(
        "svg", *parts, width="100%", height="100%", overflow="visible", role="img", aria_label=label
    )
    return tag(
        "div", chart, class_="chart-box", style=f"height:{height}px;padding:12px 12px 44px {left}"
    )


def _box(parts: Sequence[Markup], height: int) -> Markup:
    return tag(
        "div",
        tag("svg", *parts, width="100%", height=height, overflow="visible", aria_hidden="true"),
        class_="chart-box",
    )


def _side(per_cent: float) -> str:
    """Words near an edge run inwards."""
    return "start" if per_cent < 8 else "end" if per_cent > 92 else "mid"


def _at(per_cent: float) -> str:
    return f"{per_cent:.1f}%"
