"""Small textbook nets, one file a family; `architectures` declares them all, without torch."""

from __future__ import annotations

from xaikit.models.zoo import architectures
from xaikit.models.zoo.architecture import ZOO, Architecture, Recipe, build

__all__ = ["ZOO", "Architecture", "Recipe", "architectures", "build"]
