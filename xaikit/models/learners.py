"""The scikit-learn models by name, declared without importing scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xaikit.core.registry import Registry
from xaikit.core.sample import MODALITIES

if TYPE_CHECKING:
    from xaikit.data.dataset import Dataset

__all__ = ["ESTIMATORS", "Learner"]

Make = Callable[["Dataset", int], Any]

MANY_ROWS = 5000  # above it the kernel of a support vector machine is approximated


@dataclass(frozen=True)
class Learner:
    """One scikit-learn model.

    make : the unfitted estimator for a data set and a seed
    scaled : whether it reads scaled and one-hot columns; the others read columns as they are
    calibrated : whether its margins become probabilities by Platt's sigmoid over 5 folds
    reads_missing : whether a missing value is a value of its own to it
    """

    name: str
    summary: str
    make: Make
    tasks: tuple[str, ...] = ("classification", "regression")
    scaled: bool = False
    calibrated: bool = False
    reads_missing: bool = False
    family: Literal["sklearn"] = "sklearn"

    @property
    def modalities(self) -> tuple[str, ...]:
        return MODALITIES.names()


ESTIMATORS: Registry[Learner] = Registry("estimator")


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
    from sklearn.linear_model import LogisticRegression

    from xaikit.models.reading import reading_of

    strength = reading_of(data.modality).strength
    return LogisticRegression(C=strength, max_iter=2000, random_state=seed)


@_add("ridge", "Ridge regression: a weighted sum", tasks=("regression",), scaled=True)
def _ridge(data: Dataset, seed: int) -> Any:
    from sklearn.linear_model import Ridge

    del data
    return Ridge(random_state=seed)


@_add("tree", "One decision tree with at least 5 training rows in each leaf", reads_missing=True)
def _tree(data: Dataset, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if data.classes else DecisionTreeRegressor
    return kind(min_samples_leaf=5, random_state=seed)


@_add(
    "forest",
    "Random forest: the mean of 100 trees, each grown on its own draw of the rows",
    reads_missing=True,
)
def _forest(data: Dataset, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if data.classes else RandomForestRegressor
    return kind(n_estimators=100, random_state=seed)


@_add(
    "boosting",
    "Boosted trees (HistGradientBoosting): each tree mends what the others leave",
    reads_missing=True,
)
def _boosting(data: Dataset, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if data.classes else HistGradientBoostingRegressor
    return kind(random_state=seed)


@_add("svm", "Support vector machine, its margins calibrated", scaled=True, calibrated=True)
def _svm(data: Dataset, seed: int) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.kernel_approximation import Nystroem
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

    from xaikit.models.reading import reading_of

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
