"""Does the explanation depend on the model, and on what is asked?

A picture that stays when the model's knowledge is erased shows the input, not the model.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from xaikit.core.abilities import Resettable
from xaikit.core.agreement import similarity
from xaikit.core.errors import InvalidInput
from xaikit.core.question import Cache, Meter, Question
from xaikit.core.stats import is_constant, spearman
from xaikit.core.types import Explanation, Score, Target
from xaikit.metrics.base import METRICS, Measure, Metric, ask_again, described, measure
from xaikit.tasks import task_of

__all__ = ["RandomLogit", "Randomisation"]

_FAMILY = "sanity"
RANDOMISATION = measure(
    "randomisation",
    _FAMILY,
    "lower",
    "Weights drawn anew",
    "likeness that is left with random weights",
    korean=("가중치 다시 뽑기", "무작위 가중치에서 남는 유사도"),
)
STRENGTH = measure(
    "randomisation_strength",
    _FAMILY,
    "lower",
    "Weights drawn anew, strength",
    "the same for strength without the sign",
    korean=("가중치 다시 뽑기, 세기", "부호를 뺀 세기의 같은 값"),
)
RANDOM_LOGIT = measure(
    "random_logit",
    _FAMILY,
    "lower",
    "Another class",
    "likeness of the pictures of two classes",
    korean=("다른 분류", "두 분류의 그림이 닮은 정도"),
)


@METRICS.register("randomisation")
@dataclass(frozen=True)
class Randomisation(Metric):
    """Rank correlation of the explanation with that of a copy of the model with random weights.

    "randomisation" keeps the signs. Strength alone (|values|, as Adebayo et al. 2018 measure it) is
    a number of its own, "randomisation_strength": every sound method on the removal waist scales with
    the contrast between the input and its reference, so strength is alike on any two models. Both
    are the same for methods without signs. The model itself is left untouched.

    n_copies : random models whose results are averaged; None takes one for 11 features or more and
        up to 4 for fewer, where a rank correlation is noisy
    cascade : also randomise from the output down, layer by layer; the curve is over the share of
        layers. Costs one explanation a layer and copy.
    """

    name: ClassVar[str] = "randomisation"
    measures: ClassVar[tuple[Measure, ...]] = (RANDOMISATION, STRENGTH)
    explains_again: ClassVar[bool] = True
    n_copies: int | None = None
    cascade: bool = False

    def __post_init__(self) -> None:
        if self.n_copies is not None and self.n_copies < 1:
            raise InvalidInput(
                f"n_copies is {self.n_copies}; give 1 or more random models, or None."
            )

    def __call__(
        self, question: Question, explanation: Explanation, rng: np.random.Generator
    ) -> list[Score]:
        model = question.model
        if not isinstance(model, Resettable) or question.masker.name != explanation.masker:
            return []
        n_copies = self.n_copies or max(1, min(4, round(16 / question.n_features)))
        seeds = rng.integers(2**31, size=n_copies).tolist()
        copies = [self._explained(model, question, explanation, seed) for seed in seeds]
        steps = np.mean([[similarity(explanation, e) for e in copy] for copy in copies], axis=0)
        share = np.arange(len(steps) + 1) / len(steps)
        curve = np.stack([share, np.append(1.0, steps)], axis=1)
        last = [copy[-1] for copy in copies]
        flat = any(is_constant(e.values) for e in (explanation, *last))
        note = "by rule: one explanation is constant" if flat else ""
        strength = float(np.mean([_strength(explanation, e) for e in last]))
        of = described(question, explanation)
        return [
            RANDOMISATION.score(float(steps[-1]), of, curve=curve, note=note),
            STRENGTH.score(strength, of, note=note),
        ]

    def _explained(
        self,
        model: Resettable,
        question: Question,
        explanation: Explanation,
        seed: int,
    ) -> list[Explanation]:
        """Explanations of one randomised model, layer by layer or of all layers at once."""
        layers = model.layers()
        found: list[Explanation] = []
        cache = Cache() if question.cache is None else question.cache

        def about(count: int) -> Question:
            # the same seed again, so that each step adds a layer to the same draws
            fresh = model.randomised(layers[:count], np.random.default_rng(seed))
            return dataclasses.replace(question, model=fresh, cache=Cache(), meter=Meter())

        for count in range(1, len(layers) + 1) if self.cascade else [len(layers)]:
            key = ("randomised", question.target, seed, count)  # one copy for all methods
            asked = cache.once(key, partial(about, count))
            found += ask_again([asked], explanation, seed=explanation.seed, capped=True)
        return found


@METRICS.register("random_logit")
@dataclass(frozen=True)
class RandomLogit(Metric):
    """Rank correlation of the signed explanation with that of the runner-up class (Sixt et al. 2020).

    With one or two classes there is no other question: the second class is the first with its sign
    turned. Nothing is measured then, nor for several values, which may depend on the same features.
    Of labels that hold together the rival is the most probable other label.
    """

    name: ClassVar[str] = "random_logit"
    measures: ClassVar[tuple[Measure, ...]] = (RANDOM_LOGIT,)
    explains_again: ClassVar[bool] = True

    def __call__(
        self, question: Question, explanation: Explanation, _: np.random.Generator
    ) -> list[Score]:
        other = _other_target(question)
        if other is None or question.masker.name != explanation.masker:
            return []
        asked = dataclasses.replace(question, target=other, meter=Meter())  # the cache knows both
        (found,) = ask_again([asked], explanation, seed=explanation.seed, capped=True)
        name = f"against '{task_of(question.model).outputs[other.index]}'"
        flat = is_constant(explanation.values) or is_constant(found.values)
        note = f"{name}; by rule: one explanation is constant" if flat else name
        of = described(question, explanation)
        return [RANDOM_LOGIT.score(similarity(explanation, found), of, note=note)]


def _strength(a: Explanation, b: Explanation) -> float:
    same = np.array_equal(a.values, b.values)
    return 1.0 if same else spearman(np.abs(a.values), np.abs(b.values))


def _other_target(question: Question) -> Target | None:
    """The same question about the most likely class that was not asked about."""
    task = task_of(question.model)
    if not task.rivals:
        return None

    def found() -> Target | None:
        return task.runner_up(question.model.scores([question.sample.x])[0], question.target)

    cache = question.cache
    return found() if cache is None else cache.once(("runner up", question.target), found)
