"""What would have changed an answer, as a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaikit.core.display import display
from xaikit.core.features import locked
from xaikit.core.finding import Finding
from xaikit.core.types import Bools, Floats
from xaikit.study.flip.along import Along

__all__ = ["Change", "Counterfactual"]


@dataclass(frozen=True)
class Change:
    """A column, its value, and the value that it takes instead, in the data's own words; NaN is missing."""

    name: str
    before: float | str
    after: float | str

    @property
    def found(self) -> Finding:
        both = self.before, self.after
        if not any(isinstance(value, str) or value != value for value in both):
            return Finding("flip.change.number", vars(self))
        before, after = map(_told, both)
        return Finding("flip.change.word", {"name": self.name, "before": before, "after": after})


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """What would have changed the answer for one sample; `str` says it in English.

    kind : "removal" of features, "deletion" of words, or "change" of columns
    features : names of what is removed; removed : (n,) bool, the same, None for a change
    changes : the columns that change; x : (D,) the changed row; distance : the sum of their changes,
        a number in standard deviations over the rows, a category 1
    prediction_before, prediction_after : (K,) as people are shown them, of a removal the mean over
        what stands in for the features
    verified : the model was asked about the result by itself, and its decision is another one
    smallest : True where it is known that nothing smaller turns the decision, None where it is not
    evaluations : masks or rows that the model was asked about
    told : what was found and how, as findings
    others : further changes, in other columns, by their distance
    along : of a change of numbers, the answer along the column that changes most
    fills : (r, C) of pictures, the mean colour that stands in for each removed feature

    >>> found = xaikit.counterfactual(model, sample, "remove")
    >>> found.features, found.smallest
    (('alcohol', 'ash', 'alcalinity of ash', 'proline'), True)
    """

    kind: Literal["removal", "deletion", "change"]
    sample_id: str
    model_id: str
    prediction_before: Floats
    prediction_after: Floats
    verified: bool
    smallest: bool | None
    evaluations: int
    told: tuple[Finding, ...]
    features: tuple[str, ...] = ()
    removed: Bools | None = None
    changes: tuple[Change, ...] = ()
    x: NDArray[Any] | None = None
    distance: float | None = None
    others: Sequence[Counterfactual] = ()
    along: Along | None = None
    fills: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("prediction_before", "prediction_after", "removed", "x", "fills"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, locked(np.array(value)))

    def __str__(self) -> str:
        return " ".join(map(str, (*self.told, *(other.told[0] for other in self.others))))

    def _repr_html_(self) -> str:
        return display("html", self)  # type: ignore[no-any-return]

    def facts(self) -> dict[str, Any]:
        """JSON-able, for a run's context."""
        return {
            "kind": self.kind,
            "sample": self.sample_id,
            "features": list(self.features),
            "removed": None if self.removed is None else np.flatnonzero(self.removed).tolist(),
            "changes": [asdict(change) for change in self.changes],
            "distance": self.distance,
            "before": self.prediction_before.tolist(),
            "after": self.prediction_after.tolist(),
            "smallest": self.smallest,
            "evaluations": self.evaluations,
            "told": [asdict(found) for found in self.told],
            "others": [other.facts() for other in self.others],
            "curve": None if self.along is None else asdict(self.along),
            "fills": None if self.fills is None else self.fills.round(4).tolist(),
        }


def _told(value: float | str) -> str | Finding:
    """A value among words."""
    if isinstance(value, str):
        return value
    return Finding("table.missing") if value != value else f"{value:.6g}"
