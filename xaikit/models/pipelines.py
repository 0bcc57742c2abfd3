"""The pipeline of scikit-learn that fits a learner to a data set's modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from xaikit.core.errors import ModelError
from xaikit.data.dataset import Dataset
from xaikit.models.learners import ESTIMATORS, Learner
from xaikit.models.reading import reading_of

__all__ = ["make_learner"]


def make_learner(name: str, data: Dataset, seed: int, params: Mapping[str, Any]) -> Pipeline:
    """The unfitted pipeline of that name for a data set.

    params : parameters of the scikit-learn estimator, and for images and series `features`
        ("gradients" or "pixels"; "summary" or "steps")
    Raises `ModelError` when a parameter is unknown or the model does not do the data's task.
    """
    learner = ESTIMATORS.get(name)
    if data.task not in learner.tasks:
        other = next(n for n in ESTIMATORS if data.task in ESTIMATORS.get(n).tasks)
        raise ModelError(
            f"'{name}' does no {data.task} and '{data.name}' is one; use '{other}' or another."
        )
    params = dict(params)
    steps = _featurise(learner, data, params.pop("features", None))
    estimator = learner.make(data, seed)
    inner = _inner(estimator)
    unknown = set(params) - set(inner.get_params(deep=False))
    if unknown:
        known = ", ".join(inner.get_params(deep=False))
        raise ModelError(f"'{name}' has no parameter '{min(unknown)}'; it has {known}.")
    inner.set_params(**params)
    if isinstance(estimator, Pipeline):  # what comes before the machine needs no labels
        steps, estimator = [*steps, *(step for _, step in estimator.steps[:-1])], estimator[-1]
    if learner.calibrated and data.task == "classification":
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)  # files may be sorted
        estimator = CalibratedClassifierCV(estimator, cv=folds, ensemble=False)
    return make_pipeline(*steps, estimator)


def _featurise(learner: Learner, data: Dataset, features: str | None) -> list[Any]:
    """The steps before the estimator."""
    reading = reading_of(data.modality)
    if features is not None and features not in reading.features:
        ways = ", ".join(reading.features) or "no choice for this modality"
        raise ModelError(f"'{data.modality}' has no features '{features}'; there is {ways}.")
    return reading.steps(learner.name, learner.scaled, data, features)


def _inner(estimator: Any) -> Any:
    """What the parameters belong to: the last step, the regressor under a scaled target."""
    if isinstance(estimator, Pipeline):
        return _inner(estimator.steps[-1][1])
    return estimator.regressor if isinstance(estimator, TransformedTargetRegressor) else estimator
