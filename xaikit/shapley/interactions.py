"""Interaction indices of a game: what features are worth together, beyond what they are worth apart.

An index says what a Möbius coefficient of t features gives each of its subsets of s (`share`). A game
that is a sum of terms then has its indices in closed form (`index_values`): a table of all 2^n values,
a sum of trees, a polynomial. Beyond that, coalitions are drawn (`sampled_values`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput, OutOfBudget
from xaikit.shapley.design import (
    allocate,
    base_masks,
    relabelled,
    relabelling,
    stratum_caps,
)
from xaikit.shapley.evidence import with_unseen
from xaikit.shapley.exact import coalition_masks
from xaikit.shapley.game import BoolArray, FloatArray, Game
from xaikit.shapley.pairs import Pairs, evaluate_pairs
from xaikit.shapley.regression import size_mass
from xaikit.shapley.result import Estimate
from xaikit.shapley.threads import one_thread

__all__ = [
    "ENUMERATED",
    "INDICES",
    "Terms",
    "enumerated_values",
    "fewest_evaluations",
    "index_values",
    "sampled_values",
    "sets_of",
    "share",
    "usual_budget",
]

INDICES = ("k-SII", "SII", "STII", "FSII")
ENUMERATED = 14  # features up to which all coalitions are asked, unless a budget says otherwise
MOST_SETS = 20_000
SPARE = 1.5  # pairs for each product of two features, from which products are fitted
_ROOM = 2**21  # numbers held at once


@dataclass(frozen=True, eq=False)
class Terms:
    """A game that is a sum of terms, each worth its weight where all of some features are kept and
    none of some others.

    inside, outside : (g, n) bool; weights : (g,) float64
    """

    inside: BoolArray
    outside: BoolArray
    weights: FloatArray

    @property
    def change(self) -> float:
        """What the game gains from nothing to everything."""
        at_end, at_start = ~self.outside.any(axis=1), ~self.inside.any(axis=1)
        return float(self.weights @ (at_end.astype(np.float64) - at_start))


def sets_of(n: int, order: int) -> list[tuple[int, ...]]:
    """All sets of one to `order` of n features, the small ones first."""
    if not isinstance(order, int) or isinstance(order, bool) or not 1 <= order <= n:
        raise InvalidInput(f"order is {order!r} and there are {n} features; give 1 to {n}.")
    if (many := sum(math.comb(n, s) for s in range(1, order + 1))) > MOST_SETS:
        raise OutOfBudget(
            f"{n} features have {many} sets of up to {order} and {MOST_SETS} are the limit; group the "
            "features (features=) or lower the order."
        )
    return [one for s in range(1, order + 1) for one in combinations(range(n), s)]


@cache
def share(index: str, order: int, t: int, s: int) -> Fraction:
    """What the Möbius coefficient of t features gives each of its subsets of s <= order.

    SII: Grabisch & Roubens 1999; k-SII: Bord & von Luxburg, AISTATS 2023, equation 6 (Bernoulli
    numbers); STII: Sundararajan, Dhamdhere & Agarwal, ICML 2020; FSII: Tsai, Yeh & Ravikumar, JMLR
    2023, theorem 19. Of order 1 all four are the Shapley value, 1 / t.
    """
    if index == "SII":
        return Fraction(1, t - s + 1)
    if index == "k-SII":
        most = min(order, t) - s
        parts = (
            _bernoulli(j) * Fraction(math.comb(t - s, j), t - s - j + 1) for j in range(most + 1)
        )
        return sum(parts, Fraction(0))
    if t <= order and (index == "FSII" or s < order or t == s):
        return Fraction(t == s)
    if index == "STII":
        return Fraction(s == order, math.comb(t, order))
    sign = -1 if (order - s) % 2 else 1
    part = Fraction(math.comb(t - 1, order), math.comb(t + order - 1, order + s))
    return sign * Fraction(s, order + s) * math.comb(order, s) * part


@cache
def _bernoulli(j: int) -> Fraction:
    """1, -1/2, 1/6, 0, -1/30, ..."""
    if j == 0:
        return Fraction(1)
    total = sum((math.comb(j + 1, i) * _bernoulli(i) for i in range(j)), Fraction(0))
    return -total / (j + 1)


@cache
def _credit(index: str, order: int, p: int, q: int, a: int, b: int) -> Fraction:
    """What a term with p features inside and q outside gives a set of a of the one and b of the other.

    Its Möbius coefficients are (-1)^|R| at the p with each R of the q.
    """
    parts = (
        (-1) ** r * math.comb(q - b, r) * share(index, order, p + b + r, a + b)
        for r in range(q - b + 1)
    )
    total = sum(parts, Fraction(0))
    return -total if b % 2 else total


def _credits(
    index: str, order: int, s: int, p: int, q: int, scale: Fraction = Fraction(1)
) -> list[float]:
    """(s + 1,) `_credit` to sets of s by how many of them are inside; 0 where that cannot be."""
    fits = [a <= p and s - a <= q for a in range(s + 1)]
    return [
        float(scale * _credit(index, order, p, q, a, s - a)) if fit else 0.0
        for a, fit in enumerate(fits)
    ]


def index_values(terms: Terms, index: str, order: int) -> FloatArray:
    """The index of each of `sets_of`, exact but for rounding."""
    n = terms.inside.shape[1]
    sets = sets_of(n, order)
    sizes = np.stack([terms.inside.sum(axis=1), terms.outside.sum(axis=1)], axis=1)
    kinds, which = np.unique(sizes, axis=0, return_inverse=True)
    found = []
    for s in range(1, order + 1):
        members = np.array([one for one in sets if len(one) == s])
        table = np.array([_credits(index, order, s, p, q) for p, q in kinds.tolist()])
        total = np.zeros(len(members))
        step = max(1, _ROOM // members.size)
        for at in range(0, len(which), step):
            part = slice(at, at + step)
            a = terms.inside[part][:, members].sum(axis=2)
            b = terms.outside[part][:, members].sum(axis=2)
            given = np.take_along_axis(table[which.ravel()[part]], a, axis=1)
            total += terms.weights[part] @ np.where(a + b == s, given, 0.0)
        found.append(total)
    return np.concatenate(found)


def enumerated_values(game: Game, index: str, order: int) -> Estimate:
    """From all 2^n coalitions: each is a term that is worth its value there and nothing elsewhere."""
    n = game.n_features
    masks = coalition_masks(n, 0, 2**n)
    values = index_values(Terms(masks, ~masks, game(masks) - game.empty), index, order)
    return Estimate(values, np.zeros(len(values)), "exact", 2 ** (n - 1), exact=True)


def usual_budget(n: int) -> int:
    """All coalitions of a few features, else about six for each product of two."""
    return int(2**n) if n <= ENUMERATED else max(4096, 3 * n * n)


def fewest_evaluations(n: int) -> int:
    """Every feature alone, two pairs of coalitions of each other size, and their complements."""
    return int(min(2 * sum(_least(n)) + 2, 2**n))


def _least(n: int) -> tuple[int, ...]:
    caps = stratum_caps(n)
    return (caps[0], *(min(2, cap) for cap in caps[1:]))


def sampled_values(game: Game, index: str, order: int, budget: int, seed: int) -> Estimate:
    """From drawn coalitions: those of a fitted polynomial, and the mean of what it leaves.

    Complementary pairs are drawn by size without replacement, singletons and then pairs of features
    all where they fit the budget. A polynomial of order 2 (of order 1 where pairs are too few) is
    fitted to them; its indices are known, and those of the rest are estimated from the rest at the
    drawn pairs, as the index weighs them. Their sum over all sets stays exact.
    std : of that mean over each size, from leave-one-out residuals.
    Source: the generalised regression estimator (Särndal, Swensson & Wretman 1992, chapter 6) on the
    weighted sums of SHAP-IQ (Fumagalli et al., NeurIPS 2023, theorem 4.1).
    """
    n = game.n_features
    counts = _counts(n, (budget - 2) // 2)
    order_of = relabelling(n, seed)
    pairs = evaluate_pairs(game, relabelled(base_masks(n, counts), order_of), distinct=True)
    fit = _fitted(pairs, np.array(counts))
    values = index_values(fit.terms, index, order)
    variance = np.zeros(len(values))
    at = 0
    for s in range(1, order + 1):
        members = np.array(list(combinations(range(n), s)))
        part = slice(at, at + len(members))
        mean, var = _rest(pairs, fit, members, counts, index, order)
        values[part] += mean
        variance[part] = var
        at += len(members)
    note = "" if fit.products else "too few pairs of coalitions to fit products of features"
    found = Estimate(values, np.sqrt(variance), "sampled", len(pairs.odd), note)
    return with_unseen(found, len(pairs.odd))


def _counts(n: int, n_pairs: int) -> tuple[int, ...]:
    """Pairs of coalitions of each size."""
    caps, keep = stratum_caps(n), _least(n)
    if len(caps) > 1 and caps[0] + 2 * caps[1] + sum(keep[2:]) <= n_pairs:
        keep = (caps[0], caps[1], *keep[2:])
    return allocate(n, n_pairs, keep=keep)


@dataclass(frozen=True, eq=False)
class _Fit:
    """A polynomial in the features, and what it leaves of each pair.

    odd, even : (N,) residuals; odd_out, even_out : the same when the pair itself is left out
    ends : what it leaves of the empty and of the full coalition
    products : whether it has products of two features
    """

    terms: Terms
    odd: FloatArray
    even: FloatArray
    odd_out: FloatArray
    even_out: FloatArray
    ends: tuple[float, float]
    products: bool


@one_thread
def _fitted(pairs: Pairs, counts: NDArray[np.int64]) -> _Fit:
    """Least squares: the odd part on signs, the even part on their products."""
    signs, n = pairs.signs, pairs.masks.shape[1]
    first, second = np.triu_indices(n, 1)
    products = len(signs) >= SPARE * (len(first) + 1)
    columns = [np.ones((len(signs), 1))]
    if products:
        columns.append(signs[:, first] * signs[:, second])
    weights = size_mass(n)[pairs.sizes - 1] / counts[pairs.sizes - 1]
    linear, odd, odd_out = _least_squares(signs, pairs.odd, weights)
    square, even, even_out = _least_squares(np.hstack(columns), pairs.even, weights)
    slopes = 2 * linear
    inside = np.eye(n, dtype=bool)
    both = np.zeros((len(first) * products, n), dtype=bool)
    if products:
        both[np.arange(len(first)), first] = both[np.arange(len(first)), second] = True
        slopes = slopes - 2 * (square[1:] @ both)
    inside = np.vstack([inside, both])
    terms = Terms(inside, np.zeros_like(inside), np.concatenate([slopes, 4 * square[1:]]))
    left_even, left_odd = pairs.even_full - square.sum(), pairs.odd_full - linear.sum()
    ends = (left_even - left_odd, left_even + left_odd)
    return _Fit(terms, odd, even, odd_out, even_out, ends, products)


def _least_squares(
    columns: FloatArray, y: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coefficients, residuals, and residuals of fits without the row."""
    root = np.sqrt(weights / weights.max())[:, None]
    inverse = np.linalg.pinv((columns * root).T @ (columns * root), hermitian=True)
    solve = inverse @ (columns * root**2).T
    coefficients = solve @ y
    rest = y - columns @ coefficients
    slack = 1 - np.einsum("ij,ji->i", columns, solve)
    out = np.where(slack > 1e-6, rest / np.maximum(slack, 1e-6), np.sqrt(np.mean(y**2)))
    return coefficients, rest, out


