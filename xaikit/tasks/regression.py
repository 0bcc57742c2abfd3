"""One number, or several numbers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Bools, Floats, Ints, Label, Sample, Space, Target
from xaikit.tasks.base import TASKS, Task

__all__ = ["Regression"]


@TASKS.register("regression")
@dataclass(frozen=True)
class Regression(Task):
    """The scores are the predicted values, in units of what is predicted."""

    outputs: tuple[str, ...] = ("value",)
    name: ClassVar[str] = "regression"
    noun: ClassVar[str] = "output"
    rivals: ClassVar[bool] = False  # two outputs may depend on the same features, and rightly so

    @property
    def many(self) -> bool:
        return len(self.outputs) > 1

    @property
    def words(self) -> str:
        return "values" if self.many else "value"

    def predictions(self, scores: Floats) -> Floats:
        return scores

    def chosen(self, predictions: Floats) -> Bools:
        return np.ones(predictions.shape, dtype=bool)

    def target(self, index: int, space: Space) -> Target:
        del space
        return Target(index, space="value")

    def default(self, scores: Floats) -> Ints:
        """The first output."""
        return np.zeros(len(scores), dtype=np.int64)

    def runner_up(self, scores: Floats, target: Target) -> Target | None:
        del scores, target
        return None

    def _labelled(self, sample: Sample) -> int:
        if self.many:
            raise InvalidInput(
                f"sample '{sample.id}' has a value for every output, so target 'label' could mean any; "
                f"name one of {', '.join(self.outputs)}."
            )
        return 0

    def require(self, target: Target) -> None:
        self.require_index(target)
        if target.space != "value":
            raise InvalidInput(
                f"a value has no {target.unit}; use Target({target.index}, space='value')."
            )

    def truth(self, label: Any) -> Floats:
        row = np.atleast_1d(np.asarray(label if label is not None else np.nan, dtype=object))
        numbers = [isinstance(v, (int, float, np.number)) and np.isfinite(v) for v in row]
        if not all(numbers) or len(row) != len(self.outputs):
            raise InvalidInput(
                f"the label {label!r} gives no value for each of {', '.join(self.outputs)}; give "
                f"{len(self.outputs)} number(s), in this order."
            )
        return row.astype(np.float64)

    def describe(self, target: Target) -> str:
        if not self.many:
            return "predicted value"
        words = f"predicted value of '{self.outputs[target.index]}'"
        if target.against is None:
            return words
        return f"{words} less that of '{self.outputs[target.against]}'"

    def right(self, predictions: Floats, label: Label) -> bool:
        """A value is near or far, never wrong."""
        del predictions, label
        return True

    def miss(self, predictions: Floats, label: Label) -> float:
        return float(np.abs(predictions - self.truth(label)).max())

    def gains(self, predictions: Floats, labels: Sequence[Label]) -> tuple[Floats, Label]:
        """Against the mean of the labels, in their variance."""
        truth = np.stack([self.truth(label) for label in labels])
        wide = np.maximum(truth.var(axis=0), 1e-12)  # outputs may have units of their own
        errors = (truth - predictions) ** 2
        found: Floats = (((truth - truth.mean(axis=0)) ** 2 - errors) / wide).mean(axis=1)
        return found, None

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """r2 with its 95 % interval over samples, mae, and n; of several outputs the means, and the
        r2 of each"""
        truth = np.stack([self.truth(label) for label in labels])
        errors, spread = (truth - scores) ** 2, truth.var(axis=0)  # (N, K), (K,)
        known = spread > 0  # an output that never varies has no r2
        r2 = np.where(known, 1 - errors.mean(axis=0) / np.where(known, spread, 1.0), 0.0)
        gains = np.where(known, 1 - errors / np.where(known, spread, 1.0), 0.0).mean(axis=1)
        found = {"r2": float(r2.mean()), "mae": float(np.abs(truth - scores).mean())}
        several = {"r2_each": r2.tolist()} if self.many else {}
        return {**found, "n": len(labels), "interval": _listed(gains), **several}

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        if "r2" not in measures:
            return None
        shown = {"metric": "r2", "value": measures["r2"], "n": measures.get("n")}
        return {**shown, "interval": measures.get("interval")}


def _listed(gains: Floats) -> list[float] | None:
    interval = bootstrap_interval(gains)
    return None if interval is None else list(interval)
