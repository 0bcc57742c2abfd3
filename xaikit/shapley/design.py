"""Which coalitions to evaluate: complementary pairs, stratified by size, without replacement.

Only half the difference of a pair, (v(S) - v(not S)) / 2, matters for Shapley values, so every
design here is a set of pairs and each pair is named by its smaller member. A stratum holds the
pairs of one size s = 1..n//2. Designs are nested: a larger one contains the smaller.

There is one design for each n and number of pairs, drawn once. A seed gives the features other names
in it (`relabelling`), so every coalition of a size is as likely as any other, games of different seeds
meet different coalitions, and whatever depends on the design alone is computed once for all of them.

Sources: uniform sampling over sizes without replacement is Leverage SHAP (Musco and Witter, ICLR
2025, arXiv 2410.01917); pairing is Covert and Lee (AISTATS 2021). Starting with all singletons
("border") is this project's choice, measured in benchmarks/shapley_accuracy.py.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xaikit.core.memory import mask_keys
from xaikit.shapley.game import BoolArray
from xaikit.shapley.kept import kept

__all__ = [
    "allocate",
    "base_design",
    "base_masks",
    "list_stratum",
    "paired_design",
    "relabelled",
    "relabelling",
    "stratum_caps",
    "without",
]

_ENUMERATE = 2048  # strata up to this size are listed and shuffled, larger ones drawn by rejection
_MIDDLE = 0.5  # rounds as people do


@functools.cache
def stratum_caps(n: int) -> tuple[int, ...]:
    """Number of pairs in each stratum s = 1..n//2: C(n, s), half of that where 2 s = n.

    Python integers: C(300, 150) is beyond int64, and only ratios of these numbers are ever floats.
    """
    return tuple(math.comb(n, s) // (2 if 2 * s == n else 1) for s in range(1, n // 2 + 1))


def relabelling(n: int, seed: int) -> NDArray[np.int64]:
    """(n,): the feature that each feature of a design stands for under that seed."""
    return np.random.default_rng([seed, 0, 3]).permutation(n)


def relabelled(masks: BoolArray, order: NDArray[np.int64]) -> BoolArray:
    """Masks over the features of a design as masks over those that they stand for."""
    return np.take(masks, np.argsort(order), axis=1)


def paired_design(
    n: int, n_pairs: int, seed: int, *, border: bool = True, keep: Sequence[int] = ()
) -> tuple[BoolArray, tuple[int, ...]]:
    """The `base_design` of a seed under its names: bool (n_pairs, n), and the counts."""
    masks, counts = base_design(n, n_pairs, seed, border=border, keep=keep)
    masks = relabelled(masks, relabelling(n, seed))
    return masks ^ ((2 * masks.sum(axis=1, keepdims=True) == n) & ~masks[:, :1]), counts


def base_design(
    n: int, n_pairs: int, seed: int, *, border: bool = True, keep: Sequence[int] = ()
) -> tuple[BoolArray, tuple[int, ...]]:
    """Masks of the smaller members, bool (n_pairs, n), and the number of pairs per stratum.

    seed : decides which sizes get a pair where not all do; otherwise it changes nothing.
    border : take all singletons first when n_pairs >= n.
    keep : counts per stratum of an earlier, smaller design that this one must contain.
    n_pairs is capped at 2^(n-1) - 1. The masks are read-only.
    """
    counts = allocate(n, n_pairs, border=border, keep=tuple(keep))
    if 0 in counts:
        offset = float(np.random.default_rng([seed, 0]).random())
        counts = allocate(n, n_pairs, border=border, keep=tuple(keep), offset=offset)
    return base_masks(n, counts), counts


@kept(2**22, lambda n, counts: n * sum(counts))
def base_masks(n: int, counts: tuple[int, ...]) -> BoolArray:
    """The first pairs of each stratum, so many, one stratum after another; read-only."""
    drawn = [_first(n, s + 1, k) for s, k in enumerate(counts) if k]
    masks: BoolArray = np.concatenate([np.empty((0, n), dtype=bool), *drawn])
    masks.flags.writeable = False
    return masks


@functools.lru_cache(maxsize=256)
def allocate(
    n: int,
    n_pairs: int,
    *,
    border: bool = True,
    keep: tuple[int, ...] = (),
    offset: float = _MIDDLE,
) -> tuple[int, ...]:
    """Pairs per stratum: equal rate per coalition size, water-filled at the strata's sizes.

    offset : in [0, 1); the fractional parts are rounded by systematic sampling with this number. Drawn
        uniformly, every stratum gets its share in expectation; the total is exact in any case.
    """
    caps = stratum_caps(n)
    n_pairs = min(n_pairs, sum(caps))
    first = [n] if border and n_pairs >= n and n > 2 else []  # n = 2: the one stratum is the border
    rest = [min(cap, n_pairs) for cap in caps[len(first) :]]
    rates = [0.5 if 2 * s == n else 1.0 for s in range(len(first) + 1, len(caps) + 1)]
    shares = _water_fill(rest, rates, n_pairs - sum(first))
    steps = np.floor(np.round(np.cumsum([0.0, *shares]), 9) + offset).astype(int)
    counts = (*first, *np.diff(steps).tolist())
    return _containing(counts, keep) if keep else counts


def _water_fill(caps: list[int], rates: list[float], total: int) -> list[float]:
    """Shares proportional to the rates, none above its cap, that sum to the total."""
    shares = [0.0] * len(caps)
    open_strata = sorted(range(len(caps)), key=lambda s: caps[s] / rates[s])
    left, rate_left = float(total), sum(rates)
    for s in open_strata:
        shares[s] = min(float(caps[s]), left * rates[s] / rate_left)
        left -= shares[s]
        rate_left -= rates[s]
    return shares


def _containing(counts: Sequence[int], keep: Sequence[int]) -> tuple[int, ...]:
    """The counts raised to those kept, and lowered elsewhere so that the total stays."""
    raised = [max(k, old) for k, old in zip(counts, keep, strict=True)]
    excess = sum(raised) - sum(counts)
    for s in sorted(range(len(raised)), key=lambda s: keep[s] - raised[s]):
        cut = min(excess, raised[s] - keep[s])
        raised[s] -= cut
        excess -= cut
    return tuple(raised)


def _first(n: int, size: int, k: int) -> BoolArray:
    """The first k pairs of the stratum's own random order, bool (k, n)."""
    cap = stratum_caps(n)[size - 1]
    rng = np.random.default_rng([0, size])
    if cap <= _ENUMERATE:
        return list_stratum(n, size)[rng.permutation(cap)[:k]]
    half = cap // 2  # rejection slows down as a stratum fills up, so its second half is listed
    masks = _rejected(n, size, min(k, half), rng)
    if k <= half:
        return masks
    rest = without(list_stratum(n, size), masks)
    order = np.random.default_rng([0, size, 1]).permutation(len(rest))
    return np.concatenate([masks, rest[order[: k - half]]])


