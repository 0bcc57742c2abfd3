"""How good answers on labelled test rows are, beside an answer that never looks at the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.errors import DataError
from xaikit.core.stats import bootstrap_interval, wilson
from xaikit.core.types import Floats
from xaikit.data.dataset import Dataset
from xaikit.models.baselines import baselines_of
from xaikit.tasks import Task

__all__ = [
    "BESIDE_BLIND",
    "ROPE",
    "beside_baselines",
    "blind",
    "interval",
    "labelled",
    "measured",
    "paired",
    "per_row",
]

BESIDE_BLIND = (
    "accuracy",
    "r2",
)  # means over rows, of which an answer that never looks has one too
ROPE = 0.01  # a point of accuracy (or of R2): less is too small to matter


def _settled(quality: Mapping[str, Any], value: float) -> str:
    """Whether the model is better than an answer of that value, by the interval of its own quality."""
    low, high = quality.get("interval") or (-np.inf, np.inf)
    return "b_better" if low > value else "a_better" if high < value else "not_settled"


def labelled(data: Dataset) -> bool:
    """Whether every row has the label that measuring needs."""
    return all(s.label is not None for s in (*data.train, *data.test))


def per_row(outputs: Floats, data: Dataset) -> Floats:
    """(N,) whose mean is the accuracy, or for regression R2 = mean of 1 - error^2 / variance.

    outputs : (N, K) scores or probabilities, or (N, 1) values, on data.test
    """
    labels = data.labels("test")
    if data.classes:
        right: Floats = (outputs.argmax(axis=1) == labels).astype(np.float64)
        return right
    if labels.var() == 0:
        raise DataError(
            f"the test labels of '{data.name}' are all {labels[0]:g}, so that R2 has no meaning; give "
            "test rows that differ."
        )
    gains: Floats = 1.0 - (outputs[:, 0] - labels) ** 2 / labels.var()
    return gains


def blind(data: Dataset) -> tuple[str, Floats]:
    """The most frequent class of the training rows, or their mean: what it says, (N, K) outputs."""
    labels = data.labels("train")
    if not data.classes:
        return f"{labels.mean():.4g}", np.full((len(data.test), 1), labels.mean())
    shares = np.bincount(labels, minlength=len(data.classes)) / len(labels)
    return data.classes[int(shares.argmax())], np.tile(shares, (len(data.test), 1))


def interval(rows: Floats, data: Dataset) -> tuple[float, float] | None:
    """The 95 % interval of the accuracy (Wilson) or of R2 (bootstrap; None below 10 rows)."""
    return wilson(int(rows.sum()), len(rows)) if data.classes else bootstrap_interval(rows)


def paired(base: Floats, other: Floats) -> dict[str, Any]:
    """How much better the other is on the same rows, and whether that is settled."""
    differences = other - base
    bounds = bootstrap_interval(differences)
    found: dict[str, Any] = {"difference": float(differences.mean()), "rope": ROPE}
    if bounds is None:
        return found | {"verdict": "not_settled"}
    low, high = bounds
    found |= {"interval": bounds, "verdict": _settle(low, high)}
    if found["verdict"] == "not_settled":  # an interval shrinks with the root of the sample size
        half = (high - low) / 2
        found["needed"] = int(np.ceil(len(differences) * (half / ROPE) ** 2))
    return found


def beside_baselines(
    task: Task, scores: Floats, data: Dataset, quality: Mapping[str, Any]
) -> dict[str, Any]:
    """What simple answers of the task are worth on the same test samples, and whether the model is better than
    the best of them; {} where the task has none."""
    own = task.baseline(data.train, data.test)
    if own is not None:
        verdict = _settled(quality, own["value"])
        return {"baseline": {**own, "named": True, "verdict": verdict}}
    labels = [s.label for s in data.test]
    answers = baselines_of(data)
    held = {name: task.quality(task.measures(s, labels)) for name, s in answers.items()}
    known = {name: float(found["value"]) for name, found in held.items() if found}
    if not known:
        return {}
    best = max(known, key=lambda name: known[name])
    mine, _ = task.gains(task.predictions(scores), labels)
    base, _ = task.gains(task.predictions(answers[best]), labels)
    told = {"says": best, "value": known[best], "verdict": paired(base, mine)["verdict"]}
    return {"beside": known, "baseline": {**told, "named": True}}


def _settle(low: float, high: float) -> str:
    if low >= -ROPE and high <= ROPE:
        return "equal"
    if low > 0 and high > ROPE:
        return "b_better"
    if high < 0 and low < -ROPE:
        return "a_better"
    return "not_settled"


def measured(outputs: Floats, data: Dataset) -> dict[str, Any]:
    """The quality that a page prints: value, interval, and the answer that never looks beside it."""
    rows, (says, fixed) = per_row(outputs, data), blind(data)
    bounds, base = interval(rows, data), per_row(fixed, data)
    return {
        "metric": "accuracy" if data.classes else "r2",
        "value": float(rows.mean()),
        "interval": list(bounds) if bounds else None,
        "n": len(rows),
        "split": "test",
        "baseline": {
            "says": says,
            "value": float(base.mean()),
            "verdict": paired(base, rows)["verdict"],
        },
    }
