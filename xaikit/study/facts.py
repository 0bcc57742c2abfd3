"""What a run's context may say to the page: plain facts, any of which may be missing or None."""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = ["Facts"]


class _Named(TypedDict):
    name: str


class ColumnFacts(_Named, total=False):
    """A column of a table or a channel; low, median, high: percentiles 5, 50 and 95; quantiles: of the
    training rows, evenly spaced from the lowest to the highest."""

    categories: list[str]
    unit: str
    low: float
    median: float
    high: float
    quantiles: list[float]


class QualityFacts(TypedDict, total=False):
    """How good the model is; `interval` holds 95 %."""

    metric: str | None
    value: float | None
    interval: tuple[float, float] | None
    n: int | None
    split: str | None


class ModelFacts(TypedDict, total=False):
    """The model that was asked; `info` is what its training noted; `twin`: whether it can be
    asked with its knowledge erased."""

    id: str | None
    family: str | None
    architecture: str | None
    n_parameters: int | None
    classes: list[str] | None
    quality: QualityFacts | None
    info: dict[str, Any] | None
    twin: bool | None


class GroupFacts(_Named, total=False):
    """Rows of one group were kept on one side; test: the groups that were only measured on, of so many."""

    test: list[str]
    of: int


class DataFacts(TypedDict, total=False):
    """The data that the samples are of."""

    name: str | None
    modality: str | None
    source: str | None
    form: list[str] | None
    language: str | None
    columns: list[ColumnFacts] | None
    n_test: int | None
    hash: str | None
    group: GroupFacts | None


class QuestionFacts(TypedDict, total=False):
    """What all methods were asked."""

    target: str | None
    unit: str | None
    features: str | None
    masker: str | None
    masker_words: str | None
    second_masker: str | None


class MethodFacts(TypedDict, total=False):
    """A method in words; a control knows nothing of the model."""

    title: str
    asks: str
    misleads: str
    paper: str
    control: bool


class MeasureFacts(TypedDict, total=False):
    """A number that was measured, in words; `ko`: title and meaning in Korean."""

    family: str
    direction: str
    title: str
    means: str
    centre: str
    in_table: bool
    ko: dict[str, str]


class FlipFacts(TypedDict, total=False):
    """What would have changed the answer for a sample (`Counterfactual.facts`), or why nothing was found."""

    kind: str
    sample: str
    features: list[str]
    removed: list[int] | None
    changes: list[dict[str, Any]]
    distance: float | None
    before: list[float]
    after: list[float]
    smallest: bool | None
    evaluations: int
    told: list[dict[str, Any]]
    others: list[dict[str, Any]]
    refused: str
    curve: dict[str, Any] | None
    fills: list[list[float]] | None


class SmoothFacts(TypedDict, total=False):
    """A map of one sample by shifted grids: (h, w) in equal cells, the mean over so many shifts."""

    sample: str
    method: str
    shifts: int
    map: list[list[float]]


class Facts(TypedDict, total=False):
    """The context of a run."""

    title: str | None
    command: str | None
    model: ModelFacts | None
    data: DataFacts | None
    question: QuestionFacts | None
    methods: dict[str, MethodFacts] | None
    measures: dict[str, MeasureFacts] | None
    rationale: str | None
    flips: list[FlipFacts] | None
    interactions: list[dict[str, Any]] | None
    smooth: list[SmoothFacts] | None
    added: list[str] | None
    found: dict[str, dict[str, Any] | None] | None
