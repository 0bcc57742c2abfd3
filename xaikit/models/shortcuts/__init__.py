"""Scores of masks with less work than whole passes: one protocol, one policy, one self-check.

A shortcut says what share of a whole pass it saves, and runs. The first rows that it gives are compared
with a whole pass; where they differ, or the net goes another way than it was known to, whole passes are
made from then on. Nothing of the net is touched. `Plan(shortcuts=False)` or XAIKIT_SHORTCUTS=0 leaves
every shortcut out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

import numpy as np
from torch import nn
from torch.nn.modules.module import _has_any_global_hook

from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.composing import Composed, Net
from xaikit.models.shortcuts.activation_cache import ActivationCache
from xaikit.models.shortcuts.receptive_field import PathChanged

__all__ = ["Checked", "Shortcut", "bare", "shorten"]

ALIKE = 1e-5  # of the scores: more is no rounding
LEAST = 0.05  # share of the work that a shortcut must save in a study of a few hundred masks


class Shortcut(Protocol):
    """Another way to the scores of one question's masks.

    saves : share of the work of whole passes that it saves over a few hundred masks; 0 where the net
        does not fit
    """

    saves: float

    def worth(self, n_rows: int) -> bool:
        """Whether so many rows of one call are cheaper this way."""
        ...

    def run(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K); `PathChanged` where the net does not fit."""
        ...


SHORTCUTS: tuple[Callable[[Net, Composed, Ints], Shortcut], ...] = (ActivationCache,)


def shorten(model: Net, whole: Composed, ids: Ints) -> Composed | Checked:
    """The scores of `whole` by the shortcut that saves most, or `whole` itself where none pays."""
    if os.environ.get("XAIKIT_SHORTCUTS") == "0" or not bare(model.net):
        return whole
    best = max((make(model, whole, ids) for make in SHORTCUTS), key=lambda short: short.saves)
    return Checked(model.net, whole, best) if best.saves >= LEAST else whole


class Checked:
    """The scores of a shortcut for as long as they are those of whole passes.

    full : the whole passes; rows : how many were evaluated by the shortcut
    """

    def __init__(self, net: nn.Module, full: Composed, shortcut: Shortcut) -> None:
        self.full, self.rows = full, 0
        self._net, self._shortcut, self._trusted = net, shortcut, False

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        n_rows = len(masks) * len(self.full.others[rows])
        if not self._shortcut.saves or not self._shortcut.worth(n_rows) or not bare(self._net):
            return self.full(masks, rows)
        found = self._checked(masks, rows)
        if found is None:
            self._shortcut.saves = 0.0
            return self.full(masks, rows)
        self.rows += n_rows
        return found

    def _checked(self, masks: Bools, rows: slice) -> Floats | None:
        """The shortcut's scores; None where they are not the net's own."""
        try:
            found = self._shortcut.run(masks, rows)
        except PathChanged:
            return None
        if not self._trusted:
            some = [0, len(masks) // 2]
            known = self.full(masks[some], rows)
            off = np.abs(known - found[some]).max()
            self._trusted = bool(off <= ALIKE * (1 + np.abs(known).max()))
        return found if self._trusted else None


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
