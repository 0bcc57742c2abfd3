"""What a net is trained towards, one objective a task: the truth as tensors, and the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.models.neural import NeuralModel

__all__ = ["OBJECTIVES", "Objective", "objective_of"]


@dataclass(frozen=True)
class Objective:
    """How one task is learned.

    truth : (model, data, split) -> (N, ...) what the net is held against
    loss : (raw (B, ...), truth (B, ...), at (B, ...), weights (K,) or None) -> ()
    """

    truth: Callable[[NeuralModel, Dataset, str], Tensor]
    loss: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def objective_of(data: Dataset) -> Objective:
    """That of the data's task."""
    if data.task not in OBJECTIVES:
        raise InvalidInput(
            f"nothing is trained for {data.task}; what can be trained is {', '.join(OBJECTIVES)}."
        )
    return OBJECTIVES[data.task]


def _classes(model: NeuralModel, data: Dataset, split: str) -> Tensor:
    return torch.tensor(data.labels(split), device=model.device)


def _values(model: NeuralModel, data: Dataset, split: str) -> Tensor:
    labels = data.labels(split).reshape(len(getattr(data, split)), -1)
    scaled = (labels - model.centre) / model.scale
    return torch.tensor(scaled, dtype=torch.float32, device=model.device)


def _nothing(model: NeuralModel, data: Dataset, split: str) -> Tensor:
    """The inputs are the truth."""
    return torch.zeros(len(getattr(data, split)), device=model.device)


def _entropy(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
    del at
    return F.cross_entropy(raw, truth, weight=weights)


def _squares(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
    del at, weights
    return F.mse_loss(raw.reshape(truth.shape), truth)


def _again(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
    del truth, weights
    return F.mse_loss(raw, at)


OBJECTIVES: dict[str, Objective] = {
    "classification": Objective(_classes, _entropy),
    "regression": Objective(_values, _squares),
    "forecasting": Objective(_values, _squares),
    "reconstruction": Objective(_nothing, _again),
}
