"""Attention weights of one pass, checked against the pass that the net makes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from xaikit.core.abilities import Attention
from xaikit.core.errors import CheckFailed, NotApplicable
from xaikit.core.types import PerSample
from xaikit.models.cam_layer import SpatialModel, token_cells
from xaikit.models.inputs import Batch
from xaikit.models.modes import differentiating
from xaikit.models.neural import NeuralModel
from xaikit.models.probe import Recorder

__all__ = ["TokenModel", "capture"]

_TOLERANCE = 1e-4  # float32 rounding of another order of sums, on logits of about 10


class TokenModel(SpatialModel):
    """A transformer: its tokens keep their place, and its attention can be seen: also `Attentive`."""

    def attention(self, xs: Sequence[NDArray[Any]]) -> Attention:
        """One pass in which every attention weight is computed openly."""
        return capture(self, xs)


def capture(model: NeuralModel, xs: Sequence[NDArray[Any]]) -> Attention:
    """The weights of every layer, as part of the graph of the scores.

    `CheckFailed` when the scores of the shortest or the longest sequence differ from the ordinary
    pass, `NotApplicable` when the attention is not of each sequence to itself.
    """
    lengths = [len(x) for x in xs]
    ends = sorted({lengths.index(min(lengths)), lengths.index(max(lengths))})
    with torch.inference_mode(False), differentiating(model.parts):
        with torch.no_grad():
            batch, few = model.read(xs), model.read([xs[i] for i in ends])
            plain = model.forward(few.at, few)
        with torch.enable_grad(), Recorder() as recorder:
            scores = model.forward(batch.at, batch)
    weights = tuple(recorder.weights)
    _check_shapes(model, len(xs), weights)
    _check_scores(model, plain, scores.detach()[ends])
    return _described(model, batch, weights, scores)


def _check_scores(model: NeuralModel, plain: Tensor, openly: Tensor) -> None:
    """`CheckFailed` when scores with the attention computed openly are not the ordinary ones."""
    gap = float((plain - openly).abs().max())
    rounding = max(_TOLERANCE, 4 * torch.finfo(model.parts.dtype).eps)
    if gap > rounding * max(1.0, float(plain.abs().max())):
        raise CheckFailed(
            f"with its attention computed openly '{model.id}' gives scores that differ by {gap:.2g}; "
            f"at most {rounding:.2g} is rounding."
        )


def _check_shapes(model: NeuralModel, n: int, weights: tuple[Tensor, ...]) -> None:
    if getattr(getattr(model.net, "config", None), "is_encoder_decoder", False):
        raise NotApplicable(
            f"'{model.id}' has an encoder and a decoder that attends to it; attention is shown for one "
            "sequence that attends to itself, so try 'integrated_gradients', 'occlusion' or 'shap'."
        )
    if not weights:
        raise NotApplicable(
            f"no attention was seen in a pass of '{model.id}'; a module that calls a fused kernel "
            "by itself hides it, so write it with F.scaled_dot_product_attention."
        )
    shapes = {(w.shape[0], *w.shape[2:]) for w in weights}
    if shapes != {(n, weights[0].shape[2], weights[0].shape[2])}:
        raise NotApplicable(
            f"'{model.id}' attends to windows or to another sequence; attention is shown for "
            "sequences that attend to the whole of themselves."
        )


def _described(
    model: NeuralModel, batch: Batch, weights: tuple[Tensor, ...], scores: Tensor
) -> Attention:
    n_tokens, device = weights[0].shape[2], scores.device
    cells = token_cells(model, batch, n_tokens)
    valid = torch.ones(len(scores), n_tokens, dtype=torch.bool, device=device)
    if batch.valid is not None:
        valid[:, cells.prefix :] = batch.valid
    special = torch.zeros_like(valid)
    special[:, : cells.prefix] = True
    if batch.words is not None:
        special = valid & (batch.words < 0)

    def fold(values: Tensor) -> PerSample:
        places = values[:, cells.prefix :].reshape(len(values), *cells.shape)
        return model.inputs.spread(places, batch)

    read = _read(model, valid) if batch.asked is None else batch.asked
    return Attention(weights, scores, read, special, valid, fold)


def _read(model: NeuralModel, valid: Tensor) -> Tensor:
    """(B,) the position that the head reads, -1 for all."""
    if model.reads == "last":
        return valid.sum(1) - 1
    return torch.full((len(valid),), 0 if model.reads == "first" else -1, device=valid.device)
