"""What a reader must know to read a run: model, data, question and methods, in words and numbers."""

from __future__ import annotations

import platform
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Model
from xaikit.core.measures import MEASURES
from xaikit.core.question import Question, versions
from xaikit.core.types import MODALITIES, Target
from xaikit.data.dataset import Dataset
from xaikit.methods.base import Method
from xaikit.study.refining import FOUND
from xaikit.tasks import task_of

__all__ = ["describe", "environment"]

QUANTILES = 51  # of a column, by which a page tells where a value lies
MOST_COLUMNS = 500  # of which they are kept
_RATIONALES = (
    "digits", "reviews", "waves", "lags", "factors", "scenes", "plates", "sessions", "lookup",
    "dates",
)  # fmt: skip # data sets whose marked places have a name


def describe(
    model: Model,
    questions: Sequence[Question],
    methods: Sequence[Method],
    *,
    data: Dataset | None,
    quality: dict[str, Any] | None,
    drawn: int | None,
    target: str | int | Target | Sequence[str | int | Target],
    second_masker: str | None,
    twin: bool,
    measures: Collection[str],
    command: str,
) -> dict[str, Any]:
    """JSON-able facts of one study; the keys are those that the report reads."""
    first, described = questions[0], _model(model, quality)
    named = {*measures, (described["quality"] or {}).get("metric")}
    return {
        "command": command,
        "model": described | {"twin": twin},
        "data": _data(model, data),
        "chosen": _chosen([q.sample.id for q in questions], data, drawn),
        "question": {
            "target": _asked(model, target),
            "unit": first.target.unit,
            "features": first.segmentation.source,
            "refined": first.segmentation.ids.size if FOUND in first.segmentation.source else 0,
            "masker": first.masker.name,
            "masker_words": first.masker.name,
            "second_masker": second_masker,
        },
        "methods": {m.name: m.facts() for m in methods},
        "measures": {name: MEASURES.get(name).facts() for name in MEASURES if name in named},
        "rationale": _rationale(questions, data),
    }


def _asked(model: Model, target: str | int | Target | Sequence[str | int | Target]) -> str:
    """What was asked for, in words."""
    if isinstance(target, Target):
        return task_of(model).describe(target)
    return str(target) if isinstance(target, str | int) else "one of each sample"


def environment() -> dict[str, Any]:
    """Where and when the numbers were made."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": dict(versions()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _chosen(ids: list[str], data: Dataset | None, drawn: int | None) -> dict[str, Any] | None:
    """How the samples were taken from the test rows: all, the first, drawn by a seed, or others."""
    if data is None:
        return None
    test = [s.id for s in data.test]
    how = "all" if ids == test else "first" if ids == test[: len(ids)] else "others"
    how = "drawn" if drawn is not None and how != "all" else how
    return {"how": how, "of": len(test), "seed": drawn}


def _model(model: Model, measured: dict[str, Any] | None) -> dict[str, Any]:
    """Facts of the model; its quality is the measured one, or what training noted."""
    info, task = dict(model.info), task_of(model)
    noted = task.quality(dict(info.get("metrics", {}).get("test", {})))
    quality = measured or (noted and {**noted, "split": "test"})
    return {
        "id": model.id,
        "family": info.get("family", ""),
        "architecture": info.get("architecture", ""),
        "n_parameters": info.get("n_parameters"),
        "classes": list(model.classes),
        "task": {"name": task.name, "outputs": list(task.outputs)},
        "quality": quality,
        "info": info,
    }


def _data(model: Model, data: Dataset | None) -> dict[str, Any]:
    if data is None:
        return {
            "name": model.info.get("data", ""),
            "modality": model.modality,
            "source": "",
            "language": "en",
            "columns": _told(model),
            "n_test": None,
            "hash": model.info.get("data_hash", ""),
        }
    return {
        "name": data.name,
        "modality": data.modality,
        "source": data.source,
        "form": list(data.facts.get("form", ())),
        "language": data.language,
        "columns": _columns(data),
        "n_test": len(data.test),
        "hash": data.hash,
        "group": data.facts.get("group"),
    }


def _columns(data: Dataset) -> list[dict[str, Any]]:
    plain = [
        {"name": c.name, "categories": list(c.categories), "unit": c.unit} for c in data.columns
    ]
    if not MODALITIES.get(data.modality).tabular:
        return plain
    return _ranged(plain, np.stack(data.inputs("train")))


def _told(model: Model) -> list[dict[str, Any]]:
    """The columns that the model was told, with their ranges over its background."""
    columns, rows = list(model.info.get("columns") or ()), model.background
    tabular = MODALITIES.get(model.modality).tabular and rows is not None
    if rows is None or not tabular or len(columns) != rows.shape[1]:
        return columns
    return _ranged([{"categories": [], "unit": "", **column} for column in columns], rows)


def _ranged(columns: list[dict[str, Any]], rows: NDArray[Any]) -> list[dict[str, Any]]:
    """Columns with the ends and quantiles of their values among the rows; none of those without values."""
    found = []
    for column, values in zip(columns, rows.T, strict=True):
        if len(known := values[~np.isnan(values)]):
            low, median, high = np.percentile(known, [5, 50, 95]).tolist()
            column = column | {"low": low, "median": median, "high": high}
            if len(columns) <= MOST_COLUMNS:
                at = np.quantile(known, np.linspace(0, 1, QUANTILES))
                column |= {"quantiles": [float(f"{q:.6g}") for q in at]}
        found.append(column)
    return found


def _rationale(questions: Sequence[Question], data: Dataset | None) -> str | None:
    """The key of what the marked places are, or None where nothing is marked."""
    if all(q.sample.rationale is None for q in questions):
        return None
    return f"rationale.{data.name if data and data.name in _RATIONALES else 'marked'}"
