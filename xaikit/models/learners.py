"""The scikit-learn models by name, and the pipeline that fits each to a modality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from xaikit.core.errors import ModelError
from xaikit.core.registry import Registry
from xaikit.core.types import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.models.reading import reading_of

__all__ = ["ESTIMATORS", "Learner", "make_learner"]

Make = Callable[[Dataset, int], Any]

MANY_ROWS = 5000  # above it the kernel of a support vector machine is approximated


@dataclass(frozen=True)
class Learner:
    """One scikit-learn model.

    make : the unfitted estimator for a data set and a seed
    scaled : whether it reads scaled and one-hot columns; the others read columns as they are
    calibrated : whether its margins become probabilities by Platt's sigmoid over 5 folds
    """

    name: str
    summary: str
    make: Make
    tasks: tuple[str, ...] = ("classification", "regression")
    scaled: bool = False
    calibrated: bool = False
    family: Literal["sklearn"] = "sklearn"

    @property
    def modalities(self) -> tuple[str, ...]:
        return MODALITIES.names()


ESTIMATORS: Registry[Learner] = Registry("estimator")


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


def _add(name: str, summary: str, **facts: Any) -> Callable[[Make], Make]:
    """Registers the function as the `make` of a learner."""

    def store(make: Make) -> Make:
        ESTIMATORS.register(name)(Learner(name, summary, make, **facts))
        return make

    return store


@_add(
    "logistic",
    "Logistic regression: a weighted sum, read as log-odds",
    tasks=("classification",),
    scaled=True,
)
def _logistic(data: Dataset, seed: int) -> Any:
    strength = reading_of(data.modality).strength
    return LogisticRegression(C=strength, max_iter=2000, random_state=seed)


@_add("ridge", "Ridge regression: a weighted sum", tasks=("regression",), scaled=True)
def _ridge(data: Dataset, seed: int) -> Any:
    del data
    return Ridge(random_state=seed)


@_add("tree", "One decision tree with at least 5 training rows in each leaf")
def _tree(data: Dataset, seed: int) -> Any:
    kind = DecisionTreeClassifier if data.classes else DecisionTreeRegressor
    return kind(min_samples_leaf=5, random_state=seed)


@_add("forest", "Random forest: the mean of 100 trees, each grown on its own draw of the rows")
def _forest(data: Dataset, seed: int) -> Any:
    kind = RandomForestClassifier if data.classes else RandomForestRegressor
    return kind(n_estimators=100, random_state=seed)


@_add("boosting", "Boosted trees (HistGradientBoosting): each tree mends what the others leave")
def _boosting(data: Dataset, seed: int) -> Any:
    kind = HistGradientBoostingClassifier if data.classes else HistGradientBoostingRegressor
    return kind(random_state=seed)


@_add("svm", "Support vector machine, its margins calibrated", scaled=True, calibrated=True)
def _svm(data: Dataset, seed: int) -> Any:
    sparse = reading_of(data.modality).sparse
    many = len(data.train) > MANY_ROWS and not sparse
    if sparse or many:
        machine = LinearSVC(random_state=seed) if data.classes else LinearSVR(random_state=seed)
    else:
        machine = SVC(random_state=seed) if data.classes else SVR()
    if not data.classes:  # the penalty is in the target's unit
        machine = TransformedTargetRegressor(machine, transformer=StandardScaler())
    return (
        make_pipeline(Nystroem(n_components=300, random_state=seed), machine) if many else machine
    )
