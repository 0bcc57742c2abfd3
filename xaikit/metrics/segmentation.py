"""Does the explanation depend on where the borders of the features were drawn?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from xaikit.core.question import Cache, Meter, Question
from xaikit.core.stats import is_constant, spearman
from xaikit.core.types import Explanation, Sample, Score, Segmentation
from xaikit.metrics.base import METRICS, Measure, Metric, ask_again, described, measure

__all__ = ["SegmentationStability", "recut"]

SHARE = 0.75  # features of the other cut, at most, per feature of the first
FEWEST = 4  # features that the other cut must have for a rank correlation
SEGMENTATION_STABILITY = measure(
    "segmentation_stability",
    "stability",
    "higher",
    "Other segmentation",
    "likeness when the features are cut differently",
    korean=("다른 분할", "특징을 다르게 나눌 때의 유사도"),
)


@METRICS.register("segmentation_stability")
@dataclass(frozen=True)
class SegmentationStability(Metric):
    """Rank correlation of the explanation with that of the same sample cut in another way, -1 to 1.

    The method is asked again about `recut` features with the same references. Both maps are spread
    evenly over the places of the grid and pooled on the other, coarser features: a model that adds
    up its features gets 1 where these are unions of the first ones. Nothing for tables, whose
    columns have no neighbours, and for methods that give a value to every place and pool it
    afterwards: no cut can change their map.

    costly : asks every removal method once more; left out of quick studies
    """

    name: ClassVar[str] = "segmentation_stability"
    measures: ClassVar[tuple[Measure, ...]] = (SEGMENTATION_STABILITY,)
    costly: ClassVar[bool] = True
    explains_again: ClassVar[bool] = True

    def __call__(
        self, question: Question, explanation: Explanation, _: np.random.Generator
    ) -> list[Score]:
        if explanation.elements is not None or question.masker.name != explanation.masker:
            return []
        cache = Cache() if question.cache is None else question.cache  # an empty one is false
        asked = cache.once(("recut", question.target), partial(_recut_question, question))
        if asked is None:
            return []
        other = asked.segmentation
        (found,) = ask_again([asked], [explanation], seed=explanation.seed, capped=True)
        how: Literal["sum", "mean"] = "mean" if explanation.unit == "relative" else "sum"
        same = other.pool(explanation.places, how)
        flat = is_constant(same) or is_constant(found.values)
        note = f"against {other.source}" + ("; 0 by rule: one map is constant" if flat else "")
        value = spearman(same, found.values)
        return [SEGMENTATION_STABILITY.score(value, described(question, explanation), note=note)]


def _recut_question(question: Question) -> Question | None:
    """The question about other features; all methods share its evaluations."""
    other = recut(question.sample, question.segmentation)
    if other is None:
        return None
    return dataclasses.replace(question, segmentation=other, cache=Cache(), meter=Meter())


def recut(sample: Sample, segmentation: Segmentation) -> Segmentation | None:
    """Other features of the same sample, at most three quarters as many, or None where there are none.

    How is told by the modality: an image in squares of another size, whatever the first features
    were; a series in windows of another length, channels kept apart where they were; a text's
    neighbouring features two by two. Places that were never removed stay so.
    """
    most = int(SHARE * segmentation.n_features)
    cut = sample.kind.recut(segmentation, most) if most >= FEWEST else None
    if cut is None:
        return None
    ids, kind = cut
    found, dense = np.unique(np.where(segmentation.ids < 0, -1, ids), return_inverse=True)
    dense = dense.reshape(ids.shape) - int(found[0] < 0)
    n = int(dense.max()) + 1
    if not FEWEST <= n <= most:
        return None
    return Segmentation(dense, tuple(f"part {i + 1}" for i in range(n)), f"{n} parts: {kind}")
