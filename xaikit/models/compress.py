"""Smaller twins of a net: weights cut to zero by their size, and int8 in place of float32.

Pruning is by size over all weights together (Han et al. 2015) with torch.nn.utils.prune; int8 is the static
quantisation of torch.ao (FX graph mode), with the ranges that the training rows of the model's background give
(Jacob et al. 2018). A folder holds int8 numbers and their scales, and no pickle.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, ModelError, NotApplicable
from xaikit.core.files import short
from xaikit.models.modes import alone
from xaikit.models.neural import NeuralModel, SealedModel

__all__ = ["emptied", "flat", "pruned", "put_flat", "quantised"]

_PACKED = "._packed_params._packed_params"
_STALE = ("metrics", "fit_seconds")  # facts of the model that it was made of


def pruned(model: Model, share: float) -> NeuralModel:
    """A twin in which that share of all weights, the smallest ones, is 0; biases and scales stay.

    share : above 0 and below 1; round(share * n) weights of n are cut
    """
    net = _copied(model)
    if not 0 < share < 1:
        raise InvalidInput(f"--prune is {share}; it must be a share above 0 and below 1.")
    weights = [w for w in net.parameters() if w.ndim > 1]
    sizes = torch.cat([w.detach().flatten() for w in weights])
    kept = prune.L1Unstructured(share).compute_mask(sizes, torch.ones_like(sizes))  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for weight, mask in zip(weights, kept.split([w.numel() for w in weights]), strict=True):
            weight.mul_(mask.view_as(weight))
    assert isinstance(model, NeuralModel)
    return replace(model, net=net, info=_told(model, {"pruned": share}))


def quantised(model: Model) -> SealedModel:
    """A twin that computes in int8 on the CPU; it has scores, and neither gradients nor layers."""
    net = _copied(model).cpu()
    assert isinstance(model, NeuralModel)
    own = {f.name: getattr(model, f.name) for f in fields(model) if f.init}
    on_cpu = replace(model, net=net)
    rows = model.background
    if rows is None or model.info.get("family") not in ("cnn", "mlp", None):
        raise NotApplicable(
            f"'{model.id}' has no int8 twin: ranges are measured on typical inputs, through convolutions and "
            "dense layers of nets that were trained here; prune it instead (--prune 0.5)."
        )
    made = _converted(on_cpu, on_cpu.read(rows).at)
    n_bytes = sum(w.numel() * w.element_size() for w in flat(made).values())
    return SealedModel(
        **{**own, "net": made, "info": _told(model, {"int8": True, "bytes": n_bytes})}
    )


def emptied(model: NeuralModel) -> SealedModel:
    """The int8 twin of a model on paper, ready for its numbers (`put_flat`)."""
    own = {f.name: getattr(model, f.name) for f in fields(model) if f.init}
    net = model.net.to_empty(device="cpu").eval()
    with torch.no_grad():
        for held in (*net.parameters(), *net.buffers()):
            held.zero_()
    blank = replace(model, net=net)
    made = _converted(blank, blank.read([blank.example()]).at)
    return SealedModel(**{**own, "net": made})


def flat(net: nn.Module) -> dict[str, Tensor]:
    """The numbers of an int8 net as plain tensors: `weight` int8 with `weight.scales`, all else as it is."""
    found: dict[str, Tensor] = {}
    for name, held in net.state_dict().items():
        if name.endswith(_PACKED):  # (weight, bias) of a dense layer
            place = name.removesuffix(_PACKED)
            found |= _plain(f"{place}.weight", held[0])
            found |= {} if held[1] is None else _plain(f"{place}.bias", held[1])
        elif isinstance(held, Tensor):
            found |= _plain(name, held)
    return found


def put_flat(net: nn.Module, held: Mapping[str, Tensor]) -> None:
    """Put what `flat` gave into such a net."""
    state = net.state_dict()  # it knows the version of its form
    for name, own in state.items():
        if name.endswith(_PACKED):
            place = name.removesuffix(_PACKED)
            state[name] = (_whole(f"{place}.weight", held), held.get(f"{place}.bias"))
        elif isinstance(own, Tensor):
            state[name] = _whole(name, held) if own.is_quantized else held[name]
    net.load_state_dict(state)


def _copied(model: Model) -> nn.Module:
    if not isinstance(model, NeuralModel) or isinstance(model, SealedModel):
        raise InvalidInput(
            f"'{model.id}' is no net whose weights can be made smaller; compress a net in float32."
        )
    with alone:
        return copy.deepcopy(model.net).eval().requires_grad_(False)


def _told(model: Model, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in model.info.items() if k not in _STALE}, **facts}


def _converted(model: NeuralModel, at: Tensor) -> nn.Module:
    """The net in int8, its ranges those of these encoded inputs."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter(
            "ignore"
        )  # torch.ao says where it will move, and what an empty net lacks
        from torch.ao.quantization import get_default_qconfig_mapping
        from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

        mapping = get_default_qconfig_mapping(torch.backends.quantized.engine)
        try:
            watched = prepare_fx(model.net, mapping, (at[:1],))
            watched(at)
            return convert_fx(watched)
        except Exception as error:  # whatever a tracer ends in
            raise ModelError(
                f"'{model.id}' cannot be traced into int8 ({short(error, 160)}); prune it instead."
            ) from error


def _plain(name: str, held: Tensor) -> dict[str, Tensor]:
    if not held.is_quantized:
        return {name: held.detach().clone()}
    if held.qscheme() != torch.per_channel_affine or held.q_per_channel_axis() != 0:
        raise NotApplicable(
            f"'{name}' has no step of its own for each output (a transposed convolution), and such int8 nets are "
            "not saved; prune it instead (--prune 0.5)."
        )
    return {name: held.int_repr(), f"{name}.scales": held.q_per_channel_scales()}


def _whole(name: str, held: Mapping[str, Tensor]) -> Tensor:
    """(out, ...) int8 weights with one scale a row; zero stands for zero."""
    scales = held[f"{name}.scales"]
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    return torch._make_per_channel_quantized_tensor(held[name], scales, zeros, 0)