def _rest(
    pairs: Pairs,
    fit: _Fit,
    members: NDArray[np.int64],
    counts: Sequence[int],
    index: str,
    order: int,
) -> tuple[FloatArray, FloatArray]:
    """The index of what the fit leaves for sets (S, s): its estimate and that one's variance."""
    n, s = pairs.masks.shape[1], members.shape[1]
    empty, full = _credits(index, order, s, 0, n)[0], _credits(index, order, s, n, 0)[s]
    total = np.full(len(members), fit.ends[0] * empty + fit.ends[1] * full)
    variance = np.zeros(len(members))
    for size, (count, cap) in enumerate(zip(counts, stratum_caps(n), strict=True), 1):
        scale = Fraction(cap)
        small = np.array(_credits(index, order, s, size, n - size, scale))
        large = np.array(_credits(index, order, s, n - size, size, scale))[::-1]
        mine = np.flatnonzero(pairs.sizes == size)
        squares, sums, kept = np.zeros(len(members)), np.zeros(len(members)), np.zeros(len(members))
        for at in range(0, count, step := max(1, _ROOM // members.size)):
            rows = mine[at : at + step]
            a = pairs.masks[rows][:, members].sum(axis=2)
            plus, minus = small[a] + large[a], small[a] - large[a]
            kept += fit.even[rows] @ plus + fit.odd[rows] @ minus
            out = fit.even_out[rows, None] * plus + fit.odd_out[rows, None] * minus
            sums += out.sum(axis=0)
            squares += np.square(out).sum(axis=0)
        total += kept / count
        if count < cap:
            spread = (squares - sums**2 / count) / (count - 1)
            variance += np.maximum(spread, 0) * (1 - count / cap) / count
    return total, variance
