"""Shapley values by weighted linear regression on complementary pairs: KernelSHAP, Leverage SHAP.

With pairs, the regression of v(S) - v(empty) on membership splits in two, and only the odd part
g(z) = (v(z) - v(-z)) / 2 meets the Shapley values: minimise sum_j w_j (g_j - z_j.phi / 2)^2 subject
to sum(phi) = v(all) - v(empty). The constraint is eliminated by projection, phi = x + mean with
sum(x) = 0, and solved by the eigenvalues of the normal equations, so that a singular system gives
the solution of least norm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xaikit.estimators.design import list_stratum, stratum_caps
from xaikit.estimators.game import BoolArray, FloatArray
from xaikit.estimators.memory import mask_keys
from xaikit.estimators.pairs import Pairs
from xaikit.estimators.result import Estimate

__all__ = [
    "KernelDesign",
    "kernel_design",
    "kernel_fit",
    "leverage_fit",
    "size_mass",
    "weighted_fit",
]

RANK = 1e-12  # squared singular values below this, relative, are rounding
_MAX_DRAWS = 20  # draws per wanted pair before the last, nearly full sizes are given up


def weighted_fit(pairs: Pairs, weights: FloatArray, remaining: FloatArray, method: str) -> Estimate:
    """Constrained weighted least squares, with jackknife standard errors.

    weights : (N,), positive. remaining : (N,) in [0, 1], the share of each row's stratum that was
    not sampled; 0 means that a row carries no sampling error (finite population correction).
    std : the sandwich of leave-one-pair-out residuals e_j / (1 - h_j) (HC3, MacKinnon and White
    1985). Directions that no row determines get the variance of a typical Shapley value.
    """
    n = pairs.signs.shape[1]
    mean = 2 * pairs.odd_full / n
    root = np.sqrt(weights / weights.max())
    total = (2 * pairs.sizes - n).astype(np.float64)
    rows = pairs.signs - (total / n)[:, None]
    rows *= (root / 2)[:, None]
    target = root * (pairs.odd - total * (mean / 2))
    square, directions = np.linalg.eigh(rows.T @ rows)
    seen = square > RANK * square[-1]
    inverse = (directions[:, seen] / square[seen]) @ directions[:, seen].T
    values = inverse @ (rows.T @ target)
    values += inverse @ (rows.T @ (target - rows @ values))  # refined: as accurate as by SVD
    fitted = target - rows @ values
    gain = rows @ inverse  # (N, n): by how much each row moves each value
    slack = 1 - np.einsum("ji,ji->j", gain, rows)
    typical = root * np.sqrt(np.mean(pairs.odd**2))  # for rows that the fit reproduces whatever
    residual = np.where(slack > 1e-6, fitted / np.maximum(slack, 1e-6), typical)
    variance = (residual**2 * remaining) @ np.square(gain, out=gain)
    values += mean + (2 * pairs.odd_full - n * mean - values.sum()) / n  # rounding only
    note, rank = "", int(seen.sum())
    if rank < n - 1:
        note = f"only {rank} of {n - 1} directions are determined"
        unseen = 1 - 1 / n - np.sum(directions[:, seen] ** 2, axis=1)
        variance += np.maximum(unseen, 0) * 4 * np.mean(pairs.odd**2)
    return Estimate(values, np.sqrt(variance), method, len(pairs.odd), note)


def leverage_fit(pairs: Pairs) -> Estimate:
    """Leverage SHAP on a stratified design (Musco and Witter, ICLR 2025, arXiv 2410.01917).

    Each pair weighs its kernel weight over its inclusion probability k_s / N_s.
    """
    n, size = pairs.signs.shape[1], pairs.sizes
    weights = size_mass(n)[size - 1] / np.array(pairs.counts)[size - 1]
    estimate = weighted_fit(pairs, weights, pairs.remaining, "leverage")
    return replace(estimate, counts=tuple(pairs.counts))


@dataclass(frozen=True)
class KernelDesign:
    """Pairs of KernelSHAP: masks (N, n), their weights (N,), and whether each was drawn (N,)."""

    masks: BoolArray
    weights: FloatArray
    drawn: BoolArray


def kernel_fit(pairs: Pairs, design: KernelDesign) -> Estimate:
    """KernelSHAP without feature selection (Lundberg and Lee, NeurIPS 2017, theorem 2)."""
    return weighted_fit(pairs, design.weights, design.drawn.astype(np.float64), "kernel")


def kernel_design(n: int, n_pairs: int, seed: int) -> KernelDesign:
    """The coalitions of shap's KernelExplainer: full sizes first, the rest drawn by kernel weight.

    A size is enumerated while the pairs left would cover it in expectation. Draws repeat; a repeat
    adds weight and costs nothing. Draws of enumerated sizes are discarded from one fixed stream,
    so that a larger design nearly contains a smaller one of the same seed.
    """
    caps, mass = stratum_caps(n), size_mass(n)
    full, left = 0, n_pairs
    while full < len(caps) and left * mass[full] / mass[full:].sum() >= caps[full]:
        left -= caps[full]
        full += 1
    listed = [list_stratum(n, s + 1) for s in range(full)]
    weights = [np.full(caps[s], mass[s] / caps[s]) for s in range(full)]
    if full < len(caps) and left:
        masks, times = _draws(n, full, left, seed)
        listed.append(masks)
        weights.append(times * (mass[full:].sum() / times.sum()))
    masks = np.concatenate(listed)
    drawn = np.arange(len(masks)) >= sum(caps[:full])
    return KernelDesign(masks, np.concatenate(weights), drawn)


def size_mass(n: int) -> FloatArray:
    """Kernel weight of a whole stratum s = 1..n//2, up to a factor: 1 / (s (n - s)), halved where
    2 s = n, because that stratum holds one size and the others two."""
    s = np.arange(1, n // 2 + 1)
    mass: FloatArray = np.where(2 * s == n, 0.5, 1.0) / (s * (n - s))
    return mass


def _draws(n: int, full: int, n_pairs: int, seed: int) -> tuple[BoolArray, FloatArray]:
    """The first n_pairs different coalitions of a stream above the enumerated sizes, and counts."""
    rng = np.random.default_rng([seed, 0, 2])
    bounds = np.cumsum(size_mass(n))
    drawn = np.empty((0, n), dtype=bool)
    for _ in range(_MAX_DRAWS):
        uniform = rng.random((max(n_pairs, 64), n + 1))
        size = 1 + np.searchsorted(bounds, uniform[:, 0] * bounds[-1], side="right")
        uniform, size = uniform[size > full, 1:], size[size > full, None]
        masks = np.argsort(np.argsort(uniform, axis=1), axis=1) < size
        masks ^= (2 * size == n) & ~masks[:, :1]  # one name for both members of a pair
        drawn = np.concatenate([drawn, masks])
        _, first, number = np.unique(mask_keys(drawn), return_index=True, return_inverse=True)
        order = np.argsort(first)  # of first appearance
        if len(order) > n_pairs:
            number, order = number[: first[order[n_pairs]]], order[:n_pairs]
            break
    times = np.bincount(number, minlength=len(first))[order]
    return drawn[first[order]], times.astype(np.float64)
