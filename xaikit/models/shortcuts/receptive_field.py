"""A pass of an image net, followed to know the receptive field of each place of its maps.

`FieldTracker` follows the calls that work place by place: convolutions, poolings, pointwise functions
and sums of two maps, also where a map has several readers. `ResumedPass` repeats the pass from one of
those maps on.
Both are modes of torch: the net, its weights and its hooks are not touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from xaikit.models.shortcuts.windows import FACTS, Axis, operation, tensors

__all__ = ["Call", "FieldTracker", "PathChanged", "ReceptiveField", "ResumedPass", "Sides"]

POINT = 4  # what it costs to write a value of a layer, in multiply-adds of a convolution
_SUMS = frozenset([torch.add, Tensor.add, Tensor.add_])


class PathChanged(Exception):  # it is caught where a pass is repeated, and tells of no error
    """The net did not make the calls that it was known to make."""


class ReceptiveField(NamedTuple):
    """The receptive field of place i along one side of a map: from first + i step to before end + i step."""

    first: int = 0
    end: int = 1
    step: int = 1

    def through(self, axis: Axis) -> ReceptiveField:
        """Of what windows of this map have seen."""
        return ReceptiveField(
            self.first - axis.before * self.step,
            self.end + (axis.extent - 1 - axis.before) * self.step,
            self.step * axis.stride,
        )

    def joined(self, other: ReceptiveField) -> ReceptiveField | None:
        """Of the sum of two maps, None where these do not lie over each other."""
        if self.step != other.step:
            return None
        return ReceptiveField(min(self.first, other.first), max(self.end, other.end), self.step)


Sides = tuple[ReceptiveField, ReceptiveField]


class Call(NamedTuple):
    """A call that gave a map.

    reads : the oldest map that it reads; sides : what a place of the result has seen
    shape : (C, H, W) of the result; work : multiply-adds of all calls up to it, for each row
    """

    func: Callable[..., Any]
    reads: int
    sides: Sides
    shape: tuple[int, ...]
    work: float


class FieldTracker(TorchFunctionMode):
    """Follows a pass from the image `at` (B, C, H, W); map i is what call i - 1 gave, map 0 the image.

    upto : calls after which the pass ends, with `Reached`
    tokens : stand for the maps in `ResumedPass`, without their values
    limit : the first map that anything else reads
    work : multiply-adds of the whole pass for each row, what is not followed too
    """

    class Reached(Exception):  # it is caught, and tells of no error
        """The map that was asked for is `last`."""

    def __init__(self, at: Tensor, upto: float = math.inf) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.last, self.upto, self._rows = at, upto, len(at)
        self.tokens = [_token(at)]
        self.limit = math.inf
        self.work = 0.0
        self._index = {id(at): 0}
        self._kept = [at]  # so that no id is used twice

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in FACTS:
            return func(*args, **kwargs)
        read = [self._index[id(t)] for t in tensors((args, kwargs)) if id(t) in self._index]
        sides = self._sides(func, args, kwargs, read) if read else None
        if read and sides is None:
            self.limit = min(self.limit, *read)
        out = func(*args, **kwargs)
        if isinstance(out, Tensor):
            self.work += _work(func, args, out.numel() // self._rows)
            if sides is not None:
                self._follow(Call(func, min(read), sides, tuple(out.shape[1:]), self.work), out)
        return out

    def _sides(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], read: list[int]
    ) -> Sides | None:
        """What a place of the result has seen; None for a call that does not work place by place."""
        if func in _SUMS:
            return self._joined(args, kwargs, read)
        if len(read) != 1 or not args or id(args[0]) not in self._index:
            return None
        step = operation(func, args[1:], kwargs)
        if step is None:
            return None
        sides = self.sides_of(read[0])
        if step.axes is None:
            return sides
        down, across = (reach.through(axis) for reach, axis in zip(sides, step.axes, strict=True))
        return down, across

    def _joined(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], read: list[int]
    ) -> Sides | None:
        if kwargs or len(args) != 2 or len(read) != 2 or args[0].shape != args[1].shape:
            return None
        one, other = map(self.sides_of, read)
        down, across = one[0].joined(other[0]), one[1].joined(other[1])
        return None if down is None or across is None else (down, across)

    def _follow(self, call: Call, out: Tensor) -> None:
        self.calls.append(call)
        old = self._index.get(id(out))  # a call in place gives the map that it read
        self.tokens.append(_token(out) if old is None else self.tokens[old])
        self._index[id(out)] = len(self.calls)
        self._kept.append(out)
        if len(self.calls) == self.upto:
            self.last = out
            raise FieldTracker.Reached

    def map_of(self, given: Tensor) -> int | None:
        """The number of the map that a tensor is, None where it was not followed."""
        return self._index.get(id(given))

    def sides_of(self, index: int) -> Sides:
        """What a place of that map has seen."""
        return self.calls[index - 1].sides if index else (ReceptiveField(), ReceptiveField())

    def finish(self) -> None:
        """Let go of the maps; what was counted stays."""
        self._kept.clear()
        self._index.clear()

    def alike(self, other: FieldTracker) -> bool:
        """Whether its calls are the first of the other's."""
        pairs = zip(self.calls, other.calls, strict=False)
        same = all((a.func, a.sides, a.shape) == (b.func, b.sides, b.shape) for a, b in pairs)
        return same and len(self.calls) <= len(other.calls)

    def cuts(self) -> list[int]:
        """Numbers of calls after which the last map is all that the rest of the net reads.

        Of neighbours whose maps have one size and have seen the same, the last.
        """
        found: list[int] = []
        oldest = math.inf  # map that a later call reads
        for n in range(len(self.calls), 0, -1):
            call = self.calls[n - 1]
            if n <= self.limit and oldest >= n:
                later = self.calls[found[-1] - 1] if found else None
                if later is None or (later.sides, later.shape) != (call.sides, call.shape):
                    found.append(n)
            oldest = min(oldest, call.reads)
        return found[::-1]


