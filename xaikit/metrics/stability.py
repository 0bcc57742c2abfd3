"""Does the explanation come out the same a second time, and next door?

Both also say how far agreement with other methods can go at most: `agreements` of a method with
its own second run, under a = b in `of`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xaikit.core.agreement import agreements, similarity
from xaikit.core.errors import InvalidInput
from xaikit.core.question import Cache, Meter, Question
from xaikit.core.stats import is_constant
from xaikit.core.types import Explanation, Floats, Score
from xaikit.metrics.base import (
    METRICS,
    Measure,
    Metric,
    ask_again,
    described,
    measure,
    of_the_question,
)
from xaikit.tasks import task_of

__all__ = ["Stability", "neighbours", "variance_share"]

_FAMILY = "stability"
_TRIES = 8  # neighbours drawn for each one wanted
VARIANCE_SHARE = measure(
    "variance_share",
    _FAMILY,
    "higher",
    "Second run",
    "share of the values' variance that a second run gives again",
    korean=("두 번째 실행", "값의 분산 중 두 번째 실행에서 다시 나오는 비율"),
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
    measures: ClassVar[tuple[Measure, ...]] = (VARIANCE_SHARE, INPUT_STABILITY)
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
        return self.scores([question], [[explanation]], seed=int(rng.integers(2**31)))

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        blocks = of_the_question(questions, explanations)
        near: dict[int, list[Question]] = {}  # the same for all methods

        def close(i: int) -> list[Question]:
            if i not in near:
                near[i] = self._close(questions[i], seed)
            return near[i]

        return [score for block in blocks for score in self._of(questions, block, close)]

    def _of(
        self,
        questions: Sequence[Question],
        first: Sequence[Explanation],
        close: Callable[[int], list[Question]],
    ) -> list[Score]:
        """The scores of one method."""
        runs = self._runs(questions, first)
        fixed = [all(np.array_equal(a.values, b.values) for b in rest) for a, *rest in runs]
        counts = [int(f) if self.n_neighbours is None else self.n_neighbours for f in fixed]
        asked = [close(i)[:n] if n else [] for i, n in enumerate(counts)]
        every = [q for some in asked for q in some]
        theirs = [e for some, e in zip(asked, first, strict=True) for _ in some]
        answers = iter(ask_again(every, theirs, seed=first[0].seed))
        scores: list[Score] = []
        again: list[tuple[Explanation, Explanation]] = []
        for question, mine, same, n, some in zip(
            questions, runs, fixed, counts, asked, strict=True
        ):
            near = [next(answers) for _ in some]
            of = described(question, mine[0])
            scores.append(variance_share(mine, of))
            if n and _spread(question) is not None:
                value = np.mean([similarity(mine[0], e) for e in near]) if near else np.nan
                note = "" if near else "no neighbour kept the prediction"
                scores.append(INPUT_STABILITY.score(float(value), of, note=note))
            again += [(mine[0], other) for other in (near if same else mine[1:])[:1]]
        return [*scores, *(agreements(list(zip(*again, strict=True))) if again else ())]

    def _runs(
        self, questions: Sequence[Question], first: Sequence[Explanation]
    ) -> list[list[Explanation]]:
        """Each explanation with its further runs; who drew nothing gives the same again."""
        drawn = [i for i, e in enumerate(first) if e.drawn]
        asked = [questions[i] for i in drawn]
        runs = [[e] * (1 + self.n_seeds) for e in first]
        for number in range(1, 1 + self.n_seeds):
            again = ask_again(asked, [first[i] for i in drawn], seed=first[0].seed + number)
            for i, e in zip(drawn, again, strict=True):
                runs[i][number] = e
        return runs

    def _close(self, question: Question, seed: int) -> list[Question]:
        """As many neighbours as may be asked for."""
        if _spread(question) is None:
            return []
        n, rng = self.n_neighbours or 1, question.rng(self.name, seed)
        return neighbours(question, rng, n=n, radius=self.radius)


def variance_share(runs: Sequence[Explanation], of: dict[str, str]) -> Score:
    """Share of the values' variance over features that another run gives again, at most 1.

    The intraclass correlation of two runs, 2 cov(a, b) / (var a + var b), as a mean over all pairs of
    runs: features without weight do not count. The same numbers give 1, unrelated ones 0.
    """
    values = [e.values for e in runs]
    if all(np.array_equal(values[0], v) for v in values):
        return VARIANCE_SHARE.score(1.0, of, note="the same numbers: nothing is drawn at random")
    if any(is_constant(v) for v in values):
        return VARIANCE_SHARE.score(0.0, of, note="0 by rule: one run is constant")
    shares = [_intraclass(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return VARIANCE_SHARE.score(float(np.mean(shares)), of)


def _intraclass(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(2 * (a @ b) / (a @ a + b @ b))


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
