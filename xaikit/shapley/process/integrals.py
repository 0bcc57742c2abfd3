"""Integrals of the odd Gaussian process: what its prior says about Shapley values.

Shapley values are linear in the game, phi_i = 2 sum over odd T with i of c_T / |T| in the parity
basis, so the posterior of a Gaussian process has Gaussian Shapley values with closed-form mean and
variance. 1 / |T| is an integral of a power, which makes each sum over 2^n terms one quadrature of a
product over features, a polynomial, for which n / 2 + 1 nodes are exact and fewer often enough.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.polynomial.legendre import leggauss

from xaikit.shapley.exact import shapley_weights
from xaikit.shapley.game import FloatArray
from xaikit.shapley.process.model import Observations, Parameters

__all__ = [
    "enough_nodes",
    "nugget_functional",
    "prior_variance",
    "shapley_functional",
    "smooth_functional",
]


def shapley_functional(obs: Observations, p: Parameters) -> FloatArray:
    """Prior covariance of the odd part at each row with each Shapley value, P, (N + 1, n).

    The Shapley values of the posterior mean are P' K^-1 g. Linear + smooth + nugget; the anchor,
    the last row, has no nugget.
    """
    linear = 2 * p.linear * p.shares * obs.signs
    functional: FloatArray = linear + smooth_functional(obs.signs, p.relevance)
    functional[:-1] += p.nugget[obs.stratum][:, None] * nugget_functional(obs.signs[:-1])
    return functional


def smooth_functional(signs: FloatArray, relevance: FloatArray) -> FloatArray:
    """Covariance of the smooth part at each row with each Shapley value, (N, n).

    2 rho_i t_i (sum_k w_k prod_{j != i} (1 + x_k rho_j t_j) - 1), Gauss-Legendre nodes x_k on
    [-1, 1] with half weights, which cancels the even degrees; ceil((n + 1) / 2) nodes are exact.
    """
    n = signs.shape[1]
    scaled = relevance * signs
    total = np.zeros_like(signs)
    for node, weight in zip(*_nodes(enough_nodes(relevance, (n + 2) // 2)), strict=True):
        factors = 1 + node * scaled
        total += (weight / 2 * np.prod(factors, axis=1, keepdims=True)) / factors
    return np.asarray(2 * scaled * (total - 1), dtype=np.float64)


def nugget_functional(signs: FloatArray) -> FloatArray:
    """Shapley weight of each pair's own odd value, (N, n): 2 w(s - 1) if kept, else -2 w(s)."""
    weights = 2 * shapley_weights(signs.shape[1])
    size = (signs > 0).sum(axis=1)[:, None]
    return np.asarray(np.where(signs > 0, weights[size - 1], -weights[size]), dtype=np.float64)


def prior_variance(n: int, p: Parameters, nugget_by_size: FloatArray) -> FloatArray:
    """Prior variance of each Shapley value, (n,), in units of the common variance.

    nugget_by_size : (n // 2,) eta of every stratum s = 1..n//2, also of those without data.
    1 / |T|^2 is the integral of f(t s) over the unit square for f(u) = u^(|T| - 1), so the smooth
    part is a sum over products u = t_a t_b of Gauss-Legendre nodes on [0, 1], exact again.
    """
    nodes, weights = _nodes(enough_nodes(p.relevance, (n + 3) // 2))
    nodes, weights = (nodes + 1) / 2, weights / 2
    a, b = np.triu_indices(len(nodes))
    u = (nodes[a] * nodes[b])[:, None]  # t_a t_b = t_b t_a: half of the square is enough
    w = (weights[a] * weights[b] * np.where(a == b, 1, 2))[:, None]
    up, down = 1 + u * p.relevance, 1 - u * p.relevance
    products = np.prod(up, axis=1, keepdims=True) / up + np.prod(down, axis=1, keepdims=True) / down
    smooth = 4 * p.relevance * ((w * products).sum(axis=0) / 2 - 1)
    variance: FloatArray = smooth + 4 * p.linear * p.shares + _nugget_variance(n, nugget_by_size)
    return variance


def _nugget_variance(n: int, nugget_by_size: FloatArray) -> float:
    """Variance of a Shapley value under the nugget of all pairs, observed or not.

    sum_s eta_s / 2 C(n, s) (s / n (2 w(s-1))^2 + (n - s) / n (2 w(s))^2) over s = 1..n-1; with
    C(n, s) w(s-1) = 1 / s and C(n, s) w(s) = 1 / (n - s) no large number occurs.
    """
    s = np.arange(1, n)
    w = shapley_weights(n)
    eta = nugget_by_size[np.minimum(s, n - s) - 1] / 2
    return float(np.sum(eta * 4 / n * (w[s - 1] + w[s])))


def enough_nodes(relevance: FloatArray, exact: int) -> int:
    """Gauss-Legendre nodes for a product of n factors 1 + x rho_j, at most `exact` of them.

    The error of m nodes is below (64/15) M(R) R^(-2m) / (1 - R^-2) for every R > 1, M(R) the
    maximum on the Bernstein ellipse, at most prod(1 + rho_j (R + 1/R) / 2) (Trefethen 2013, theorem
    19.3). m is the smallest that brings it to 1e-16; for n = 300 a third of the exact number.
    """
    radius = np.array([1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])
    reach = (radius + 1 / radius) / 2
    log_maximum = np.log1p(relevance * reach[:, None]).sum(axis=1)
    needed = (log_maximum + 39) / (2 * np.log(radius))
    return min(exact, int(np.ceil(needed.min())))


@functools.cache
def _nodes(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on [-1, 1], exact for polynomials of degree < 2 count."""
    nodes, weights = leggauss(count)
    return nodes, weights
