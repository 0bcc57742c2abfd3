"""Masks that begin alike: a recurrent net computes what they share once.

The state of a net that reads from left to right depends, after every step, on what was read so far and
on nothing else. Sorted by the steps at which features first appear, masked inputs form a tree. It is
computed in segments: one row for each distinct beginning, started from the state of the shorter
beginning that it continues. Where segments end is chosen at the least cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.composing import Composed
from xaikit.models.prefix import body_of
from xaikit.models.regions import bare
from xaikit.models.zoo.rnn import Recurrent

__all__ = ["Branches", "recurrent_body"]

SAVED = 0.05  # share of a call's cost that must be saved, or it is not done
CLEAR = 0.2  # share that small requests must save, or they rather share passes with other samples'
# costs are counted in steps of one row; one more segment costs ...
_CALL = 5_000_000  # ... so many multiply-adds ...
_MORE = 24  # ... and so many steps ...
_PACKED = 12  # ... and more of them where torch packs the weights anew in every call
_STEP = 4  # what a step costs beside its rows
_LEAST = 16  # segments that the whole must be worth
_ROWS = 256  # of a large pass
_ENDS = 16  # of segments, to choose from


def recurrent_body(net: nn.Module) -> Recurrent | None:
    """The recurrent part of a zoo net that never looks ahead, or None."""
    body = body_of(net)
    return body if type(body) is Recurrent and body.ends == 1 else None


class Branches:
    """The function of `bind` that computes the common beginnings of masked inputs once.

    body : the recurrent part of `net`; in_units : what it gives -> (B, K) scores
    full : evaluates any masks
    alike : set where small requests had better share passes with other samples' (`packing.Packable`)
    steps : of single rows, computed so far; asked : what they would have been in full
    """

    def __init__(
        self, net: nn.Module, body: Recurrent, in_units: Callable[[Tensor], Tensor], full: Composed
    ) -> None:
        self.net, self.body, self.in_units, self.full = net, body, in_units, full
        self.length = len(full.places)
        first = np.full(full.places.max() + 1, self.length)  # step of every feature
        np.minimum.at(first, full.places, np.arange(self.length)[:, None])
        self.features = np.argsort(first, kind="stable")  # the order in which they appear
        self.first, self.places = first[self.features], np.argsort(self.features)[full.places]
        self.call: float = _CALL / sum(weight.numel() for weight in body.rnn.parameters()) + _MORE
        self.call += _PACKED if isinstance(body.rnn, nn.LSTM) else 0
        self.steps = self.asked = 0
        left_out = ~np.eye(len(first), dtype=bool)
        if not self._cuts(self._sorted(left_out)[1], len(full.others), CLEAR):
            self.alike = ("branches", full.alike)

    def pays(self) -> bool:
        """Whether a large pass is worth many segments, on a CPU."""
        others = self.full.others
        return self._large(_ROWS * len(others)) and others.device.type == "cpu" and bare(self.net)

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n) -> scores (m, k', K)."""
        k = len(self.full.others[rows])
        asked = len(masks) * k * self.length
        self.asked += asked
        if self._large(len(masks) * k) and bare(self.net):
            kept = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
            kept = kept.take(self.features, axis=1)
            order, step = self._sorted(kept)
            if cuts := self._cuts(step, k, SAVED):
                with self.full.still(), torch.inference_mode():
                    found = self._scores(kept[order], rows, step, cuts)
                scores = np.empty((len(masks), *found.shape[1:]))
                scores[order] = found[_beginnings(step, self.length)]
                return scores
        self.steps += asked
        return self.full(masks, rows)

    def together(self, others: Sequence[Branches], masks: Sequence[Bools]) -> list[Floats]:
        """Scores (m, k, K) of the masks of each of the others: small requests in one pass."""
        requests = list(zip(others, masks, strict=True))
        large = [self._large(len(own) * len(self.full.others)) for own in masks]
        small = [(o.full, own) for (o, own), big in zip(requests, large, strict=True) if not big]
        found = iter(self.full.together(*zip(*small, strict=True)) if small else [])
        return [
            other(own, slice(None)) if big else next(found)
            for (other, own), big in zip(requests, large, strict=True)
        ]

    def _large(self, n_rows: int) -> bool:
        """Whether so many rows are worth many segments."""
        return n_rows * self.length > _LEAST * self.call

    def _sorted(self, kept: Bools) -> tuple[Ints, Ints]:
        """Masks, their features as they appear, in the order of their beginnings: their rows, and the
        step at which each leaves the one before. The first starts at step 0; equal ones never part."""
        bits = np.packbits(kept, axis=1)
        order = np.argsort(bits.view(f"S{bits.shape[1]}")[:, 0], kind="stable")
        kept = kept[order]
        parts = kept[1:] != kept[:-1]
        step = np.where(parts.any(axis=1), self.first[parts.argmax(axis=1)], self.length)
        return order, np.append(0, step)

    def _cuts(self, step: Ints, k: int, share: float) -> list[int]:
        """The ends of the segments of least cost, from 0 on; none if that saves less than the share."""
        whole = self.length * (k * len(step) + _STEP) + self.call
        if k * step.sum() - self.call < share * whole:  # beginnings cost nothing at best
            return []
        begun = np.sort(step)
        ends = np.unique(np.append(begun[:: -(-len(begun) // _ENDS)], self.length))[1:]
        starts, n_rows = np.append(0, ends), k * np.searchsorted(begun, ends) + _STEP
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
        others, change, pool = self.full.others[refs], self.full.change[refs], self.body.pool
        k, shown = len(others), torch.from_numpy(kept[:, None, self.places]).to(others)
        state, read = None, torch.empty(0)
        for start, end in pairwise(cuts):
            rows = np.flatnonzero(step < end)
            if start:
                continued = _beginnings(step, start)[rows]
                into = torch.from_numpy((continued[:, None] * k + np.arange(k)).ravel())
                state, read = _taken(state, into), read.index_select(0, into)
            part = shown[:, :, start:end].index_select(0, torch.from_numpy(rows))
            at = torch.addcmul(others[:, start:end], part, change[:, start:end]).flatten(0, 1)
            self.steps += len(at) * (end - start)
            states, state = self.body.rnn(at, state)
            read = _joined(pool, read, states) if start else _read(pool, states)
        found = self.body.head(read / self.length if pool == "mean" else read)
        scores = self.in_units(found)
        return scores.view(-1, k, scores.shape[1]).double().numpy()


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
