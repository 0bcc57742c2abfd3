"""Pairs placed where they tell most: the design of the odd Gaussian process.

A process knows before any evaluation by how much a pair would lower the variance of the Shapley
values, so pairs are taken one by one, each the best of a random pool: greedy A-optimal design for a
linear functional. Where time is short they are taken four at a time, which is three times as fast
and gives a mean squared error 4 to 9 % larger on the reference games. One set of prior parameters
stands for those of the game, which nobody knows yet; it was set once and not tuned. To that prior
all features are alike, so a few designs serve all games, under the names of their seeds (`design.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaikit.estimators.design import base_design, list_stratum, stratum_caps, without
from xaikit.estimators.game import BoolArray, FloatArray
from xaikit.estimators.kept import kept
from xaikit.estimators.odd_integrals import nugget_functional, smooth_functional
from xaikit.estimators.odd_model import Parameters, smooth_kernel
from xaikit.estimators.threads import one_thread

__all__ = ["most_placed", "placed_design"]

RELEVANCE, LINEAR_RATIO, NUGGET_RATIO = 0.2, 20.0, 0.1  # linear and nugget over the smooth part
POOL = 3  # candidates per pair
VARIANTS = 8  # of a design, from different pools, lest one's luck decide how error bars hold
AT_ONCE = 4  # pairs taken at once where time is short
Rungs = tuple[tuple[int, float], ...]
ONE_BY_ONE, TOGETHER = 2e-4, 3e-5  # nominal seconds a pair that each way may take


def placed_design(n: int, rungs: Rungs, seed: int) -> BoolArray:
    """Masks of the smaller members, bool (n_pairs, n), read-only: all singletons, then the best of a
    pool.

    rungs : pairs and seconds of each design of a ladder; each begins with the one before, and the last
        is given. Pairs are at least n and capped at 2^(n-1) - 1. Seconds are those that the placing may
        take, nominally; less than it needs means four pairs at a time, and then fewer placed pairs.
    seed : picks one of a few variants
    """
    return _placed(n, rungs, seed % VARIANTS)


@kept(2**22, lambda n, rungs, _: n * rungs[-1][0])
def _placed(n: int, rungs: Rungs, variant: int) -> BoolArray:
    n_pairs, seconds = rungs[-1]
    n_pairs = min(n_pairs, sum(stratum_caps(n)))
    first = _placed(n, rungs[:-1], variant) if rungs[1:] else list_stratum(n, 1)
    placed = min(n_pairs, most_placed(n, seconds))
    if len(first) < placed:
        pool, _ = base_design(n, (POOL + 1) * placed, 0, border=False)
        pool = pool[np.random.default_rng([variant, 0, 5]).permutation(len(pool))[: POOL * placed]]
        at_once = 1 if seconds >= ONE_BY_ONE * placed else AT_ONCE
        first = _place(first, without(pool, first), placed, at_once)
    if len(first) < n_pairs:
        rest = without(base_design(n, n_pairs, 0)[0], first)
        order = np.random.default_rng([variant, 0, 4]).permutation(len(rest))
        first = np.concatenate([first, rest[order[: n_pairs - len(first)]]])
    first.flags.writeable = False
    return first


def most_placed(n: int, seconds: float = np.inf) -> int:
    """Pairs that are placed, in nominal seconds on one core; further ones are random, because each
    costs more time than the last."""
    most = 300 if n < 50 else 200
    return most if seconds == np.inf else int(min(most, seconds / TOGETHER))


@one_thread
def _place(first: BoolArray, pool: BoolArray, placed: int, at_once: int) -> BoolArray:
    """`first` and the best of the pool, (placed, n) at most."""
    masks = np.concatenate([first, pool])
    candidates = _Candidates(masks, min(placed, len(masks)) + 1)
    anchor = len(masks)
    chosen = [np.append(anchor, np.arange(len(first)))]
    candidates.condition(chosen[0])
    while candidates.left_to_choose:
        chosen.append(candidates.best(at_once))
        candidates.condition(chosen[-1])
    placed_masks: BoolArray = masks[np.concatenate(chosen)[1:]]
    return placed_masks


class _Candidates:
    """What is left of the prior of some pairs and the anchor, the last row, given those chosen.

    With d the variance left of each candidate, and q (M, n) its covariance left with each Shapley
    value, a pair lowers the sum of their variances by |q|^2 / d.
    """

    def __init__(self, masks: BoolArray, steps: int) -> None:
        n = masks.shape[1]
        self._signs = np.vstack([np.where(masks, 1.0, -1.0), np.ones(n)])
        self._factor = np.zeros((len(self._signs), steps))
        self._known = 0
        self._free = np.ones(len(self._signs), dtype=bool)
        smooth = ((1 + RELEVANCE) ** n - (1 - RELEVANCE) ** n) / 2 - n * RELEVANCE
        eta = NUGGET_RATIO * smooth
        p = Parameters(np.full(n, RELEVANCE), LINEAR_RATIO * smooth, np.array([eta]))
        self._kernel = _by_agreement(p)
        self._nugget = np.append(np.full(len(masks), eta), 1e-8 * eta)
        self._left = _functional(self._signs, p)
        self._left[:-1] += eta * nugget_functional(self._signs[:-1])
        self._variance = self._kernel[n] + self._nugget

    @property
    def left_to_choose(self) -> int:
        return self._factor.shape[1] - self._known

    def best(self, few: int) -> NDArray[np.int64]:
        """The few candidates that each lower the variances most."""
        gain = np.einsum("ij,ij->i", self._left, self._left) / self._variance
        gain[~self._free] = -1.0
        few = min(few, self.left_to_choose)
        return np.argpartition(gain, len(gain) - few)[len(gain) - few :]

    def condition(self, chosen: NDArray[np.int64]) -> None:
        """Take what the chosen pairs tell out of the candidates' variances and covariances."""
        now, then = self._known, self._known + len(chosen)
        agreements = self._signs @ self._signs[chosen].T  # n, n - 2, ..., -n
        columns = self._kernel[((agreements + len(self._kernel) - 1) / 2).astype(np.intp)]
        columns -= self._factor[:, :now] @ self._factor[chosen, :now].T
        columns[chosen, np.arange(len(chosen))] += self._nugget[chosen]
        whiten = np.linalg.inv(np.linalg.cholesky(columns[chosen]))
        columns = columns @ whiten.T
        self._left -= columns @ (whiten @ self._left[chosen])
        self._variance -= np.einsum("ij,ij->i", columns, columns)
        np.maximum(self._variance, 1e-9 * self._nugget[0], out=self._variance)
        self._factor[:, now:then] = columns
        self._known, self._free[chosen] = then, False


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
