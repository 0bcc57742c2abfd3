"""The front door for scikit-learn: what a fitted estimator is asked, and what its answers are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_outlier_detector, is_regressor
from sklearn.pipeline import Pipeline

from xaikit.core.errors import ModelError
from xaikit.core.labels import label_name, places_of

__all__ = ["Answer", "answer_of", "is_estimator", "pipeline_of"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Answer:
    """The function of a fitted estimator that is explained.

    of : what people call the estimator
    name : of the function, for example "predict_proba"
    ask : B rows -> (B, K) probabilities or (B,) values
    labels : (K,) what the columns of probabilities belong to; None for values, and where the
        estimator does not say
    """

    of: str
    name: str
    ask: Callable[[Any], Any]
    labels: Array | None = None

    @property
    def gives_probabilities(self) -> bool:
        return self.name == "predict_proba"

    def named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names of its classes: those given, else its own; () for values.

        `ModelError` shows both lists where the names do not tell which class is which.
        """
        if not self.gives_probabilities:
            if names:
                raise ModelError(
                    f"{self.name} of a {self.of} gives numbers and {len(names)} classes were named; "
                    "leave classes out."
                )
            return ()
        if self.labels is None:
            if not names:
                raise ModelError(f"a {self.of} has no classes_; fit it, or name its classes.")
            return names
        own = tuple(map(label_name, self.labels))
        if names and places_of(names, self.labels) is None:
            raise ModelError(
                f"the classes {', '.join(names)} were given and a {self.of} was fitted on the labels "
                f"{', '.join(own)}; give these labels in any order, or leave classes out."
            )
        return names or own

    def columns(self, names: tuple[str, ...]) -> list[int]:
        """(K,) which column of its probabilities belongs to each name, as `named` gave them."""
        found = None if self.labels is None else places_of(names, self.labels)
        return list(range(len(names)) if found is None else found)

    def check(self, rows: Any, n_classes: int) -> None:
        """`ModelError` when it cannot answer rows, or its probabilities are not those of K classes."""
        try:
            found = np.asarray(self.ask(rows), dtype=np.float64)
        except (ValueError, TypeError, AttributeError, LookupError, NotImplementedError) as error:
            raise ModelError(
                f"{self.name} of a {self.of} fails on one sample ({_first_line(error)}); give it, "
                "fitted, the rows that it reads, or wrap a function."
            ) from error
        if not self.gives_probabilities:
            return
        if found.ndim != 2 or found.shape[1] != n_classes:
            raise ModelError(
                f"a {self.of} gave probabilities of shape {found.shape} for {len(found)} row and "
                f"{n_classes} classes are named; name one class a column."
            )
        if abs(total := float(found[0].sum()) - 1) > 1e-3:
            raise ModelError(
                f"a {self.of} gave probabilities that sum to {1 + total:.4g}, so its labels do not "
                "exclude each other; wrap one estimator for each label."
            )


def is_estimator(thing: Any) -> bool:
    """Whether it is an object that is fitted and asked, as those of scikit-learn are."""
    return not isinstance(thing, type) and (hasattr(thing, "predict") or hasattr(thing, "fit"))


def answer_of(estimator: Any, values: bool = False) -> Answer:
    """What people mean by the answer of a fitted estimator, pipeline or search.

    A classifier's probabilities, or with `values` its decision function; a regressor's predictions;
    an outlier detector's score, not its -1 and 1. `ModelError` for anything else, and for a
    classifier without probabilities.
    """
    of = type(estimator).__name__
    kind = _kind(estimator)
    if kind == "classifier" and not values:
        return _probabilities(estimator, of)
    wanted = {
        "classifier": ("decision_function",),
        "regressor": ("predict",),
        "outlier detector": ("score_samples", "decision_function"),
    }.get(kind, ())
    for name in wanted:
        if hasattr(estimator, name):
            return Answer(of, name, getattr(estimator, name))
    if wanted:
        raise ModelError(
            f"a {of} has no {' or '.join(wanted)}; wrap a function that gives numbers."
        )
    raise ModelError(
        f"a {of} is no classifier, regressor or outlier detector; give one that is fitted, or a "
        "function that gives the number to explain."
    )


def pipeline_of(estimator: Any) -> Pipeline:
    """The fitted steps of a pipeline without those that do nothing; otherwise one step."""
    steps = estimator.steps if type(estimator) is Pipeline else []
    steps = [(name, step) for name, step in steps if step not in (None, "passthrough")]
    whole = not steps or not all(hasattr(step, "transform") for _, step in steps[:-1])
    return Pipeline([("model", estimator)] if whole else steps)


def _probabilities(estimator: Any, of: str) -> Answer:
    if not hasattr(estimator, "predict_proba"):
        ways = (
            "put it into CalibratedClassifierCV, or leave classes out and say outputs='values' to "
            "explain its decision function"
            if hasattr(estimator, "decision_function")
            else "choose one that does, such as a vote with voting='soft'"
        )
        raise ModelError(f"a {of} gives no probabilities; {ways}.")
    labels = getattr(estimator, "classes_", None)
    if isinstance(labels, list) and labels and np.ndim(labels[0]) > 0:
        raise ModelError(
            f"a {of} answers {len(labels)} questions at once (its classes_ is a list); wrap one "
            "estimator for each output, such as estimators_[0]."
        )
    if labels is not None and len(labels) < 2:
        raise ModelError(
            f"a {of} knows one class only, {label_name(labels[0])}; fit it on two or more."
        )
    known = None if labels is None else np.asarray(labels)
    return Answer(of, "predict_proba", estimator.predict_proba, known)


def _kind(estimator: Any) -> str:
    """What scikit-learn takes it for; else, for one that says nothing, what its functions say."""
    if hasattr(estimator, "__sklearn_tags__"):
        for kind, holds in _KINDS.items():
            if holds(estimator):
                return kind
        if estimator.__sklearn_tags__().estimator_type is not None:
            return "other"
    if hasattr(estimator, "predict_proba") or hasattr(estimator, "classes_"):
        return "classifier"
    return "regressor" if hasattr(estimator, "predict") else "other"


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__


_KINDS: dict[str, Callable[[Any], bool]] = {
    "classifier": is_classifier,
    "regressor": is_regressor,
    "outlier detector": is_outlier_detector,
}
