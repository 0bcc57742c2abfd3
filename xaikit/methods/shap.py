"""Shapley values: each feature's fair share of output - empty.

`shap` takes the cheapest exact way that the model allows and samples otherwise; the other names of
this file each ask one estimator, for comparison.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from xaikit.core.batching import nominal_seconds
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.many import Same
from xaikit.core.question import Question
from xaikit.core.questions import Questions
from xaikit.core.types import Explanation
from xaikit.methods.base import (
    COALITIONS,
    METHODS,
    Card,
    Method,
    Translation,
    compute_output_and_empty,
)
from xaikit.methods.exact import Exact, has_closed_form, shapley_rows
from xaikit.methods.few import one_reference_a_pair, too_few
from xaikit.shapley import shapley
from xaikit.shapley.api import largest_budget
from xaikit.shapley.result import ShapleyResult

__all__ = ["ExactShapley", "KernelShap", "LeverageShap", "PermutationShap", "Shap"]

SMALL = 11  # features up to which all coalitions are asked: 2048, the least cap of budget="auto"

CLOSED = "the model has a closed form"


@dataclass(frozen=True)
class Sampled(Method):
    """Shapley values from evaluations of the question alone, by the estimator of the subclass.

    budget : most evaluations, or "auto": as many as it takes for the largest error to be probably
        below `tolerance`, capped
    tolerance : share of the range of the values, in (0, 1); also decides `converged`
    Values are in the target's units and sum to output - empty; std is their standard error, 0 where
    all 2^n coalitions were affordable.
    """

    budget: int | Literal["auto"] = "auto"
    tolerance: float = 0.05

    name: ClassVar[str]
    card: ClassVar[Card]
    estimator: ClassVar[str] = "auto"
    evaluates_output_and_empty: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InvalidInput(
                f"{self.name}'s tolerance is {self.tolerance}; it must lie between 0 and 1, for example 0.05."
            )
        if self.budget != "auto" and not (isinstance(self.budget, int) and self.budget >= 2):
            raise InvalidInput(
                f"{self.name}'s budget is {self.budget!r}; give 'auto' or a whole number of 2 or more."
            )

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        return self._sample(question, rng)

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Fewest and most model rows."""
        n, k = question.n_features, question.n_references
        if isinstance(self.budget, int):
            few = many = min(self.budget, 2**n)
        else:
            few, many = (2**n, 2**n) if n <= SMALL else (5 * n, largest_budget(n, question.room))
        return few * k, many * k

    def _sample(
        self, question: Question, rng: np.random.Generator, reason: str = ""
    ) -> Explanation:
        found = self._found(question, rng)
        words = [reason, f"estimator: {found.method}, {found.evaluations} evaluations"]
        words += [found.reason, found.note]
        if not found.converged and "not converged" not in found.note:
            words.append("not converged")
        return question.answer(
            self,
            found.values,
            additive=True,
            in_units=True,
            std=found.std,
            converged=found.converged,
            note="; ".join(filter(None, words)),
            extras={
                "estimator": found.method,
                "evaluations": found.evaluations,
                "reason": "; ".join(filter(None, [reason, found.reason])),
            },
        )

    def _found(self, question: Question, rng: np.random.Generator) -> ShapleyResult:
        n, budget, auto = question.n_features, self.budget, self.estimator == "auto"
        if budget == "auto" and auto and n <= SMALL:
            budget = 2**n
        elif budget != "auto" and auto and too_few(question, budget):
            return one_reference_a_pair(question, budget, rng, self.tolerance)
        return shapley(
            question.value,
            n,
            budget=budget,
            method=self.estimator,
            seed=int(rng.integers(2**32)),
            tolerance=self.tolerance,
            max_budget=None if self.estimator == "exact" else largest_budget(n, question.room),
            batch_size=question.rows,
            seconds_per_evaluation=_seconds(question),
            memory=question.room,
        )


