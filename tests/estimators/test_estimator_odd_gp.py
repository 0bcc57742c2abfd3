"""The odd Gaussian process, against enumeration and finite differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from xaikit.shapley import shapley
from xaikit.shapley.design import paired_design
from xaikit.shapley.exact import exact_values
from xaikit.shapley.game import Game
from xaikit.shapley.pairs import evaluate_pairs
from xaikit.shapley.process import estimator as odd_gp_module
from xaikit.shapley.process import integrals as odd_integrals
from xaikit.shapley.process.constants import FIXED
from xaikit.shapley.process.estimator import fitted_pairs, odd_gp
from xaikit.shapley.process.integrals import (
    nugget_functional,
    prior_variance,
    shapley_functional,
    smooth_functional,
)
from xaikit.shapley.process.model import (
    Objective,
    Observations,
    Parameters,
    fit_parameters,
    half_products,
    odd_kernel,
    smooth_kernel,
)
from xaikit.shapley.process.posterior import condition, with_rest

N = 6


def rough(masks):
    """A game with interactions of all orders and no symmetry."""
    weights = np.random.default_rng(7).normal(size=(masks.shape[1], 8))
    return np.tanh(masks @ weights - 0.3).sum(axis=1) + np.maximum(masks @ weights[:, 0], 0)


def evaluated(value, n, n_pairs, seed=0):
    return evaluate_pairs(Game(value, n), paired_design(n, n_pairs, seed)[0])


@pytest.fixture
def all_pairs():
    """All 31 pairs of six features and the anchor, with parameters that differ everywhere."""
    obs = Observations.of(evaluated(rough, N, 31))
    rng = np.random.default_rng(1)
    parameters = Parameters(rng.uniform(0.05, 0.7, N), 3.1, np.array([0.3, 0.02, 0.11]))
    weights = np.vstack([nugget_functional(obs.signs[:-1]), np.full(N, 2 / N)])  # phi = weights' g
    nugget = np.append(parameters.nugget[obs.stratum], 0)
    prior = smooth_kernel(obs.signs, obs.signs, parameters) + np.diag(nugget)
    return obs, parameters, weights, prior


def test_shapley_weights_of_all_pairs_give_the_exact_values(all_pairs):
    obs, _, weights, _ = all_pairs
    game = Game(rough, N)
    np.testing.assert_allclose(obs.unit * weights.T @ obs.odd, exact_values(game), atol=1e-13)


def test_functional_equals_enumeration(all_pairs):
    obs, parameters, weights, prior = all_pairs
    np.testing.assert_allclose(shapley_functional(obs, parameters), prior @ weights, atol=1e-14)


def test_prior_variance_equals_enumeration(all_pairs):
    _, parameters, weights, prior = all_pairs
    expected = np.diagonal(weights.T @ prior @ weights)
    np.testing.assert_allclose(
        prior_variance(N, parameters, parameters.nugget), expected, rtol=1e-13
    )


@pytest.mark.parametrize("relevance", [0.03, 0.2, 0.6])
def test_fewer_nodes_are_enough(relevance, monkeypatch):
    n = 80
    rng = np.random.default_rng(0)
    parameters = Parameters(rng.uniform(0.5, 1.5, n) * relevance, 1.0, np.full(n // 2, 0.1))
    signs = np.where(rng.random((20, n)) < 0.3, 1.0, -1.0)
    assert odd_integrals.enough_nodes(parameters.relevance, 41) < 41
    some = (
        smooth_functional(signs, parameters.relevance),
        prior_variance(n, parameters, np.ones(40)),
    )
    monkeypatch.setattr(odd_integrals, "enough_nodes", lambda _, exact: exact)
    np.testing.assert_allclose(some[0], smooth_functional(signs, parameters.relevance), atol=1e-14)
    np.testing.assert_allclose(some[1], prior_variance(n, parameters, np.ones(40)), rtol=1e-12)


def test_all_pairs_leave_no_error(all_pairs):
    obs, parameters, weights, _ = all_pairs
    posterior = condition(obs, parameters)
    np.testing.assert_allclose(posterior.values, weights.T @ obs.odd, atol=1e-6)  # anchor's jitter
    np.testing.assert_allclose(posterior.variance, 0, atol=1e-6)


def test_posterior_variance_equals_enumeration(all_pairs):
    obs, parameters, weights, prior = all_pairs
    rows = np.arange(0, 31, 2)
    posterior = condition(obs.take(rows), parameters)
    seen = np.append(rows, 31)
    factor = prior[np.ix_(seen, seen)]
    rest = prior - prior[:, seen] @ np.linalg.solve(factor, prior[seen])
    scale = obs.odd[seen] @ np.linalg.solve(factor, obs.odd[seen]) / len(seen)
    expected = scale * np.diagonal(weights.T @ rest @ weights)
    assert expected.min() > 1e-4
    np.testing.assert_allclose(posterior.variance, expected, rtol=1e-5)  # the anchor's jitter


def test_left_out_residuals_equal_refits(all_pairs):
    obs, parameters, _, prior = all_pairs
    posterior = condition(obs, parameters)
    for j in (0, 10, 30):
        rest = np.delete(np.arange(len(obs.odd)), j)
        guess = prior[j, rest] @ np.linalg.solve(prior[np.ix_(rest, rest)], obs.odd[rest])
        assert posterior.left_out[j] == pytest.approx(obs.odd[j] - guess, abs=1e-6)


def test_error_bars_widen_with_what_is_not_foretold_and_with_few_pairs(all_pairs):
    _, parameters, _, _ = all_pairs
    pairs = evaluated(rough, N, 20)
    obs = Observations.of(pairs)
    posterior = condition(obs, parameters)

    def width(pairs, share):
        left_out = share * obs.odd[:-1]
        return odd_gp_module._kappa(pairs, obs, dataclasses.replace(posterior, left_out=left_out))

    assert width(pairs, 0.0) == pytest.approx(1.12)
    assert width(pairs, 0.5) == pytest.approx(1.70)
    assert width(pairs, 1.0) == width(pairs, 3.0) == pytest.approx(2.28)
    few = dataclasses.replace(pairs, masks=pairs.masks[:6])
    assert width(few, 1.0) == pytest.approx(1.4 * 2.28)  # 1 pair a feature, trusted from 1.4 on


def test_pairs_beyond_the_process_enter_as_a_stratified_mean(all_pairs):
    _, parameters, _, _ = all_pairs
    obs = Observations.of(evaluated(rough, N, 20))
    used, rest = np.arange(0, 20, 2), np.arange(1, 20, 2)
    posterior = condition(obs.take(used), parameters)
    alone = with_rest(obs.take(used), np.arange(10), np.arange(0), posterior)
    np.testing.assert_array_equal(alone, (posterior.values, posterior.variance))
    known = obs.take(used).signs
    guess = smooth_kernel(obs.signs[:-1], known, parameters) @ posterior.weights
    sizes, weights = (obs.signs[:-1] > 0).sum(axis=1), nugget_functional(obs.signs[:-1])
    missed = obs.odd[:-1] - guess
    missed[used] = posterior.left_out
    expected, sampling = posterior.values.copy(), np.zeros(N)
    for s, cap in ((1, 6), (2, 15), (3, 10)):
        rows, k = rest[sizes[rest] == s], (sizes == s).sum()
        expected += cap / k * (missed[rows, None] * weights[rows]).sum(axis=0)
        squares = (missed[sizes == s, None] * weights[sizes == s]) ** 2
        sampling += cap**2 * (1 - k / cap) / k * squares.mean(axis=0)
    values, variance = with_rest(obs, used, rest, posterior)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    np.testing.assert_allclose(variance, posterior.variance / 4 + sampling / 2, rtol=1e-12)


def test_the_linear_part_is_shared_by_relevance():
    rng = np.random.default_rng(0)
    p = Parameters(rng.uniform(0.1, 0.9, 7), 2.5, np.ones(3))
    signs = np.where(rng.random((5, 7)) < 0.5, 1.0, -1.0)
    plus, minus = half_products(signs, signs, p.relevance)
    linear = smooth_kernel(signs, signs, p) - (plus - minus)
    each = 2.5 * p.relevance**2 / np.sum(p.relevance**2) - p.relevance
    np.testing.assert_allclose(linear, (signs * each) @ signs.T, atol=1e-12)


def test_kernels_equal_products():
    rng = np.random.default_rng(0)
    relevance = rng.uniform(0.1, 0.9, 7)
    signs = np.where(rng.random((5, 7)) < 0.5, 1.0, -1.0)
    x = relevance * signs[:, None] * signs[None]
    up, down = np.prod(1 + x, axis=2), np.prod(1 - x, axis=2)
    plus, minus = half_products(signs, signs, relevance)
    np.testing.assert_allclose(plus - minus, (up - down) / 2, atol=1e-13)
    np.testing.assert_allclose(plus + minus, (up + down) / 2, atol=1e-13)


def test_kernels_of_many_features_do_not_overflow():
    signs = np.where(np.random.default_rng(0).random((4, 900)) < 0.5, 1.0, -1.0)
    plus, minus = half_products(signs, signs, np.full(900, 0.9))
    assert np.isfinite(plus - minus).all()
    np.testing.assert_allclose(
        np.log(np.diagonal(plus + minus)), 900 * np.log(1.9) - np.log(2), rtol=1e-12
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_gradient_equals_finite_differences(seed):
    obs = Observations.of(evaluated(rough, 7, 25))
    rng = np.random.default_rng(seed)
    theta = np.concatenate([rng.uniform(-3, -0.3, 7), [1.3], rng.uniform(-4, 0, obs.n_strata)])
    objective = Objective(obs)
    _, gradient = objective(theta)
    numeric = approx_fprime(theta, lambda t: objective(t)[0], 1e-6)
    np.testing.assert_allclose(gradient, numeric, atol=2e-4 * np.abs(gradient).max())


def test_a_fit_from_a_smaller_design_starts_ahead():
    n = 12
    small = odd_gp(evaluated(rough, n, 140), 0)
    obs = Observations.of(evaluated(rough, n, 280))
    cold = np.concatenate([np.full(n, np.log(0.2)), [4.0], np.full(obs.n_strata, -4.0)])
    warm = np.concatenate([small.start[: n + 1], small.start[n + obs.present]])
    start, ahead, far = (Objective(obs)(t)[0] for t in (cold, warm, fit_parameters(obs)))
    assert ahead - far < 0.5 * (start - far)
    assert Objective(obs)(fit_parameters(obs, small.start))[0] < far + 0.05 * (start - far)


def test_a_fit_to_few_pairs_is_no_start():
    assert odd_gp(evaluated(rough, 12, 63), 0).start is None
    assert odd_gp(evaluated(rough, 12, 64), 0).start.shape == (12 + 1 + 6,)


def test_little_time_means_fewer_fitted_pairs():
    assert fitted_pairs(14) == fitted_pairs(14, 9.0) == 300
    assert fitted_pairs(14, 0.003) == 100
    assert fitted_pairs(14, 1e-9) == 60
    pairs = evaluated(rough, 12, 200)
    whole, hasty = odd_gp(pairs, 0), odd_gp(pairs, 0, seconds=1e-9)
    assert not np.array_equal(whole.values, hasty.values)
    assert np.abs(whole.values - hasty.values).max() < 4 * whole.std.max()


def test_parameters_to_start_from_have_a_nugget_for_every_size():
    p = Parameters(np.full(9, 0.3), 2.0, np.array([0.5, 0.02]))
    obs = Observations.of(evaluated(rough, 9, 9))  # border: singletons only
    obs = dataclasses.replace(obs, present=np.array([1, 3]))
    theta = odd_gp_module._theta(p, obs)
    np.testing.assert_allclose(np.exp(theta), [0.3] * 9 + [2.0, 0.5, 0.1, 0.02, 0.1])


def test_polishing_raises_the_likelihood_of_the_odd_part():
    def likelihood(p):
        kernel = odd_kernel(obs, p)
        scale = obs.odd @ np.linalg.solve(kernel, obs.odd) / len(obs.odd)
        return -(len(obs.odd) * np.log(scale) + np.linalg.slogdet(kernel)[1]) / 2

    obs = Observations.of(evaluated(rough, 9, 120))
    for relevance, nugget in ((0.05, 0.01), (0.3, 0.3), (0.6, 1e-4)):
        start = Parameters(np.full(9, relevance), 1000.0, np.full(obs.n_strata, nugget))
        moved = odd_gp_module._polish(start, obs)
        assert likelihood(moved) > likelihood(start) + 1
        assert np.ptp(moved.relevance) == np.ptp(moved.nugget) == 0  # moved together


def test_games_of_order_two_are_exact():
    rng = np.random.default_rng(2)
    linear, pairwise = rng.normal(size=12), np.triu(rng.normal(size=(12, 12)), 1)
    estimate = odd_gp(evaluated(lambda m: m @ linear + ((m @ pairwise) * m).sum(axis=1), 12, 20), 0)
    expected = linear + (pairwise + pairwise.T).sum(axis=1) / 2
    np.testing.assert_allclose(estimate.values, expected, atol=1e-11)
    assert not estimate.exact  # nine pairs to spare: others may still deviate
    largest = np.abs(expected).max()
    np.testing.assert_allclose(estimate.std, 2 * largest * np.sqrt(0.5 / 10 / 20), rtol=1e-9)


def test_constant_game():
    estimate = odd_gp(evaluated(lambda m: np.full(len(m), 0.1), 8, 20), 0)
    np.testing.assert_array_equal(estimate.values, 0)
    assert (estimate.exact, estimate.note) == (True, "constant game")


def test_parity_game_of_even_size_is_zero():
    # v = prod z is even: no player has a Shapley value, though every coalition changes v
    estimate = odd_gp(evaluated(lambda m: (-1.0) ** (~m).sum(axis=1), 10, 60), 0)
    np.testing.assert_allclose(estimate.values, 0, atol=1e-15)


def test_parity_game_of_odd_size_is_shared_equally():
    estimate = odd_gp(evaluated(lambda m: (-1.0) ** (~m).sum(axis=1), 9, 200), 0)
    np.testing.assert_allclose(estimate.values, 2 / 9, atol=3 * estimate.std.max())


@pytest.mark.parametrize(
    ("scale", "shift"), [(-3.0, 0.0), (1.0, 50.0), (1e-150, 0.0), (1e150, 0.0)]
)
def test_scale_and_shift_equivariance(scale, shift):
    plain = odd_gp(evaluated(rough, 9, 40), 0)
    moved = odd_gp(evaluated(lambda m: scale * rough(m) + shift, 9, 40), 0)
    # the optimiser's path may differ by rounding, which its 15 steps amplify
    np.testing.assert_allclose(moved.values / scale, plain.values, rtol=0, atol=1e-8)
    np.testing.assert_allclose(moved.std / abs(scale), plain.std, rtol=1e-6)


@pytest.mark.parametrize("n_pairs", [8, 40, 400])
def test_efficiency_to_rounding(n_pairs):
    pairs = evaluated(rough, 12, n_pairs)
    gap = odd_gp(pairs, 0).values.sum() - 2 * pairs.odd_full
    assert abs(gap) <= 1e-12 * np.abs(pairs.values).max()


def test_relabelled_features_are_relabelled_values():
    pairs = evaluated(rough, 10, 60)
    order = np.random.default_rng(0).permutation(10)
    turned = type(pairs)(
        pairs.masks[:, order], pairs.odd, pairs.even, pairs.odd_full, pairs.even_full
    )
    np.testing.assert_allclose(odd_gp(turned, 0).values, odd_gp(pairs, 0).values[order], atol=1e-7)


def test_dummy_and_twins_within_their_error():
    def value(masks):  # feature 0 does nothing, 1 and 2 are alike
        x = np.column_stack([masks[:, 1].astype(float) + masks[:, 2], masks[:, 3:]])
        return rough(x)

    estimate = odd_gp(evaluated(value, 12, 80), 0)
    assert abs(estimate.values[0]) <= 3 * estimate.std[0]
    assert abs(estimate.values[1] - estimate.values[2]) <= 3 * np.hypot(*estimate.std[1:3])


def test_singular_covariance_gets_a_larger_nugget(all_pairs):
    obs, parameters, _, _ = all_pairs
    twice = obs.take(np.repeat(np.arange(31), 4))  # rows four times make the smooth part singular
    tiny = Parameters(parameters.relevance, parameters.linear, np.full(3, 1e-19))
    posterior = condition(twice, tiny)
    assert 1e-17 < posterior.parameters.nugget[0] <= 1e-13
    hopeless = Parameters(parameters.relevance, parameters.linear, np.full(3, 1e-30))
    assert condition(twice, hopeless) is None


def test_unfactorable_covariance_is_reported_not_hidden(monkeypatch):
    pairs = evaluated(rough, 8, 40)
    monkeypatch.setattr(odd_gp_module, "condition", lambda *_: None)
    estimate = odd_gp(pairs, 0)
    assert estimate.method == "leverage"
    assert estimate.reason == "odd_gp: no covariance was positive definite"
    assert shapley(rough, 8, budget=80).reason == estimate.reason


def test_more_pairs_than_one_factor_holds(monkeypatch):
    n = 12
    truth = exact_values(Game(rough, n))
    pairs = evaluated(rough, n, 900)
    plain = odd_gp(pairs, 0)
    monkeypatch.setattr(odd_gp_module, "FIXED", dataclasses.replace(FIXED, max_pairs=300))
    reduced = odd_gp(pairs, 0)
    error = np.abs(reduced.values - truth)
    assert np.mean(error <= 1.96 * reduced.std) > 0.7
    assert np.sqrt(np.mean(error**2)) < 3 * np.sqrt(np.mean((plain.values - truth) ** 2))
