"""Intervals and tests over samples, on plain arrays.

Everything here is deterministic: the bootstrap draws from a generator of its own with a fixed seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Bools, Floats

__all__ = [
    "FEWEST",
    "Friedman",
    "Paired",
    "area",
    "average_precision",
    "bootstrap_interval",
    "friedman_nemenyi",
    "holm",
    "is_constant",
    "median_interval",
    "paired_test",
    "pearson",
    "ranks",
    "spearman",
    "wilson",
]

FEWEST = 10  # below this many samples no interval is given: show the cases instead


@dataclass(frozen=True)
class Paired:
    """What differences over the same samples say.

    mean : mean difference, with its 95 % interval (None below 10 samples)
    p : two-sided Wilcoxon signed-rank test of no difference
    superiority : share of samples with a positive difference, ties counted half
    """

    n: int
    mean: float
    interval: tuple[float, float] | None
    p: float
    superiority: float


@dataclass(frozen=True)
class Friedman:
    """Whether k methods differ over N samples, and by how much mean ranks must differ.

    mean_ranks : (k,), 1 is the best; two methods differ when theirs lie more than
    critical_difference apart (Nemenyi, 5 %)
    """

    statistic: float
    p: float
    mean_ranks: Floats
    critical_difference: float


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, n: int = 10_000, seed: int = 0
) -> tuple[float, float] | None:
    """Where the mean of such values lies, with the given confidence; None below 10 values.

    Give differences for paired use. Bias-corrected and accelerated (BCa; Efron 1987, eq. 6.3-6.6).
    """
    x = _checked(values)
    if len(x) < FEWEST:
        return None
    if is_constant(x):
        return float(x[0]), float(x[0])
    means = _resample(len(x), n, seed) @ x / len(x)
    below = ((means < x.mean()).mean() + (means <= x.mean()).mean()) / 2
    bias = ndtri(np.clip(below, 0.5 / n, 1 - 0.5 / n))
    spread = x - x.mean()
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)  # jackknife of a mean
    z = bias + ndtri([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(means, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def median_interval(values: ArrayLike, *, level: float = 0.95) -> tuple[float, float] | None:
    """Where the median of such values lies, from order statistics (exact); None below 10 values."""
    x = np.sort(_checked(values))
    if len(x) < FEWEST:
        return None
    rank = int(scipy.stats.binom.ppf((1 - level) / 2, len(x), 0.5))
    rank -= scipy.stats.binom.cdf(rank, len(x), 0.5) > (1 - level) / 2  # never below the level
    return float(x[max(rank, 0)]), float(x[len(x) - 1 - max(rank, 0)])


def wilson(correct: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Where a share lies that was seen `correct` times in `n` (Wilson 1927)."""
    if not 0 <= correct <= n or n == 0:
        raise InvalidInput(f"{correct} of {n} is no share; give 0 <= correct <= n and n >= 1.")
    z = float(ndtri((1 + level) / 2))
    share, scale = correct / n, 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def holm(p: ArrayLike) -> Floats:
    """p values (m,) adjusted so that one false alarm in all m tests stays below the level (Holm 1979)."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def paired_test(differences: ArrayLike) -> Paired:
    """Whether differences over the same samples are centred on 0.

    Zeros are ranked and their rank sum is split (zsplit). Exact up to 100 differences, ties
    included: the law of the rank sum given the ranks; beyond that SciPy's normal approximation.
    """
    d = _checked(differences)
    if len(d) <= 100:
        p = _signed_rank_p(d)
    else:
        p = float(scipy.stats.wilcoxon(d, zero_method="zsplit").pvalue) if d.any() else 1.0
    wins = float((d > 0).mean() + (d == 0).mean() / 2)
    return Paired(len(d), float(d.mean()), bootstrap_interval(d), p, wins)


def friedman_nemenyi(table: ArrayLike, *, direction: str = "higher") -> Friedman:
    """Friedman test and Nemenyi's critical difference of a table (N samples, k methods), k >= 3.

    CD = q sqrt(k (k + 1) / (6 N)), q from the studentized range (Demsar 2006, section 3.2.2).
    """
    scores = np.asarray(table, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] < 3 or len(scores) < 2:
        raise InvalidInput(
            f"a table of shape {scores.shape} cannot be ranked; give 2 or more samples by 3 or "
            "more methods, or use paired_test for two methods."
        )
    n, k = scores.shape
    ranks = scipy.stats.rankdata(-scores if direction == "higher" else scores, axis=1)
    q = float(scipy.stats.studentized_range.ppf(0.95, k, np.inf)) / math.sqrt(2)
    cd = q * math.sqrt(k * (k + 1) / (6 * n))
    if (np.ptp(scores, axis=1) == 0).all():
        return Friedman(0.0, 1.0, ranks.mean(axis=0), cd)
    found = scipy.stats.friedmanchisquare(*scores.T)
    return Friedman(float(found.statistic), float(found.pvalue), ranks.mean(axis=0), cd)


def is_constant(values: ArrayLike) -> Any:
    """Whether values carry no order: fewer than two of them, or all equal up to rounding.

    values : (..., n); a bool for one row, otherwise (...) of them
    """
    x = np.asarray(values, dtype=np.float64)
    if x.shape[-1] < 2:
        found = np.ones(x.shape[:-1], dtype=bool)
    else:
        found = np.ptp(x, axis=-1) <= 1e-12 * np.abs(x).max(axis=-1)
    return bool(found) if x.ndim == 1 else found


def pearson(a: ArrayLike, b: ArrayLike) -> Any:
    """Linear correlation, -1 to 1; 0 when either side is constant.

    a, b : (..., n); a float for one row each, otherwise (...) of them
    """
    x, y = (np.asarray(v, np.float64) for v in (a, b))
    known = np.logical_not(is_constant(x) | is_constant(y))
    x, y = (v - v.mean(axis=-1, keepdims=True) for v in (x, y))
    size = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    size = np.where(known, size, 1.0)
    found = np.where(known, np.clip((x * y).sum(axis=-1) / size, -1.0, 1.0), 0.0)
    return float(found) if found.ndim == 0 else found


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Rank correlation, -1 to 1, ties at their mean rank; 0 when either side is constant."""
    return 0.0 if is_constant(a) or is_constant(b) else float(pearson(ranks(a), ranks(b)))


