"""Pairs placed where they tell most: the design of the odd Gaussian process.

A process knows before any evaluation by how much a pair would lower the variance of the Shapley
values, so pairs are taken one by one, each the best of a random pool: greedy A-optimal design for a
linear functional. One set of prior parameters stands for those of the game, which nobody knows yet;
it was set once and not tuned. The design depends on n, the number of pairs, the seed and the pairs
kept alone.
"""

from __future__ import annotations

import numpy as np

from xaikit.estimators.design import list_stratum, paired_design, stratum_caps, without
from xaikit.estimators.game import BoolArray, FloatArray
from xaikit.estimators.odd_integrals import nugget_functional, smooth_functional
from xaikit.estimators.odd_model import Parameters, smooth_kernel

__all__ = ["most_placed", "placed_design"]

RELEVANCE, LINEAR_RATIO, NUGGET_RATIO = 0.2, 20.0, 0.1  # linear and nugget over the smooth part
POOL = 3  # candidates per pair


def placed_design(n: int, n_pairs: int, seed: int, keep: BoolArray | None = None) -> BoolArray:
    """Masks of the smaller members, bool (n_pairs, n): all singletons, then the best of a pool.

    keep : masks of an earlier, smaller design that this one begins with. n_pairs is at least n and
    capped at 2^(n-1) - 1. Deterministic.
    """
    n_pairs = min(n_pairs, sum(stratum_caps(n)))
    first = list_stratum(n, 1) if keep is None else keep
    placed = min(n_pairs, most_placed(n))
    if len(first) < placed:
        pool, _ = paired_design(n, POOL * placed, seed, border=False)
        first = _place(first, without(pool, first), placed)
    rest = without(paired_design(n, n_pairs, seed)[0], first)
    order = np.random.default_rng([seed, 0, 4]).permutation(len(rest))
    return np.concatenate([first, rest[order[: n_pairs - len(first)]]])


def most_placed(n: int) -> int:
    """Pairs that are placed; further ones are random, because each costs more time than the last."""
    return 300 if n < 50 else 200


def _place(first: BoolArray, pool: BoolArray, placed: int) -> BoolArray:
    """`first` and the best of the pool, (placed, n) at most.

    Conditioning one pair at a time: with d the variance left of each candidate, and q (M, n) its
    covariance left with each Shapley value, a pair lowers the sum of their variances by |q|^2 / d.
    """
    masks = np.concatenate([first, pool])
    signs = np.vstack([np.where(masks, 1.0, -1.0), np.ones(masks.shape[1])])  # the anchor is last
    kernel, nugget, left = _prior(signs)
    chosen = [len(masks), *range(len(first))]
    steps = min(placed, len(masks)) + 1
    factor = np.zeros((len(signs), steps))
    variance = np.diagonal(kernel) + nugget
    free = np.ones(len(signs), dtype=bool)
    for t in range(steps):
        if t == len(chosen):
            gain = np.einsum("ij,ij->i", left, left) / variance
            chosen.append(int(np.argmax(np.where(free, gain, -1.0))))
        j = chosen[t]
        free[j] = False
        column = kernel[:, j] - factor[:, :t] @ factor[j, :t]
        column[j] += nugget[j]
        column /= np.sqrt(variance[j])
        factor[:, t] = column
        left -= np.outer(column, left[j] / np.sqrt(variance[j]))
        variance = np.maximum(variance - column**2, 1e-9 * nugget[0])
    placed_masks: BoolArray = masks[chosen[1:]]
    return placed_masks


def _prior(signs: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel (M, M) without nugget, nugget (M,), covariance with the Shapley values (M, n)."""
    n = signs.shape[1]
    smooth = ((1 + RELEVANCE) ** n - (1 - RELEVANCE) ** n) / 2 - n * RELEVANCE
    eta = NUGGET_RATIO * smooth
    p = Parameters(np.full(n, RELEVANCE), LINEAR_RATIO * smooth, np.array([eta]))
    nugget = np.append(np.full(len(signs) - 1, eta), 1e-8 * eta)
    left = (2 * p.linear / n) * signs + smooth_functional(signs, p.relevance)
    left[:-1] += eta * nugget_functional(signs[:-1])
    return smooth_kernel(signs, signs, p), nugget, left