@METHODS.register("shap")
@dataclass(frozen=True)
class Shap(Sampled):
    """Shapley values, in closed form where the model allows it and estimated otherwise.

    In this order: the closed form of a linear model; TreeSHAP against the masker's references for
    tree ensembles; an estimator on evaluations, which is exact when all 2^n coalitions fit the
    budget (with "auto": up to 11 features). A budget below 2 n + 2 is spent on pairs against one
    reference each, where several references give enough of them. A closed form is used only if its
    values sum to output - empty; otherwise the note says why it was not. `extras["estimator"]` names
    what was used.
    Source: Lundberg & Lee, NeurIPS 2017; interventional: Janzing et al., AISTATS 2020.
    """

    name: ClassVar[str] = "shap"
    in_auto: ClassVar[bool] = True
    splits_sums: ClassVar[bool] = True
    stream: ClassVar[str] = COALITIONS
    card: ClassVar[Card] = Card(
        title="SHAP",
        asks="What is each feature's fair share of the score, over all orders of adding features?",
        misleads="It asks about inputs that never occur when features depend on each other.",
        paper="Lundberg & Lee, NeurIPS 2017; Lundberg et al., Nature MI 2020 (trees)",
        korean=Translation(
            "SHAP",
            "특징을 더하는 모든 순서를 평균하여 점수를 공정하게 나눕니다.",
            "특징이 서로 얽혀 있으면 실제로 없는 입력에 대해 묻게 됩니다.",
        ),
    )

    def block(
        self, questions: Questions, rngs: Sequence[np.random.Generator]
    ) -> Explanations | Sequence[Explanation]:
        reasons: dict[int, str] = {}
        found: dict[int, Explanation] = {}
        for places, alike in _alike(questions):
            try:
                exact = _exact(alike)
            except NotApplicable as refusal:
                reasons |= dict.fromkeys(places, str(refusal))
                continue
            block = self._read_off(alike, exact)
            if len(alike) == len(questions) and not exact.reasons:
                return block
            reasons |= {places[i]: reason for i, reason in exact.reasons.items()}
            found |= {
                place: e for place, e in zip(places, block, strict=True) if place not in reasons
            }
        return [
            found[i] if i in found else self._sample(question, rng, reasons.get(i, ""))
            for i, (question, rng) in enumerate(zip(questions, rngs, strict=True))
        ]

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        return self.block(Questions.of([question]), [rng])[0]

    def _read_off(self, questions: Questions, exact: Exact) -> Explanations:
        n = len(questions)
        return questions.answer(
            self,
            exact.values,
            additive=True,
            in_units=True,
            std=np.broadcast_to(0.0, exact.values.shape),
            converged=Same(True, n),
            notes=Same(f"estimator: {exact.estimator}, exact; {CLOSED}", n),
            extras=Same({"estimator": exact.estimator, "evaluations": 0, "reason": CLOSED}, n),
        )


def _alike(questions: Questions) -> Iterator[tuple[Sequence[int], Questions]]:
    """Questions whose features and references are the same, with their places."""
    if not has_closed_form(questions.model):
        return
    compute_output_and_empty(questions)
    if questions.masker is not None and questions.segmentation is not None:
        yield range(len(questions)), questions
        return
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, (cut, masker) in enumerate(zip(questions.segmentations, questions.maskers, strict=True)):
        digest = hashlib.sha256(masker.references.tobytes()).digest()
        groups.setdefault((masker.references.shape, digest, cut.ids.tobytes()), []).append(i)
    for places in groups.values():
        yield places, Questions.of([questions[i] for i in places])


def _exact(questions: Questions) -> Exact:
    """The closed form of questions that are alike."""
    rows = np.asarray(questions.xs)
    if rows.ndim != 2:
        raise NotApplicable("the closed forms are of table rows")
    if questions.maskers[0].given is not None:
        raise NotApplicable("the closed forms are of references that do not depend on what is kept")
    return shapley_rows(
        questions.model,
        rows,
        questions.maskers[0].references,
        questions.targets,
        questions.segmentations[0].ids,
        questions.outputs,
        questions.empties,
    )


