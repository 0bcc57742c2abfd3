"""Shapley values of any game, from few evaluations, with honest error bars.

    shapley(value, n_features) -> ShapleyResult

`value` maps masks, bool (m, n), True = kept, to one number per mask. This package needs NumPy and
SciPy only and knows nothing of models.

    game.py          evaluates, checks, counts, remembers; memory.py holds what was evaluated
    design.py        which pairs of coalitions to evaluate: random, stratified by size
    placement.py     which pairs tell the default estimator most
    pairs.py         evaluated pairs: odd and even part of the game
    exact.py, border.py, permutation.py, regression.py      estimators from the literature
    odd_gp.py        the default estimator: a Gaussian process on the odd part of the game
    odd_model.py, odd_integrals.py, odd_posterior.py        its prior and fit, integrals, error bars
    estimate.py      the choice between them, and when to stop
    result.py        what comes back
"""

from __future__ import annotations

from xaikit.estimators.estimate import shapley
from xaikit.estimators.result import ShapleyResult

__all__ = ["ShapleyResult", "shapley"]
