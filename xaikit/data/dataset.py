"""A data set: samples of one modality in three splits, and what their columns and classes are called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.types import Sample

__all__ = ["Column", "Dataset"]


@dataclass(frozen=True)
class Column:
    """One column of a table, or one channel of a series.

    categories : what the codes 0, 1, ... stand for; () for a number
    """

    name: str
    categories: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples to train on, to choose with (val) and to measure with (test), in the order of their file.

    task : what its labels mean, a name of `xaikit.tasks.TASKS`
    classes : names of the labels 0 to K-1; () for regression
    outputs : what the numbers of the task are called, where no classes say it
    columns : of a table, or channels of a series; () otherwise
    source : where it comes from, in a sentence for people (composed data says so)
    language : BCP 47 tag of text, for example "en" or "ko"
    facts : anything JSON-able for the report
    real : the pictures that a generator learns to make; its own samples are codes drawn at random
    order : where each row of train, val and test, in this order, stands in its source; () where they stand so
    """

    name: str
    modality: str
    task: str
    classes: tuple[str, ...]
    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    columns: tuple[Column, ...] = ()
    source: str = ""
    language: str = "en"
    outputs: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    real: Dataset | None = None
    order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for split in ("train", "val", "test"):
            if not getattr(self, split):
                raise DataError(
                    f"data set '{self.name}' has no {split} samples; give it more rows."
                )
        if self.task in ("classification", "regression"):
            self._require_one_label()
        if self.task == "classification":
            seen = {s.label for s in self.train if s.label is not None}
            if len(seen) == 1:
                raise DataError(
                    f"data set '{self.name}' has one class in its training rows; two or more are needed."
                )

    def _require_one_label(self) -> None:
        for s in (*self.train, *self.val, *self.test):
            if isinstance(s.label, (frozenset, tuple)):
                raise DataError(
                    f"sample '{s.id}' of data set '{self.name}' has the {len(s.label)} labels "
                    f"{sorted(s.label)}; a data set to train on has one a sample, so give samples of "
                    "several to a study of a wrapped model."
                )

    def inputs(self, split: str) -> list[NDArray[Any]]:
        """The samples' x of a split, in order."""
        return [s.x for s in getattr(self, split)]

    def take(self, n: int, seed: int | None = None) -> tuple[Sample, ...]:
        """n test samples in the order of their file: the first, or with a seed any, drawn at random.

        All of them when there are fewer.
        """
        if seed is None or n >= len(self.test):
            return self.test[:n]
        drawn = np.random.default_rng(seed).choice(len(self.test), n, replace=False)
        return tuple(self.test[i] for i in np.sort(drawn))

    def labels(self, split: str) -> NDArray[Any]:
        """(N,) int64 class indices, or float64 numbers, (N, ...) where a sample has several; `DataError` where one has none."""
        bare = next((s.id for s in getattr(self, split) if s.label is None), None)
        if bare is not None:
            raise DataError(
                f"sample '{bare}' of data set '{self.name}' has no label; label it, or explain it only."
            )
        kind = np.int64 if self.classes else np.float64
        return np.array([s.label for s in getattr(self, split)], dtype=kind)

    @cached_property
    def class_weights(self) -> NDArray[np.float64]:
        """(K,) the weight of a training row by class with which every class counts the same:
        rows / (classes x rows of the class), 0 where there is none. `InvalidInput` for regression."""
        if self.task != "classification":
            raise InvalidInput(
                f"'{self.name}' is a {self.task} and has no classes to balance; leave balanced out."
            )
        counts = np.bincount(self.labels("train"), minlength=len(self.classes))
        share = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
        return np.asarray(np.where(counts > 0, share, 0.0))

    @cached_property
    def hash(self) -> str:
        """sha256 over every x and label: the same data give the same hash."""
        digest = hashlib.sha256(b"" if self.real is None else self.real.hash.encode())
        for split in ("train", "val", "test"):
            for s in getattr(self, split):
                digest.update(s.x.tobytes())
                label = s.label
                is_array = isinstance(label, np.ndarray)
                digest.update(label.tobytes() if is_array else repr(label).encode())
        return digest.hexdigest()
