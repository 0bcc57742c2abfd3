"""The log-odds that a classifier makes its probabilities of, where it does."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier

from xaikit.core.types import Floats

__all__ = ["has_margins", "margins_of"]


def has_margins(estimator: Any) -> bool:
    """Whether its probabilities are the sigmoid or softmax of its margins."""
    n = len(getattr(estimator, "classes_", ()))
    if isinstance(estimator, LogisticRegression):
        apart = getattr(estimator, "multi_class", "") == "ovr" or estimator.solver == "liblinear"
        return n == 2 or not apart
    if isinstance(estimator, SGDClassifier):
        return n == 2 and estimator.loss == "log_loss"
    if _package(estimator) == "xgboost":
        return str(estimator.objective) in ("binary:logistic", "multi:softprob")
    if _package(estimator) == "catboost":
        return str(estimator.get_all_params().get("loss_function")) in ("Logloss", "MultiClass")
    if _package(estimator) == "lightgbm":
        steep = estimator.get_params().get("sigmoid", 1.0) != 1.0
        return estimator.objective_ in ("binary", "multiclass") and not steep
    return isinstance(
        estimator,
        (LinearDiscriminantAnalysis, GradientBoostingClassifier, HistGradientBoostingClassifier),
    )


def margins_of(estimator: Any, x: Any) -> Floats:
    """Features -> (B, K) of an estimator that has margins; of two classes the first has 0."""
    if _package(estimator) == "xgboost":
        found = estimator.predict(x, output_margin=True)
    elif _package(estimator) == "catboost":
        found = estimator.predict(x, prediction_type="RawFormulaVal")
    elif _package(estimator) == "lightgbm":
        found = estimator.predict(x, raw_score=True)
    else:
        found = estimator.decision_function(x)
    margins = np.asarray(found, dtype=np.float64)
    if isinstance(estimator, GradientBoostingClassifier) and estimator.loss == "exponential":
        margins = 2 * margins
    return np.stack([np.zeros_like(margins), margins], axis=1) if margins.ndim == 1 else margins


def _package(estimator: Any) -> str:
    return type(estimator).__module__.split(".")[0]
