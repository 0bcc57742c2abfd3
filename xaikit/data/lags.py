"""`lags`: what comes next hangs on two known moments of the past and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.forecasts import Windows, windowed

__all__ = ["FIRST", "SECOND", "formula", "make_lags"]

N = 6000
FIRST, SECOND = 12, 30  # steps back
NOISE = 0.3
COLUMNS = ("x1", "x2", "x3", "decoy", "y")
WINDOWS = Windows(horizon=6, lags=48, stride=1, period=1)


def make_lags(seed: int) -> Dataset:
    """y(t) = 0.9 x1(t - 12) + 1.2 tanh(1.5 x2(t - 30)) where x3(t - 30) is above 0, and noise; the decoy
    goes with x1 and tells nothing more."""
    rng = np.random.default_rng([seed, 3])
    x = rng.normal(size=(N + SECOND, 3))
    decoy = 0.8 * x[:, :1] + 0.6 * rng.normal(size=(len(x), 1))
    y = formula(x) + rng.normal(0, NOISE, len(x))
    rows = np.concatenate([x, decoy, y[:, None]], axis=1)[SECOND:]
    made = windowed(
        rows,
        COLUMNS,
        WINDOWS,
        wanted=[COLUMNS.index("y")],
        dates=None,
        name="lags",
        source="Composed: noise of three channels, of which two are felt 12 and 30 steps later; a fourth "
        "goes with the first and tells nothing more.",
    )
    parts = {part: tuple(map(_marked, getattr(made, part))) for part in ("train", "val", "test")}
    return replace(made, **parts)  # type: ignore[arg-type] # samples


def _marked(sample: Sample) -> Sample:
    """With the moments on which the last step of the forecast hangs."""
    last = WINDOWS.lags + WINDOWS.horizon - 1
    moments = np.zeros(sample.x.shape, dtype=bool)
    moments[last - FIRST, 0] = moments[last - SECOND, 1:3] = True
    return replace(sample, rationale=moments)


def formula(x: Floats) -> Floats:
    """(T, 3 or more) channels -> (T,) what y is without noise; the first 30 steps are wrapped round."""
    first, second = np.roll(x, FIRST, axis=0), np.roll(x, SECOND, axis=0)
    found: Floats = 0.9 * first[:, 0] + 1.2 * np.tanh(1.5 * second[:, 1]) * (second[:, 2] > 0)
    return found
