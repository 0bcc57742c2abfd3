"""Activations of an early layer, cached for every local coalition and gathered for any mask.

A place of an early map has few features in its receptive field. The first layers are run on a few
images that show every place every coalition of its features; of any masked image their map is then put
together from these activations, one for each place, and only the rest of the net is run.
"""

from __future__ import annotations

import hashlib
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.composing import Composed, Net
from xaikit.models.grids import PixelEncoder
from xaikit.models.shortcuts.local_coalitions import CALL, EXPECTED, LocalCoalitions, best_cut
from xaikit.models.shortcuts.receptive_field import FieldTracker, PathChanged, ResumedPass

__all__ = ["ActivationCache"]

_KEPT = 8  # segmentations whose cuts are remembered


class ActivationCache:
    """A `Shortcut` for nets that read images by convolutions, on a CPU.

    full : the whole passes
    """

    def __init__(self, model: Net, full: Composed, ids: Ints) -> None:
        self.full, self.saves = full, 0.0
        self._model, self._asked = model, 0
        self._tracker = _plan(model, full).tracker
        self._local = _plan(model, full).cut(ids, len(full.others))
        self._cached: Tensor | None = None
        if self._local is not None and self._tracker is not None:
            self._codes = torch.from_numpy(self._local.codes)
            self._first = torch.from_numpy(self._local.first)
            once = len(self._local.bases) * self._local.once
            self.saves = (EXPECTED * self._local.saved - once) / (EXPECTED * self._tracker.work)

    def worth(self, n_rows: int) -> bool:
        """Whether so many rows are cheaper, and all asked so far would have paid for the base images."""
        p = self._local
        self._asked += n_rows
        if p is None or n_rows * p.saved < CALL:
            return False
        once = len(p.bases) * len(self.full.others) * p.once
        return self._cached is not None or self._asked * p.saved - CALL >= once

    def run(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        p = self._local
        assert p is not None
        with self.full.still(), torch.inference_mode():
            if self._cached is None:
                self._cached = self._activations(p)
            first = torch.arange(len(self.full.others))[rows, None] * p.n_tiles
            where = (self._numbers(masks)[:, None] + first).view(-1)  # of (m, k', places)
            channels, height, width = p.shape
            at = self._cached.index_select(0, where).view(-1, height, width, channels)
            scores: Floats = self._resumed(at.permute(0, 3, 1, 2), p).double().numpy()
        return scores.reshape(len(masks), len(scores) // len(masks), -1)

    def _numbers(self, masks: Bools) -> Tensor:
        """(m, places): the tile that each place shows."""
        return (torch.from_numpy(masks).to(self._codes) @ self._codes).long() + self._first

    def _resumed(self, at: Tensor, p: LocalCoalitions) -> Tensor:
        """Scores of rows whose map at the cut is `at`."""
        assert self._tracker is not None
        with ResumedPass(self._tracker, p.n, at) as resumed:
            scores = self._model.forward(self._tracker.tokens[0], self.full.batch)
        resumed.arrived()
        return scores

    def _activations(self, p: LocalCoalitions) -> Tensor:
        """Activations (k * n_tiles, C) of all tiles, from the maps of the base images."""
        size, k = self._model.batch_rows, len(self.full.others)
        tiles = self.full.others.new_empty(k, p.n_tiles, p.shape[0])
        for start in range(0, len(p.bases), size):
            masks = p.bases[start : start + size]
            where = self._numbers(masks).view(-1)
            for reference in range(k):
                at = self.full.composed(masks, slice(reference, reference + 1)).clone()
                rows = self._map(p, at).permute(0, 2, 3, 1).reshape(-1, p.shape[0])
                tiles[reference].index_copy_(0, where, rows)
        return tiles.view(-1, p.shape[0])

    def _map(self, p: LocalCoalitions, at: Tensor) -> Tensor:
        """(B, C, H, W) at the cut of the images `at`."""
        tracker = FieldTracker(at, upto=p.n)
        try:
            with tracker:
                self._model.forward(at, self.full.batch)
        except FieldTracker.Reached:
            if self._tracker is not None and tracker.alike(self._tracker):
                return tracker.last
        raise PathChanged


class _Plan:
    """What is known of a net and a size of image.

    tracker : its calls, None where they cannot be followed; rows : of one pass
    """

    def __init__(self, tracker: FieldTracker | None, rows: int) -> None:
        self.tracker, self._rows = tracker, rows
        self._known: dict[tuple[bytes, int], LocalCoalitions | None] = {}

    def cut(self, ids: Ints, k: int) -> LocalCoalitions | None:
        """The best cut for these features and so many references, None where no cut pays."""
        if self.tracker is None:
            return None
        key = hashlib.sha256(np.ascontiguousarray(ids).tobytes()).digest(), k
        if key not in self._known:
            if len(self._known) == _KEPT:
                self._known.clear()
            self._known[key] = best_cut(self.tracker, ids, k, self._rows)
        return self._known[key]


_PLANS: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Plan]] = WeakKeyDictionary()


def _plan(model: Net, full: Composed) -> _Plan:
    """What was found for this net and size of image."""
    known, size = _PLANS.setdefault(model.net, {}), tuple(full.batch.at.shape[1:])
    if size in known:
        return known[size]
    pictures = isinstance(model.inputs, PixelEncoder) and not model.inputs.apart
    if not pictures or full.batch.at.device.type != "cpu":
        return _Plan(None, 1)
    tracker = FieldTracker(full.batch.at.clone())
    with full.still(), torch.inference_mode(), tracker:
        model.forward(tracker.last, full.batch)
    tracker.finish()
    known[size] = _Plan(tracker, model.batch_rows)
    return known[size]
