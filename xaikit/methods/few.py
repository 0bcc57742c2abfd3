"""Shapley values where evaluations are few and references many: each reference gets pairs of its own.

An evaluation is a mean over k references. With fewer than 2 n + 2 evaluations not even each feature
is seen alone, while the same model rows pay for k times as many pairs against one reference each.
From 2 n + 2 on all references are better: `python -m benchmarks background`.
"""

from __future__ import annotations

import numpy as np

from xaikit.core.question import Question
from xaikit.shapley.api import masks_that_fit
from xaikit.shapley.design import paired_design
from xaikit.shapley.pairs import Pairs
from xaikit.shapley.regression import System, leverage_weights
from xaikit.shapley.result import TRUSTED, ShapleyResult, is_converged

__all__ = ["one_reference_a_pair", "too_few"]


def too_few(question: Question, budget: int) -> bool:
    """Whether so many evaluations are too few against all references, and enough against one."""
    n, k = question.n_features, question.n_references
    n_pairs = k * _pairs_each(budget)
    few = k > 1 and budget < min(2 * n + 2, 2**n)
    return few and TRUSTED * n <= n_pairs <= masks_that_fit(n, question.room) // 2


def one_reference_a_pair(
    question: Question, budget: int, rng: np.random.Generator, tolerance: float
) -> ShapleyResult:
    """Leverage regression (Musco and Witter, ICLR 2025) over pairs against one reference each.

    budget : evaluations against all k references that as many model rows would pay for
    The odd value of a coalition of size s is taken less (2 s - n) / (2 n) times what its reference
    gives all features together beyond the mean. That is 0 on average and known, so only how a
    reference divides what it gives adds noise; leave-one-pair-out residuals hold it (`std`).
    """
    n, k = question.n_features, question.n_references
    change = question.output - question.empty
    nothing = np.zeros((1, n), dtype=bool)
    masks, odd, even = [], [], []
    for reference in range(k):
        seed = int(rng.integers(2**32))
        drawn, _ = paired_design(n, _pairs_each(budget), seed, border=False)
        values = question.against(np.concatenate([nothing, drawn, ~drawn]), reference)
        empty, inside, outside = np.split(values, [1, 1 + len(drawn)])
        beyond = question.output - empty - change
        share = (2 * drawn.sum(axis=1) - n) / (2 * n)
        masks.append(drawn)
        odd.append((inside - outside) / 2 - share * beyond)
        even.append((inside + outside) / 2)
    pairs = Pairs(
        masks=np.concatenate(masks),
        odd=np.concatenate(odd),
        even=np.concatenate(even),
        odd_full=change / 2,
        even_full=(question.output + question.empty) / 2,
    )
    weights = leverage_weights(n, pairs.sizes, pairs.counts)
    found = System(pairs.masks, weights).solve(pairs, np.ones(len(weights)), "leverage")
    return ShapleyResult(
        values=found.values,
        std=found.std,
        evaluations=budget,
        method=found.method,
        converged=is_converged(found, tolerance),
        empty=question.empty,
        output=question.output,
        reason=f"few evaluations: each pair meets one of {k} references",
        note=found.note,
    )


def _pairs_each(budget: int) -> int:
    return (budget - 2) // 2
