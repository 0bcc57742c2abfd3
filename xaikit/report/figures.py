"""One explanation, or a block of them, as a matplotlib figure, for papers, notebooks and letters.

The page draws its own; here numbers only become marks: nothing is rescaled but colour and size.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from xaikit.core.explanations import Explanations
from xaikit.core.types import Explanation, Floats, Sample
from xaikit.report.colour import HATCH_FROM, PALETTE
from xaikit.report.formats import MINUS, amount, decimals, fixed, signed
from xaikit.report.png import edges
from xaikit.report.sheet import sheet, sheet_of_pixels
from xaikit.report.single import Row, Single, readable
from xaikit.report.strips import strongest_channels
from xaikit.report.words import Words

__all__ = ["figure_of", "key_of", "map_colours", "plot_explanation", "stripes", "style"]

FOR, AGAINST, INK, INK_2, RULE, GREY = (
    "#8F3A08", "#1F5F99", "#1A1E24", "#4B535E", "#D9DCE0", "#7A828C",
)  # fmt: skip
TEXT_FILLS = {1: "#FDEBD9", 2: "#F9CFA4", 3: "#F2B27A", -1: "#E4F0FA", -2: "#C5DFF4", -3: "#A3CCED"}
WIDTH = 6.4  # inches of every figure
MAP = 3.5  # inches of a map
MOST_BARS, MOST_ROWS = 9, 15
NAME, TITLE, CAPTION = 30, 58, 108  # columns of a line
SMALL = 64  # pictures up to this side are drawn by one contour, larger ones by their edges
HANGUL = (
    "Noto Sans KR", "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", "NanumGothic",
    "NanumBarunGothic", "Noto Sans CJK SC", "Noto Sans CJK JP", "Arial Unicode MS",
)  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """How figures are made and written: quiet, and nothing in a name is read as mathematics."""
    import matplotlib as mpl
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    quiet: dict[Any, Any] = {
        "font.family": ["DejaVu Sans", *(name for name in HANGUL if name in known)],
        "text.parse_math": False,
        "svg.fonttype": "none",  # text stays text, in a font of whoever looks
        "svg.hashsalt": "xaikit",
        "hatch.linewidth": 0.8,
        "text.color": INK,
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK_2,
        "axes.labelsize": 9,
        "xtick.color": INK_2,
        "xtick.labelsize": 8,
        "ytick.labelsize": 9,
        "ytick.major.size": 0,
        **{f"axes.spines.{side}": False for side in ("top", "right", "left")},
    }
    with mpl.rc_context(quiet):
        yield


def plot_explanation(
    explanation: Explanation | Explanations, sample: Any = None, language: str = "en"
) -> Any:
    """A matplotlib `Figure`: waterfall or bars (table), map (image), marked words (text), signal with
    a band (series); of a block a dot for each sample in a row for each feature.

    sample : what was explained; with it the figure shows the input too
    """
    words = Words(language)
    with style():
        if isinstance(explanation, Explanations):
            return _dots(explanation, words)
        mine = Single.of(explanation, sample, words)
        drawn = {"text": _text, "bars": _bars, "parts": _bars, "lines": _lines}
        return drawn.get(mine.view, _picture)(mine)


def figure_of(height: float, title: str, caption: str) -> Any:
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from xaikit.report.drawing import Drawing

    quiet = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07)
    lines, small = _folded(title, TITLE), _folded(caption, CAPTION)
    height += 0.3 + 0.19 * len(lines) + 0.14 * len(small)
    figure = Drawing(figsize=(WIDTH, height), layout=quiet, facecolor="white")
    figure.suptitle("\n".join(lines), x=0.015, ha="left", fontsize=11, fontweight="bold")
    figure.supxlabel("\n".join(small), x=0.015, ha="left", fontsize=7.5, color=INK_2)
    return figure


def _bars(mine: Single) -> Any:
    """From nothing to the output where the values add up; signed bars from zero otherwise."""
    rows, sums = mine.rows(MOST_BARS), mine.stands_up
    starts = np.zeros(len(rows))
    if sums:
        starts = mine.e.empty + np.cumsum([0.0, *(row.value for row in rows[:-1])])
    places = np.arange(len(rows)) + sums
    names = [row.name for row in rows]
    if sums:
        names = [mine.words("single.empty"), *names, mine.words("single.output_row")]
    figure = figure_of(0.35 + 0.31 * len(names), mine.title, mine.caption)
    axes = figure.add_subplot()
    for place, start, row in zip(places, starts, rows, strict=True):
        _bar(axes, float(place), float(start), row, mine.digits)
    ends = [*starts, *(starts + [row.value for row in rows])]
    if sums:
        _steps(axes, mine, starts, rows)
        ends += [mine.e.empty, mine.e.output]
    else:
        ends.append(0.0)
    _widen(axes, ends, rows)
    if axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
        axes.axvline(0, color=GREY, lw=0.9, ls=(0, (1, 2)) if sums else "-", zorder=0)
    _name_rows(axes, names)
    axes.set_xlabel(
        mine.words("single.strength") if mine.relative else mine.words.unit(mine.e.unit)
    )
    return figure


def _bar(axes: Any, place: float, start: float, row: Row, digits: int) -> None:
    named = row.feature >= 0
    colour = GREY if not named else FOR if row.value > 0 else AGAINST
    against = named and row.value < 0
    faint = row.half is not None and abs(row.value) < row.half
    bar = axes.barh(place, row.value, left=start, height=0.56, color=colour, lw=0)
    bar[0].set(hatch="////" if against else "", edgecolor="white", alpha=0.4 if faint else 1.0)
    end, side = start + row.value, -1 if row.value < 0 else 1
    if row.half:
        axes.plot([end - row.half, end + row.half], [place] * 2, color=INK, lw=1, zorder=3)
    axes.annotate(
        signed(row.value, digits),
        (end + side * (row.half or 0.0), place),
        (4 * side, 0),
        textcoords="offset points",
        ha="right" if side < 0 else "left",
        va="center",
        fontsize=8,
        bbox={"fc": "white", "lw": 0, "pad": 0.6},
    )


def _steps(axes: Any, mine: Single, starts: Floats, rows: Sequence[Row]) -> None:
    """The lines from bar to bar, and both ends."""
    after = [float(s + row.value) for s, row in zip(starts, rows, strict=True)]
    for place, at in enumerate([mine.e.empty, *after]):
        axes.plot([at, at], [place, place + 1], color=GREY, lw=0.7, zorder=0)
    last = len(rows) + 1
    for place, at in ((0, mine.e.empty), (last, mine.e.output)):
        axes.plot([at], [place], "o", ms=7, color="white", mec=INK, mew=1.4, zorder=4)
        axes.annotate(
            mine.number(at), (at, place), (9, 0), textcoords="offset points", va="center",
            fontsize=8, fontweight="bold",
        )  # fmt: skip


def _widen(axes: Any, ends: Sequence[float], rows: Sequence[Row]) -> None:
    """Room for the numbers beside the bars."""
    low, high = float(min(ends)), float(max(ends))
    most = max((row.half or 0.0 for row in rows), default=0.0)
    room = 0.14 * ((high - low) or 1.0) + most
    left = room if any(row.value < 0 for row in rows) or low < 0 else 0.02 * room
    axes.set_xlim(low - left, high + room)


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), ["\n".join(_folded(name, NAME, 2)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    for edge in range(1, len(names)):
        axes.axhline(edge - 0.5, color=RULE, lw=0.6, zorder=0)
    axes.xaxis.set_major_locator(_few())
    axes.xaxis.set_major_formatter(_tick)


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)


def _tick(value: float, _: int) -> str:
    return f"{value:g}".replace("-", MINUS)


def _picture(mine: Single) -> Any:
    """The map, its strongest feature dashed, and the input beside and as lines above it."""
    grid, ids = sheet(mine.e.segmentation.scatter(mine.shown)), sheet(mine.e.segmentation.ids, -1)
    pixels = None if mine.sample is None else sheet_of_pixels(mine.sample.kind.seen(mine.sample.x))
    ratio = float(np.clip(grid.shape[0] / grid.shape[1], 0.2, 1.6))
    figure = figure_of(MAP * ratio + 0.5, mine.title, mine.caption)
    if pixels is None:
        axes = figure.add_subplot()
    else:
        left, axes = figure.subplots(1, 2, width_ratios=[1.6, MAP])
        x = pixels if pixels.shape[2] in (1, 3) else pixels.mean(2)[..., None]
        left.imshow(x, cmap="gray", vmin=0, vmax=1, aspect="auto" if _thin(grid) else "equal")
        left.set_title(mine.words("single.input"), fontsize=9, color=INK_2)
        _unmarked(left)
        left.set_anchor("N")
    end = 1.0 if mine.relative else mine.end
    shown = axes.imshow(grid, cmap=map_colours(), vmin=-end, vmax=end, interpolation="nearest")
    axes.set_aspect("auto" if _thin(grid) else "equal")
    axes.set_anchor("N")
    _unmarked(axes)
    axes.imshow(
        stripes(grid < -HATCH_FROM * end), extent=shown.get_extent(), aspect=axes.get_aspect()
    )
    if pixels is not None:
        _sketch(axes, pixels)
    if np.abs(mine.e.values).max() > 0:
        _outline(axes, ids == int(np.argmax(np.abs(mine.e.values))))
    key_of(figure, axes, shown, mine.words, end, _ends(mine, end))
    return figure


def _thin(grid: Floats) -> bool:
    return not 1 / 8 <= grid.shape[0] / grid.shape[1] <= 8


def _unmarked(axes: Any) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.8)


def map_colours() -> Any:
    from matplotlib.colors import ListedColormap

    return ListedColormap(PALETTE / 255.0, name="xaikit")


def stripes(against: Any) -> Any:
    """(h, w) -> dark diagonal lines where it is true, at least 320 px wide, as RGBA."""
    zoom = max(1, -(-480 // max(against.shape)))
    mask = np.kron(against, np.ones((zoom, zoom), dtype=bool))
    down, across = np.indices(mask.shape)
    drawn = np.zeros((*mask.shape, 4))
    drawn[..., :3] = np.array([0x17, 0x3F, 0x66]) / 255
    drawn[..., 3] = 0.75 * (mask & ((down + across) % 14 < 2))
    return drawn


def _sketch(axes: Any, x: Any) -> None:
    """The input as lines: one contour of a small picture, the edges of a larger one."""
    grey = np.asarray(x, dtype=np.float64).mean(axis=2)
    if min(grey.shape) < 2 or np.ptp(grey) == 0:
        return
    if max(grey.shape) > SMALL:
        ink = np.zeros((*grey.shape, 4))
        ink[..., 3] = 0.4 * edges(grey)
        axes.imshow(ink, aspect=axes.get_aspect())
        return
    level = [(float(grey.min()) + float(grey.max())) / 2]
    axes.contour(grey, levels=level, colors="white", linewidths=2.2, alpha=0.8)
    axes.contour(grey, levels=level, colors=INK, linewidths=0.9)


def _outline(axes: Any, mask: Any) -> None:
    """A dashed line around the places of a feature."""
    from matplotlib.collections import LineCollection

    padded = np.pad(mask, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]  # above each place
    down = (padded[1:-1, 1:] != padded[1:-1, :-1]).T  # left of each place
    lines = [[(a, y), (b, y)] for y, a, b in _runs(across)]
    lines += [[(x, a), (x, b)] for x, a, b in _runs(down)]
    for colour, width, dash in (("white", 3.0, "-"), (INK, 1.4, (0, (2.5, 1.2)))):
        axes.add_collection(
            LineCollection(lines, colors=colour, linewidths=width, linestyles=[dash]), autolim=False
        )


def _runs(borders: Any) -> list[tuple[float, float, float]]:
    """Row, start and end of each run of True, between the places of a picture."""
    turns = np.diff(np.pad(borders.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(turns == 1), np.argwhere(turns == -1)
    return [(r - 0.5, a - 0.5, b - 0.5) for (r, a), (_, b) in zip(starts, ends, strict=True)]


def _ends(mine: Single, end: float) -> tuple[str, str]:
    """What the ends of the scale are called; nothing where only the order carries meaning."""
    return ("", "") if mine.relative else (signed(-end, mine.digits), signed(end, mine.digits))


def key_of(
    figure: Any, axes: Any, shown: Any, words: Words, end: float, ends: tuple[str, str]
) -> None:
    """The colours of a map, from -end to end, with what its ends are called."""
    bar = figure.colorbar(
        shown, ax=axes, orientation="horizontal", shrink=0.8, aspect=34, ticks=[-end, 0, end]
    )
    against, towards = f"{words('key.against')} {ends[0]}", f"{words('single.for')} {ends[1]}"
    bar.ax.set_xticklabels([against.strip(), "0", towards.strip()])
    first, _, last = bar.ax.get_xticklabels()
    first.set_ha("left")
    last.set_ha("right")
    bar.ax.tick_params(length=0)
    bar.outline.set(edgecolor=GREY, linewidth=0.6)


def _lines(mine: Single) -> Any:
    """The signal of every channel (at most four) over a band of its evidence."""
    grid = mine.e.segmentation.scatter(mine.shown)
    length, n_channels = grid.shape
    channels = strongest_channels(mine.e, n_channels)
    tall = 0.35 if mine.sample is None else 1.5 if len(channels) == 1 else 0.9
    figure = figure_of(0.85 + tall * len(channels), mine.title, mine.caption)
    stack = figure.subplots(len(channels), 1, sharex=True, squeeze=False)[:, 0]
    end = 1.0 if mine.relative else mine.end
    for axes, channel in zip(stack, channels, strict=True):
        axes.set_yticks([])
        low, high = (0.0, 1.0) if mine.sample is None else _signal(axes, mine.sample, channel)
        extent = (0, length, low, high)
        line = grid[None, :, channel]
        shown = axes.imshow(
            line, cmap=map_colours(), vmin=-end, vmax=end, aspect="auto", extent=extent,
            interpolation="nearest",
        )  # fmt: skip
        wide = np.repeat(line < -HATCH_FROM * end, 24 if tall < 1 else 96, axis=0)
        axes.imshow(_striped(wide), extent=extent, aspect="auto")
        axes.set_ylim(low, high)
        axes.spines[:].set(visible=True, color=GREY, linewidth=0.6)
        if n_channels > 1:
            axes.set_ylabel(mine.words("single.channel", n=channel + 1), rotation=0, ha="right")
    stack[-1].xaxis.set_major_locator(_few())
    stack[-1].xaxis.set_major_formatter(_tick)
    stack[-1].set_xlabel(mine.words("single.step"))
    key_of(figure, list(stack), shown, mine.words, end, _ends(mine, end))
    return figure


def _striped(against: Any) -> Any:
    """`_stripes` of a strip, whose steps are stretched to some 800 px."""
    return stripes(np.repeat(against, max(1, -(-800 // against.shape[1])), axis=1))


def _signal(axes: Any, sample: Sample, channel: int) -> tuple[float, float]:
    """The line with a white rim; where its axis begins and ends."""
    from matplotlib.patheffects import Normal, Stroke

    y = np.asarray(sample.x[:, channel], dtype=np.float64)
    (line,) = axes.plot(np.arange(len(y)) + 0.5, y, color=INK, lw=1.2, zorder=3)
    line.set_path_effects([Stroke(linewidth=3, foreground="white", alpha=0.85), Normal()])
    low, high = float(y.min()), float(y.max())
    room = 0.08 * ((high - low) or 1.0)
    axes.set_yticks([low, high] if high > low else [low])
    axes.yaxis.set_major_formatter(lambda value, _: amount(value))
    axes.tick_params(axis="y", labelsize=7.5, labelcolor=INK_2)
    return low - room, high + room


def _text(mine: Single) -> Any:
    """Words in lines, filled and underlined by the strength of their evidence."""
    from xaikit.report.drawing import Page

    page = Page(WIDTH, margin=9)
    for line in _folded(mine.title, TITLE):
        page.line(line, 11, INK, bold=True)
    page.skip(10)
    for item in mine.marked():
        if "fold" in item:
            words = mine.words("text.fold", n=item["n"], sum=item["sum"], limit=item["limit"])
            page.word(f"[{words}]", " ", 9, INK_2)
            continue
        bin_ = 0 if item["faint"] else item["bin"]
        if part := item["part"]:
            label = readable(part["name"]) or mine.words("text.part", n=part["n"])
            page.word(label, "\n" if part["n"] > 1 else "", 9, INK_2)
            item["before"] = " "
        page.word(
            readable(item["text"]), item["before"], 13, INK, fill=TEXT_FILLS.get(bin_),
            under=None if not item["bin"] else FOR if item["bin"] > 0 else AGAINST,
            strength=item["bin"], raised=item["value"],
        )  # fmt: skip
    page.skip(8)
    for key, bin_ in (("single.for", 3), ("key.against", -3)):
        colour = FOR if bin_ > 0 else AGAINST
        words = mine.words(key)
        page.word(words, "   ", 8, INK, fill=TEXT_FILLS[bin_], under=colour, strength=bin_)
    page.word(mine.words("single.deeper"), "   ", 8, INK_2)
    page.skip(6)
    for line in _folded(mine.caption, CAPTION):
        page.line(line, 7.5, INK_2)
    return page.figure()


def _dots(block: Explanations, words: Words) -> Any:
    """A row a feature, strongest first, and in it a dot for each sample at its value."""
    means = block.mean_abs()
    order = np.argsort(-means, kind="stable")[:MOST_ROWS]
    title = words("single.block", n=len(block))
    outputs = list(dict.fromkeys(readable(names[0]) for names in block.target_names if names))
    own = [words("single.own", names=outputs)] if len(outputs) > 1 else outputs
    caption = " · ".join([*own, block.method, readable(block.model_id)])
    figure = figure_of(0.35 + 0.31 * len(order), title, caption)
    axes = figure.add_subplot()
    sway = 0.5 * ((np.arange(len(block)) * 0.618034) % 1) - 0.25  # the same for every row
    for place, i in enumerate(order):
        values = block.values[:, i]
        colours = np.where(values > 0, FOR, AGAINST)
        axes.scatter(values, place + sway, s=14, c=colours, alpha=0.65, lw=0)
    axes.axvline(0, color=GREY, lw=0.9, zorder=0)
    digits = decimals(float(means.max()))
    names = [f"{readable(block.names[i])}  {fixed(float(means[i]), digits)}" for i in order]
    _name_rows(axes, names)
    axes.set_xlabel(
        words("single.strength") if block.unit == "relative" else words.unit(block.unit)
    )
    return figure


def _folded(text: str, width: int, most: int = 3) -> list[str]:
    """A text in lines of that many columns, a Korean letter taking two; the last may end with "…"."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if line and _columns(joined) > width:
            lines.append(line)
            joined = word
        while _columns(joined) > width:
            head = _head(joined, width)
            lines.append(head)
            joined = joined[len(head) :]
        line = joined
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], _head(lines[most - 1], width - 1) + "…"]
    return lines


def _columns(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _head(text: str, width: int) -> str:
    """The start that fits."""
    taken = np.cumsum([_columns(c) for c in text])
    return text[: max(1, int(np.searchsorted(taken, width, side="right")))]
