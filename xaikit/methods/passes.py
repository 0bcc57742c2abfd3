"""Passes that several questions of one model share: batches, targets row by row, gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from xaikit.core.abilities import Leaf, Model, Single
from xaikit.core.batching import rows_that_fit
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Target
from xaikit.methods.base import Method

__all__ = ["Batch", "Batched", "Rng", "pieces", "rows_of"]

Rng = np.random.Generator
ROWS = 64  # of a pass, unless the question says otherwise
GRAPH = 3  # a pass that is differentiated holds about so many times as much


@dataclass(frozen=True, eq=False)
class Batch:
    """B questions of one model, answered together, and the generator of each."""

    questions: Sequence[Question]
    rngs: Sequence[Rng]

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def model(self) -> Model:
        return self.questions[0].model

    @property
    def size(self) -> int:
        """Rows in one pass."""
        return rows_of(self.questions)

    def targets(self, scores: Tensor, rows: Tensor | None = None) -> Tensor:
        """(R, K) -> (R,): each row under the target of its own question; row r is question r
        unless `rows` says otherwise."""
        (first, *others) = {question.target for question in self.questions}
        if not others:
            return torch.as_tensor(first(scores))
        owners = range(len(self)) if rows is None else rows.tolist()
        groups: dict[Target, list[int]] = {}
        for row, owner in enumerate(owners):
            groups.setdefault(self.questions[owner].target, []).append(row)
        found = scores.new_zeros(len(scores))
        for target, members in groups.items():
            found[members] = target(scores[members])
        return found

    def gradient(
        self,
        leaf: Leaf,
        at: Tensor,
        rows: Tensor,
        *,
        weights: Tensor | None = None,
        at_samples: bool = False,
    ) -> Tensor:
        """(R, ...) derivative of each row's target at the leaf values `at`.

        It is taken for the leaf only, so no weight collects a gradient.
        weights : (R,) factors of the derivatives, which cost nothing here
        at_samples : the rows are the samples themselves, one each: their outputs are known then
        """
        at = at.detach().requires_grad_()
        scores = leaf.forward(at, rows)
        targets = self.targets(scores, rows)
        total = targets.sum() if weights is None else targets @ weights.to(targets)
        slope = None
        if total.requires_grad:
            (slope,) = torch.autograd.grad(total, at, allow_unused=True)
        if slope is None:
            raise NotApplicable(
                f"the scores of '{self.model.id}' cannot be differentiated: a step of the net passes no "
                "gradient on (a quantised layer, detach, no_grad, a round trip through NumPy); try "
                "'shap', 'lime' or 'occlusion', which only ask for scores."
            )
        if at_samples:
            self.know_outputs(scores)
        self.count(rows.tolist())
        return slope.detach()

    def know_outputs(self, scores: Tensor) -> None:
        """Tell the questions the scores (B, K) of their samples, unless they know."""
        if all("output" in question.__dict__ for question in self.questions):
            return
        for question, row in zip(
            self.questions, scores.detach().double().cpu().numpy(), strict=True
        ):
            question.know_output(row)

    def count(self, rows: Sequence[int] | None = None, backward: bool = True) -> None:
        """Put one pass on the meter of each row's question (one row each unless given)."""
        owners = np.arange(len(self)) if rows is None else np.asarray(rows)
        for question, n in zip(
            self.questions, np.bincount(owners, minlength=len(self)).tolist(), strict=True
        ):
            question.meter.asked += n
            question.meter.forward += n
            question.meter.backward += n if backward else 0


class Batched(Method, ABC):
    """A method that differentiates: it answers as many questions in one pass as memory allows.

    holds_references : keeps the references of all its questions, so that fewer share a batch
    """

    draws: ClassVar[bool] = False
    holds_references: ClassVar[bool] = False

    @abstractmethod
    def explain(self, batch: Batch) -> list[Explanation]:
        """One explanation per question of the batch."""

    def block(self, questions: Sequence[Question], rngs: Sequence[Rng]) -> list[Explanation]:
        """Explanations of questions of one model, in order, at most `batch_size` rows a pass."""
        found: list[Explanation] = []
        # whatever mode the caller is in, and back to it afterwards
        with torch.inference_mode(False), torch.enable_grad():
            for batch in self._batches(questions, rngs):
                found += self.explain(batch)
        return found

    def _batches(self, questions: Sequence[Question], rngs: Sequence[Rng]) -> Iterator[Batch]:
        if not questions:
            return
        ids = {id(q.model): q.model.id for q in questions}
        if len(ids) > 1:
            raise InvalidInput(
                f"a batch of questions holds the models {', '.join(ids.values())}; ask one model at a time."
            )
        held = max(len(q.masker.references) for q in questions) if self.holds_references else 1
        step = max(1, rows_of(questions) // max(1, held))
        for start in range(0, len(questions), step):
            yield Batch(questions[start : start + step], rngs[start : start + step])


def rows_of(questions: Sequence[Question]) -> int:
    """Rows of a pass that keeps its graph: what the model and the questions allow, and what fits
    into memory."""
    if any(isinstance(q.model, Single) and q.model.single for q in questions):
        return 1
    rows = [q.batch_size or ROWS for q in questions]
    for q in questions:
        if q.memory is not None:
            rows.append(max(1, rows_that_fit(q.model, q.sample.x, q.memory) // GRAPH))
    return min(rows)


def pieces(n: int, size: int) -> Iterator[slice]:
    """0..n in slices of at most `size`."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
