"""What a study measures of its explanations: each metric on each, and the pairs of one sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np

from xaikit.core.errors import XaikitError, foreign
from xaikit.core.explanations import Explanations
from xaikit.core.question import Cache, Masker, Question
from xaikit.core.questions import apart
from xaikit.core.types import Explanation, Score
from xaikit.metrics import METRICS, agreements
from xaikit.study.failures import recorded
from xaikit.study.plan import Plan, mask_like
from xaikit.study.run import Failure

__all__ = ["N_AGAIN", "Measuring", "masked"]

N_AGAIN = 64
"""Most samples on which metrics explain again, unless more are asked for."""

TOGETHER = 64  # samples that are measured at once


def masked(question: Question, plan: Plan, how: str) -> Masker:
    """Another masker of the same sample."""
    return mask_like(question.model, question.sample, question.segmentation, plan, how)


@dataclass(frozen=True, eq=False)
class Measuring:
    """Scores of explanations; what fails is kept in `failures`, and the rest is measured.

    metrics : names; second : another masker under which some are asked once more, or None
    checked : most samples on which metrics explain again
    """

    metrics: Sequence[str]
    second: str | None
    plan: Plan
    seed: int
    failures: list[Failure] = field(default_factory=list)
    checked: int = N_AGAIN

    def __call__(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Explanation],
        tick: Callable[[int], None],
    ) -> list[Score]:
        """All scores: first of the samples on which metrics explain again, then of the others."""
        by_sample: dict[str, list[Explanation]] = {q.sample.id: [] for q in questions}
        for explanation in explanations:
            by_sample[explanation.sample_id].append(explanation)
        n = len(questions)
        starts = sorted({*range(0, n, TOGETHER), min(self.checked, n), n})
        scores: list[Score] = []
        for start, stop in pairwise(starts):
            for some, blocks in _alike(questions[start:stop], by_sample):
                scores += self._measured(some, blocks, again=start < self.checked)
                tick(len(some) * len(blocks))
            for question in questions[start:stop]:
                if question.cache is not None:
                    question.cache.forget()  # what it holds is not needed again
        return scores

    def _measured(
        self, questions: Sequence[Question], blocks: Sequence[Explanations], again: bool
    ) -> list[Score]:
        """Of questions whose scores are read at what was found on each sample one by one, but for what compares
        samples with each other."""
        if not apart(questions):
            return self._of(questions, blocks, again)
        rows = [([q], [b[i : i + 1] for b in blocks]) for i, q in enumerate(questions)]
        each = [score for one in rows for score in self._of(*one, again)]
        return each + self._of(questions, blocks, again, across=True)

    def _of(
        self,
        questions: Sequence[Question],
        blocks: Sequence[Explanations],
        again: bool,
        across: bool = False,
    ) -> list[Score]:
        metrics = [METRICS.get(name)() for name in self.metrics]
        metrics = [m for m in metrics if (again or not m.explains_again) and m.across >= across]
        scores: list[Score] = []
        other = (
            self._in_the_other_way(questions)
            if any(m.under_each_masker for m in metrics)
            else ([], [])
        )
        for metric in metrics:
            score = partial(metric.scores, seed=self.seed)
            how = score, metric.name, not metric.shares_passes()
            scores += self._scored(*how, questions, blocks)
            if metric.under_each_masker and other[0]:
                scores += self._scored(*how, other[0], [b.take(other[1]) for b in blocks])
        if len(blocks) > 1 and not across:
            scores += self._scored(_agreement, "agreement", False, questions, blocks)
        return scores

    def _in_the_other_way(self, questions: Sequence[Question]) -> tuple[list[Question], list[int]]:
        """The questions with their features removed in another way, and which of them those are."""
        asked, which = [], []
        for i, question in enumerate(questions if self.second else ()):
            with recorded(self.failures, "second_masker", question.model.id, question.sample.id):
                other = masked(question, self.plan, str(self.second))
                if other.name != question.masker.name:
                    asked.append(replace(question, masker=other, cache=Cache()))
                    asked[-1].set_output_and_empty(question.output, np.nan)
                    which.append(i)
        return asked, which

    def _scored(
        self,
        score: Callable[[Sequence[Question], Sequence[Explanations]], list[Score]],
        name: str,
        apart: bool,
        questions: Sequence[Question],
        blocks: Sequence[Explanations],
    ) -> list[Score]:
        """The scores of the block; where something fails those of each question.

        apart : and those of each method
        """
        if len(questions) == 1 and (not apart or len(blocks) < 2):
            who = f"{blocks[0].method}: {name}" if apart else name
            with recorded(self.failures, who, questions[0].model.id, questions[0].sample.id):
                return score(questions, blocks)
            return []
        with suppress(XaikitError), foreign(f"'{name}'"):
            return score(questions, blocks)
        if len(questions) > 1:
            parts = [([q], [b[i : i + 1] for b in blocks]) for i, q in enumerate(questions)]
        else:
            parts = [(list(questions), [block]) for block in blocks]
        return [found for part in parts for found in self._scored(score, name, apart, *part)]


def _agreement(_: Sequence[Question], blocks: Sequence[Explanations]) -> list[Score]:
    return agreements(blocks)


def _alike(
    questions: Sequence[Question], by_sample: Mapping[str, Sequence[Explanation]]
) -> Iterator[tuple[list[Question], list[Explanations]]]:
    """Questions with as many features that were answered by the same methods, and the answers."""
    groups: dict[Hashable, list[Question]] = defaultdict(list)
    for question in questions:
        answers = (
            (e.method, e.unit, e.additive, len(e.values)) for e in by_sample[question.sample.id]
        )
        groups[question.n_features, *answers].append(question)
    for group in groups.values():
        rows = zip(*(by_sample[question.sample.id] for question in group), strict=True)
        yield group, [Explanations.of(row) for row in rows]
