"""What the zoo says of a net: who can read it, how it is built, how it is trained by default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from xaikit.core.errors import ModelError
from xaikit.core.registry import Registry
from xaikit.core.sample import MODALITIES

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ZOO", "Architecture", "Family", "Recipe", "Shape", "build"]

Family = Literal["cnn", "rnn", "transformer", "mlp", "encoder_decoder"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """How a net is trained: AdamW under a one-cycle schedule, the best epoch on val kept.

    steps : optimiser steps; the number of epochs follows from them and the size of the data
    lr : the highest learning rate of the cycle
    clip : the gradient's norm is cut to this
    patience : share of the epochs without progress on val after which training stops
    shift, flip : images move by up to `shift` pixels, and are mirrored if `flip`
    turn : pictures and their masks are mirrored and turned together, in eight ways
    mask_words : share of words shown as the mask word, so that a masked text is nothing strange
    """

    steps: int = 1500
    lr: float = 2e-3
    batch_size: int = 64
    weight_decay: float = 0.02
    clip: float = 1.0
    patience: float = 0.4
    shift: int = 0
    flip: bool = False
    turn: bool = False
    mask_words: float = 0.0


@dataclass(frozen=True)
class Architecture:
    """One net of the zoo.

    net : "module:Class", imported when the first net is made, or the class itself. It makes the
        module from the shape of one encoded input and the number of outputs; its keyword arguments
        are the parameters that people can set. Shapes are (C, H, W) for images, (L, C) for series,
        (T, E) for text (T is 0: any length), (D,) for tables
    recipes : how it is trained, by the kind of inputs that a modality states, or by the task
    fixed : keyword arguments that are part of the architecture
    usual : keyword arguments that people can set, where a task needs another default
    tasks : what it can be trained for
    """

    name: str
    family: Family
    summary: str
    net: str | Callable[..., nn.Module]
    recipes: Mapping[str, Recipe]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = ("classification", "regression")
    usual: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those whose inputs it reads."""
        inputs = {name: MODALITIES.get(name).inputs for name in MODALITIES}
        return tuple(name for kind in self.recipes for name in MODALITIES if inputs[name] == kind)

    @cached_property
    def make(self) -> Callable[..., nn.Module]:
        """The net's class with what is fixed."""
        if not isinstance(self.net, str):
            return partial(self.net, **self.fixed)
        module, name = self.net.split(":")
        return partial(getattr(import_module(module), name), **self.fixed)

    @property
    def parameters(self) -> dict[str, Any]:
        """What can be set, with its default."""
        found = inspect.signature(self.make).parameters.values()
        return {
            p.name: p.default
            for p in found
            if p.kind is p.KEYWORD_ONLY and p.name not in self.fixed
        }


ZOO: Registry[Architecture] = Registry("model")


def build(architecture: Architecture, shape: Shape, n_outputs: int, **params: Any) -> nn.Module:
    """A fresh net; `ModelError` when a parameter is unknown, of the wrong kind or out of bounds."""
    for name, value in params.items():
        _check(architecture, name, value)
    return architecture.make(shape, n_outputs, **params)


_MOST = {"depth": 64, "heads": 64}
_MOST_OF_ANY = 8192


def _check(architecture: Architecture, name: str, value: Any) -> None:
    known = architecture.parameters
    if name not in known:
        raise ModelError(
            f"'{architecture.name}' has no parameter '{name}'; it has {', '.join(known)}."
        )
    default = known[name]
    if isinstance(default, float):
        if not _is_number(value) or not 0 <= value < 1:
            raise ModelError(f"{name} is {value!r}; it must be a number from 0 to below 1.")
    elif type(value) is not type(default):
        kind = type(default).__name__
        raise ModelError(f"{name} is {value!r}; it must be of type {kind}, like {default!r}.")
    elif isinstance(value, int) and not isinstance(value, bool):
        most = _MOST.get(name, _MOST_OF_ANY)
        if not 1 <= value <= most:
            raise ModelError(f"{name} is {value}; it must be from 1 to {most}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
