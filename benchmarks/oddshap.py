"""OddSHAP, our implementation of the published idea; the authors' own may be better.

Fumagalli, Butler, Kang, Ramchandran, Witter, ICML 2026, arXiv 2602.01399: only the odd part of a
game matters for Shapley values, so regress it on few odd interactions of the Fourier basis, picked
by boosted trees. Details that we chose: the design is paired, without replacement, with the same
number of pairs per size; the trees' Fourier coefficients are exact, from the trees' predictions for
all 2^n coalitions; the number of interactions is the one with the least leave-one-out error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xaikit.shapley.design import paired_design
from xaikit.shapley.exact import coalition_masks
from xaikit.shapley.game import Game, ValueFunction
from xaikit.shapley.pairs import Pairs, evaluate_pairs
from xaikit.shapley.regression import size_mass

__all__ = ["oddshap"]

SHARES = (0.0, 0.1, 0.2, 0.35, 0.5)  # interactions tried, per evaluated pair
RIDGE = 1e-3


def oddshap(value: ValueFunction, n: int, budget: int, seed: int) -> np.ndarray:
    """Shapley values, (n,), of a game of up to 20 features from at most `budget` evaluations."""
    masks, _ = paired_design(n, (budget - 2) // 2, seed, border=False)
    pairs = evaluate_pairs(Game(value, n, batch_size=budget), masks)
    ranked = _odd_interactions(pairs, seed)
    best, values = np.inf, np.zeros(n)
    for share in SHARES:
        picked = ranked[: int(share * len(pairs.odd))]
        error, found = _regress(pairs, np.concatenate([np.eye(n, dtype=bool), picked]))
        if error < best:
            best, values = error, found
    return values


def _odd_interactions(pairs: Pairs, seed: int) -> np.ndarray:
    """Odd interactions of size 3 and more that the trees found, bool (t, n), strongest first."""
    n = pairs.signs.shape[1]
    x = np.concatenate([pairs.signs, -pairs.signs, -np.ones((1, n)), np.ones((1, n))])
    every = coalition_masks(n, 0, 2**n)
    predicted = _trees(seed).fit(x, pairs.values).predict(np.where(every, 1.0, -1.0))
    coefficient = np.abs(_walsh(predicted))
    size = every.sum(axis=1)
    coefficient[(size % 2 == 0) | (size == 1)] = 0
    order = np.argsort(-coefficient, kind="stable")[: len(pairs.odd)]
    return every[order[coefficient[order] > 1e-12 * np.abs(predicted).max()]]


def _trees(seed: int) -> Any:
    try:
        from lightgbm import LGBMRegressor
    except ImportError:
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(min_samples_leaf=5, random_state=seed)
    return LGBMRegressor(
        n_estimators=150, max_depth=8, min_child_samples=5, random_state=seed, verbose=-1, n_jobs=1
    )


def _walsh(values: np.ndarray) -> np.ndarray:
    """Coefficient of every parity, (2^n,), up to its sign."""
    n = int(values.size).bit_length() - 1
    cube = values.reshape((2,) * n)
    for axis in range(n):
        a, b = np.take(cube, 0, axis), np.take(cube, 1, axis)
        cube = np.stack([a + b, a - b], axis)
    return cube.reshape(-1) / values.size


def _regress(pairs: Pairs, interactions: np.ndarray) -> tuple[float, np.ndarray]:
    """Weighted ridge regression of the odd part on parities, exact at the full coalition.

    Leave-one-out error and phi_i = 2 sum over T with i of c_T / |T|.
    """
    n, size = pairs.signs.shape[1], interactions.sum(axis=1)
    parities = np.stack([np.prod(pairs.signs[:, t], axis=1) for t in interactions], axis=1)
    root = np.sqrt(size_mass(n)[pairs.sizes - 1] / np.array(pairs.counts)[pairs.sizes - 1])
    root /= root.max()
    x, y = (parities - parities[:, :1]) * root[:, None], pairs.odd - parities[:, 0] * pairs.odd_full
    x, y = x[:, 1:], y * root  # c of the first is odd_full minus the others
    gram = x.T @ x + RIDGE * np.diag(size[1:] > 1) + 1e-10 * np.eye(x.shape[1])
    hat = np.linalg.solve(gram, x.T)
    c = hat @ y
    left_out = (y - x @ c) / np.maximum(1 - np.einsum("ij,ji->i", x, hat), 1e-3)
    c = np.append(pairs.odd_full - c.sum(), c)
    return float(left_out @ left_out), 2 * (c / size) @ interactions
