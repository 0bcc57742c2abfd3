"""The types every part of xaikit speaks: what was asked, and what came back.

They are frozen, checked when made, and hold NumPy arrays that cannot be written to. A mask is
boolean and True means *kept*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from xaikit.core.display import display
from xaikit.core.errors import InvalidInput
from xaikit.core.features import Bools, Floats, Ints, Masker, Segmentation, locked
from xaikit.core.sample import MODALITIES, Label, Modality, Sample, Titles

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
    "Sample",
    "Score",
    "Segmentation",
    "Space",
    "Target",
    "Titles",
]

Space = Literal["logit", "prob", "value"]


@dataclass(frozen=True)
class Target:
    """The one scalar that is explained, taken from scores (B, K).

    index : class, or output of a regressor
    against : a contrast class; the target is then the difference of the two scores (log-odds of
        one against the other)
    space : "logit" = log-odds of the class, log p/(1-p), 0 is an even chance; "prob" = its
        probability; "value" = the raw score
    independent : the scores are logits of labels that may hold together: the log-odds of a label
        are its own logit. Otherwise they are those of classes of which one holds. It follows from
        the model's task, which puts it into the target of a question.
    """

    index: int
    against: int | None = None
    space: Space = "logit"
    independent: bool = False

    def __post_init__(self) -> None:
        if self.space not in get_args(Space):
            raise InvalidInput(f"target space '{self.space}' is unknown; use logit, prob or value.")
        if self.against == self.index:
            raise InvalidInput(
                f"a target cannot contrast class {self.index} with itself; pick two classes."
            )
        if self.against is not None and self.space == "prob":
            raise InvalidInput(
                "a contrast of two classes is a log-odds; use space='logit', not 'prob'."
            )
        if self.against is not None and self.space == "logit" and self.independent:
            raise InvalidInput(
                f"labels {self.index} and {self.against} may hold together, so one is no contrast to "
                "the other; ask about each label alone."
            )

    @property
    def unit(self) -> str:
        return {"logit": "log-odds", "prob": "probability", "value": "score"}[self.space]

    def difference(self, n_scores: int) -> tuple[int, int | None] | None:
        """The score that the target is, less another one or none; None when it is no difference."""
        if self.against is not None or self.space == "value":
            return self.index, self.against
        if self.space == "logit" and self.independent:
            return self.index, None
        if self.space == "logit" and n_scores == 2:
            return self.index, 1 - self.index
        return None

    def __call__(self, scores: Any) -> Any:
        """(B, K) -> (B,), for NumPy arrays and, differentiably, for torch tensors."""
        n_scores = scores.shape[1]
        for index in (self.index, self.against):
            if index is not None and not 0 <= index < n_scores:
                raise InvalidInput(
                    f"target {index} does not exist; the model gives {n_scores} score(s), from 0."
                )
        if self.against is not None:
            return scores[:, self.index] - scores[:, self.against]
        if self.space == "value":
            return scores[:, self.index]
        odds = self._odds(scores)
        if self.space == "logit":
            return odds
        # the same function of the log-odds in both worlds, exact at both ends
        return 0.5 * (1 + np.tanh(odds / 2)) if isinstance(scores, np.ndarray) else odds.sigmoid()

    def _odds(self, scores: Any) -> Any:
        """(B, K) -> (B,) log-odds."""
        n_scores = scores.shape[1]
        if self.independent:
            return scores[:, self.index]
        if n_scores < 2:
            raise InvalidInput(f"a model with one output has no {self.unit}; use space='value'.")
        if n_scores == 2:
            return scores[:, self.index] - scores[:, 1 - self.index]
        others = scores[:, [j for j in range(n_scores) if j != self.index]]
        numpy = isinstance(scores, np.ndarray)
        return scores[:, self.index] - (_logsumexp(others) if numpy else others.logsumexp(dim=1))

    def describe(self, names: tuple[str, ...]) -> str:
        """The target in words, for example "log-odds of 'cat'".

        names : of the model's outputs, or () for a model of one number
        """
        if not names:
            return "predicted value"
        words = f"{self.unit} of '{names[self.index]}'"
        if self.against is None:
            return words
        against = f"'{names[self.against]}'"
        return f"{words} {'less that of' if self.space == 'value' else 'against'} {against}"


def _logsumexp(scores: Floats) -> Floats:
    """(B, K) -> (B,); SciPy's costs more than a small model's pass."""
    top = scores.max(axis=1)
    with np.errstate(invalid="ignore"):  # all -inf, or NaN: the caller refuses what comes out
        total = np.exp(scores - top[:, None]).sum(axis=1)
    found: Floats = top + np.log(total)
    return np.where(np.isfinite(top), found, top)


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
            object.__setattr__(self, "curve", locked(curve))
