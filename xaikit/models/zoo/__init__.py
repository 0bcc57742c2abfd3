"""Small textbook nets, one file a family."""

from __future__ import annotations

from xaikit.models.zoo import cnn, mlp, rnn, transformer
from xaikit.models.zoo.card import ZOO, Architecture, Recipe, build

__all__ = ["ZOO", "Architecture", "Recipe", "build", "cnn", "mlp", "rnn", "transformer"]
