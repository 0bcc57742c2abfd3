"""A net that reads one sequence and says another: what it looked at when it said a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.types import Floats
from xaikit.models.modes import evaluating
from xaikit.models.neural import NeuralModel
from xaikit.models.probe import hooked
from xaikit.models.zoo.encoder_decoder import CrossAttention
from xaikit.tasks import SequenceToSequence

__all__ = ["SayingModel"]


class SayingModel(NeuralModel):
    """`CrossAttentive`: its attention from what it says to what it reads can be seen."""

    def cross_attention(self, x: NDArray[Any], indices: Sequence[int]) -> Floats:
        """(len(indices), T) the attention weights of the step that each output is about, a mean over heads and
        layers, and for other outputs over all steps; every row sums to 1."""
        seen: list[Tensor] = []

        def keep(_module: nn.Module, _args: Any, weights: Tensor) -> None:
            seen.append(weights)

        places = [(m.weights, keep) for m in self.net.modules() if isinstance(m, CrossAttention)]
        anchored = self if self.found is not None else self.about(x)
        with evaluating(self.parts), torch.inference_mode(), hooked(places):
            batch = anchored.encode([x])
            anchored.forward(batch.at, batch)
        rows = torch.cat(seen).double().mean(dim=(0, 1)).cpu().numpy()  # (n, T)
        task = cast(SequenceToSequence, self.task)
        steps = [task.step(index) for index in indices]
        return np.stack([rows.mean(axis=0) if t is None else rows[t] for t in steps])
