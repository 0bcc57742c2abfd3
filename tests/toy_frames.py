"""A frame of four kinds of columns, and Shapley values by frames that are mixed cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pandas as pd

N = 160
TOWNS = ["Köln", "Łódź", "서울"]


def people(*, gaps: bool = False, **dtypes: str) -> pd.DataFrame:
    """Age (float), town (words), member (bool), rooms (int); with gaps ages and towns are missing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, N),
            "town": rng.choice(TOWNS, N),
            "member": rng.random(N) > 0.5,
            "rooms": rng.integers(1, 6, N),
        }
    )
    if gaps:
        frame.loc[::7, "age"] = np.nan
        frame.loc[1::9, "town"] = None
    return frame.astype(dtypes)


def worth(frame: pd.DataFrame) -> np.ndarray:
    """What the columns are worth together."""
    town = frame.town.astype(object)
    z = (frame.age.fillna(30.0) - 40) / 10 + 2 * (town == "서울") - town.isna()
    return np.asarray(z + frame.member.astype(float) + 0.2 * frame.rooms)


def shapley(value: Callable[[np.ndarray], float], n: int) -> np.ndarray:
    """The definition, over all coalitions."""
    masks = np.array(list(product([False, True], repeat=n)))
    known = {mask.tobytes(): value(mask) for mask in masks}
    found = np.zeros(n)
    for mask in masks:
        for j in np.flatnonzero(~mask):
            more = mask.copy()
            more[j] = True
            gain = known[more.tobytes()] - known[mask.tobytes()]
            found[j] += gain / (n * comb(n - 1, int(mask.sum())))
    return found


def on_frames(ask: Any, row: pd.DataFrame, background: pd.DataFrame) -> np.ndarray:
    """Shapley values of one row of a frame, each mixed frame asked of the estimator itself."""

    def value(mask: np.ndarray) -> float:
        mixed = background.reset_index(drop=True)
        for kept, name in zip(mask, mixed.columns, strict=True):
            if kept:
                own = pd.Series([row[name].iloc[0]] * len(mixed), dtype=row[name].dtype)
                mixed = mixed.assign(**{name: own})
        return float(np.mean(ask(mixed)))

    return shapley(value, row.shape[1])
