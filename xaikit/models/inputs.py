"""How samples in data space become tensors for a net, and how maps come back: columns, steps.

Preprocessing belongs to the model. Each class here reads one kind, is saved with the model, and
knows its way back from the tensor to the sample's grid. Pictures and other grids are in `grids.py`,
text is in `text.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Floats, Ints, PerSample

__all__ = [
    "Batch",
    "ColumnEncoder",
    "Convolution",
    "Inputs",
    "StepEncoder",
    "as_tensor",
    "floats_of",
    "padding",
    "spreads_of",
    "stacked",
    "to_rows",
]

Array = NDArray[Any]
Convolution = type[nn.Conv1d] | type[nn.Conv2d] | type[nn.Conv3d]


@dataclass(frozen=True, eq=False)
class Batch:
    """B encoded inputs.

    at : (B, ...) what the net reads, and where derivatives are taken
    lengths : (B,) number of places of each, for sequences; () otherwise
    valid : (B, T) bool, False on padding; None when there is none
    words : (B, T) long, the place that each token belongs to, -1 for special tokens and padding;
        None when token i is place i
    codes : (B, T) long, token ids of a text module that people bring
    types : (B, T) long, to which of two texts each token belongs, where the module is told
    asked : (B, A) long, the tokens that the scores are read at, where they are about some words
    said : (B, n) long, the tokens that a net is told it has said already; None for one that says its own
    """

    at: Tensor
    lengths: tuple[int, ...] = ()
    valid: Tensor | None = None
    words: Tensor | None = None
    codes: Tensor | None = None
    types: Tensor | None = None
    asked: Tensor | None = None
    said: Tensor | None = None

    def take(self, rows: Tensor) -> Batch:
        """The inputs of those rows, in that order; `at` is left as it is."""
        if not self.lengths:
            return self
        where = rows.to(self.at.device)

        def those(held: Tensor | None) -> Tensor | None:
            return None if held is None else held[where]

        return replace(
            self,
            lengths=tuple(self.lengths[i] for i in rows.tolist()),
            valid=those(self.valid),
            words=those(self.words),
            codes=those(self.codes),
            types=those(self.types),
            asked=those(self.asked),
            said=those(self.said),
        )


class Inputs(Protocol):
    """Reads samples of one kind for a net.

    kind : what a modality states as its `inputs`
    pads : whether inputs of different length are filled up at the end
    axes : how many axes of an encoded input have neighbours, 1 where none has
    convolution : the layer that runs along them, None where there is none
    """

    kind: ClassVar[str]
    pads: ClassVar[bool]

    @property
    def axes(self) -> int: ...

    @property
    def convolution(self) -> Convolution | None: ...

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        """B inputs in data space, encoded."""
        ...

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        """(B, ...) encoded inputs -> what the net gives, (B, K)."""
        ...

    def composes(self, references: Array, drops: bool) -> bool:
        """Whether masks with these references can be applied to encoded inputs."""
        ...

    def places(self, ids: Ints, batch: Batch) -> Ints:
        """Feature ids on the grid -> ids that broadcast against the one encoded input of the batch."""
        ...

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        """(B, ...) values at the encoded inputs -> B maps (*grid): sums of what is one place."""
        ...

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """(B, *s) maps over the cells of a layer -> B arrays (*grid), linear between cells."""
        ...

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        """(B, *s) shares of cells -> B arrays (*grid), evenly within a cell; the sum is kept."""
        ...

    def example(self) -> Array:
        """One plausible input, to find layers and to check shapes with."""
        ...

    def config(self) -> dict[str, Any]:
        """Everything needed to make this again, JSON-able."""
        ...


@dataclass(frozen=True, eq=False)
class ColumnEncoder:
    """Table rows (D,) -> (B, D'): numbers scaled by mean and spread, each category one 0/1 column.

    categories : (D,) number of categories of each column, 0 for a number
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    categories: tuple[int, ...]
    kind: ClassVar[str] = "columns"
    pads: ClassVar[bool] = False
    axes: ClassVar[int] = 1
    convolution: ClassVar[Convolution | None] = None

    @classmethod
    def fit(cls, xs: Sequence[Array], categories: Sequence[int]) -> ColumnEncoder:
        every = stacked(xs, None)
        number = np.array(categories) == 0
        mean = np.where(number, every.mean(0), 0.0)
        std = np.where(number, every.std(0), 1.0)
        return cls(floats_of(mean), spreads_of(std), tuple(int(c) for c in categories))

    @cached_property
    def owners(self) -> Ints:
        """(D',) the column that each encoded column belongs to."""
        return np.repeat(np.arange(len(self.mean)), [max(1, c) for c in self.categories])

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        del net
        x = stacked(xs, (len(self.mean),))
        x = (x - np.array(self.mean)) / np.array(self.std)
        if any(self.categories):
            parts = [
                self._one_hot(x[:, i], i) if n else x[:, [i]] for i, n in enumerate(self.categories)
            ]
            x = np.concatenate(parts, axis=1)
        return Batch(as_tensor(x, device))

    def _one_hot(self, codes: Floats, column: int) -> Floats:
        n = self.categories[column]
        wrong = (codes != np.round(codes)) | (codes < 0) | (codes >= n)
        if wrong.any():
            raise InvalidInput(
                f"column {column} is a category and holds {codes[wrong][0]:g}; its codes are the "
                f"whole numbers 0 to {n - 1}."
            )
        return np.asarray(codes[:, None] == np.arange(n), dtype=np.float64)

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        del batch
        return net(at)  # type: ignore[no-any-return]

    def composes(self, references: Array, drops: bool) -> bool:
        del references, drops
        return True

    def places(self, ids: Ints, batch: Batch) -> Ints:
        del batch
        return ids[self.owners]

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        del batch
        owners = torch.from_numpy(self.owners).to(values.device)
        summed = values.new_zeros(len(values), len(self.mean), dtype=torch.float64)
        return to_rows(summed.index_add_(1, owners, values.detach().double()))

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """Columns have no neighbours, so there is nothing between cells."""
        return self.fold(maps, batch)

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        return self.fold(cells, batch)

    def example(self) -> Array:
        return np.array(self.mean, dtype=np.float64)

    def config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "mean": self.mean,
            "std": self.std,
            "categories": self.categories,
        }


