"""Shapley values: each feature's fair share of output - empty.

`shap` takes the cheapest exact way that the model allows and samples otherwise; the other names of
this file each ask one estimator, for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from xaikit.core.abilities import Linear, Model, Trees
from xaikit.core.batching import nominal_seconds
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats
from xaikit.methods.base import COALITIONS, METHODS, Card, Method, Translation
from xaikit.methods.few import one_reference_a_pair, too_few
from xaikit.methods.trees import tree_shapley
from xaikit.shapley import shapley
from xaikit.shapley.api import largest_budget
from xaikit.shapley.result import ShapleyResult

__all__ = ["ExactShapley", "KernelShap", "LeverageShap", "PermutationShap", "Shap"]

SMALL = 11  # features up to which all coalitions are asked: 2048, the least cap of budget="auto"
TOLERANCE = 1e-6  # of the sizes that are added; float32 leaves of TreeSHAP stay 10 times below


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

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        reasons: list[str] = []
        for closed_form in _closed_forms(question.model):
            try:
                values, estimator = closed_form(question)
                _require_efficiency(question, values, estimator)
            except NotApplicable as refusal:
                reasons.append(str(refusal))
                continue
            return question.answer(
                self,
                values,
                additive=True,
                in_units=True,
                std=np.zeros_like(values),
                converged=True,
                note=f"estimator: {estimator}, exact; the model has a closed form",
                extras={
                    "estimator": estimator,
                    "evaluations": 0,
                    "reason": "the model has a closed form",
                },
            )
        return self._sample(question, rng, "; ".join(reasons))


def _seconds(question: Question) -> float | None:
    """Nominal seconds of one evaluation, or None where they are not known."""
    each = nominal_seconds(question.model, question.sample.x)
    return None if each is None else each * question.n_references


def _closed_forms(model: Model) -> Iterator[Callable[[Question], tuple[Floats, str]]]:
    """Each gives values (n,) and its name, or raises `NotApplicable` for this question."""
    if isinstance(model, Linear):
        yield linear_shapley
    if isinstance(model, Trees):
        yield tree_shapley


def linear_shapley(question: Question) -> tuple[Floats, str]:
    """phi_i = terms_i(x) - mean over the references of terms_i: (n,) and the estimator's name.

    Exact for a target that is linear in the scores, also for features of several places, because
    the game is additive. `NotApplicable` for other targets.
    """
    model, target = question.model, question.target
    if not isinstance(model, Linear):
        raise NotApplicable(f"linear shap needs a linear model and '{model.id}' is none.")
    terms = model.terms([question.sample.x, *question.masker.references])  # (1 + k, *grid, K)
    n_scores = terms.shape[-1]
    difference = target.difference(n_scores)
    if difference is None:
        raise NotApplicable(
            f"linear shap was not used: the {target.unit} of one among {n_scores} scores is not "
            "linear in them"
        )
    index, against = difference
    share = terms[..., index] - (terms[..., against] if against is not None else 0.0)
    return question.segmentation.pool(share[0] - share[1:].mean(axis=0)), "linear"


def _require_efficiency(question: Question, values: Floats, estimator: str) -> None:
    """Refuse values that do not sum to output - empty, relative to the sizes that were added."""
    gap = abs(question.output - question.empty - values.sum())
    size = abs(question.output) + abs(question.empty) + np.abs(values).sum()
    if gap > TOLERANCE * size:
        raise NotApplicable(
            f"{estimator} shap was not used: its values miss output - empty by {gap:.2g}"
        )


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
