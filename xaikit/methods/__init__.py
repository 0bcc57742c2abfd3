"""The explanation methods; importing this package fills `METHODS`, in the order in which "auto" asks."""

from xaikit.methods import shap, lime, removal, gradient, cam, attention, noisy, controls  # noqa: I001 - their order
from xaikit.methods.base import METHODS, Card, Method, Translation, applicable, ask, make_method

__all__ = [
    "METHODS",
    "Card",
    "Method",
    "Translation",
    "applicable",
    "ask",
    "attention",
    "cam",
    "controls",
    "gradient",
    "lime",
    "make_method",
    "noisy",
    "removal",
    "shap",
]
