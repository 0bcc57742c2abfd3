"""The types every part of xaikit speaks: what was asked, and what came back.

They are frozen, checked when made, and hold NumPy arrays that cannot be written to. A mask is
boolean and True means *kept*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from xaikit.core.display import display
from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.features import Bools, Floats, Ints, Masker, Segmentation, locked
from xaikit.core.files import short
from xaikit.core.sample import MODALITIES, Label, Modality, Sample, Titles
from xaikit.core.target import Space, Target
from xaikit.core.typed import build, plain

__all__ = [
    "MODALITIES",
    "Bools",
    "Cost",
    "Explanation",
    "Floats",
    "Ints",
    "Label",
    "Masker",
    "Modality",
    "PerSample",
    "Sample",
    "Score",
    "Segmentation",
    "Space",
    "Target",
    "Titles",
]

PerSample = Floats | Sequence[Floats]
"""One array for each of B samples: (B, ...) where they are of one shape, otherwise a list of B."""


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
    target_names : what the explained output is called, and the one it is held against; () where
        outputs have no names
    note : what a reader must know, for example which estimator was used or "not converged"
    drawn : whether anything was drawn at random; otherwise another seed gives the same

    >>> found = xaikit.explain(model, sample, ["shap"])[0]
    >>> [(name, round(value, 2)) for name, value in found.top(2)]
    [('proline', 2.43), ('flavanoids', 1.06)]
    >>> found.save("wine.png", sample).name
    'wine.png'
    >>> Explanation.from_json(found.to_json()).top(1) == found.top(1)
    True
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
    target_names: tuple[str, ...] = ()

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
            object.__setattr__(self, name, locked(array))

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

    def plot(self, sample: Any = None, language: str = "en") -> Any:
        """A matplotlib Figure: a waterfall or bars, a map, marked words, or a signal with a band.

        sample : what was explained, the sample or the row of a frame; with it the figure shows the input
        """
        return display("figure", self, sample, language)

    def save(
        self,
        path: str | Path,
        sample: Any = None,
        *,
        language: str = "en",
        force: bool = False,
    ) -> Path:
        """Write one picture, .png, .svg or .html (which needs no network); an existing file stays
        unless `force`. sample and language as in `plot`."""
        return display("file", self, path, sample, language, force)  # type: ignore[no-any-return]

    def _repr_html_(self) -> str:
        return display("html", self)  # type: ignore[no-any-return]

    def to_frame(self) -> Any:
        """A pandas frame, a row a feature: "feature", "value" and, where it was sampled, "std"."""
        import pandas as pd

        columns: dict[str, Any] = {"feature": list(self.names), "value": self.values}
        return pd.DataFrame(columns if self.std is None else {**columns, "std": self.std})

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `json.dumps` takes and `from_json` reads: the fields by name."""
        cut = self.segmentation
        record = {f.name: getattr(self, f.name) for f in fields(self)} | {
            "segmentation": {"ids": cut.ids, "names": cut.names, "source": cut.source},
            "target": asdict(self.target),
            "cost": asdict(self.cost),
        }
        return plain(record)  # type: ignore[no-any-return] # a dict stays one

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Explanation:
        """What `to_json` gave; `DataError` says what is wrong."""
        try:
            cut = record["segmentation"]
            arrays = ("values", "std", "elements")
            held = {
                n: None if record[n] is None else np.array(record[n], np.float64) for n in arrays
            }
            made = {
                "segmentation": build(Segmentation, {**cut, "ids": np.array(cut["ids"], np.int64)}),
                "target": build(Target, record["target"]),
                "cost": build(Cost, record["cost"]),
            }
            return build(cls, {**record, **held, **made})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"this is no explanation ({short(error)}); give what to_json() gave."
            ) from error

    def to_shap(self, data: Any = None) -> Any:
        """A `shap.Explanation` that shap's own plots draw; its waterfall ends at the output only
        where the values add up.

        data : (n,) what stands in the features, for example the row or the words
        """
        import shap

        return shap.Explanation(
            values=np.array(self.values),
            base_values=self.empty,
            data=None if data is None else np.asarray(data),
            feature_names=list(self.names),
        )


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
            object.__setattr__(self, "curve", locked(curve))
