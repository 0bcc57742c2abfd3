"""Nets that begin with a linear layer: what the layer makes of a masked input is a sum over features.

A feature that is kept adds one vector to the layer's output, so the output is a product with the masks
themselves: no input is put together, and a feature of many numbers (pixels, one-hot columns) costs no
more than one. The outputs for a mask and for its complement have a known sum. Only the rest of the net
is run.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xaikit.models.composing import Composed
from xaikit.models.regions import bare
from xaikit.models.windows import FACTS, tensors
from xaikit.types import Bools, Floats

if TYPE_CHECKING:
    from xaikit.models.neural import NeuralModel

__all__ = ["Leading"]

_ALIKE = 1e-5  # of the scores: more is no rounding
_MOST = 2**20  # numbers of the vectors, of all features and references
_FEW = 2**17  # numbers of masked inputs that are put together as fast
_ROWS = 6000  # that go through the rest of the net at once, about
_LAYS_OUT = frozenset([torch.flatten, torch.reshape, Tensor.flatten, Tensor.reshape, Tensor.view])


class Leading:
    """The function of `bind` that sums what features give to the first layer; see `abilities.Maskable`.

    full : evaluates any masks whole; the first sums are compared with it
    rows : how many were evaluated by sums
    """

    def __init__(self, model: NeuralModel, full: Composed) -> None:
        self.full, self.rows = full, 0
        self._model, self._plan = model, _plan(model, full)
        self._vectors: _Vectors | None = None
        self.alike: Hashable = full.alike

    def pays(self) -> bool:
        """Whether there is such a layer, small enough, on a CPU."""
        layer, n_vectors = self._plan.layer, self.full.n_features * len(self.full.others)
        return layer is not None and n_vectors * layer.out_features <= _MOST

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        n_rows, layer = len(masks) * len(self.full.others[rows]), self._plan.layer
        small = n_rows * self.full.others[0].numel() < _FEW
        if layer is None or small or "forward" in layer.__dict__ or not bare(self._model.net):
            return self.full(masks, rows)
        found = self._scores(masks, rows, layer)
        if found is not None and not self._plan.trusted:
            known = self.full(masks[:4], rows)
            off = np.abs(known - found[:4]).max()
            self._plan.trusted = bool(off <= _ALIKE * (1 + np.abs(known).max()))
        if found is None or not self._plan.trusted:
            self._plan.layer = None  # the net does not do what was foreseen
            return self.full(masks, rows)
        self.rows += n_rows
        return found

    def together(self, others: Sequence[Leading], masks: Sequence[Bools]) -> list[Floats]:
        """Scores (m, k, K) of the masks of each of the others, in one pass, in full: they are few."""
        return self.full.together([other.full for other in others], masks)

    def _scores(self, masks: Bools, rows: slice, layer: nn.Linear) -> Floats | None:
        """Scores (m, k', K), None where the pass goes another way than through the layer."""
        m, k = len(masks), len(self.full.others[rows])
        paired = m % 2 == 0 and bool((masks[::2] != masks[1::2]).all())
        asked = torch.from_numpy(masks[::2] if paired else masks)
        every = np.empty(0)
        step = -(-len(asked) // max(1, round(m * k / _ROWS)))  # equal shares of about so many rows
        with self.full.still(), torch.inference_mode():
            if self._vectors is None:
                self._vectors = _Vectors.of(layer, self.full)
            nothing = torch.full_like(self.full.batch.at, torch.nan)  # read by the layer alone
            kept = asked.to(nothing)
            size = 1 + paired, step, k * layer.out_features
            room = self._plan.room(math.prod(size))
            outs = room[: math.prod(size)].view(size)
            for start in range(0, len(kept), step):
                some = kept[start : start + step]
                out = self._vectors.sum(some, rows, outs[:, : len(some)])
                with _giving(layer, out) as given:
                    found = self._model.forward(nothing, self.full.batch).numpy()
                if not given or len(found) != len(out) or np.isnan(found).any():
                    return None
                if start == 0:
                    every = np.empty((1 + paired, len(kept), k, found.shape[1]))
                every[:, start : start + step] = found.reshape(1 + paired, len(some), k, -1)
                del found
        self._plan.rooms.append(room)
        return every.swapaxes(0, 1).reshape(m, k, -1)


class _Vectors(NamedTuple):
    """What the layer adds up, for k references and an output of h numbers.

    base : (k, h) with no feature kept; each : (n, k, h) what a feature adds
    both : (k, h) sum of the outputs for a mask and its complement
    """

    base: Tensor
    each: Tensor
    both: Tensor

    @classmethod
    def of(cls, layer: nn.Linear, full: Composed) -> _Vectors:
        k, n, width = len(full.others), full.n_features, layer.out_features
        change, weight = full.change.reshape(k, -1).T, layer.weight.T  # (d, k), (d, h)
        base = F.linear(full.others.reshape(k, -1), layer.weight, layer.bias)
        if full.straight:
            each = change[:, :, None] * weight[:, None, :]
            return cls(base, each, 2 * base + each.sum(0))
        owner = torch.from_numpy(np.broadcast_to(full.places, full.others.shape[1:]).flatten())
        each = change.new_zeros(n + 1, k, width)
        size = max(1, _MOST // (k * width))
        for places, some, into in zip(
            *(torch.split(part, size) for part in (change, weight, owner)), strict=True
        ):
            each.index_add_(0, into, places[:, :, None] * some[:, None, :])
        base += each[n]  # places of no feature are always the sample's
        return cls(base, each[:n], 2 * base + each[:n].sum(0))

    def sum(self, masks: Tensor, rows: slice, room: Tensor) -> Tensor:
        """Outputs of the layer for masks (m, n), and for their complements after them where there is
        room, (m k', h) or (2 m k', h).

        room : (1, m, k' h) or (2, m, k' h), is written to
        """
        base, each = self.base[rows].reshape(-1), self.each[:, rows].reshape(len(self.each), -1)
        torch.addmm(base, masks, each, out=room[0])
        if len(room) == 2:
            torch.sub(self.both[rows].reshape(-1), room[0], out=room[1])
        return room.reshape(-1, self.base.shape[1])


@contextmanager
def _giving(layer: nn.Linear, out: Tensor) -> Iterator[list[Tensor]]:
    """Inside, the layer gives `out` whatever this thread lets it read; what that was is listed."""
    read: list[Tensor] = []
    owner = get_ident()

    def forward(at: Tensor) -> Tensor:
        if get_ident() != owner:
            return nn.Linear.forward(layer, at)
        read.append(at)
        return out

    layer.__dict__["forward"] = forward
    try:
        yield read
    finally:
        layer.__dict__.pop("forward", None)


class _Lead(TorchFunctionMode):
    """Follows a pass from `at` to the first linear layer, through calls that only lay it out anew.

    weight : of the layer, None before it is reached; alone : whether nothing else reads `at`
    """

    def __init__(self, at: Tensor) -> None:
        super().__init__()
        self.weight: Tensor | None = None
        self.alone = True
        self._seen = [at]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func in FACTS or not any(t is s for t in tensors((args, kwargs)) for s in self._seen):
            return out
        if self.weight is not None or not args or args[0] is not self._seen[-1]:
            self.alone = False
        elif func in _LAYS_OUT:
            self._seen.append(out)
        elif func is F.linear and args[0].ndim == 2:
            self.weight = args[1]
        else:
            self.alone = False
        return out


class _Plan:
    """What is known of a net and a size of input.

    layer : that reads the whole input, None where there is none; trusted : whether sums were right
    """

    def __init__(self, layer: nn.Linear | None) -> None:
        self.layer, self.trusted = layer, False
        self.rooms: list[Tensor] = []

    def room(self, numbers: int) -> Tensor:
        """Memory that was used before and that nobody uses now, for new memory is slow; it is given
        back to `rooms`."""
        try:
            room = self.rooms.pop()
        except IndexError:
            room = torch.empty(0)
        return room if len(room) >= numbers else torch.empty(numbers)


_PLANS: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Plan]] = WeakKeyDictionary()


def _plan(model: NeuralModel, full: Composed) -> _Plan:
    """What was found for this net and size of input."""
    known, size = _PLANS.setdefault(model.net, {}), tuple(full.batch.at.shape[1:])
    at = full.batch.at
    if at.device.type != "cpu" or full.batch.valid is not None or not bare(model.net):
        return _Plan(None)
    if size not in known:
        with full.still(), torch.inference_mode(), _Lead(at) as lead:
            model.forward(at, full.batch)
        layers = (m for m in model.parts.modules if type(m) is nn.Linear)
        found = next((m for m in layers if m.weight is lead.weight), None)
        known[size] = _Plan(found if lead.alone else None)
    return known[size]
