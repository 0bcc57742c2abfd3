"""One explanation as a matplotlib figure, for papers and notebooks.

The page draws its own; here numbers only become marks: nothing is rescaled but colour and size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Explanation, Floats
from xaikit.report.colour import PALETTE, bin_of

__all__ = ["plot_explanation"]

Z = 1.96  # standard errors in half a 95 % interval
FOR, AGAINST, INK = "#8F3A08", "#1F5F99", "#1A1E24"
TEXT_FILLS = {1: "#FDEBD9", 2: "#F9CFA4", 3: "#F2B27A", -1: "#E4F0FA", -2: "#C5DFF4", -3: "#A3CCED"}
MOST_BARS = 20
LINE = 62  # characters in a line of text


def plot_explanation(explanation: Explanation, x: Any = None) -> Any:
    """A matplotlib `Figure`: heat map (image), coloured words (text), signed bars (table), strip (series).

    x : the sample's data; with it a picture or a signal is drawn below the evidence
    What to draw is told from the grid of the segmentation and from what it says of its source.
    """
    from matplotlib.figure import Figure

    grid = explanation.segmentation.ids.shape
    if len(grid) > 2:
        raise InvalidInput(
            f"an explanation on a grid of shape {grid} cannot be drawn; 1 or 2 dimensions can."
        )
    kind = _kind(explanation)
    height = {"bars": 1.0 + 0.28 * min(len(explanation.values), MOST_BARS), "words": 2.2}.get(
        kind, 3.4
    )
    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(_title(explanation), loc="left", fontsize=10)
    if kind == "image":
        _draw_map(figure, axes, explanation, x)
    elif kind == "strip":
        _draw_strip(figure, axes, explanation, x)
    elif kind == "words":
        _draw_words(axes, explanation)
    else:
        _draw_bars(axes, explanation)
    return figure


def _kind(explanation: Explanation) -> str:
    """What to draw, told from the grid and from what the segmentation says of itself."""
    ids, source = explanation.segmentation.ids, explanation.segmentation.source.lower()
    if ids.ndim == 1:
        return "words" if any(w in source for w in ("word", "sentence", "token")) else "bars"
    if any(w in source for w in ("patch", "pixel", "superpixel")):
        return "image"
    narrow = ids.shape[1] <= 64 and ids.shape[0] > 2 * ids.shape[1]
    series = any(w in source for w in ("window", "channel", "step")) or narrow
    return "strip" if series else "image"


def _title(e: Explanation) -> str:
    stopped = " · not converged" if e.converged is False else ""
    return f"{e.method} · sample {e.sample_id} · {e.unit}{stopped}"


def _end(e: Explanation) -> float:
    """Where the colour scale ends; an empty map is not stretched."""
    return float(np.abs(e.values).max()) or 1.0


def _colours() -> Any:
    from matplotlib.colors import ListedColormap

    return ListedColormap(PALETTE / 255.0, name="xaikit")


def _draw_map(figure: Any, axes: Any, e: Explanation, x: Any) -> None:
    end = _end(e)
    shown = axes.imshow(e.segmentation.scatter(e.values), cmap=_colours(), vmin=-end, vmax=end)
    if x is not None:
        grey = np.asarray(x, dtype=np.float64).mean(axis=2)
        axes.contour(grey, levels=[float(grey.mean())], colors=INK, linewidths=0.5, alpha=0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    figure.colorbar(shown, ax=axes, label=_label(e))


def _draw_strip(figure: Any, axes: Any, e: Explanation, x: Any) -> None:
    end, values = _end(e), e.segmentation.scatter(e.values).T
    n_channels, length = values.shape
    extent = (0, length, n_channels, 0)
    shown = axes.imshow(values, cmap=_colours(), vmin=-end, vmax=end, aspect="auto", extent=extent)
    if x is not None:
        signal = np.asarray(x, dtype=np.float64)
        spread = np.ptp(signal, axis=0)
        height = (signal - signal.min(axis=0)) / np.where(spread > 0, spread, 1)
        for channel in range(n_channels):
            axes.plot(
                np.arange(length) + 0.5, channel + 0.9 - 0.8 * height[:, channel], color=INK, lw=0.8
            )
    axes.set_yticks([])
    axes.set_xlabel("step")
    figure.colorbar(shown, ax=axes, label=_label(e))


def _draw_bars(axes: Any, e: Explanation) -> None:
    order = np.argsort(-np.abs(e.values), kind="stable")[:MOST_BARS][::-1]
    values, names = e.values[order], [e.names[i] for i in order]
    half = None if e.std is None else Z * e.std[order]
    faint = np.zeros(len(order), dtype=bool) if half is None else np.abs(values) < half
    bars = axes.barh(range(len(order)), values, color=[FOR if v > 0 else AGAINST for v in values])
    for bar, pale, value in zip(bars, faint, values, strict=True):
        bar.set_alpha(0.35 if pale else 1.0)
        bar.set_hatch("///" if value < 0 else "")
    if half is not None:
        axes.errorbar(
            values, range(len(order)), xerr=half, fmt="none", ecolor=INK, elinewidth=1, capsize=2
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(order)), names)
    axes.set_xlabel(_label(e))


def _draw_words(axes: Any, e: Explanation) -> None:
    """Words in lines of fixed width, filled by the strength of their evidence."""
    shares: Floats = np.append(e.values / _end(e), 0.0)[e.segmentation.ids]
    names = [e.names[i] if i >= 0 else "·" for i in e.segmentation.ids]
    row, column = 0, 0
    for word, share in zip(names, shares, strict=True):
        if column and column + len(word) > LINE:
            row, column = row + 1, 0
        fill = TEXT_FILLS.get(bin_of(float(share)), "none")
        axes.text(
            column / LINE,
            -row,
            word.replace("$", r"\$"),
            family="monospace",
            fontsize=8,
            bbox={"facecolor": fill, "edgecolor": "none", "pad": 1.5},
        )
        column += len(word) + 1
    axes.set_xlim(0, 1.05)
    axes.set_ylim(-row - 1, 1)
    axes.axis("off")


def _label(e: Explanation) -> str:
    return "relative" if e.unit == "relative" else f"evidence in {e.unit}"
