"""Overviews without a model: columns, answers, errors and values drawn from known laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.explanations import Explanations
from xaikit.core.features import Segmentation
from xaikit.core.target import Target, Targets
from xaikit.judge.overview import Overview


def overview(
    values: np.ndarray,
    predicted: np.ndarray,
    wrong: np.ndarray,
    *,
    modality: str = "table",
    cuts: list[Segmentation] | None = None,
    sure: np.ndarray | None = None,
    **given: Any,
) -> Overview:
    """A test split of a classifier of two classes; wrong answers have the other label."""
    n = len(predicted)
    names = tuple(f"x{j}" for j in range(values.shape[1]))
    cut = Segmentation(np.arange(values.shape[1]), names, "columns")
    ids = tuple(f"s{i}" for i in range(n))
    p = np.full(n, 0.9) if sure is None else sure
    told = Explanations(
        rows=values.astype(np.float64),
        method="shap",
        model_id="model",
        sample_ids=ids,
        targets=Targets.of([Target(int(k)) for k in predicted]),
        segmentations=cuts or [cut] * n,
        maskers=["training rows"] * n,
        output=np.log(p / (1 - p)),
        empty=np.zeros(n),
        additive=True,
        unit="log-odds",
    )
    other: dict[str, Any] = {
        "inputs": (),
        "rationales": (None,) * n,
        "classes": ("no", "yes"),
        "of": n,
    }
    return Overview(
        ids=ids,
        predictions=np.where(np.arange(2) == predicted[:, None], p[:, None], 1 - p[:, None]),
        labels=tuple(int(k) for k in np.where(wrong, 1 - predicted, predicted)),
        explanations=told,
        modality=modality,
        task="classification",
        **{**other, **given},
    )


def table(
    rng: np.random.Generator, n: int = 500, columns: int = 12, rate: float = 0.1, planted: str = ""
) -> Overview:
    """Rows of numbers and two categories; errors at random, three times as frequent on a planted fifth.

    planted : "" for nothing, "high" and "middle" for a fifth of a column, "group" for a category
    """
    x = rng.normal(size=(n, columns))
    x[:, -1], x[:, -2] = rng.integers(5, size=n), rng.integers(2, size=n)
    group = rng.choice(5, size=n)
    rank = x[:, 0].argsort().argsort() / n
    held = {
        "high": rank >= 0.8, "middle": (rank >= 0.4) & (rank < 0.6), "group": group == 2
    }.get(planted, np.zeros(n, dtype=bool))  # fmt: skip
    wrong = rng.random(n) < np.where(held, 3 * rate, rate)
    facts: Mapping[str, np.ndarray] = {"distance": rng.random(n), "length": rng.normal(size=n)}
    return overview(
        rng.normal(size=(n, columns)),
        rng.integers(2, size=n),
        wrong,
        sure=rng.uniform(0.5, 1, size=n).clip(0.51, 0.999),
        inputs=tuple(x),
        columns=tuple(f"x{j}" for j in range(columns)),
        facts=facts,
        groups={"town": tuple("abcde"[g] for g in group)},
    )
