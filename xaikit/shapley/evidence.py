"""How far an estimate may be off that fits all it has seen: no surprise is little evidence when little was asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xaikit.shapley.pairs import Pairs
from xaikit.shapley.result import Estimate

__all__ = ["constant", "with_unseen"]

ROUNDING = 1e-9  # of the largest value: errors below it are rounding, not an error bar


def constant(pairs: Pairs, method: str) -> Estimate | None:
    """The values of a game whose asked values are all equal, which count as the whole game's."""
    values, n = pairs.values, pairs.masks.shape[1]
    if np.abs(values - values.mean()).max() > 64 * np.finfo(float).eps * np.abs(values).max():
        return None
    phi = np.full(n, 2 * pairs.odd_full / n)
    counts = tuple(pairs.counts)
    return Estimate(phi, np.zeros(n), method, len(pairs.odd), "constant game", True, counts)


def with_unseen(estimate: Estimate, n_pairs: int, *, every: bool = False) -> Estimate:
    """The estimate, with error bars where its own are rounding because all pairs fitted.

    Of r pairs more than there are values none deviated; by Jeffreys' prior a share 1 / (2 r + 2) of
    the pairs not asked still does, by as much as the largest value. The mean over N pairs then has the
    standard error 2 max|phi| sqrt(share / N).
    every : whether all pairs that there are were asked
    """
    if estimate.exact or every:
        return estimate
    largest = float(np.abs(estimate.values).max())
    if estimate.std.max() > ROUNDING * largest:
        return estimate
    spare = max(n_pairs + 1 - len(estimate.values), 0)
    error = 2 * largest * np.sqrt(0.5 / (spare + 1) / n_pairs)
    note = "; ".join(filter(None, [estimate.note, f"no interaction was seen on {n_pairs} pairs"]))
    return replace(estimate, std=np.full_like(estimate.std, error), note=note)
