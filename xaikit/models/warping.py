"""Distances of series that may run ahead of each other: dynamic time warping."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from xaikit.core.types import Floats

__all__ = ["Warped"]

_CHUNK = 2**17  # pairs of series at a time


class Warped(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """How far a series is from each training series when time may be stretched: the root of the least
    sum of squared differences along a warping path (Sakoe & Chiba 1978), all channels warped together.

    window : share of the length that a path may leave the diagonal by
    """

    def __init__(self, window: float = 0.1) -> None:
        self.window = window

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        del y
        self.known_ = np.asarray(x, dtype=np.float64)
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, L, C) -> (B, N) distances to the N training series"""
        x = np.asarray(x, dtype=np.float64)
        rows = max(1, _CHUNK // len(self.known_))
        parts = [self._distances(x[i : i + rows]) for i in range(0, len(x), rows)]
        return np.concatenate(parts)

    def _distances(self, x: Floats) -> Floats:
        length = x.shape[1]
        reach = max(1, round(self.window * length))
        shape = (length + 1, len(x), len(self.known_))
        before = np.full(shape, np.inf)  # the least sum up to each step of the training series
        before[0] = 0.0
        for i in range(length):
            here = np.full(shape, np.inf)
            for j in range(max(0, i - reach), min(length, i + reach + 1)):
                apart = ((x[:, None, i] - self.known_[None, :, j]) ** 2).sum(axis=2)
                least = np.minimum(np.minimum(before[j], before[j + 1]), here[j])
                here[j + 1] = apart + least
            before = here
        return np.sqrt(before[length])
