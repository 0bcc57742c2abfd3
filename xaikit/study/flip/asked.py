"""The model asked about many changed inputs at once, by masks or by rows, with a count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.batching import PerPass, rows_per_pass, worked
from xaikit.core.errors import CheckFailed, foreign
from xaikit.core.question import Question
from xaikit.core.types import Bools, Floats
from xaikit.study.flip.decision import Decision
from xaikit.tasks import task_of

__all__ = ["Asked", "of_masks", "of_rows"]

Predict = Callable[[np.ndarray], Floats]  # (m, ...) -> (m, K)


@dataclass(eq=False)
class Asked:
    """What the model predicts for candidates, and whether that turns the decision.

    candidates : (m, n) bool, features that are removed; or (m, D) float64, changed rows
    evaluations : candidates asked about so far
    """

    predict: Predict
    decision: Decision
    evaluations: int = 0

    def __call__(self, candidates: np.ndarray) -> tuple[Floats, Bools]:
        """(m,) margins, -inf where there is none, and (m,) whether they turn it."""
        self.evaluations += len(candidates)
        if len(candidates) == 0:
            return np.empty(0), np.empty(0, dtype=bool)
        found = self.predict(candidates)
        return self.decision.margin(found), self.decision.turned(found)

    def alone(self, candidate: np.ndarray) -> tuple[Floats, bool]:
        """The prediction (K,) for one candidate in a pass of its own, and whether it turns it."""
        self.evaluations += 1
        found = self.predict(candidate[None])
        return found[0], bool(self.decision.turned(found)[0])


def of_masks(question: Question) -> Predict:
    """(m, n) removed features -> (m, K) predictions, the mean over what stands in for them."""
    task, k = task_of(question.model), question.n_references

    def some(masks: Bools, rows: int) -> Floats:
        scores = question.scores(masks[: max(1, rows // k)])  # (m', k, K)
        flat = task.predictions(scores.reshape(-1, scores.shape[2]))
        return np.asarray(flat.reshape(scores.shape[0], k, -1).mean(axis=1))

    def predict(removed: Bools) -> Floats:
        return _in_passes(~removed, question.per_pass, k, some, question.model)

    return predict


def of_rows(model: Model, x: Floats, batch_size: int | None) -> Predict:
    """(m, D) rows -> (m, K) predictions."""
    task = task_of(model)
    per_pass = rows_per_pass(model, x) if batch_size is None else PerPass(batch_size)

    def some(rows: Floats, n: int) -> Floats:
        with foreign(f"model '{model.id}' on changed rows"):
            return task.predictions(model.scores(rows[:n]))

    return lambda rows: _in_passes(rows, per_pass, 1, some, model)


def _in_passes(
    left: np.ndarray,
    per_pass: PerPass,
    k: int,
    some: Callable[[np.ndarray, int], Floats],
    model: Model,
) -> Floats:
    parts: list[Floats] = []
    while len(left):
        todo = left
        parts.append(worked(per_pass, len(left) * k, lambda rows, todo=todo: some(todo, rows)))  # type: ignore[misc]
        left = left[len(parts[-1]) :]
    found = np.concatenate(parts)
    if not np.isfinite(found).all():
        raise CheckFailed(
            f"model '{model.id}' gave {found[~np.isfinite(found)][0]} for a changed sample; the model must "
            "give finite scores."
        )
    return found
