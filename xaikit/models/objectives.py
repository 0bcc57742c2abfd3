"""What a net is trained towards, one objective a task: the truth as tensors, and the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.models.inputs import Batch
from xaikit.models.neural import NeuralModel
from xaikit.tasks import SequenceToSequence

__all__ = ["OBJECTIVES", "Objective", "objective_of", "turned"]


@dataclass(frozen=True)
class Objective:
    """How one task is learned.

    truth : (model, data, split) -> (N, ...) what the net is held against
    loss : (raw (B, ...), truth (B, ...), at (B, ...), weights (K,) or None) -> ()
    tells : whether the net is told the truth so far while it says what comes next (teacher forcing)
    """

    truth: Callable[[NeuralModel, Dataset, str], Tensor]
    loss: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
    tells: bool = False

    def told(self, batch: Batch, truth: Tensor) -> Batch:
        """The inputs of a batch, with what the net is told."""
        return replace(batch, said=truth.clamp(min=0)) if self.tells else batch


def objective_of(data: Dataset) -> Objective:
    """That of the data's task."""
    if data.task not in OBJECTIVES:
        raise InvalidInput(
            f"nothing is trained for {data.task}; what can be trained is {', '.join(OBJECTIVES)}."
        )
    return OBJECTIVES[data.task]


def turned(
    xs: Sequence[NDArray[Any]], truth: Tensor, rng: np.random.Generator
) -> tuple[list[NDArray[Any]], Tensor]:
    """Pictures (H, W, C) and the truth of their pixels (B, H, W), mirrored and, where they are square, turned."""
    seen, masks = [], []
    for x, mask in zip(xs, truth, strict=True):
        flips = tuple(axis for axis in (0, 1) if rng.random() < 0.5)
        x, mask = np.flip(x, flips), mask.flip(flips)
        if x.shape[0] == x.shape[1] and rng.random() < 0.5:
            x, mask = x.swapaxes(0, 1), mask.T
        seen.append(np.ascontiguousarray(x))
        masks.append(mask)
    return seen, torch.stack(masks)


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


def _boxes(model: NeuralModel, data: Dataset, split: str) -> Tensor:
    """(N, M, 5) class, left, top, right, bottom of up to M boxes, a class of -1 where there are fewer."""
    labels = [s.label for s in getattr(data, split)]
    most = max(1, *map(len, labels))
    truth = torch.full((len(labels), most, 5), -1.0)
    for row, label in zip(truth, labels, strict=True):
        row[: len(label)] = torch.from_numpy(np.asarray(label, dtype=np.float32))
    return truth.to(model.device)


def _pixels(model: NeuralModel, data: Dataset, split: str) -> Tensor:
    """(N, H, W) class indices."""
    labels = np.stack([np.asarray(s.label) for s in getattr(data, split)])
    return torch.from_numpy(labels.astype(np.int64)).to(model.device)


def _objects(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
    """Places within 8 px of the centre of a box learn its sides (1 - IoU) and class, all places whether
    they are such (Tian et al. 2019)."""
    n_cells = raw.shape[1]
    stride = (at.shape[2] * at.shape[3] / n_cells) ** 0.5
    cells, across = torch.arange(n_cells, device=raw.device), round(at.shape[3] / stride)
    place = stride * (torch.stack([cells % across, cells // across], dim=1) + 0.5)  # (A, 2) px
    centres = (truth[..., 1:3] + truth[..., 3:5]) / 2  # (B, M, 2)
    off = (place[None, :, None] - centres[:, None]).abs().amax(3)  # (B, A, M)
    off = off.masked_fill(truth[:, None, :, 0] < 0, float("inf"))
    nearest, which = off.min(2)
    inside = nearest < stride
    sure = F.binary_cross_entropy_with_logits(raw[..., 4], inside.float(), reduction="sum")
    wanted = truth.gather(1, which[..., None].expand(-1, -1, 5))[inside]
    found, n = raw[inside], max(1, int(inside.sum()))
    sides = (1 - _overlap(found[:, :4], wanted[:, 1:])).sum()
    kinds = F.cross_entropy(found[:, 5:], wanted[:, 0].long(), weight=weights, reduction="sum")
    return (sure + 2 * sides + kinds) / n


def _overlap(a: Tensor, b: Tensor) -> Tensor:
    """(n, 4) and (n, 4) boxes -> (n,) the share of what both cover that they have in common."""
    common = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    both = common.prod(1)
    return both / ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - both)


def _classes_of_pixels(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
    """Cross-entropy of each pixel, and 1 - Dice of each class beside the ground in each picture (Milletari
    et al. 2016), so that a small region counts as much as a large one."""
    del at
    entropy = F.cross_entropy(raw, truth, weight=weights)
    p = raw.softmax(1)[:, 1:]
    true = F.one_hot(truth, raw.shape[1]).movedim(3, 1)[:, 1:].float()
    both, all_ = (p * true).sum((2, 3)), (p + true).sum((2, 3))
    return entropy + (1 - (2 * both + 1) / (all_ + 1)).mean()


def _outputs(model: NeuralModel, data: Dataset, split: str) -> Tensor:
    """(N, longest) tokens with the end, -1 after it."""
    task = cast(SequenceToSequence, model.task)
    rows = [torch.tensor(s.label[: task.steps]) for s in getattr(data, split)]
    return nn.utils.rnn.pad_sequence(rows, True, -1).to(model.device)


def _tokens(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
    del at, weights
    return F.cross_entropy(raw.flatten(0, 1), truth.flatten(), ignore_index=-1)


OBJECTIVES: dict[str, Objective] = {
    "classification": Objective(_classes, _entropy),
    "regression": Objective(_values, _squares),
    "forecasting": Objective(_values, _squares),
    "reconstruction": Objective(_nothing, _again),
    "detection": Objective(_boxes, _objects),
    "recommendation": Objective(_classes, _entropy),
    "next_word": Objective(_classes, _entropy),
    "sequence_to_sequence": Objective(_outputs, _tokens, tells=True),
    "segmentation": Objective(_pixels, _classes_of_pixels),
}
