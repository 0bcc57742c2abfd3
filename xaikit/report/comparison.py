"""What the page that compares models is made of: the plain, JSON-able dict that `compare` gives.

Every key except `title`, `asked` and `models` may be missing or empty; the page then leaves that place out or says
why. Shares and qualities are fractions (0.962, not 96.2); intervals are 95 % [low, high].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

__all__ = ["Bin", "Claim", "Comparison", "LearningCurve", "ModelEntry", "Pair", "Sentence", "Told"]


class Sentence(TypedDict):
    """A sentence of `words/*.toml` and what stands in its fields: a `Finding` as JSON keeps it."""

    key: str
    numbers: Mapping[str, Any]


Told = str | Sentence  # words of a person as they are, or a sentence in the page's language


class Bin(TypedDict):
    """One group of rows: mean stated probability, share that was right, its interval."""

    p: float
    observed: float
    lo: float
    hi: float
    n: int


class ModelEntry(TypedDict, total=False):
    """One model over all folds. `id` and `family` are needed.

    family : "baseline" is no model but what the most frequent class, or the mean, is worth
    accuracy : mean over the held-out rows of all folds; own : on the rows it learned from
    learned : quality of a linear model on what a net's last layer reads
    fit_seconds, processor_seconds, memory, joules : of one fit; predict_ms : of one row asked alone,
    batch_ms : of a row among many
    ece, brier : and after a temperature, `ece_after`, `brier_after`
    confusion : rows are true classes
    """

    id: str
    family: Literal["ml", "dl", "baseline"]
    says: str
    accuracy: float
    own: float
    learned: float
    shift: dict[str, float]
    n_folds: int
    fit_seconds: float
    processor_seconds: float
    memory: float
    joules: float
    predict_ms: float
    batch_ms: float
    bytes: int
    calibration: list[Bin]
    ece: float
    ece_after: float
    brier: float
    brier_after: float
    confusion: list[list[int]]


class Pair(TypedDict, total=False):
    """How much better model b is than model a in the same folds (positive: b is better).

    word : better, clearly_better, worse, clearly_worse, equal or cannot_tell; verdict : the same in the
        words of version 0.2 (a_better, b_better, equal, not_settled)
    chances : worse by more than `rope`, equal, better by more
    needed : about how many rows would settle it, or missing
    """

    a: str
    b: str
    difference: float
    interval: tuple[float, float]
    rope: float
    word: str
    verdict: Literal["a_better", "b_better", "equal", "not_settled"]
    chances: tuple[float, float, float]
    differ: float | None
    n_folds: int
    asked: bool
    needed: int


class LearningCurve(TypedDict):
    """One model's quality by number of training rows: n, value, low, high, and that of each fold."""

    model: str
    points: list[dict[str, Any]]


class Claim(TypedDict):
    """What textbooks say, measured: bars, whether it held, and a sentence."""

    id: str
    verdict: Literal["held", "part", "no", "open", "missing"]
    bars: list[dict[str, Any]]
    say: Sentence


class Comparison(TypedDict, total=False):
    """Two or more models compared over folds.

    title : the answer; asked : the pair that the question is about, the second against the first
    recommended : the model to use, and the sentences that say why
    against_baseline : every model against the baseline, which stands first in `models`
    gaps : of the pair, by number of training rows
    same : agreement of reasons (`floors`, `pairs`), `cases` side by side, `evidence`
    errors : of the pair, held-out rows that one alone, or both, get wrong
    decision : net benefit by threshold, for two classes
    tuning : the same with tuned settings; not_run : what was left out, and why
    """

    title: Told
    warning: Told | None
    asked: list[str]
    recommended: dict[str, Any]
    rope: float
    watts: float
    metric: Literal["accuracy", "r2"]
    data: dict[str, Any]
    protocol: Told
    weights: Literal["none", "balanced"]
    models: list[ModelEntry]
    pairs: list[Pair]
    against_baseline: list[Pair]
    claims: list[Claim]
    learning: list[LearningCurve]
    gaps: list[dict[str, Any]]
    same: dict[str, Any] | None
    errors: dict[str, int] | None
    decision: dict[str, Any] | None
    tuning: dict[str, Any] | None
    not_run: list[Told]
    command: str
    created: str
    environment: dict[str, str]
