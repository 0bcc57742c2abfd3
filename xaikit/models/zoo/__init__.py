"""Small textbook nets, one file a family; `cards` declares them all, without torch."""

from __future__ import annotations

from xaikit.models.zoo import cards
from xaikit.models.zoo.card import ZOO, Architecture, Recipe, build

__all__ = ["ZOO", "Architecture", "Recipe", "build", "cards"]
