"""Shapley values by antithetic permutation sampling."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit  # t quantiles; importing scipy.stats would take 0.4 s

from xaikit.shapley.evidence import constant, with_unseen
from xaikit.shapley.game import FloatArray, Game
from xaikit.shapley.pairs import evaluate_pairs
from xaikit.shapley.result import Estimate

__all__ = ["permutation_estimate"]

_SHARED = 4  # degrees of freedom of the features' mean variance


def permutation_estimate(game: Game, n_walks: int, seed: int) -> Estimate:
    """Mean marginal contribution over n_walks random orders and their reverses.

    The prefixes of a reversed order are the complements of the prefixes of the order, so one
    antithetic pair of walks costs n - 1 complementary pairs, 2 (n - 1) evaluations, and its mean
    contribution of the feature at place j is g(prefix j) - g(prefix j-1), g the odd part.
    Source: Castro et al. 2009; antithetic orders: Mitchell et al., JMLR 23 (2022), section 4.1.

    std : standard error over antithetic pairs. Few walks often repeat one gain and leave a
    variance near zero, so each feature's variance (n_walks - 1 degrees of freedom) is averaged with
    the mean over features at 4 degrees (moderated variance, Smyth 2004, equation 3.1), and t
    quantiles replace 1.96: values +- 1.96 std covers 93-97 % where the plain one covers 78-95 %
    (reference games, 2 to 30 walks). One walk has no variance; the two orders' differences stand
    for it.
    """
    n = game.n_features
    draws = np.random.default_rng([seed, 0, 3]).random((n_walks, n))
    place = np.argsort(np.argsort(draws, axis=1), axis=1)  # (n_walks, n) place of each feature
    prefixes = place[:, None, :] < np.arange(1, n)[:, None]  # (n_walks, n - 1, n)
    pairs = evaluate_pairs(game, prefixes.reshape(-1, n))
    if same := constant(pairs, "permutation"):
        return same
    full = np.full((n_walks, 1), pairs.odd_full)
    odd = np.hstack([-full, pairs.odd.reshape(n_walks, n - 1), full])
    gains = np.take_along_axis(np.diff(odd, axis=1), place, axis=1)
    values = gains.mean(axis=0)
    values += (2 * pairs.odd_full - values.sum()) / n  # rounding only
    if n_walks == 1:
        even_full = np.full((1, 1), pairs.even_full)
        even = np.hstack([even_full, pairs.even.reshape(1, n - 1), even_full])
        std = np.full(n, np.sqrt(np.mean(np.diff(even, axis=1) ** 2)))
        note = "one walk: the error bars are indicative"
        return with_unseen(Estimate(values, std, "permutation", 1, note), n - 1)
    found = Estimate(values, _standard_error(gains), "permutation", n_walks)
    return with_unseen(found, n_walks * (n - 1))


def _standard_error(gains: FloatArray) -> FloatArray:
    n_walks, own = len(gains), len(gains) - 1
    variance = gains.var(axis=0, ddof=1)
    variance = (own * variance + _SHARED * variance.mean()) / (own + _SHARED)
    widening = stdtrit(own + _SHARED, 0.975) / 1.96
    return np.asarray(widening * np.sqrt(variance / n_walks), dtype=np.float64)
