"""What a method is, where methods are registered, and how they are asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from xaikit.abilities import Model
from xaikit.errors import NotApplicable, XaikitError
from xaikit.question import Question
from xaikit.registry import Registry
from xaikit.types import Explanation

__all__ = [
    "COALITIONS",
    "METHODS",
    "BatchMethod",
    "Card",
    "Method",
    "applicable",
    "ask",
    "know_ends",
    "make_method",
    "reason_against",
    "require",
]


COALITIONS = "coalitions"
"""The random stream of methods that can use each other's evaluations; see `Method`."""


@dataclass(frozen=True)
class Card:
    """What the report and the documentation say of a method.

    asks, misleads : one plain sentence each: what it does, and where it misleads
    control : a control explains nothing; every comparison carries it
    """

    title: str
    asks: str
    misleads: str
    paper: str
    control: bool = False


@runtime_checkable
class Method(Protocol):
    """A frozen dataclass of parameters; calling it explains one question.

    `check` raises `NotApplicable` with the reason and what applies instead; it looks at abilities
    of the model, never at its class name. Randomness comes from `rng` only, which is the method's
    own; methods with the same class attribute `stream` get the same one. A method that asks more
    than one model row may say how many: `asks(question)` gives the fewest and the most.
    """

    name: ClassVar[str]
    card: ClassVar[Card]

    def check(self, model: Model) -> None: ...

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation: ...


@runtime_checkable
class BatchMethod(Method, Protocol):
    """A method that explains many questions of one model in shared passes."""

    def many(
        self, questions: Sequence[Question], rngs: Sequence[np.random.Generator]
    ) -> list[Explanation]: ...


METHODS: Registry[type[Method]] = Registry("method")


def make_method(name: str, **params: Any) -> Method:
    """The registered method of that name with parameters; unknown ones are named."""
    kind = METHODS.get(name)
    try:
        return kind(**params)
    except TypeError as error:
        raise XaikitError(f"method '{name}': {error}; see `xaikit list methods`.") from error


def require(model: Model, ability: type, method: str, need: str, instead: str) -> None:
    """Refuse by name and reason unless the model has the ability."""
    if not isinstance(model, ability):
        raise NotApplicable(f"{method} needs {need} and '{model.id}' has none; try {instead}.")


def reason_against(method: Method, model: Model) -> str | None:
    """Why the method does not apply to the model, or None when it does."""
    try:
        method.check(model)
    except NotApplicable as refusal:
        return str(refusal)
    return None


def applicable(model: Model) -> dict[str, str | None]:
    """Every registered method -> None when it applies, otherwise the reason why not."""
    return {name: reason_against(METHODS.get(name)(), model) for name in METHODS}


def ask(method: Method, questions: Sequence[Question], *, seed: int = 0) -> list[Explanation]:
    """Ask questions of one model; the same seed gives the same numbers in any order and batch.

    Batch methods share passes over all questions; their wall time is shared out evenly.
    """
    if not questions:
        return []
    method.check(questions[0].model)
    know_ends(questions)
    if isinstance(method, BatchMethod):
        return _ask_together(method, questions, seed)
    return [_ask_one(method, question, seed) for question in questions]


def know_ends(questions: Sequence[Question]) -> None:
    """Find the outputs of all questions in shared passes, and their empty values, once."""
    fresh = [q for q in questions if "output" not in q.__dict__]
    size = min((q.batch_size or 64 for q in fresh), default=1)
    for start in range(0, len(fresh), size):
        part = fresh[start : start + size]
        scores = part[0].model.scores([q.sample.x for q in part])
        for question, row in zip(part, scores, strict=True):
            question.__dict__["output"] = float(question.target(row[None])[0])
    for question in questions:
        _ = question.empty


def _rng(method: Method, question: Question, seed: int) -> np.random.Generator:
    return question.rng(getattr(method, "stream", method.name), seed)


def _ask_one(method: Method, question: Question, seed: int) -> Explanation:
    with question.metered() as (mine, _):
        start = time.perf_counter()
        found = method(mine, _rng(method, mine, seed))
        return replace(found, cost=mine.cost(time.perf_counter() - start), seed=seed)


def _ask_together(
    method: BatchMethod, questions: Sequence[Question], seed: int
) -> list[Explanation]:
    mine = []
    for question in questions:
        with question.metered() as (fresh, _):
            mine.append(fresh)
    start = time.perf_counter()
    found = method.many(mine, [_rng(method, q, seed) for q in mine])
    seconds = (time.perf_counter() - start) / len(mine)
    return [replace(e, cost=q.cost(seconds), seed=seed) for e, q in zip(found, mine, strict=True)]
