"""Reconstruction: how far a sample is from what an autoencoder makes of it, in all and place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Bools, Floats, Ints, Label
from xaikit.tasks.arrays import joined
from xaikit.tasks.base import TASKS
from xaikit.tasks.regression import Regression

__all__ = ["ANOMALY", "Reconstruction"]

ANOMALY = "anomaly score"
PLACE = "error of "


@TASKS.register("reconstruction")
@dataclass(frozen=True)
class Reconstruction(Regression):
    """The anomaly score of a sample, and the error of each of its places.

    outputs : the anomaly score, then the name of each place whose error is a number of its own. A model
        gives its inputs again, in the units and the shape in which it reads them; the error of a place
        is the squared difference, the score their mean. A sample's label is 1 for an anomaly, 0 for none
    """

    name: ClassVar[str] = "reconstruction"
    reads: ClassVar[bool] = True
    again: ClassVar[bool] = True
    removals: ClassVar[tuple[str, ...]] = ("nearest", "rows")
    n_rows: ClassVar[int] = 2000  # among 100 the nearest are not near

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outputs[0] != ANOMALY:
            raise InvalidInput(
                f"the first number of a reconstruction is called {self.outputs[0]}; call it '{ANOMALY}'."
            )

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> Reconstruction:
        """names : of the columns of (D,); other shapes have the score alone"""
        numbered = tuple(f"column {i + 1}" for i in range(shape[0]))
        places = (tuple(names) or numbered) if len(shape) == 1 else ()
        if places and len(places) != len(numbered):
            raise InvalidInput(
                f"the model gives {len(numbered)} numbers again and names has {len(places)}; name each column."
            )
        return cls((ANOMALY, *(PLACE + name for name in places)))

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(name.removeprefix(PLACE) for name in self.outputs[1:])

    @property
    def width(self) -> int:
        return max(1, len(self.outputs) - 1)

    def scores(self, raw: Any, given: Any, found: Any = None) -> Any:
        """What the model makes of the inputs (B, ...), and these -> (B, K) mean and single errors."""
        del found
        if isinstance(raw, np.ndarray):
            given = np.asarray(given)
        errors = ((_like(raw, given) - given) ** 2).reshape(len(raw), -1)
        mean = errors.mean(1)[:, None]
        return mean if len(self.outputs) == 1 else joined((mean, errors), 1)

    def default(self, scores: Floats) -> Ints:
        """The anomaly score."""
        return np.zeros(len(scores), dtype=np.int64)

    def truth(self, label: Any) -> Floats:
        """1 for an anomaly, and no true value of single errors."""
        if not isinstance(label, (bool, int, float, np.number)) or label not in (0, 1):
            raise InvalidInput(f"the label {label!r} says neither 0, normal, nor 1, an anomaly.")
        row = np.full(len(self.outputs), np.nan)
        row[0] = label
        return row

    def miss(self, predictions: Floats, label: Label) -> float:
        """The score of a normal sample."""
        return 0.0 if self.truth(label)[0] else float(predictions[0])

    def gains(self, predictions: Floats, labels: Sequence[Label]) -> tuple[Floats, Label]:
        """Share of the samples of the other kind that lie on the right side of its score, less one half."""
        odd = np.array([self.truth(label)[0] for label in labels]) > 0
        wins = _wins(predictions[odd, 0], predictions[~odd, 0])
        found = np.full(len(labels), 0.0)
        found[odd], found[~odd] = wins.mean(axis=1) - 0.5, wins.mean(axis=0) - 0.5
        return found, None

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """auroc, the chance that an anomaly has the higher score, with its 95 % interval (DeLong et al. 1988)
        where both kinds are there; mse of the normal samples, and n"""
        odd: Bools = np.array([self.truth(label)[0] for label in labels]) > 0
        found: dict[str, Any] = {"mse": float(scores[~odd, 0].mean()) if (~odd).any() else None}
        found["n"] = len(labels)
        if odd.any() and not odd.all():
            found |= dict(zip(("auroc", "interval"), auroc(scores[:, 0], odd), strict=True))
        return found

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        if "auroc" not in measures:
            return None
        shown = {"metric": "auroc", "value": measures["auroc"], "n": measures.get("n")}
        return {**shown, "interval": measures.get("interval")}


def _like(raw: Any, given: Any) -> Any:
    """What was made again, in the shape of the inputs; axes of one place may be missing."""
    own, wanted = ([n for n in x.shape[1:] if n > 1] for x in (raw, given))
    if own != wanted or len(raw) != len(given):
        raise InvalidInput(
            f"the model made {tuple(raw.shape)} of inputs {tuple(given.shape)}, as it reads them; let it give the same "
            "numbers again, in this shape (of several things by output=)."
        )
    return raw.reshape(given.shape)


def auroc(scores: Floats, odd: Bools) -> tuple[float, list[float]]:
    """The area under the ROC curve and its 95 % interval by the variance of DeLong, DeLong &
    Clarke-Pearson (1988)."""
    wins = _wins(scores[odd], scores[~odd])
    area = float(wins.mean())
    variance = sum(
        wins.mean(axis=a).var(ddof=1) / wins.shape[1 - a] if wins.shape[1 - a] > 1 else 0.25
        for a in (1, 0)
    )
    half = 1.96 * float(np.sqrt(variance))
    return area, [max(0.0, area - half), min(1.0, area + half)]


def _wins(high: Floats, low: Floats) -> Floats:
    """(P, N) 1 where an anomaly has the higher score, a half where both are equal."""
    found: Floats = (high[:, None] > low).astype(np.float64) + 0.5 * (high[:, None] == low)
    return found
