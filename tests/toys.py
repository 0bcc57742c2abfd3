"""Models with answers that can be worked by hand, and questions about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Segmentation, Target


@dataclass(eq=False)
class FunctionModel:
    """A black box: `function` maps (B, *x.shape) float64 to scores (B, K)."""

    function: Callable[[np.ndarray], np.ndarray]
    modality: str = "table"
    classes: tuple[str, ...] = ()
    space: str = "value"
    id: str = "toy"
    background: np.ndarray | None = None
    info: dict[str, Any] = field(default_factory=dict)
    rows: int = 0  # rows passed so far

    def scores(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        self.rows += len(xs)
        batch = np.stack(xs) if self.modality != "text" else xs
        return np.asarray(self.function(batch), dtype=np.float64)


def linear(weights: Sequence[float], intercept: float = 0.0) -> FunctionModel:
    """score = w . x + b"""
    w = np.asarray(weights, dtype=np.float64)
    return FunctionModel(lambda x: (x @ w + intercept)[:, None])


def product() -> FunctionModel:
    """score = x0 * x1; with baseline 0 each gets half by symmetry."""
    return FunctionModel(lambda x: (x[:, 0] * x[:, 1])[:, None])


def ask_table(model: Any, x: Sequence[float], references: Any = None, **changes: Any) -> Question:
    """A question about one row, one feature a column, references of zeros unless given."""
    sample = Sample("s0", np.asarray(x, dtype=np.float64), "table")
    if references is None:
        references = np.zeros((1, len(sample.x)))
    target = changes.pop("target", Target(0, space="value"))
    return Question(
        model=model,
        sample=sample,
        segmentation=columns(len(sample.x)),
        masker=Masker("given rows", np.asarray(references, dtype=np.float64)),
        target=target,
        **changes,
    )


def columns(n: int) -> Segmentation:
    """One feature a column."""
    return Segmentation(np.arange(n), tuple(f"x{i}" for i in range(n)), "columns")
