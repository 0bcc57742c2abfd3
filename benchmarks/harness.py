"""How things are timed here, and what a line of the results is.

Everything runs in one thread and is measured in CPU time of the process (on a GPU in wall time after
a synchronisation). What is compared runs in turns, A B C, C B A, A B C, and each turn gives one ratio,
so that a machine that is busy, or changes its clock, disturbs both sides of a ratio alike.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

__all__ = ["Options", "Row", "Triple", "clock", "per_row", "ratios", "spread", "turns", "within"]

Triple = tuple[float, float, float]
"""Smallest, median and largest of the turns."""

PATIENCE = 20.0
"""Wall seconds after which a line gets no more turns than three."""

QUICK, MOST = 4.0, 25
"""Wall seconds within which a line gets more turns than it was to have, up to so many."""


@dataclass(frozen=True)
class Options:
    """What the command line asked for.

    quick : fewer and smaller cases, two turns; shows that all works, not how fast it is
    """

    quick: bool = False
    device: str = "cpu"
    seed: int = 0

    @property
    def repeats(self) -> int:
        return 2 if self.quick else 5


@dataclass(frozen=True)
class Row:
    """One line of a table.

    part : the table it belongs to; what : what was measured, in plain words
    bar : what it must reach, for example "<= 1.05", or ""
    ours : of xaikit; peers : of other packages by name, each with its settings, in the same unit
    unit : of all numbers, for example "times the pure passes" or "us an evaluation"
    holds : whether our median reaches the bar, None without a bar
    """

    part: str
    what: str
    bar: str
    ours: Triple
    peers: Mapping[str, Triple] = field(default_factory=dict)
    unit: str = ""
    holds: bool | None = None
    note: str = ""


def within(ours: Triple, bar: float, *, least: bool = False) -> bool:
    """Whether the median is at most the bar, or at least with `least`."""
    return bool(ours[1] >= bar if least else ours[1] <= bar)


def spread(values: Iterable[float]) -> Triple:
    """Smallest, median and largest."""
    found = np.array(list(values), dtype=np.float64)
    return float(found.min()), float(np.median(found)), float(found.max())


def ratios(above: Sequence[float], below: Sequence[float]) -> Triple:
    """The ratio turn by turn."""
    return spread(a / b for a, b in zip(above, below, strict=True))


def per_row(seconds: Sequence[float], rows: float) -> list[float]:
    """Seconds of each turn for one row."""
    return [s / rows for s in seconds]


def clock(device: str) -> Callable[[], float]:
    """CPU seconds of this process, or wall seconds once the GPU has finished."""
    if device == "cpu":
        return time.process_time

    def wall() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return wall


def turns(
    work: Mapping[str, Callable[[], Any]],
    repeats: int,
    now: Callable[[], float],
    *,
    warm: bool = False,
) -> dict[str, list[float]]:
    """Seconds of every piece of work in every turn, after one call of each that is not counted.

    warm : all of it has run before, so that call is left out
    Garbage is collected before each piece and not within it. Slow work gets fewer turns, two or three,
    and quick work more.
    """
    names = list(work)
    for name in names if not warm else ():
        work[name]()
    found: dict[str, list[float]] = {name: [] for name in names}
    started = time.perf_counter()
    for turn in range(MOST if repeats > 2 else repeats):
        limit = PATIENCE if turn < repeats else QUICK
        if turn >= min(3, repeats) and time.perf_counter() - started > limit:
            break
        for name in names if turn % 2 == 0 else reversed(names):
            found[name].append(_once(work[name], now))
    return found


def _once(work: Callable[[], Any], now: Callable[[], float]) -> float:
    gc.collect()
    gc.disable()
    try:
        start = now()
        work()
        return now() - start
    finally:
        gc.enable()
