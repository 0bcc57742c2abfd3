"""How well a model does on labelled samples."""

from __future__ import annotations

from typing import Any

from xaikit.core.abilities import Model
from xaikit.data.dataset import Dataset
from xaikit.models.realism import realism
from xaikit.tasks import task_of

__all__ = ["evaluate"]


def evaluate(model: Model, data: Dataset, split: str = "test") -> dict[str, Any]:
    """How well the model does on a split, as its task measures it: accuracy with its counts, or r2
    with its interval, and mae."""
    if data.real is not None:
        return realism(model, data, split)
    return task_of(model).measured(model, getattr(data, split))
