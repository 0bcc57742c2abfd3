"""Pairs placed where they tell most: the design of the odd Gaussian process.

A process knows before any evaluation by how much a pair would lower the variance of the Shapley
values, so pairs are taken one by one, each the best of a random pool: greedy A-optimal design for a
linear functional. With 2048 candidates the error is about 15 % below that of three candidates a pair at 5
evaluations a feature, and 5 to 10 % at 10 (games of the benchmarks); 4096 give no more. One set of prior
parameters stands for those of the game, which nobody knows yet; half of them or three times as much costs
5 % at most. To that prior all features are alike, so a few designs serve all games, under the names of
their seeds (`design.py`).

The prior alone would take nearly all pairs of half the features each, and be blind where a game turns on
how many are kept, as votes do. So a size gets at least a quarter of its share of a stratified design, and
hardly more than twice that share.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaikit.shapley.design import allocate, base_design, list_stratum, stratum_caps, without
from xaikit.shapley.game import BoolArray, FloatArray
from xaikit.shapley.kept import kept
from xaikit.shapley.process.constants import FIXED
from xaikit.shapley.process.integrals import nugget_functional, smooth_functional
from xaikit.shapley.process.model import Parameters, smooth_kernel
from xaikit.shapley.threads import one_thread

__all__ = ["placed_design"]

MANY, FEW = FIXED.candidates
Rungs = tuple[tuple[int, float], ...]


def placed_design(n: int, rungs: Rungs, seed: int) -> BoolArray:
    """Masks of the smaller members, bool (n_pairs, n), read-only: all singletons, then the best of a
    pool.

    rungs : pairs and seconds of each design of a ladder; each begins with the one before, and the last
        is given. Pairs are at least n and capped at 2^(n-1) - 1. Seconds are those that the placing may
        take, nominally; less than it needs means fewer candidates, and then fewer placed pairs.
    seed : picks one of a few variants
    """
    return _placed(n, rungs, seed % FIXED.variants)


@kept(2**22, lambda n, rungs, _: n * rungs[-1][0])
def _placed(n: int, rungs: Rungs, variant: int) -> BoolArray:
    n_pairs, seconds = rungs[-1]
    n_pairs = min(n_pairs, sum(stratum_caps(n)))
    first = _placed(n, rungs[:-1], variant) if rungs[1:] else list_stratum(n, 1)
    placed = min(n_pairs, _most_placed(n, seconds))
    if len(first) < placed:
        many = n <= FIXED.candidates_features and seconds >= _seconds(n, placed, MANY)
        candidates = MANY if many else FEW
        pool, _ = base_design(n, candidates * 4 // 3, 0, border=False)
        pool = pool[np.random.default_rng([variant, 0, 5]).permutation(len(pool))[:candidates]]
        share = np.append(0, allocate(n, placed))
        first = _place(
            first,
            without(pool, first),
            placed,
            share // FIXED.size_least,
            FIXED.size_most * (share + 1),
        )
    if len(first) < n_pairs:
        rest = without(base_design(n, n_pairs, 0)[0], first)
        order = np.random.default_rng([variant, 0, 4]).permutation(len(rest))
        first = np.concatenate([first, rest[order[: n_pairs - len(first)]]])
    first.flags.writeable = False
    return first


def _most_placed(n: int, seconds: float = np.inf) -> int:
    """Pairs that are placed, in nominal seconds on one core; further ones are random, because each
    costs more time than the last."""
    most = FIXED.placed[n >= FIXED.many_features]
    return sum(_seconds(n, placed, FEW) <= seconds for placed in range(1, most + 1))


def _seconds(n: int, placed: int, candidates: int) -> float:
    """Nominal seconds to place so many pairs, on one core, within a factor of 2 for n = 9..60."""
    candidates = min(candidates, 2 ** min(n - 1, 32))
    return placed * (FIXED.pair_seconds + FIXED.candidate_seconds * candidates * (2 * n + placed))


@one_thread
def _place(
    first: BoolArray,
    pool: BoolArray,
    placed: int,
    least: NDArray[np.int64],
    most: NDArray[np.int64],
) -> BoolArray:
    """`first` and the best of the pool, (placed, n) at most.

    least, most : pairs of each size from 0 on, (n // 2 + 1,); the last ones taken make up what is short
    """
    masks = np.concatenate([first, pool])
    candidates = _Candidates(masks, min(placed, len(masks)) + 1)
    anchor = len(masks)
    candidates.condition(np.append(anchor, np.arange(len(first))))
    chosen, sizes = list(range(len(first))), np.append(masks.sum(axis=1), 0)
    taken = np.bincount(sizes[chosen], minlength=len(most))
    while candidates.left_to_choose:
        short = np.maximum(least - taken, 0).sum()
        room = least if short >= candidates.left_to_choose else most
        best = candidates.best((taken < room)[sizes])
        if best is None:
            break
        candidates.condition(np.array([best]))
        chosen.append(best)
        taken[sizes[best]] += 1
    placed_masks: BoolArray = masks[chosen]
    return placed_masks


class _Candidates:
    """What is left of the prior of some pairs and the anchor, the last row, given those chosen.

    With d the variance left of each candidate, and q its covariance left with each Shapley value, a
    pair lowers the sum of their variances by |q|^2 / d. q is never written out: it is what the prior
    says, less what the chosen pairs explain, and only |q|^2 is followed.
    """

    def __init__(self, masks: BoolArray, steps: int) -> None:
        n = masks.shape[1]
        self._signs = np.vstack([np.where(masks, 1.0, -1.0), np.ones(n)])
        rho = FIXED.relevance
        smooth = ((1 + rho) ** n - (1 - rho) ** n) / 2 - n * rho
        eta = FIXED.placed_nugget * smooth
        p = Parameters(np.full(n, rho), FIXED.linear_ratio * smooth, np.array([eta]))
        self._kernel = _by_agreement(p)
        self._nugget = np.append(np.full(len(masks), eta), FIXED.jitter * eta)
        prior = _functional(self._signs, p)
        prior[:-1] += eta * nugget_functional(self._signs[:-1])
        # by column, of each row: its prior with each Shapley value, then with each whitened choice
        self._known = np.empty((n + steps, len(self._signs)))
        self._known[:n] = prior.T
        self._weights = np.zeros((n + steps, n))  # of these in q
        self._weights[:n] = np.eye(n)
        self._end: int = n
        self._gain = np.einsum("ij,ij->i", prior, prior)  # |q|^2
        self._variance = self._kernel[n] + self._nugget
        self._free = np.ones(len(self._signs), dtype=bool)

    @property
    def left_to_choose(self) -> int:
        return len(self._known) - self._end

    def best(self, allowed: BoolArray) -> int | None:
        """The candidate that lowers the variances most, None where none is left."""
        gain = np.where(self._free & allowed, self._gain / self._variance, -np.inf)
        best = int(np.argmax(gain))
        return best if gain[best] > -np.inf else None

    def condition(self, chosen: NDArray[np.int64]) -> None:
        """Take what the chosen pairs tell out of the candidates' variances and covariances."""
        n, end, few = self._signs.shape[1], self._end, len(chosen)
        known = self._known[:end, chosen]
        left = known.T @ self._weights[:end]  # q of the chosen, (few, n)
        both = np.hstack([known, self._weights[:end] @ left.T])
        both[:n, :few] = 0  # the prior explains nothing
        explained = both.T @ self._known[:end]  # (2 few, M)
        agreements = self._signs[chosen] @ self._signs.T  # n, n - 2, ..., -n
        columns = self._kernel[((agreements + n) / 2).astype(np.intp)] - explained[:few]
        columns[np.arange(few), chosen] += self._nugget[chosen]
        whiten = np.linalg.inv(np.linalg.cholesky(columns[:, chosen]))
        columns, share = whiten @ columns, whiten @ left
        self._gain -= 2 * np.einsum("ij,ij->j", columns, whiten @ explained[few:])
        self._gain += np.einsum("ij,ij->j", columns, (share @ share.T) @ columns)
        self._variance -= np.einsum("ij,ij->j", columns, columns)
        np.maximum(self._variance, FIXED.least_variance * self._nugget[0], out=self._variance)
        self._known[end : end + few] = columns
        self._weights[end : end + few] = -share
        self._end, self._free[chosen] = end + few, False


def _by_agreement(p: Parameters) -> FloatArray:
    """Prior covariance of two pairs by the number of features on which they agree, (n + 1,)."""
    n = len(p.relevance)
    signs = np.where(np.tri(n + 1, n, -1, dtype=bool), 1.0, -1.0)  # row k keeps the first k
    return smooth_kernel(signs, np.ones((1, n)), p)[:, 0]


def _functional(signs: FloatArray, p: Parameters) -> FloatArray:
    """Prior covariance of each row with each Shapley value, (M, n), without the nugget.

    With one relevance for all features it depends on the row's size and the feature's sign alone.
    """
    n = signs.shape[1]
    some = np.where(np.tri(n + 1, n, -1, dtype=bool), 1.0, -1.0)
    by_size = (2 * p.linear / n) * some + smooth_functional(some, p.relevance)
    size = (signs > 0).sum(axis=1)
    kept, removed = by_size[size, 0][:, None], by_size[size, -1][:, None]
    return np.asarray(np.where(signs > 0, kept, removed), dtype=np.float64)
