"""Masked inputs of one sample, put together on the device from what was encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.inputs import Batch, Inputs
from xaikit.models.modes import Parts, evaluating

__all__ = ["Composed", "Net"]

Array = NDArray[Any]
FEW = 16  # numbers of one place that lie together in memory


class Net(Protocol):
    """What evaluating masks needs of a `NeuralModel`."""

    net: nn.Module
    inputs: Inputs

    @property
    def parts(self) -> Parts: ...

    @property
    def batch_rows(self) -> int: ...

    def beside(self, x: Array, references: Array) -> tuple[Batch, Tensor]: ...

    def forward(self, at: Tensor, batch: Batch) -> Tensor: ...


class Composed:
    """Scores of masks, in a buffer that is used again and again; see `abilities.Maskable`.

    batch : the sample, encoded; others : (k, ...) its references, encoded; change : from these to it
    places : the feature of each place of an encoded input, n where there is none
    straight : whether `places` are the features, in their order
    alike : composed inputs of equal `alike` fit into one pass
    """

    def __init__(self, model: Net, x: Array, references: Array, ids: Ints) -> None:
        self._run, self.n_features = model.forward, int(ids.max()) + 1
        self._parts = model.parts
        with self.still(), torch.inference_mode():
            self.batch, self.others = model.beside(x, references)
            self.change = self.batch.at - self.others
        places = model.inputs.places(ids, self.batch)
        # places of no feature read the column of ones that is put behind the masks
        self.places = np.where(places < 0, self.n_features, places)
        self._order = _order(self.others[0], self.places)
        self._shape, index = self.places.shape, self.places
        if self._order:
            index = np.broadcast_to(index[None], (1, *self.others.shape[1:])).transpose(self._order)
            self._shape = (index.size,)
        index = np.ascontiguousarray(index).reshape(-1)
        self._index = torch.from_numpy(index).to(self.others.device)
        self.straight = np.array_equal(index, np.arange(self.n_features))
        self._buffer, self._repeated = self.others.new_empty(0), self.batch
        told = tuple(map(_plain, (self.batch.types, self.batch.asked, self.batch.said)))
        self.alike = (id(model.net), tuple(self.others.shape[1:]), self.batch.lengths, told)

    def still(self) -> AbstractContextManager[None]:
        """The context in which the net is run."""
        return evaluating(self._parts)

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        with self.still(), torch.inference_mode():
            scores = self._scores(self.composed(masks, rows))
        return scores.reshape(len(masks), len(scores) // len(masks), -1)

    def together(self, others: Sequence[Composed], masks: Sequence[Bools]) -> list[Floats]:
        """Scores (m, k, K) of the masks of each of the others, in one pass."""
        sizes = [len(own) * len(other.others) for own, other in zip(masks, others, strict=True)]
        with self.still(), torch.inference_mode():
            flat = self._room(sum(sizes))
            for part, own, other in zip(torch.split(flat, sizes), masks, others, strict=True):
                other.compose(own, slice(None), part)
            scores = np.split(self._scores(flat), np.cumsum(sizes)[:-1])
        return [s.reshape(len(own), -1, s.shape[1]) for s, own in zip(scores, masks, strict=True)]

    def composed(self, masks: Bools, rows: slice) -> Tensor:
        """The masked inputs (m * k', ...), in memory that the next call uses again."""
        flat = self._room(len(masks) * len(self.others[rows]))
        self.compose(masks, rows, flat)
        return flat

    def compose(self, masks: Bools, rows: slice, out: Tensor) -> None:
        """Put the masked inputs (m * k', ...) into `out`."""
        part, change = self._stored(self.others[rows]), self._stored(self.change[rows])
        m, kept = len(masks), torch.from_numpy(masks).to(self.others)
        if not self.straight:
            kept = F.pad(kept, (0, 1), value=1.0).index_select(1, self._index)
        into = self._stored(out).view(m, *part.shape)
        torch.addcmul(part, kept.view(m, 1, *self._shape), change, out=into)
        whole = masks.all(axis=1)
        if whole.any():  # exactly the sample, without rounding
            into[torch.from_numpy(whole)] = self._stored(self.batch.at)

    def _stored(self, at: Tensor) -> Tensor:
        """(B, ...) -> the same memory as (B, values), where that is faster to multiply."""
        return at.permute(self._order).view(len(at), -1) if self._order else at

    def _room(self, n: int) -> Tensor:
        """(n, ...) memory, laid out as each of the references is."""
        if len(self._buffer) < n:
            row = self.others[0]
            strides = (row.numel(), *self.others.stride()[1:])
            self._buffer = self.others.new_empty_strided((n, *row.shape), strides)
        return self._buffer[:n]

    def _scores(self, flat: Tensor) -> Floats:
        if self.batch.lengths and len(self._repeated.lengths) != len(flat):
            self._repeated = self.batch.take(torch.zeros(len(flat), dtype=torch.long))
        found: Floats = self._run(flat, self._repeated).double().cpu().numpy()
        return found


def _plain(told: Tensor | None) -> Any:
    """What the net is told of the sample, to be compared."""
    return None if told is None else tuple(told[0].tolist())


def _order(row: Tensor, places: Ints) -> tuple[int, ...]:
    """The axes of (B, *row) as they are stored, where a place holds few neighbours; otherwise ().

    A product that repeats a factor for a few numbers only, three colours say, is slow.
    """
    axes = sorted(range(row.ndim), key=lambda axis: -row.stride()[axis])
    few = places.shape[axes[-1]] < row.shape[axes[-1]] < FEW
    return (0, *(axis + 1 for axis in axes)) if few else ()
