"""A net of several inputs as a model: which part of a sample a layer's map lies on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.abilities import Activations
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.models.cam_layer import SpatialModel, cut
from xaikit.models.inputs import Batch
from xaikit.models.modes import differentiating
from xaikit.models.parts import PartsEncoder
from xaikit.models.probe import hooked

__all__ = ["PartsModel"]

Array = NDArray[Any]


class _Seen(SpatialModel):
    """The net, seen from one part."""

    @property
    def encoder(self) -> PartsEncoder:
        return cast(PartsEncoder, self.inputs)

    def placed(self, batch: Batch) -> Tensor:
        return self.encoder.part_seen(batch).at


class PartsModel(_Seen):
    """A net of several inputs; a layer's map lies on the one part that the layer reads."""

    def cam_layer(self, layer: str | None = None) -> str:
        return self._reading(layer)[1]

    def activations(self, xs: Sequence[Array], layer: str | None = None) -> Activations:
        model, name = self._reading(layer)
        found = cut(model, xs, name, last=layer is None)
        return replace(found, n_cells=math.prod(found.at.shape[2:]))

    def _reading(self, layer: str | None) -> tuple[SpatialModel, str]:
        """This model, seen from the part that the layer reads, and the layer."""
        known = self._known
        if layer not in known:
            known[layer] = self._found() if layer is None else self._named(layer)
        return known[layer]

    @cached_property
    def _known(self) -> dict[str | None, tuple[SpatialModel, str]]:
        return {}

    def _found(self) -> tuple[SpatialModel, str]:
        for i, model in self._views.items():
            try:
                name = model.cam_layer()
            except NotApplicable:
                continue
            if self._read_by(name) == [i]:
                return model, name
        raise NotApplicable(
            f"'{self.id}' has no layer that reads one part alone and whose cells keep their place in it; "
            "try 'integrated_gradients', 'occlusion' or 'shap'."
        )

    def _named(self, layer: str) -> tuple[SpatialModel, str]:
        read = self._read_by(layer)
        if len(read) != 1 or read[0] not in self._views:
            names = " and ".join(f"'{self.encoder.kind_of.slots[i].name}'" for i in read)
            raise NotApplicable(
                f"layer '{layer}' of '{self.id}' reads {names or 'no part'} and a map lies on one part whose "
                "places have neighbours; name a layer of that part alone."
            )
        model = self._views[read[0]]
        return model, model.cam_layer(layer)

    @cached_property
    def _views(self) -> dict[int, SpatialModel]:
        """The same model for each part that may have layers with places, the one with most axes first."""
        own, held = self.encoder, {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        near = [i for i, e in enumerate(own.encoders) if e.convolution is not None]
        near.sort(key=lambda i: (i != own.seen, i))
        return {i: _Seen(**held | {"inputs": replace(own, seen=i)}) for i in near}

    def _read_by(self, layer: str) -> list[int]:
        """The parts that the output of a layer depends on."""
        if not layer or layer not in dict(self.net.named_modules()):
            raise InvalidInput(f"'{self.id}' has no layer '{layer}'; leave it out to find one.")
        given: list[Tensor] = []

        def keep(_module: nn.Module, _args: Any, output: Any) -> None:
            given.append(output[0] if isinstance(output, tuple) else output)

        with torch.inference_mode(False), differentiating(self.parts), torch.enable_grad():
            batch = self.read([self.example()])
            at = batch.at.detach().clone().requires_grad_()
            with hooked([(self.net.get_submodule(layer), keep)]):
                self.forward(at, batch)
            if not given or not given[-1].requires_grad:
                return []
            out = given[-1].flatten()
            weigh = torch.linspace(0.5, 1.5, len(out)).to(out)
            (slope,) = torch.autograd.grad(out @ weigh, at, allow_unused=True)
        parts = [] if slope is None else self.encoder.apart(slope)
        return [i for i, part in enumerate(parts) if bool(part.at.any())]
