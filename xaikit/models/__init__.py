"""Models: trained here, loaded from a folder, or brought along."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaikit.models.ensembles import ensemble
    from xaikit.models.evaluation import evaluate
    from xaikit.models.neural import NeuralModel
    from xaikit.models.store import load, load_model, save_model
    from xaikit.models.training import train
    from xaikit.models.wrapping import wrap
    from xaikit.models.zoo import ZOO

__all__ = [
    "ZOO",
    "NeuralModel",
    "ensemble",
    "evaluate",
    "load",
    "load_model",
    "models",
    "save_model",
    "train",
    "wrap",
]

# imported when first used, so that a scikit-learn model does not wait for torch
_HOMES = {
    "ZOO": "zoo",
    "NeuralModel": "neural",
    "ensemble": "ensembles",
    "evaluate": "evaluation",
    "load": "store",
    "load_model": "store",
    "save_model": "store",
    "train": "training",
    "wrap": "wrapping",
}


def models() -> list[Any]:
    """What is declared of every model that `train` knows: name, family, modalities, summary."""
    from xaikit.models.learners import ESTIMATORS
    from xaikit.models.zoo import ZOO

    return [registry.get(name) for registry in (ZOO, ESTIMATORS) for name in registry]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'xaikit.models' has no attribute '{name}'")
    return getattr(import_module(f"xaikit.models.{_HOMES[name]}"), name)