@dataclass(frozen=True, eq=False)
class StepEncoder:
    """Series (L, C) -> (B, L, C), each channel scaled by its own mean and spread.

    channels_first : the net reads (B, C, L) instead
    """

    shape: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels_first: bool = False
    kind: ClassVar[str] = "steps"
    pads: ClassVar[bool] = False
    axes: ClassVar[int] = 1
    convolution: ClassVar[Convolution | None] = nn.Conv1d

    @classmethod
    def fit(cls, xs: Sequence[Array]) -> StepEncoder:
        every = stacked(xs, None).reshape(-1, xs[0].shape[1])
        return cls(tuple(xs[0].shape), floats_of(every.mean(0)), spreads_of(every.std(0)))

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        del net
        x = as_tensor(stacked(xs, self.shape), device)
        x = (x - x.new_tensor(self.mean)) / x.new_tensor(self.std)
        return Batch(x, lengths=(self.shape[0],) * len(xs))

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        del batch
        return net(at.transpose(1, 2) if self.channels_first else at)  # type: ignore[no-any-return]

    def composes(self, references: Array, drops: bool) -> bool:
        del references, drops
        return True

    def places(self, ids: Ints, batch: Batch) -> Ints:
        del batch
        return ids

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        del batch
        return to_rows(values)

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """A layer over time knows no channels: each channel shows the same map."""
        del batch
        fine = F.interpolate(maps[:, None].double(), self.shape[0], mode="linear")[:, 0]
        return to_rows(fine[:, :, None].expand(-1, -1, self.shape[1]))

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        del batch
        length, channels = self.shape
        fine = F.interpolate(cells[:, None].double(), length, mode="nearest")[:, 0]
        wide = fine[:, :, None].expand(-1, -1, channels)
        return to_rows(wide * (cells.shape[1] / (length * channels)))

    def example(self) -> Array:
        noise = np.random.default_rng(0).normal(self.mean, self.std, self.shape)
        return noise.astype(np.float32)

    def config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "shape": self.shape,
            "mean": self.mean,
            "std": self.std,
            "channels_first": self.channels_first,
        }


def as_tensor(x: Array, device: torch.device) -> Tensor:
    """A float32 tensor on the device; it may hold the very numbers of x."""
    return torch.from_numpy(x.astype(np.float32, copy=False)).to(device)


def padding(lengths: Sequence[int], device: torch.device) -> Tensor | None:
    """(B, T) bool, False on padding, or None when there is none; length 0 counts as one blank."""
    counts = torch.tensor(lengths, device=device).clamp(min=1)
    if len(set(lengths)) == 1:
        return None
    return torch.arange(int(counts.max()), device=device) < counts[:, None]


def stacked(xs: Sequence[Array] | Array, shape: tuple[int, ...] | None) -> Array:
    """(B, *shape), a copy; each input must have the shape, or that of the first."""
    expected = tuple(xs[0].shape) if shape is None else shape
    if isinstance(xs, np.ndarray) and xs.shape[1:] == expected:
        return np.array(xs, order="C")
    for i, x in enumerate(xs):
        if tuple(x.shape) != expected:
            raise InvalidInput(
                f"input {i} has shape {tuple(x.shape)} and this model reads {expected}; resize it "
                "or ask a model made for it."
            )
    return np.array(xs, order="C")


def floats_of(values: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def spreads_of(values: Array) -> tuple[float, ...]:
    """Spreads to divide by: what never varies is left at its own scale."""
    return tuple(float(v) if v > 1e-8 else 1.0 for v in values)


def to_rows(values: Tensor) -> Floats:
    """As float64 in NumPy."""
    return np.asarray(values.detach().double().cpu().numpy())
