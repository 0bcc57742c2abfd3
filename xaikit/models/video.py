"""How videos and volumes become tensors for a net, and how maps come back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.types import Ints, PerSample
from xaikit.models.inputs import Batch, Convolution, as_tensor, stacked, to_rows

__all__ = ["VideoEncoder"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class VideoEncoder:
    """Videos and volumes (T, H, W, C) in [0, 1] -> (B, C, T, H, W), each channel scaled."""

    shape: tuple[int, int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kind: ClassVar[str] = "frames"
    pads: ClassVar[bool] = False
    axes: ClassVar[int] = 3
    convolution: ClassVar[Convolution | None] = nn.Conv3d

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        del net
        x = as_tensor(stacked(xs, self.shape), device)
        x = x.sub_(x.new_tensor(self.mean)).div_(x.new_tensor(self.std))
        return Batch(x.movedim(-1, 1).contiguous())

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
        return to_rows(values.sum(1))

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """Linear in time and space."""
        del batch
        size = self.shape[:3]
        return to_rows(F.interpolate(maps[:, None].double(), size, mode="trilinear")[:, 0])

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        del batch
        size = self.shape[:3]
        wide = F.interpolate(cells[:, None].double(), size, mode="nearest")[:, 0]
        return to_rows(wide * (math.prod(cells.shape[1:]) / math.prod(size)))

    def example(self) -> Array:
        noise = np.random.default_rng(0).normal(self.mean, self.std, self.shape)
        return noise.clip(0, 1).astype(np.float32)

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, "shape": self.shape, "mean": self.mean, "std": self.std}
