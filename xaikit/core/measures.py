"""The numbers that are reported, each with its words for people; metrics declare them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from xaikit.core.registry import Registry
from xaikit.core.types import Explanation, Floats, Score

if TYPE_CHECKING:
    from xaikit.core.question import Question

__all__ = [
    "MEASURES",
    "Centre",
    "Direction",
    "Measure",
    "MeasureWords",
    "default_k",
    "described",
    "measure",
]

Direction = Literal["higher", "lower"]
Centre = Literal["mean", "median"]


@dataclass(frozen=True)
class MeasureWords:
    """Title of a number and what it means, in another language."""

    title: str
    means: str


@dataclass(frozen=True)
class Measure:
    """One number that is reported.

    family : "faithfulness", "stability", "sanity", "plausibility", "agreement" or one of your own: the
        part of the page's table in which it stands
    title, means : its name and what it means, a phrase without a full stop
    korean : the same in Korean; without them the page shows the English ones
    centre : how samples are put together in the table
    in_table : False for a gauge of the test that is no property of a method
    """

    name: str
    family: str
    direction: Direction
    title: str
    means: str
    korean: MeasureWords | None = None
    centre: Centre = "mean"
    in_table: bool = True

    def facts(self) -> dict[str, Any]:
        """What a saved run knows of it, JSON-able."""
        found = asdict(self)
        del found["name"]
        return found | {"ko": found.pop("korean") or {}}

    def score(
        self,
        value: float,
        of: Mapping[str, Any],
        *,
        curve: Floats | None = None,
        note: str = "",
        interval: tuple[float, float] | None = None,
    ) -> Score:
        """This number, measured."""
        return Score(self.name, value, self.direction, self.family, interval, curve, of, note)

    def scores(
        self,
        values: ArrayLike,
        of: Sequence[Mapping[str, Any]],
        notes: Sequence[str] = (),
        curves: Floats | None = None,
    ) -> list[Score]:
        """This number, measured N times: values (N,), curves (N, p, 2)."""
        found: list[Score] = []
        known, notes = np.asarray(values, dtype=np.float64), notes or [""] * len(of)
        if curves is not None:
            curves.setflags(write=False)
        for i, (value, what, note) in enumerate(zip(known.tolist(), of, notes, strict=True)):
            curve = None if curves is None else curves[i]
            if math.isnan(value) or math.isinf(value):
                found.append(self.score(value, what, curve=curve, note=note))
                continue
            score: Score = object.__new__(Score)  # nothing is left to be checked
            score.__dict__.update(
                metric=self.name, value=value, direction=self.direction, family=self.family,
                interval=None, curve=curve, of=what, note=note,
            )  # fmt: skip
            found.append(score)
        return found

    def of(self, question: Question, explanation: Explanation, value: float, **more: Any) -> Score:
        """This number, measured on one explanation under the question's masker."""
        return self.score(value, described(question, explanation), **more)


MEASURES: Registry[Measure] = Registry("measure")


def measure(
    name: str,
    family: str,
    direction: Direction,
    title: str,
    means: str,
    *,
    korean: tuple[str, str] | None = None,
    centre: Centre = "mean",
    in_table: bool = True,
) -> Measure:
    """A new number; its name is taken only once. korean : title and meaning"""
    words = MeasureWords(*korean) if korean else None
    made = Measure(name, family, direction, title, means, words, centre, in_table)
    return MEASURES.register(name)(made)


def described(question: Question, explanation: Explanation) -> dict[str, str]:
    """What a score is of."""
    return {
        "method": explanation.method,
        "sample": explanation.sample_id,
        "masker": question.masker.name,
    }


def default_k(n: int) -> int:
    """How many features count as the top ones: 5, or 5 % of many, but never over a quarter."""
    return max(1, min(-(-n // 4), max(5, round(0.05 * n))))