def _seconds(question: Question) -> float | None:
    """Nominal seconds of one evaluation, or None where they are not known."""
    each = nominal_seconds(question.model, question.sample.x)
    return None if each is None else each * question.n_references


@METHODS.register("exact_shapley")
@dataclass(frozen=True)
class ExactShapley(Sampled):
    """Shapley values from all 2^n coalitions, for up to 24 features."""

    name: ClassVar[str] = "exact_shapley"
    splits_sums: ClassVar[bool] = True
    estimator: ClassVar[str] = "exact"
    card: ClassVar[Card] = Card(
        title="Exact Shapley",
        asks="What is each feature's fair share of the score, from every coalition of features?",
        misleads="Like SHAP; and its cost doubles with each feature.",
        paper="Shapley 1953",
        korean=Translation(
            "정확한 섀플리",
            "모든 특징 조합으로 공정한 몫을 계산합니다.",
            "SHAP과 같은 한계가 있고, 특징 하나마다 비용이 두 배가 됩니다.",
        ),
    )


@METHODS.register("kernel_shap")
@dataclass(frozen=True)
class KernelShap(Sampled):
    """Shapley values by weighted regression on paired coalitions, drawn as their weights say."""

    name: ClassVar[str] = "kernel_shap"
    splits_sums: ClassVar[bool] = True
    estimator: ClassVar[str] = "kernel"
    card: ClassVar[Card] = Card(
        title="KernelSHAP",
        asks="Which additive model fits the score best over random coalitions?",
        misleads="Like SHAP; with few samples its values are mostly noise, so read the intervals.",
        paper="Lundberg & Lee, NeurIPS 2017; paired: Covert & Lee, AISTATS 2021",
        korean=Translation(
            "KernelSHAP",
            "무작위 조합에서 점수에 가장 잘 맞는 덧셈 모델을 찾습니다.",
            "표본이 적으면 값의 대부분이 잡음이므로 구간을 함께 읽어야 합니다.",
        ),
    )


@METHODS.register("leverage_shap")
@dataclass(frozen=True)
class LeverageShap(Sampled):
    """Shapley values by regression on pairs drawn without replacement by their leverage."""

    name: ClassVar[str] = "leverage_shap"
    splits_sums: ClassVar[bool] = True
    estimator: ClassVar[str] = "leverage"
    card: ClassVar[Card] = Card(
        title="Leverage SHAP",
        asks="Like KernelSHAP, with the coalitions spread evenly over all sizes.",
        misleads="Like SHAP; with fewer than about three samples a feature it is unstable.",
        paper="Musco & Witter, ICLR 2025",
        korean=Translation(
            "Leverage SHAP",
            "조합을 모든 크기에 고르게 뿌린 KernelSHAP입니다.",
            "특징당 표본이 셋보다 적으면 불안정합니다.",
        ),
    )


@METHODS.register("permutation_shap")
@dataclass(frozen=True)
class PermutationShap(Sampled):
    """Shapley values by adding the features in random orders and in their reverses."""

    name: ClassVar[str] = "permutation_shap"
    splits_sums: ClassVar[bool] = True
    estimator: ClassVar[str] = "permutation"
    card: ClassVar[Card] = Card(
        title="Permutation SHAP",
        asks="What does each feature add, on average over random orders of adding features?",
        misleads="Like SHAP; it needs more evaluations than the regressions for the same error.",
        paper="Castro et al. 2009; Mitchell et al., JMLR 2022 (antithetic orders)",
        korean=Translation(
            "순열 SHAP",
            "무작위 순서로 특징을 더하며 각 특징이 더하는 몫을 평균합니다.",
            "같은 오차에 이르려면 회귀 방식보다 더 많이 물어야 합니다.",
        ),
    )
