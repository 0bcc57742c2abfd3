"""How samples on a grid become tensors for a net, and how maps come back: pictures, videos and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.types import Ints, PerSample
from xaikit.models.inputs import (
    Batch,
    Convolution,
    as_tensor,
    floats_of,
    spreads_of,
    stacked,
    to_rows,
)

__all__ = ["Grid", "PixelEncoder", "VideoEncoder"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Grid:
    """What all inputs (*grid, C) have in common that a net is given as (B, C, *grid), scaled by channel."""

    shape: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pads: ClassVar[bool] = False
    kind: ClassVar[str]
    axes: ClassVar[int]
    linear: ClassVar[str]  # how torch calls linear between cells of so many axes

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        del batch
        return net(at)  # type: ignore[no-any-return]

    def composes(self, references: Array, drops: bool) -> bool:
        del references, drops
        return True

    def places(self, ids: Ints, batch: Batch) -> Ints:
        del batch
        return ids[None]

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        del batch
        return to_rows(reduce(torch.add, values.unbind(1)))  # a sum over few channels is slow

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        del batch
        size = self.shape[:-1]
        return to_rows(F.interpolate(maps[:, None].double(), size, mode=self.linear)[:, 0])

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        del batch
        size = self.shape[:-1]
        wide = F.interpolate(cells[:, None].double(), size, mode="nearest")[:, 0]
        return to_rows(wide * (math.prod(cells.shape[1:]) / math.prod(size)))

    def example(self) -> Array:
        noise = np.random.default_rng(0).normal(self.mean, self.std, self.shape)
        return noise.clip(0, 1).astype(np.float32)

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, "shape": self.shape, "mean": self.mean, "std": self.std}


@dataclass(frozen=True, eq=False)
class PixelEncoder(Grid):
    """Images (H, W, C) in [0, 1] -> (B, C, H, W), each channel scaled by its own mean and spread.

    apart : the net reads channels that lie one after the other, since it asks for a `view`; else they
        lie together, which is fast on a CPU
    """

    shape: tuple[int, int, int]
    apart: bool = False
    kind: ClassVar[str] = "pixels"
    axes: ClassVar[int] = 2
    linear: ClassVar[str] = "bilinear"
    convolution: ClassVar[Convolution | None] = nn.Conv2d

    @classmethod
    def fit(cls, xs: Sequence[Array]) -> PixelEncoder:
        every = stacked(xs, None).reshape(-1, xs[0].shape[2])
        return cls(tuple(xs[0].shape), floats_of(every.mean(0)), spreads_of(every.std(0)))

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        del net
        x = as_tensor(stacked(xs, self.shape), device).flatten(2)  # (B, H, W * C), one long row
        n = self.shape[1]
        x = x.sub_(x.new_tensor(self.mean * n)).div_(x.new_tensor(self.std * n))
        return Batch(x.view(-1, *self.shape).permute(0, 3, 1, 2))

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        if self.apart:  # of one channel, `contiguous` would keep the strides
            at = at.clone(memory_format=torch.contiguous_format)
        return super().run(net, at, batch)


@dataclass(frozen=True, eq=False)
class VideoEncoder(Grid):
    """Videos and volumes (T, H, W, C) in [0, 1] -> (B, C, T, H, W), each channel scaled."""

    shape: tuple[int, int, int, int]
    kind: ClassVar[str] = "frames"
    axes: ClassVar[int] = 3
    linear: ClassVar[str] = "trilinear"
    convolution: ClassVar[Convolution | None] = nn.Conv3d

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        del net
        x = as_tensor(stacked(xs, self.shape), device)
        x = x.sub_(x.new_tensor(self.mean)).div_(x.new_tensor(self.std))
        return Batch(x.movedim(-1, 1).contiguous())
