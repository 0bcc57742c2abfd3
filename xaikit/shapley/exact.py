"""Exact Shapley values by enumeration of all 2^n coalitions."""

from __future__ import annotations

import functools

import numpy as np

from xaikit.core.errors import OutOfBudget
from xaikit.shapley.game import BoolArray, FloatArray, Game
from xaikit.shapley.result import Estimate

__all__ = ["MAX_FEATURES", "check_size", "coalition_masks", "exact_values", "shapley_weights"]

MAX_FEATURES = 24  # 2^24 = 16.8 million evaluations
_BLOCK = 1 << 14  # coalitions summed at a time; fixed, so that rounding ignores the batch size


@functools.cache
def shapley_weights(n: int) -> FloatArray:
    """Weight of a coalition of k others in the Shapley value of one feature, (n,) for k = 0..n-1.

    w(k) = k! (n-1-k)! / n! = 1 / (n C(n-1, k)) (Shapley 1953). The w(k) C(n-1, k) sum to 1.
    """
    weights, binomial = [], 1
    for k in range(n):
        weights.append(1 / (n * binomial))  # integers of any size: no overflow, one rounding
        binomial = binomial * (n - 1 - k) // (k + 1)
    array = np.array(weights)
    array.flags.writeable = False  # shared by all callers
    return array


def coalition_masks(n: int, start: int, stop: int) -> BoolArray:
    """Coalitions number start..stop-1, bool (stop - start, n); bit i of the number is feature i."""
    numbers = np.arange(start, stop, dtype=np.int64)
    masks: BoolArray = (numbers[:, None] >> np.arange(n)) & 1 == 1
    return masks


def check_size(n: int) -> None:
    """Raises OutOfBudget above 24 features."""
    if n > MAX_FEATURES:
        raise OutOfBudget(
            f"exact Shapley values of {n} features need 2^{n} evaluations and the limit is "
            f"2^{MAX_FEATURES}; group features or use method='odd_gp'."
        )


def exact_values(game: Game) -> FloatArray:
    """Shapley values in the units of the game, (n,), from all 2^n coalitions.

    phi_i = sum_{S without i} w(|S|) (v(S + i) - v(S)), streamed in blocks, so that memory stays
    small whatever n. Raises OutOfBudget above 24 features.
    """
    n = game.n_features
    check_size(n)
    weights = shapley_weights(n)
    joined = np.append(0.0, weights)  # (n + 1,) weight of S in phi_i when i is in S, by |S|
    absent = np.append(weights, 0.0)  # (n + 1,) minus that weight when i is not in S
    phi: FloatArray = np.zeros(n)
    remember = n <= 14
    if not remember:
        _ = game.empty  # the ends are kept, and not asked again
    for start in range(0, 2**n, _BLOCK):
        masks = coalition_masks(n, start, min(start + _BLOCK, 2**n))
        rise = game(masks, remember=remember) - game.empty  # a constant has no share in phi
        size = masks.sum(axis=1)
        phi += ((joined + absent)[size] * rise) @ masks - absent[size] @ rise
    phi += (game.output - game.empty - phi.sum()) / n  # rounding only
    return phi


def exact_estimate(game: Game) -> Estimate:
    """`exact_values` with zero standard errors."""
    n = game.n_features
    return Estimate(exact_values(game), np.zeros(n), "exact", 2 ** (n - 1), exact=True)
