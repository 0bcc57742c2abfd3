"""The columns that count most: every row a dot, and how the two strongest depend on their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.stats import bootstrap_interval, spearman
from xaikit.core.types import Floats, Ints
from xaikit.judge.shares import N_DRAWS
from xaikit.report.blocks.overview_seen import Seen
from xaikit.report.formats import amount, decimals, percent, percent_interval, signed

__all__ = ["bees_card", "curves_card"]

MOST_COLUMNS = 8
MOST_LISTED = 60  # columns in the table of numbers
STEPS = 5  # colours of values, low to high
DIRECTED = 0.5  # least rank correlation with which high values are said to speak for something
WIDTH, HEIGHT, DOT = 1000.0, 36.0, 15.0  # of a row of dots, and of a dot in it
N_CURVES = 2
MOST_WORDS = 8  # categories whose names stand below a chart
Card = dict[str, Any]


def bees_card(seen: Seen) -> Card | None:
    """Columns by their mean share of the evidence, each row a dot where its value puts it."""
    if not seen.shares.kind.tabular or not seen.shares.names or not seen.overview.inputs:
        return None
    words, order = seen.words, _order(seen)
    shown = order[:MOST_COLUMNS]
    values = seen.towards[:, shown]
    end = float(np.quantile(np.abs(values), 0.99)) or 1.0
    rest = float(seen.shares.mass[:, order[MOST_COLUMNS:]].sum(axis=1).mean())
    left = len(order) - len(shown)
    note = words("over.bees.note", n=len(seen.dots), of=len(seen.overview))
    return {
        "kind": "bees",
        "title": words("over.bees"),
        "sides": seen.sides,
        "rows": [_bee(seen, j, end) for j in shown],
        "note": note,
        "rest": words("over.bees.rest", n=left, share=percent(rest)) if left else "",
        "numbers": [_numbers(seen, j) for j in order[:MOST_LISTED]],
    }


def _order(seen: Seen) -> list[int]:
    """Columns, the strongest first."""
    return [int(j) for j in np.argsort(-seen.shares.mass.mean(axis=0), kind="stable")]


def _bee(seen: Seen, j: int, end: float) -> Card:
    rows = seen.dots
    x = WIDTH * (0.5 + 0.48 * np.clip(seen.towards[rows, j] / end, -1, 1))
    y = _apart(x)
    shade = _shade(_column(seen, j)[rows])
    return {
        "name": seen.shares.names[j],
        "share": percent(float(seen.shares.mass[:, j].mean())),
        "direction": _direction(seen, j),
        "dots": [(k, _path(x[shade == k], y[shade == k])) for k in range(STEPS)],
    }


def _numbers(seen: Seen, j: int) -> tuple[str, str, str, str]:
    share = seen.shares.mass[:, j]
    interval = percent_interval(bootstrap_interval(share, n=N_DRAWS))
    return seen.shares.names[j], percent(float(share.mean()), 1), interval, _direction(seen, j)


def _direction(seen: Seen, j: int) -> str:
    """What high values speak for, "" where that has no one answer."""
    x, value = _column(seen, j), seen.towards[:, j]
    x, value = x[~np.isnan(x)], value[~np.isnan(x)]
    if _categories(seen, j) or len(np.unique(x)) < 2:
        return ""
    rank = spearman(x, value)
    if abs(rank) < DIRECTED:
        return seen.words("over.direction.none")
    return seen.words(
        "over.direction.high" if rank > 0 else "over.direction.low", side=seen.sides[1]
    )


def _column(seen: Seen, j: int) -> Floats:
    return np.array([x[j] for x in seen.overview.inputs], dtype=np.float64)


def _categories(seen: Seen, j: int) -> list[str]:
    columns: list[Mapping[str, Any]] = (seen.findings.run.context.get("data") or {}).get(
        "columns"
    ) or []
    return list(columns[j].get("categories") or ()) if j < len(columns) else []


def _charted(seen: Seen, j: int) -> tuple[Floats, list[str]]:
    """(N,) values of a column and the words of its codes, of which a missing value is the last."""
    x, categories = _column(seen, j), _categories(seen, j)
    if categories and np.isnan(x).any():
        categories = [*categories, seen.words("table.missing")]
        x = np.where(np.isnan(x), len(categories) - 1, x)
    return x, categories


def _shade(values: Floats) -> Ints:
    """(m,) 0 for the lowest fifth of the values to 4 for the highest; equal values are of one shade, and
    missing ones of the middle one."""
    below = (values[:, None] > values[None, :]).mean(axis=1)
    same = (values[:, None] == values[None, :]).mean(axis=1)
    shade = np.minimum((STEPS * (below + same / 2)).astype(np.int64), STEPS - 1)
    return np.asarray(np.where(np.isnan(values), STEPS // 2, shade))


def _apart(x: Floats) -> Floats:
    """(m,) heights at which dots beside each other do not lie on each other, where there is room."""
    half = HEIGHT / 2
    place = np.full(len(x), half)
    last: dict[int, int] = {}
    for i in np.argsort(x, kind="stable").tolist():
        k = last.get(int(x[i] // DOT), 0)
        last[int(x[i] // DOT)] = k + 1
        step = (k + 1) // 2 * (1 if k % 2 else -1)
        place[i] = half + np.clip(4.5 * step, 4 - half, half - 4)
    return place


def _path(x: Floats, y: Floats) -> str:
    """Dots as strokes of no length, which are round."""
    return "".join(f"M{a:.0f} {b:.0f}h0" for a, b in zip(x, y, strict=True))


def curves_card(seen: Seen) -> Card | None:
    """How the evidence of the two strongest columns depends on their values."""
    if not seen.shares.kind.tabular or not seen.shares.names or not seen.overview.inputs:
        return None
    words, order = seen.words, _order(seen)[:N_CURVES]
    charts = [_curve(seen, j) for j in order if _varies(seen, j)]
    if not charts:
        return None
    unit = words.unit(seen.overview.explanations.unit)
    return {
        "kind": "curves",
        "title": words("over.curves", n=len(charts)),
        "charts": charts,
        "note": words("over.curves.note", unit=unit, side=seen.sides[1]),
    }


def _varies(seen: Seen, j: int) -> bool:
    x, _ = _charted(seen, j)
    return len(np.unique(x[~np.isnan(x)])) > 1


def _curve(seen: Seen, j: int) -> Card:
    (x, categories), value = _charted(seen, j), seen.towards[:, j]
    at, gone = _places(x, bool(categories)), np.isnan(x)
    low, high = min(0.0, float(value.min())), max(0.0, float(value.max()))
    pad = 0.06 * (high - low) or 1.0
    y = 100 * (high + pad - value) / (high - low + 2 * pad)
    rows = seen.dots
    return {
        "name": seen.shares.names[j],
        "dots": "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(at[rows], y[rows], strict=True)),
        "zero": f"{100 * (high + pad) / (high - low + 2 * pad):.1f}",
        "ticks": [
            *_ticks(x[~gone], at[~gone], categories),
            *([("97.0", seen.words("table.missing"))] if gone.any() else []),
        ],
        "ends": (signed(low, decimals(high - low)), signed(high, decimals(high - low))),
        "label": _thirds(seen, x[~gone], value[~gone], categories)
        + (
            f"; {seen.words('table.missing')} {signed(float(value[gone].mean()))}"
            if gone.any()
            else ""
        ),
    }


def _places(x: Floats, coded: bool) -> Floats:
    """Where values stand from 0 to 100: by value between the first and the last hundredth, or a place
    each."""
    if coded:
        different = np.unique(x)
        return np.searchsorted(different, x) * 90 / max(len(different) - 1, 1) + 5
    gone = np.isnan(x)
    known = x[~gone]
    low, high = np.quantile(known, [0.01, 0.99])
    low, high = (low, high) if high > low else (float(known.min()), float(known.max()))
    across = 80 if gone.any() else 94  # a place of their own for missing values
    return np.asarray(np.where(gone, 97, 3 + across * np.clip((x - low) / (high - low), 0, 1)))


def _ticks(x: Floats, at: Floats, categories: list[str]) -> list[tuple[str, str]]:
    if categories:
        codes = np.unique(x)
        shown = codes if len(codes) <= MOST_WORDS else codes[[0, -1]]
        named = [(float(at[x == c][0]), _category(categories, c)) for c in shown]
    else:
        ends = np.quantile(x, [0.01, 0.99])
        named = [(3.0, amount(float(ends[0]))), (float(at.max()), amount(float(ends[1])))]
    return [(f"{place:.1f}", text) for place, text in named]


def _category(categories: list[str], code: float) -> str:
    return categories[int(code)] if int(code) < len(categories) else f"{code:g}"


def _thirds(seen: Seen, x: Floats, value: Floats, categories: list[str]) -> str:
    """The chart in words: the mean in each third of the values, or of each category."""
    words, digits = seen.words, decimals(float(np.abs(value).max()))
    if categories:
        parts = [
            (_category(categories, c), value[x == c].mean()) for c in np.unique(x)[:MOST_WORDS]
        ]
        said = ", ".join(f"{name} {signed(float(mean), digits)}" for name, mean in parts)
        return words("over.curves.means", means=said)
    cuts = np.quantile(x, [1 / 3, 2 / 3])
    third = np.searchsorted(cuts, x, side="right")
    means = [value[third == k] for k in range(3)]
    low, middle, high = (signed(float(m.mean()), digits) if len(m) else "–" for m in means)
    return words("over.curves.thirds", low=low, middle=middle, high=high)
