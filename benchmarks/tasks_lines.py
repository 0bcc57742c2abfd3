"""What the benchmarks of the tasks share: what is asked, a figure with its bar, a trained net, and how a task
joins: a file `benchmarks/tasks_NAME.py` whose function stands under `@part` is found by `benchmarks.tasks`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

import xaikit
from xaikit.core.stats import bootstrap_interval
from xaikit.data.dataset import Dataset

__all__ = ["PARTS", "Asked", "Line", "over_seeds", "part", "trained"]


@dataclass(frozen=True)
class Asked:
    """seed : of data, nets and explanations; files : what is not built in, by name; quick : few and short"""

    seed: int = 0
    files: Mapping[str, Path] = field(default_factory=dict)
    quick: bool = False

    def n(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


PARTS: dict[str, Callable[[Asked], Iterator[Line]]] = {}


def part(measure: Callable[[Asked], Iterator[Line]]) -> Callable[[Asked], Iterator[Line]]:
    """Puts the figures of a task under the name of the function into the table."""
    PARTS[measure.__name__] = measure
    return measure


@dataclass(frozen=True)
class Line:
    """One figure.

    what : in plain words; bar : ">= .9", "<= .05" or "" where it is only printed
    values : its samples, whose mean is the figure; or the figure alone
    """

    what: str
    bar: str
    values: Sequence[float]
    interval: tuple[float, float] | None = None

    @property
    def value(self) -> float:
        return float(np.mean(self.values)) if len(self.values) else float("nan")

    @property
    def holds(self) -> bool | None:
        if not self.bar:
            return None
        sign, bar = self.bar.split()
        return self.value >= float(bar) if sign == ">=" else self.value <= float(bar)

    def told(self) -> str:
        known = self.interval or (bootstrap_interval(self.values) if len(self.values) > 1 else None)
        between = f" ({known[0]:.3f} to {known[1]:.3f})" if known else ""
        held = {True: "holds", False: "missed", None: ""}[self.holds]
        return f"| {self.what} | {self.bar} | {self.value:.3f}{between} | {held} |"


def over_seeds(lines: Sequence[Line]) -> list[Line]:
    """The figures of several seeds as one each: their mean with Student's interval; a seed counts once, however
    many samples it had."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.what, []).append(line)
    return [same[0] if len(same) == 1 else _pooled(same) for same in found.values()]


def _pooled(same: Sequence[Line]) -> Line:
    values = [line.value for line in same]
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    between = float(np.mean(values) - half), float(np.mean(values) + half)
    return Line(same[0].what, same[0].bar, values, between)


def trained(architecture: str, data: Dataset, asked: Asked, **params: Any) -> tuple[Any, float]:
    """A net of the package, and the seconds of one core that it took."""
    if asked.quick:
        params |= {"epochs": 1}
    start = time.process_time()
    model = xaikit.train(architecture, data, seed=asked.seed, progress=False, **params)
    return model, time.process_time() - start
