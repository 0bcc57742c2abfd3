"""No estimator is sure of what it has not seen; a game whose values are all equal is settled."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from xaikit import shapley
from xaikit.core.types import Bools, Floats

METHODS = ("auto", "odd_gp", "leverage", "kernel", "permutation")


def rare(masks: Bools) -> Floats:
    """Seven players of weight 1, and 6 more where exactly the first two of five are there."""
    return masks.sum(1) + 6.0 * (masks[:, :2].all(1) & ~masks[:, 2:5].any(1))


def triple(masks: Bools) -> Floats:
    return 4.0 * masks[:, :3].all(1) + masks[:, 3]


def quad(masks: Bools) -> Floats:
    return masks @ np.arange(1.0, 8) + 10.0 * masks[:, :4].all(1)


def additive(masks: Bools) -> Floats:
    return masks @ np.arange(1.0, 8)


def exact(value, n: int = 7) -> Floats:
    """Mean gain over all orders."""
    found, orders = np.zeros(n), list(itertools.permutations(range(n)))
    masks = np.array(list(itertools.product((False, True), repeat=n)))
    known = dict(zip(map(tuple, masks.tolist()), value(masks), strict=True))
    for order in orders:
        kept = [False] * n
        before = known[tuple(kept)]
        for i in order:
            kept[i] = True
            after = known[tuple(kept)]
            found[i], before = found[i] + after - before, after
    return found / len(orders)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("game", [rare, triple, quad], ids=lambda g: g.__name__)
@pytest.mark.parametrize("budget", [24])
def test_what_is_said_to_have_converged_has(game, method, budget) -> None:
    truth = exact(game)
    spread = np.ptp(truth)
    for seed in range(30):
        found = shapley(game, 7, budget=budget, method=method, seed=seed)
        off = np.abs(found.values - truth).max()
        if found.converged:
            assert off < 0.05 * np.ptp(found.values), (seed, off / spread)
        if off > 1e-9:
            assert found.std.max() > 0.05 * off, (seed, off / spread)


@pytest.mark.parametrize("method", METHODS)
def test_a_sum_is_settled_by_enough_pairs_and_not_by_few(method) -> None:
    weights = np.arange(1.0, 21)
    few, many = (
        shapley(lambda m: m @ weights, 20, budget=budget, method=method) for budget in (64, 800)
    )
    np.testing.assert_allclose(many.values, weights, atol=1e-9)
    assert not few.converged
    assert many.converged or method == "permutation"  # which counts walks
    assert 0 < many.std.max() < few.std.max()
    assert "no interaction was seen on" in many.note


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 3.0, -1e-9])
def test_a_game_whose_values_are_all_equal_converges(method, level) -> None:
    found = shapley(lambda m: np.full(len(m), level), 9, budget=60, method=method)
    np.testing.assert_array_equal(found.values, 0)
    np.testing.assert_array_equal(found.std, 0)
    assert found.converged
    assert "constant game" in found.note


@pytest.mark.parametrize("method", METHODS)
def test_all_coalitions_leave_no_error_bar(method) -> None:
    found = shapley(additive, 7, budget=128, method=method)
    np.testing.assert_allclose(found.values, np.arange(1.0, 8), atol=1e-12)
    np.testing.assert_array_equal(found.std, 0)
    assert found.converged
