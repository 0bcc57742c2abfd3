"""What a model's decision is, and when it has turned: a class, a label, or a value in a range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.finding import Finding
from xaikit.core.types import Bools, Floats
from xaikit.tasks import Task

__all__ = ["Decision", "Wanted", "decision_of"]

Wanted = str | int | float | tuple[float | None, float | None] | None
"""A class by name or index; a number to cross; the ends of a range, None for an open one."""


class Decision(Protocol):
    """When predictions (m, K) are another answer than the one for the sample."""

    def margin(self, predictions: Floats) -> Floats:
        """(m,) how near they are to turning; more is nearer."""
        ...

    def turned(self, predictions: Floats) -> Bools:
        """(m,) whether they are the wanted answer."""
        ...

    def says(self, prediction: Floats) -> Finding:
        """What one prediction (K,) says, in words."""
        ...


def decision_of(
    task: Task, before: Floats, wanted: Wanted = None, output: str | int | None = None
) -> Decision:
    """The decision that is to turn.

    before : (K,) prediction for the sample
    wanted : another class, of classes (None: any other); a number that the value is to cross or the
        ends of a range that it is to reach, of values
    output : which label is to flip, or which of several values is meant
    `InvalidInput` where that is not said, or where the answer is the wanted one already.
    """
    if task.words.startswith("value"):
        return _range(before, wanted, _output(task, output))
    if task.many:
        if wanted is not None:
            raise InvalidInput(
                f"wanted is {wanted!r} and a label holds or not; say output='...', the label to flip."
            )
        at = _output(task, output)
        return _Label(task, at, bool(task.chosen(before[None])[0, at]))
    if output is not None:
        raise InvalidInput(
            f"output is {output!r} and one of the classes holds; say wanted='...', the class to reach."
        )
    return _class(task, before, wanted)


@dataclass(frozen=True)
class _Class:
    """Another class, or the wanted one."""

    task: Task
    was: Bools  # (K,)
    wanted: int | None

    def margin(self, predictions: Floats) -> Floats:
        goal = ~self.was if self.wanted is None else np.arange(len(self.was)) == self.wanted
        rest = np.where(goal, -np.inf, predictions).max(axis=1)
        return np.asarray(np.where(goal, predictions, -np.inf).max(axis=1) - rest)

    def turned(self, predictions: Floats) -> Bools:
        chosen = self.task.chosen(predictions)
        if self.wanted is None:
            return np.asarray((chosen != self.was).any(axis=1))
        return np.asarray(chosen[:, self.wanted])

    def says(self, prediction: Floats) -> Finding:
        at = int(np.argmax(self.task.chosen(prediction[None])[0]))
        return Finding(
            "flip.class", {"name": self.task.outputs[at], "share": float(prediction[at])}
        )


@dataclass(frozen=True)
class _Label:
    """One label that holds or not, whatever the others do."""

    task: Task
    at: int
    held: bool

    def margin(self, predictions: Floats) -> Floats:
        found = predictions[:, self.at]
        return np.asarray(-found if self.held else found)

    def turned(self, predictions: Floats) -> Bools:
        return np.asarray(self.task.chosen(predictions)[:, self.at] != self.held)

    def says(self, prediction: Floats) -> Finding:
        holds = bool(self.task.chosen(prediction[None])[0, self.at])
        told = {"name": self.task.outputs[self.at], "share": float(prediction[self.at])}
        return Finding("flip.label" if holds else "flip.no_label", told)


@dataclass(frozen=True)
class _Range:
    """A value from low to high."""

    at: int
    low: float
    high: float

    def margin(self, predictions: Floats) -> Floats:
        found = predictions[:, self.at]
        return np.asarray(np.minimum(found - self.low, self.high - found))

    def turned(self, predictions: Floats) -> Bools:
        return self.margin(predictions) >= 0

    def says(self, prediction: Floats) -> Finding:
        return Finding("flip.value", {"value": float(prediction[self.at])})


def _class(task: Task, before: Floats, wanted: Wanted) -> _Class:
    was = task.chosen(before[None])[0]
    if wanted is None:
        return _Class(task, was, None)
    at = _named(task, wanted)
    if was[at]:
        raise InvalidInput(
            f"the model says '{task.outputs[at]}' already; want another of {', '.join(task.outputs)}."
        )
    return _Class(task, was, at)


def _range(before: Floats, wanted: Wanted, at: int) -> _Range:
    value = float(before[at])
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool) and wanted != value:
        wanted = (float(wanted), None) if value < wanted else (None, float(wanted))
    if not isinstance(wanted, tuple) or len(wanted) != 2 or wanted == (None, None):
        raise InvalidInput(
            f"wanted is {wanted!r} and the model predicts the value {value:.6g}, which is no decision by "
            "itself; give a number that it is to cross, or a range such as wanted=(10, 20)."
        )
    low, high = (
        -np.inf if wanted[0] is None else wanted[0],
        np.inf if wanted[1] is None else wanted[1],
    )
    if not low <= high:
        raise InvalidInput(f"wanted is {wanted}; its first end must be the lower one.")
    if low <= value <= high:
        raise InvalidInput(
            f"the model predicts {value:.6g}, which lies in the wanted range {wanted} already; want another."
        )
    return _Range(at, float(low), float(high))


def _output(task: Task, output: str | int | None) -> int:
    if output is None and task.many:
        raise InvalidInput(
            f"the model gives several {task.noun}s ({', '.join(task.outputs)}); say which one is to "
            f"turn, for example output='{task.outputs[0]}'."
        )
    return 0 if output is None else _named(task, output)


def _named(task: Task, given: object) -> int:
    name = f"{given:g}" if isinstance(given, (int, float)) else str(given)
    if name in task.outputs:
        return task.outputs.index(name)
    if name.isdigit() and int(name) < len(task.outputs):
        return int(name)
    raise InvalidInput(
        f"'{name}' is no {task.noun} of the model; use one of {', '.join(task.outputs)}."
    )
