"""The explanation methods; importing this package fills `METHODS`."""

from xaikit.methods import (
    attention,
    cam,
    controls,
    gradient,
    lime,
    removal,
    shap,
)
from xaikit.methods.base import METHODS, BatchMethod, Card, Method, applicable, ask, make_method

__all__ = [
    "METHODS",
    "BatchMethod",
    "Card",
    "Method",
    "applicable",
    "ask",
    "attention",
    "cam",
    "controls",
    "gradient",
    "lime",
    "make_method",
    "removal",
    "shap",
]
