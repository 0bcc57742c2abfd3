"""Models that people bring: a torch module, a scikit-learn estimator, or any function."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import Floats, Modality, Sample, Space
from xaikit.core.words import Text
from xaikit.modalities import as_rows
from xaikit.modalities.table import coded_columns
from xaikit.modalities.text import MASK_WORD
from xaikit.models.attention import TokenModel
from xaikit.models.cam_layer import SpatialModel, keeps_places
from xaikit.models.estimator_model import wrap_estimator
from xaikit.models.estimators import Answer, answer_of, is_estimator, pipeline_of
from xaikit.models.inputs import Columns, Inputs, Pixels, Steps
from xaikit.models.modes import Parts, evaluating
from xaikit.models.neural import NeuralModel, Reads, SealedModel, is_sealed
from xaikit.models.text import Encode, Tokens
from xaikit.models.training import pick_device

__all__ = ["FunctionModel", "wrap"]

Array = NDArray[Any]
Outputs = Literal["logits", "probabilities", "values"]
_LEAST = 1e-12  # a probability of 0 has no logarithm


def wrap(
    thing: Any,
    *,
    modality: Modality,
    classes: Sequence[str] = (),
    id: str = "yours",
    sample: Array | None = None,
    background: Array | None = None,
    outputs: Outputs | None = None,
    space: Space | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    layout: Literal["BLC", "BCL"] | None = None,
    encode: Encode | None = None,
    encodes: Literal["words", "text"] = "words",
    padding_id: int = 0,
    reads: Reads = "first",
    device: str | None = None,
    categorical: Sequence[str] | Sequence[int] | Sequence[bool] | None = None,
) -> Model:
    """A model of yours, with every ability that is true of it.

    thing : a torch module, a fitted scikit-learn estimator or pipeline, or a function from B inputs
        in data space (an array (B, *x.shape); for text a list of B arrays of words, each with the
        text as `x.written`) to (B, K)
    classes : K names; () for a regressor, and for a scikit-learn classifier to take its own. Names
        of an estimator are its labels in the order in which answers shall stand; others only name
        the labels 0 to K-1
    sample : one input in data space to try it on; background[0] when None
    background : (b, *x.shape) typical inputs, which removal methods draw from
    outputs : what the thing gives; "logits" of a classifier and "values" of a regressor when None;
        "values" of a scikit-learn classifier is its decision function
    space : where changes are measured; follows from the outputs when None

    For torch modules: images are given as (B, C, H, W), tables as (B, D), series as `layout` says;
    `mean` and `std` (a channel or column each) are subtracted and divided by before. Text needs
    `encode` of a list of words, or with encodes="text" of the text as it is written (see `Tokens`);
    the module is called with (ids), or (ids, valid) if it takes two arguments. `reads` is the token
    that the head of a transformer reads, for attention. With `device` a copy of the module is moved
    there; otherwise the module itself is used where it is.

    categorical : the columns of a table that hold categories, by name (as the estimator was fitted
        on), index or one bool each; found out from the background when None

    Of a scikit-learn outlier detector the score is explained, of text pipelines the answer to the
    text as it is written. It is tried on one sample: `ModelError` says what does not fit.
    """
    if modality not in get_args(Modality):
        raise InvalidInput(
            f"modality '{modality}' is unknown; use {', '.join(get_args(Modality))}."
        )
    answer = answer_of(thing, outputs == "values") if is_estimator(thing) else None
    classes = tuple(map(str, classes))
    classes = classes if answer is None else answer.named(classes)
    outputs = outputs or ("logits" if classes else "values")
    if outputs not in _SPACES or (outputs == "values") == bool(classes):
        raise InvalidInput(
            f"outputs is '{outputs}' with {len(classes)} classes; use logits or probabilities of "
            "classes, or values without classes."
        )
    if encodes not in ("words", "text"):
        raise InvalidInput(f"encodes is {encodes!r}; encode reads 'words' or the 'text'.")
    if background is not None and modality != "text":
        background = as_rows(background)
    x = _trial(modality, sample, background)
    facts = _Facts(id, modality, classes, space or _SPACES[outputs], background, outputs)
    model: Model
    if isinstance(thing, nn.Module):
        net = thing if device is None else copy.deepcopy(thing).to(pick_device(device))
        inputs = _inputs(net, modality, x, mean, std, layout, encode, padding_id)
        if isinstance(inputs, Tokens):
            inputs = dataclasses.replace(inputs, of_text=encodes == "text")
        model = _module(net, inputs, facts, reads, x)
    elif mean is not None or std is not None or layout or encode:
        raise InvalidInput(
            "mean, std, layout and encode are for torch modules; put the preprocessing into the "
            "function or the pipeline."
        )
    elif answer is not None:
        model = _estimator(thing, answer, facts, space, x)
    elif callable(thing) and not isinstance(thing, type):
        model = _function(thing, facts)
    else:
        raise InvalidInput(
            f"a {type(thing).__name__} is no model; give a torch module, a fitted scikit-learn "
            "estimator or a function."
        )
    _try(model, x, outputs)
    known = getattr(thing, "feature_names_in_", None)  # of an estimator that was fitted on a frame
    if known is not None and modality == "table":
        model.info = {**model.info, "columns": [{"name": str(name)} for name in known]}
    if categorical is not None:
        model.info = {**model.info, "categorical": _coded(thing, modality, categorical, x)}
    return model


@dataclass(eq=False)
class FunctionModel:
    """A model of which only the scores are known.

    function : B inputs in data space -> (B, K)
    """

    id: str
    modality: Modality
    classes: tuple[str, ...]
    space: Space
    function: Callable[[Any], Any]
    outputs: Outputs = "logits"
    background: Array | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, xs: Sequence[Array] | Array) -> Floats:
        """B inputs in data space -> (B, K) float64; probabilities as their logarithms."""
        found = self.function(list(map(Text, xs)) if self.modality == "text" else np.asarray(xs))
        scores = np.asarray(found, dtype=np.float64)
        if self.outputs == "values" and scores.ndim == 1:
            scores = scores[:, None]
        if scores.ndim != 2 or len(scores) != len(xs):
            raise ModelError(
                f"'{self.id}' gave scores of shape {scores.shape} for {len(xs)} inputs; give "
                f"({len(xs)}, K), one score a class."
            )
        return np.log(np.maximum(scores, _LEAST)) if self.outputs == "probabilities" else scores


class _Plain(nn.Module):
    """A module that gives an object with `logits`, or probabilities, as one that gives scores."""

    def __init__(self, net: nn.Module, outputs: Outputs) -> None:
        super().__init__()
        self.net = net
        self.outputs = outputs

    def forward(self, *args: Tensor) -> Tensor:
        found = self.net(*args)
        found = getattr(found, "logits", found)
        return found.clamp(min=_LEAST).log() if self.outputs == "probabilities" else found  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class _Facts:
    id: str
    modality: Modality
    classes: tuple[str, ...]
    space: Space
    background: Array | None
    outputs: Outputs


def _trial(modality: Modality, sample: Array | None, background: Array | None) -> Array:
    if sample is not None:
        given = as_rows(sample)[0] if hasattr(sample, "toarray") else np.asarray(sample)
        return Sample("sample", given, modality).x
    if modality == "text":
        return np.array([MASK_WORD] * 4)
    if background is None or len(background) == 0:
        raise InvalidInput(
            f"to try a {modality} model one input is needed; give sample= or background=."
        )
    return Sample("background[0]", np.asarray(background[0]), modality).x


def _coded(
    thing: Any, modality: Modality, categorical: Sequence[Any], x: Array
) -> tuple[bool, ...]:
    if modality != "table":
        raise InvalidInput(f"categorical is for tables and this is {modality}; leave it out.")
    return coded_columns(categorical, len(x), getattr(thing, "feature_names_in_", None))


def _inputs(
    net: nn.Module,
    modality: Modality,
    x: Array,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    layout: str | None,
    encode: Encode | None,
    padding_id: int,
) -> Inputs:
    if modality == "text":
        if encode is None:
            raise InvalidInput("a text module needs encode: words -> (token ids, word positions).")
        return _tokens(net, encode, padding_id)
    n = x.shape[-1]
    centre, spread = _per_channel("mean", mean, 0.0, n), _per_channel("std", std, 1.0, n)
    if modality == "table":
        return Columns(centre, spread, (0,) * n)
    if modality == "image":
        return Pixels((x.shape[0], x.shape[1], n), centre, spread)
    if layout not in ("BLC", "BCL"):
        raise InvalidInput(
            f"layout is {layout!r}; a series module reads 'BLC' (steps, then channels) or 'BCL'."
        )
    return Steps((x.shape[0], n), centre, spread, channels_first=layout == "BCL")


def _per_channel(
    name: str, given: Sequence[float] | None, default: float, n: int
) -> tuple[float, ...]:
    values = (default,) * n if given is None else tuple(float(v) for v in given)
    if len(values) != n or not np.isfinite(values).all() or (name == "std" and min(values) <= 0):
        raise InvalidInput(
            f"{name} is {values}; give {n} finite numbers"
            + (" above 0." if name == "std" else ", one a channel or column.")
        )
    return values


def _tokens(net: nn.Module, encode: Encode, padding_id: int) -> Tokens:
    embedding = next((n for n, m in net.named_modules() if isinstance(m, nn.Embedding)), None)
    if embedding is None:
        raise ModelError("the text module has no nn.Embedding, so there is no place for gradients.")
    arguments = inspect.signature(net.forward).parameters.values()
    positional = [p for p in arguments if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return Tokens(encode, embedding, len(positional) > 1, padding_id)


def _module(net: nn.Module, inputs: Inputs, facts: _Facts, reads: Reads, x: Array) -> NeuralModel:
    inputs, found = _once(net, inputs, x)
    if facts.outputs == "probabilities" or not isinstance(found, Tensor):
        net = _Plain(net, facts.outputs)
        if isinstance(inputs, Tokens):
            inputs = dataclasses.replace(inputs, embedding=f"net.{inputs.embedding}")
    arguments: dict[str, Any] = {
        "id": facts.id,
        "net": net,
        "inputs": inputs,
        "classes": facts.classes,
        "space": facts.space,
        "background": facts.background,
        "info": {
            "family": "module",
            "n_parameters": sum(w.numel() for w in net.parameters()),
            "bytes": sum(w.numel() * w.element_size() for w in net.parameters()),
        },
        "reads": reads,
        "probe": x,
    }
    if is_sealed(net):
        return SealedModel(**arguments)
    model = NeuralModel(**arguments)
    if model.events and model.events[-1].n_attentions:
        return TokenModel(**arguments)
    return SpatialModel(**arguments) if keeps_places(model) else model


def _once(net: nn.Module, inputs: Inputs, x: Array) -> tuple[Inputs, Any]:
    """How the module reads, and what it gives for one sample."""
    try:
        with evaluating(net), torch.no_grad():
            device = next((p.device for p in net.parameters()), torch.device("cpu"))
            batch = inputs.read(net, [x], device)
            at = batch.at.to(Parts.of(net).dtype)
            try:
                return inputs, inputs.run(net, at, batch)
            except RuntimeError:
                if not isinstance(inputs, Pixels):
                    raise
                inputs = dataclasses.replace(inputs, apart=True)
                return inputs, inputs.run(net, at, batch)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ModelError(
            f"the module fails on one sample of shape {x.shape} ({error}); check modality, layout "
            "and encode."
        ) from error


def _estimator(thing: Any, answer: Answer, facts: _Facts, space: Space | None, x: Array) -> Model:
    """On a table with all the abilities of its kind, otherwise a function."""

    def rows(xs: Any) -> Any:
        if facts.modality == "text":
            return [Text(x).written for x in xs]
        return np.asarray(xs).reshape(len(xs), -1)

    answer.check(rows([x]), len(facts.classes))
    columns = answer.columns(facts.classes)
    if facts.modality == "table" and (answer.labels is not None or answer.name == "predict"):
        return wrap_estimator(
            pipeline_of(thing),
            id=facts.id,
            modality="table",
            classes=facts.classes,
            background=facts.background,
            order=columns,
            space=space,
        )

    def function(xs: Any) -> Any:
        found = np.asarray(answer.ask(rows(xs)))
        return found[:, columns] if facts.classes else found

    outputs: Outputs = "probabilities" if facts.classes else "values"
    return _function(function, dataclasses.replace(facts, outputs=outputs), family="sklearn")


def _function(
    thing: Callable[[Any], Any], facts: _Facts, family: str = "function"
) -> FunctionModel:
    return FunctionModel(
        facts.id,
        facts.modality,
        facts.classes,
        facts.space,
        thing,
        facts.outputs,
        facts.background,
        {"family": family},
    )


def _try(model: Model, x: Array, outputs: Outputs) -> None:
    scores = model.scores([x, x])
    n = max(1, len(model.classes))
    if scores.shape != (2, n):
        raise ModelError(
            f"'{model.id}' gave scores of shape {scores.shape} for 2 inputs of {n} class(es); give "
            f"(2, {n}), one score a class."
        )
    if not np.isfinite(scores).all():
        raise ModelError(f"'{model.id}' gave NaN or infinity for one sample; check its weights.")
    total = float(np.exp(scores[0]).sum())
    if outputs == "probabilities" and abs(total - 1) > 1e-3:
        raise ModelError(
            f"'{model.id}' gave probabilities that sum to {total:.4g}; give probabilities, or say "
            "outputs='logits'."
        )


_SPACES: dict[str, Space] = {"logits": "logit", "probabilities": "prob", "values": "value"}
