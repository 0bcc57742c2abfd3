"""Nets that answer for every place of a picture: boxes of objects, and the class of each pixel."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape

__all__ = ["Detector", "UNet"]

STRIDE = 8


class Detector(nn.Module):
    """One shot: every cell of 8 x 8 px says whether an object is there, its box and its class (Redmon et al.
    2016; boxes as distances to their four sides, Tian et al. 2019)."""

    def __init__(self, shape: Shape, n_outputs: int, *, width: int = 16) -> None:
        super().__init__()
        channels = shape[0]
        _need(shape, STRIDE)
        wide = 4 * width
        self.features = nn.Sequential(
            *_conv(channels, width), nn.MaxPool2d(2),
            *_conv(width, 2 * width), nn.MaxPool2d(2),
            *_conv(2 * width, wide), nn.MaxPool2d(2),
            *_conv(wide, wide), *_conv(wide, wide),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(wide, wide), nn.ReLU(), nn.Linear(wide, 5 + n_outputs))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, A, 5 + K)
        maps = self.features(x)
        cells = maps.flatten(2).transpose(1, 2)
        at = torch.arange(cells.shape[1], device=x.device)
        across = maps.shape[3]
        centres = STRIDE * (torch.stack([at % across, at // across], dim=1) + 0.5)  # (A, 2) px
        sides, rest = self.head(cells).tensor_split((4,), dim=2)
        reach = STRIDE * F.softplus(sides + 1)  # px to the left, top, right and bottom
        first, last = centres - reach[..., :2], centres + reach[..., 2:]
        return torch.cat([first, last, rest], dim=2)


class UNet(nn.Module):
    """Down by halves and up again, with bridges (Ronneberger et al. 2015), and with `context` what the whole
    picture holds on average, added to every pixel's logits."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 8, context: bool = True
    ) -> None:
        super().__init__()
        channels = shape[0]
        _need(shape, 8)
        widths = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(
            _twice(a, b) for a, b in zip([channels, *widths], widths, strict=False)
        )
        self.shrink = nn.ModuleList(nn.MaxPool2d(2) for _ in widths)
        self.bottom = _twice(widths[-1], widths[-1])
        self.grow = nn.ModuleList(nn.Upsample(scale_factor=2) for _ in widths)
        onward = [*reversed(widths[:-1]), width]
        self.up = nn.ModuleList(
            _twice(2 * here, after) for here, after in zip(reversed(widths), onward, strict=True)
        )
        self.context = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(widths[-1], widths[-1]), nn.ReLU(), nn.Linear(widths[-1], n_outputs),
        ) if context else None  # fmt: skip
        self.head = nn.Conv2d(width, n_outputs, 1)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K, H, W)
        bridges: list[Any] = []
        for conv, shrink in zip(self.down, self.shrink, strict=True):
            bridges.append(conv(x))
            x = shrink(bridges[-1])
        x = self.bottom(x)
        context = None if self.context is None else self.context(x)[:, :, None, None]
        for conv, grow in zip(self.up, self.grow, strict=True):
            x = conv(torch.cat([grow(x), bridges.pop()], dim=1))
        near = self.head(x)
        return near if context is None else near + context  # type: ignore[no-any-return]


def _conv(before: int, after: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]


def _twice(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(*_conv(before, after), *_conv(after, after))


def _need(shape: Shape, step: int) -> None:
    if shape[1] % step or shape[2] % step:
        raise ModelError(
            f"pictures of {shape[1]} x {shape[2]} px do not halve three times; scale them by size to "
            f"multiples of {step}."
        )
