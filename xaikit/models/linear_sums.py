"""Weights of fitted estimators whose answer is a weighted sum, found out by asking them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Floats

__all__ = ["coefficients", "is_affine"]

SIZES = (1.0, 30.0, 1000.0)  # of the inputs that are tried: near, and far outside of any data
N_TRIED = 4  # of each size
EXACT = 1e-9  # of the sizes that are added


def is_affine(estimator: Any, asks: str) -> bool:
    """Whether `estimator.asks(x)` is x @ weights + intercept.

    Not where its answers to trial inputs are another function: a link, a kernel, a vote.
    """
    found = coefficients(estimator)
    if found is None or not hasattr(estimator, asks):
        return False
    weights, intercept = found
    draws = np.random.default_rng(0).normal(size=(len(SIZES), N_TRIED, len(weights)))
    x = (draws * np.array(SIZES)[:, None, None]).reshape(-1, len(weights))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of names that a frame had, of overflow
            answers = np.asarray(getattr(estimator, asks)(x), dtype=np.float64)
    except (ValueError, TypeError, AttributeError, NotImplementedError):
        return False
    ours = x @ weights + intercept
    if answers.size != ours.size or answers.ndim > 2:
        return False
    size = np.abs(x) @ np.abs(weights) + np.abs(intercept)
    return bool((np.abs(answers.reshape(ours.shape) - ours) <= EXACT * size).all())


def coefficients(estimator: Any) -> tuple[Floats, Floats] | None:
    """Weights (F, K) and intercept (K,) that it states, or its one-against-the-rest estimators do."""
    parts = getattr(estimator, "estimators_", None)
    if isinstance(parts, list) and hasattr(estimator, "label_binarizer_"):
        each = [coefficients(part) for part in parts]
        known = [one for one in each if one is not None]
        if len(known) < len(each):
            return None
        return np.hstack([w for w, _ in known]), np.concatenate([b for _, b in known])
    try:
        coef, intercept = estimator.coef_, estimator.intercept_
    except AttributeError:
        return None
    weights = np.atleast_2d(_dense(coef)).T  # (F, K)
    try:
        return weights, np.broadcast_to(_dense(intercept).ravel(), weights.shape[1:]).copy()
    except ValueError:
        return None


def _dense(numbers: Any) -> NDArray[Any]:
    full = numbers.toarray() if hasattr(numbers, "toarray") else numbers
    return np.asarray(full, dtype=np.float64)
