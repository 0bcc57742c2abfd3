"""Models of several inputs: a sample of parts becomes what the net or the function is called with."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Ints, PerSample
from xaikit.modalities import Parts, Slot, parts_of
from xaikit.models.inputs import Batch, Convolution, Inputs, stacked, to_rows

__all__ = ["Asked", "PartsEncoder", "asked_as", "by_parts", "called", "parts_given", "slots_of"]

Array = NDArray[Any]
Asked = Literal["names", "places", "mapping"]


def slots_of(inputs: Mapping[str, Any], known: Mapping[str, Any]) -> list[Slot]:
    """The parts that were named.

    inputs : name -> modality, or names of columns
    known : name -> one array, for its shape
    """
    if set(inputs) != set(known):
        raise InvalidInput(
            f"inputs names {', '.join(inputs)} and the sample has {', '.join(map(str, known))}; name the same."
        )
    found = []
    for name, told in inputs.items():
        columns = () if isinstance(told, str) else tuple(map(str, told))
        kind = "table" if columns else told
        if kind not in MODALITIES:
            raise InvalidInput(
                f"inputs says that '{name}' is {told!r}; use {', '.join(MODALITIES)}, or a list of names "
                "of columns."
            )
        shape = np.shape(known[name]) or (1,)
        if columns and shape != (len(columns),):
            raise InvalidInput(
                f"inputs names {len(columns)} columns of '{name}' and it has the shape {shape}; name each."
            )
        if len(shape) != len(MODALITIES.get(kind).axes):
            axes = ", ".join(MODALITIES.get(kind).axes)
            raise InvalidInput(f"'{name}' has the shape {shape}; {kind} needs ({axes}).")
        found.append(Slot(name, MODALITIES.get(kind), tuple(shape), columns))
    return found


def parts_given(
    inputs: Mapping[str, Any] | None, modality: str | None, sample: Any, background: Any
) -> tuple[str | None, Any, Any]:
    """The modality of samples of these parts, and both as rows of it; without inputs as they are."""
    pairs = ((sample, "sample"), (background, "background"))
    if inputs is None:
        if odd := [name for given, name in pairs if isinstance(given, Mapping)]:
            raise InvalidInput(f"{odd[0]} is a mapping of parts; say what each is by inputs=.")
        return modality, sample, background
    if modality:
        raise InvalidInput(
            f"modality is '{modality}' and inputs says it of each part; leave it out."
        )
    for given, what in pairs:
        if given is not None and not isinstance(given, Mapping):
            raise InvalidInput(
                f"{what} is a {type(given).__name__} and there are several inputs; give each by name, "
                f"{what}={{{', '.join(f'{name!r}: ...' for name in inputs)}}}."
            )
    if sample is None and background is None:
        raise InvalidInput("to try a model of several inputs give sample= or background= by name.")
    one = sample if background is None else {k: np.asarray(v)[0] for k, v in background.items()}
    kind = parts_of(slots_of(inputs, one))
    rows = [None if given is None else kind.read(given) for given in (sample, background)]
    return kind.name, rows[0], None if rows[1] is None else np.atleast_2d(rows[1])


def asked_as(function: Callable[..., Any], names: Sequence[str]) -> Asked:
    """How parts are handed to it: by the names of its arguments, in turn, or as one mapping."""
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return "places"
    kinds = {p.kind for p in known.values()}
    apart = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    here = [n for n in names if n in known and known[n].kind not in apart]
    needed = [n for n, p in known.items() if p.default is p.empty and p.kind not in (
        inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)]  # fmt: skip
    if len(here) == len(names):
        return "names"
    taken = [
        n for n, p in known.items() if p.kind in (apart[0], inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    if not here and (inspect.Parameter.VAR_POSITIONAL in kinds or len(taken) >= len(names) > 1):
        return "places"
    if not here and len(taken) == 1 and len(needed) <= 1:
        return "mapping"
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return "names"
    raise InvalidInput(
        f"the model takes ({', '.join(known)}) and inputs names {', '.join(names)}; name them as its "
        "arguments, or give as many as it takes in their order."
    )


def called(function: Callable[..., Any], parts: Mapping[str, Any], how: Asked) -> Any:
    """What it gives for the parts."""
    if how == "names":
        return function(**parts)
    return function(*parts.values()) if how == "places" else function(dict(parts))


def by_parts(thing: Callable[..., Any], names: list[str]) -> Callable[[Any], Any]:
    """A function of several inputs as one of a mapping of them."""
    how = asked_as(thing, names)
    return lambda parts: called(thing, parts, how)


@dataclass(frozen=True, eq=False)
class PartsEncoder:
    """Rows of parts (P,) -> (B, P'), what each part's own encoder gives in turn.

    shapes : of each part as it is encoded, without B
    seen : the part that layers with places belong to, of those that have neighbours
    """

    kind_of: Parts
    encoders: tuple[Inputs, ...]
    shapes: tuple[tuple[int, ...], ...]
    how: Asked
    seen: int
    kind: ClassVar[str] = "parts"
    pads: ClassVar[bool] = False

    @classmethod
    def of(cls, kind: Parts, encoders: Sequence[Inputs], net: nn.Module, x: Array) -> PartsEncoder:
        device = torch.device("cpu")
        pairs = zip(encoders, kind.split(x[None]), strict=True)
        shapes = tuple(tuple(e.read(net, part, device).at.shape[1:]) for e, part in pairs)
        how = asked_as(net.forward, [slot.name for slot in kind.slots])
        near = [i for i, e in enumerate(encoders) if e.convolution is not None]
        near.sort(key=lambda i: -encoders[i].axes)
        return cls(kind, tuple(encoders), shapes, how, near[0] if near else 0)

    @property
    def axes(self) -> int:
        return self.encoders[self.seen].axes

    @property
    def convolution(self) -> Convolution | None:
        return self.encoders[self.seen].convolution

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        size = sum(slot.size for slot in self.kind_of.slots)
        parts = self.kind_of.split(stacked(xs, (size,)))
        pairs = zip(self.encoders, parts, strict=True)
        return Batch(
            torch.cat([e.read(net, part, device).at.flatten(1) for e, part in pairs], dim=1)
        )

    def apart(self, at: Tensor) -> list[Batch]:
        """Each part as its own encoder gave it."""
        each = torch.split(at, [math.prod(shape) for shape in self.shapes], dim=1)
        return [
            Batch(part.reshape(len(at), *shape))
            for part, shape in zip(each, self.shapes, strict=True)
        ]

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        del batch
        each = zip(self.kind_of.slots, self.encoders, self.apart(at), strict=True)
        given = {slot.name: e.run(_Same(), part.at, part) for slot, e, part in each}
        return called(net, given, self.how)  # type: ignore[no-any-return]

    def composes(self, references: Array, drops: bool) -> bool:
        del references, drops
        return True

    def places(self, ids: Ints, batch: Batch) -> Ints:
        """(P',) the feature of each encoded number: of the number of the sample that it is made of."""
        del batch
        found = []
        for (slot, at), encoder, shape in zip(
            self.kind_of.pieces(), self.encoders, self.shapes, strict=True
        ):
            own = ids[at].reshape(slot.shape)
            if slot.kind.channels:
                found.append(np.moveaxis(own, -1, 0).reshape(-1))
                continue
            there = encoder.places(own, Batch(torch.empty(1, *shape)))
            found.append(np.broadcast_to(there, shape).reshape(-1))
        return np.concatenate(found)

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        """(B, P), each number of the sample with what its own encoded numbers have."""
        del batch
        found = []
        for slot, encoder, part in zip(
            self.kind_of.slots, self.encoders, self.apart(values), strict=True
        ):
            if slot.kind.channels:
                found.append(to_rows(part.at.movedim(1, -1)).reshape(len(values), -1))
            else:
                found.append(np.reshape(encoder.fold(part.at, part), (len(values), -1)))
        return np.concatenate(found, axis=1)

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """The map on its part; NaN on the others, of which it says nothing."""
        return self._on_part(self.encoders[self.seen].upsample(maps, self.part_seen(batch)), 1)

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        slot = self.kind_of.slots[self.seen]
        n = slot.shape[-1] if slot.kind.channels else 1
        return self._on_part(self.encoders[self.seen].spread(cells, self.part_seen(batch)), n)

    def _on_part(self, grids: PerSample, n: int) -> PerSample:
        found = np.full((len(grids), sum(slot.size for slot in self.kind_of.slots)), np.nan)
        slot, at = list(self.kind_of.pieces())[self.seen]
        found[:, at] = [slot.wide(np.asarray(grid)) / n for grid in grids]
        return found

    def part_seen(self, batch: Batch) -> Batch:
        """The encoded part that layers with places belong to."""
        return self.apart(batch.at)[self.seen]

    def example(self) -> Array:
        return np.concatenate([np.ravel(encoder.example()) for encoder in self.encoders])

    def config(self) -> dict[str, Any]:
        raise InvalidInput(
            "a model of several inputs is not saved; keep the module and wrap it again."
        )


class _Same(nn.Module):
    """Gives what it is given: an encoder hands it what the net would get."""

    def forward(self, at: Tensor) -> Tensor:
        return at