@functools.lru_cache(maxsize=64)
def list_stratum(n: int, size: int) -> BoolArray:
    """All pairs of one size; where 2 s = n the member with feature 0 stands for the pair."""
    fixed = 2 * size == n
    chosen = itertools.combinations(range(fixed, n), size - fixed)
    columns = np.array(list(chosen), dtype=np.int64).reshape(-1, size - fixed)
    masks = np.zeros((len(columns), n), dtype=bool)
    np.put_along_axis(masks, columns, True, axis=1)
    masks[:, 0] |= fixed
    masks.flags.writeable = False  # shared by all callers
    return masks


def _uniform(n: int, size: int, k: int, rng: np.random.Generator) -> BoolArray:
    """The next k pairs of a uniform stream, bool (k, n)."""
    draws = rng.random((k, n))  # row by row, whatever the number of rows
    masks: BoolArray = draws <= np.partition(draws, size - 1, axis=1)[:, size - 1, None]
    if 2 * size == n:
        masks ^= ~masks[:, :1]
    return masks


def _rejected(n: int, size: int, k: int, rng: np.random.Generator) -> BoolArray:
    """The first k different pairs of a uniform stream; the stream does not depend on k."""
    masks = np.empty((0, n), dtype=bool)
    while len(masks) < k:
        masks = np.concatenate([masks, _uniform(n, size, k - len(masks) + 8, rng)])
        _, first = np.unique(mask_keys(masks), return_index=True)
        masks = masks[np.sort(first)]
    return masks[:k]


def without(masks: BoolArray, gone: BoolArray) -> BoolArray:
    """The masks that are not among those gone, in their order."""
    kept: BoolArray = masks[np.isin(mask_keys(masks), mask_keys(gone), invert=True)]
    return kept
