"""The nodes of tree ensembles as plain arrays, and what their estimators read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Floats, Ints

__all__ = ["Nodes", "dense", "of_output", "single"]

Array = NDArray[Any]


@dataclass(eq=False)
class Nodes:
    """One tree after another; the arrays are those of `TreeSum`, with nodes numbered by tree."""

    left: list[Array] = field(default_factory=list)
    right: list[Array] = field(default_factory=list)
    column: list[Array] = field(default_factory=list)
    threshold: list[Array] = field(default_factory=list)
    missing_left: list[Array] = field(default_factory=list)
    codes: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)  # (nodes, outputs)
    code_left: list[NDArray[np.int8]] = field(default_factory=list)
    cast: Callable[[Any], Array] = lambda x: dense(x)
    owners: Ints | None = None  # where the estimator rearranges what it reads
    single: bool = False  # whether the estimator adds up in float32

    def add(
        self,
        left: Array,
        right: Array,
        column: Array,
        threshold: Array,
        missing_left: Array,
        values: Array,
        codes: Array | None = None,
    ) -> None:
        start = sum(map(len, self.left))
        leaf = np.asarray(left) < 0
        self.left.append(np.where(leaf, -1, np.asarray(left, np.int64) + start))
        self.right.append(np.where(leaf, -1, np.asarray(right, np.int64) + start))
        self.column.append(np.where(leaf, 0, column).astype(np.int64))
        self.threshold.append(np.asarray(threshold, np.float64))
        self.missing_left.append(np.asarray(missing_left, bool))
        self.values.append(np.where(leaf[:, None], values, 0.0))
        self.codes.append(np.full(len(leaf), -1) if codes is None else np.asarray(codes))

    def arrays(self) -> dict[str, Any]:
        """The fields of a `TreeSum`."""
        sizes = [len(left) for left in self.left]
        joined: dict[str, Any] = {
            name: np.concatenate(getattr(self, name))
            for name in ("left", "right", "column", "threshold", "missing_left", "codes", "values")
        }
        width = max(map(len, self.code_left), default=0)
        table = np.zeros((len(self.code_left), width), dtype=np.int8)
        for row, own in zip(table, self.code_left, strict=True):
            row[:] = own[-1]
            row[: len(own)] = own
        rounding = len(sizes) * 2.0**-24 if self.single else 0.0
        roots = np.cumsum([0, *sizes[:-1]])
        return {**joined, "roots": roots, "code_left": table, "rounding": rounding}


def dense(x: Any, categories: Sequence[Sequence[Any]] = ()) -> Floats:
    """What an estimator reads, (B, F) sparse or a frame, as float64.

    categories : of each categorical column of a frame the values behind the codes; its own where none
        are given
    """
    if hasattr(x, "iloc"):
        coded = [name for name, dtype in x.dtypes.items() if dtype == "category"]
        each: list[Any] = list(categories) or [None] * len(coded)
        for name, known in zip(coded, each, strict=True):
            own = x[name] if known is None else x[name].cat.set_categories(known)
            x = x.assign(**{name: own.cat.codes.where(own.notna(), np.nan)})
        return np.asarray(x.to_numpy(dtype=np.float64, na_value=np.nan))
    full = x.toarray() if hasattr(x, "toarray") else x
    return np.asarray(full, dtype=np.float64)


def single(x: Any) -> Array:
    return dense(x).astype(np.float32).astype(np.float64)


def of_output(output: int, n: int, values: Array) -> Floats:
    """(nodes, n) values of one output among n."""
    spread = np.zeros((len(values), n))
    spread[:, output] = values
    return spread
