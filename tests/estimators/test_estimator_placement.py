"""The placed design, against solving for every candidate anew."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.shapley.design import allocate, list_stratum, paired_design
from xaikit.shapley.process.constants import FIXED
from xaikit.shapley.process.integrals import nugget_functional
from xaikit.shapley.process.model import Parameters, smooth_kernel
from xaikit.shapley.process.placement import _most_placed, _place, placed_design


def rows(masks):
    return {row.tobytes() for row in masks}


def placed(n, n_pairs, seconds=np.inf, seed=3):
    return placed_design(n, ((n_pairs, seconds),), seed)


def explained(every, seen):
    """Sum over features of the variance of the Shapley values that the seen pairs explain, n = 6.

    phi = weights' g over all 31 pairs and the anchor, so its covariance with g is kernel @ weights.
    """
    signs = np.vstack([np.where(every, 1.0, -1.0), np.ones(6)])
    rho = FIXED.relevance
    smooth = ((1 + rho) ** 6 - (1 - rho) ** 6) / 2 - 6 * rho
    eta = FIXED.placed_nugget * smooth
    parameters = Parameters(np.full(6, rho), FIXED.linear_ratio * smooth, np.array([eta]))
    nugget = np.append(np.full(len(every), eta), 1e-8 * eta)
    kernel = smooth_kernel(signs, signs, parameters) + np.diag(nugget)
    weights = np.vstack([nugget_functional(signs[:-1]), np.full(6, 2 / 6)])
    cross = (kernel @ weights)[seen]
    return np.trace(cross.T @ np.linalg.solve(kernel[np.ix_(seen, seen)], cross))


def sizes_of(masks):
    return np.bincount(masks.sum(axis=1), minlength=4).tolist()


@pytest.mark.parametrize(
    ("least", "most", "counts"),
    [
        ([0, 0, 0, 0], [0, 6, 15, 4], [0, 6, 5, 4]),  # 4 of size 3, and then no more
        ([0, 0, 7, 0], [0, 6, 15, 10], [0, 6, 7, 2]),  # the last ones are of size 2
    ],
)
def test_every_pair_is_the_best_of_those_allowed(least, most, counts):
    every = np.concatenate([list_stratum(6, size) for size in (1, 2, 3)])
    sizes, least, most = every.sum(axis=1), np.array(least), np.array(most)
    found = _place(every[:6], every[6:], 15, least, most)
    number = {row.tobytes(): i for i, row in enumerate(every)}
    chosen = [number[row.tobytes()] for row in found]
    assert chosen[:6] == list(range(6))
    assert sizes_of(found) == counts
    for t in range(6, 15):
        before, taken = [31, *chosen[:t]], np.array(sizes_of(every[chosen[:t]]))
        room = least if np.maximum(least - taken, 0).sum() >= 15 - t else most
        others = [j for j in range(31) if j not in before and taken[sizes[j]] < room[sizes[j]]]
        gains = [explained(every, [*before, j]) for j in others]
        np.testing.assert_allclose(explained(every, [*before, chosen[t]]), max(gains), rtol=1e-7)


def test_placing_ends_where_no_size_has_room():
    every = np.concatenate([list_stratum(6, size) for size in (1, 2, 3)])
    found = _place(every[:6], every[6:], 15, np.zeros(4, dtype=int), np.array([0, 6, 2, 1]))
    assert sizes_of(found) == [0, 6, 2, 1]


@pytest.mark.parametrize(("n", "n_pairs"), [(12, 29), (12, 59), (16, 79), (30, 149)])
def test_every_size_gets_a_quarter_to_twice_its_share(n, n_pairs):
    sizes = np.bincount(placed(n, n_pairs).sum(axis=1))[2:]
    share = np.array(allocate(n, n_pairs))[1:]
    assert (share // 4 <= sizes).all()
    assert (sizes <= 2 * share + 2).all()


def test_little_time_means_fewer_candidates_then_fewer_placed_pairs():
    assert _most_placed(14) == _most_placed(14, 9.0) == 300
    assert _most_placed(14, 0.006) == 82
    assert _most_placed(14, 0.001) == 16
    plenty, some, little = (placed(14, 60, seconds) for seconds in (9.0, 0.006, 0.001))
    assert len(rows(plenty)) == len(rows(some)) == len(rows(little)) == 60
    assert rows(plenty) != rows(some) != rows(little)


@pytest.mark.parametrize(
    ("n", "n_pairs"), [(4, 5), (5, 15), (6, 99), (9, 20), (14, 400), (60, 300)]
)
def test_pairs_are_different_and_as_many_as_asked(n, n_pairs):
    masks = placed(n, n_pairs)
    assert len(masks) == min(n_pairs, 2 ** (n - 1) - 1)
    assert len(rows(np.concatenate([masks, ~masks]))) == 2 * len(masks)
    assert rows(list_stratum(n, 1)) <= rows(masks)
    np.testing.assert_array_equal(masks, placed(n, n_pairs))


@pytest.mark.parametrize("n", [7, 12, 51])
def test_a_ladder_begins_with_its_lower_rungs(n):
    kept, rungs = list_stratum(n, 1), ()
    for n_pairs in (n, n + 2, 3 * n, 7 * n, 30 * n):
        rungs = (*rungs, (n_pairs, np.inf))
        masks = placed_design(n, rungs, 5)
        np.testing.assert_array_equal(masks[: len(kept)], kept)
        assert len(masks) == min(n_pairs, 2 ** (n - 1) - 1)
        kept = masks


def test_some_seeds_have_designs_of_their_own():
    one, other, same = (rows(placed(12, 40, seed=seed)) for seed in (0, 1, FIXED.variants))
    assert one != other
    assert one == same


def test_the_design_tells_more_than_a_random_one():
    every = np.concatenate([list_stratum(6, size) for size in (1, 2, 3)])
    number = {row.tobytes(): i for i, row in enumerate(every)}

    def told(masks):
        return explained(every, [31, *(number[row.tobytes()] for row in masks)])

    random = [told(paired_design(6, 12, seed)[0]) for seed in range(20)]
    assert told(placed(6, 12)) > max(random)
