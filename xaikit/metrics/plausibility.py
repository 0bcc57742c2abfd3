"""Does an explanation point where people say the answer lies?

This is no evidence of faithfulness: a model may use what people do not. It is kept apart and never
enters a verdict. Everything is measured on the places of the sample's grid: a feature's value is
shared out over its places when it is a sum (an additive value), and given to each when it is a mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Question
from xaikit.core.stats import average_precision
from xaikit.core.types import Bools, Explanation, Floats, Score
from xaikit.metrics.base import METRICS, Measure, Metric, described, measure

__all__ = ["Plausibility"]

_FAMILY = "plausibility"
POINTING = measure(
    "pointing_game",
    _FAMILY,
    "higher",
    "Pointing game",
    "whether the strongest place lies in the marked part",
    korean=("최강점 위치", "가장 강한 곳이 표시된 부분 안에 있는지"),
)
MASS = measure(
    "relevance_mass",
    _FAMILY,
    "higher",
    "Relevance mass",
    "share of supporting evidence in the marked part",
    korean=("근거의 비율", "표시된 부분 안의 지지 근거 비율"),
)
RANK = measure(
    "relevance_rank",
    _FAMILY,
    "higher",
    "Relevance rank",
    "share of the strongest places in the marked part",
    korean=("근거의 순위", "가장 강한 곳 중 표시된 부분에 있는 비율"),
)
AUPRC = measure(
    "auprc",
    _FAMILY,
    "higher",
    "AUPRC",
    "how well strength finds the marked places",
    korean=("AUPRC", "세기로 표시된 곳을 찾는 정도"),
)
TOKEN_F1 = measure(
    "token_f1",
    _FAMILY,
    "higher",
    "Token F1",
    "overlap of the strongest with the marked words",
    korean=("토큰 F1", "가장 강한 어절과 표시된 어절의 겹침"),
)
IOU_F1 = measure(
    "iou_f1",
    _FAMILY,
    "higher",
    "IoU F1",
    "matches of word spans with the marked spans",
    korean=("IoU F1", "어절 구간과 표시된 구간의 일치"),
)


@METRICS.register("plausibility")
@dataclass(frozen=True)
class Plausibility(Metric):
    """Agreement with `sample.rationale`; nothing when there is none.

    Pointing game: Zhang et al. 2018; ties count by their share inside. Relevance mass and rank: Arras
    et al. 2022, eq. 1-2. AUPRC, token F1 and IoU F1 (spans that overlap by half): DeYoung et al.
    2020, section 4; a span is a run of neighbouring words; for text only.

    k : words that count as chosen; None takes as many as are marked
    """

    name: ClassVar[str] = _FAMILY
    measures: ClassVar[tuple[Measure, ...]] = (RANK, POINTING, MASS, AUPRC, TOKEN_F1, IOU_F1)
    k: int | None = None

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise InvalidInput(f"k is {self.k} words; give 1 or more, or None.")

    def __call__(
        self, question: Question, explanation: Explanation, _: np.random.Generator
    ) -> list[Score]:
        rationale = question.sample.rationale
        if rationale is None:
            return []
        inside = explanation.segmentation.ids >= 0
        truth, values = rationale[inside], explanation.places[inside]
        of = described(question, explanation)
        if truth.all() or not truth.any():
            which = "every" if truth.any() else "no"
            note = f"{which} place is marked, so nothing can be told apart"
            return [m.score(float("nan"), of, note=note) for m in (POINTING, MASS, RANK, AUPRC)]
        scores = [
            POINTING.score(float(truth[values == values.max()].mean()), of),
            _mass(values, truth, of),
            RANK.score(float(_top_share(values, int(truth.sum())) @ truth / truth.sum()), of),
            AUPRC.score(average_precision(values, truth), of),
        ]
        words = question.sample.kind.words
        return [*scores, *(self._words(values, truth, of) if words else ())]

    def _words(self, values: Floats, truth: Bools, of: dict[str, str]) -> list[Score]:
        k = min(self.k or int(truth.sum()), len(values))
        chosen = np.zeros(len(values), dtype=bool)
        chosen[np.argsort(-values, kind="stable")[:k]] = True
        note = f"the {k} strongest words" + ("" if self.k else ", as many as are marked")
        hits = int((chosen & truth).sum())
        mine, theirs = _spans(chosen), _spans(truth)
        matched = sum(any(_iou(a, b) >= 0.5 for b in theirs) for a in mine)
        return [
            TOKEN_F1.score(_f1(hits / k, hits / int(truth.sum())), of, note=note),
            IOU_F1.score(_f1(matched / len(mine), min(1.0, matched / len(theirs))), of, note=note),
        ]


def _mass(values: Floats, truth: Bools, of: dict[str, str]) -> Score:
    positive = np.maximum(values, 0.0)
    if not positive.any():
        return MASS.score(0.0, of, note="0 by rule: nothing speaks for the target")
    return MASS.score(float(positive[truth].sum() / positive.sum()), of)


def _top_share(values: Floats, k: int) -> Floats:
    """(p,) weight of each place in the top k, sums to k; places tied at the edge share what is left."""
    edge = np.partition(values, len(values) - k)[len(values) - k]
    above, at = values > edge, values == edge
    share: Floats = above + at * ((k - above.sum()) / at.sum())
    return share


def _spans(chosen: Bools) -> list[tuple[int, int]]:
    """Runs of chosen places as (start, stop)."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _iou(a: tuple[int, int], b: tuple[int, int]) -> float:
    overlap = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    return overlap / (a[1] - a[0] + b[1] - b[0] - overlap)


def _f1(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0
