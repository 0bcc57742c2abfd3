"""Passes that several questions of one model share: batches, targets row by row, gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from xaikit.core.abilities import Leaf, Model, Single
from xaikit.core.batching import rows_per_pass, rows_that_fit
from xaikit.core.errors import NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.later import later
from xaikit.core.questions import Questions
from xaikit.core.types import Ints
from xaikit.methods.base import Method

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = later("torch")

__all__ = ["Batch", "Batched", "Rng", "pieces", "pieces_of", "rows_of"]

Rng = np.random.Generator
GRAPH = 3  # a pass that is differentiated holds about so many times as much


@dataclass(frozen=True, eq=False)
class Batch:
    """B questions of one model, answered together, and the generator of each."""

    questions: Questions
    rngs: Sequence[Rng]

    def __len__(self) -> int:
        return len(self.questions)

    def each(self) -> Iterator[Batch]:
        """Its questions, one by one."""
        for i in range(len(self)):
            yield Batch(self.questions[i : i + 1], self.rngs[i : i + 1])

    @property
    def model(self) -> Model:
        return self.questions.model

    @property
    def size(self) -> int:
        """Rows in one pass."""
        return rows_of(self.questions)

    def targets(self, scores: Tensor, rows: Tensor | None = None) -> Tensor:
        """(R, K) -> (R,): each row under the target of its own question; row r is question r
        unless `rows` says otherwise."""
        each = self.questions.targets
        if len(each.distinct) == 1:
            return torch.as_tensor(each.distinct[0](scores))
        return torch.as_tensor(each.read(scores, None if rows is None else rows.cpu().numpy()))

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
            self.set_outputs(scores)
        self.count(rows.cpu().numpy())
        return slope.detach()

    def set_outputs(self, scores: Tensor) -> None:
        """Tell the questions the scores (B, K) of their samples, unless they know."""
        if np.isnan(self.questions.outputs).any():
            self.questions.set_outputs(scores.detach().double().cpu().numpy())

    def count(self, rows: Ints | None = None, backward: bool = True) -> None:
        """Put one pass on the meter of each row's question (one row each unless given)."""
        n = 1 if rows is None else np.bincount(rows, minlength=len(self))[:, None]
        self.questions.counts[:, : 3 if backward else 2] += n


class Batched(Method, ABC):
    """A method that differentiates: it answers as many questions in one pass as memory allows.

    holds_references : keeps the references of all its questions, so that fewer share a batch
    """

    draws: ClassVar[bool] = False
    holds_references: ClassVar[bool] = False

    @abstractmethod
    def explain(self, batch: Batch) -> Explanations:
        """The explanations of the questions of a batch."""

    def block(self, questions: Questions, rngs: Sequence[Rng]) -> Explanations:
        """Explanations of questions of one model, in order, at most `batch_size` rows a pass."""
        # whatever mode the caller is in, and back to it afterwards
        with torch.inference_mode(False), torch.enable_grad():
            sizes = () if isinstance(questions.xs, np.ndarray) else list(map(len, questions.xs))
            if len(set(sizes)) < 2:
                return self._in_order(questions, rngs)
            order = np.argsort(sizes, kind="stable")  # those of a pass are padded to the longest
            sorted_ = questions.take(order)
            found = self._in_order(sorted_, [rngs[i] for i in order.tolist()])
            questions.put(order, sorted_)
            return found.take(np.argsort(order, kind="stable"))

    def _in_order(self, questions: Questions, rngs: Sequence[Rng]) -> Explanations:
        return Explanations.joined(
            [self.explain(batch) for batch in self._batches(questions, rngs)]
        )

    def _batches(self, questions: Questions, rngs: Sequence[Rng]) -> Iterator[Batch]:
        held = 1
        if self.holds_references:
            shared = questions.masker
            maskers = questions.maskers if shared is None else [shared]
            held = max(len(masker.references) for masker in maskers)
        step = max(1, rows_of(questions) // max(1, held))
        for start in range(0, len(questions), step):
            yield Batch(questions[start : start + step], rngs[start : start + step])


def rows_of(questions: Questions) -> int:
    """Rows of a pass that keeps its graph: what the model and the questions allow, and what fits
    into memory."""
    model, memory = questions.model, questions.settings["memory"]
    if isinstance(model, Single) and model.single:
        return 1
    rows = questions.settings["batch_size"] or rows_per_pass(model, questions.xs[0]).rows
    if memory is not None:
        largest = max(questions.xs, key=np.size)
        rows = min(rows, max(1, rows_that_fit(model, largest, memory) // GRAPH))
    return int(rows)


def pieces(n: int, size: int) -> Iterator[slice]:
    """0..n in slices of at most `size`."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def pieces_of(items: Ints, size: int) -> list[Ints]:
    """The items in runs of at most `size`, of one at least."""
    return [items[part] for part in pieces(len(items), max(1, size))]
