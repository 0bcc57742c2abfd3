"""The paired, stratified, nested design."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xaikit.shapley.design import allocate, paired_design, stratum_caps


def rows(masks):
    return {row.tobytes() for row in masks}


@pytest.mark.parametrize(("n", "n_pairs"), [(5, 4), (6, 20), (9, 100), (16, 2000), (60, 600)])
@pytest.mark.parametrize("border", [True, False])
def test_pairs_are_different_small_and_as_many_as_asked(n, n_pairs, border):
    masks, counts = paired_design(n, n_pairs, seed=3, border=border)
    assert masks.shape == (n_pairs, n)
    assert len(rows(np.concatenate([masks, ~masks]))) == 2 * n_pairs  # no pair twice
    sizes = masks.sum(axis=1)
    assert 1 <= sizes.min() <= sizes.max() <= n // 2
    assert list(counts) == np.bincount(sizes, minlength=n // 2 + 1)[1:].tolist()
    assert all(k <= cap for k, cap in zip(counts, stratum_caps(n), strict=True))


def test_all_pairs_are_all_coalitions():
    masks, _ = paired_design(8, 10_000, seed=0)
    assert len(rows(np.concatenate([masks, ~masks]))) == 2**8 - 2


def test_border_is_first_and_complete():
    masks, counts = paired_design(10, 10, seed=0)
    assert counts == (10, 0, 0, 0, 0)
    np.testing.assert_array_equal(np.sort(masks.argmax(axis=1)), np.arange(10))
    assert allocate(10, 9) != (9, 0, 0, 0, 0)  # below n pairs every size has its share


def test_equal_rate_per_size_and_half_in_the_middle():
    assert allocate(16, 16 + 65 * 2)[1:] == (20, 20, 20, 20, 20, 20, 10)
    # sizes 1, 2, 3 of 16 are complete (16, 120, 560), the others share the rest
    counts = allocate(16, 16 + 120 + 560 + 900 * 4 + 450)
    assert counts == (16, 120, 560, 900, 900, 900, 900, 450)


def test_rounding_keeps_the_total_and_the_share():
    offsets = np.random.default_rng(0).random(400)
    counts = np.array([allocate(16, 50, offset=float(offset)) for offset in offsets])
    assert (counts.sum(axis=1) == 50).all()
    share = 34 / 6.5
    np.testing.assert_allclose(counts[:, 1:7].mean(axis=0), share, atol=0.1)  # 4.5 se
    assert set(np.unique(counts[:, 1:7])) == {math.floor(share), math.ceil(share)}


@pytest.mark.parametrize("n", [7, 12, 20, 40])
def test_a_ladder_contains_its_lower_rungs(n):
    kept, counts = np.empty((0, n), dtype=bool), ()
    for n_pairs in (n - 2, n + 2, 3 * n, 7 * n):
        masks, counts = paired_design(n, n_pairs, seed=5, keep=counts)
        assert len(masks) == min(n_pairs, 2 ** (n - 1) - 1)
        assert rows(kept) <= rows(masks)
        kept = masks


def test_a_stratum_beyond_its_half_is_drawn_without_repeats():
    masks, counts = paired_design(16, 2**15 - 10, seed=1)  # the middle strata are nearly full
    assert len(rows(masks)) == 2**15 - 10 == sum(counts)


def test_deterministic_per_seed():
    first, _ = paired_design(30, 100, seed=1)
    np.testing.assert_array_equal(first, paired_design(30, 100, seed=1)[0])
    assert rows(first) != rows(paired_design(30, 100, seed=2)[0])


def test_draws_are_uniform_over_features():
    sums = sum(paired_design(9, 40, seed)[0].sum(axis=0) for seed in range(300))
    per_feature = sums.mean()
    np.testing.assert_allclose(sums, per_feature, rtol=0.05)


def test_hundreds_of_features():
    masks, _ = paired_design(400, 900, seed=0)
    assert len(rows(masks)) == 900


def test_pairs_that_are_drawn_twice_are_drawn_again():
    """Some seeds meet a pair twice where draws are so few that nobody looks while they are made."""
    for seed in range(150):
        masks, _ = paired_design(20, 200, seed)
        assert len(np.unique(np.packbits(masks, axis=1), axis=0)) == 200
