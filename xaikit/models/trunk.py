"""The layers that an image net begins with, found by following one pass, and their work on regions.

`Trace` follows the calls of a pass. As long as each call is a convolution, a pooling or a pointwise
function of the map before it, and nothing else reads a map, the calls are a chain and no place of a
map knows more than its window: that is the trunk. `Resume` repeats the pass without the trunk. Both
are modes of torch: the net, its weights and its hooks are not touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from xaikit.core.types import Ints
from xaikit.models.windows import FACTS, Axis, Operation, Size, averages, operation, tensors

__all__ = [
    "Axis",
    "Geometry",
    "Patch",
    "Resume",
    "Size",
    "Stage",
    "Trace",
    "pasted",
    "region",
    "window",
]


class Geometry(NamedTuple):
    """Sizes of a stage: (C, H, W) in and out, how it reads, and how many pointwise functions follow."""

    shape: tuple[int, ...]
    out: tuple[int, ...]
    axes: tuple[Axis, Axis]
    macs: int
    n_points: int

    def reach(self, size: Size) -> Size:
        """The size of the region of the result that a region of that size can change."""
        (a, b), (height, width) = self.axes, self.out[1:]
        return a.reach(size[0], height), b.reach(size[1], width)

    def patch(self, size: Size) -> Size:
        """The size of what is read for a region of the result of that size."""
        down, across = ((n - 1) * a.stride + a.extent for n, a in zip(size, self.axes, strict=True))
        return down, across


@dataclass(frozen=True, eq=False)
class Stage:
    """A convolution or pooling and the pointwise functions behind it.

    at : (B, C, H, W) what it reads; end : calls of the trunk up to its last one
    """

    at: Tensor
    window: Operation
    points: tuple[Operation, ...]
    geometry: Geometry
    end: int

    def __call__(self, patch: Tensor) -> Tensor:
        for step in (self.window, *self.points):
            patch = step.run(patch)
        return patch


class Patch(NamedTuple):
    """Changed parts of maps.

    at : (R, C, h, w); corners : (R, 2) where they stand in the map
    base : (R,) row of the pass that holds what is around them
    """

    at: Tensor
    corners: Ints
    base: Ints

    def take(self, rows: slice) -> Patch:
        return Patch(self.at[rows], self.corners[rows], self.base[rows])


class Trace(TorchFunctionMode):
    """Follows one pass from the map `at` (B, C, H, W).

    maps : the results of the calls of the chain, the input first
    mean : calls up to one that gives the mean of the last map of the chain; 0 when none does
    macs : multiply-adds of all convolutions and linear layers of the pass, for each row
    """

    def __init__(self, at: Tensor) -> None:
        super().__init__()
        self.maps: list[Tensor] = [at]
        self.calls: list[tuple[Any, Operation]] = []
        self.mean = 0
        self.macs = 0
        self._place = {id(at): 0}
        self._limit = math.inf  # calls up to the first map that something else reads too

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        read = [self._place[id(t)] for t in tensors((args, kwargs)) if id(t) in self._place]
        next_ = None
        if read and func not in FACTS:
            if read == [len(self.calls)] and args and args[0] is self.maps[-1] and not self.mean:
                next_ = self._next(func, args[1:], kwargs)
            if next_ is None:
                self._limit = min(self._limit, *read)
        out = func(*args, **kwargs)
        if next_ is not None:
            self.calls.append((func, next_))
            self.maps.append(out)
            self._place[id(out)] = len(self.calls)
        if func in (torch.conv2d, F.linear) and len(args) > 1:
            n_places = out[0].numel() // len(args[1])
            self.macs += n_places * args[1].numel()
        return out

    def _next(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Operation | None:
        if averages(func, args, kwargs):
            self.mean = len(self.calls) + 1
            return Operation(torch.clone)
        return operation(func, args, kwargs)

    def stages(self) -> list[Stage]:
        """The trunk, in the order of the calls."""
        found: list[Stage] = []
        n = len(self.calls) - bool(self.mean)
        starts = [i for i in range(n) if i == 0 or self.calls[i][1].axes]
        for start, end in zip(starts, [*starts[1:], n][: len(starts)], strict=True):
            if end > self._limit:
                break
            first, *points = (step for _, step in self.calls[start:end])
            if first.axes is None:
                first, points = Operation(torch.clone, (Axis(), Axis())), [first, *points]
            at, out = self.maps[start], self.maps[end]
            assert first.axes is not None
            geometry = Geometry(
                tuple(at.shape[1:]), tuple(out.shape[1:]), first.axes, first.macs, len(points)
            )
            found.append(Stage(at, first, tuple(points), geometry, end))
        if self.mean > self._limit or not found or found[-1].end + 1 != self.mean:
            self.mean = 0
        return found


class Resume(TorchFunctionMode):
    """Repeats the pass of a trace without its first n calls: the last of them gives `maps` instead."""

    def __init__(self, trace: Trace, n: int, maps: Tensor) -> None:
        super().__init__()
        self.trace, self.n, self.maps = trace, n, maps
        self.done = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        done, calls = self.done, self.trace.calls
        if done < self.n and func is calls[done][0] and args[0] is self.trace.maps[done]:
            self.done += 1
            return self.maps if self.done == self.n else self.trace.maps[self.done]
        return func(*args, **(kwargs or {}))


def region(stages: list[Stage], patch: Patch, bounds: Ints) -> Patch:
    """What a patch of the first stage's input changes in the last stage's result.

    bounds : (R, 4) first row and column, and ends of rows and columns, of what differs in the patch
    """
    first, ends = bounds[:, :2], bounds[:, 2:]
    for stage in stages:
        shape = stage.geometry
        spans = [
            axis.readers(first[:, i], ends[:, i], shape.out[1 + i])
            for i, axis in enumerate(shape.axes)
        ]
        first, ends = (np.stack(sides, axis=1) for sides in zip(*spans, strict=True))
        n = np.maximum((ends - first).max(axis=0), 1)
        corners = np.minimum(first, shape.out[1:] - n)
        origin = corners * [a.stride for a in shape.axes] - [a.before for a in shape.axes]
        size = shape.patch((int(n[0]), int(n[1])))
        seen = _read(stage.at, patch, origin, size, stage.window.fill)
        patch = Patch(stage(seen), corners, patch.base)
    return patch


def pasted(maps: Tensor, patch: Patch) -> Tensor:
    """(R, C, H, W): the maps with the patches in them."""
    return _read(maps, patch, np.zeros_like(patch.corners), (maps.shape[2], maps.shape[3]), 0.0)


def _read(maps: Tensor, patch: Patch, origin: Ints, size: Size, fill: float) -> Tensor:
    """(R, C, *size) from `origin` (R, 2) on: the patch where it lies, the map around it, `fill` outside.

    One gather of whole places, channels last, from the rows of the map and then those of the patch.
    """
    n_maps, channels, height, width = maps.shape
    n, _, h, w = patch.at.shape
    rows = [t.permute(0, 2, 3, 1).reshape(-1, channels) for t in (maps, patch.at)]
    source = torch.cat([*rows, maps.new_full((1, channels), fill)])
    down, across = window(origin, size)
    index = (patch.base[:, None, None] * height + down) * width + across
    if origin.min() < 0 or (origin + size > (height, width)).any():
        outside = (down < 0) | (down >= height) | (across < 0) | (across >= width)
        index[outside] = len(source) - 1
    down, across = down - patch.corners[:, 0, None, None], across - patch.corners[:, 1, None, None]
    inside = ((down >= 0) & (down < h)) & ((across >= 0) & (across < w))
    own = (n_maps * height * width + h * w * np.arange(n)[:, None, None] + w * down) + across
    np.copyto(index, own, where=inside)
    found = source.index_select(0, torch.from_numpy(index.reshape(-1)))
    return found.view(n, *size, channels).permute(0, 3, 1, 2)


def averaged(trace: Trace, patch: Patch) -> Tensor:
    """(R, C, ...) what the mean over the last map of the chain becomes with the patch in it."""
    last, mean = trace.maps[trace.mean - 1], trace.maps[trace.mean]
    height, width = last.shape[2:]
    down, across = window(patch.corners, (patch.at.shape[2], patch.at.shape[3]))
    before = places(last, (patch.base[:, None, None] * height + down) * width + across)
    change = (patch.at.permute(0, 2, 3, 1) - before).sum((1, 2)) / (height * width)  # (R, C)
    return mean.index_select(0, torch.from_numpy(patch.base)) + change.view(-1, *mean.shape[1:])


def places(maps: Tensor, index: Ints) -> Tensor:
    """(b, C, H, W) at flat places (R, h, w) -> (R, h, w, C)"""
    rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
    return rows.index_select(0, torch.from_numpy(index.reshape(-1))).view(*index.shape, -1)


def window(origin: Ints, size: Size) -> tuple[Ints, Ints]:
    """(R, h, 1) and (R, 1, w): the places of windows of that size."""
    down, across = np.arange(size[0])[:, None], np.arange(size[1])
    return origin[:, 0, None, None] + down, origin[:, 1, None, None] + across
