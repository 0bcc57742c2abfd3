"""Straight ways in leaf space, from "everything removed" to the sample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from xaikit.core.abilities import Differentiable, Inputs, Leaf, Model
from xaikit.core.errors import CheckFailed, NotApplicable
from xaikit.core.later import later
from xaikit.core.question import Question
from xaikit.core.questions import Questions
from xaikit.core.types import Floats, Ints
from xaikit.core.words import alike
from xaikit.methods.base import require
from xaikit.methods.passes import Batch, pieces_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = later("torch")

__all__ = ["Path", "along", "baselines", "differentiable", "leaf_of"]


@dataclass(frozen=True, eq=False)
class Path:
    """Straight ways in leaf space, from each reference of B samples to its sample.

    bases : (J, ...) leaf values of the references, sample after sample; those of one sample only where
        all samples share them
    n_references : (B,) int64
    """

    batch: Batch
    leaf: Leaf
    bases: Tensor
    n_references: Ints

    @classmethod
    def of(cls, batch: Batch, method: str) -> Path:
        questions, leaf = batch.questions, leaf_of(batch, method)
        rows = None if leaf.references else _shared_references(questions, method)
        counts = [1 if rows is None else len(rows)] * len(batch)
        if rows is None:
            each = [baselines(question, method) for question in questions]
            rows, counts = [row for own in each for row in own], list(map(len, each))
        n = np.array(counts, dtype=np.int64)
        if leaf.references:
            return cls(batch, leaf, leaf.references(rows, np.repeat(np.arange(len(n)), n)), n)
        at = differentiable(batch.model, method).leaf(rows).at.detach()
        if at.shape[1:] != leaf.at.shape[1:]:
            raise CheckFailed(
                f"model '{batch.model.id}' gives leaves of shape {tuple(leaf.at.shape[1:])} "
                f"for samples and {tuple(at.shape[1:])} for their references; its adapter must keep them equal."
            )
        return cls(batch, leaf, at, n)

    @cached_property
    def owner(self) -> Ints:
        """(J,) the sample of each way."""
        return np.repeat(np.arange(len(self.n_references)), self.n_references)

    @property
    def starts(self) -> Ints:
        """(B,) where the ways of each sample begin."""
        return np.concatenate([[0], np.cumsum(self.n_references)[:-1]])

    @cached_property
    def empties(self) -> Floats:
        """(B,) the targets where the ways begin: those of nothing, unless the leaf has references of
        its own."""
        if not self.leaf.references:
            return self.batch.questions.empties.copy()
        found = []
        for part in pieces_of(np.arange(len(self.owner)), self.batch.size):
            rows, start, _ = self.ends(part)
            with torch.no_grad():
                scores = self.leaf.forward(start, rows)
            found.append(self.batch.targets(scores, rows).double().cpu().numpy())
            self.batch.count(self.owner[part], backward=False)
        sums = np.bincount(self.owner, np.concatenate(found), len(self.n_references))
        return np.asarray(sums / self.n_references)

    @property
    def mean_step(self) -> Tensor:
        """(B, ...) x - mean reference."""
        counts = self.n_references.tolist()
        if set(counts) == {1}:
            return self.leaf.at - self.bases
        if len(self.bases) == counts[0]:
            return self.leaf.at - self.bases.mean(dim=0)
        if len(set(counts)) == 1:
            bases = self.bases.view(len(counts), -1, *self.bases.shape[1:])
            return self.leaf.at - bases.mean(dim=1)
        groups = torch.split(self.bases, counts)
        return self.leaf.at - torch.stack([group.mean(dim=0) for group in groups])

    def ends(self, ways: Ints) -> tuple[Tensor, Tensor, Tensor]:
        """Of those ways: rows (R,) of their samples, where they start, and their steps, (R, ...)."""
        device = self.bases.device
        rows = torch.as_tensor(self.owner[ways], device=device)
        start = self.bases[torch.as_tensor(ways % len(self.bases), device=device)]
        return rows, start, self.leaf.at[rows] - start

    def credit(self, ways: Ints, alpha: Floats) -> tuple[Tensor, Tensor]:
        """rows (R,) and (x - r) * gradient at r + alpha (x - r), (R, ...)."""
        rows, start, step = self.ends(ways)
        at = start + along(torch.as_tensor(alpha).to(step), step) * step
        return rows, step * self.batch.gradient(self.leaf, at, rows)


def _shared_references(questions: Questions, method: str) -> Inputs | None:
    """(k, *x.shape) what is left of any of the samples, where it is the same of all; or None."""
    cut, masker = questions.segmentation, questions.masker
    if cut is None or masker is None or masker.drops or cut.ids.min() < 0:
        return None
    return baselines(questions[0], method)


def baselines(question: Question, method: str) -> Inputs:
    """(k, *x.shape) the sample with every feature removed, in data space."""
    masker, x = question.masker, question.sample.x
    if masker.drops:
        raise NotApplicable(
            f"{method} needs a reference as long as the sample and the masker '{masker.name}' leaves "
            "words out; choose the masker 'mask'."
        )
    if masker.given is not None:
        raise NotApplicable(
            f"{method} needs references that do not depend on what is kept and the masker "
            f"'{masker.name}' has none; ask by 'shap', 'lime' or 'occlusion', or choose another masker."
        )
    removable = question.segmentation.ids >= 0
    if removable.all():
        return alike(x, masker.references)
    removable = removable.reshape(removable.shape + (1,) * (x.ndim - removable.ndim))
    return alike(x, np.where(removable, masker.references, x))


def differentiable(model: Model, method: str) -> Differentiable:
    """The model, or a refusal when it has no gradients."""
    require(model, Differentiable, method, "gradients", "shap, lime or occlusion")
    return cast(Differentiable, model)


def leaf_of(batch: Batch, method: str) -> Leaf:
    """The leaf of the batch's samples."""
    return differentiable(batch.model, method).leaf(batch.questions.xs)


def along(values: Tensor, like: Tensor) -> Tensor:
    """(R,) -> (R, 1, ...), to multiply with `like`."""
    return values.reshape(-1, *[1] * (like.ndim - 1))