class ResumedPass(TorchFunctionMode):
    """Repeats the pass of a tracker without its first n calls: the last of them gives `at` instead.

    The pass starts from `tracker.tokens[0]`. Raises `PathChanged` where it goes another way, and by `arrived`
    where it never came to the map.
    """

    def __init__(self, tracker: FieldTracker, n: int, at: Tensor) -> None:
        super().__init__()
        self._tracker, self._n, self._at = tracker, n, at
        self._tokens = {id(t) for t in tracker.tokens[: n + 1]}
        self._done = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in FACTS and any(id(t) in self._tokens for t in tensors((args, kwargs))):
            return self._skip(func, args)
        return func(*args, **kwargs)

    def _skip(self, func: Any, args: tuple[Any, ...]) -> Tensor:
        tokens, done = self._tracker.tokens, self._done
        if done == self._n or func is not self._tracker.calls[done].func:
            raise PathChanged
        if not any(t is tokens[self._tracker.calls[done].reads] for t in tensors(args)):
            raise PathChanged
        self._done = done + 1
        return self._at if self._done == self._n else tokens[self._done]

    def arrived(self) -> None:
        """Raise `PathChanged` unless the map was used."""
        if self._done < self._n:
            raise PathChanged


def _token(at: Tensor) -> Tensor:
    """Its shape and type; whoever reads its one value is seen by the result."""
    return at.new_full((1,), math.nan).expand(at.shape)


def _work(func: Any, args: tuple[Any, ...], numbers: int) -> float:
    """Multiply-adds of a call that gives so many numbers."""
    if func in (torch.conv2d, F.linear) and len(args) > 1:
        return float(numbers // len(args[1]) * args[1].numel() + POINT * numbers)
    return float(POINT * numbers)
