"""How a module that people bring reads samples."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import Modality
from xaikit.models.inputs import Columns, Inputs, Pixels, Steps
from xaikit.models.text import Encode, Tokens

__all__ = ["inputs_of"]

Array = NDArray[Any]


def inputs_of(
    net: nn.Module,
    modality: Modality,
    x: Array,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    layout: str | None,
    encode: Encode | None,
    padding_id: int,
) -> Inputs:
    """The inputs of `wrap`'s arguments, for samples like x."""
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
