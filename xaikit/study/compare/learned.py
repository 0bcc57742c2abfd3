"""A linear model on the features that a net learned: what its last layer reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from xaikit.core.abilities import Model
from xaikit.core.types import Floats
from xaikit.data.dataset import Dataset
from xaikit.models.neural import NeuralModel
from xaikit.study.quality import per_row

__all__ = ["learned_quality", "read_by_head"]


def read_by_head(model: NeuralModel, xs: list[NDArray[Any]]) -> Floats | None:
    """(N, F) the inputs of the last linear layer, None where there is none."""
    linear = [m for m in model.net.modules() if isinstance(m, nn.Linear)]
    if not linear:
        return None
    seen: list[Floats] = []

    def keep(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        seen.append(args[0].detach().float().cpu().numpy())

    handle = linear[-1].register_forward_pre_hook(keep)
    try:
        model.scores(xs)
    finally:
        handle.remove()
    found = np.concatenate(seen)
    return found.reshape(len(found), -1) if len(found) == len(xs) else None


def learned_quality(model: Model, data: Dataset, seed: int) -> float | None:
    """Quality on the held-out rows of a linear model that learned from what the net's head reads."""
    if not isinstance(model, NeuralModel):
        return None
    parts = [read_by_head(model, data.inputs(split)) for split in ("train", "test")]
    if parts[0] is None or parts[1] is None:
        return None
    last = LogisticRegression(max_iter=2000, random_state=seed) if data.classes else Ridge()
    linear = make_pipeline(StandardScaler(), last).fit(parts[0], data.labels("train"))
    if not data.classes:
        return float(per_row(linear.predict(parts[1])[:, None], data).mean())
    told = np.zeros((len(data.test), len(data.classes)))
    told[:, linear.classes_] = linear.predict_proba(parts[1])
    return float(per_row(told, data).mean())
