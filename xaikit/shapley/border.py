"""Shapley values from 2 n + 2 evaluations: each feature alone, and everything without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xaikit.shapley.game import FloatArray
from xaikit.shapley.process.estimator import odd_gp
from xaikit.shapley.process.pairs import Pairs
from xaikit.shapley.result import INDICATIVE, Estimate

__all__ = ["border_estimate", "border_gap"]

NEARLY_ORDER_TWO = 0.01  # |gap| / sum |b| up to which the border is taken for the Gaussian process


def border_estimate(pairs: Pairs, seed: int) -> Estimate:
    """Mean of add-one-in and leave-one-out, plus an equal share of what is missing to efficiency.

    b_i = (v({i}) - v(empty) + v(all) - v(all but i)) / 2, phi_i = b_i + (v(all) - v(empty) -
    sum b) / n. Exact for games of order 2. The pairs must contain all n singletons.
    std : sqrt(se^2 + (phi_gp - phi)^2), with value and se of the odd Gaussian process on the pairs.
    """
    process = odd_gp(pairs, seed)
    if process.exact:
        return replace(process, method="border")
    share, gap = _border(pairs)
    values = share + gap / len(share)
    std = np.hypot(process.std, process.values - values)
    return replace(process, values=values, std=std, method="border", note=INDICATIVE)


def border_gap(pairs: Pairs) -> float:
    """|v(all) - v(empty) - sum b| / sum |b|: 0 for games of order 2, large where more matters."""
    share, gap = _border(pairs)
    total = float(np.abs(share).sum())
    return abs(gap) / total if total else np.inf


def _border(pairs: Pairs) -> tuple[FloatArray, float]:
    """b (n,) and the gap."""
    n = pairs.masks.shape[1]
    share = np.empty(n)
    single = pairs.sizes == 1
    share[pairs.masks[single].argmax(axis=1)] = pairs.odd[single] + pairs.odd_full
    return share, 2 * pairs.odd_full - float(share.sum())
