"""Shapley values of any game, from few evaluations, with honest error bars.

    shapley(value, n_features) -> ShapleyResult

`value` maps masks, bool (m, n), True = kept, to one number per mask. This package needs NumPy and
SciPy only and knows nothing of models.

    game.py          evaluates, checks, counts, remembers; xaikit/core/memory.py holds
                     what was evaluated
    design.py        which pairs of coalitions to evaluate: random, stratified by size
    pairs.py         complementary pairs, evaluated
    exact.py, permutation.py, regression.py      estimators from the literature
    process/         the default estimator, behind one function: a Gaussian process on the odd part of
                     the game; frozen, every constant with its origin in process/constants.py
    api.py           the choice between them, and when to stop
    result.py        what comes back
"""

from __future__ import annotations

from xaikit.shapley.api import shapley
from xaikit.shapley.result import ShapleyResult

__all__ = ["ShapleyResult", "shapley"]
