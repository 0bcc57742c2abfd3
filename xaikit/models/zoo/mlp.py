"""Fully connected nets: one, many that share their weights, and one over the mean of words."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from xaikit.models.zoo.architecture import Shape

__all__ = ["MLP", "MeanOfWords", "TabM"]


class MLP(nn.Module):
    """Linear layers with ReLU between; images are laid out as one row."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 64, depth: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        n_inputs = math.prod(shape)
        for _ in range(depth):
            layers += [nn.Linear(n_inputs, width), nn.ReLU(), nn.Dropout(dropout)]
            n_inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(n_inputs, n_outputs))

    def forward(self, x: Tensor) -> Tensor:  # (B, ...) -> (B, K)
        return self.layers(x)  # type: ignore[no-any-return]


class TabM(nn.Module):
    """Many nets that share all but the scale of their inputs and their last layer (TabM-mini,
    Gorishniy, Kotelnikov & Babenko 2025); the answer is the mean of theirs.

    In training one member, drawn anew, learns from a row: on average the mean of the members' losses
    at the price of one net.
    """

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 128,
        depth: int = 2,
        members: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        n_inputs = math.prod(shape)
        self.scale = nn.Embedding(members, n_inputs)
        self.scale.weight.data.sign_()
        self.shared = MLP((n_inputs,), width, width=width, depth=depth - 1, dropout=dropout)
        self.last = nn.Sequential(nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(members * width, n_outputs)
        nn.init.uniform_(self.head.weight, -(width**-0.5), width**-0.5)

    def forward(self, x: Tensor) -> Tensor:  # (B, D) -> (B, K)
        members = self.scale.num_embeddings
        if self.training:
            one = torch.randint(members, (len(x),), device=x.device)
            hidden = self.last(self.shared(x * self.scale(one)))
            mine = self.head.weight.reshape(-1, members, hidden.shape[1])[:, one]  # (K, B, W)
            return torch.einsum("bw,kbw->bk", hidden, mine) + self.head.bias
        hidden = self.last(self.shared((x[:, None] * self.scale.weight).flatten(0, 1)))
        return self.head(hidden.reshape(len(x), -1) / members)  # type: ignore[no-any-return]


class MeanOfWords(nn.Module):
    """The mean of the words' vectors and one linear layer (Joulin et al. 2017)."""

    def __init__(self, shape: Shape, n_outputs: int, *, dropout: float = 0.3) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(shape[1], n_outputs))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, T, E), valid (B, T) or None when nothing is padding -> (B, K)"""
        if valid is None:
            return self.head(x.mean(1))  # type: ignore[no-any-return]
        there = valid[:, :, None]
        return self.head((x * there).sum(1) / there.sum(1))  # type: ignore[no-any-return]
