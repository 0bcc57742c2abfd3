"""Fully connected nets."""

from __future__ import annotations

import math

from torch import Tensor, nn

from xaikit.models.zoo.architecture import Shape

__all__ = ["MLP"]


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
