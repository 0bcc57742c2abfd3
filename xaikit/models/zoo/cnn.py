"""Convolutional nets for images and series. Every activation is a module of its own, used once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape

__all__ = ["FCN1d", "Inception1d", "LeNet", "LogMelCNN", "ResNetSmall", "VGGSmall"]

_LENGTHS = (39, 19, 9)  # of convolutions over time


class LeNet(nn.Module):
    """Two convolutions with pooling, then two fully connected layers (LeCun et al. 1998, with ReLU,
    max pooling and wider layers, as it is taught today)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 16,
        hidden: int = 128,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        channels, height, across = shape
        _need(shape, 4)
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * width * (height // 4) * (across // 4), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_outputs),
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K)
        return self.head(self.features(x))  # type: ignore[no-any-return]


class VGGSmall(nn.Module):
    """Three stages of two 3 x 3 convolutions and a pooling, then two fully connected layers
    (Simonyan & Zisserman 2015, with batch normalisation)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 16,
        hidden: int = 128,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        channels, height, across = shape
        _need(shape, 8)
        stages: list[nn.Module] = []
        for stage in range(3):
            out = width * 2**stage
            stages += [*_conv(channels, out), *_conv(out, out), nn.MaxPool2d(2)]
            channels = out
        self.features = nn.Sequential(*stages)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(channels * (height // 8) * (across // 8), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_outputs),
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K)
        return self.head(self.features(x))  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a short cut (He et al. 2016)."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_conv(channels, out, stride),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        same = stride == 1 and channels == out
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(
                nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.branch(x) + self.shortcut(x))  # type: ignore[no-any-return]


class ResNetSmall(nn.Module):
    """Three stages of residual blocks, a global average and one linear layer, so that CAM, Grad-CAM
    and HiResCAM agree on its last stage (He et al. 2016, the CIFAR form)."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 16, depth: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        _need(shape, 8)
        self.stem = nn.Sequential(*_conv(shape[0], width))
        blocks: list[nn.Module] = []
        channels = width
        for stage in range(3):
            for i in range(depth):
                stride = 2 if stage and i == 0 else 1
                blocks.append(ResidualBlock(channels, width * 2**stage, stride))
                channels = width * 2**stage
        self.stages = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, n_outputs))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K)
        return self.head(self.pool(self.stages(self.stem(x))))  # type: ignore[no-any-return]


class FCN1d(nn.Module):
    """Three convolutions over time (kernels 8, 5, 3), a global average and one linear layer (Wang,
    Yan & Oates 2017)."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 64, dropout: float = 0.0
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = shape[1]
        for out, kernel in ((width, 8), (2 * width, 5), (width, 3)):
            layers += [
                nn.ConstantPad1d(((kernel - 1) // 2, kernel // 2), 0.0),  # time keeps its length
                nn.Conv1d(channels, out, kernel, bias=False),
                nn.BatchNorm1d(out),
                nn.ReLU(),
            ]
            channels = out
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, n_outputs))

    def forward(self, x: Tensor) -> Tensor:  # (B, L, C) -> (B, K)
        return self.head(self.pool(self.features(x.transpose(1, 2))))  # type: ignore[no-any-return]


class LogMelCNN(nn.Module):
    """Three convolutions over mel bands and times; the head reads the largest activation of
    each band in each part of the time, so that a pitch keeps its place and a moment may move.

    times : parts of the time
    """

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 16, times: int = 4, dropout: float = 0.3
    ) -> None:
        super().__init__()
        _need(shape, 8)
        self.features = nn.Sequential(
            nn.Conv2d(shape[0], width, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            *_conv(width, 2 * width), nn.MaxPool2d(2),
            *_conv(2 * width, 2 * width),
        )  # fmt: skip
        self.pool = nn.AdaptiveMaxPool2d((None, times))
        n = 2 * width * (-(-shape[1] // 2) // 2) * times
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(n, n_outputs))

    def forward(self, x: Tensor) -> Tensor:  # (B, 1, M, T) -> (B, K)
        return self.head(self.pool(self.features(x)))  # type: ignore[no-any-return]


class InceptionBlock(nn.Module):
    """Three lengths of convolution over a narrowed input and one behind a maximum, side by side."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv1d(channels, width, 1, bias=False)
        self.branches = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding=kernel // 2, bias=False) for kernel in _LENGTHS
        )
        self.highest = nn.Sequential(
            nn.MaxPool1d(3, 1, 1), nn.Conv1d(channels, width, 1, bias=False)
        )
        self.norm = nn.BatchNorm1d((len(_LENGTHS) + 1) * width)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, L) -> (B, 4 W, L)
        narrow = self.narrow(x)
        found = [branch(narrow) for branch in self.branches]
        return self.norm(torch.cat([*found, self.highest(x)], dim=1))  # type: ignore[no-any-return]


class Inception1d(nn.Module):
    """Blocks of convolutions of three lengths, a short cut around all of them, a global average and one
    linear layer (InceptionTime, Ismail Fawaz et al. 2020: one small net of it, not an ensemble of five)."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 16, depth: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        wide = (len(_LENGTHS) + 1) * width
        self.shortcut = nn.Sequential(
            nn.Conv1d(shape[1], wide, 1, bias=False), nn.BatchNorm1d(wide)
        )
        layers: list[nn.Module] = []
        for i in range(depth):
            layers += [InceptionBlock(wide if i else shape[1], width)]
            layers += [nn.ReLU()] if i < depth - 1 else []
        self.blocks = nn.Sequential(*layers)
        self.features = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(wide, n_outputs))

    def forward(self, x: Tensor) -> Tensor:  # (B, L, C) -> (B, K)
        steps = x.transpose(1, 2)
        features = self.features(self.blocks(steps) + self.shortcut(steps))
        return self.head(self.pool(features))  # type: ignore[no-any-return]


def _conv(channels: int, out: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    ]


def _need(shape: Shape, least: int) -> None:
    if min(shape[1:]) < least:
        raise ModelError(
            f"images of {shape[1]} x {shape[2]} px are too small for this net; it needs "
            f"{least} x {least} or more."
        )
