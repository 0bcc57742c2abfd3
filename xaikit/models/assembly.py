"""Puts a net of the zoo together with the inputs it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from xaikit.core.errors import ModelError
from xaikit.models.attention import TokenModel
from xaikit.models.audio import MelEncoder
from xaikit.models.cam_layer import SpatialModel
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import ColumnEncoder, Inputs, StepEncoder
from xaikit.models.neural import NeuralModel, Reads
from xaikit.models.reading import EMBEDDING, READINGS
from xaikit.models.saying import SayingModel
from xaikit.models.text import WordEncoder
from xaikit.models.zoo import Architecture, build
from xaikit.models.zoo.architecture import Family, Shape
from xaikit.models.zoo.words import WordVectors

__all__ = ["KINDS", "assemble", "reads_of", "settable"]

KINDS: dict[Family, type[NeuralModel]] = {
    "mlp": NeuralModel,
    "cnn": SpatialModel,
    "rnn": SpatialModel,
    "transformer": TokenModel,
    "encoder_decoder": SayingModel,
}


def settable(architecture: Architecture, inputs: str) -> dict[str, Any]:
    """The parameters of the net that people can set, with their defaults.

    inputs : the kind of its inputs
    """
    return {**architecture.parameters, **READINGS[inputs].settings}


def assemble(
    architecture: Architecture, inputs: Inputs, n_outputs: int, settings: Mapping[str, Any]
) -> nn.Module:
    """A net with fresh weights; for text the word vectors are a part of it."""
    if not isinstance(inputs, WordEncoder):
        return build(architecture, _shape(inputs), n_outputs, **settings)
    rest = {name: value for name, value in settings.items() if name != "embedding"}
    width = settings.get("embedding", EMBEDDING)
    if type(width) is not int or not 1 <= width <= 1024:
        raise ModelError(f"embedding is {width!r}; it must be a whole number from 1 to 1024.")
    words = WordVectors(inputs.n_words, inputs.n_buckets, width)
    return nn.ModuleDict(
        {"words": words, "body": build(architecture, (0, width), n_outputs, **rest)}
    )


def reads_of(net: nn.Module) -> Reads:
    """The token that the head of a zoo net reads."""
    body = net["body"] if isinstance(net, nn.ModuleDict) else net
    return "last" if getattr(body, "reads", "first") == "last" else "first"


def _shape(inputs: Inputs) -> Shape:
    if isinstance(inputs, PixelEncoder):
        height, across, channels = inputs.shape
        return (channels, height, across)
    if isinstance(inputs, ColumnEncoder):
        return (len(inputs.owners),)
    if isinstance(inputs, StepEncoder):
        return inputs.shape
    if isinstance(inputs, MelEncoder):
        return (1, len(inputs.bank), inputs.shape[1])
    raise ModelError(f"no net of the zoo reads {type(inputs).__name__}; wrap the module instead.")
