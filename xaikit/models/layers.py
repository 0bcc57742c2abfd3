"""The layers of a net from input to answer: which there are, what each gives, what a cell of it has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.types import Floats, Ints
from xaikit.models.cam_layer import Cells, token_cells
from xaikit.models.inputs import Batch
from xaikit.models.modes import differentiating
from xaikit.models.neural import NeuralModel
from xaikit.models.probe import Event, hooked, watch
from xaikit.models.shortcuts.receptive_field import FieldTracker, Sides

__all__ = [
    "Layer",
    "Responses",
    "layers_of",
    "named",
    "placed",
    "read_layers",
    "responses",
    "spread",
    "untrained",
]

Array = NDArray[Any]


@dataclass(frozen=True)
class Layer:
    """One layer with weights, read after the normalisation and the activation that follow them.

    name : the module whose output is read
    use : which of its uses in a pass, from 0
    n_channels : numbers a place
    cells : its places; None where it has none
    sides : the receptive field of a cell, down and across; None where a cell may see all of the input
    """

    name: str
    use: int
    n_channels: int
    cells: Cells | None = None
    sides: Sides | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its places, () where there are none."""
        return () if self.cells is None else self.cells.shape

    @property
    def centre(self) -> tuple[int, ...]:
        """The cell in the middle."""
        return tuple(n // 2 for n in self.shape)

    def window(self, cell: Sequence[int], size: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """First place of the input and the one after the last that a cell has seen, down and across; all
        of the input where it sees no less. It may overhang the border, as the net pads there."""
        if self.sides is None:
            return tuple((0, n) for n in size)
        spans = [
            (s.first + i * s.step, s.end + i * s.step)
            for s, i in zip(self.sides, cell, strict=True)
        ]
        return tuple(
            (0, n) if b - a >= n else (a, b) for (a, b), n in zip(spans, size, strict=True)
        )


class _Seen(NamedTuple):
    """A module that finished: which use of it, what its output has seen, whether all goes through it."""

    event: Event
    use: int
    sides: Sides | None
    through: bool


def layers_of(model: NeuralModel) -> list[Layer]:
    """All layers with weights, first to last; of residual blocks the sum, of transformers the blocks.

    A layer is read at the last output of its shape before the next layer's weights are used.
    `NotApplicable` when nothing of the net can be watched.
    """
    seen = _followed(model)
    reads = _token_reads(seen) if seen and seen[-1].event.n_attentions else _reads(seen)
    with differentiating(model.net), torch.no_grad():
        batch = model.read([model.example()])
    found = [_layer(model, batch, seen[i]) for i in reads if seen[i].through]
    if not found:
        raise NotApplicable(
            f"'{model.id}' has no layer that can be watched; give a net of torch modules."
        )
    return found


def spread(layers: Sequence[Layer], n: int) -> list[Layer]:
    """n of the layers, evenly from the first to the last."""
    places = np.linspace(0, len(layers) - 1, min(n, len(layers))).round().astype(int)
    return [layers[i] for i in np.unique(places)]


def _followed(model: NeuralModel) -> list[_Seen]:
    maps: list[int | None] = []
    with differentiating(model.net), torch.no_grad():
        batch = model.read([model.example()])
        tracker = FieldTracker(batch.at)

        def note(_module: nn.Module, _args: Any, output: Any) -> None:
            first = _tensor(output)
            if isinstance(first, Tensor):
                maps.append(tracker.map_of(first) if first.ndim == 4 else None)

        def run() -> None:
            with tracker:
                model.forward(batch.at, batch)

        with hooked([(module, note) for module in model.net.modules()]):
            events = watch(model.net, run)
    tracker.finish()
    uses: Counter[str] = Counter()
    found = []
    for event, n in zip(events, maps, strict=True):
        through = n is None or all(call.reads >= n for call in tracker.calls[n:])
        sides = None if n is None else tracker.sides_of(n)
        found.append(_Seen(event, uses[event.name], sides, through))
        uses[event.name] += 1
    return found


def _reads(seen: Sequence[_Seen]) -> list[int]:
    """Where each layer with weights is read."""
    own = [i for i, s in enumerate(seen) if _has_weights(s.event)]
    found = []
    for first, after in pairwise([*own, len(seen)]):
        same = [i for i in range(first, after) if _is_read(seen[i], seen[first].event.shape)]
        found += same[-1:]
    return found


def _is_read(seen: _Seen, shape: tuple[int, ...]) -> bool:
    container = isinstance(seen.event.module, nn.Sequential) or not seen.event.name
    return seen.event.shape == shape and not container


def _has_weights(event: Event) -> bool:
    """Whether a module multiplies by weights and its output is a map or one number a channel."""
    weighs = any(p.ndim > 1 for p in event.module.parameters(recurse=False))
    return weighs and len(event.shape) in (2, 4) and not isinstance(event.module, nn.Embedding)


def _token_reads(seen: Sequence[_Seen]) -> list[int]:
    """The convolution that cuts patches, each block around an attention, the head."""
    events = [s.event for s in seen]
    begin = next(i for i, e in enumerate(events) if e.n_attentions)
    found = [i for i in _reads(seen[:begin]) if len(events[i].shape) == 4]
    last = begin
    for k in range(1, events[-1].n_attentions + 1):
        block = [
            i for i, e in enumerate(events) if e.n_attentions == k and len(e.shape) == 3 and e.name
        ]
        if block:  # the outermost module that finished
            last = min(block, key=lambda i: (events[i].name.count("."), -i))
            found.append(last)
    head = [i for i in _reads(seen[last + 1 :]) if len(events[last + 1 + i].shape) == 2]
    return found + [last + 1 + i for i in head]


def _layer(model: NeuralModel, batch: Batch, seen: _Seen) -> Layer:
    event = seen.event
    if len(event.shape) == 3:
        return Layer(
            event.name, seen.use, event.shape[2], token_cells(model, batch, event.shape[1])
        )
    places = event.shape[2:]
    cells = Cells(tuple(places)) if len(places) and max(places) > 1 else None
    return Layer(event.name, seen.use, event.shape[1], cells, seen.sides if cells else None)


class _Reached(Exception):  # it is caught, and tells of no error
    """Every layer that was asked for has been read."""


def read_layers(
    model: NeuralModel, at: Tensor, batch: Batch, layers: Sequence[Layer], whole: bool = False
) -> tuple[list[Tensor], Tensor | None]:
    """One pass of encoded inputs: (B, C, *cells) of each layer, and the scores (B, K) where `whole`.

    What is read lies on the way from the inputs to the scores, for derivatives of either side.
    """
    taken: dict[int, Tensor] = {}
    uses: Counter[str] = Counter()

    def hook_for(name: str) -> Callable[..., Any]:
        def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
            where = (name, uses[name])
            uses[name] += 1
            mine = [i for i, layer in enumerate(layers) if (layer.name, layer.use) == where]
            if not mine:
                return output
            kept = _tensor(output).clone()
            taken.update(dict.fromkeys(mine, kept))
            if len(taken) == len(layers) and not whole:
                raise _Reached
            onward = kept.clone()  # which the net may change in place
            return (onward, *output[1:]) if isinstance(output, tuple) else onward

        return hook

    named = {layer.name: model.net.get_submodule(layer.name) for layer in layers}
    scores = None
    hooks = [(module, hook_for(name)) for name, module in named.items()]
    with suppress(_Reached), hooked(hooks):
        scores = model.forward(at, batch)
    return [taken[i] for i in range(len(layers))], scores


def placed(layer: Layer, output: Tensor) -> Tensor:
    """(B, C, P): what a layer gave, its places in one row."""
    return (
        (output if layer.cells is None else layer.cells.of(output))
        .flatten(2 if layer.cells else 1)
        .reshape(len(output), layer.n_channels, -1)
    )


@dataclass(frozen=True, eq=False)
class Responses:
    """What the channels of a layer do on N inputs.

    mean : (N, C) over the places
    peak : (N, C) at the place of the strongest response; place : (N, C) which, in one row
    effect : (N, C) |sum over places of activation x derivative of the score of the predicted answer|, how
        far the answer leans on the channel (Molchanov et al. 2017, eq. 8); None where not asked for
    """

    mean: Floats
    peak: Floats
    place: Ints
    effect: Floats | None = None

    @property
    def pull(self) -> Floats:
        """(C,) the mean effect over the inputs."""
        assert self.effect is not None
        return np.asarray(self.effect.mean(0))

    @property
    def weightiest(self) -> Ints:
        """(C,) the channels, those first that answers lean on most over all inputs."""
        return np.argsort(-self.pull, kind="stable")


def responses(
    model: NeuralModel, xs: Sequence[Array], layers: Sequence[Layer], weigh: bool = False
) -> list[Responses]:
    """Of every layer, in passes of the model's own size."""
    parts: list[list[tuple[Tensor, ...]]] = [[] for _ in layers]
    with torch.inference_mode(False), differentiating(model.parts), torch.set_grad_enabled(weigh):
        for i in range(0, len(xs), model.batch_rows):
            batch = model.read(xs[i : i + model.batch_rows])
            at = batch.at.detach().requires_grad_(weigh)
            given, scores = read_layers(model, at, batch, layers, whole=weigh)
            slopes: Sequence[Tensor | None] = [None] * len(given)
            if scores is not None:
                slopes = torch.autograd.grad(scores.amax(1).sum(), given)
            for part, layer, output, slope in zip(parts, layers, given, slopes, strict=True):
                part.append(_summed(layer, output, slope))
    return [Responses(*(_joined(column) for column in zip(*part, strict=True))) for part in parts]


def _summed(layer: Layer, output: Tensor, slope: Tensor | None) -> tuple[Tensor, ...]:
    held = placed(layer, output.detach())
    found = (held.double().mean(2), *held.max(2))
    if slope is None:
        return found
    return (*found, (held * placed(layer, slope)).double().sum(2).abs())


def _joined(parts: Sequence[Tensor]) -> Array:
    return torch.cat(list(parts)).cpu().numpy()


def untrained(model: NeuralModel, rng: np.random.Generator) -> NeuralModel:
    """The same net as it is before training: each module's own start, other weights drawn anew."""
    twin = model.randomised(model.layers(), rng)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(rng.integers(2**31)))
        for module in twin.net.modules():
            if callable(start := getattr(module, "reset_parameters", None)):
                start()
    return twin


def named(layers: Sequence[Layer], names: Sequence[str], model: NeuralModel) -> list[Layer]:
    """The layers of those names, first to last; `InvalidInput` says which there are."""
    known = [layer.name for layer in layers]
    for name in names:
        if name not in known:
            raise InvalidInput(f"'{model.id}' has no layer '{name}'; it has {', '.join(known)}.")
    return [layer for layer in layers if layer.name in names]


def _tensor(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) and output else output
