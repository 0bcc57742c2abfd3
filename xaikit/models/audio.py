"""How sounds reach a net: as log-mel pictures made here, or as waves; both can be differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.sound import QUIET, hann, mel_bank, mel_levels
from xaikit.core.types import Floats, PerSample
from xaikit.models.grids import Grid
from xaikit.models.inputs import Batch, Convolution, as_tensor, stacked, to_rows

__all__ = ["MelEncoder", "WaveEncoder"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class WaveEncoder(Grid):
    """Sounds (F, T, 2) -> (B, 2, F, T) levels and phases, where derivatives are taken; the net is given the
    wave (B, L) that they make, scaled.

    A layer of such a net has no known place in time and frequency.
    """

    shape: tuple[int, int, int]
    kind: ClassVar[str] = "sound"
    axes: ClassVar[int] = 2
    convolution: ClassVar[Convolution | None] = None

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        del net
        return Batch(as_tensor(stacked(xs, self.shape), device).movedim(-1, 1).contiguous())

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        return super().run(net, (_wave(at) - self.mean[0]) / self.std[0], batch)

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """Never: no layer of such a net is taken for a map."""
        raise NotImplementedError

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        """Never, either."""
        raise NotImplementedError

    def example(self) -> Array:
        rng = np.random.default_rng(0)
        level, phase = rng.normal(-50, 10, self.shape[:2]), rng.uniform(-3, 3, self.shape[:2])
        return np.stack([level, phase], axis=-1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class MelEncoder(WaveEncoder):
    """The same, and the net is given (B, 1, M, T): levels of mel bands in dB, each by its own mean and spread,
    high ones first.

    rate : samples a second
    """

    rate: int = 8000
    convolution: ClassVar[Convolution | None] = nn.Conv2d

    @classmethod
    def fit(cls, xs: Sequence[Array], rate: int) -> MelEncoder:
        levels = np.stack([mel_levels(x, rate) for x in xs])
        mean, std = levels.mean(axis=(0, 2)), levels.std(axis=(0, 2))
        scale = np.where(std > 1e-8, std, 1.0)
        return cls(tuple(xs[0].shape), tuple(mean.tolist()), tuple(scale.tolist()), rate)

    @cached_property
    def bank(self) -> Floats:
        return mel_bank(self.shape[0], self.rate)

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        del batch
        power = torch.pow(10.0, at[:, 0] / 10)
        levels = 10 * torch.log10(at.new_tensor(self.bank) @ power + QUIET)
        mean, std = at.new_tensor(self.mean), at.new_tensor(self.std)
        return net(((levels - mean[:, None]) / std[:, None])[:, None])  # type: ignore[no-any-return]

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """Linear between cells over mel bands and times; a frequency shows the bands that hear it."""
        del batch
        size = (len(self.bank), self.shape[1])
        fine = F.interpolate(maps[:, None].double(), size, mode="bilinear")[:, 0]
        heard = self.bank / np.maximum(self.bank.sum(axis=0), 1e-12)
        return to_rows(torch.from_numpy(heard.T.copy()).to(fine) @ fine)

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        del batch
        size = (len(self.bank), self.shape[1])
        fine = F.interpolate(cells[:, None].double(), size, mode="nearest")[:, 0]
        fine = fine * (cells.flatten(1).sum(1) / fine.flatten(1).sum(1))[:, None, None]
        shared = self.bank / self.bank.sum(axis=1, keepdims=True)
        return to_rows(torch.from_numpy(shared.T.copy()).to(fine) @ fine)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "rate": self.rate}


def _wave(at: Tensor) -> Tensor:
    """(B, 2, F, T) -> (B, L), as `core.sound.wave_of`."""
    level, phase = at.flip(2).transpose(2, 3).unbind(1)
    n = 2 * (level.shape[2] - 1)
    frames = torch.fft.irfft(torch.polar(torch.pow(10.0, level / 20) * (n / 4), phase), dim=2)
    window = at.new_tensor(hann(n))
    first, second = (frames * window).chunk(2, dim=2)
    added: Tensor = (second[:, :-1] + first[:, 1:]) / window.square().view(2, -1).sum(0)
    return added.flatten(1)
