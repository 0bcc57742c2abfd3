"""Controls: maps that explain nothing, which every comparison carries as the level to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.ma import masked_invalid

from xaikit.core.errors import NotApplicable
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats
from xaikit.methods.base import METHODS, Card, Method, Translation

__all__ = ["Magnitude", "Random"]


@METHODS.register("random")
@dataclass(frozen=True)
class Random(Method):
    """Noise: one standard normal number a feature, drawn without a look at the model."""

    name: ClassVar[str] = "random"
    in_auto: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Random",
        asks="Nothing: it draws a number for each feature.",
        misleads="It always does; a method that is no better than this has explained nothing.",
        paper="Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018",
        control=True,
        korean=Translation(
            "무작위",
            "아무것도 묻지 않고 특징마다 수를 뽑습니다.",
            "이보다 낫지 않은 방법은 아무것도 설명하지 못한 것입니다.",
        ),
    )

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        noise = rng.standard_normal(question.n_features)
        return question.answer(self, noise, additive=False, in_units=False)


@METHODS.register("magnitude")
@dataclass(frozen=True)
class Magnitude(Method):
    """How unusual the input itself is at each feature, without a look at the model.

    The distance |x - mean of the masker's references|, in units of their standard deviation where
    there are several and they differ (columns of a table have different units); summed over the
    channels of a place, then averaged over the places of a feature. For words it is their length.
    """

    name: ClassVar[str] = "magnitude"
    in_auto: ClassVar[bool] = True
    draws: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        title="Magnitude",
        asks="How far is the input itself from what a removed feature is replaced by?",
        misleads="It never asks the model; it looks right wherever the object is what stands out.",
        paper="the edge detector of Adebayo et al., NeurIPS 2018, in its plainest form",
        control=True,
        korean=Translation(
            "크기(입력 강도)",
            "입력이 기준에서 얼마나 벗어나 눈에 띄는지만 봅니다.",
            "모델에 전혀 묻지 않으며, 대상이 눈에 띄는 곳에서는 맞아 보입니다.",
        ),
    )

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        del rng  # nothing is drawn
        return question.answer(self, elements=_distance(question), additive=False, in_units=False)


def _distance(question: Question) -> Floats:
    """(*grid) distance of each place from its references."""
    x, references = question.sample.x, question.masker.references
    if x.dtype.kind == "U":
        return np.asarray(np.strings.str_len(x), dtype=np.float64)
    if question.masker.drops:
        raise NotApplicable(
            "magnitude compares the input with its references and the masker "
            f"'{question.masker.name}' has none; use a masker that replaces."
        )
    references = references.astype(np.float64)
    known = masked_invalid(references)
    spread, mean = known.std(axis=0).filled(0.0), known.mean(axis=0).filled(0.0)
    # a missing value is as far as one deviation
    distance = np.nan_to_num(np.abs(x - mean) / np.where(spread > 0, spread, 1.0), nan=1.0)
    channels = tuple(range(len(question.sample.grid), x.ndim))
    return np.asarray(distance.sum(axis=channels))
