"""Inputs to try a model on, and whether its score of one depends on the others beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import MODALITIES, Floats, Sample
from xaikit.modalities import as_rows
from xaikit.models.neural import NeuralModel
from xaikit.models.probe import hooked, watch

__all__ = [
    "SINGLE",
    "Answers",
    "Dependence",
    "dependence",
    "first_input",
    "louder",
    "precision_of",
    "require_independent",
    "require_independent_model",
    "trial_inputs",
]

Array = NDArray[Any]
Answers = Callable[[Sequence[Array]], Floats]
LOUD = 1000.0
N_KNOWN, N_MADE = 8, 8  # inputs that were given, and that are made of them
SINGLE = "or say batch='single' to ask it one row at a time"
AGAIN = "or train or wrap it again so that it does not"


def first_input(modality: str, sample: Array | None, background: Array | None) -> Array:
    """The input that a model is tried on: the sample, or the first row of the background."""
    kind = MODALITIES.get(modality)
    if sample is not None:
        given = as_rows(sample)[0] if hasattr(sample, "toarray") else np.asarray(sample)
        x = Sample("sample", given, modality).x
        shape = x.shape if background is None or not kind.typical else np.shape(background)[1:]
        if x.shape != shape:
            raise InvalidInput(
                f"the sample has shape {x.shape} and rows of the background have {shape}; give both "
                "as the model reads them."
            )
        return x
    blank = kind.blank()
    if blank is not None:
        return blank
    if background is None or len(background) == 0:
        raise InvalidInput(
            f"to try a {modality} model one input is needed; give sample= or background=."
        )
    return Sample("background[0]", np.asarray(background[0]), modality).x


def trial_inputs(modality: str, x: Array, background: Array | None) -> list[Array]:
    """The input, some of the background, and inputs made of them at random, the same every time.

    Made inputs hold what a removal could show, as the modality says: columns of a table come from
    the known rows, pixels and steps get noise of the known spread, texts lose, repeat and exchange
    words.
    """
    others: Sequence[Array] | Array = () if background is None else background[: N_KNOWN - 1]
    known = [x, *(np.asarray(row, dtype=x.dtype.type) for row in others)]
    return [*known, *MODALITIES.get(modality).made(known, N_MADE, np.random.default_rng(0))]


class Dependence(NamedTuple):
    """How far answers to one input moved, and what rounding explains of it.

    again : asked twice alone; the same sums, in another order at most, are 128 roundings apart
    beside : with others in its batch; other kernels on deep nets leave half of the digits, and a
        smaller effect cannot be seen in an explanation
    """

    again: float
    again_rounding: float
    beside: float
    beside_rounding: float


def dependence(scores: Answers, inputs: Sequence[Array], eps: float) -> Dependence:
    """Two different inputs alone, together in both orders, and beside one of another length.

    eps : precision of the answers; what rounding explains is a multiple of it and of the largest
    """
    a, b = inputs[0], _different(inputs)
    alone = scores([a]), scores([b])
    again = _gap(scores([a]), alone[0])
    pair, turned = scores([a, b]), scores([b, a])
    size = max(float(np.abs(s).max(initial=0.0)) for s in (*alone, pair, turned))
    gaps = [_gap(pair, np.concatenate(alone)), _gap(turned, np.concatenate(alone[::-1]))]
    short = min(inputs, key=len)
    if len(short) < len(a) or len(short) < len(b):  # texts
        gaps.append(_gap(scores([short, a, b])[:1], scores([short])))
    return Dependence(again, 128 * eps * size, max(gaps), float(np.sqrt(eps)) * size)


def precision_of(net: nn.Module | None) -> float:
    """The spacing of numbers near 1 in what a net computes with: float32's where it is not known, or
    that of TF32 where a GPU may use it."""
    single = torch.finfo(torch.float32).eps
    weights = [] if net is None else [w for w in net.parameters() if w.dtype.is_floating_point]
    tf32 = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    rough = [2.0**-10 for w in weights if tf32 and w.is_cuda]
    return max([single, *rough, *(torch.finfo(w.dtype).eps for w in weights)])


def require_independent(
    id: str,
    answers: Answers,
    inputs: Sequence[Array],
    *,
    eps: float,
    single: bool = False,
    way_out: str = SINGLE,
) -> Dependence:
    """`ModelError` when the answer to an input changes by itself, or with the others in its batch.

    answers : what the model gives for B inputs, (B, ...)
    eps : precision of these numbers
    single : the model is asked one row at a time, so that only the first can be
    """
    found = dependence(answers, inputs, eps)
    if found.again > found.again_rounding:
        raise ModelError(
            f"'{id}' is not deterministic: the same input scored twice differs by {found.again:.3g}, "
            f"where {found.again_rounding:.2g} would be rounding; fix its seed or switch its noise off."
        )
    if not single and found.beside > found.beside_rounding:
        raise ModelError(
            f"the score of '{id}' for one input depends on the batch: beside other inputs it differs "
            f"by {found.beside:.3g}, where {found.beside_rounding:.2g} would be rounding; usual causes are an RNN "
            "without batch_first, and batch normalisation without running statistics or padding that "
            f"is read; mend it, {way_out}."
        )
    return found


def require_independent_model(model: Model) -> Dependence:
    """The same of a model that was loaded, on its background or, of texts, on masked words."""
    known = model.background
    x = first_input(model.modality, None, None) if known is None else known[0]
    inputs = trial_inputs(model.modality, x, known)
    eps = precision_of(model.net if isinstance(model, NeuralModel) else None)
    return require_independent(model.id, model.scores, inputs, eps=eps, way_out=AGAIN)


def louder(net: nn.Module, run: Callable[[], Any]) -> Any:
    """What `run` gives when the last layer with weights gives a thousand times as much; None where
    no layer can be reached. What ends in a sigmoid or softmax stays within [0, 1]."""
    layers = [e.module for e in watch(net, run) if any(True for _ in e.module.parameters(False))]
    if not layers:
        return None

    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        return LOUD * output if isinstance(output, torch.Tensor) else output

    with hooked([(layers[-1], hook)]):
        return run()


def _different(inputs: Sequence[Array]) -> Array:
    """The input farthest from the first, of the same length where there is one."""
    first = inputs[0]
    alike = [x for x in inputs[1:] if x.shape == first.shape and (x != first).any()]
    if alike and first.dtype.kind in "fiub":
        return max(alike, key=lambda x: float(np.nansum(np.abs(x - first))))
    return next(iter(alike), inputs[-1])


def _gap(a: Floats, b: Floats) -> float:
    """The largest difference; NaN is equal to NaN alone, and nothing to another shape."""
    if a.shape != b.shape:
        return np.inf
    same = (np.isnan(a) & np.isnan(b)) | (a == b)
    apart = np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))
