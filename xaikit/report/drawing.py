"""Figures that a notebook shows, and pages of flowing words; this module needs matplotlib."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

__all__ = ["Drawing", "Page"]

POINTS = 72  # an inch
SHARP = 400  # dots an inch where words are measured


class Drawing(Figure):
    """A figure that a notebook shows also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", dpi=120)
        return out.getvalue()


class Page:
    """Words set in lines, as wide as the page and as long as they need; places are in points."""

    def __init__(self, width: float, margin: float) -> None:
        self.width, self.margin = width * POINTS, margin
        self.x, self.y, self.step = margin, margin, 0.0
        self._figure = Drawing(figsize=(width, 1), facecolor="white", dpi=SHARP)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._pen = FigureCanvasAgg(self._figure).get_renderer()

    def line(self, text: str, size: float, colour: str, bold: bool = False) -> None:
        """A line of its own."""
        self.skip(0)
        self._write(text, size, colour, bold=bold)
        self.step = 1.35 * size
        self.skip(0)

    def word(
        self,
        text: str,
        before: str,
        size: float,
        colour: str,
        *,
        fill: str | None = None,
        under: str | None = None,
        strength: int = 0,
        raised: str = "",
    ) -> None:
        """A word after what stands before it, on the next line where this one is full.

        fill, under : colours of its ground and of the line below it; strength : 1 to 3, how thick
            that line is, dotted where it is negative
        raised : a small number behind it
        """
        self.step = max(self.step, 1.9 * size)
        if "\n" in before:
            self.skip(0)
            self.step = 1.9 * size
        signs = before.strip()
        gap = 0.32 * size * (len(before) - len(signs)) if self.x > self.margin else 0.0
        wide = self._measure(signs + text, size) + self._measure(raised, 0.62 * size)
        if self.x > self.margin and self.x + gap + wide > self.width - self.margin:
            self.skip(0)
            self.step, gap = 1.9 * size, 0.0
        self.x += gap + (self._write(signs, size, colour, self.x + gap) if signs else 0.0)
        long = self._measure(text, size)
        if fill or under:
            self._mark(long, size, fill, under, strength)
        self.x += self._write(text, size, colour)
        if raised:
            self.x += 1 + self._write(raised, 0.62 * size, colour, self.x + 1, -0.45 * size)

    def skip(self, space: float) -> None:
        """To the next line, and some points further down."""
        self.x, self.y = self.margin, self.y + self.step + space
        self.step = 0.0

    def figure(self) -> Drawing:
        """All that was set."""
        self.skip(self.margin)
        self._figure.set_dpi(100)
        self._figure.set_size_inches(self.width / POINTS, self.y / POINTS)
        self._axes.set(xlim=(0, self.width), ylim=(self.y, 0))
        return self._figure

    def _measure(self, text: str, size: float, **how: Any) -> float:
        """Width in points."""
        if not text:
            return 0.0
        probe = self._axes.text(0, 0, text, fontsize=size, **how)
        wide = probe.get_window_extent(self._pen).width * POINTS / self._figure.dpi
        probe.remove()
        return float(wide)

    def _write(
        self,
        text: str,
        size: float,
        colour: str,
        x: float = -1,
        lift: float = 0,
        bold: bool = False,
    ) -> float:
        how: dict[str, Any] = {"fontweight": "bold"} if bold else {}
        at = self.x if x < 0 else x
        self._axes.text(
            at, self.y + size + lift, text, fontsize=size, color=colour, va="baseline", **how
        )
        return self._measure(text, size, **how)

    def _mark(
        self, wide: float, size: float, fill: str | None, under: str | None, strength: int
    ) -> None:
        top, bottom = self.y - 0.1 * size, self.y + 1.32 * size
        if fill:
            self._axes.add_patch(
                Rectangle((self.x - 1.5, top), wide + 3, bottom - top, fc=fill, lw=0, zorder=0)
            )
        if under:
            width = 0.6 + 0.7 * abs(strength)
            dash: Any = "-" if strength > 0 else (0, (1, 1.2))
            ends = [self.x - 1.5, self.x + wide + 1.5], [bottom, bottom]
            line = Line2D(*ends, color=under, lw=width, ls=dash, dash_capstyle="butt")
            line.set_solid_capstyle("butt")
            self._axes.add_line(line)
