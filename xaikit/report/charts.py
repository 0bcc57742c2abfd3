"""Small SVG charts. Positions are percentages, so a chart fills its place and its text never shrinks.

Every text and attribute is escaped here; what comes back is safe `Markup`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from xaikit.core.types import Floats
from xaikit.report.formats import fixed, tick_digits

__all__ = ["curve_panel", "dot_whisker", "line_path", "position", "range_bar", "shorten", "tag"]

Axis = tuple[float, float]
LONGEST_NAME = 22
LETTER = 0.032  # width of a letter in a panel, as a share of it


def tag(name: str, *children: Any, **attributes: Any) -> Markup:
    """An escaped element; `class_` becomes class and `stroke_width` stroke-width; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{body}</{name}>" if body else f"<{name}{written}/>")


def shorten(name: str) -> str:
    """A name that fits beside a mark on a narrow screen."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def position(value: float, axis: Axis) -> float:
    """Where a value lies on an axis, in per cent from its start, clipped to it."""
    low, high = axis
    return 50.0 if high <= low else float(np.clip(100 * (value - low) / (high - low), 0, 100))


def dot_whisker(
    value: float,
    axis: Axis,
    *,
    interval: Sequence[float] | None = None,
    cases: Sequence[float] = (),
    zero: float | None = 0.0,
    tone: str = "",
    hollow: bool = False,
    faint: bool = False,
) -> Markup:
    """A dot on a track with its interval as whisker; the dashed tick marks what to compare with.

    cases : single values drawn as ticks instead of an interval
    tone : "for" or "against", otherwise ink
    """
    parts = [_line(0, 8, 100, 8, "track")]
    if zero is not None:
        parts.append(_line(position(zero, axis), 0, position(zero, axis), 16, "zero"))
    parts += [_line(position(c, axis), 4, position(c, axis), 12, "case") for c in cases]
    if interval is not None:
        low, high = (position(b, axis) for b in interval)
        parts.append(_line(low, 8, high, 8, "whisker"))
        parts += [_line(x, 4, x, 12, "whisker") for x in (low, high)]
    parts.append(tag("circle", cx=_at(position(value, axis)), cy=8, r=4.5, class_="dot"))
    names = ["dw", tone, "hollow" if hollow else "", "faint" if faint else ""]
    return _chart(" ".join(n for n in names if n), 16, parts)


def range_bar(value: float, low: float, median: float, high: float) -> Markup:
    """Where a value lies in the middle 90 % (grey bar) of the training data; the tick is its median."""
    pad = 0.15 * (high - low) if high > low else 1.0
    axis = (low - pad, high + pad)
    start, end = position(low, axis), position(high, axis)
    at = position(value, axis)
    diamond = tag("path", d="M0-6 5 0 0 6-5 0z", class_="diamond")
    return _chart(
        "range",
        16,
        [
            tag("rect", x=_at(start), y=5, width=_at(end - start), height=6, class_="bar"),
            _line(position(median, axis), 2, position(median, axis), 14, "median"),
            tag("svg", diamond, x=_at(at), y=8, overflow="visible"),
        ],
    )


def line_path(x: Floats, y: Floats) -> str:
    """Points (0..1, y upwards) -> the d of a path on a 100 x 100 plot."""
    return "M" + "L".join(f"{100 * a:.1f} {100 * (1 - b):.1f}" for a, b in zip(x, y, strict=True))


def curve_panel(
    x: Floats,
    curve: Floats,
    reference: Floats,
    *,
    axis: Axis,
    ticks: Sequence[tuple[float, str]],
    names: tuple[str, str],
    label: str,
) -> Markup:
    """A method's curve (solid) and the random control's (dashed) with the area between them.

    x : (p,) 0..1; curve, reference : (p,) in the units of `axis`
    ticks : places 0..1 on the horizontal axis and what is written there
    """
    low, high = axis
    a, b = ((c - low) / (high - low) for c in (curve, reference))
    area = line_path(np.concatenate([x, x[::-1]]), np.concatenate([a, b[::-1]])) + "Z"
    lines = [
        tag("path", d=area, class_="area"),
        tag("path", d=line_path(x, b), class_="reference"),
        tag("path", d=line_path(x, a), class_="curve"),
    ]
    plot = tag(
        "svg",
        *lines,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
        overflow="visible",
    )
    levels = np.linspace(low, high, 3).tolist()
    grid = [_level(y, axis, tick_digits(levels)) for y in levels]
    below = [
        tag("text", words, x=_at(100 * t), y="100%", dy=16, class_="tick mid") for t, words in ticks
    ]
    body = [*grid, plot, *below, *_line_names(x, a, b, names)]
    return tag(
        "div",
        tag(
            "svg",
            *body,
            width="100%",
            height="100%",
            overflow="visible",
            role="img",
            aria_label=label,
        ),
        class_="plot",
    )


def _line_names(x: Floats, a: Floats, b: Floats, names: tuple[str, str]) -> list[Markup]:
    """Both names on their lines, where the lines are farthest apart."""
    places = np.array([0.3, 0.4, 0.5, 0.6])
    at_a, at_b = np.interp(places, x, a), np.interp(places, x, b)
    best = int(np.argmax(np.abs(at_a - at_b)))
    wide = abs(at_a[best] - at_b[best]) > 0.25
    found = []
    for line, at, other, name, style in (
        (a, at_a, at_b, names[0], "name"),
        (b, at_b, at_a, names[1], "name random"),
    ):
        upper = at[best] > other[best] or (at[best] == other[best] and line is a)
        above = at[best] < 0.88 if upper else wide or at[best] < 0.15
        ends = np.interp([places[best] - 0.1, places[best] + 0.1], x, line)
        # the words run to the side where the line moves away from them
        anchor = "start" if (ends[1] < ends[0]) == above else "end"
        words = shorten(name)
        room = LETTER * len(words)
        place = min(places[best], 1 - room) if anchor == "start" else max(places[best], room)
        found.append(
            tag(
                "text",
                words,
                x=_at(100 * place),
                y=_at(100 * (1 - float(np.interp(place, x, line)))),
                dy=-6 if above else 15,
                class_=f"{style} {anchor}",
            )
        )
    return found


def _level(value: float, axis: Axis, digits: int) -> Markup:
    y = 100 - position(value, axis)
    text = fixed(value, digits)
    return tag(
        "g",
        tag("line", x1="0", x2="100%", y1=_at(y), y2=_at(y), class_="grid"),
        tag("text", text, x=-6, y=_at(y), dy=4, class_="tick end"),
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return tag("line", x1=_at(x1), y1=y1, x2=_at(x2), y2=y2, class_=kind)


def _chart(name: str, height: int, parts: Sequence[Markup]) -> Markup:
    return tag("svg", *parts, class_=name, width="100%", height=height, aria_hidden="true")


def _at(per_cent: float) -> str:
    return f"{per_cent:.1f}%"


def _plain(value: Any) -> Any:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
