"""The numbers that are reported, each with a line for people; the report and the metrics share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xaikit.core.registry import Registry
from xaikit.core.types import Explanation, Floats, Score

if TYPE_CHECKING:
    from xaikit.core.question import Question

__all__ = ["MEASURES", "Direction", "Measure", "default_k", "described", "measure"]

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Measure:
    """One number that is reported, and what it means in a line for people."""

    name: str
    family: str
    direction: Direction
    card: str

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

    def of(self, question: Question, explanation: Explanation, value: float, **more: Any) -> Score:
        """This number, measured on one explanation under the question's masker."""
        return self.score(value, described(question, explanation), **more)


MEASURES: Registry[Measure] = Registry("measure")


def measure(name: str, family: str, direction: Direction, card: str) -> Measure:
    """A new number, registered so that the report can say what it means."""
    return MEASURES.register(name)(Measure(name, family, direction, card))


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
