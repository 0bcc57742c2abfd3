"""Methods that remove features one at a time and look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xaikit.core.question import Question
from xaikit.core.types import Bools, Explanation
from xaikit.methods.base import METHODS, Card, Method, Translation

__all__ = ["Occlusion"]


@METHODS.register("occlusion")
@dataclass(frozen=True)
class Occlusion(Method):
    """What the target loses when one feature is removed and all others stay: v(N) - v(N without i).

    In the target's units, n + 2 evaluations, nothing is drawn. The values do not add up to
    output - empty unless the model is additive in the features.
    """

    name: ClassVar[str] = "occlusion"
    in_auto: ClassVar[bool] = True
    splits_sums: ClassVar[bool] = True
    draws: ClassVar[bool] = False
    evaluates_output_and_empty: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Occlusion",
        asks="How much does the score fall when this feature alone is removed?",
        misleads="Two features that say the same cover for each other, and both get nothing.",
        paper="Zeiler & Fergus, ECCV 2014; leave-one-out: Li, Monroe & Jurafsky 2016",
        korean=Translation(
            "가림(Occlusion)",
            "특징을 하나씩 없애고 점수가 얼마나 떨어지는지 봅니다.",
            "같은 정보를 담은 두 특징은 서로를 가려 주어 둘 다 0이 됩니다.",
        ),
    )

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Model rows."""
        rows = (question.n_features + 2) * question.n_references
        return rows, rows

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        del rng  # nothing is drawn
        values = question.value(self.masks(question))
        return question.answer(self, values[0] - values[2:], additive=False, in_units=True)

    def masks(self, question: Question) -> Bools:
        """Everything kept, nothing kept, then each feature alone removed: (n + 2, n)."""
        n = question.n_features
        return np.vstack([np.repeat([[True], [False]], n, axis=1), ~np.eye(n, dtype=bool)])
