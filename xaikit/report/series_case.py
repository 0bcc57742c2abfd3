"""The parts of a series card: signals, strips of every method, and the span they share."""

from __future__ import annotations

from typing import Any

import numpy as np

from xaikit.core.types import Explanation
from xaikit.report.case import Case, shares_scale
from xaikit.report.formats import signed
from xaikit.report.strips import Clock, common_span, signal, strip, strongest_channels

__all__ = ["series_parts"]


def series_parts(mine: Case, names: list[str]) -> dict[str, Any]:
    """Signals once, and per method one strip a channel on the same axis."""
    length, n_channels = mine.sample.grid
    clock = _clock(mine)
    channels = strongest_channels(mine.lead, n_channels)
    shown = ", ".join(_name(mine, names, c, n_channels) for c in channels)
    several = any(len(_channels(e, channels)) > 1 for e in mine.explanations.values())
    return {
        "channels": [
            {"name": _name(mine, names, c, n_channels), **signal(mine.sample, c)} for c in channels
        ],
        "order": mine.findings.words("series.order", names=shown) if several else "",
        "more": mine.findings.words("series.more", n=n_channels - len(channels))
        if n_channels > len(channels)
        else "",
        "ticks": clock.ticks(length),
        "common": _common(mine, clock, length),
        "strips": {
            m: {
                "channels": [
                    {
                        "name": _name(mine, names, c, n_channels),
                        **strip(mine.shares(e), e.segmentation, c),
                    }
                    for c in _channels(e, channels)
                ],
                "strongest": _strongest(mine, e, clock),
            }
            for m, e in mine.explanations.items()
        },
    }


def _channels(e: Explanation, channels: list[int]) -> list[int]:
    """One strip is enough where every channel has the same features."""
    ids = e.segmentation.ids
    return channels[:1] if bool((ids == ids[:, :1]).all()) else channels


def _clock(mine: Case) -> Clock:
    """Time per step from the sample's `meta["step"]` or the data's: {"size": 0.025, "unit": "s"}."""
    data = mine.findings.run.context.get("data") or {}
    step = mine.sample.meta.get("step") or data.get("step")
    if isinstance(step, dict) and step.get("size"):
        return Clock(float(step["size"]), str(step.get("unit", "")))
    return Clock()


def _name(mine: Case, names: list[str], channel: int, n_channels: int) -> str:
    if len(names) == n_channels:
        return names[channel]
    return mine.findings.words("series.signal") if n_channels == 1 else f"ch {channel + 1}"


def _common(mine: Case, clock: Clock, length: int) -> dict[str, Any] | None:
    """The longest span that all trusted methods count among their strongest."""
    trusted = [e for m, e in mine.explanations.items() if m in mine.findings.trusted]
    span = common_span(trusted)
    if span is None:
        return None
    start, end = span
    key = "series.common" if mine.findings.passed else "series.common_untested"
    return {
        "x": f"{100 * start / length:.2f}",
        "width": f"{100 * (end - start) / length:.2f}",
        "middle": f"{100 * (start + end) / 2 / length:.1f}",
        "anchor": "start" if start < 0.25 * length else "end" if end > 0.75 * length else "middle",
        "words": mine.findings.words(key, span=clock.span(start, end)),
    }


def _strongest(mine: Case, e: Explanation, clock: Clock) -> str:
    """The strongest feature's span and value, in words."""
    values = mine.shown(e)
    if not np.abs(values).max() > 0:
        return mine.findings.words("map.zero", part=mine.findings.part)
    best = int(np.argmax(np.abs(values)))
    steps = np.flatnonzero((e.segmentation.ids == best).any(axis=1))
    digits = mine.digits_of(e) if shares_scale(e) else 2
    span = clock.span(int(steps[0]), int(steps[-1]) + 1)
    return mine.findings.words(
        "series.strongest", span=span, value=signed(float(values[best]), digits)
    )