def ranks(values: ArrayLike) -> Floats:
    """(..., n) ranks from 1 within each row, ties at their mean rank."""
    x = np.asarray(values)
    n, at = x.shape[-1], np.arange(x.shape[-1])
    order = x.argsort(axis=-1, kind="stable")
    ordered = np.take_along_axis(x, order, axis=-1)
    edge = np.ones((*x.shape[:-1], n + 1), dtype=bool)  # between one value and another
    edge[..., 1:-1] = ordered[..., 1:] != ordered[..., :-1]
    first = np.maximum.accumulate(np.where(edge[..., :-1], at, 0), axis=-1)
    last = np.minimum.accumulate(np.where(edge[..., 1:], at, n)[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty(x.shape)
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=-1)
    return found


def area(curve: Floats) -> Any:
    """Area under a curve (..., p, 2) of x and y, by trapezoids."""
    found = np.trapezoid(curve[..., 1], curve[..., 0], axis=-1)
    return float(found) if np.ndim(found) == 0 else found


def average_precision(scores: ArrayLike, truth: Bools) -> float:
    """Area under precision over recall in steps, equal scores taken together; NaN without positives."""
    s = np.asarray(scores, dtype=np.float64).ravel()
    t = np.asarray(truth, dtype=bool).ravel()
    if not t.any():
        return float("nan")
    order = np.argsort(-s, kind="stable")
    last = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)  # end of each group of ties
    hits = np.cumsum(t[order])[last]
    recall = hits / t.sum()
    return float((np.diff(recall, prepend=0.0) * hits / (last + 1)).sum())


@lru_cache(maxsize=4)
def _resample(size: int, n: int, seed: int) -> scipy.sparse.csr_array:
    """(n, size) how often each value is drawn in each resample; the same for every method."""
    draws = np.random.default_rng(seed).integers(size, size=n * size, dtype=np.int32)
    return scipy.sparse.csr_array(
        (np.ones(n * size), draws, np.arange(0, n * size + 1, size)), (n, size)
    )


def _signed_rank_p(d: Floats) -> float:
    """Two-sided p of Wilcoxon's signed rank sum, by convolution over its ranks."""
    twice = np.rint(2 * ranks(np.abs(d))).astype(np.int64)  # ties have half ranks
    moving, up = twice[d != 0], twice[d > 0].sum()
    law = np.ones(1)  # law[w]: probability that the positive ranks sum to w / 2
    for rank in moving:
        law = np.concatenate([law, np.zeros(rank)]) / 2 + np.concatenate([np.zeros(rank), law]) / 2
    distance = np.abs(2 * np.arange(len(law)) - moving.sum())
    return float(min(1.0, law[distance >= abs(2 * up - moving.sum())].sum()))


def _checked(values: ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise InvalidInput(
            f"statistics need one or more finite numbers in one row; got shape {x.shape}"
            f"{' with NaN or infinity' if x.size else ''}; drop what was not measured."
        )
    return x
