"""The default estimator: a Gaussian process on the odd part of the game, behind one function.

estimator.py     places pairs, fits the prior, takes the posterior, widens its error bars
model.py, integrals.py, posterior.py        prior and fit, integrals, error bars
placement.py     which pairs tell it most
constants.py     every number that no formula gives, and where it comes from
"""

from __future__ import annotations

from xaikit.shapley.process.constants import FIXED
from xaikit.shapley.process.estimator import process_estimate

__all__ = ["FIXED", "process_estimate"]
