"""Knowledge distillation: a net that learns what another one answers, beside the labels.

The loss of a row is T² KL(softmax(teacher / T) || softmax(student / T)), weighed by `SOFT`, and the cross-entropy of its
label by the rest. Hinton, Vinyals and Dean (2015), Distilling the knowledge in a neural network.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.models.neural import NeuralModel
from xaikit.models.objectives import Objective

__all__ = ["SOFT", "distilled"]

SOFT = 0.9  # share of the loss that the teacher's answers have


def distilled(own: Objective, teacher: Model, data: Dataset, temperature: float) -> Objective:
    """The objective with the teacher's answers to the rows, as they are, beside their labels.

    own : the objective of the labels alone
    temperature : T, by which scores are divided; the higher, the more the unlikely classes tell
    """
    if data.task != "classification" or teacher.classes != data.classes:
        raise InvalidInput(
            f"the teacher '{teacher.id}' answers {', '.join(teacher.classes) or 'numbers'} and '{data.name}' asks "
            f"for {', '.join(data.classes) or data.task}; a teacher tells the same classes."
        )
    if not 0 < temperature < math.inf:
        raise InvalidInput(f"temperature is {temperature}; it must be a finite number above 0.")

    def truth(model: NeuralModel, data: Dataset, split: str) -> Tensor:
        """(N, 1 + K) the label, and the teacher's probabilities at T."""
        hard = own.truth(model, data, split)
        scores = torch.from_numpy(teacher.scores(data.inputs(split))).to(hard.device)
        soft = (scores / temperature).softmax(1)
        return torch.cat([hard[:, None].float(), soft.float()], dim=1)

    def loss(raw: Tensor, truth: Tensor, at: Tensor, weights: Tensor | None) -> Tensor:
        near = F.kl_div((raw / temperature).log_softmax(1), truth[:, 1:], reduction="batchmean")
        hard = own.loss(raw, truth[:, 0].long(), at, weights)
        return SOFT * temperature**2 * near + (1 - SOFT) * hard

    return Objective(truth, loss)
