"""Nets that look ahead in series (B, L, C), their last steps being the latest."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape
from xaikit.models.zoo.transformer import Block, LearnedPositions

__all__ = ["Mixer1d", "PatchTransformer", "TCN1d"]


class PatchTransformer(nn.Module):
    """Each channel by itself, cut into overlapping patches of time that are the tokens of a transformer;
    the last value is subtracted before and added after (Nie et al. 2023, Kim et al. 2022)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        patch: int = 16,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        length, channels = shape
        if n_outputs % channels:
            raise ModelError(
                f"the net forecasts each of {channels} channels from itself and {n_outputs} values are "
                "wanted; forecast every channel, or use tcn_1d or mixer_1d."
            )
        if patch > length:
            raise ModelError(
                f"patch is {patch} and the series have {length} steps; set another patch."
            )
        self.patch, self.stride = patch, max(1, patch // 2)
        tokens = (length - patch) // self.stride + 2
        self.entry = nn.Linear(patch, width)
        self.positions = LearnedPositions(tokens, width)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(tokens * width, n_outputs // channels)

    def forward(self, x: Tensor) -> Tensor:  # (B, L, C) -> (B, C * H)
        last = x[:, -1:, :]
        each = (x - last).transpose(1, 2).flatten(0, 1)  # (B * C, L)
        padded = F.pad(each[:, None], (0, self.stride), mode="replicate")[:, 0]
        tokens = self.entry(padded.unfold(1, self.patch, self.stride))  # (B * C, T, W)
        tokens = self.drop(self.positions(tokens))
        for block in self.blocks:
            tokens = block(tokens)
        later = self.head(self.drop(self.norm(tokens).flatten(1)))  # (B * C, H)
        later = later.unflatten(0, (len(x), -1)) + last.transpose(1, 2)
        return later.flatten(1)  # type: ignore[no-any-return]


class TCN1d(nn.Module):
    """Causal convolutions of growing dilation with residual connections; the head reads the last step
    (Bai, Kolter & Koltun 2018)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 32,
        depth: int = 5,
        kernel: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.entry = nn.Conv1d(shape[1], width, 1)
        self.levels = nn.ModuleList(
            _Causal(width, kernel, 2**level, dropout) for level in range(depth)
        )
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:  # (B, L, C) -> (B, K)
        at = self.entry(x.transpose(1, 2))
        for level in self.levels:
            at = level(at)
        return self.head(at[:, :, -1])  # type: ignore[no-any-return]


class _Causal(nn.Module):
    """Two convolutions that see no later step, added to their input."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.first = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.second = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.relu1, self.relu2, self.drop = nn.ReLU(), nn.ReLU(), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:  # (B, W, L)
        y = self.drop(self.relu1(self.first(F.pad(x, (self.past, 0)))))
        return x + self.relu2(self.second(F.pad(y, (self.past, 0))))  # type: ignore[no-any-return]


class Mixer1d(nn.Module):
    """Channels are mixed step by step, then all steps by one linear layer (after Chen et al. 2023)."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 32, dropout: float = 0.1
    ) -> None:
        super().__init__()
        length, channels = shape
        self.mix = nn.Sequential(
            nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(length * width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:  # (B, L, C) -> (B, K)
        return self.head(self.drop(self.mix(x).flatten(1)))  # type: ignore[no-any-return]
