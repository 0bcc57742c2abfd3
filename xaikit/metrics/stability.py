"""Does the explanation come out the same a second time, and next door?

Both also say how far agreement with other methods can go at most: `agreement_scores` of a method with
its own second run, under a = b in `of`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xaikit.core.agreement import agreement_scores, similarity, top_k
from xaikit.core.errors import InvalidInput
from xaikit.core.question import Cache, Meter, Question
from xaikit.core.types import Explanation, Floats, Score
from xaikit.metrics.base import METRICS, Measure, Metric, ask_again, default_k, described, measure
from xaikit.tasks import task_of

__all__ = ["Stability", "neighbours", "seed_agreement"]

_FAMILY = "stability"
_TRIES = 8  # neighbours drawn for each one wanted
SEED_AGREEMENT = measure(
    "seed_agreement",
    _FAMILY,
    "higher",
    "Second run",
    "overlap of the top features of two runs",
    korean=("두 번째 실행", "두 실행의 상위 특징이 겹치는 비율"),
)
INPUT_STABILITY = measure(
    "input_stability",
    _FAMILY,
    "higher",
    "Small input noise",
    "likeness under noise that keeps the prediction",
    korean=("입력의 작은 잡음", "예측을 바꾸지 않는 잡음에서의 유사도"),
)


@METRICS.register("stability")
@dataclass(frozen=True)
class Stability(Metric):
    """Agreement with a second run, and with the explanation of a neighbour.

    The method is asked again with its own parameters. A method that gives the very same numbers has
    no randomness: its ceiling of agreement comes from the neighbours instead.

    n_seeds : further runs
    n_neighbours : hardly changed inputs, see `neighbours`; None takes one for methods without
        randomness and none for the others, whose second run already says how far they repeat
    radius : size of the noise
    """

    name: ClassVar[str] = _FAMILY
    measures: ClassVar[tuple[Measure, ...]] = (SEED_AGREEMENT, INPUT_STABILITY)
    explains_again: ClassVar[bool] = True
    n_seeds: int = 1
    n_neighbours: int | None = None
    radius: float = 0.02

    def __post_init__(self) -> None:
        if self.n_seeds < 1 or (self.n_neighbours or 0) < 0 or not self.radius > 0:
            raise InvalidInput(
                f"stability has n_seeds {self.n_seeds}, n_neighbours {self.n_neighbours} and radius "
                f"{self.radius}; give 1 or more, 0 or more (or None), and more than 0."
            )

    def __call__(
        self, question: Question, explanation: Explanation, rng: np.random.Generator
    ) -> list[Score]:
        if question.masker.name != explanation.masker:
            return []
        seeds = [explanation.seed + 1 + i for i in range(self.n_seeds)]
        # who drew nothing gives the same again, and need not be asked
        runs = [
            ask_again([question], explanation, seed=seed)[0] if explanation.drawn else explanation
            for seed in seeds
        ]
        fixed = all(np.array_equal(explanation.values, run.values) for run in runs)
        of = described(question, explanation)
        scores = [seed_agreement([explanation, *runs], of)]
        n_near = int(fixed) if self.n_neighbours is None else self.n_neighbours
        near: Sequence[Explanation] = ()
        if n_near and _spread(question) is not None:
            close = neighbours(question, rng, n=n_near, radius=self.radius)
            near = ask_again(close, explanation, seed=explanation.seed)
            value = np.mean([similarity(explanation, e) for e in near]) if near else np.nan
            note = "" if near else "no neighbour kept the prediction"
            scores.append(INPUT_STABILITY.score(float(value), of, note=note))
        for other in (near if fixed else runs)[:1]:
            scores += agreement_scores(explanation, other)
        return scores


def seed_agreement(runs: list[Explanation], of: dict[str, str]) -> Score:
    """Mean Jaccard overlap of the top features over all pairs of runs, 0 to 1.

    |A and B| / |A or B| of the `default_k` features of largest |value|, fewer when the runs give
    weight to fewer. The same numbers give 1.
    """
    n = len(runs[0].values)
    used = min([default_k(n), *(int((e.values != 0).sum()) for e in runs)])
    if all(np.array_equal(runs[0].values, e.values) for e in runs):
        return SEED_AGREEMENT.score(1.0, of, note="the same numbers: nothing is drawn at random")
    if used == 0:
        return SEED_AGREEMENT.score(0.0, of, note="0 by rule: one run is 0 everywhere")
    tops = [set(top_k(e.values, used).tolist()) for e in runs]
    pairs = [(a, b) for i, a in enumerate(tops) for b in tops[i + 1 :]]
    value = float(np.mean([len(a & b) / len(a | b) for a, b in pairs]))
    return SEED_AGREEMENT.score(value, of, note=f"top {used} of {n} features")


def neighbours(
    question: Question, rng: np.random.Generator, *, n: int = 1, radius: float = 0.02
) -> list[Question]:
    """Up to n questions about hardly changed inputs for which the model predicts the same class.

    Gaussian noise, `radius` times the spread that the modality tells: the range of an image, the
    deviation of a channel of a series, or the deviation of a number column over the background;
    categories stay. A regressor's prediction counts as kept when it moves by at most a tenth of
    output - empty.
    """
    sample, model, spread = question.sample, question.model, _spread(question)
    if spread is None:
        raise InvalidInput(
            f"a {sample.modality} sample has no hardly changed neighbours; use image, table or series."
        )
    noise = rng.standard_normal((n * _TRIES, *sample.x.shape)) * radius * spread
    xs = sample.kind.within((sample.x + noise).astype(sample.x.dtype))
    scores = model.scores([sample.x, *xs])
    if model.classes:
        task = task_of(model)
        chosen = task.chosen(task.predictions(scores))
        kept = (chosen[1:] == chosen[0]).all(axis=1)
    else:
        change = question.target(scores[1:]) - question.output
        kept = np.abs(change) <= 0.1 * abs(question.output - question.empty)
    return [
        dataclasses.replace(
            question, sample=dataclasses.replace(sample, x=x), cache=Cache(), meter=Meter()
        )
        for x in xs[kept][:n]
    ]


def _spread(question: Question) -> Floats | None:
    """What noise of radius 1 means at each place; None where there are no neighbours."""
    sample, model = question.sample, question.model
    rows = question.masker.references if model.background is None else model.background
    return sample.kind.spread(sample.x, rows, model.info)
