"""The types every part of xaikit speaks: what was asked, and what came back.

They are frozen, checked when made, and hold NumPy arrays that cannot be written to. A mask is
boolean and True means *kept*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xaikit.core.display import display
from xaikit.core.errors import InvalidInput
from xaikit.core.target import Space, Target
from xaikit.core.words import Text

__all__ = [
    "Bools",
    "Cost",
    "Explanation",
    "Floats",
    "Ints",
    "Label",
    "Modality",
    "PerSample",
    "Sample",
    "Score",
    "Segmentation",
    "Space",
    "Target",
    "grid_shape",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Modality = Literal["image", "text", "table", "series"]
PerSample = Floats | Sequence[Floats]
"""One array for each of B samples: (B, ...) where they are of one shape, otherwise a list of B."""
Label = int | float | frozenset[int] | tuple[float, ...] | None

_DIMENSIONS = {"image": 3, "text": 1, "table": 1, "series": 2}


def grid_shape(x: NDArray[Any], modality: Modality) -> tuple[int, ...]:
    """Shape of the places that can be removed: (H, W), (T,), (D,) or (L, C)."""
    return tuple(x.shape[:2]) if modality == "image" else tuple(x.shape)


@dataclass(frozen=True, eq=False)
class Sample:
    """One thing that a model is asked about, in data space.

    id : unique within its data set
    x : image (H, W, C) float32 in [0, 1]; text (T,) words; table (D,) float64, a category is its
        code; series (L, C) float32
    label : class index; a set of class indices where several labels hold at once; number to
        predict, or a tuple of them, one for each output of a regressor of several; or None
    rationale : (*grid) bool, the places known to carry the answer, or None
    meta : anything for people: the source file, units; the raw text as "text", which must hold the
        words in order and is what models read; without it the words are joined by single blanks

    >>> Sample("flower", np.array([5.1, 3.5]), "table", label=0).grid
    (2,)
    """

    id: str
    x: NDArray[Any]
    modality: Modality
    label: Label = None
    rationale: Bools | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.modality not in get_args(Modality):
            raise InvalidInput(
                f"sample '{self.id}' has modality '{self.modality}'; use one of {', '.join(_DIMENSIONS)}."
            )
        kind = (
            np.str_
            if self.modality == "text"
            else np.float64
            if self.modality == "table"
            else np.float32
        )
        x = self._array(kind)
        if x.ndim != _DIMENSIONS[self.modality] or x.size == 0:
            raise InvalidInput(
                f"sample '{self.id}' has shape {x.shape}; a {self.modality} sample needs "
                f"{_DIMENSIONS[self.modality]} non-empty dimension(s)."
            )
        if self.modality != "text" and not np.isfinite(x).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
            raise InvalidInput(
                f"sample '{self.id}' holds NaN or infinity at {where}; fill or drop it."
            )
        if self.modality == "image" and (x.min() < -1e-6 or x.max() > 1 + 1e-6):
            raise InvalidInput(
                f"sample '{self.id}' has pixels from {x.min():g} to {x.max():g}; scale them to [0, 1]."
            )
        object.__setattr__(self, "x", _locked(self._written(x) if kind is np.str_ else x))
        object.__setattr__(self, "label", _plain_label(self.label))
        if self.rationale is not None:
            rationale = np.array(self.rationale, dtype=bool)
            if rationale.shape != self.grid:
                raise InvalidInput(
                    f"sample '{self.id}' has a rationale of shape {rationale.shape}; its grid is {self.grid}."
                )
            object.__setattr__(self, "rationale", _locked(rationale))

    def _array(self, kind: type[np.generic]) -> NDArray[Any]:
        """x as an array of its own; `InvalidInput` for what holds something else."""
        way = "call .toarray()[0] of a sparse row, and code categories as numbers"
        if hasattr(self.x, "toarray"):
            raise InvalidInput(f"sample '{self.id}' is a sparse {type(self.x).__name__}; {way}.")
        try:
            return np.array(self.x, dtype=kind)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"sample '{self.id}' cannot be read as {self.modality} ({error}); {way}, which a "
                "function may turn back for the model."
            ) from error

    def _written(self, words: NDArray[Any]) -> Text:
        """The words as they stand in the text that is given, or that they come with."""
        text = self.meta.get("text")
        if not isinstance(text, str):
            return Text(self.x if isinstance(self.x, Text) else words)
        return Text.cut(text, words.tolist(), f"sample '{self.id}'")

    @property
    def grid(self) -> tuple[int, ...]:
        """Shape of the places that can be removed."""
        return grid_shape(self.x, self.modality)


def _plain_label(label: Any) -> Label:
    """Labels that hold at once as a frozen set, several numbers as a tuple, others as they are."""
    if isinstance(label, (set, frozenset)):
        return frozenset(map(_plain_number, label))
    if isinstance(label, (list, tuple)) or (isinstance(label, np.ndarray) and label.ndim):
        return tuple(map(_plain_number, label))
    return _plain_number(label)  # type: ignore[no-any-return]


def _plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's; a task says what it cannot read."""
    number = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if number else value


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Names the features of one sample on its grid.

    ids : (*grid) int64, the feature of each place; -1 is never removed and gets no credit
    names : (n,) what people call the features
    source : how they were made, for example "patches of 4 x 4 px"

    >>> halves = Segmentation(np.array([0, 0, 1]), ("left", "right"), "by hand")
    >>> halves.scatter(np.array([2.0, -1.0])).tolist()
    [2.0, 2.0, -1.0]
    """

    ids: Ints
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        ids = np.array(self.ids, dtype=np.int64)
        found = np.unique(ids[ids >= 0])
        if ids.size and ids.min() < -1:
            raise InvalidInput(
                f"a segmentation holds the id {ids.min()}; ids are -1 (never removed) or 0 to n-1."
            )
        if not np.array_equal(found, np.arange(len(self.names))):
            raise InvalidInput(
                f"a segmentation names {len(self.names)} features and its grid holds {len(found)} "
                "different ids; every id from 0 to n-1 must be present once or more."
            )
        if len(self.names) == 0:
            raise InvalidInput("a segmentation needs at least one feature.")
        object.__setattr__(self, "ids", _locked(ids))
        object.__setattr__(self, "names", tuple(self.names))

    @property
    def n_features(self) -> int:
        return len(self.names)

    @cached_property
    def sizes(self) -> Floats:
        """(n,) number of places in each feature."""
        return _locked(
            np.bincount(self._bins, minlength=self.n_features + 1)[:-1].astype(np.float64)
        )

    @cached_property
    def _bins(self) -> Ints:
        """(places,) the feature of each place, n where there is none."""
        return np.where(self.ids < 0, self.n_features, self.ids).ravel()

    def expand(self, masks: Bools) -> Bools:
        """(m, n) -> (m, *grid): which places are kept; places of no feature always are."""
        padded = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
        return padded[:, self.ids]

    def scatter(self, values: Floats, fill: float = 0.0) -> Floats:
        """(n,) -> (*grid): each place gets its feature's value, places of no feature get `fill`."""
        return np.append(np.asarray(values, dtype=np.float64), fill)[self.ids]

    def pool(self, grid: NDArray[Any], how: Literal["sum", "mean"] = "sum") -> Floats:
        """(*grid) -> (n,): sum over each feature's places for additive maps, mean for the others."""
        self._require_grid(grid.shape)
        total = np.bincount(self._bins, grid.ravel(), self.n_features + 1)[:-1].astype(np.float64)
        return total if how == "sum" else total / self.sizes

    def pool_many(self, grids: NDArray[Any], how: Literal["sum", "mean"] = "sum") -> Floats:
        """(m, *grid) -> (m, n): `pool` of several maps."""
        self._require_grid(grids.shape[1:])
        m, n = len(grids), self.n_features
        owner = self._bins + (n + 1) * np.arange(m)[:, None]  # one bin a map and feature
        total = np.bincount(owner.ravel(), grids.ravel(), m * (n + 1)).astype(np.float64)
        total = total.reshape(m, n + 1)[:, :n]
        return total if how == "sum" else total / self.sizes

    def _require_grid(self, shape: tuple[int, ...]) -> None:
        if shape != self.ids.shape:
            raise InvalidInput(
                f"a map of shape {shape} cannot be pooled on a grid of {self.ids.shape}."
            )


