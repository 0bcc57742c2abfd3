"""What a study will cost, said before it starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.question import Question
from xaikit.core.types import Sample
from xaikit.methods.base import COALITIONS, Method
from xaikit.metrics.base import Metric
from xaikit.study.plan import Plan, make_question
from xaikit.study.refining import N_REFERENCES, refining_of

__all__ = ["Forecast", "forecast", "passes", "search_forecast"]

PROBE = 64  # rows of the pass that is timed
BACKWARD = 3  # a forward and a backward pass take about as long as so many forward passes


@dataclass(frozen=True)
class Forecast:
    """Model rows that the explanations of some questions ask, and seconds: at least and at most.

    what : will take so long
    """

    rows: tuple[int, int]
    seconds: tuple[float, float]
    what: str = "the explanations"

    def __str__(self) -> str:
        low, high = (_duration(s) for s in self.seconds)
        took = low if low == high else f"{low} to {high}"
        few, many = self.rows
        asked = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        return f"{self.what} will take about {took} ({asked} model rows)"


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
    each = _seconds(questions[0])
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
    what = "the explanations and their checks" if metrics else "the explanations"
    return Forecast((few, many), (least, most), what)


def search_forecast(model: Model, samples: Sequence[Sample], plan: Plan) -> Forecast | None:
    """What finding the features of the samples coarse to fine will cost; None where they are not."""
    searches = [refining_of(plan.features, sample) for sample in samples]
    found = [search for search in searches if search]
    if not found:
        return None
    first = make_question(model, found[0].sample, replace(plan, features=found[0].first()))
    each, k = _seconds(first), min(N_REFERENCES, first.n_references)
    few, many = (k * sum(getattr(s, name)() for s in found) for name in ("fewest", "most"))
    return Forecast((few, many), (few * each, many * each), what="finding the features")


def _seconds(question: Question) -> float:
    """Of one row, by a pass of the model on the sample."""
    inputs = [question.sample.x] * PROBE
    question.model.scores(inputs)  # the first pass of a process is slow
    start = time.perf_counter()
    question.model.scores(inputs)
    return (time.perf_counter() - start) / PROBE


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
