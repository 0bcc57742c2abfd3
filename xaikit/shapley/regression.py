"""Shapley values by weighted linear regression on complementary pairs: KernelSHAP, Leverage SHAP.

With pairs, the regression of v(S) - v(empty) on membership splits in two, and only the odd part
g(z) = (v(z) - v(-z)) / 2 meets the Shapley values: minimise sum_j w_j (g_j - z_j.phi / 2)^2 subject
to sum(phi) = v(all) - v(empty). The constraint is eliminated by projection, phi = x + mean with
sum(x) = 0, and a singular system gives the solution of least norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from xaikit.core.memory import mask_keys
from xaikit.shapley.blocks import Blocks, held
from xaikit.shapley.design import base_masks, list_stratum, stratum_caps
from xaikit.shapley.evidence import constant, with_unseen
from xaikit.shapley.game import BoolArray, FloatArray
from xaikit.shapley.kept import kept
from xaikit.shapley.pairs import Pairs
from xaikit.shapley.result import Estimate
from xaikit.shapley.threads import one_thread

__all__ = [
    "KernelDesign",
    "LeverageDesign",
    "System",
    "kernel_design",
    "kernel_fit",
    "leverage_design",
    "leverage_fit",
    "leverage_weights",
    "positive_inverse",
    "size_mass",
]

CONDITION = 1e-10  # reciprocal condition below which the rank is counted from eigenvalues
RANK = 1e-12  # squared singular values below this, relative, are rounding
_MAX_DRAWS = 20  # draws per wanted pair before the last, nearly full sizes are given up


class System:
    """Constrained weighted least squares on one design: all of it that the values do not change.

    masks : (N, n) bool, of the smaller members; weights : (N,), positive
    """

    @one_thread
    def __init__(self, masks: BoolArray, weights: FloatArray) -> None:
        n = masks.shape[1]
        sizes = np.count_nonzero(masks, axis=1)
        self._root = root = np.sqrt(weights / weights.max())
        self._total = total = (2 * sizes - n).astype(np.float64)

        def made(part: slice) -> FloatArray:
            rows = np.where(masks[part], 1.0, -1.0)
            rows -= (total[part] / n)[:, None]
            rows *= (root[part] / 2)[:, None]
            return rows

        self._blocks = Blocks(len(masks), n, made)
        square = np.zeros((n, n))
        for _, rows in self._blocks:
            square += rows.T @ rows
        self._inverse, self._rank, self._unseen = _inverse(square)
        self._kept = self._moved(next(iter(self._blocks))[1]) if self._blocks.single else None

    def _moved(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """By how much each row moves each value, squared (m, n), and one less its leverage (m,)."""
        gain = rows @ self._inverse
        slack = 1 - np.einsum("ji,ji->j", gain, rows)
        return np.square(gain, out=gain), slack

    @one_thread
    def solve(self, pairs: Pairs, remaining: FloatArray, method: str) -> Estimate:
        """The fit to pairs of the design, with jackknife standard errors.

        remaining : (N,) in [0, 1], the share of each row's stratum that was not sampled; 0 means
        that a row carries no sampling error (finite population correction).
        std : the sandwich of leave-one-pair-out residuals e_j / (1 - h_j) (HC3, MacKinnon and White
        1985). Directions that no row determines get the variance of a typical Shapley value.
        """
        if same := constant(pairs, method):
            return same
        n, root = pairs.masks.shape[1], self._root
        top = max(abs(pairs.odd_full), float(np.abs(pairs.odd).max()))
        unit = 2.0 ** (np.frexp(top)[1] - 1)  # squares of 1e200 would overflow; exact
        odd, odd_full = pairs.odd / unit, pairs.odd_full / unit
        mean = 2 * odd_full / n
        target = root * (odd - self._total * (mean / 2))
        right = np.zeros(n)
        for part, rows in self._blocks:
            right += target[part] @ rows
        values = self._inverse @ right
        left = np.zeros(n)
        for part, rows in self._blocks:  # refined: as accurate as by SVD
            left += (target[part] - rows @ values) @ rows
        values += self._inverse @ left
        typical = root * np.sqrt(np.mean(odd**2))  # for rows that the fit reproduces whatever
        variance = np.zeros(n)
        for part, rows in self._blocks:
            fitted = target[part] - rows @ values
            moved, slack = self._kept or self._moved(rows)
            residual = np.where(slack > 1e-6, fitted / np.maximum(slack, 1e-6), typical[part])
            variance += (residual**2 * remaining[part]) @ moved
        values += mean + (2 * odd_full - n * mean - values.sum()) / n  # rounding only
        variance += self._unseen * 4 * np.mean(odd**2)
        rank = self._rank
        note = f"only {rank} of {n - 1} directions are determined" if rank < n - 1 else ""
        found = Estimate(unit * values, unit * np.sqrt(variance), method, len(pairs.odd), note)
        every = not remaining.any() and len(pairs.odd) + 1 >= 2 ** (n - 1)
        return with_unseen(found, len(pairs.odd), every=every)


def positive_inverse(matrix: FloatArray, *, overwrite: bool = False) -> FloatArray | None:
    """The inverse of a symmetric matrix, or None where it is not clearly positive definite.

    overwrite : in the memory of the matrix, which is lost
    """
    size = np.trace(matrix)
    factor, info = lapack.dpotrf(matrix.T, lower=1, overwrite_a=overwrite)
    if info or lapack.dpocon(factor, size, uplo="L")[0] < CONDITION:
        return None
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), 256):  # the upper half, without a second matrix
        stop = start + 256
        square = inverse[start:stop, start:stop]
        square += np.tril(square, -1).T
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
    return np.asarray(inverse)


def _inverse(square: FloatArray) -> tuple[FloatArray, int, FloatArray]:
    """An inverse of a normal matrix with square @ 1 = 0, its rank, and by feature the share of what
    no row determines, (n,). Overwrites the matrix.

    By Cholesky where the rank is n - 1, with the direction 1 filled in, which is orthogonal to all
    rows; that takes a fifth of the time and memory of the eigenvalues, which are for the rest.
    """
    n = len(square)
    fill = np.trace(square) / n
    square += fill / n
    found = positive_inverse(square)
    if found is not None:
        return found, n - 1, np.zeros(n)
    square -= fill / n
    square, directions = np.linalg.eigh(square)
    seen = square > RANK * square[-1]
    rank, unseen = int(seen.sum()), np.zeros(n)
    if rank < n - 1:
        unseen = np.maximum(1 - 1 / n - np.sum(directions[:, seen] ** 2, axis=1), 0)
    inverse = (directions[:, seen] / square[seen]) @ directions[:, seen].T
    return inverse, rank, unseen


@dataclass(frozen=True, eq=False)
class LeverageDesign:
    """Leverage SHAP on one stratified design (Musco and Witter, ICLR 2025, arXiv 2410.01917).

    masks : (N, n) bool, of the smaller members; counts : pairs per stratum
    """

    masks: BoolArray
    counts: tuple[int, ...]

    @cached_property
    def system(self) -> System:
        sizes = np.count_nonzero(self.masks, axis=1)
        return System(self.masks, leverage_weights(self.masks.shape[1], sizes, self.counts))

    @cached_property
    def remaining(self) -> FloatArray:
        """Share of each row's stratum that was not evaluated, (N,), in [0, 1]."""
        caps = stratum_caps(self.masks.shape[1])
        left = np.array([1.0 - k / cap for k, cap in zip(self.counts, caps, strict=True)])
        by_row: FloatArray = left[np.count_nonzero(self.masks, axis=1) - 1]
        return by_row

    def fit(self, pairs: Pairs) -> Estimate:
        """To pairs of this design."""
        return replace(self.system.solve(pairs, self.remaining, "leverage"), counts=self.counts)


