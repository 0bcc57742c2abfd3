"""A model of which only the scores are known: any function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xaikit.core.display import Saved
from xaikit.core.errors import ModelError
from xaikit.core.types import Floats, Space
from xaikit.models.frames import Frames
from xaikit.models.outputs import Outputs, decoded
from xaikit.models.reading import reading_of
from xaikit.tasks import Task
from xaikit.tasks.arrays import plain

__all__ = ["FunctionModel", "arrayed", "wrong_shape"]

Array = NDArray[Any]


@dataclass(eq=False)
class FunctionModel(Saved):
    """A model of which only the scores are known.

    function : B inputs in data space -> (B, K) outputs
    single : the function is given one input at a time
    found : what the scores are read at (`Task.found`); None reads each input at its own
    frames : what turns the rows of a table into the frames that the function reads, or is told by
    """

    id: str
    modality: str
    classes: tuple[str, ...]
    space: Space
    function: Callable[..., Any]
    outputs: Outputs = "logits"
    background: Array | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    task: Task | None = None
    single: bool = False
    found: Any = None
    frames: Frames | None = None

    def about(self, x: Array, where: Any = None) -> FunctionModel:
        """The same model, its scores read at what it finds on x (see `Anchored`)."""
        if self.task is None or not (self.task.finds or where is not None):
            return self
        raw = self._given([x])
        found = self.task.found(raw, [x]) if where is None else self.task.placed(where, raw, [x])
        return replace(self, found=found)

    def answers(self, xs: Sequence[Array] | Array) -> Floats:
        """What the function gives for B inputs, as float64."""
        if self.single:
            return np.concatenate([self._asked(xs[i : i + 1]) for i in range(len(xs))])
        return self._asked(xs)

    def _asked(self, xs: Sequence[Array] | Array) -> Floats:
        found = self._given(xs)
        if self.task is not None and self.task.reads:
            found = self.task.scores(found, xs, self.found)
        try:
            answers = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"'{self.id}' gave a {type(found).__name__} that is no array of numbers ({error}); give "
                "(B, K) scores."
            ) from error
        if answers.ndim not in (1, 2) or len(answers) != len(xs):
            raise wrong_shape(self.id, answers.shape, len(xs), self.classes)
        return answers

    def _given(self, xs: Sequence[Array] | Array) -> Any:
        told = None if self.found is None or self.task is None else self.task.told(self.found)
        given = reading_of(self.modality).given(xs)
        found = self.function(given, *(() if told is None else (told,)))
        return arrayed(found, None if self.task is None else type(self.task))

    def scores(self, xs: Sequence[Array] | Array) -> Floats:
        """B inputs in data space -> (B, K) float64: logits, log-probabilities or values."""
        found = torch.from_numpy(self.answers(xs))
        return decoded(found, self.outputs, len(self.classes)).numpy()


def arrayed(found: Any, kind: type[Task] | None) -> Any:
    """What a function gives, cut off from derivatives; as an array where its task reads no lists."""
    if hasattr(found, "detach"):
        return plain(found)
    if kind is None or not kind.reads or kind.lists:
        return found
    try:
        return np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the function gave a {type(found).__name__} that is no array of numbers ({error}); give one, a row "
            "for each input."
        ) from error


def wrong_shape(id: str, shape: tuple[int, ...], n: int, expected: tuple[str, ...]) -> ModelError:
    """The refusal of scores that are not one row an input."""
    k = len(expected) or "K"
    what = f" of {len(expected)} class(es)" if expected else ""
    return ModelError(
        f"'{id}' gave scores of shape {shape} for {n} input(s){what}; give ({n}, {k}), one score a class, "
        "label or value."
    )
