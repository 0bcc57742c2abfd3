"""The parts of a series card: signals, strips of every method, and the span they share."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.core.types import Explanation
from xaikit.report.case import Case, shares_scale
from xaikit.report.charts import tag
from xaikit.report.colour import bin_of
from xaikit.report.formats import signed
from xaikit.report.spoken import Phrase
from xaikit.report.strips import Clock, common_span, signal, strip, strongest_channels

__all__ = ["series_hero", "series_parts", "series_thumb", "stretch_phrase"]


FIFTHS = ("start", "before", "middle", "after", "end")


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


def series_hero(mine: Case, names: list[str]) -> dict[str, Any]:
    """The signal of each channel with its stretches shaded by the method shown, on its own scale."""
    length, n_channels = mine.sample.grid
    clock, e = _clock(mine), mine.lead
    return {
        "channels": [
            {
                "name": _name(mine, names, c, n_channels) if n_channels > 1 else "",
                **signal(mine.sample, c),
                "stretches": [] if e is None else stretches(e, c),
            }
            for c in strongest_channels(e, n_channels)
        ],
        "ticks": clock.ticks(length),
    }


def stretches(e: Explanation, channel: int) -> list[dict[str, Any]]:
    """Where evidence lies in one channel, in per cent of the time: features that carry some, joined."""
    line = np.append(e.values / (np.abs(e.values).max() or 1.0), 0.0)[
        e.segmentation.ids[:, channel]
    ]
    bins = np.array([bin_of(float(v)) for v in line])
    cuts = [0, *(np.flatnonzero(np.diff(bins)) + 1).tolist(), len(bins)]
    return [
        {
            "x": f"{100 * a / len(bins):.2f}",
            "width": f"{100 * (b - a) / len(bins):.2f}",
            "bin": int(bins[a]),
        }
        for a, b in pairwise(cuts)
        if bins[a]
    ]


def stretch_phrase(mine: Case, e: Explanation, i: int) -> Phrase:
    """In which fifth of the time a feature lies, and in which channel where there are several."""
    steps, channels = np.nonzero(e.segmentation.ids == i)
    words, (length, n_channels) = mine.findings.words, mine.sample.grid
    fifth = FIFTHS[min(int(5 * (steps.mean() + 0.5) / length), 4)]
    name = words(f"fifth.{fifth}")
    if n_channels == 1 or len(set(channels.tolist())) > 1:
        return Phrase(name, lambda names: words("fifth.of", names=names), "fifth", name)
    channel = _name(mine, mine.findings.columns, int(channels[0]), n_channels)
    return Phrase(name, lambda names: words("fifth.channel", names=names, channel=channel), channel)


def series_thumb(mine: Case) -> Markup:
    """The first channel in small, with its strongest stretches."""
    e = mine.lead
    channel = strongest_channels(e, mine.sample.grid[1])[0]
    shades = [
        tag(
            "rect",
            x=float(s["x"]),
            y=0,
            width=float(s["width"]),
            height=100,
            class_=f"{'f' if s['bin'] > 0 else 'a'}{abs(s['bin'])}",
        )
        for s in ([] if e is None else stretches(e, channel))
    ]
    line = tag("path", d=signal(mine.sample, channel, 64)["path"], class_="line")
    return tag(
        "svg",
        *shades,
        line,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="ser-t",
    )
