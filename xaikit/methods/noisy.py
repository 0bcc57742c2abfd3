"""Another method, averaged over inputs that hardly differ from the sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Question
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Explanation
from xaikit.methods.base import METHODS, Card, Method, Translation, ask, make_method, reason_against

__all__ = ["Noisy"]


@METHODS.register("noisy")
@dataclass(frozen=True, kw_only=True)
class Noisy(Method):
    """What a method says on average over `n_samples` copies of the sample with noise, in opposite
    pairs, with the standard error.

    of : name of the method, any that applies
    noise : the copies' deviation as a share of how far each place may move: of a column its deviation over the
        background, of a picture its range, of a series each channel's deviation; categories stay
    In the unit of that method; the mean over copies does not add up to the sample's output - empty.
    Source: Smilkov et al. 2017, arXiv 1706.03825, around any method (captum's NoiseTunnel).
    """

    name: ClassVar[str] = "noisy"
    card: ClassVar[Card] = Card(
        title="With noise",
        asks="What does another method say near this sample on average?",
        misleads="It speaks of a neighbourhood, and the noise decides how wide that is.",
        paper="Smilkov et al. 2017, arXiv 1706.03825",
        korean=Translation(
            "잡음 평균",
            "다른 방법이 이 표본 가까이에서 평균하여 말하는 바를 봅니다.",
            "이웃에 대해 말하며, 잡음의 크기가 이웃의 범위를 정합니다.",
        ),
    )

    of: str = "input_x_gradient"
    n_samples: int = 16
    noise: float = 0.1

    def __post_init__(self) -> None:
        even = self.n_samples >= 4 and self.n_samples % 2 == 0
        if not even or not self.noise >= 0 or self.of == self.name:
            raise InvalidInput(
                f"noisy has of={self.of!r}, n_samples {self.n_samples} and noise {self.noise}; name another "
                "method, an even number of 4 copies or more and a noise of 0 or more."
            )

    def check(self, model: Model) -> None:
        if MODALITIES.get(model.modality).words:
            raise NotApplicable(
                f"noisy moves numbers a little and '{model.id}' reads words, which have no neighbours; try "
                "'smoothgrad', whose noise lies in their vectors."
            )
        if reason := reason_against(make_method(self.of), model):
            raise NotApplicable(f"noisy: {reason}")

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Model rows."""
        few, many = make_method(self.of).rows_needed(question)
        return self.n_samples * few, self.n_samples * many

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        x, model, kind = question.sample.x, question.model, question.sample.kind
        rows = question.masker.references if model.background is None else model.background
        spread = kind.spread(x, rows, model.info)
        if spread is None:
            raise NotApplicable(
                f"noisy needs inputs near '{question.sample.id}' and there are none."
            )
        half = rng.normal(size=(self.n_samples // 2, *x.shape)) * (self.noise * spread)
        moved = np.concatenate([half, -half])  # opposite pairs: a straight line has no error
        copies = [kind.within((x + step).astype(x.dtype)) for step in moved]
        asked = [
            replace(question, sample=replace(question.sample, x=copy), cache=None)
            for copy in copies
        ]
        found = ask(make_method(self.of), asked, seed=int(rng.integers(2**31)))
        for cost in (e.cost for e in found):
            question.meter.counts += [cost.asked, cost.forward, cost.backward]
        pairs = np.stack([e.values for e in found]).reshape(2, len(half), -1).mean(axis=0)
        return question.answer(
            self,
            pairs.mean(axis=0),
            additive=False,
            in_units=found.unit != "relative",
            std=pairs.std(axis=0, ddof=1) / np.sqrt(len(half)),
        )
