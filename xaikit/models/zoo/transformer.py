"""Transformers over words, time steps or image patches, pre-norm, on fused attention."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape

__all__ = ["SequenceTransformer", "ViTSmall"]

Reads = Literal["first", "last"]


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int, dropout: float, causal: bool) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"width {width} is no multiple of heads {heads}; change one of them.")
        self.heads, self.dropout, self.causal = heads, dropout, causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        # (B, T, 3 W) -> (3, B, heads, T, W / heads)
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # padding stands at the end, so a causal net never sees it from a real word
        mask = None if valid is None or self.causal else valid[:, None, None, :]
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.causal,
        )
        return self.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then a two-layer net, each on a normalised input and added to its input."""

    def __init__(self, width: int, heads: int, dropout: float, causal: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout, causal)
        self.drop1 = nn.Dropout(dropout)
        self.norm2 = nn.LayerNorm(width)
        self.dense = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        x = x + self.drop1(self.attention(self.norm1(x), valid))
        return x + self.dense(self.norm2(x))  # type: ignore[no-any-return]


class Positions(nn.Module):
    """Adds sine waves that tell places apart, for any length (Vaswani et al. 2017, 3.5)."""

    def forward(self, x: Tensor) -> Tensor:  # (B, T, W)
        length, width = x.shape[1:]
        rates = torch.exp(
            torch.arange(0, width, 2, device=x.device) * (-math.log(10_000.0) / width)
        )
        angles = torch.arange(length, device=x.device)[:, None] * rates
        waves = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]
        return x + waves.to(x.dtype)


class ClassToken(nn.Module):
    """Puts one learned vector before the sequence, for the head to read (Devlin et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, W) -> (B, 1 + T, W)
        return torch.cat([self.vector.expand(len(x), 1, -1), x], dim=1)


class SequenceTransformer(nn.Module):
    """An encoder whose head reads a class token ("first", BERT), or a causal net whose head reads the
    last real token ("last", GPT)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        reads: Reads,
        *,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.reads = reads
        self.entry = nn.Linear(shape[1], width)
        with torch.no_grad():  # else places drown words (Vaswani et al. 2017, 3.4)
            self.entry.weight *= math.sqrt(width)
        self.prefix = ClassToken(width) if reads == "first" else nn.Identity()
        self.positions = Positions()
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, heads, dropout, causal=reads == "last") for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, T, E), valid (B, T) or None when nothing is padding -> (B, K)"""
        x = self.drop(self.positions(self.prefix(self.entry(x))))
        if valid is not None and self.reads == "first":
            valid = F.pad(valid, (1, 0), value=True)
        for block in self.blocks:
            x = block(x, valid)
        return self.head(self.norm(self._read(x, valid)))  # type: ignore[no-any-return]

    def _read(self, x: Tensor, valid: Tensor | None) -> Tensor:
        if self.reads == "first":
            return x[:, 0]
        if valid is None:
            return x[:, -1]
        return x[torch.arange(len(x), device=x.device), valid.sum(1) - 1]


class ViTSmall(nn.Module):
    """Image patches as tokens, a class token, learned positions (Dosovitskiy et al. 2021)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        patch: int = 4,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        channels, height, across = shape
        if height % patch or across % patch:
            raise ModelError(
                f"images of {height} x {across} px do not divide into patches of {patch} px; set "
                "another patch."
            )
        self.reads: Reads = "first"
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.prefix = ClassToken(width)
        self.positions = LearnedPositions(1 + (height // patch) * (across // patch), width)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K)
        x = self.patches(x).flatten(2).transpose(1, 2)  # (B, patches, W)
        x = self.drop(self.positions(self.prefix(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))  # type: ignore[no-any-return]


class LearnedPositions(nn.Module):
    """Adds one learned vector to each place."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(length, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.vectors
