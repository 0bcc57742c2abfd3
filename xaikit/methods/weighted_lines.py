"""Weighted ridge lines through the values of masks in complementary pairs, with standard errors.

A `Frame` is all that the values do not change, so games on one design share it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas

from xaikit.shapley.blocks import Blocks, held
from xaikit.shapley.game import BoolArray, FloatArray
from xaikit.shapley.pairs import both_of
from xaikit.shapley.regression import positive_inverse
from xaikit.shapley.threads import one_thread

__all__ = ["Frame", "Line", "frame_size"]

RIDGE = (
    1e-6  # added to the covariance of the masks where its diagonal is near 1/4, less of a smaller
)


class Line(NamedTuple):
    """slopes (n,), their standard errors (n,), the intercept, and the weighted R2."""

    slopes: FloatArray
    std: FloatArray
    intercept: float
    r2: float


class _Plane(NamedTuple):
    """What a fit knows of its masks: sum of weights, mean mask (n,), inverse curvature (n, n)."""

    weight: float
    centre: FloatArray
    inverse: FloatArray

    @classmethod
    def of(cls, weight: float, mask: FloatArray, square: FloatArray) -> _Plane:
        """From the sums over masks z of w, w z and w z z'; the last is overwritten."""
        centre = mask / weight
        square /= weight
        blas.dger(-1.0, centre, centre, a=square.T, overwrite_a=1)  # the covariance of the masks
        square.reshape(-1)[:: len(square) + 1] += RIDGE * min(1.0, 4 * square.diagonal().max())
        diagonal = square.diagonal().copy()
        inverse = positive_inverse(square, overwrite=True)
        if inverse is None:  # what lies below the diagonal is left
            below = np.tril(square, -1)
            inverse = np.asarray(np.linalg.inv(below + below.T + np.diag(diagonal)))
        return cls(weight, centre, inverse)

    def slopes(self, value: float, cross: FloatArray) -> FloatArray:
        """Ridge on masks less their mean, from the sums of w v and w z v."""
        slopes: FloatArray = self.inverse @ ((cross - value * self.centre) / self.weight)
        return slopes


class Frame:
    """Masks in complementary pairs and how much each counts.

    masks : (p, n) bool, the first of each pair; weights : (p, 2); left_out : (p,) share of the pair's
        stratum that was left out, 0 where nothing is left to chance
    every : whether all masks there are were asked
    """

    @one_thread
    def __init__(self, masks: BoolArray, weights: FloatArray, left_out: FloatArray) -> None:
        n_pairs, n = masks.shape
        self._n, self._weights, self._left_out = n, weights, left_out
        self.every = not left_out.any()
        self._blocks = Blocks(n_pairs, 2 * n, lambda part: both_of(masks[part]).astype(np.float64))
        # every second pair; the strata lie one after the other, so each is split in two
        self._sides = np.arange(n_pairs) % 2 == np.array([[0], [1]])
        means, squares = np.zeros((2, n)), [np.zeros((n, n)), np.zeros((n, n))]
        for part, z in self._blocks:
            for side, own in enumerate(self._side_weights(part)):
                means[side] += own @ z
                squares[side] += (z.T * own) @ z
        totals = (self._sides @ weights).sum(axis=1).tolist()
        self._whole = _Plane.of(sum(totals), means.sum(axis=0), squares[0] + squares[1])
        # each sum is let go as soon as it is used: with many features they are large
        sides = (0, 1) if n_pairs > 1 else ()  # one pair has no halves
        self._halves = [_Plane.of(totals[i], means[i], squares.pop(0)) for i in sides]
        first = next(iter(self._blocks))
        self._kept = self._moved(*first) if self._blocks.single else None

    def _side_weights(self, part: slice) -> FloatArray:
        """(2, 2 m): weights of the masks of a block that are in one half, 0 for the others."""
        own: FloatArray = self._sides[:, part, None] * self._weights[part]
        return own.reshape(2, -1)

    @one_thread
    def halves(self, values: FloatArray) -> list[FloatArray]:
        """Slopes (n,) of each half, through values (p, 2)."""
        value, cross = self._sums(values)
        return [
            plane.slopes(*sums) for plane, *sums in zip(self._halves, value, cross, strict=True)
        ]

    @one_thread
    def line(self, values: FloatArray, start: float) -> Line:
        """The line through values (p, 2); they are fitted less `start`, so that a constant is exact.

        std : the sum over pairs of the squared change that leaving the pair out makes, times the share
        of the pair's stratum that was not asked: the sandwich HC3 (MacKinnon & White 1985) for pairs.
        """
        values, plane = values - start, self._whole
        value, cross = self._sums(values)
        mean, slopes = (
            float(value.sum()) / plane.weight,
            plane.slopes(value.sum(), cross.sum(axis=0)),
        )
        w, v = self._weights / plane.weight, values - mean
        missed, variance = 0.0, np.zeros(len(slopes))
        for part, z in self._blocks:
            residuals = v[part] - (z @ slopes - plane.centre @ slopes).reshape(-1, 2)
            missed += float(np.vdot(w[part], residuals**2))
            moved, left = self._kept or self._moved(part, z)
            # the residuals that the pair would have if it were left out, weighted
            a, b = (w[part] * np.einsum("pab,pb->pa", left, residuals)).T
            share = self._left_out[part]
            variance += np.concatenate([share * a * a, 2 * share * a * b, share * b * b]) @ moved
        spread = float(np.vdot(w, v**2))
        r2 = 1 - missed / spread if spread > 0 else 1.0
        intercept = start + mean - float(plane.centre @ slopes)
        return Line(slopes, np.sqrt(np.maximum(variance, 0.0)), intercept, r2)

    def _sums(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over the masks of each half of w v (2,) and w z v (2, n)."""
        cross = np.zeros((2, self._n))
        for part, z in self._blocks:
            cross += (self._side_weights(part) * values[part].ravel()) @ z
        return (self._sides @ (self._weights * values)).sum(axis=1), cross

    def _moved(self, part: slice, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of m pairs: products of how both masks move each slope (3 m, n), first by first, first by
        second, second by second; and what turns residuals into those left out (m, 2, 2)."""
        plane, n = self._whole, z.shape[1]
        centred = z - plane.centre
        rows, moved = centred.reshape(-1, 2, n), (centred @ plane.inverse).reshape(-1, 2, n)
        own = self._weights[part] / plane.weight
        # leverage of each pair, the mean being one more parameter
        left = np.eye(2) - (moved @ rows.transpose(0, 2, 1) + 1) * own[:, None, :]
        a, b = moved[:, 0], moved[:, 1]
        return np.concatenate([a * a, a * b, b * b]), _inverses(left)


def frame_size(n: int, n_pairs: int) -> int:
    """About how many numbers a frame holds."""
    return 3 * n * n + 5 * held(n_pairs, 2 * n) // 2


def _inverses(matrices: FloatArray) -> FloatArray:
    """(m, 2, 2): their inverses, the identity where there is none."""
    (a, b), (c, d) = matrices[:, 0].T, matrices[:, 1].T
    det = a * d - b * c
    free = np.abs(det) > 1e-9
    det[~free] = 1.0
    found = np.array([[d, -b], [-c, a]]) / det
    return np.where(free[:, None, None], found.transpose(2, 0, 1), np.eye(2))
