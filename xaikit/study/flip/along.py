"""The answer along one column, everything else as it is: where it stands and where it turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xaikit.core.types import Floats
from xaikit.study.flip.asked import Asked

__all__ = ["Along", "along"]

POINTS = 40


@dataclass(frozen=True)
class Along:
    """What a model answers as one column changes.

    column : its name; row : the value that the sample has
    at : values, rising; share : of each what the model gives the answer for the sample, 0 to 1
    turn : the value nearest to the sample's at which the answer is another, None where it never is
    """

    column: str
    row: float
    at: tuple[float, ...]
    share: tuple[float, ...]
    turn: float | None


def along(
    asked: Asked, x: Floats, j: int, name: str, values: Floats, answer: int, after: float
) -> Along:
    """Between the ends of the values that occur, at even steps, and at the sample's own and the found one.

    answer : index of the output that was given for the sample
    """
    low, high = min(values.min(), x[j], after), max(values.max(), x[j], after)
    at = np.unique([*np.linspace(low, high, POINTS), x[j], after])
    rows = np.repeat(x[None].astype(np.float64), len(at), axis=0)
    rows[:, j] = at
    asked.evaluations += len(at)
    found = asked.predict(rows)
    turned = np.flatnonzero(asked.decision.turned(found))
    turn = None if not len(turned) else _turn(at, found[:, answer], turned, float(x[j]))
    return Along(
        name,
        float(x[j]),
        tuple(float(f"{v:.6g}") for v in at),
        tuple(round(float(s), 4) for s in found[:, answer]),
        turn,
    )


def _turn(at: Floats, share: Floats, turned: np.ndarray, here: float) -> float:
    """Between the nearest value that turns it and the one before it, where the share is a half if it is."""
    nearest = int(turned[np.abs(at[turned] - here).argmin()])
    before = nearest + (1 if at[nearest] < here else -1)
    a, b = share[before], share[nearest]
    if not (min(a, b) <= 0.5 <= max(a, b)) or a == b:
        return float(at[nearest])
    return float(at[before] + (at[nearest] - at[before]) * (0.5 - a) / (b - a))
