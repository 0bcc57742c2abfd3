"""Nets that give their input again through a narrow middle."""

from __future__ import annotations

import math

from torch import Tensor, nn

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape

__all__ = ["ConvAE", "DenseAE"]


class DenseAE(nn.Module):
    """Dense layers down to a few numbers and up again (Hinton & Salakhutdinov 2006); of a table or a
    series, whose steps are laid side by side."""

    def __init__(self, shape: Shape, n_outputs: int, *, width: int = 64, middle: int = 4) -> None:
        super().__init__()
        del n_outputs  # as many as it reads
        self.shape, n = shape, math.prod(shape)
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(n, width), nn.GELU(), nn.Linear(width, middle)
        )
        self.decoder = nn.Sequential(nn.Linear(middle, width), nn.GELU(), nn.Linear(width, n))

    def forward(self, x: Tensor) -> Tensor:  # (B, *shape) -> (B, *shape)
        return self.decoder(self.encoder(x)).unflatten(1, self.shape)  # type: ignore[no-any-return]


class ConvAE(nn.Module):
    """Two strided convolutions down, dense to a few numbers, and the same way up."""

    def __init__(self, shape: Shape, n_outputs: int, *, width: int = 16, middle: int = 16) -> None:
        super().__init__()
        del n_outputs
        channels, height, across = shape
        if height % 4 or across % 4:
            raise ModelError(
                f"pictures of {height} x {across} px do not halve twice; scale them by size."
            )
        small = (2 * width, height // 4, across // 4)
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GELU(),
            nn.Flatten(), nn.Linear(math.prod(small), middle),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(middle, math.prod(small)), nn.GELU(), nn.Unflatten(1, small),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.GELU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return self.decoder(self.encoder(x))  # type: ignore[no-any-return]
