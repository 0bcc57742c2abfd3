"""What one method says of a whole test split: predictions, explanations and facts of every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Bools, Floats
from xaikit.tasks import TASKS, Task

__all__ = ["Overview"]


@dataclass(frozen=True, eq=False)
class Overview:
    """One method's explanations of N test samples, beside what was predicted and what is known of them.

    ids : N names, in the order of the split
    predictions : (N, K) probabilities of classes or of each label, or values of a regressor
    labels : N, None where unknown
    explanations : N, each of the predicted class (or value)
    inputs : N arrays x, or () where they would be too large; pictures of more than 64 px a side are
        shrunk by whole numbers of pixels
    rationales : N, the places (*grid) known to carry the answer, or None
    facts : name -> (N,), for example "brightness", "length", "distance"
    groups : column that names groups -> N words
    columns : names of a table's columns or a series' channels
    modality, task : by name; classes : names of classes, labels or several outputs, () for one value
    of : size of the whole split, of which N samples may be a draw
    """

    ids: tuple[str, ...]
    predictions: Floats
    labels: tuple[Any, ...]
    explanations: Explanations
    inputs: tuple[NDArray[Any], ...]
    rationales: tuple[Bools | None, ...]
    modality: str
    classes: tuple[str, ...]
    task: str
    of: int
    facts: Mapping[str, Floats] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.modality not in MODALITIES or self.task not in TASKS:
            raise InvalidInput(f"an overview is of {self.modality} samples and a {self.task}.")
        each: dict[str, Any] = {
            "predictions": self.predictions,
            "labels": self.labels,
            "explanations": self.explanations,
            "rationales": self.rationales,
            **({"inputs": self.inputs} if self.inputs else {}),
            **self.facts,
            **self.groups,
        }
        for name, held in each.items():
            if len(held) != n:
                raise InvalidInput(f"an overview holds {len(held)} {name} for {n} samples.")
        if n == 0 or self.of < n or self.predictions.ndim != 2:
            raise InvalidInput(
                f"an overview holds {n} of {self.of} samples; one or more are needed."
            )
        if tuple(self.explanations.sample_ids) != self.ids:
            raise InvalidInput("an overview's explanations are of other samples.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        k = self.predictions.shape[1]
        if self.classes and len(self.classes) != k:
            raise InvalidInput(f"an overview names {len(self.classes)} classes and predicts {k}.")
        if any(t.index >= k or (t.against or 0) >= k for t in self.explanations.targets.distinct):
            raise InvalidInput(f"an overview explains an output beyond the {k} that it predicts.")
        numbers = {"predictions": self.predictions, **self.facts}
        for name, values in numbers.items():
            if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
                raise InvalidInput(f"an overview's {name} are no finite numbers.")
        for i, inside in enumerate(self.rationales):
            if inside is not None and inside.shape != self.explanations.segmentations[i].ids.shape:
                raise InvalidInput(f"the rationale of '{self.ids[i]}' is not of its grid.")
        for sample, label in zip(self.ids, self.labels, strict=True):
            try:
                _ = None if label is None else self.meaning.truth(label)
            except InvalidInput as error:
                raise InvalidInput(f"sample '{sample}': {error}") from error

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def method(self) -> str:
        return self.explanations.method

    @cached_property
    def meaning(self) -> Task:
        """The task, which knows what the predictions mean."""
        names = self.classes or tuple(map(str, range(self.predictions.shape[1])))
        return TASKS.get(self.task)(names)

    @cached_property
    def wrong(self) -> Bools:
        """(N,) whether a sample is classified and not as its label says."""
        rows = zip(self.predictions, self.labels, strict=True)
        return np.array([y is not None and not self.meaning.right(p, y) for p, y in rows])

    @cached_property
    def misses(self) -> Floats:
        """(N,) how wrong each answer is, see `Task.miss`; 0 where nobody knows."""
        rows = zip(self.predictions, self.labels, strict=True)
        return np.array([0.0 if y is None else self.meaning.miss(p, y) for p, y in rows])
