"""Shapley values of the odd Gaussian process given evaluated pairs, and their error variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from xaikit.shapley.design import stratum_caps
from xaikit.shapley.game import FloatArray
from xaikit.shapley.pairs import stratum_weights
from xaikit.shapley.process.constants import FIXED
from xaikit.shapley.process.integrals import prior_variance, shapley_functional
from xaikit.shapley.process.model import Observations, Parameters, odd_kernel, smooth_kernel

__all__ = ["Posterior", "condition", "with_rest"]

_ROWS = 512  # pairs foretold at once


@dataclass(frozen=True)
class Posterior:
    """The process given the pairs, in scaled units.

    values : (n,) posterior mean of the Shapley values, not yet re-centred to efficiency.
    variance : (n,) their posterior variance, which alone is too small.
    left_out : (N,) leave-one-pair-out residuals. weights : (N + 1,) K^-1 g.
    """

    values: FloatArray
    variance: FloatArray
    left_out: FloatArray
    weights: FloatArray
    parameters: Parameters


def condition(obs: Observations, parameters: Parameters) -> Posterior | None:
    """Posterior mean P' K^-1 g and variance s2 (V - P' K^-1 P), s2 = g' K^-1 g / N.

    None where the covariance is not positive definite, even with a million times the nugget.
    """
    p, factor = _factor(obs, parameters)
    if factor is None:
        return None
    functional = shapley_functional(obs, p)
    inverse_factor, _ = lapack.dtrtri(factor, lower=1)
    white, _ = lapack.dtrtrs(factor, obs.odd, lower=1)
    weights, _ = lapack.dtrtrs(factor, white, lower=1, trans=1)
    explained = np.sum((inverse_factor @ functional) ** 2, axis=0)
    prior = prior_variance(len(p.relevance), p, _nugget_by_size(obs, p))
    scale = float(white @ white) / len(white)
    return Posterior(
        values=functional.T @ weights,
        variance=scale * np.maximum(prior - explained, 0),
        left_out=(weights / np.sum(inverse_factor**2, axis=0))[:-1],
        weights=weights,
        parameters=p,
    )


def _factor(obs: Observations, p: Parameters) -> tuple[Parameters, FloatArray | None]:
    """Cholesky factor of the odd kernel, with ten times the nugget as often as it takes."""
    for retry in range(FIXED.retries + 1):
        tried = Parameters(p.relevance, p.linear, p.nugget * 10.0**retry)
        factor, info = lapack.dpotrf(odd_kernel(obs, tried).T, lower=1, overwrite_a=1)
        if info == 0:
            return tried, factor
    return p, None


def with_rest(
    obs: Observations, used: NDArray[np.int64], rest: NDArray[np.int64], posterior: Posterior
) -> tuple[FloatArray, FloatArray]:
    """Shapley values and their error variance, both (n,), from all pairs, in scaled units.

    used, rest : rows of the pairs that the process was and was not conditioned on. What it misses
    of the rest, r_j, is added as a stratified mean, sum_s N_s / k_s sum_j r_j c_j, in which the
    used pairs have residual 0. It lies between the plain process (no rest) and the difference
    estimator (Cochran 1977, section 7.7), which is the better when hardly anything is used; the
    variance goes from that of the one to that of the other.
    """
    if not rest.size:
        return posterior.values, posterior.variance
    signs, counts = obs.signs[:-1], np.bincount(obs.stratum)
    residual = np.zeros(len(signs))
    residual[used] = posterior.left_out
    known = obs.signs[np.append(used, len(signs))]
    for start in range(0, len(rest), _ROWS):
        some = rest[start : start + _ROWS]
        guess = smooth_kernel(signs[some], known, posterior.parameters) @ posterior.weights
        residual[some] = obs.odd[some] - guess
    per_pair = residual[rest] / counts[obs.stratum[rest]]
    share = rest.size / len(signs)
    variance = (1 - share) ** 2 * posterior.variance + share * _design_variance(obs, residual)
    return posterior.values + per_pair @ stratum_weights(signs[rest]), variance


def _design_variance(obs: Observations, residual: FloatArray) -> FloatArray:
    """Sampling variance of the strata's residual totals, (n,), as in stratified sampling.

    sum_s N_s^2 (1 - f_s) / k_s mean_j (e_j c_ji)^2, f_s = k_s / N_s, with residuals e_j of pairs
    left out and Shapley weights c_ji; `stratum_weights` holds N_s c_ji.
    """
    signs = obs.signs[:-1]
    size = (signs > 0).sum(axis=1)
    counts, caps = np.bincount(size), (0, *stratum_caps(signs.shape[1]))
    unseen = np.array([1 - k / max(cap, 1) for k, cap in zip(counts.tolist(), caps, strict=False)])
    weight = unseen[size] / counts[size] ** 2
    return np.asarray((weight * residual**2) @ stratum_weights(signs) ** 2, dtype=np.float64)


def _nugget_by_size(obs: Observations, p: Parameters) -> FloatArray:
    """eta of every stratum, (n // 2,); the mean where the stratum has no pair."""
    n = obs.signs.shape[1]
    by_size = np.full(n // 2, p.nugget.mean())
    size = (obs.signs[:-1] > 0).sum(axis=1)
    by_size[size - 1] = p.nugget[obs.stratum]
    return by_size
