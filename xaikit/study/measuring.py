"""What a study measures of its explanations: each metric on each, and the pairs of one sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from xaikit.core.question import Cache, Masker, Question
from xaikit.core.types import Explanation, Score
from xaikit.metrics import METRICS, agreement_scores
from xaikit.metrics.base import Metric
from xaikit.study.failures import recorded
from xaikit.study.plan import Plan, mask_like
from xaikit.study.run import Failure

__all__ = ["N_AGAIN", "Measuring", "masked"]

N_AGAIN = 10
"""Samples on which metrics explain again: the fewest on which a verdict can rest."""


def masked(question: Question, plan: Plan, how: str) -> Masker:
    """Another masker of the same sample."""
    return mask_like(question.model, question.sample, question.segmentation, plan, how)


@dataclass(frozen=True, eq=False)
class Measuring:
    """Scores of explanations; what fails is kept in `failures`, and the rest is measured.

    metrics : names; second : another masker under which some are asked once more, or None
    """

    metrics: Sequence[str]
    second: str | None
    plan: Plan
    seed: int
    failures: list[Failure] = field(default_factory=list)

    def __call__(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Explanation],
        tick: Callable[[int], None],
    ) -> list[Score]:
        """All scores, sample by sample."""
        by_sample: dict[str, list[Explanation]] = {q.sample.id: [] for q in questions}
        for explanation in explanations:
            by_sample[explanation.sample_id].append(explanation)
        scores: list[Score] = []
        for i, question in enumerate(questions):
            scores += self._of_sample(question, by_sample[question.sample.id], i < N_AGAIN, tick)
            if question.cache is not None:
                question.cache.forget()  # what it holds, copies of the model too, is not needed again
        return scores

    def _of_sample(
        self,
        question: Question,
        found: Sequence[Explanation],
        again: bool,
        tick: Callable[[int], None],
    ) -> list[Score]:
        metrics = [METRICS.get(name)() for name in self.metrics]
        metrics = [m for m in metrics if again or not m.explains_again]
        asked = self._asked(question) if any(m.under_each_masker for m in metrics) else [question]
        scores: list[Score] = []
        for metric in metrics:
            if metric.shares_passes():
                scores += self._scored(metric, asked, found, metric.name)
        for explanation in found:
            for metric in metrics:
                if not metric.shares_passes():
                    name = f"{explanation.method}: {metric.name}"
                    scores += self._scored(metric, asked, [explanation], name)
            tick(1)
        for a, b in combinations(found, 2):
            with recorded(self.failures, "agreement", question.model.id, question.sample.id):
                scores += agreement_scores(a, b)
        return scores

    def _asked(self, question: Question) -> list[Question]:
        """The question, and the same with its features removed in another way."""
        with recorded(self.failures, "second_masker", question.model.id, question.sample.id):
            if self.second:
                other = masked(question, self.plan, self.second)
                if other.name != question.masker.name:
                    return [question, replace(question, masker=other, cache=Cache())]
        return [question]

    def _scored(
        self, metric: Metric, asked: Sequence[Question], found: Sequence[Explanation], name: str
    ) -> list[Score]:
        scores: list[Score] = []
        with recorded(self.failures, name, asked[0].model.id, asked[0].sample.id):
            for question in asked if metric.under_each_masker else asked[:1]:
                scores += metric.scores(question, found, seed=self.seed)
        return scores
