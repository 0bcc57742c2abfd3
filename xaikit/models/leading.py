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

from xaikit.core.types import Bools, Floats
from xaikit.models.composing import Composed
from xaikit.models.regions import bare
from xaikit.models.windows import FACTS, tensors
from xaikit.shapley.process.pairs import both_of

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

    full : evaluates any masks whole; before the first sums are used some are compared with it
    rows : how many were evaluated by sums
    """

    def __init__(self, model: NeuralModel, full: Composed) -> None:
        self.full, self.rows = full, 0
        self._model, self._layer = model, _first(model, full)
        self._vectors: _Vectors | None = None
        self.alike: Hashable = full.alike

    def pays(self) -> bool:
        """Whether there is such a layer, small enough, on a CPU."""
        layer, n_vectors = self._layer, self.full.n_features * len(self.full.others)
        return layer is not None and n_vectors * layer.out_features <= _MOST

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        n_rows, layer = len(masks) * len(self.full.others[rows]), self._layer
        small = n_rows * self.full.others[0].numel() < _FEW
        if layer is None or small or "forward" in layer.__dict__ or not bare(self._model.net):
            return self.full(masks, rows)
        if self._vectors is None or not self._vectors.current(layer):
            self._vectors = self._checked(masks, layer)
        found = None
        if self._vectors is not None:
            found = self._scores(self._vectors, masks, rows, layer)
        if found is None:
            self._layer = None  # the net does not do what was foreseen
            return self.full(masks, rows)
        self.rows += n_rows
        return found

    def together(self, others: Sequence[Leading], masks: Sequence[Bools]) -> list[Floats]:
        """Scores (m, k, K) of the masks of each of the others, in one pass, in full: they are few."""
        return self.full.together([other.full for other in others], masks)

    def _checked(self, masks: Bools, layer: nn.Linear) -> _Vectors | None:
        """The vectors, if the net begins with the layer now and sums give what the whole net gives.

        They are compared with the reference of the largest numbers, on masks of all sorts: of all
        and of no features, for only the layer may read the input; with and without the largest
        feature, whose rounding must not reach the scores of the others.
        """
        if _followed(self._model, self.full) is not layer:
            return None
        with self.full.still(), torch.inference_mode():
            vectors = _Vectors.of(layer, self.full)
            sizes = vectors.each.abs().sum(2)  # (n, k)
            worst = int((sizes.sum(0) + vectors.base.abs().sum(1)).argmax())
        some = masks[[0, len(masks) // 2, len(masks) - 1]]
        largest = np.arange(masks.shape[1]) == int(sizes[:, worst].argmax())
        both = both_of(np.concatenate([some, largest[None], np.zeros_like(some[:1])]))
        rows = slice(worst, worst + 1)
        known = self.full(both, rows)
        found = self._scores(vectors, both, rows, layer)
        if found is None or not np.abs(found - known).max() <= _ALIKE * np.abs(known).max():
            return None
        return vectors

    def _scores(
        self, vectors: _Vectors, masks: Bools, rows: slice, layer: nn.Linear
    ) -> Floats | None:
        """Scores (m, k', K), None where the pass goes another way than through the layer."""
        m, k = len(masks), len(self.full.others[rows])
        paired = m % 2 == 0 and bool((masks[::2] != masks[1::2]).all())
        asked = torch.from_numpy(masks[::2] if paired else masks)
        every = np.empty(0)
        step = -(-len(asked) // max(1, round(m * k / _ROWS)))  # equal shares of about so many rows
        with self.full.still(), torch.inference_mode():
            nothing = torch.full_like(self.full.batch.at, torch.nan)  # read by the layer alone
            kept, size = asked.to(nothing), (1 + paired, step, k * layer.out_features)
            room = _room(layer, nothing, math.prod(size))
            outs = room[: math.prod(size)].view(size)
            for start in range(0, len(kept), step):
                some = kept[start : start + step]
                out = vectors.sum(some, rows, outs[:, : len(some)])
                with _giving(layer, out) as given:
                    found = self._model.forward(nothing, self.full.batch).double().numpy()
                once = given == [(1, layer.in_features)] and len(found) == len(out)
                if not once or np.isnan(found).any():
                    return None
                if start == 0:
                    every = np.empty((len(kept), 1 + paired, k, found.shape[1]))
                found = found.reshape(1 + paired, len(some), k, -1)
                every[start : start + step] = found.swapaxes(0, 1)
                del found
        _ROOMS[layer].append(room)
        return every.reshape(m, k, -1)


class _Vectors(NamedTuple):
    """What the layer adds up, for k references and an output of h numbers.

    base : (k, h) with no feature kept; each : (n, k, h) what a feature adds
    both : (k, h) sum of the outputs for a mask and its complement
    state : of the weights that they were made of
    """

    base: Tensor
    each: Tensor
    both: Tensor
    state: tuple[Any, ...]

    @classmethod
    def of(cls, layer: nn.Linear, full: Composed) -> _Vectors:
        k, n, width = len(full.others), full.n_features, layer.out_features
        change = full.change.reshape(k, -1).T.contiguous()  # (d, k)
        weight = layer.weight.T.contiguous()  # (d, h)
        base = F.linear(full.others.reshape(k, -1), layer.weight, layer.bias)
        if full.straight and len(change) == n:
            each = change[:, :, None] * weight[:, None, :]
            return cls(base, each, 2 * base + each.sum(0), _state(layer))
        owner = torch.from_numpy(np.broadcast_to(full.places, full.others.shape[1:]).flatten())
        each = change.new_zeros(n + 1, k, width)
        size = max(1, _MOST // (k * width))
        for places, some, into in zip(
            *(torch.split(part, size) for part in (change, weight, owner)), strict=True
        ):
            each.index_add_(0, into, places[:, :, None] * some[:, None, :])
        base += each[n]  # places of no feature are always the sample's
        return cls(base, each[:n], 2 * base + each[:n].sum(0), _state(layer))

    def current(self, layer: nn.Linear) -> bool:
        """Whether the weights are still those."""
        now = _state(layer)
        return len(now) == len(self.state) and all(
            a is b if isinstance(a, Tensor) else a == b
            for a, b in zip(self.state, now, strict=True)
        )

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
def _giving(layer: nn.Linear, out: Tensor) -> Iterator[list[tuple[int, ...]]]:
    """Inside, the layer gives `out` to this thread whatever it reads; the shapes that it read."""
    read: list[tuple[int, ...]] = []
    owner = get_ident()

    def forward(input: Tensor) -> Tensor:
        if get_ident() != owner:
            return nn.Linear.forward(layer, input)
        read.append(tuple(input.shape))
        return out

    layer.__dict__["forward"] = forward
    try:
        yield read
    finally:
        layer.__dict__.pop("forward", None)


def _state(layer: nn.Linear) -> tuple[Any, ...]:
    """Which weights the layer has, and how often they were changed in place."""
    return tuple(
        part
        for weight in (layer.weight, layer.bias)
        if weight is not None
        for part in (weight, weight._version)
    )


class _Lead(TorchFunctionMode):
    """Follows a pass from `at` to the first linear layer, through calls that only lay it out anew.

    weight : of the layer, None before it is reached; alone : whether nothing else reads `at`, and
        nothing else is done with the weight
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
        if func in FACTS:
            return out
        given = list(tensors((args, kwargs)))
        if self.weight is not None and any(t is self.weight for t in given):
            self.alone = False
        if not any(t is s for t in given for s in self._seen):
            return out
        at = self._seen[-1]
        if self.weight is not None or not args or args[0] is not at:
            self.alone = False
        elif func in _LAYS_OUT:
            self._seen.append(out)
        elif func is F.linear and len(args) > 1 and at.shape == (1, self._seen[0].numel()):
            self.weight = args[1]
        else:
            self.alone = False
        return out


def _followed(model: NeuralModel, full: Composed) -> nn.Linear | None:
    """The layer that alone reads the whole input, seen in a pass."""
    with full.still(), torch.inference_mode(), _Lead(full.batch.at) as lead:
        model.forward(full.batch.at, full.batch)
    if lead.weight is None or not lead.alone or lead.weight.is_inference():
        return None
    layers = (m for m in model.net.modules() if type(m) is nn.Linear)
    return next((m for m in layers if m.weight is lead.weight), None)


_FIRST: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], nn.Linear | None]] = WeakKeyDictionary()
_ROOMS: WeakKeyDictionary[nn.Module, list[Tensor]] = WeakKeyDictionary()


def _first(model: NeuralModel, full: Composed) -> nn.Linear | None:
    """That layer, for all questions with this net and size of input; each looks again before it is used."""
    known, size = _FIRST.setdefault(model.net, {}), tuple(full.batch.at.shape[1:])
    if full.batch.at.device.type != "cpu" or full.batch.valid is not None or not bare(model.net):
        return None
    if size not in known:
        known[size] = _followed(model, full)
    return known[size]


def _room(layer: nn.Linear, like: Tensor, numbers: int) -> Tensor:
    """Memory that was used before and that nobody uses now, for new memory is slow; it is given back
    to `_ROOMS`."""
    try:
        room = _ROOMS.setdefault(layer, []).pop()
    except IndexError:
        room = like.new_empty(0)
    return room if len(room) >= numbers else like.new_empty(numbers)
