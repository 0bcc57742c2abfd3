"""A signal once, and one strip of evidence per method on the same time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Explanation, Sample, Segmentation
from xaikit.report.colour import HATCH_FROM
from xaikit.report.formats import amount, fixed
from xaikit.report.png import heat_uri

__all__ = ["Clock", "common_span", "shares_of", "signal", "strip", "strongest_channels"]

MOST_CHANNELS = 4
COLUMNS = 512


@dataclass(frozen=True)
class Clock:
    """Turns steps of a series into time: one step lasts `step` of `unit`."""

    step: float = 1.0
    unit: str = ""

    def span(self, start: int, end: int) -> str:
        """A stretch of steps [start, end) in words."""
        unit = f"\N{NO-BREAK SPACE}{self.unit}" if self.unit else ""
        if not self.unit:
            return f"{start}–{end - 1}"
        digits = max(0, 2 - int(np.floor(np.log10(max((end - start) * self.step, 1e-9)))) - 1)
        return f"{fixed(start * self.step, digits)}–{fixed(end * self.step, digits)}{unit}"

    def ticks(self, length: int) -> list[tuple[float, str]]:
        """Places in per cent and their times, about four."""
        last = length * self.step
        raw = last / 4
        base = 10 ** np.floor(np.log10(raw))
        step = base * next((m for m in (1, 2, 5, 10) if m * base >= raw), 10)
        if not self.unit:
            step = max(1.0, step)
        times = np.arange(0, last * 1.0001, step)
        unit = f"\N{NO-BREAK SPACE}{self.unit}" if self.unit else ""
        return [(float(100 * t / last), f"{amount(round(float(t), 9))}{unit}") for t in times]


def signal(sample: Sample, channel: int, most: int = 0) -> dict[str, Any]:
    """One channel as a path on a 100 x 100 plot, its lowest value at the bottom; most : points, or 0 for all."""
    y = sample.x[:, channel].astype(np.float64)
    y = y[:: max(1, -(-len(y) // most))] if most else y
    low, high = float(y.min()), float(y.max())
    height = (y - low) / (high - low) if high > low else np.full(len(y), 0.5)
    x = 100 * (np.arange(len(y)) + 0.5) / len(y)
    points = "L".join(f"{a:.2f} {96 - 92 * b:.1f}" for a, b in zip(x, height, strict=True))
    return {"path": f"M{points}", "low": amount(low), "high": amount(high)}


def strip(shares: NDArray[Any], segmentation: Segmentation, channel: int) -> dict[str, Any]:
    """(n,) evidence as shares of the scale -> one channel's strip and its hatching in per cent."""
    line = np.append(shares, 0.0)[segmentation.ids[:, channel]]
    step = max(1, -(-len(line) // COLUMNS))
    return {"uri": heat_uri(line[::step][None, :]), "hatch": shares_of(line < -HATCH_FROM)}


def shares_of(line: NDArray[Any]) -> list[tuple[float, float]]:
    """Where the runs of True begin and how long they are, in per cent of the line."""
    return [(100 * a / len(line), 100 * (b - a) / len(line)) for a, b in _spans(line)]


def strongest_channels(explanation: Explanation | None, n_channels: int) -> list[int]:
    """At most four channels, those with most evidence, in their own order."""
    if n_channels <= MOST_CHANNELS or explanation is None:
        return list(range(min(n_channels, MOST_CHANNELS)))
    seg = explanation.segmentation
    per_place = seg.scatter(np.abs(explanation.values) / seg.sizes)
    best = np.argsort(-per_place.sum(axis=0), kind="stable")[:MOST_CHANNELS]
    return sorted(int(c) for c in best)


def common_span(explanations: Sequence[Explanation]) -> tuple[int, int] | None:
    """The steps [start, end) that every explanation counts among its strongest, or None.

    Strongest is the top tenth of the features, at least two; the longest common run wins.
    """
    if not explanations:
        return None
    common = np.ones(explanations[0].segmentation.ids.shape[0], dtype=bool)
    for e in explanations:
        k = max(2, len(e.values) // 10)
        order = np.argsort(-np.abs(e.values), kind="stable")[:k]
        strong = [i for i in order if e.values[i] != 0]
        common &= np.isin(e.segmentation.ids, strong).any(axis=1)
    spans = _spans(common)
    return max(spans, key=lambda s: s[1] - s[0]) if spans else None


def _spans(line: NDArray[Any]) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
    return list(
        zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    )
