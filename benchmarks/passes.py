"""The limit: the same rows through the same net, prebuilt, at the best batch and layout, no more."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import clock
from xaikit.core.question import Question
from xaikit.models.inputs import Batch, padding
from xaikit.models.neural import NeuralModel, evaluating

__all__ = ["Passes", "Recording", "masked", "random_masks"]

MOST_ROWS = 2048  # prebuilt; more rows go round again
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512)
TABLE_BATCHES = (256, 1024, 2048, 4096, 8192, 16384, 32768)


@dataclass(frozen=True, eq=False)
class Recording(Question):
    """A question that keeps the masks it was asked."""

    seen: list[Any] = field(default_factory=list)

    def value(self, masks: Any) -> Any:
        self.seen.append(np.array(masks))
        return super().value(masks)

    @classmethod
    def of(cls, question: Question) -> Recording:
        given = {f.name: getattr(question, f.name) for f in fields(Question) if f.init}
        return cls(**given)

    @property
    def masks(self) -> np.ndarray | None:
        """All masks asked, (m, n), or None when the answer went another way."""
        return np.concatenate(self.seen) if self.seen else None


def random_masks(n: int, rows: int, seed: int = 0) -> np.ndarray:
    """(rows, n) bool, each feature kept with a chance that is drawn for each row."""
    rng = np.random.default_rng(seed)
    return rng.random((rows, n)) < rng.random((rows, 1))


def masked(question: Question, masks: np.ndarray) -> tuple[Tensor, Batch]:
    """The masked inputs (m * k, ...) of a question, encoded as its net reads them."""
    model, x = question.model, question.sample.x
    masks = masks[: max(1, MOST_ROWS * 8 // len(question.masker.references))]
    kept = question.segmentation.expand(masks)
    kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim + 1))
    inputs = np.where(kept[:, None], x, question.masker.references[None])
    with evaluating(model.net), torch.no_grad():
        batch = model.inputs.read(model.net, inputs.reshape(-1, *x.shape), model.device)
    return batch.at, batch


class Passes:
    """Pure passes of a model over prebuilt rows.

    `forward(rows)` sends that many rows through the net and nothing else; `backward(rows)` also
    differentiates one score of each at the rows themselves. The batch and the layout of memory are
    those that were fastest.
    """

    question: Question  # of `Passes.of`

    def __init__(self, model: NeuralModel, at: Tensor) -> None:
        self.model, self.at, self.device = model, at, at.device.type
        self.batches = TABLE_BATCHES if model.modality == "table" else BATCHES
        self._best: dict[bool, tuple[Tensor, int]] = {}

    @classmethod
    def of(cls, question: Question, masks: np.ndarray | None = None) -> Passes:
        """Over the masked inputs of a question, of random masks when none are given."""
        if masks is None or len(masks) == 0:
            masks = random_masks(question.n_features, MOST_ROWS)
        k = len(question.masker.references)
        if len(masks) * k < MOST_ROWS:
            masks = np.tile(masks, (-(-MOST_ROWS // (len(masks) * k)), 1))
        most = MOST_ROWS * (8 if question.sample.modality == "table" else 1)
        model, (at, _) = question.model, masked(question, masks[: max(1, most // k)])
        if question.precision == "bfloat16":
            model, at = replace(model, net=copy.deepcopy(model.net).bfloat16()), at.bfloat16()
        found = cls(model, at)
        found.question = question
        return found

    def forward(self, rows: int) -> Callable[[], None]:
        return lambda: self._run(rows, False, *self._chosen(False))

    def backward(self, rows: int) -> Callable[[], None]:
        return lambda: self._run(rows, True, *self._chosen(True))

    def best(self, slopes: bool = False) -> str:
        """The fastest batch and layout, in words."""
        at, size = self._chosen(slopes)
        return f"batch {size}{', channels last' if _channels_last(at) else ''}"

    def over(self, masks: np.ndarray | None) -> Passes:
        """The same batch and layout over the inputs of other masks of the question."""
        other = Passes.of(self.question, masks)
        for slopes in self._best or (False,):
            at, size = self._chosen(slopes)
            memory = torch.channels_last if _channels_last(at) else torch.contiguous_format
            other._best[slopes] = (other.at.contiguous(memory_format=memory), size)
        return other

    def _chosen(self, slopes: bool) -> tuple[Tensor, int]:
        if slopes not in self._best:
            layouts = [self.at.contiguous()]
            if self.at.ndim == 4:
                layouts.append(self.at.contiguous(memory_format=torch.channels_last))
            found = [self._fastest(at, slopes) for at in layouts]
            self._best[slopes] = min(found, key=lambda way: way[0])[1:]
        return self._best[slopes]

    def _fastest(self, at: Tensor, slopes: bool) -> tuple[float, Tensor, int]:
        """Larger batches are tried until two in a row are no faster."""
        best, worse = (float("inf"), at, 1), 0
        for size in [size for size in self.batches if size <= len(at)] or [len(at)]:
            seconds = self._speed(at, size, slopes)
            worse = 0 if seconds < 0.98 * best[0] else worse + 1
            best = min(best, (seconds, at, size), key=lambda way: way[0])
            if worse == 2:
                break
        return best

    def _speed(self, at: Tensor, size: int, slopes: bool) -> float:
        """Seconds a row: the better of two tries."""
        now, rows = clock(self.device), max(size, 32)
        self._run(size, slopes, at, size)
        tries = []
        for _ in range(2):
            start = now()
            self._run(rows, slopes, at, size)
            tries.append((now() - start) / rows)
        return min(tries)

    def _run(self, rows: int, slopes: bool, at: Tensor, size: int) -> None:
        with evaluating(self.model.net), torch.inference_mode(not slopes):
            place = 0
            while rows > 0:
                if place >= len(at):
                    place = 0
                step = min(size, rows, len(at) - place)
                self._pass(at[place : place + step], slopes)
                place, rows = place + step, rows - step

    def _pass(self, at: Tensor, slopes: bool) -> None:
        model = self.model
        if slopes:
            at = at.detach().requires_grad_()
        lengths = (at.shape[1],) * len(at) if model.modality == "text" else ()
        batch = Batch(at, lengths, padding(lengths, at.device) if lengths else None)
        scores = model.inputs.run(model.net, at, batch)
        if slopes:
            torch.autograd.grad(scores[:, 0].sum(), at)


def _channels_last(at: Tensor) -> bool:
    return at.ndim == 4 and at.is_contiguous(memory_format=torch.channels_last)
