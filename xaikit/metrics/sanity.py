"""Does the explanation depend on the model, on what is asked, and on the sample?

A picture that stays when the model's knowledge is erased shows the input, not the model.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xaikit.core.abilities import Model, Resettable
from xaikit.core.agreement import similarity
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Cache, Meter, Question
from xaikit.core.stats import is_constant, spearman
from xaikit.core.types import Explanation, Score, Target
from xaikit.metrics.base import (
    METRICS,
    Measure,
    Metric,
    ask_again,
    described,
    measure,
    of_the_question,
)
from xaikit.metrics.faithfulness import RemovalTest
from xaikit.tasks import task_of

__all__ = ["OwnSample", "RandomLogit", "Randomisation"]

_FAMILY = "sanity"
RANDOMISATION = measure(
    "randomisation",
    _FAMILY,
    "lower",
    "Random twin",
    "likeness that is left with the model's knowledge erased",
    korean=("무작위 쌍둥이", "모델이 배운 것을 지웠을 때 남는 유사도"),
)
STRENGTH = measure(
    "randomisation_strength",
    _FAMILY,
    "lower",
    "Random twin, strength",
    "the same for strength without the sign",
    korean=("무작위 쌍둥이, 세기", "부호를 뺀 세기의 같은 값"),
)
RANDOM_LOGIT = measure(
    "random_logit",
    _FAMILY,
    "lower",
    "Another class",
    "likeness of the pictures of two classes",
    korean=("다른 분류", "두 분류의 그림이 닮은 정도"),
)


OWN_SAMPLE = measure(
    "own_sample",
    _FAMILY,
    "higher",
    "Own sample",
    "gain over the map of another sample",
    korean=("자기 표본", "다른 표본의 그림 대비 이득"),
)


@METRICS.register("randomisation")
@dataclass(frozen=True)
class Randomisation(Metric):
    """Rank correlation of the explanation with that of a random twin of the model.

    A twin is the model with its knowledge erased: weights drawn anew (Adebayo et al. 2018), or the
    same estimator fitted again on permuted answers (their data randomisation test). One twin shares its
    accidents with all samples, so that there are several, dealt out in turn. "randomisation" keeps the
    signs. Strength alone (|values|, as Adebayo et al. measure it) is a number of its own,
    "randomisation_strength": every sound method on the removal waist scales with the contrast between the
    input and its reference, so strength is alike on any two models. Both are the same for methods without
    signs. The model itself is left untouched.

    n_twins : twins of a block of samples
    n_copies : of them a sample, whose results are averaged; None takes one for 11 features or more and
        up to 4 for fewer, where a rank correlation is noisy
    cascade : also randomise from the output down, layer by layer; the curve is over the share of
        layers. Costs one explanation a layer and copy.
    """

    name: ClassVar[str] = "randomisation"
    measures: ClassVar[tuple[Measure, ...]] = (RANDOMISATION, STRENGTH)
    explains_again: ClassVar[bool] = True
    n_twins: int = 16
    n_copies: int | None = None
    cascade: bool = False

    def __post_init__(self) -> None:
        if self.n_copies is not None and self.n_copies < 1:
            raise InvalidInput(
                f"n_copies is {self.n_copies}; give 1 or more random models, or None."
            )
        if self.n_twins < 1:
            raise InvalidInput(f"n_twins is {self.n_twins}; give 1 or more random models.")

    def __call__(
        self, question: Question, explanation: Explanation, rng: np.random.Generator
    ) -> list[Score]:
        return self.scores([question], [[explanation]], seed=int(rng.integers(2**31)))

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        model, blocks = questions[0].model, of_the_question(questions, explanations)
        if not isinstance(model, Resettable) or not blocks:
            return []
        found: dict[tuple[int, int], list[list[Explanation]]] = defaultdict(list)
        for number, rows in self._dealt(questions, seed).items():
            try:
                twins = self._twins(model, [seed, number])
            except NotApplicable:
                return []
            steps = []
            for twin in twins:
                asked = [_about(questions[i], twin) for i in rows]
                steps.append([_again(asked, [block[i] for i in rows]) for block in blocks])
            for b, by_step in enumerate(zip(*steps, strict=True)):
                for i, copy in zip(rows, zip(*by_step, strict=True), strict=True):
                    found[i, b].append(list(copy))
        return [
            score
            for (i, b), copies in sorted(found.items())
            for score in _likeness(questions[i], blocks[b][i], copies)
        ]

    def _twins(self, model: Resettable, seed: list[int]) -> list[Model]:
        """The twin, with a cascade after those of fewer layers."""
        layers = model.layers()
        counts = range(1, len(layers) + 1) if self.cascade else [len(layers)]
        # the same seed again, so that each step adds a layer to the same draws
        return [model.randomised(layers[:n], np.random.default_rng(seed)) for n in counts]

    def _dealt(self, questions: Sequence[Question], seed: int) -> dict[int, list[int]]:
        """Number of a twin -> the samples that are compared with it."""
        copies = self.n_copies or max(1, min(4, round(16 / questions[0].n_features)))
        first = int(questions[0].rng("twins", seed).integers(self.n_twins))
        dealt: dict[int, list[int]] = defaultdict(list)
        for i in range(len(questions)):
            for c in range(copies):
                number = first + i * copies + c
                dealt[number % max(self.n_twins, copies)].append(i)
        return dealt


def _about(question: Question, twin: Model) -> Question:
    return dataclasses.replace(question, model=twin, cache=Cache(), meter=Meter())


def _again(asked: Sequence[Question], first: Sequence[Explanation]) -> Sequence[Explanation]:
    seed = first[0].seed if first else 0
    return ask_again(asked, first, seed=seed, capped=True)


def _likeness(
    question: Question, explanation: Explanation, copies: Sequence[Sequence[Explanation]]
) -> list[Score]:
    """copies : of each random model the explanations, layer by layer or of all layers at once"""
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
        return self.scores([question], [[explanation]])

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        del seed  # nothing is drawn but by the method itself
        blocks = of_the_question(questions, explanations)
        others = _other_targets(questions) if blocks else []
        rows = [i for i, other in enumerate(others) if other is not None]
        asked = [  # the cache knows both targets
            dataclasses.replace(question, target=other, meter=Meter())
            for question, other in zip(questions, others, strict=False)
            if other is not None
        ]
        return [
            _of_two_classes(question, block[i], other)
            for block in blocks
            for i, question, other in zip(
                rows, asked, _again(asked, [block[i] for i in rows]), strict=True
            )
        ]


def _of_two_classes(asked: Question, one: Explanation, other: Explanation) -> Score:
    name = f"against '{task_of(asked.model).outputs[asked.target.index]}'"
    flat = is_constant(one.values) or is_constant(other.values)
    note = f"{name}; by rule: one explanation is constant" if flat else name
    return RANDOM_LOGIT.score(similarity(one, other), described(asked, one), note=note)


@METRICS.register("own_sample")
@dataclass(frozen=True)
class OwnSample(Metric):
    """By how much the map of a sample gains more in its removal test than the map of another sample.

    The other map is by the same method, for the same class, of the next sample that is cut into the same
    features: a global mean, one vector for all, or maps that went to wrong samples gain nothing here.
    Nothing is measured where no other sample is cut so, as of texts.
    """

    name: ClassVar[str] = "own_sample"
    measures: ClassVar[tuple[Measure, ...]] = (OWN_SAMPLE,)
    explains_again: ClassVar[bool] = True  # where no other sample was asked about the class
    under_each_masker: ClassVar[bool] = True
    across: ClassVar[bool] = True

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        others = _others(questions)
        rows = [i for i, j in enumerate(others) if j is not None]
        if not rows:
            return []
        test = RemovalTest([questions[i] for i in rows], seed=seed)
        found: list[Score] = []
        for block in explanations:
            own = np.stack([block[i].values for i in rows])
            theirs = np.stack([e.values for e in _theirs(questions, block, others)])
            mine, other = test.gains(np.stack([own, theirs]))
            of = [described(questions[i], block[i]) for i in rows]
            found += OWN_SAMPLE.scores(mine - other, of)
        return found


def _others(questions: Sequence[Question]) -> list[int | None]:
    """The next sample of each that is cut into the same features, of the same class where there is one."""

    def other(i: int) -> int | None:
        after = [(i + k) % len(questions) for k in range(1, len(questions))]
        alike = [j for j in after if _same_cut(questions[i], questions[j])]
        same = [j for j in alike if questions[j].target == questions[i].target]
        return next(iter([*same, *alike]), None)

    return [other(i) for i in range(len(questions))]


def _same_cut(a: Question, b: Question) -> bool:
    one, two = a.segmentation, b.segmentation
    return one is two or (one.names == two.names and np.array_equal(one.ids, two.ids))


def _theirs(
    questions: Sequence[Question], block: Sequence[Explanation], others: Sequence[int | None]
) -> list[Explanation]:
    """The other samples' explanations for the samples' own classes, asked where they are not known."""
    pairs = [(i, j) for i, j in enumerate(others) if j is not None]
    new = [(i, j) for i, j in pairs if questions[i].target != questions[j].target]
    asked = [
        dataclasses.replace(questions[j], target=questions[i].target, meter=Meter()) for i, j in new
    ]
    found = dict(zip(new, _again(asked, [block[j] for _, j in new]), strict=True))
    return [found.get((i, j), block[j]) for i, j in pairs]


def _strength(a: Explanation, b: Explanation) -> float:
    same = np.array_equal(a.values, b.values)
    return 1.0 if same else spearman(np.abs(a.values), np.abs(b.values))


def _other_targets(questions: Sequence[Question]) -> list[Target | None]:
    """The same questions about the most likely class that was not asked about."""
    task = task_of(questions[0].model)
    if not task.rivals:
        return []
    scores = questions[0].model.scores([question.sample.x for question in questions])
    return [task.runner_up(row, q.target) for row, q in zip(scores, questions, strict=True)]
