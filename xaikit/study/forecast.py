"""What a study will cost, said before it starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xaikit.core.question import Question
from xaikit.methods.base import COALITIONS, Method
from xaikit.metrics.base import Metric

__all__ = ["Forecast", "forecast", "passes"]

PROBE = 64  # rows of the pass that is timed
BACKWARD = 3  # a forward and a backward pass take about as long as so many forward passes


@dataclass(frozen=True)
class Forecast:
    """Model rows that the explanations of some questions ask, and seconds: at least and at most.

    checked : whether their checks are counted too
    """

    rows: tuple[int, int]
    seconds: tuple[float, float]
    checked: bool = False

    def __str__(self) -> str:
        low, high = (_duration(s) for s in self.seconds)
        took = low if low == high else f"{low} to {high}"
        few, many = self.rows
        asked = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        what = "the explanations and their checks" if self.checked else "the explanations"
        return f"{what} will take about {took} ({asked} model rows)"


def forecast(
    questions: Sequence[Question],
    methods: Sequence[Method],
    metrics: Sequence[Metric] = (),
    checked: int = 0,
) -> Forecast:
    """From the methods' own counts (`asks`) and one timed pass of the model on the first sample.

    metrics : each that explains again asks once more about `checked` samples, and those that remove
        features say how many rows that takes
    """
    first = questions[0]
    inputs = [first.sample.x] * PROBE
    first.model.scores(inputs)  # the first pass of a process is slow
    start = time.perf_counter()
    first.model.scores(inputs)
    each = (time.perf_counter() - start) / PROBE
    few = many = 0
    least = most = 0.0
    again = sum(metric.explains_again for metric in metrics)
    for method in methods:
        seconds = each * _weight(method)
        for i, question in enumerate(questions):
            times = 1 + again * (i < checked)
            low, high = (times * rows for rows in method.rows_needed(question))
            few, many = few + low, many + high
            least, most = least + low * seconds, most + high * seconds
    removed = sum(m.rows_needed(q, len(methods)) for m in metrics for q in questions)
    few, many = few + removed, many + removed
    least, most = least + removed * each, most + removed * each
    return Forecast((few, many), (least, most), bool(metrics))


def passes(method: Method, question: Question) -> float:
    """About how many forward passes of one row it will take: between the fewest and the most."""
    low, high = method.rows_needed(question)
    return float(np.sqrt(low * high)) * _weight(method)


def _weight(method: Method) -> int:
    """Forward passes in a row of the method's: rows of gradients go through the model both ways."""
    return BACKWARD if method.shares_passes() and method.stream != COALITIONS else 1


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
