"""Exact Shapley values by enumeration of all 2^n coalitions."""

from __future__ import annotations

import numpy as np

from xaikit.errors import OutOfBudget
from xaikit.estimators.game import BoolArray, FloatArray, Game

__all__ = ["MAX_FEATURES", "coalition_masks", "exact_values", "shapley_weights"]

MAX_FEATURES = 24  # 2^24 = 16.8 million evaluations
_BLOCK = 1 << 14  # coalitions summed at a time; fixed, so that rounding ignores the batch size


def shapley_weights(n: int) -> FloatArray:
    """Weight of a coalition of k others in the Shapley value of one feature, (n,) for k = 0..n-1.

    w(k) = k! (n-1-k)! / n! = 1 / (n C(n-1, k)) (Shapley 1953). The w(k) C(n-1, k) sum to 1.
    """
    weights, binomial = [], 1
    for k in range(n):
        weights.append(1 / (n * binomial))  # integers of any size: no overflow, one rounding
        binomial = binomial * (n - 1 - k) // (k + 1)
    return np.array(weights)


def coalition_masks(n: int, start: int, stop: int) -> BoolArray:
    """Coalitions number start..stop-1, bool (stop - start, n); bit i of the number is feature i."""
    numbers = np.arange(start, stop, dtype=np.int64)
    return (numbers[:, None] >> np.arange(n)) & 1 == 1


def exact_values(game: Game) -> FloatArray:
    """Shapley values in the units of the game, (n,), from all 2^n coalitions.

    phi_i = sum_{S without i} w(|S|) (v(S + i) - v(S)), streamed in blocks, so that memory stays
    small whatever n. Raises OutOfBudget above 24 features.
    """
    n = game.n_features
    if n > MAX_FEATURES:
        raise OutOfBudget(
            f"exact Shapley values of {n} features need 2^{n} evaluations and the limit is "
            f"2^{MAX_FEATURES}; group features or use method='odd_gp'."
        )
    weights = shapley_weights(n)
    joined = np.append(0.0, weights)  # (n + 1,) weight of S in phi_i when i is in S, by |S|
    absent = np.append(weights, 0.0)  # (n + 1,) minus that weight when i is not in S
    phi = np.zeros(n)
    for start in range(0, 2**n, _BLOCK):
        masks = coalition_masks(n, start, min(start + _BLOCK, 2**n))
        rise = game(masks, remember=n <= 14) - game.empty  # a constant has no share in phi
        size = masks.sum(axis=1)
        phi += ((joined + absent)[size] * rise) @ masks - absent[size] @ rise
    return phi + (game.output - game.empty - phi.sum()) / n  # rounding only
