"""What the benchmarks of the tasks share: what is asked, a figure with its bar, and a trained net."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import xaikit
from xaikit.core.stats import bootstrap_interval
from xaikit.data.dataset import Dataset

__all__ = ["Asked", "Line", "trained"]


@dataclass(frozen=True)
class Asked:
    """seed : of data, nets and explanations; tiles : folder of the magnetic tiles; etth : the
    file of ETTh1; quick : few and short"""

    seed: int = 0
    tiles: Path | None = None
    etth: Path | None = None
    quick: bool = False

    def n(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


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
        n = len(self.values) if len(self.values) > 1 else ""
        return f"| {self.what} | {self.bar} | {self.value:.3f}{between} | {n} | {held} |"


def trained(architecture: str, data: Dataset, asked: Asked, **params: Any) -> tuple[Any, float]:
    """A net of the package, and the seconds of one core that it took."""
    if asked.quick:
        params |= {"epochs": 1}
    start = time.process_time()
    model = xaikit.train(architecture, data, seed=asked.seed, progress=False, **params)
    return model, time.process_time() - start
