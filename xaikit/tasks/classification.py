"""Classes of which one holds, and labels that hold independently of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, softmax

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import wilson
from xaikit.core.types import Bools, Floats, Ints, Label, Space, Target
from xaikit.tasks.base import TASKS, Task

__all__ = ["Classification", "MultiLabel", "share"]


@TASKS.register("classification")
@dataclass(frozen=True)
class Classification(Task):
    """One of K classes holds: probabilities are the softmax of the scores, and sum to 1.

    A head of one column is the score of the second of two classes against the first, which has 0.
    """

    name: ClassVar[str] = "classification"
    noun: ClassVar[str] = "class"
    many: ClassVar[bool] = False
    words: ClassVar[str] = "class"

    @property
    def rivals(self) -> bool:
        """With two classes the other question is the same with its sign turned."""
        return len(self.outputs) > 2

    def predictions(self, scores: Floats) -> Floats:
        p: Floats = np.asarray(softmax(scores, axis=1))
        return p

    def chosen(self, predictions: Floats) -> Bools:
        best: Bools = np.arange(len(self.outputs)) == predictions.argmax(axis=1)[:, None]
        return best

    def target(self, index: int, space: Space) -> Target:
        return Target(index, space=space)

    def default(self, scores: Floats) -> Ints:
        return np.asarray(np.argmax(scores, axis=1))

    def runner_up(self, scores: Floats, target: Target) -> Target | None:
        """The most likely class that is not asked about; None with fewer than three."""
        return _likeliest(scores, target) if self.rivals and target.space != "value" else None

    def require(self, target: Target) -> None:
        self.require_index(target)
        if target.independent and target.space != "value":
            raise InvalidInput(
                "the target reads the scores as independent labels and the model gives one of its "
                "classes; use Target(index)."
            )

    def truth(self, label: Any) -> Floats:
        n = len(self.outputs)
        if not _whole(label) or not 0 <= label < n:
            raise InvalidInput(
                f"the label {_shown(label)} is no class of {', '.join(self.outputs)}; give one index "
                f"from 0 to {n - 1}."
            )
        row: Floats = (np.arange(n) == label).astype(np.float64)
        return row

    def miss(self, predictions: Floats, label: Label) -> float:
        """0 where they are right, else the largest probability of a wrong class."""
        if self.right(predictions, label):
            return 0.0
        return float((predictions * (1 - self.truth(label))).max())

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """accuracy with its counts"""
        truth = np.stack([self.truth(label) for label in labels])
        correct = int((scores.argmax(axis=1) == truth.argmax(axis=1)).sum())
        return {"accuracy": correct / len(labels), "n": len(labels), "correct": correct}

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        return share("accuracy", measures)


@TASKS.register("multilabel")
@dataclass(frozen=True)
class MultiLabel(Task):
    """Each of K labels holds or not, whatever the others do: scores are logits, one a label.

    The probability of a label is the sigmoid of its own score, its log-odds the score itself. A label
    is given as an answer when its probability is above one half; several can be, or none. A sample's
    label is the set of the indices that hold.
    """

    name: ClassVar[str] = "multilabel"
    noun: ClassVar[str] = "label"
    many: ClassVar[bool] = True
    words: ClassVar[str] = "labels"

    @property
    def rivals(self) -> bool:
        return len(self.outputs) > 1

    def predictions(self, scores: Floats) -> Floats:
        p: Floats = np.asarray(expit(scores))
        return p

    def chosen(self, predictions: Floats) -> Bools:
        held: Bools = predictions > 0.5
        return held

    def target(self, index: int, space: Space) -> Target:
        return Target(index, space=space, independent=True)

    def default(self, scores: Floats) -> Ints:
        """The most probable label."""
        return np.asarray(np.argmax(scores, axis=1))

    def runner_up(self, scores: Floats, target: Target) -> Target | None:
        """The most probable label that is not asked about."""
        return _likeliest(scores, target) if self.rivals and target.space != "value" else None

    def fitted(self, target: Target) -> Target:
        return super().fitted(replace(target, independent=True))

    def require(self, target: Target) -> None:
        self.require_index(target)
        if not target.independent and target.space != "value":
            raise InvalidInput(
                "the target reads the scores as classes of which one holds and the model gives labels "
                "that hold together; use Target(index, independent=True)."
            )

    def truth(self, label: Any) -> Floats:
        n = len(self.outputs)
        if not isinstance(label, frozenset) or not all(_whole(i) and 0 <= i < n for i in label):
            raise InvalidInput(
                f"the label {_shown(label)} does not say which of several labels hold; give the set "
                f"of their indices from 0 to {n - 1}, for example {{0}}, or set() for none."
            )
        return np.isin(np.arange(n), list(label)).astype(np.float64)

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """exact_match, the share of samples of which every label is right, with its counts; f1 over
        all labels of all samples; the accuracy of each label"""
        truth = np.stack([self.truth(label) for label in labels]) > 0
        found = self.chosen(self.predictions(scores))
        right, both = found == truth, int((found & truth).sum())
        correct, named = int(right.all(axis=1).sum()), int(found.sum() + truth.sum())
        return {
            "exact_match": correct / len(labels),
            "n": len(labels),
            "correct": correct,
            "f1": 2 * both / named if named else 1.0,
            "accuracies": right.mean(axis=0).tolist(),
        }

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        return share("exact_match", measures)


def _likeliest(scores: Floats, target: Target) -> Target:
    asked = {target.index, target.against}
    order = [int(i) for i in np.argsort(-scores, kind="stable") if int(i) not in asked]
    return replace(target, index=order[0])


def share(metric: str, measures: Mapping[str, Any]) -> dict[str, Any] | None:
    """A share of samples that were right, with Wilson's interval."""
    if metric not in measures:
        return None
    n = int(measures["n"])
    interval = list(wilson(int(measures["correct"]), n))
    return {"metric": metric, "value": measures[metric], "interval": interval, "n": n}


def _whole(label: Any) -> bool:
    return isinstance(label, (int, float, np.number)) and float(label).is_integer()


def _shown(label: Any) -> str:
    return str(set(label) or "set()") if isinstance(label, frozenset) else repr(label)
