"""The front door for scikit-learn: what a fitted estimator is asked, and what its answers are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_outlier_detector, is_regressor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.pipeline import Pipeline

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.labels import label_name, places_of
from xaikit.core.types import MODALITIES, Floats
from xaikit.models.frames import Frames

__all__ = ["Answer", "answer_of", "is_estimator", "pipeline_of", "usual_modality"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Answer:
    """The function of a fitted estimator that is explained.

    of : what people call the estimator
    name : of the function, for example "predict_proba"
    ask : B rows -> (B, K) probabilities or (B,) values
    labels : (K,) what the columns of probabilities belong to; None for values, and where the
        estimator does not say
    several : how many labels hold or not by themselves, 0 where one class holds
    """

    of: str
    name: str
    ask: Callable[[Any], Any]
    labels: Array | None = None
    several: int = 0

    @property
    def outputs(self) -> Literal["probabilities", "multilabel_probabilities", "values"]:
        if self.name != "predict_proba":
            return "values"
        return "multilabel_probabilities" if self.several else "probabilities"

    @property
    def _own(self) -> tuple[str, ...]:
        return () if self.labels is None else tuple(map(label_name, self.labels))

    @property
    def gives_probabilities(self) -> bool:
        return self.outputs != "values"

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
        if self.several and len(names or self._own) != self.several:
            raise ModelError(
                f"a {self.of} answers {self.several} labels at once and {len(names)} were named; name "
                "each with classes=."
            )
        if self.labels is None:
            if not names:
                raise ModelError(f"a {self.of} has no classes_; fit it, or name its classes.")
            return names
        own = self._own
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
        if not self.several and abs(total := float(found[0].sum()) - 1) > 1e-3:
            raise ModelError(
                f"a {self.of} gave probabilities that sum to {1 + total:.4g}, so its labels do not "
                "exclude each other; wrap one estimator for each label."
            )


def is_estimator(thing: Any) -> bool:
    """Whether it is an object that is fitted and asked, as those of scikit-learn are."""
    return not isinstance(thing, type) and (hasattr(thing, "predict") or hasattr(thing, "fit"))


def answer_of(estimator: Any, outputs: str | None, rows: Any) -> Answer:
    """What people mean by the answer of a fitted estimator, pipeline or search.

    A classifier's probabilities, of labels that hold together too, or with outputs "values" its
    decision function; a regressor's predictions; an outlier detector's score, not its -1 and 1.
    `ModelError` for anything else, and for a classifier without probabilities.

    rows : some that it is tried on
    """
    of = type(estimator).__name__
    kind = _kind(estimator)
    if kind == "classifier" and outputs != "values":
        n = _n_labels(estimator, rows)
        return _label_answer(estimator, of, n) if n else _probabilities(estimator, of)
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


def pipeline_of(estimator: Any, frames: Frames | None = None) -> Pipeline:
    """The fitted steps of a pipeline, or of the best that a search found, without those that do
    nothing; otherwise one step. First what makes the frames that it reads."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = estimator.steps if type(estimator) is Pipeline else []
    steps = [(name, step) for name, step in steps if step not in (None, "passthrough")]
    whole = not steps or not all(hasattr(step, "transform") for _, step in steps[:-1])
    before = [] if frames is None else [("frames", frames)]
    return Pipeline([*before, *([("model", estimator)] if whole else steps)])


def usual_modality(thing: Any) -> str:
    """What an estimator reads when nobody says it: text where it begins with a vectoriser, else a table."""
    if not is_estimator(thing):
        raise InvalidInput(
            f"what does this {type(thing).__name__} read? Say modality=, one of {', '.join(MODALITIES)}."
        )
    first = pipeline_of(thing).steps[0][1]
    return "text" if isinstance(first, (CountVectorizer, HashingVectorizer)) else "table"


def _n_labels(estimator: Any, rows: Any) -> int:
    """How many labels a classifier predicts for each row; 0 where it is one, or none can be had."""
    if not (hasattr(estimator, "predict") and hasattr(estimator, "predict_proba")):
        return 0
    try:
        predicted = np.asarray(estimator.predict(rows))
    except (ValueError, TypeError, AttributeError, LookupError, NotImplementedError):
        return 0  # said where its probabilities are asked
    return predicted.shape[1] if predicted.ndim == 2 and predicted.shape[1] > 1 else 0


def _label_answer(estimator: Any, of: str, n: int) -> Answer:
    """The probability of each of n labels."""
    known = getattr(estimator, "classes_", None)

    def ask(rows: Any) -> Floats:
        return _label_probabilities(estimator.predict_proba(rows), n, known)

    apart = known is None or isinstance(known, list)  # then they are the classes of each label
    return Answer(of, "predict_proba", ask, None if apart else np.asarray(known), n)


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


def _label_probabilities(answer: Any, n: int, known: Any) -> Floats:
    """What predict_proba of a scikit-learn estimator of several labels gives -> (B, n).

    answer : (B, n), or for each label the probabilities (B, its classes)
    known : for each label its classes, where they are given apart
    """
    if not isinstance(answer, (list, tuple)):
        return np.asarray(answer, dtype=np.float64)
    if len(answer) != n:
        raise ModelError(f"the estimator gives {len(answer)} outputs and {n} labels are named.")
    return np.stack([_holds(p, list(c)) for p, c in zip(answer, known, strict=True)], axis=1)


def _holds(p: Any, classes: list[Any]) -> Floats:
    """(B, C) probabilities of the classes 0 and 1 of one label -> (B,) of 1."""
    if not set(classes) <= {0, 1}:
        raise ModelError(
            f"an output of the estimator has the classes {classes}, which are no yes or no; wrap a "
            "model of each output."
        )
    rows = np.asarray(p, dtype=np.float64)
    return rows[:, classes.index(1)] if 1 in classes else np.zeros(len(rows))


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__


_KINDS: dict[str, Callable[[Any], bool]] = {
    "classifier": is_classifier,
    "regressor": is_regressor,
    "outlier detector": is_outlier_detector,
}
