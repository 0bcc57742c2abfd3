"""What a study measures of its explanations: each metric on each, and the pairs of one sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from xaikit.core.question import Masker, Question
from xaikit.core.types import Explanation, Score
from xaikit.metrics import METRICS, agreement_scores, removal_tests
from xaikit.metrics.base import Metric
from xaikit.study.failures import recorded
from xaikit.study.plan import Plan, mask_like
from xaikit.study.run import Failure

__all__ = ["FAST", "N_AGAIN", "Measuring", "masked"]

FAST = ("removal", "completeness_gap", "plausibility")
"""Metrics that ask no explanation again."""

N_AGAIN = 10
"""Samples on which the other metrics ask again: the fewest on which a verdict can rest."""


def masked(question: Question, plan: Plan, how: str) -> Masker:
    """Another masker of the same sample."""
    return mask_like(question.model, question.sample, question.segmentation, plan, how)


@dataclass(frozen=True, eq=False)
class Measuring:
    """Scores of explanations; what fails is kept in `failures`, and the rest is measured.

    metrics : names; second : another masker under which removal is measured too, or None
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
            if question.pool is not None:
                question.pool.forget()  # what it holds, copies of the model too, is not needed again
        return scores

    def _of_sample(
        self,
        question: Question,
        found: Sequence[Explanation],
        again: bool,
        tick: Callable[[int], None],
    ) -> list[Score]:
        scores = self._removal(question, found) if "removal" in self.metrics else []
        singles = [METRICS.get(name)() for name in self.metrics if name != "removal"]
        for explanation in found:
            for metric in singles:
                if again or metric.name in FAST:
                    scores += self._single(metric, question, explanation)
            tick(1)
        for a, b in combinations(found, 2):
            with recorded(self.failures, "agreement", question.model.id, question.sample.id):
                scores += agreement_scores(a, b)
        return scores

    def _single(self, metric: Metric, question: Question, explanation: Explanation) -> list[Score]:
        name = f"{explanation.method}: {metric.name}"
        rng = question.rng(metric.name, self.seed)  # the same for all methods
        with recorded(self.failures, name, question.model.id, question.sample.id):
            return metric(question, explanation, rng)
        return []

    def _removal(self, question: Question, found: Sequence[Explanation]) -> list[Score]:
        scores: list[Score] = []
        with recorded(self.failures, "removal", question.model.id, question.sample.id):
            maskers = [masked(question, self.plan, self.second)] if self.second else []
            for test in removal_tests(question, maskers, seed=self.seed):
                scores += test.random()
                for explanation in found:
                    if explanation.method != "random":  # the control is a mean of many orders
                        scores += test.scores(explanation)
        return scores
