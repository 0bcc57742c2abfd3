"""What a metric is, where metrics are registered, and how numbers over samples are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from xaikit.core.measures import MEASURES, Direction, Measure, default_k, described, measure
from xaikit.core.question import Question
from xaikit.core.registry import Registry
from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Explanation, Score
from xaikit.methods.base import ask, make_method

__all__ = [
    "MEASURES",
    "METRICS",
    "Direction",
    "Measure",
    "Metric",
    "ask_again",
    "default_k",
    "described",
    "measure",
    "of_the_question",
    "over_samples",
]


class Metric:
    """A frozen dataclass of parameters that scores explanations.

    A metric overrides `__call__`, which scores one explanation, or `scores`, which scores those of
    several methods and many questions together. The question may differ from the explained one in its
    masker only. An empty list means that the metric does not apply (no rationale, not additive, no
    other class).

    What it declares of itself:
    measures : the numbers it gives, its main number first (see `measure`)
    costly : left out of "auto"
    explains_again : asks methods again; a study does so on `checked` samples
    under_each_masker : asked once more with the features removed in another way
    across : compares samples with each other
    """

    name: ClassVar[str]
    measures: ClassVar[tuple[Measure, ...]]
    costly: ClassVar[bool] = False
    explains_again: ClassVar[bool] = False
    under_each_masker: ClassVar[bool] = False
    across: ClassVar[bool] = False

    def __call__(
        self, question: Question, explanation: Explanation, rng: np.random.Generator, /
    ) -> list[Score]:
        """The scores of one explanation; `rng` is the same for all explanations of a sample."""
        seed = int(rng.integers(2**31))
        found = self.scores([question], [[explanation]], seed=seed)
        return [score for score in found if score.of.get("method") == explanation.method]

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        """The scores of B questions about one model with as many features each.

        explanations : of each method a block (`Explanations`) of B, in the order of the questions
        """
        found: list[Score] = []
        for i, question in enumerate(questions):
            rng = question.rng(self.name, seed)
            start = rng.bit_generator.state
            for block in explanations:
                rng.bit_generator.state = start  # the same draws for every method
                found += self(question, block[i], rng)
            if question.cache is not None:
                question.cache.forget_made()  # copies of the model take room
        return found

    def rows_needed(self, question: Question, n_methods: int) -> int:
        """Model rows that it asks for beside explanations, for the forecast."""
        del question, n_methods
        return 0

    @classmethod
    def shares_passes(cls) -> bool:
        """Whether it scores explanations together."""
        return cls.scores is not Metric.scores


METRICS: Registry[type[Metric]] = Registry("metric", base=Metric)


LEAST_BUDGET = 4  # that every method with a budget takes; one feature has two masks only


def ask_again(
    questions: Sequence[Question],
    first: Sequence[Explanation],
    *,
    seed: int,
    capped: bool = False,
) -> list[Explanation]:
    """Explanations of other questions by the method and parameters of the first ones, one each.

    capped : a method that chooses its own effort (budget "auto", steps of integrated gradients) gets
        what it needed the first time; a model of random weights may never let it come to rest
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for i, (_, explanation) in enumerate(zip(questions, first, strict=True)):
        alike[repr(_params(explanation, capped))].append(i)
    found: dict[int, Explanation] = {}
    for rows in alike.values():
        one = first[rows[0]]
        method = make_method(one.method, **_params(one, capped))
        found.update(zip(rows, ask(method, [questions[i] for i in rows], seed=seed), strict=True))
    return [found[i] for i in range(len(questions))]


def _params(explanation: Explanation, capped: bool) -> dict[str, Any]:
    params, asked = dict(explanation.params), explanation.cost.asked
    if capped and asked and params.get("budget") == "auto":
        params["budget"] = max(asked, LEAST_BUDGET)
    if capped and "max_steps" in params:
        params["max_steps"] = explanation.extras.get("steps", params["max_steps"])
    return params


def of_the_question(
    questions: Sequence[Question], explanations: Sequence[Sequence[Explanation]]
) -> list[Sequence[Explanation]]:
    """The blocks, or none of them where the questions remove features in another way than was explained."""
    pairs = [
        (q.masker.name, block[i].masker) for block in explanations for i, q in enumerate(questions)
    ]
    return list(explanations) if all(a == b for a, b in pairs) else []


def over_samples(scores: Iterable[Score]) -> list[Score]:
    """Mean over samples of each number of each method and masker, with a 95 % interval.

    NaNs are left out and counted in the note; fewer than 10 samples give no interval. `of` keeps
    everything but the sample and gains "n", the number of samples.
    """
    groups: dict[tuple[Any, ...], list[Score]] = defaultdict(list)
    for score in scores:
        rest = sorted((k, v) for k, v in score.of.items() if k != "sample")
        groups[score.metric, *rest].append(score)
    return [_mean(group) for group in groups.values()]


def _mean(group: list[Score]) -> Score:
    first = group[0]
    values = np.array([s.value for s in group])
    known = values[np.isfinite(values)]
    lost = len(values) - len(known)
    of = {k: v for k, v in first.of.items() if k != "sample"} | {"n": len(known)}
    mean = float(known.mean()) if len(known) else float("nan")
    interval = bootstrap_interval(known) if len(known) else None
    note = f"not measurable on {lost} of {len(values)} samples" if lost else ""
    curves = [s.curve for s in group if s.curve is not None]
    same = len(curves) == len(group) and len({c[:, 0].tobytes() for c in curves}) == 1
    curve = np.mean(curves, axis=0) if same else None
    return Score(first.metric, mean, first.direction, first.family, interval, curve, of, note)
