"""Calls of torch that work place by place: what window of a map each reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["FACTS", "Axis", "Operation", "operation", "tensors"]

Pair = int | tuple[int, ...] | list[int]


class Axis(NamedTuple):
    """How the windows of a layer lie along one side of the map.

    extent : places between the first and the last that a window reads, both counted
    before : places of padding
    """

    extent: int = 1
    stride: int = 1
    before: int = 0


class Operation(NamedTuple):
    """The windows of a call along both sides of a map; None for a pointwise function."""

    axes: tuple[Axis, Axis] | None = None


def operation(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Operation | None:
    """What a call reads of its first argument, None when it is no local function of a map."""
    if func in _READERS:
        found: Operation | None = _READERS[func](*args, **kwargs)
        return found
    return Operation() if func in _POINTWISE else None


def _conv(
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Operation:
    del bias, groups
    extents = [d * (k - 1) + 1 for d, k in zip(_pair(dilation), weight.shape[2:], strict=True)]
    if isinstance(padding, str):
        before = tuple((e - 1) // 2 if padding == "same" else 0 for e in extents)
    else:
        before = _pair(padding)
    return Operation(_axes(extents, _pair(stride), before))


def _max_pool(
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Operation | None:
    del ceil_mode  # what overhangs is outside the map
    if return_indices:
        return None
    step = stride if stride else kernel_size
    extents = [d * (k - 1) + 1 for d, k in zip(_pair(dilation), _pair(kernel_size), strict=True)]
    return Operation(_axes(extents, _pair(step), _pair(padding)))


def _average_pool(
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Operation | None:
    del divisor_override
    if ceil_mode or (max(_pair(padding)) and not count_include_pad):
        return None  # windows at the border have a divisor of their own
    step = stride if stride else kernel_size
    return Operation(_axes(_pair(kernel_size), _pair(step), _pair(padding)))


def _batch_norm(
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Operation | None:
    del mean, var, weight, bias, momentum, eps
    return None if training else Operation()  # else a mean over the batch and the whole map


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> Operation | None:
    del p, inplace
    return None if training else Operation()


def _axes(
    extents: Iterable[int], strides: Iterable[int], before: Iterable[int]
) -> tuple[Axis, Axis]:
    down, across = (Axis(*axis) for axis in zip(extents, strides, before, strict=True))
    return down, across


def _pair(given: Pair) -> tuple[int, int]:
    if isinstance(given, int):
        return given, given
    return given[0], given[-1]


def tensors(given: Any) -> Iterator[Tensor]:
    """The tensors among the arguments of a call."""
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, (tuple, list)):
        for part in given:
            yield from tensors(part)
    elif isinstance(given, dict):
        yield from tensors(list(given.values()))


_READERS: dict[Any, Callable[..., Operation | None]] = {
    torch.conv2d: _conv,
    F.max_pool2d: _max_pool,
    F.avg_pool2d: _average_pool,
    F.batch_norm: _batch_norm,
    F.dropout: _dropout,
    F.dropout2d: _dropout,
}
_POINTWISE = frozenset(
    [
        F.celu, F.elu, F.gelu, F.hardsigmoid, F.hardswish, F.hardtanh, F.leaky_relu, F.logsigmoid,
        F.mish, F.prelu, F.relu, F.relu6, F.selu, F.sigmoid, F.silu, F.softplus, F.softsign, F.tanh,
        torch.prelu, torch.relu, torch.relu_, torch.sigmoid, torch.tanh,
        Tensor.relu, Tensor.relu_, Tensor.sigmoid, Tensor.tanh,
    ]
)  # fmt: skip
# what may be asked of a map without reading its values or its number of rows
FACTS = frozenset(
    [Tensor.dim, Tensor.ndim.__get__, Tensor.dtype.__get__, Tensor.device.__get__]  # type: ignore[attr-defined]
)
