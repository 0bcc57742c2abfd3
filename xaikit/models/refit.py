"""A random twin of a fitted estimator: the same, with what it learned erased.

Fitted again on the same rows with permuted answers (the data randomisation test of Adebayo et al. 2018);
of texts, which leave no rows behind, the same with the columns of its words exchanged at random.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone

from xaikit.core.errors import ForeignError, NotApplicable, foreign
from xaikit.core.types import Ints

__all__ = ["MOST_ROWS", "Exchanged", "refitted"]

MOST_ROWS = 500
EACH = 5  # rows of each class, where there are enough: what inner cross-validation asks for


class Exchanged(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Columns in another order: each stands for another one's words."""

    def __init__(self, order: Ints) -> None:
        self.order = order

    def transform(self, x: Any) -> Any:
        """(B, V) -> (B, V)"""
        return x[:, self.order]


def refitted(estimator: Any, rows: Any, rng: np.random.Generator) -> Any:
    """The estimator fitted again on rows that it reads and its own answers to them, permuted.

    `NotApplicable` where it cannot be fitted so.
    """
    name = type(estimator).__name__
    try:
        with warnings.catch_warnings(), foreign(f"'{name}', fitted again on permuted answers"):
            warnings.simplefilter("ignore")  # it need not converge
            answers = np.asarray(estimator.predict(rows))
            fresh = clone(estimator)
            fresh.set_params(**_settings(fresh, rng))
            fresh.fit(rows, _permuted(estimator, answers, rng))
    except ForeignError as error:
        raise NotApplicable(str(error)) from error
    known, found = (getattr(e, "classes_", ()) for e in (estimator, fresh))
    if not np.array_equal(known, found):
        raise NotApplicable(f"{len(answers)} rows are too few to fit '{name}' again on all classes")
    return fresh


def _settings(estimator: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Draws of its own, and no stop by rows that it was given apart."""
    known = estimator.get_params(deep=False)
    drawn = {"random_state": int(rng.integers(2**31))} if "random_state" in known else {}
    return drawn | ({"early_stopping_rounds": None} if "early_stopping_rounds" in known else {})


def _permuted(estimator: Any, answers: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """The answers in another order; every class that it knows is answered by some rows."""
    found = rng.permutation(answers)
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, np.ndarray) and found.ndim == 1:
        each = max(1, min(EACH, len(found) // len(classes)))
        rows = rng.permutation(len(found))[: each * len(classes)]
        for label, some in zip(classes, np.array_split(rows, len(classes)), strict=False):
            if (found == label).sum() < each:
                found[some] = label
    return found
