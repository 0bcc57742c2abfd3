"""What the features of one sample are worth together: the result of an interaction index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.display import display
from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.features import Floats, Segmentation, locked
from xaikit.core.files import short
from xaikit.core.target import Target
from xaikit.core.typed import build, plain

__all__ = ["Interactions"]

Set = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Interactions:
    """What sets of features add to the target for one sample, beyond what their parts add.

    sets : (p,) the sets of one to `order` features, each by its features' numbers in order
    values : (p,) float64, in the target's units; of k-SII, STII and FSII they sum to output - empty
    std : (p,) float64, standard error of the estimate, 0 where exact
    index : "k-SII", "SII", "STII" or "FSII"; order : largest size of a set
    estimator : "exact", "tree", "linear" or "sampled"; evaluations : of the question, all in all
    output, empty : the target with everything kept and with everything removed

    >>> found = xaikit.interactions(model, sample)
    >>> [(names, round(value, 2)) for names, value, std in found.top(1)]
    [(('proline',), 2.19)]
    >>> round(found.between("proline", "flavanoids"), 2)
    0.22
    >>> Interactions.from_json(found.to_json()).top(1) == found.top(1)
    True
    """

    sets: tuple[Set, ...]
    values: Floats
    std: Floats
    index: str
    order: int
    estimator: str
    evaluations: int
    sample_id: str
    model_id: str
    target: Target
    segmentation: Segmentation
    masker: str
    output: float
    empty: float
    unit: str
    target_names: tuple[str, ...] = ()
    note: str = ""
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("values", "std"):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != (len(self.sets),) or not np.isfinite(array).all():
                raise InvalidInput(
                    f"interactions of {len(self.sets)} sets have {name} of shape {array.shape}; one "
                    "finite number a set is needed."
                )
            object.__setattr__(self, name, locked(array))
        if any(not 0 <= i < len(self.names) for one in self.sets for i in one):
            raise InvalidInput(
                f"a set names a feature beyond the {len(self.names)} of the segmentation."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """(n,) what the features are called."""
        return self.segmentation.names

    def between(self, *features: str | int) -> float:
        """The value of one set, its features by name or number in any order."""
        return float(self.values[self._place(features)])

    def _place(self, features: tuple[str | int, ...]) -> int:
        wanted = tuple(sorted(self.names.index(f) if f in self.names else f for f in features))
        if wanted not in self.sets:
            raise InvalidInput(
                f"there is no set of {', '.join(map(repr, features))}; name one to {self.order} different "
                f"features of {', '.join(self.names[:12])}{', ...' * (len(self.names) > 12)}."
            )
        return self.sets.index(wanted)

    def matrix(self, what: str = "values") -> Floats:
        """(n, n) symmetric: those of pairs, and of single features on the diagonal.

        what : "values" or "std"
        """
        found = np.zeros((len(self.names), len(self.names)))
        for one, value in zip(self.sets, getattr(self, what), strict=True):
            if len(one) <= 2:
                found[one[0], one[-1]] = found[one[-1], one[0]] = value
        return found

    def top(
        self, k: int = 5, size: int | None = None
    ) -> list[tuple[tuple[str, ...], float, float]]:
        """The k sets of largest absolute value: names, value and standard error, strongest first.

        size : of sets of so many features only
        """
        order = np.argsort(-np.abs(self.values), kind="stable").tolist()
        kept = [i for i in order if size is None or len(self.sets[i]) == size][:k]
        return [(self._named(i), float(self.values[i]), float(self.std[i])) for i in kept]

    def _named(self, i: int) -> tuple[str, ...]:
        return tuple(self.names[feature] for feature in self.sets[i])

    def to_frame(self) -> Any:
        """A pandas frame, a row a set: "features" (names), "size", "value", "std"."""
        import pandas as pd

        return pd.DataFrame(
            {
                "features": [self._named(i) for i in range(len(self.sets))],
                "size": [len(one) for one in self.sets],
                "value": self.values,
                "std": self.std,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `json.dumps` takes and `from_json` reads: the fields by name."""
        cut = self.segmentation
        record = {f.name: getattr(self, f.name) for f in fields(self)} | {
            "segmentation": {"ids": cut.ids, "names": cut.names, "source": cut.source},
            "target": asdict(self.target),
        }
        return plain(record)  # type: ignore[no-any-return] # a dict stays one

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Interactions:
        """What `to_json` gave; `DataError` says what is wrong."""
        try:
            cut = record["segmentation"]
            made = {
                "segmentation": build(Segmentation, {**cut, "ids": np.array(cut["ids"], np.int64)}),
                "target": build(Target, record["target"]),
                "sets": tuple(tuple(int(i) for i in one) for one in record["sets"]),
                "values": np.array(record["values"], np.float64),
                "std": np.array(record["std"], np.float64),
            }
            return build(cls, {**record, **made})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"these are no interactions ({short(error)}); give what to_json() gave."
            ) from error

    def plot(self, language: str = "en") -> Any:
        """A matplotlib Figure: the pairs as a map, single features on its diagonal."""
        return display("pairs", self, language)

    def save(self, path: str | Path, *, language: str = "en", force: bool = False) -> Path:
        """Write the map, .png, .svg or .html (which needs no network); an existing file stays unless
        `force`."""
        return display("pairs file", self, path, language, force)  # type: ignore[no-any-return]

    def _repr_html_(self) -> str:
        return display("pairs html", self)  # type: ignore[no-any-return]
