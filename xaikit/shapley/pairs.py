"""Evaluated complementary pairs: what the Gaussian process and the regressions are fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xaikit.shapley.game import BoolArray, FloatArray, Game

__all__ = ["Pairs", "both_of", "evaluate_pairs", "stratum_weights"]


@dataclass(frozen=True)
class Pairs:
    """N complementary pairs of coalitions and their values.

    masks : (N, n) bool, of the smaller member z.
    odd   : (N,) float64, (v(z) - v(-z)) / 2; only this part has a share in Shapley values.
    even  : (N,) float64, (v(z) + v(-z)) / 2.
    odd_full, even_full : the same two numbers for the pair of full and empty coalition; 2 odd_full
        is the sum of all Shapley values, known without error.
    """

    masks: BoolArray
    odd: FloatArray
    even: FloatArray
    odd_full: float
    even_full: float

    @cached_property
    def signs(self) -> FloatArray:
        """(N, n) float64, +1 where a feature is kept, -1 where not, of the smaller member."""
        return np.where(self.masks, 1.0, -1.0)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Size of each smaller member, (N,), its stratum."""
        sizes: NDArray[np.int64] = np.count_nonzero(self.masks, axis=1)
        return sizes

    @property
    def values(self) -> FloatArray:
        """All 2 N + 2 values of the game."""
        members = [self.odd + self.even, self.even - self.odd]
        return np.concatenate(
            [*members, [self.even_full - self.odd_full, self.even_full + self.odd_full]]
        )

    @cached_property
    def counts(self) -> list[int]:
        """Evaluated pairs per stratum s = 1..n//2."""
        n = self.masks.shape[1]
        return [int(k) for k in np.bincount(self.sizes, minlength=n // 2 + 1)[1:]]


def evaluate_pairs(game: Game, masks: BoolArray, *, distinct: bool = False) -> Pairs:
    """Evaluate each mask and its complement; masks are smaller members, bool (N, n).

    distinct : no pair comes twice, and that of the empty coalition not at all
    """
    inside, outside = game(both_of(masks), distinct=distinct).reshape(-1, 2).T
    return Pairs(
        masks=masks,
        odd=(inside - outside) / 2,
        even=(inside + outside) / 2,
        odd_full=(game.output - game.empty) / 2,
        even_full=(game.output + game.empty) / 2,
    )


def both_of(masks: BoolArray) -> BoolArray:
    """(p, n) -> (2 p, n): each mask and its complement, one after the other."""
    return np.stack([masks, ~masks], axis=1).reshape(-1, masks.shape[1])


def stratum_weights(signs: FloatArray) -> FloatArray:
    """Shapley weight of each row's odd value, times its stratum's number of pairs, (N, n).

    phi_i = sum over pairs z of g(z) 2 w(s - 1) if z_i = +1, of g(z) (-2 w(s)) if z_i = -1. With
    N_s = C(n, s) pairs this is 2 / s and -2 / (n - s) per mean over the stratum, which neither
    overflows nor underflows for any n; half of that where 2 s = n.
    """
    n = signs.shape[1]
    size = (signs > 0).sum(axis=1, keepdims=True)
    weights = np.where(signs > 0, 2.0 / size, -2.0 / (n - size))
    return np.asarray(np.where(2 * size == n, weights / 2, weights), dtype=np.float64)
