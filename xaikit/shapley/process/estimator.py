"""Shapley values from few evaluations by a Gaussian process on the odd part of the game.

`odd_gp` fits the prior of `odd_model`, takes the posterior of `odd_posterior`, and widens its error
bars by how well it foretells pairs that are left out, because the model's own are too narrow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from xaikit.shapley.evidence import constant, with_unseen
from xaikit.shapley.game import FloatArray
from xaikit.shapley.process.model import (
    Observations,
    Parameters,
    add_nugget,
    fit_parameters,
    smooth_kernel,
)
from xaikit.shapley.process.pairs import Pairs
from xaikit.shapley.process.posterior import Posterior, condition, with_rest
from xaikit.shapley.regression import leverage_fit
from xaikit.shapley.result import INDICATIVE, TRUSTED, Estimate
from xaikit.shapley.threads import one_thread

__all__ = ["MAX_FEATURES", "MIN_PAIRS", "closed_form", "fitted_pairs", "most_pairs", "odd_gp"]

MIN_PAIRS = 3
MAX_FEATURES = 1000  # products of n factors up to 1.95 stay below 1e308
MAX_PAIRS = 2000  # pairs of one Cholesky factor
POLISHED = 1000  # most pairs whose likelihood moves the parameters once more
FIT = 3e-7  # nominal seconds of a fit, or of the move after it, by the square of its pairs
WARM_PAIRS = 64  # fewer pairs are fitted in a few ms, often to another mode than more pairs


@one_thread
def odd_gp(
    pairs: Pairs,
    seed: int,
    start: FloatArray | None = None,
    *,
    seconds: float = np.inf,
    memory: float = np.inf,
) -> Estimate:
    """Posterior mean of the Shapley values, (n,), with calibrated standard errors.

    seed : draws the pairs that the parameters are fitted to where there are more than 300 (200 from
    50 features on), the 1000 that move them once more, and the 2000 of the Gaussian process. Games
    that are constant or linear on the pairs are solved in closed form. When no covariance is
    positive definite, the estimate is paired leverage regression and says so.
    start : the `start` of an estimate on part of these pairs, from where the fit goes on.
    seconds : that the fit of the parameters may take, nominally, and that the process itself may
        take; less than they need means fewer pairs, at least 60 and 300.
    memory : bytes that matrices over pairs may take; less than they need means fewer pairs.
    """
    simple = closed_form(pairs)
    if simple is not None:
        return simple
    obs = Observations.of(pairs)
    order = np.random.default_rng([seed, 0, 1]).permutation(len(obs.stratum))
    most = MAX_PAIRS if seconds == np.inf else int(np.clip((seconds / 5e-8) ** 0.5, 300, MAX_PAIRS))
    most = min(most, most_pairs(memory))
    used, rest = np.sort(order[:most]), np.sort(order[most:])
    parameters = _fit(obs, order[: most_pairs(memory)], start, seconds)
    seen = obs.take(used)
    posterior = condition(seen, parameters)
    if posterior is None:
        return replace(leverage_fit(pairs), note="odd GP: no covariance was positive definite")
    values, variance = with_rest(obs, used, rest, posterior)
    values = obs.unit * values
    values += (2 * pairs.odd_full - values.sum()) / len(values)
    std = obs.unit * _kappa(pairs, seen, posterior) * np.sqrt(variance)
    note = INDICATIVE if len(pairs.odd) < TRUSTED * len(values) else ""
    counts = tuple(pairs.counts)
    start = _theta(parameters, obs) if len(pairs.odd) >= WARM_PAIRS else None
    return Estimate(values, std, "odd_gp", len(pairs.odd), note, counts=counts, start=start)


def closed_form(pairs: Pairs) -> Estimate | None:
    """Shapley values of a game that is constant or has a linear odd part on the pairs, else None."""
    return constant(pairs, "odd_gp") or _linear(pairs)


def _linear(pairs: Pairs) -> Estimate | None:
    """The closed form of a game whose odd part is linear on the pairs: every game of order 2, and below."""
    n_pairs, n = pairs.masks.shape
    if n_pairs < n + 2:
        return None
    signs = np.vstack([np.ones(n), pairs.signs])
    odd = np.append(pairs.odd_full, pairs.odd)
    unit = np.abs(odd).max() or 1.0  # squares of 1e-200 would vanish
    slope = np.zeros(n)
    for rows in (2 * n, n_pairs + 1):  # what is not linear is mostly seen on few rows
        some, target = signs[:rows], odd[:rows] / unit
        slope = np.linalg.lstsq(some, target, rcond=None)[0]
        if np.linalg.norm(target - some @ slope) > 1e-9 * np.linalg.norm(target):
            return None
    slope *= unit
    phi = 2 * slope + 2 * (pairs.odd_full - slope.sum()) / n
    found = Estimate(phi, np.zeros(n), "odd_gp", n_pairs, counts=tuple(pairs.counts))
    return with_unseen(found, n_pairs, every=n_pairs + 1 >= 2 ** (n - 1))


def most_pairs(memory: float) -> int:
    """Pairs over which five matrices fit into that many bytes."""
    return int(max(min(memory / 40, 2**62) ** 0.5, MIN_PAIRS))


def fitted_pairs(n: int, seconds: float = np.inf) -> int:
    """Most pairs that the parameters are fitted to, in nominal seconds on one core."""
    most = 300 if n < 50 else 200
    return most if seconds == np.inf else int(np.clip((seconds / FIT) ** 0.5, 60, most))


def _fit(
    obs: Observations, order: NDArray[np.int64], start: FloatArray | None, seconds: float
) -> Parameters:
    """Parameters from a subset of the pairs, moved by the likelihood of more if there is time."""
    n_pairs, n = len(order), obs.signs.shape[1]
    subset = min(n_pairs, fitted_pairs(n, seconds))
    polished = min(n_pairs, POLISHED) if n_pairs > fitted_pairs(n) else 0
    subset -= (subset + 1) % 128 == 0  # caches are slow on rows of such a length
    few = obs if subset == len(obs.stratum) else obs.take(np.sort(order[:subset]))
    p = Parameters.of(fit_parameters(few, start), n)
    if polished and FIT * (subset**2 + polished**2) <= seconds:
        p = _polish(p, obs.take(np.sort(order[:polished])))
    return p


def _theta(p: Parameters, obs: Observations) -> FloatArray:
    """The parameters' logs, (n + 1 + n // 2,), with the mean nugget where a size has no pair."""
    logs = np.log(p.nugget)
    nugget = np.full(len(p.relevance) // 2, logs.mean())
    nugget[obs.present - 1] = logs
    return np.concatenate([np.log(p.relevance), [np.log(p.linear)], nugget])


def _polish(p: Parameters, obs: Observations) -> Parameters:
    """Scale all relevances, then all nuggets, while the likelihood of the odd part grows."""
    smooth = smooth_kernel(obs.signs, obs.signs, p)
    best = first = _likelihood(smooth, p, obs)
    for factor in (np.exp(0.2), np.exp(-0.2)):
        for _ in range(3 if best == first else 0):  # what helped upwards cannot help downwards
            moved = replace(p, relevance=np.minimum(p.relevance * factor, 0.95))
            kernel = smooth_kernel(obs.signs, obs.signs, moved)
            value = _likelihood(kernel, moved, obs)
            if value >= best:
                del kernel  # before the next one is made
                break
            p, smooth, best = moved, kernel, value
    first = best
    for factor in (np.e, 1 / np.e):
        for _ in range(3 if best == first else 0):
            moved = replace(p, nugget=p.nugget * factor)
            value = _likelihood(smooth, moved, obs)
            if value >= best:
                break
            p, best = moved, value
    return p


def _likelihood(smooth: FloatArray, p: Parameters, obs: Observations) -> float:
    """Minus the log likelihood of the odd part alone, variance profiled out."""
    kernel = add_nugget(smooth.copy(), obs, p)
    factor, info = lapack.dpotrf(kernel.T, lower=1, overwrite_a=1)
    if info != 0:
        return np.inf
    white, _ = lapack.dtrtrs(factor, obs.odd, lower=1)
    half_log_det = float(np.log(np.diagonal(factor)).sum())
    return len(white) / 2 * float(np.log(white @ white / len(white))) + half_log_det


def _kappa(pairs: Pairs, obs: Observations, posterior: Posterior) -> float:
    """Width of the error bars over the process's own, for 95 % coverage on average over features.

    The worse the process foretells pairs that are left out, the wider; and wider where pairs are few.
    Set with the reference games, at 5 evaluations a feature and more, and the small networks of
    docs/evidence.md in view.
    """
    missed = float(np.linalg.norm(posterior.left_out) / (np.linalg.norm(obs.odd[:-1]) + 1e-300))
    n_pairs, n = pairs.masks.shape
    return float((1.12 + 1.16 * min(missed, 1.0)) * max(1.0, TRUSTED * n / n_pairs))