@kept(2**19, lambda n, counts: n * n + 2 * held(sum(counts), n))
def leverage_design(n: int, counts: tuple[int, ...]) -> LeverageDesign:
    """That of the base design of those counts, which all games share."""
    return LeverageDesign(base_masks(n, counts), counts)


def leverage_weights(n: int, sizes: NDArray[np.int64], counts: Sequence[int]) -> FloatArray:
    """Of pairs of those sizes: the kernel's weight over the inclusion probability k_s / N_s."""
    weights: FloatArray = size_mass(n)[sizes - 1] / np.array(counts)[sizes - 1]
    return weights


def leverage_fit(pairs: Pairs) -> Estimate:
    """Leverage SHAP on pairs of any stratified design."""
    return LeverageDesign(pairs.masks, tuple(pairs.counts)).fit(pairs)


@dataclass(frozen=True)
class KernelDesign:
    """Pairs of KernelSHAP: masks (N, n), their weights (N,), and whether each was drawn (N,)."""

    masks: BoolArray
    weights: FloatArray
    drawn: BoolArray


def kernel_fit(pairs: Pairs, design: KernelDesign) -> Estimate:
    """KernelSHAP without feature selection (Lundberg and Lee, NeurIPS 2017, theorem 2)."""
    remaining = design.drawn.astype(np.float64)
    return System(design.masks, design.weights).solve(pairs, remaining, "kernel")


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
