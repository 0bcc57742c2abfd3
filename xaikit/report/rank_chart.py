"""A critical-difference diagram that reads on a narrow screen: one row a method, text at full size."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from xaikit.report.charts import position, shorten, tag
from xaikit.report.formats import count, fixed

__all__ = ["joined", "rank_diagram"]

MOST_TICKS = 12
TOP, RULE, BAR, ROW = 26, 58, 8, 20  # px: ruler, axis, a joining bar, a method's row


def joined(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Runs (first, last) of sorted mean ranks that no test tells apart; the longest ones only."""
    runs: list[tuple[int, int]] = []
    for i in range(len(ranks)):
        last = max(j for j in range(i, len(ranks)) if ranks[j] - ranks[i] <= difference)
        if last > i and (not runs or last > runs[-1][1]):
            runs.append((i, last))
    return runs


def rank_diagram(
    names: Sequence[str],
    ranks: Sequence[float],
    difference: float,
    runs: Sequence[tuple[int, int]],
    *,
    hollow: Sequence[bool],
    ruler: str,
    label: str,
) -> Markup:
    """Methods at their mean rank, best on top; thick bars join those that are not told apart.

    ranks : (k,) ascending; difference : what must lie between two methods; runs : see `joined`
    Demsar, JMLR 2006, figure 1, with the names in rows instead of margins.
    """
    k = len(names)
    axis = (1 - 0.03 * k, 1.03 * k)
    first = RULE + BAR * len(runs) + 22
    at = [position(r, axis) for r in ranks]
    parts = [*_ruler(difference, axis, ruler), *_ticks(k, axis)]
    rows = [first + ROW * i for i in range(k)]
    parts += [
        tag("line", x1=_x(x), x2=_x(x), y1=RULE, y2=y, class_="grid")
        for x, y in zip(at, rows, strict=True)
    ]
    for i, (a, b) in enumerate(runs):
        y = RULE + BAR * (i + 1)
        parts.append(tag("line", x1=_x(at[a]), x2=_x(at[b]), y1=y, y2=y, class_="joined"))
    for x, y, name, rank, open_ in zip(at, rows, names, ranks, hollow, strict=True):
        parts.append(_row(x, y, f"{shorten(name)} {fixed(rank, 1)}", open_))
    height = rows[-1] + 12
    return tag("svg", *parts, width="100%", height=height, role="img", aria_label=label)


def _row(x: float, y: int, words: str, hollow: bool) -> Markup:
    """A dot with its name on the side that has room."""
    right = x < 50
    style = "name start" if right else "name end"
    return tag(
        "g",
        tag("circle", cx=_x(x), cy=y, r=4.5, class_="dot"),
        tag("text", words, x=_x(x), y=y, dx=10 if right else -10, dy=4, class_=style),
        class_="hollow" if hollow else None,
    )


def _ruler(difference: float, axis: tuple[float, float], words: str) -> list[Markup]:
    """The critical difference as a length, above the axis."""
    ends = [_x(position(r, axis)) for r in (1.0, 1.0 + difference)]
    line = tag("line", x1=ends[0], x2=ends[1], y1=TOP, y2=TOP, class_="whisker")
    caps = [tag("line", x1=x, x2=x, y1=TOP - 4, y2=TOP + 4, class_="whisker") for x in ends]
    return [line, *caps, tag("text", words, x=ends[0], y=TOP - 10, class_="start")]


def _ticks(k: int, axis: tuple[float, float]) -> list[Markup]:
    step = -(-k // MOST_TICKS)
    found = [tag("line", x1="0", x2="100%", y1=RULE, y2=RULE, class_="axis")]
    for rank in range(1, k + 1, step):
        x = _x(position(rank, axis))
        found.append(tag("line", x1=x, x2=x, y1=RULE - 4, y2=RULE, class_="axis"))
        found.append(tag("text", count(rank), x=x, y=RULE - 8, class_="mid"))
    return found


def _x(per_cent: float) -> str:
    return f"{per_cent:.1f}%"
