"""Shapley values from few evaluations by a Gaussian process on the odd part of the game.

`odd_gp` fits the prior of `odd_model`, takes the posterior of `odd_posterior`, and widens its error
bars by how well it foretells pairs that are left out, because the model's own are too narrow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from xaikit.shapley.design import base_design
from xaikit.shapley.evidence import constant, with_unseen
from xaikit.shapley.game import FloatArray, Game
from xaikit.shapley.pairs import Pairs, evaluate_pairs
from xaikit.shapley.process.constants import FIXED
from xaikit.shapley.process.model import (
    Observations,
    Parameters,
    add_nugget,
    fit_parameters,
    smooth_kernel,
)
from xaikit.shapley.process.placement import placed_design
from xaikit.shapley.process.posterior import Posterior, condition, with_rest
from xaikit.shapley.regression import leverage_fit
from xaikit.shapley.result import INDICATIVE, TRUSTED, Estimate
from xaikit.shapley.threads import one_thread

__all__ = ["closed_form", "fitted_pairs", "most_pairs", "odd_gp", "process_estimate"]


def process_estimate(
    game: Game,
    n_pairs: int,
    seed: int,
    before: Estimate | None = None,
    *,
    last: bool = True,
    seconds: float | None = None,
    memory: float = np.inf,
) -> Estimate:
    """Shapley values of a game from that many evaluated pairs, placed where they tell most.

    before : the estimate from fewer pairs, which this one goes on from.
    last : whether nothing follows if it has not converged. Otherwise pairs that no error bar is
    trusted on are solved in closed form or not at all.
    seconds : nominal, of one evaluation; placing and fitting take small shares of all of them.
    memory : bytes that matrices over pairs may take.
    """
    n, time = game.n_features, np.inf if seconds is None else seconds
    rungs, start = (before.rungs, before.start) if before else ((), None)
    if n_pairs < n:
        masks = base_design(n, n_pairs, seed)[0]
    else:
        rungs = (*rungs, (n_pairs, FIXED.design_share * time * (2 * n_pairs)))
        masks = placed_design(n, rungs, seed)
    pairs = evaluate_pairs(game, masks, distinct=True)
    if last or len(pairs.masks) >= TRUSTED * n:
        spare = FIXED.fit_share * time * (2 * len(pairs.masks))
        found = odd_gp(pairs, seed, start, seconds=spare, memory=memory)
    else:
        unknown = Estimate(np.zeros(n), np.full(n, np.inf), "odd_gp", len(pairs.masks))
        found = closed_form(pairs) or unknown
    return replace(found, rungs=rungs)


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
    most = min(_process_pairs(seconds), most_pairs(memory))
    used, rest = np.sort(order[:most]), np.sort(order[most:])
    parameters = _fit(obs, order[: most_pairs(memory)], start, seconds)
    seen = obs.take(used)
    posterior = condition(seen, parameters)
    if posterior is None:
        return replace(leverage_fit(pairs), reason="odd_gp: no covariance was positive definite")
    values, variance = with_rest(obs, used, rest, posterior)
    values = obs.unit * values
    values += (2 * pairs.odd_full - values.sum()) / len(values)
    std = obs.unit * _kappa(pairs, seen, posterior) * np.sqrt(variance)
    note = INDICATIVE if len(pairs.odd) < TRUSTED * len(values) else ""
    counts = tuple(pairs.counts)
    start = _theta(parameters, obs) if len(pairs.odd) >= FIXED.warm_pairs else None
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
        if np.linalg.norm(target - some @ slope) > FIXED.linear_gap * np.linalg.norm(target):
            return None
    slope *= unit
    phi = 2 * slope + 2 * (pairs.odd_full - slope.sum()) / n
    found = Estimate(phi, np.zeros(n), "odd_gp", n_pairs, counts=tuple(pairs.counts))
    return with_unseen(found, n_pairs, every=n_pairs + 1 >= 2 ** (n - 1))


def most_pairs(memory: float) -> int:
    """Pairs over which five matrices fit into that many bytes."""
    return int(max(min(memory / 40, 2**62) ** 0.5, FIXED.min_pairs))


def _process_pairs(seconds: float) -> int:
    """Most pairs that the process is conditioned on, in nominal seconds on one core."""
    if seconds == np.inf:
        return FIXED.max_pairs
    affordable = (seconds / FIXED.process_seconds) ** 0.5
    return int(np.clip(affordable, FIXED.min_process, FIXED.max_pairs))


def fitted_pairs(n: int, seconds: float = np.inf) -> int:
    """Most pairs that the parameters are fitted to, in nominal seconds on one core."""
    most = FIXED.fitted[n >= FIXED.many_features]
    if seconds == np.inf:
        return most
    return int(np.clip((seconds / FIXED.fit_seconds) ** 0.5, FIXED.min_fitted, most))


def _fit(
    obs: Observations, order: NDArray[np.int64], start: FloatArray | None, seconds: float
) -> Parameters:
    """Parameters from a subset of the pairs, moved by the likelihood of more if there is time."""
    n_pairs, n = len(order), obs.signs.shape[1]
    subset = min(n_pairs, fitted_pairs(n, seconds))
    polished = min(n_pairs, FIXED.polished) if n_pairs > fitted_pairs(n) else 0
    subset -= (subset + 1) % FIXED.slow_rows == 0  # caches are slow on rows of such a length
    few = obs if subset == len(obs.stratum) else obs.take(np.sort(order[:subset]))
    p = Parameters.of(fit_parameters(few, start), n)
    if polished and FIXED.fit_seconds * (subset**2 + polished**2) <= seconds:
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
    for factor in (np.exp(FIXED.polish_relevance), np.exp(-FIXED.polish_relevance)):
        for _ in range(
            FIXED.polish_moves if best == first else 0
        ):  # what helped upwards cannot help downwards
            moved = replace(p, relevance=np.minimum(p.relevance * factor, FIXED.relevance_most))
            kernel = smooth_kernel(obs.signs, obs.signs, moved)
            value = _likelihood(kernel, moved, obs)
            if value >= best:
                del kernel  # before the next one is made
                break
            p, smooth, best = moved, kernel, value
    first = best
    for factor in (np.exp(FIXED.polish_nugget), np.exp(-FIXED.polish_nugget)):
        for _ in range(FIXED.polish_moves if best == first else 0):
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
    return float(
        (FIXED.width + FIXED.width_missed * min(missed, 1.0)) * max(1.0, TRUSTED * n / n_pairs)
    )
