"""Masks that remove a small box: only what the box can change is computed again, with equal numbers.

An image net that begins with convolutions, poolings and pointwise layers, one after another, is
followed call by call on the unmasked input. A mask whose removed places lie in a small box changes a
small region of every map; the region is computed layer by layer, its surroundings are those of the
unmasked input, and the last region is pasted into the last map, from which the net goes on as it is.
A mask that keeps no more than a small box is the same thing around the reference. All other masks,
and nets that begin in another way, are evaluated in full.

Source: Nakandala, Kumar & Papakonstantinou 2019, SIGMOD ("Incremental and approximate inference for
faster occlusion-based deep CNN explanations"), section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from xaikit.core.abilities import BoundScores
from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.trunk import (
    Geometry,
    Patch,
    Resume,
    Stage,
    Trace,
    averaged,
    pasted,
    places,
    region,
    window,
)
from xaikit.models.windows import Size

__all__ = ["Regions", "bare"]

CLEAR = 1.3  # times less work than in full, or it is not done
# in multiply-adds of a convolution, what it costs ...
_POINT = 4  # ... to write a value of a layer
_MOVE = 8  # ... to copy a value
_INDEX = 100  # ... to find a place
_CALL = 12_000_000  # ... to call what one stage needs
_BYTES = 2**23  # of the maps that are put together at once
_ROWS = 128  # of a call that small boxes fill
_SMALL = 0.25  # share of the image that a box may take
_ALIKE = 1e-5  # of the scores: more is no rounding
_PARTS = (16, 4)  # of the image; sides of windows are rounded up to whole parts


@dataclass(frozen=True, eq=False)
class _Group:
    """Masks evaluated together: windows of one size around one kind of input.

    members : (m,) rows among the call's masks; bounds : (m, 4) of what is special in them
    size : of the largest box, rounded up
    around : 0 for the unmasked input, 1 for the references
    cut : how many stages are computed on regions
    saved : multiply-adds less than in full
    """

    members: Ints
    bounds: Ints
    size: Size
    around: int
    cut: int
    saved: float


class Regions:
    """The function of `bind` that evaluates small boxes on their region, and the rest in full.

    net, run : the net, and its scores (B, K) of encoded inputs (B, C, H, W)
    still : the context in which it is run
    x, others : (1, C, H, W) and (k, C, H, W), encoded
    ids : (H, W) features, -1 for places that are never removed
    full : evaluates any masks; the first regions are compared with it
    regional : how many rows were evaluated on regions
    """

    def __init__(
        self,
        net: nn.Module,
        run: Callable[[Tensor], Tensor],
        still: Callable[[], AbstractContextManager[None]],
        x: Tensor,
        others: Tensor,
        ids: Ints,
        full: BoundScores,
    ) -> None:
        self.net, self.run, self.still, self.full = net, run, still, full
        self.x, self.others = x, others
        self.n = int(ids.max()) + 1
        self.ids = np.where(ids < 0, self.n, ids)
        self.boxes = _Boxes(ids, self.n)
        self.places = np.bincount(ids[ids >= 0], minlength=self.n).astype(np.float32)
        self.total = self.places.sum()
        self.regional = 0

    def pays(self) -> bool:
        """Whether it is clearly cheaper for a feature of middling size, on a CPU."""
        if self.x.device.type != "cpu" or not bare(self.net):
            return False
        plan = self._plan
        sides = np.median(self.boxes.sides(), axis=0).astype(int)
        rows = min(_ROWS, 2 * self.n * len(self.others))
        return bool(plan.stages) and plan.best((int(sides[0]), int(sides[1])), rows)[1] > 0

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n) -> scores (m, k', K)."""
        small, around = self._small(masks)
        others = self.others[rows]
        if not self._promising(len(small) * len(others)):
            return self.full(masks, rows)
        groups = self._groups(small, around, masks[small], len(others))
        if not groups or not bare(self.net):
            return self.full(masks, rows)
        with self.still(), torch.inference_mode():
            found = self._on_regions(groups, masks, others)
        if found is None or not self._agree(groups, found, masks, rows):
            return self.full(masks, rows)
        members = np.concatenate([g.members for g in groups])
        self.regional += len(members) * len(others)
        scores, rest = np.empty((len(masks), *found.shape[1:])), np.ones(len(masks), dtype=bool)
        scores[members], rest[members] = found, False
        if rest.any():
            scores[rest] = self.full(masks[rest], rows)
        return scores

    def _small(self, masks: Bools) -> tuple[Ints, Ints]:
        """Masks that remove (0) or keep (1) so few places that these may lie in a small box."""
        kept = masks.astype(np.float32) @ self.places
        few = _SMALL * self.ids.size
        small = np.flatnonzero((kept <= few) | (kept >= self.total - few))
        return small, np.where(kept[small] <= few, 1, 0)

    def _agree(self, groups: list[_Group], found: Floats, masks: Bools, rows: slice) -> bool:
        """Whether one mask of each group gets what the whole net gives; asked once for a plan."""
        plan = self._plan
        if not plan.trusted:
            sizes = np.array([len(g.members) for g in groups])
            known = self.full(masks[[g.members[len(g.members) // 2] for g in groups]], rows)
            off = np.abs(known - found[np.cumsum(sizes) - sizes + sizes // 2]).max()
            plan.trusted = bool(off <= _ALIKE * (1 + np.abs(known).max()))
            if not plan.trusted:
                plan.stages = []  # the net is no chain after all: never again
        return plan.trusted

    def _promising(self, rows: int) -> bool:
        """Whether so many rows can become clearly cheaper, as far as is known."""
        plan = _PLANS.get(self.net, {}).get(tuple(self.x.shape[1:]))
        return rows > 0 and (plan is None or plan.promising(rows))

    @property
    def _plan(self) -> _Plan:
        """What was counted for this net and size of image."""
        known, size = _PLANS.setdefault(self.net, {}), tuple(self.x.shape[1:])
        if size not in known:
            with self.still(), torch.inference_mode():
                known[size] = _Plan(self._trace(self.x))
        return known[size]

    def _groups(self, small: Ints, around: Ints, masks: Bools, k: int) -> list[_Group]:
        """Groups of masks that are clearly cheaper on regions; none when that does not pay the pass
        of the unmasked inputs."""
        plan = self._plan
        if not plan.promising(len(small) * k):
            return []
        bounds = self.boxes.around(masks == (around[:, None] == 1))
        inside = _area(bounds) <= _SMALL * self.ids.size
        small, bounds, around = small[inside], bounds[inside], around[inside]
        if not plan.promising(len(small) * k):
            return []
        grains = [max(1, min(self.ids.shape) // parts) for parts in _PARTS]
        plans = [self._by_size(small, bounds, around, grain, k) for grain in grains]
        groups = max(plans, key=lambda plan: sum(g.saved for g in plan))
        full = plan.full * k * sum(len(g.members) for g in groups)
        n_bases = int(any(g.around == 0 for g in groups)) + k * any(g.around for g in groups)
        first = n_bases * plan.full + _CALL * len(plan.stages)
        left = full - sum(g.saved for g in groups) + first
        return groups if full >= CLEAR * left else []

    def _by_size(self, small: Ints, bounds: Ints, around: Ints, grain: int, k: int) -> list[_Group]:
        """Windows with sides of a whole number of grains, in groups of equal size."""
        sides = np.array(self.ids.shape)
        long = np.maximum(bounds[:, 2:] - bounds[:, :2], 1)
        sizes = np.minimum(-(-long // grain) * grain, sides)
        kinds = (sizes[:, 0] * (sides[1] + 1) + sizes[:, 1]) * 2 + around
        found = []
        for kind in np.unique(kinds):
            member = kinds == kind
            rows, (height, width), side = small[member], sizes[member][0], int(kind % 2)
            size = (int(height), int(width))
            cut, saved = self._plan.best(size, len(rows) * k)
            if saved > 0:
                found.append(_Group(rows, bounds[member], size, side, cut, saved))
        return found

    def _on_regions(self, groups: list[_Group], masks: Bools, others: Tensor) -> Floats | None:
        """Scores (m', k', K) of the members, one group after another; None if the net has changed."""
        bases = [self.x] if any(g.around == 0 for g in groups) else []
        if any(g.around for g in groups):
            bases.append(torch.where(torch.from_numpy(self.ids == self.n), self.x, others))
        trace = self._trace(torch.cat(bases))
        stages = trace.stages()
        if [s.geometry for s in stages] != self._plan.stages:
            del _PLANS[self.net]
            return None
        found = [self._scores(g, trace, stages[: g.cut], masks[g.members], others) for g in groups]
        return np.concatenate(found)

    def _scores(
        self, group: _Group, trace: Trace, stages: list[Stage], masks: Bools, others: Tensor
    ) -> Floats:
        """(m, k', K) of the masks of one group."""
        m, k = len(masks), len(others)
        bounds, reference = np.repeat(group.bounds, k, axis=0), np.tile(np.arange(k), m)
        before = len(trace.maps[0]) - k  # rows of the unmasked input
        base = reference + before if group.around else np.zeros_like(reference)
        corners = np.minimum(bounds[:, :2], np.array(others.shape[2:]) - group.size)
        at = self._masked(masks, corners, others, reference, group.size)
        patch = region(stages, Patch(at, corners, base), bounds)
        end = stages[-1].end
        if trace.mean == end + 1:
            scores = self._after(trace, trace.mean, averaged(trace, patch))
        else:
            last = trace.maps[end]
            step = max(1, _BYTES // (last[0].numel() * last.element_size()))
            parts = [patch.take(slice(i, i + step)) for i in range(0, m * k, step)]
            scores = torch.cat([self._after(trace, end, pasted(last, part)) for part in parts])
        return scores.view(m, k, -1).double().numpy()

    def _after(self, trace: Trace, n: int, maps: Tensor) -> Tensor:
        """Scores (R, K) when the first n calls of the net give the maps."""
        with Resume(trace, n, maps):
            return self.run(trace.maps[0])

    def _masked(
        self, masks: Bools, corners: Ints, others: Tensor, reference: Ints, size: Size
    ) -> Tensor:
        """(m k', C, *size): the masked inputs within their windows."""
        kept = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
        row = np.repeat(np.arange(len(masks)), len(others))[:, None, None]
        down, across = window(corners, size)
        where = down * self.ids.shape[1] + across
        absent = places(others, where + self.ids.size * reference[:, None, None])
        shown = torch.from_numpy(kept[row, self.ids[down, across]])
        found = torch.where(shown[..., None], places(self.x, where), absent)
        return found.permute(0, 3, 1, 2)

    def _trace(self, at: Tensor) -> Trace:
        trace = Trace(at.clone())
        with trace:
            self.run(trace.maps[0])
        return trace


class _Plan:
    """What windows cost on regions and in full, in multiply-adds of a row, counted once.

    full : of the whole net; trusted : whether regions gave what the whole net gives
    """

    def __init__(self, trace: Trace) -> None:
        self.stages = [stage.geometry for stage in trace.stages()]
        self.mean = trace.mean > 0  # behind the last stage, so that nothing is pasted
        own = [_work(s, s.out[1:]) for s in self.stages]
        self.full = trace.macs + sum(own) - sum(s.macs * s.out[1] * s.out[2] for s in self.stages)
        self.after = np.cumsum(own)
        self.trusted = False
        self._known: dict[Size, Floats] = {}

    def promising(self, rows: int) -> bool:
        """Whether so many rows can become clearly cheaper, if what is done on regions were free."""
        if not self.stages:
            return False
        least = self.full + _CALL * (2 * len(self.stages) + 2)
        return rows * self.full >= CLEAR * (rows * (self.full - float(self.after[-1])) + least)

    def best(self, size: Size, rows: int) -> tuple[int, float]:
        """How many stages to compute on regions, and what that saves; 0 when it is not clear."""
        if size not in self._known:
            self._known[size] = self._costs(size)
        calls = _CALL * np.arange(2, len(self.stages) + 2)
        saved = rows * (self.after - self._known[size]) - calls
        cut = int(np.argmax(saved))
        full = rows * self.full
        return cut + 1, float(saved[cut]) if full >= CLEAR * (full - saved[cut]) else 0.0

    def _costs(self, size: Size) -> Floats:
        """Of one row up to each cut: the regions, and the last one pasted."""
        found, done = [], 0.0
        for i, stage in enumerate(self.stages, start=1):
            size = stage.reach(size)
            done += _copy(stage.shape[0], stage.patch(size)) + _work(stage, size)
            mean = self.mean and i == len(self.stages)
            found.append(done + _copy(stage.out[0], size if mean else stage.out[1:]))
        return np.array(found)


_PLANS: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Plan]] = WeakKeyDictionary()


def _work(stage: Geometry, size: Sequence[int]) -> float:
    return size[0] * size[1] * (stage.macs + _POINT * stage.out[0] * (1 + stage.n_points))


def _copy(channels: int, size: Sequence[int]) -> float:
    return size[0] * size[1] * (_INDEX + _MOVE * channels)


def bare(net: nn.Module) -> bool:
    """Whether calling the net does nothing but its own forward: no hooks, not compiled."""
    hooked = any(
        m._forward_hooks
        or m._forward_pre_hooks
        or m._compiled_call_impl
        or "_orig_mod" in m._modules
        for m in net.modules()
    )
    return not hooked and not _has_any_global_hook()  # type: ignore[no-untyped-call]


class _Boxes:
    """The box around any choice of features.

    edges : (4, n) first row and column of every feature, then minus its end of rows and of columns
    """

    def __init__(self, ids: Ints, n: int) -> None:
        places, owners = np.argwhere(ids >= 0), ids[ids >= 0]
        self.edges = np.full((4, n), max(ids.shape))
        for edge, values in zip(self.edges, np.hstack([places, -places - 1]).T, strict=True):
            np.minimum.at(edge, owners, values)
        self.orders = np.argsort(self.edges, axis=1)

    def sides(self) -> Ints:
        """(n, 2): height and width of the box of each feature."""
        found: Ints = -(self.edges[:2] + self.edges[2:]).T
        return found

    def around(self, chosen: Bools) -> Ints:
        """chosen (m, n) -> (m, 4): first row and column, end of rows and of columns."""
        leading = [order[chosen[:, order].argmax(1)] for order in self.orders]
        found = np.stack([edge[i] for edge, i in zip(self.edges, leading, strict=True)], axis=1)
        found[:, 2:] *= -1
        found[~chosen.any(axis=1)] = 0  # nowhere
        return found


def _area(bounds: Ints) -> Ints:
    return np.asarray((bounds[:, 2:] - bounds[:, :2]).prod(axis=1))
