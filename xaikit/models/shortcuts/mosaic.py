"""Masked images as mosaics: what the first layers make of them is put together from a few images.

The first layers are run on the few images of a palette, which hold all that any place of their map
can show. Of any masked image their map is then a mosaic of such tiles, one for each place, and only
the rest of the net is run.
"""

from __future__ import annotations

import hashlib
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.composing import Composed, Net
from xaikit.models.inputs import Pixels
from xaikit.models.shortcuts.flow import Behind, Flow, Lost
from xaikit.models.shortcuts.palette import CALL, EXPECTED, Palette, best_palette

__all__ = ["Mosaic"]

_KEPT = 8  # segmentations whose palettes are remembered


class Mosaic:
    """A `Shortcut` for nets that read images by convolutions, on a CPU.

    full : the whole passes
    """

    def __init__(self, model: Net, full: Composed, ids: Ints) -> None:
        self.full, self.saves = full, 0.0
        self._model, self._asked = model, 0
        self._flow = _plan(model, full).flow
        self._palette = _plan(model, full).palette(ids, len(full.others))
        self._tiles: Tensor | None = None
        if self._palette is not None and self._flow is not None:
            self._codes = torch.from_numpy(self._palette.codes)
            self._first = torch.from_numpy(self._palette.first)
            once = len(self._palette.bases) * self._palette.once
            self.saves = (EXPECTED * self._palette.saved - once) / (EXPECTED * self._flow.work)

    def worth(self, n_rows: int) -> bool:
        """Whether so many rows are cheaper, and all asked so far would have paid for the base images."""
        p = self._palette
        self._asked += n_rows
        if p is None or n_rows * p.saved < CALL:
            return False
        once = len(p.bases) * len(self.full.others) * p.once
        return self._tiles is not None or self._asked * p.saved - CALL >= once

    def run(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        p = self._palette
        assert p is not None
        with self.full.still(), torch.inference_mode():
            if self._tiles is None:
                self._tiles = self._painted(p)
            first = torch.arange(len(self.full.others))[rows, None] * p.n_tiles
            where = (self._numbers(masks)[:, None] + first).view(-1)  # of (m, k', places)
            channels, height, width = p.shape
            at = self._tiles.index_select(0, where).view(-1, height, width, channels)
            scores: Floats = self._behind(at.permute(0, 3, 1, 2), p).double().numpy()
        return scores.reshape(len(masks), len(scores) // len(masks), -1)

    def _numbers(self, masks: Bools) -> Tensor:
        """(m, places): the tile that each place shows."""
        return (torch.from_numpy(masks).to(self._codes) @ self._codes).long() + self._first

    def _behind(self, at: Tensor, p: Palette) -> Tensor:
        """Scores of rows whose map at the cut is `at`."""
        assert self._flow is not None
        with Behind(self._flow, p.n, at) as behind:
            scores = self._model.forward(self._flow.tokens[0], self.full.batch)
        behind.arrived()
        return scores

    def _painted(self, p: Palette) -> Tensor:
        """All tiles (k * n_tiles, C), from the maps of the base images."""
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

    def _map(self, p: Palette, at: Tensor) -> Tensor:
        """(B, C, H, W) at the cut of the images `at`."""
        flow = Flow(at, upto=p.n)
        try:
            with flow:
                self._model.forward(at, self.full.batch)
        except Flow.Reached:
            if self._flow is not None and flow.alike(self._flow):
                return flow.last
        raise Lost


class _Plan:
    """What is known of a net and a size of image.

    flow : its calls, None when mosaics do not work; rows : of one pass
    """

    def __init__(self, flow: Flow | None, rows: int) -> None:
        self.flow, self._rows = flow, rows
        self._known: dict[tuple[bytes, int], Palette | None] = {}

    def palette(self, ids: Ints, k: int) -> Palette | None:
        """The best cut for these features and so many references, None where no cut pays."""
        if self.flow is None:
            return None
        key = hashlib.sha256(np.ascontiguousarray(ids).tobytes()).digest(), k
        if key not in self._known:
            if len(self._known) == _KEPT:
                self._known.clear()
            self._known[key] = best_palette(self.flow, ids, k, self._rows)
        return self._known[key]


_PLANS: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Plan]] = WeakKeyDictionary()


def _plan(model: Net, full: Composed) -> _Plan:
    """What was found for this net and size of image."""
    known, size = _PLANS.setdefault(model.net, {}), tuple(full.batch.at.shape[1:])
    if size in known:
        return known[size]
    pictures = isinstance(model.inputs, Pixels) and not model.inputs.apart
    if not pictures or full.batch.at.device.type != "cpu":
        return _Plan(None, 1)
    flow = Flow(full.batch.at.clone())
    with full.still(), torch.inference_mode(), flow:
        model.forward(flow.last, full.batch)
    flow.finish()
    known[size] = _Plan(flow, model.batch_rows)
    return known[size]
