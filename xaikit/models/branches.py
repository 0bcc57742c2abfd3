"""Masks that begin alike: a recurrent net computes what they share once.

The state of a net that reads from left to right depends, after every step, on what was read so far and
on nothing else. Sorted by the steps at which features first appear, masked inputs form a tree. It is
computed in segments: one row for each distinct beginning, started from the state of the shorter
beginning that it continues. Where segments end is chosen at the least cost.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaikit.models.composing import Composed
from xaikit.models.prefix import body_of
from xaikit.models.regions import bare
from xaikit.models.zoo.rnn import Recurrent
from xaikit.types import Bools, Floats, Ints

__all__ = ["Branches", "recurrent_body"]

SAVED = 0.05  # share of a call's cost that must be saved, or it is not done
CLEAR = 0.2  # share that small requests must save, or they rather share passes with other samples'
# costs are counted in steps of one row; one more segment costs ...
_CALL = 5_000_000  # ... so many multiply-adds ...
_MORE = 24  # ... and so many steps ...
_PACKED = 60  # ... and more of them where torch packs the weights anew in every call
_STEP = 4  # what a step costs beside its rows
_LEAST = 16  # segments that the whole must be worth
_ROWS = 256  # of a large pass


def recurrent_body(net: nn.Module) -> Recurrent | None:
    """The recurrent part of a zoo net that never looks ahead, or None."""
    body = body_of(net)
    return body if type(body) is Recurrent and body.ends == 1 else None


class Branches:
    """The function of `bind` that computes the common beginnings of masked inputs once.

    body : the recurrent part of `net`; in_units : what it gives -> (B, K) scores
    full : evaluates any masks
    alike, together : of `full`, where small requests had better be packed (see `packing.Packable`)
    steps : of single rows, computed so far; asked : what they would have been in full
    """

    def __init__(
        self, net: nn.Module, body: Recurrent, in_units: Callable[[Tensor], Tensor], full: Composed
    ) -> None:
        self.net, self.body, self.in_units, self.full = net, body, in_units, full
        self.places, self.length = full.places, len(full.places)
        first = np.full(self.places.max() + 1, self.length)  # step of every feature
        np.minimum.at(first, self.places, np.arange(self.length)[:, None])
        self.features = np.argsort(first, kind="stable")
        self.first = first[self.features]
        self.call = _CALL / sum(weight.numel() for weight in body.rnn.parameters()) + _MORE
        self.call += _PACKED if isinstance(body.rnn, nn.LSTM) else 0
        self.steps = self.asked = 0
        left_out = ~np.eye(len(first), dtype=bool)
        if not self._cuts(self._sorted(left_out)[1], len(full.others), CLEAR):
            self.alike, self.together = full.alike, full.together

    def pays(self) -> bool:
        """Whether a large pass is worth many segments, on a CPU."""
        others = self.full.others
        large = _ROWS * len(others) * self.length > _LEAST * self.call
        return large and others.device.type == "cpu" and bare(self.net)

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n) -> scores (m, k', K)."""
        k = len(self.full.others[rows])
        asked = len(masks) * k * self.length
        self.asked += asked
        if asked > _LEAST * self.call and bare(self.net):
            kept = np.pad(masks, ((0, 0), (0, 1)), constant_values=True)
            order, step = self._sorted(kept)
            if cuts := self._cuts(step, k, SAVED):
                with self.full.still(), torch.inference_mode():
                    found = self._scores(kept[order], rows, step, cuts)
                scores = np.empty((len(masks), *found.shape[1:]))
                scores[order] = found[_beginnings(step, self.length)]
                return scores
        self.steps += asked
        return self.full(masks, rows)

    def _sorted(self, kept: Bools) -> tuple[Ints, Ints]:
        """Masks in the order of their beginnings: their rows, and the step at which each leaves the
        one before. The first starts at step 0; equal ones never part."""
        kept = np.ascontiguousarray(kept[:, self.features])
        bits = np.packbits(kept, axis=1)
        order = np.argsort(bits.view(f"S{bits.shape[1]}")[:, 0], kind="stable")
        parts = kept[order[1:]] != kept[order[:-1]]
        step = np.where(parts.any(axis=1), self.first[parts.argmax(axis=1)], self.length)
        return order, np.append(0, step)

    def _cuts(self, step: Ints, k: int, share: float) -> list[int]:
        """The ends of the segments of least cost, from 0 on; none if that saves less than the share."""
        whole = self.length * (k * len(step) + _STEP) + self.call
        if k * step.sum() - self.call < share * whole:  # beginnings cost nothing at best
            return []
        ends = np.append(np.unique(step[(step > 0) & (step < self.length)]), self.length)
        starts, n_rows = np.append(0, ends), k * np.searchsorted(np.sort(step), ends) + _STEP
        spared = n_rows[:, None] * starts  # by a segment that starts there
        least, before = np.zeros(len(starts)), np.zeros(len(starts), dtype=int)
        for i, (end, n) in enumerate(zip(ends, n_rows, strict=True), start=1):
            costs = least[:i] - spared[i - 1, :i]
            before[i] = costs.argmin()
            least[i] = costs[before[i]] + end * n + self.call
        if least[-1] > (1 - share) * whole:
            return []
        at = [len(ends)]
        while at[-1]:
            at.append(int(before[at[-1]]))
        return [int(starts[i]) for i in reversed(at)]

    def _scores(self, kept: Bools, refs: slice, step: Ints, cuts: list[int]) -> Floats:
        """Scores of the distinct ones among sorted masks, (m', k', K)."""
        k, pool, state, read = len(self.full.others[refs]), self.body.pool, None, torch.empty(0)
        for start, end in pairwise(cuts):
            rows = np.flatnonzero(step < end)
            if start:
                continued = _beginnings(step, start)[rows]
                into = torch.from_numpy((continued[:, None] * k + np.arange(k)).ravel())
                state, read = _taken(state, into), read.index_select(0, into)
            at = self._inputs(kept[rows], refs, slice(start, end))
            self.steps += len(at) * (end - start)
            states, state = self.body.rnn(at, state)
            read = _joined(pool, read, states) if start else _read(pool, states)
        found = self.body.head(read / self.length if pool == "mean" else read)
        return self.in_units(found).view(-1, k, found.shape[1]).double().numpy()

    def _inputs(self, kept: Bools, refs: slice, steps: slice) -> Tensor:
        """Those steps of the masked inputs, (m * k', T', E)."""
        others, change = self.full.others[refs, steps], self.full.change[refs, steps]
        shown = torch.from_numpy(kept[:, self.places[steps]]).to(others)[:, None]
        return torch.addcmul(others, shown, change).flatten(0, 1)


def _beginnings(step: Ints, length: int) -> Ints:
    """Which of the distinct beginnings of that length each of the sorted masks has."""
    return np.cumsum(step < length) - 1


def _taken(state: Any, rows: Tensor) -> Any:
    """(layers, B, width), one tensor or a pair, -> the states of those rows."""
    if isinstance(state, tuple):
        return tuple(part.index_select(1, rows) for part in state)
    return state.index_select(1, rows)


def _read(pool: str, states: Tensor) -> Tensor:
    """The last, the sum or the maximum of states (B, T, width)."""
    if pool == "last":
        return states[:, -1]
    return states.sum(1) if pool == "mean" else states.amax(1)


def _joined(pool: str, before: Tensor, states: Tensor) -> Tensor:
    """The same, of all states up to the last of these."""
    late = _read(pool, states)
    if pool == "last":
        return late
    return before + late if pool == "mean" else torch.maximum(before, late)
