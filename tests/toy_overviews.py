"""Overviews made by hand: what a method would have said of a test split that never was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xaikit.core.explanations import Explanations
from xaikit.core.features import Segmentation
from xaikit.core.target import Target, Targets
from xaikit.judge.overview import Overview


def overview(
    values: Sequence[Any],
    *,
    wrong: Sequence[bool] | None = None,
    predicted: Sequence[int] | None = None,
    labels: Sequence[Any] | None = None,
    predictions: Any = None,
    sure: float | np.ndarray = 0.9,
    output: float | np.ndarray = 2.0,
    cuts: Sequence[Segmentation] | None = None,
    names: Sequence[str] | None = None,
    unit: str = "log-odds",
    **given: Any,
) -> Overview:
    """A classifier of two classes unless told otherwise; wrong answers have the other label.

    values : N rows (n,); predicted : N classes, in turn 0 and 1 unless given
    """
    n, rows = len(values), [np.asarray(row, dtype=np.float64) for row in values]
    ids = tuple(f"s{i}" for i in range(n))
    which = np.arange(n) % 2 if predicted is None else np.asarray(predicted)
    if predictions is None:
        classes = given.get("classes", ("no", "yes"))
        p = np.broadcast_to(np.asarray(sure, dtype=np.float64), (n,))[:, None]
        others = (1 - p) / (len(classes) - 1)
        predictions = np.where(np.arange(len(classes)) == which[:, None], p, others)
    if labels is None:
        error = np.zeros(n, dtype=bool) if wrong is None else np.asarray(wrong)
        labels = [int(k) for k in np.where(error, 1 - which, which)]
    if cuts is None:
        named = tuple(names or (f"x{j}" for j in range(len(rows[0]))))
        cuts = [Segmentation(np.arange(len(named)), named, "columns")] * n
    space = {"log-odds": "logit", "relative": "logit", "probability": "prob"}.get(unit, "value")
    told = Explanations(
        rows=rows if len({len(row) for row in rows}) > 1 else np.stack(rows),
        method="shap",
        model_id="net",
        sample_ids=ids,
        targets=Targets.of([Target(int(k), space=space) for k in which]),  # type: ignore[arg-type]
        segmentations=list(cuts),
        maskers=["training rows"] * n,
        output=np.broadcast_to(np.asarray(output, dtype=np.float64), (n,)).copy(),
        empty=np.zeros(n),
        additive=unit != "relative",
        unit=unit,
    )
    usual: dict[str, Any] = {
        "inputs": (), "rationales": (None,) * n, "classes": ("no", "yes"), "of": n,
        "modality": "table", "task": "classification", "columns": tuple(names or ()),
    }  # fmt: skip
    return Overview(
        ids=ids,
        predictions=np.asarray(predictions, dtype=np.float64),
        labels=tuple(labels),
        explanations=told,
        **{**usual, **given},
    )


def texts(words: Sequence[Sequence[str]], values: Sequence[Any], **given: Any) -> Overview:
    """Texts of words, with one value a word."""
    cuts = [Segmentation(np.arange(len(t)), tuple(t), "words") for t in words]
    inputs = tuple(np.array(t) for t in words)
    return overview(values, cuts=cuts, inputs=inputs, modality="text", **given)


def pictures(values: Any, side: int = 8, patch: int = 2, **given: Any) -> Overview:
    """Pictures of side x side px in square patches, with one value a patch, row by row."""
    steps = np.arange(side) // patch
    ids = steps[:, None] * (side // patch) + steps[None, :]
    names = tuple(f"patch {i}" for i in range(int(ids.max()) + 1))
    cut = Segmentation(ids, names, "patches")
    return overview(values, cuts=[cut] * len(values), modality="image", **given)


def rows(
    rng: np.random.Generator, n: int = 500, columns: int = 12, rate: float = 0.1, planted: str = ""
) -> Overview:
    """Rows of numbers, two columns of categories and a group; errors fall at random, three times as often
    on a planted fifth: "high" or "middle" for one of the first column, "group" for a town.
    """
    x = rng.normal(size=(n, columns))
    x[:, -1], x[:, -2] = rng.integers(5, size=n), rng.integers(2, size=n)
    town, rank = rng.choice(5, size=n), x[:, 0].argsort().argsort() / n
    held = {
        "high": rank >= 0.8, "middle": (rank >= 0.4) & (rank < 0.6), "group": town == 2
    }.get(planted, np.zeros(n, dtype=bool))  # fmt: skip
    return overview(
        rng.normal(size=(n, columns)),
        predicted=rng.integers(2, size=n),
        wrong=rng.random(n) < np.where(held, 3 * rate, rate),
        sure=rng.uniform(0.51, 0.999, size=n),
        names=[f"x{j}" for j in range(columns)],
        inputs=tuple(x),
        facts={"distance": rng.random(n), "length": rng.normal(size=n)},
        groups={"town": tuple("abcde"[t] for t in town)},
    )
