"""Whether stated sureness is honest, and what the answers are worth when they are acted on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from xaikit.core.stats import wilson
from xaikit.core.types import Floats

__all__ = ["brier", "calibrated", "ece", "net_benefit", "reliability", "temperature", "tempered"]

N_BINS = 8
FINE = 15
SMALLEST = 1e-12


def reliability(p: Floats, labels: NDArray[Any], n_bins: int = N_BINS) -> list[dict[str, Any]]:
    """Stated probability of the chosen class against the share that was right, in groups of equal size.

    p : (N, K); a group is a dict of p, observed, lo, hi (95 %, Wilson) and n
    """
    stated, right = p.max(axis=1), p.argmax(axis=1) == labels
    order = np.argsort(stated, kind="stable")
    bins = []
    for group in np.array_split(order, min(n_bins, len(order))):
        low, high = wilson(int(right[group].sum()), len(group))
        bins.append(
            {
                "p": float(stated[group].mean()),
                "observed": float(right[group].mean()),
                "lo": low,
                "hi": high,
                "n": len(group),
            }
        )
    return bins


def ece(p: Floats, labels: NDArray[Any], n_bins: int = FINE) -> float:
    """Expected calibration error over groups of equal size, 0 to 1."""
    bins = reliability(p, labels, n_bins)
    return float(sum(abs(b["p"] - b["observed"]) * b["n"] for b in bins) / len(labels))


def brier(p: Floats, labels: NDArray[Any]) -> float:
    """Mean squared distance to the truth, summed over classes: 0 to 2."""
    truth = np.eye(p.shape[1])[labels]
    return float(((p - truth) ** 2).sum(axis=1).mean())


def temperature(p: Floats, labels: NDArray[Any]) -> float:
    """By what the log-probabilities are divided so that the labels are most likely (Guo et al. 2017)."""
    logs, rows = np.log(np.maximum(p, SMALLEST)), np.arange(len(labels))

    def loss(log_t: float) -> float:
        told = softmax(logs / np.exp(log_t), axis=1)[rows, labels]
        return float(-np.log(np.maximum(told, SMALLEST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def tempered(p: Floats, labels: NDArray[Any]) -> Floats:
    """(N, K) after a temperature that is fitted on the other half of the rows."""
    found = np.empty_like(p)
    for half in (0, 1):
        mine, other = slice(half, None, 2), slice(1 - half, None, 2)
        t = temperature(p[other], labels[other])
        found[mine] = softmax(np.log(np.maximum(p[mine], SMALLEST)) / t, axis=1)
    return found


def calibrated(p: Floats, labels: NDArray[Any]) -> dict[str, Any]:
    """Reliability, calibration error and Brier score, before and after a temperature."""
    after = tempered(p, labels)
    return {
        "calibration": reliability(p, labels),
        "ece": ece(p, labels),
        "ece_after": ece(after, labels),
        "brier": brier(p, labels),
        "brier_after": brier(after, labels),
    }


def net_benefit(p: Floats, labels: NDArray[Any], thresholds: Floats) -> Floats:
    """(T,) right alarms less false ones, a row, at the odds of each threshold (Vickers & Elkin 2006).

    p : (N,) probability of the second class; labels : (N,) 0 or 1
    """
    raised = p[:, None] >= thresholds
    hits, false = (
        (raised & (labels == 1)[:, None]).mean(0),
        (raised & (labels == 0)[:, None]).mean(0),
    )
    found: Floats = hits - false * thresholds / (1 - thresholds)
    return found