@dataclass(frozen=True)
class Cost:
    """What an explanation cost.

    asked : evaluations of the question the method needed
    forward : rows that were really passed through the model
    backward : rows that were differentiated
    seconds : wall time
    """

    asked: int = 0
    forward: int = 0
    backward: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Explanation:
    """How much each feature speaks for (+) or against (-) the target, for one sample.

    values : (n,) float64. Additive methods: in the target's own unit. Others: relative.
    elements : (*grid) float64, the same before pooling, or None
    std : (n,) float64, standard error of the estimate, or None when nothing was sampled
    output, empty : the target with everything kept and with everything removed
    additive : whether values claim to sum to output - empty
    unit : the target's unit, or "relative" when only the order and the sign carry meaning
    note : what a reader must know, for example which estimator was used or "not converged"
    drawn : whether anything was drawn at random; otherwise another seed gives the same

    >>> found = xaikit.explain(model, sample, ["shap"])[0]
    >>> [(name, round(value, 2)) for name, value in found.top(2)]
    [('proline', 2.43), ('flavanoids', 1.06)]
    """

    values: Floats
    method: str
    sample_id: str
    model_id: str
    target: Target
    segmentation: Segmentation
    masker: str
    output: float
    empty: float
    additive: bool
    unit: str
    elements: Floats | None = None
    std: Floats | None = None
    converged: bool | None = None
    note: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost = Cost()
    seed: int = 0
    drawn: bool = True
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = self.segmentation.n_features
        for name, shape in (
            ("values", (n,)),
            ("std", (n,)),
            ("elements", self.segmentation.ids.shape),
        ):
            given = getattr(self, name)
            if given is None:
                continue
            array = np.array(given, dtype=np.float64)
            if array.shape != shape:
                raise InvalidInput(
                    f"{self.method} gave {name} of shape {array.shape}; {shape} is needed."
                )
            if not np.isfinite(array).all():
                raise InvalidInput(
                    f"{self.method} on sample '{self.sample_id}' gave NaN or infinity in {name}; "
                    "the model's output may overflow there."
                )
            object.__setattr__(self, name, _locked(array))

    @property
    def names(self) -> tuple[str, ...]:
        """(n,) what the features are called."""
        return self.segmentation.names

    @property
    def residual(self) -> float:
        """output - empty - sum(values): what an additive explanation leaves unexplained."""
        return float(self.output - self.empty - self.values.sum())

    @property
    def places(self) -> Floats:
        """(*grid) relevance of each place: a sum is shared out over the feature, a mean is repeated."""
        shared = 1.0 if self.unit == "relative" else self.segmentation.sizes
        return self.segmentation.scatter(self.values / shared)

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k features of largest absolute value with their signed values, strongest first."""
        order = np.argsort(-np.abs(self.values), kind="stable")[:k]
        return [(self.names[i], float(self.values[i])) for i in order]

    def plot(self) -> Any:
        """A matplotlib Figure of this explanation."""
        return display("figure", self)


@dataclass(frozen=True, eq=False)
class Score:
    """One measured property of one explanation (or of a method over a study).

    value : the number; NaN only with a note that says why
    interval : 95 % interval, or None
    direction : which way is better, "higher" or "lower"
    family : faithfulness, stability, sanity, plausibility or agreement
    curve : (p, 2) float64, x and y of the curve behind the value, or None
    of : what was scored: method, sample, masker, ...
    """

    metric: str
    value: float
    direction: Literal["higher", "lower"]
    family: str
    interval: tuple[float, float] | None = None
    curve: Floats | None = None
    of: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        if not np.isfinite(self.value) and not self.note:
            raise InvalidInput(
                f"the score '{self.metric}' is {self.value} without a note; say why in `note`."
            )
        if self.curve is not None:
            curve = np.array(self.curve, dtype=np.float64)
            if curve.ndim != 2 or curve.shape[1] != 2:
                raise InvalidInput(
                    f"the score '{self.metric}' has a curve of shape {curve.shape}; (p, 2) is needed."
                )
            object.__setattr__(self, "curve", _locked(curve))


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
