"""Exact Shapley values, against definitions that share no code with them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from xaikit.core.errors import OutOfBudget
from xaikit.shapley import shapley
from xaikit.shapley.exact import coalition_masks, shapley_weights


def by_orders(value, n):
    """Mean marginal contribution over all n! orders: Shapley's own definition."""
    phi = np.zeros(n)
    for order in itertools.permutations(range(n)):
        mask = np.zeros(n, dtype=bool)
        before = value(mask[None])[0]
        for i in order:
            mask[i] = True
            after = value(mask[None])[0]
            phi[i] += after - before
            before = after
    return phi / math.factorial(n)


def table(seed, n):
    values = np.random.default_rng(seed).normal(size=2**n)
    return lambda masks: values[masks @ (1 << np.arange(n))]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_equals_the_mean_over_all_orders(n):
    game = table(n, n)
    result = shapley(game, n, method="exact")
    np.testing.assert_allclose(result.values, by_orders(game, n), atol=1e-12)
    assert (result.method, result.evaluations, result.converged) == ("exact", 2**n, True)
    np.testing.assert_array_equal(result.std, 0)


def test_product_of_three_is_shared_in_thirds():
    result = shapley(lambda m: 6.0 * m[:, 0] * m[:, 2] * m[:, 3] + m[:, 1], 5, method="exact")
    np.testing.assert_allclose(result.values, [2, 1, 2, 2, 0], atol=1e-12)


def test_the_kept_side_of_the_mask_is_the_coalition():
    # v(S) = min(|S & {0, 1}|, 1): inverted masks would give the dual game with equal values for
    # 0 and 1 but not for the pair with 2, which only acts while 0 is kept.
    result = shapley(lambda m: (m[:, 0] & ~m[:, 2]).astype(float), 3, method="exact")
    np.testing.assert_allclose(result.values, [1 / 2, 0, -1 / 2], atol=1e-15)


def test_several_blocks_are_streamed_to_one_sum():
    n = 16  # four blocks of 2^14
    result = shapley(lambda m: m @ np.arange(n) + 1.0 * m[:, 3] * m[:, 15], n, method="exact")
    expected = np.arange(n) + 0.5 * np.isin(np.arange(n), [3, 15])
    np.testing.assert_allclose(result.values, expected, atol=1e-11)


def test_weights_sum_to_one_over_all_coalitions_of_the_others():
    for n in (1, 2, 7, 400):
        total = sum(float(w) * math.comb(n - 1, k) for k, w in enumerate(shapley_weights(n)))
        assert total == pytest.approx(1, abs=1e-12)


def test_coalition_numbers_are_bits():
    np.testing.assert_array_equal(coalition_masks(3, 5, 7), [[1, 0, 1], [0, 1, 1]])


def test_too_many_features_are_refused():
    with pytest.raises(OutOfBudget, match=r"of 25 features need 2\^25 evaluations and the limit"):
        shapley(lambda m: m.sum(axis=1), 25, method="exact")
