"""KernelSHAP, Leverage SHAP, and permutation sampling, against their definitions."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest

from xaikit.core.errors import OutOfBudget
from xaikit.shapley import blocks, shapley
from xaikit.shapley.api import largest_budget
from xaikit.shapley.design import paired_design, stratum_caps
from xaikit.shapley.exact import exact_values
from xaikit.shapley.game import Game
from xaikit.shapley.pairs import evaluate_pairs
from xaikit.shapley.permutation import permutation_estimate
from xaikit.shapley.regression import (
    System,
    kernel_design,
    kernel_fit,
    leverage_fit,
    positive_inverse,
)

LINEAR = np.array([3.0, -1, 0.5, 0, 2, 7, -4, 1, 1, 0.25])


def rough(masks):
    weights = np.random.default_rng(7).normal(size=(masks.shape[1], 8))
    return np.tanh(masks @ weights - 0.3).sum(axis=1) + np.maximum(masks @ weights[:, 0], 0)


def linear(masks):
    return masks @ LINEAR[: masks.shape[1]] - 5


def evaluated(value, n, n_pairs, seed=0, *, border=False):
    return evaluate_pairs(Game(value, n), paired_design(n, n_pairs, seed, border=border)[0])


@pytest.mark.parametrize("method", ["kernel", "leverage", "permutation", "odd_gp"])
def test_linear_games_are_exact(method):
    result = shapley(linear, 10, budget=60, method=method)
    np.testing.assert_allclose(result.values, LINEAR, atol=1e-12)
    assert result.method == method
    assert result.evaluations <= 60


@pytest.mark.parametrize("method", ["kernel", "leverage", "odd_gp"])
def test_a_pairwise_product_is_halved(method):
    result = shapley(lambda m: 4.0 * m[:, 1] * m[:, 3], 9, budget=40, method=method)
    np.testing.assert_allclose(result.values, 2.0 * np.isin(np.arange(9), [1, 3]), atol=1e-11)


@pytest.mark.parametrize("method", ["kernel", "leverage", "permutation", "odd_gp"])
def test_efficiency(method):
    result = shapley(rough, 11, budget=64, method=method)
    assert abs(result.values.sum() - (result.output - result.empty)) <= 1e-13


def test_regression_equals_the_unpaired_textbook_form():
    """Weighted least squares of v(S) - v(empty) on membership, all coalitions of all pairs."""
    n = 7
    pairs = evaluated(rough, n, 30)
    weights = np.random.default_rng(0).uniform(0.1, 1, 30)
    members = np.concatenate([pairs.masks, ~pairs.masks]).astype(float)
    rise = np.concatenate([pairs.odd + pairs.even, pairs.even - pairs.odd])
    rise = rise - (pairs.even_full - pairs.odd_full)
    total = 2 * pairs.odd_full
    both = np.concatenate([weights, weights])
    # Lagrange: [X'WX 1; 1' 0] [phi; mu] = [X'Wy; total]
    system = np.block(
        [[(members.T * both) @ members, np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]]
    )
    expected = np.linalg.solve(system, np.append((members.T * both) @ rise, total))[:n]
    estimate = System(pairs.masks, weights).solve(pairs, np.ones(30), "kernel")
    np.testing.assert_allclose(estimate.values, expected, atol=1e-11)


@pytest.mark.parametrize("fit", ["kernel", "leverage"])
def test_all_coalitions_give_exact_values_without_error(fit):
    game, n_pairs = Game(rough, 8), 2**7 - 1
    if fit == "kernel":
        design = kernel_design(8, n_pairs, 0)
        estimate = kernel_fit(evaluate_pairs(game, design.masks), design)
    else:
        estimate = leverage_fit(evaluated(rough, 8, n_pairs))
    np.testing.assert_allclose(estimate.values, exact_values(game), atol=1e-12)
    np.testing.assert_array_equal(estimate.std, 0)


def test_jackknife_equals_refits():
    pairs = evaluated(rough, 6, 20)
    whole = System(pairs.masks, np.ones(20)).solve(pairs, np.ones(20), "leverage")
    squares = np.zeros(6)
    for j in range(20):
        keep = np.arange(20) != j
        left = type(pairs)(
            pairs.masks[keep], pairs.odd[keep], pairs.even[keep], pairs.odd_full, pairs.even_full
        )
        some = System(left.masks, np.ones(19)).solve(left, np.ones(19), "x")
        squares += (some.values - whole.values) ** 2
    np.testing.assert_allclose(whole.std, np.sqrt(squares), rtol=1e-9)


def test_kernel_design_lists_sizes_first_and_weighs_by_shapley_kernel():
    n, n_pairs = 8, 80
    design = kernel_design(n, n_pairs, seed=0)
    sizes = design.masks.sum(axis=1)
    assert len({row.tobytes() for row in design.masks}) == n_pairs == len(design.masks)
    assert (sizes[~design.drawn] == np.repeat([1, 2], [8, 28])).all()
    assert set(sizes[design.drawn]) == {3, 4}
    mass = np.array([1 / 7, 1 / 12, 1 / 15, 1 / 32])
    np.testing.assert_allclose(design.weights[sizes == 1], mass[0] / 8)
    np.testing.assert_allclose(design.weights[sizes == 2], mass[1] / 28)
    assert design.weights[design.drawn].sum() == pytest.approx(mass[2:].sum())


def test_kernel_design_of_every_size():
    for n_pairs in range(9, 127):
        design = kernel_design(8, n_pairs, seed=n_pairs)
        assert len({row.tobytes() for row in design.masks}) == len(design.masks) == n_pairs
        assert (design.weights > 0).all()


def test_kernel_draws_follow_the_kernel_weight():
    shares = [
        np.bincount(kernel_design(20, 19, s).masks.sum(axis=1), minlength=11) for s in range(300)
    ]
    s = np.arange(1, 11)
    mass = np.where(s == 10, 0.5, 1) / (s * (20 - s))
    drawn = (
        np.mean(shares, axis=0)[3:] / np.mean(shares, axis=0)[3:].sum()
    )  # repeats are rare there
    np.testing.assert_allclose(drawn, mass[2:] / mass[2:].sum(), atol=0.015)


def test_too_few_pairs_give_the_least_norm_and_say_so():
    pairs = evaluated(linear, 10, 5)
    estimate = leverage_fit(pairs)
    rank = np.linalg.matrix_rank(pairs.signs - pairs.signs.mean(axis=1, keepdims=True))
    assert rank < 6
    assert estimate.note == f"only {rank} of 9 directions are determined"
    assert estimate.values.sum() == pytest.approx(2 * pairs.odd_full, abs=1e-12)
    assert (np.abs(estimate.values - LINEAR) <= 3 * estimate.std).all()


def test_permutation_equals_walking_the_orders():
    n, walks = 6, 4
    draws = np.random.default_rng([9, 0, 3]).random((walks, n))
    gains = np.zeros((2 * walks, n))
    for k, order in enumerate(np.argsort(draws, axis=1)):
        for side, walk in enumerate((order, order[::-1])):
            mask = np.zeros(n, dtype=bool)
            before = rough(mask[None])[0]
            for i in walk:
                mask[i] = True
                after = rough(mask[None])[0]
                gains[2 * k + side, i] = after - before
                before = after
    estimate = permutation_estimate(Game(rough, n), walks, seed=9)
    np.testing.assert_allclose(estimate.values, gains.mean(axis=0), atol=1e-12)


def test_permutation_error_is_the_standard_error_of_many_walks():
    runs = [permutation_estimate(Game(rough, 8), 40, seed) for seed in range(150)]
    spread = np.std([run.values for run in runs], axis=0)
    claimed = np.sqrt(np.mean([run.std**2 for run in runs], axis=0))
    np.testing.assert_allclose(claimed / spread, 1, atol=0.3)  # 6 % Monte Carlo, 4 % t, shrinkage


def test_one_walk_is_called_indicative():
    estimate = permutation_estimate(Game(rough, 8), 1, seed=0)
    assert estimate.note == "one walk: the error bars are indicative"
    assert (estimate.std > 0).all()


@pytest.mark.parametrize("method", ["kernel", "leverage", "permutation"])
def test_standard_errors_hold_the_truth(method):
    n, inside = 9, []
    truth = exact_values(Game(rough, n))
    for seed in range(40):
        result = shapley(rough, n, budget=130, method=method, seed=seed)
        inside.append(np.abs(result.values - truth) <= 1.96 * result.std)
    assert 0.88 <= np.mean(inside) <= 0.995


def test_strata_hold_every_pair_once():
    for n in (5, 6):
        pairs = sum(1 for s in range(1, n) for _ in itertools.combinations(range(n), s)) // 2
        assert sum(stratum_caps(n)) == pairs


def test_large_matrices_go_by_blocks_and_end_the_same(monkeypatch):
    n, rng = 20, np.random.default_rng(3)
    w = rng.normal(size=(n, 5))
    value = lambda masks: np.maximum(masks @ w, 0).sum(axis=1)  # noqa: E731
    whole = shapley(value, n, budget=400, method="leverage")
    monkeypatch.setattr(blocks, "BLOCK", 37 * n)
    parts = shapley(value, n, budget=400, method="leverage")
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-12)
    np.testing.assert_allclose(parts.std, whole.std, rtol=1e-10)


def test_the_inverse_of_a_normal_matrix_by_hand():
    rows = np.random.default_rng(0).normal(size=(600, 300))
    assert np.allclose(positive_inverse(rows.T @ rows), np.linalg.inv(rows.T @ rows))
    assert positive_inverse(np.ones((3, 3))) is None


def test_memory_bounds_the_evaluations():
    assert largest_budget(64) == 60 * 64
    assert largest_budget(64, 32 * 2**20) == int(np.sqrt(32 * 2**20 / 10))
    assert largest_budget(2000, 32 * 2**20) == 2 * 2000 + 2  # the least that says anything


def test_a_budget_that_the_memory_does_not_hold_is_refused():
    text = (
        r"budget is 5000 and 0\.954 MiB for masks and matrices hold 1923 evaluations of 20 features; "
        r"lower the budget or allow more memory"
    )
    with pytest.raises(OutOfBudget, match=text):
        shapley(rough, 20, budget=5000, memory=1e6)
    assert shapley(rough, 20, budget=5000, memory=1e6, method="leverage").evaluations == 5000
    assert shapley(rough, 10, budget=5000, memory=1e3).method == "exact"  # which holds no mask


def test_a_process_keeps_to_its_memory_and_stays_right():
    def most(memory):
        tracemalloc.start()
        try:
            found = shapley(rough, 30, budget=4000, memory=memory, seed=1)
            return found, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (whole, free), (short, bounded) = most(np.inf), most(8e6)
    assert free > 1e8 / 2  # what the bound is for
    assert bounded <= 8e6
    assert short.method == whole.method == "odd_gp"
    assert (np.abs(short.values - whole.values) <= 4 * short.std).all()
