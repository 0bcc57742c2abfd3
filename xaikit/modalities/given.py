"""What columns may be, given those that are kept: stand-ins that go with the rest of the row.

Another question than removal by rows of the data: a column that only goes with others gets credit here
for what they say, and none there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.ma import masked_invalid
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Bools, Floats

__all__ = ["Gaussian", "Nearest", "deviation"]

RIDGE = 1e-9  # of the mean variance, so that columns that repeat others have an inverse


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Draws from a normal law of the rows' mean and covariance, given the kept columns.

    rows : (b, D); n : even number of draws, the same for every row and every mask, in opposite pairs
    By conditioning draws of all columns: y_R + A (x_K - y_K), A = Cov_RK Cov_KK^-1 (Matheron's rule).
    Source: Aas, Jullum & Løland, Artificial Intelligence 298 (2021), section 3.1.
    """

    rows: Floats
    n: int = 50
    seed: int = 0
    _known: dict[bytes, Floats] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if len(self.rows) < 2:
            raise InvalidInput(
                f"a normal law was asked for and there is {len(self.rows)} background row; give 2 or more."
            )

    @cached_property
    def covariance(self) -> Floats:
        found = np.atleast_2d(np.cov(self.rows, rowvar=False))
        return np.asarray(
            found + RIDGE * max(float(np.trace(found)), 1e-300) / len(found) * np.eye(len(found))
        )

    @cached_property
    def draws(self) -> Floats:
        """(n, D) of the law itself."""
        half = np.random.default_rng(self.seed).normal(size=(self.n // 2, self.rows.shape[1]))
        values, vectors = np.linalg.eigh(self.covariance)
        spread = half @ (vectors * np.sqrt(np.maximum(values, 0))).T
        return np.asarray(self.rows.mean(axis=0) + np.concatenate([spread, -spread]))

    def __call__(self, x: Floats, kept: Bools) -> Floats:
        """x (D,), kept (m, D) -> (m, n, D) stand-ins; what is kept stands in its place."""
        return np.stack([self._one(x, mask) for mask in kept])

    def _one(self, x: Floats, mask: Bools) -> Floats:
        found = self.draws.copy()
        if mask.any():
            found[:, ~mask] += (x[mask] - self.draws[:, mask]) @ self._slopes(mask).T
            found[:, mask] = x[mask]
        return found

    def _slopes(self, mask: Bools) -> Floats:
        """(removed, kept) regression of the one on the other."""
        key = np.packbits(mask).tobytes()
        if key not in self._known:
            own, across = self.covariance[np.ix_(mask, mask)], self.covariance[np.ix_(mask, ~mask)]
            slopes = np.asarray(np.linalg.solve(own, across).T, np.float64)
            self._known[key] = slopes
        return self._known[key]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The rows nearest in the kept columns.

    rows : (b, D); n of them are taken, all alike near where nothing is kept
    coded : (D,) columns of categories, which are near where they are equal, as missing values are
    A column counts by its deviation over the rows. Source: Aas, Jullum & Løland 2021, section 3.3, with
    equal weights; Verdinelli & Wasserman 2023 for what it estimates.
    """

    rows: Floats
    n: int
    coded: Bools

    @cached_property
    def mixed(self) -> Floats:
        """The rows in another order, so that ties are no matter of the file's order."""
        return np.asarray(np.random.default_rng(0).permutation(self.rows))

    def __call__(self, x: NDArray[np.float64], kept: Bools) -> Floats:
        """x (D,), kept (m, D) -> (m, n, D) stand-ins; what is kept stands in its place."""
        spread = deviation(self.rows)
        apart = np.abs(self.mixed - x) / np.where(spread > 0, spread, 1.0)
        gone, mine = np.isnan(self.mixed), np.isnan(x)
        apart = np.where(self.coded | gone | mine, (self.mixed != x) & ~(gone & mine), apart) ** 2
        order = np.argsort(kept.astype(np.float64) @ apart.T, axis=1, kind="stable")[:, : self.n]
        return np.asarray(np.where(kept[:, None], x, self.mixed[order]))


def deviation(rows: Floats) -> Floats:
    """(D,) of the values that are there, 0 of a column without any."""
    if not np.isnan(rows).any():
        return np.asarray(rows.std(axis=0))
    return np.asarray(masked_invalid(rows).std(axis=0).filled(0.0))
