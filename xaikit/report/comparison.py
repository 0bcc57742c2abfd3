"""What the page that compares models is made of: a plain, JSON-able dict.

Every key except `title` and `models` may be missing; the page then says "not yet tested" at that
place. Shares and accuracies are fractions (0.962, not 96.2); intervals are 95 % [low, high].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

__all__ = [
    "Agreement",
    "Bin",
    "Comparison",
    "Evidence",
    "EvidenceRow",
    "Explained",
    "LearningCurve",
    "LearningPoint",
    "ModelEntry",
    "Pair",
    "Sentence",
    "Studied",
    "Told",
]

Metric = Literal["accuracy", "r2", "mae"]


class Sentence(TypedDict):
    """A sentence of `words/*.toml` and what stands in its fields: a `Finding` as JSON keeps it."""

    key: str
    numbers: Mapping[str, Any]


Told = str | Sentence  # words of a person as they are, or a sentence in the page's language


class Bin(TypedDict):
    """One group of test samples: mean stated probability, share that was right, its interval."""

    p: float
    observed: float
    lo: float
    hi: float
    n: int


class Explained(TypedDict, total=False):
    """What one explanation of one sample costs this model."""

    method: str  # title for people, for example "SHAP"
    calls: int  # 0 when it is exact and asks the model nothing
    seconds: float


class ModelEntry(TypedDict, total=False):
    """One model on the shared test split. `id` and `family` are needed.

    family : "baseline" is no model but what the most frequent class, or the mean, is worth
    says : what a baseline says, whatever the input
    accuracy : value of Comparison.metric
    correct : number of right answers of n_test
    predict_ms : time of one answer
    bytes : size of the saved model
    calibration : bins of equal size; ece: expected calibration error
    """

    id: str
    family: Literal["ml", "dl", "baseline"]
    says: str
    title: str
    detail: Told  # for example "80 rounds, 8 leaves"
    accuracy: float
    interval: tuple[float, float]
    correct: int
    fit_seconds: float
    predict_ms: float
    bytes: int
    n_parameters: int
    explained: Explained
    calibration: list[Bin]
    ece: float


class Pair(TypedDict, total=False):
    """How much better model b is than model a on the same samples (positive: b is better).

    rope : differences up to this size are too small to matter
    verdict : the finding, from the interval and the rope
    needed : about how many samples would settle it, or missing
    """

    a: str
    b: str
    difference: float
    interval: tuple[float, float]
    rope: float
    verdict: Literal["a_better", "b_better", "equal", "not_settled"]
    needed: int


class LearningPoint(TypedDict, total=False):
    """Quality after training on n samples; low and high are the extremes over splits."""

    n: int
    value: float
    low: float
    high: float


class LearningCurve(TypedDict):
    """One model's quality by number of training samples."""

    model: str
    points: list[LearningPoint]


class EvidenceRow(TypedDict):
    """Share of all evidence that each model puts on one feature (model id -> 0..1)."""

    feature: str
    shares: dict[str, float]


class Evidence(TypedDict, total=False):
    """Where the models look, when they share their features. Rows strongest first."""

    method: str  # title, for example "SHAP"
    unit: str
    n_features: int
    rows: list[EvidenceRow]


class Agreement(TypedDict, total=False):
    """Mean rank agreement of two models' evidence; a == b is one model against its other seeds."""

    a: str
    b: str
    value: float
    interval: tuple[float, float]
    note: Told  # for example "training has no randomness"


class Studied(TypedDict, total=False):
    """The data that every model saw. things: what people call the samples, "patients"."""

    name: str
    modality: str
    source: str
    n_train: int
    n_test: int
    n_features: int
    things: str


class Comparison(TypedDict, total=False):
    """Two or more models compared on one split; `title` is the question in words.

    weights : of the classes in training, the same for every model
    against_baseline : every model held against the baseline, which stands first in `models`
    """

    title: Told
    metric: Metric
    data: Studied
    protocol: Told  # for example "one split, same samples for every model"
    protocol_detail: Told
    weights: Literal["none", "balanced"]
    models: list[ModelEntry]
    pairs: list[Pair]
    against_baseline: list[Pair]
    learning: list[LearningCurve]
    evidence: Evidence
    agreement: list[Agreement]
    command: str
    created: str
    environment: dict[str, str]
