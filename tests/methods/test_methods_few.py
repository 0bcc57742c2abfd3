"""`shap` with fewer evaluations than two a feature, against many references."""

from __future__ import annotations

import numpy as np
import pytest
from toys import FunctionModel, ask_table, linear

from xaikit import shapley
from xaikit.core.question import Cache, Question
from xaikit.core.types import Explanation, Floats
from xaikit.methods.base import ask
from xaikit.methods.few import too_few
from xaikit.methods.shap import Shap

N, K, BUDGET = 10, 24, 16


def bent(n: int) -> FunctionModel:
    """Interactions that differ much from reference to reference."""
    weights = np.linspace(-1, 1.5, n)
    return FunctionModel(lambda x: np.tanh(x @ weights / 2 + x[:, 0] * x[:, 1])[:, None])


def question(seed: int = 0, **changes: object) -> Question:
    rng = np.random.default_rng(seed)
    return ask_table(bent(N), rng.normal(size=N), rng.normal(size=(K, N)), **changes)


def explain(asked: Question, budget: int = BUDGET, seed: int = 0) -> Explanation:
    return ask(Shap(budget=budget), [asked], seed=seed)[0]


def exact(asked: Question) -> Floats:
    return ask(Shap(), [asked])[0].values  # few features: all coalitions


def test_the_mean_over_seeds_is_the_shapley_value_and_the_error_bars_hold() -> None:
    asked = question()
    truth = exact(asked)
    found = [explain(asked, seed=seed) for seed in range(200)]
    values, std = np.array([e.values for e in found]), np.array([e.std for e in found])
    off = np.abs(values.mean(axis=0) - truth) / (values.std(axis=0) / np.sqrt(len(found)))
    assert off.max() < 4
    covered = np.mean(np.abs(values - truth) <= 1.96 * std)
    assert 0.92 <= covered <= 0.99


def test_the_error_is_far_below_that_of_all_references_a_pair() -> None:
    few, whole = [], []
    for seed in range(20):
        asked = question(seed)
        truth = exact(asked)
        few.append(np.sum((explain(asked, seed=seed).values - truth) ** 2))
        full = shapley(asked.value, N, budget=BUDGET, seed=seed).values
        whole.append(np.sum((full - truth) ** 2))
    assert np.median(few) < 0.5 * np.median(whole)


def test_values_add_up_and_no_more_rows_are_used_than_the_budget_pays_for() -> None:
    found = explain(question())
    assert abs(found.residual) < 1e-9
    assert found.cost.forward <= BUDGET * K
    assert found.cost.forward > 0.8 * BUDGET * K
    assert found.extras["reason"] == f"few evaluations: each pair meets one of {K} references"
    assert f"estimator: leverage, {BUDGET} evaluations; {found.extras['reason']}" in found.note
    assert found.extras["evaluations"] == BUDGET


def test_references_that_differ_in_their_sum_alone_cost_no_accuracy() -> None:
    references = np.repeat(np.arange(1.0, K + 1)[:, None], N, axis=1)
    found = explain(ask_table(linear(np.ones(N)), np.zeros(N), references))
    np.testing.assert_allclose(found.values, np.full(N, -references.mean()), rtol=1e-9)
    assert found.std is not None
    mean = explain(
        ask_table(linear(np.ones(N)), np.zeros(N), np.repeat(references.mean(0)[None], K, 0))
    )
    np.testing.assert_allclose(found.std, mean.std, rtol=1e-9)  # no noise of the references in it


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_batch_size_changes_nothing_and_the_seed_does(size: int) -> None:
    first = explain(question())
    np.testing.assert_allclose(explain(question(batch_size=size)).values, first.values, rtol=1e-9)
    assert np.abs(explain(question(), seed=1).values - first.values).max() > 1e-6


def test_the_pool_keeps_nothing_of_single_references() -> None:
    asked = question(cache=Cache())
    explain(asked)
    masks = np.random.default_rng(0).random((50, N)) < 0.5
    np.testing.assert_allclose(asked.value(masks), question().value(masks), rtol=1e-12)


def test_it_is_for_few_evaluations_of_several_references_only() -> None:
    asked = question()
    assert too_few(asked, 2 * N + 1)
    assert not too_few(asked, 2 * N + 2)
    assert not too_few(asked, 3)  # no pair
    one = ask_table(bent(N), np.ones(N))
    assert not too_few(one, BUDGET)
    two = ask_table(bent(N), np.ones(N), np.zeros((2, N)))
    assert not too_few(two, 6)  # 4 pairs for 10 features
    assert not too_few(question(memory=2000), BUDGET)
