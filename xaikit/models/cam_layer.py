"""The layer that a class activation map stands on: found by watching one pass, then cut out of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.abilities import Activations
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.models.inputs import Batch
from xaikit.models.modes import differentiating
from xaikit.models.neural import NeuralModel
from xaikit.models.probe import Event, hooked

__all__ = ["Cells", "SpatialModel", "cut", "find_layer", "keeps_places", "token_cells"]

Array = NDArray[Any]
_INSTEAD = "try 'integrated_gradients', 'occlusion' or 'shap'"
_POOLS = (
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)


class SpatialModel(NeuralModel):
    """A net with a layer whose cells keep their place in the input: also `Spatial`."""

    @cached_property
    def _layer(self) -> str:
        return find_layer(self)

    def cam_layer(self, layer: str | None = None) -> str:
        """The layer found automatically, or the one that was named, after a look at it.

        `NotApplicable` when it has no places or the score reads a single one of them.
        """
        if layer is None:
            return self._layer
        _refuse_single_place(self, layer)
        return layer

    def activations(self, xs: Sequence[Array], layer: str | None = None) -> Activations:
        """One pass cut at the layer; the one found automatically may be used several times."""
        return cut(self, xs, self._layer if layer is None else layer, last=layer is None)


@dataclass(frozen=True)
class Cells:
    """How the output of a layer is cut into cells.

    shape : the cells, (h, w) or (T,)
    prefix : tokens before the cells that stand for no place
    channels_last : the output is (B, prefix + T, C), else (B, C, *shape)
    """

    shape: tuple[int, ...]
    prefix: int = 0
    channels_last: bool = False

    def of(self, output: Tensor) -> Tensor:
        """(B, C, *shape)"""
        if self.channels_last:
            output = output[:, self.prefix :].transpose(1, 2)
        return output.reshape(len(output), -1, *self.shape)

    def split(self, output: Tensor) -> Tensor:
        """(B, C, *shape), a tensor of its own."""
        return self.of(output.detach()).clone()

    def join(self, cells: Tensor, output: Tensor) -> Tensor:
        """The output with its cells replaced, which the net may change in place."""
        if not self.channels_last:
            return cells.clone()
        tokens = cells.flatten(2).transpose(1, 2)
        return torch.cat([output[:, : self.prefix].detach(), tokens], dim=1)


def find_layer(model: NeuralModel) -> str:
    """Name of the last layer whose cells keep their place.

    Transformers: the normalisation before the last attention, because the last block's own output
    has no gradient at the tokens when the head reads one of them. RNNs: the states. Convolutions:
    the last map, the outermost module that gives it; maps of two cells or fewer a side are passed
    over when there is a finer one. Where the net's answer is a map itself, the last of the coarsest maps
    (the bottleneck, as in Vinogradova et al. 2020): a finer one is nearly the answer.

    `NotApplicable` when no layer keeps places, or the score reads a single place of it.
    """
    found = _candidates(model)
    if not found:
        raise NotApplicable(
            f"'{model.id}' has no layer whose cells keep their place in the input; {_INSTEAD}."
        )
    name = found[-1].name
    _refuse_single_place(model, name, last=True)
    return name


def keeps_places(model: NeuralModel) -> bool:
    """Whether any layer of the net has cells that keep their place."""
    return bool(_candidates(model))


def cut(model: NeuralModel, xs: Sequence[Array], layer: str, *, last: bool = False) -> Activations:
    """One pass in which the output of `layer` is a leaf that the scores depend on.

    last : of a layer that is used several times its last use; otherwise such a layer is refused
    """
    modules = dict(model.net.named_modules())
    if not layer or layer not in modules:
        raise InvalidInput(f"'{model.id}' has no layer '{layer}'; leave it out to find one.")
    taken: list[tuple[Cells, Tensor]] = []
    tokens = _has_tokens(model)  # watched now: the pass below must not start another
    uses = sum(event.name == layer for event in model.events)
    if uses > 1 and not last:
        raise NotApplicable(
            f"layer '{layer}' of '{model.id}' is used {uses} times in one pass; name a layer that "
            "is used once, or leave it out to take its last use."
        )
    calls = 0

    with torch.inference_mode(False), differentiating(model.parts):
        with torch.no_grad():
            batch = model.read(xs)

        def replace(_module: nn.Module, _args: Any, output: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls < uses:
                return output
            tensor = output[0] if isinstance(output, tuple) else output
            cells = _cells(model, batch, layer, tensor, tokens)
            taken.append((cells, cells.split(tensor).requires_grad_()))
            joined = cells.join(taken[-1][1], tensor)
            return (joined, *output[1:]) if isinstance(output, tuple) else joined

        with torch.enable_grad(), hooked([(modules[layer], replace)]):
            scores = model.forward(batch.at, batch)
    if len(taken) != 1:
        raise NotApplicable(
            f"layer '{layer}' of '{model.id}' is used {calls} times in this pass and {uses} times in "
            "another; name a layer that is used once."
        )
    if not scores.requires_grad:
        raise _reads_final_state(model, layer)
    cells, at = taken[0]
    return Activations(
        at=at,
        scores=scores,
        fold=lambda maps: model.inputs.upsample(maps, batch),
        layer=layer,
        cell=tuple(n / s for n, s in zip(_extent(model, batch), cells.shape, strict=True)),
        forward=lambda at, rows: _onward(model, batch, cells, (layer, uses), at, rows),
    )


def _onward(
    model: NeuralModel, batch: Batch, cells: Cells, where: tuple[str, int], at: Tensor, rows: Tensor
) -> Tensor:
    """Scores of the samples of those rows, with `at` for what the layer gives at its last use."""
    layer, uses = where
    calls = 0

    def put(_module: nn.Module, _args: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < uses:
            return output
        tensor = output[0] if isinstance(output, tuple) else output
        joined = cells.join(at.to(tensor), tensor)
        return (joined, *output[1:]) if isinstance(output, tuple) else joined

    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        differentiating(model.parts),
        hooked([(model.net.get_submodule(layer), put)]),
    ):
        return model.forward(batch.at[rows.to(batch.at.device)], batch.take(rows))


def token_cells(model: NeuralModel, batch: Batch, n_tokens: int) -> Cells:
    """Which of the tokens stand for places: the last ones, after any class tokens; where patches were
    merged two by two, all of them."""
    shape = _patches(model) or (model.placed(batch).shape[1],)
    while len(shape) > 1 and math.prod(shape) > n_tokens and not any(n % 2 for n in shape):
        shape = tuple(n // 2 for n in shape)
    prefix = n_tokens - math.prod(shape)
    if prefix < 0 or len(shape) != model.inputs.axes:
        raise NotApplicable(
            f"the {n_tokens} tokens of '{model.id}' cannot be matched with places of its input; "
            f"{_INSTEAD}."
        )
    return Cells(shape, prefix, channels_last=True)


def _extent(model: NeuralModel, batch: Batch) -> tuple[int, ...]:
    """How many places an encoded input has along each axis with neighbours."""
    shape = model.placed(batch).shape
    return tuple(shape[2:] if model.inputs.axes > 1 else shape[1:2])


def _patches(model: NeuralModel) -> tuple[int, ...] | None:
    """The cells of a convolution that cuts the input into patches, or None."""
    kind = model.inputs.convolution
    for event in model.events:
        conv = event.module
        if (
            kind
            and isinstance(conv, kind)
            and conv.stride == conv.kernel_size != (1,) * len(conv.stride)
        ):
            return event.shape[2:]
    return None


def _candidates(model: NeuralModel) -> list[Event]:
    """Layers that keep places, the best last."""
    events = model.events
    n_attentions = events[-1].n_attentions if events else 0
    if n_attentions:
        return [e for e in events if e.n_attentions == n_attentions - 1 and _is_norm(e)]
    recurrent = [i for i, e in enumerate(events) if isinstance(e.module, nn.RNNBase)]
    if recurrent:
        after = events[recurrent[-1] :]
        plain = (nn.RNNBase, nn.Identity, nn.LayerNorm)
        return [e for e in after if isinstance(e.module, plain) and len(e.shape) == 3]
    return _maps(model)


def _is_norm(event: Event) -> bool:
    return "norm" in type(event.module).__name__.lower() and len(event.shape) == 3


def _maps(model: NeuralModel) -> list[Event]:
    events, kind = model.events, model.inputs.convolution
    first = next(
        (i for i, e in enumerate(events) if kind and isinstance(e.module, kind)), len(events)
    )
    maps = [
        e
        for e in events[first:]
        if e.name
        and len(e.shape) == 2 + model.inputs.axes
        and min(e.shape[2:]) > 1
        and not isinstance(e.module, _POOLS)
    ]
    fine = [e for e in maps if min(e.shape[2:][-2:]) > 2] or maps  # of videos in space
    if not fine or len(events[-1].shape) != 2 + model.inputs.axes:
        return fine
    fewest = min(math.prod(e.shape[2:]) for e in fine)
    return [e for e in fine if math.prod(e.shape[2:]) == fewest]


def _has_tokens(model: NeuralModel) -> bool:
    """Whether three-dimensional outputs are (B, T, C), as in transformers and RNNs."""
    seen = any(e.n_attentions or isinstance(e.module, nn.RNNBase) for e in model.events)
    return seen or model.inputs.pads


def _cells(model: NeuralModel, batch: Batch, layer: str, output: Tensor, tokens: bool) -> Cells:
    if output.ndim == 3 and tokens:
        return token_cells(model, batch, output.shape[1])
    if output.ndim == 2 + model.inputs.axes and min(output.shape[2:]) > 1:
        return Cells(tuple(output.shape[2:]))
    raise NotApplicable(
        f"layer '{layer}' of '{model.id}' gives {tuple(output.shape)}, which has no places; name a "
        "layer before the pooling."
    )


def _refuse_single_place(model: NeuralModel, layer: str, *, last: bool = False) -> None:
    found = cut(model, [model.example()], layer, last=last)
    (slope,) = torch.autograd.grad(found.scores.abs().sum(), found.at)
    if int((slope.abs().sum(1) > 0).sum()) <= 1:
        raise _reads_final_state(model, layer)


def _reads_final_state(model: NeuralModel, layer: str) -> NotApplicable:
    return NotApplicable(
        f"the class score of '{model.id}' reads only the final state, so no gradient reaches the "
        f"earlier places of layer '{layer}'; {_INSTEAD}."
    )
