"""What a method is, where methods are registered, and how they are asked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.errors import NotApplicable, XaikitError, foreign
from xaikit.core.question import Question
from xaikit.core.registry import Registry
from xaikit.core.types import Bools, Explanation
from xaikit.methods.packing import prefetch, share_empty

__all__ = [
    "COALITIONS",
    "METHODS",
    "Card",
    "Method",
    "Words",
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
class Words:
    """Title and sentences of a method in another language."""

    title: str
    asks: str
    misleads: str


@dataclass(frozen=True)
class Card:
    """What the report and the documentation say of a method.

    asks, misleads : one plain sentence each: what it does, and where it misleads
    control : a control explains nothing; every comparison carries it
    korean : the same words in Korean; without them the page shows the English ones
    """

    title: str
    asks: str
    misleads: str
    paper: str
    control: bool = False
    korean: Words | None = None


class Method:
    """A frozen dataclass of parameters that explains questions of one model.

    A method overrides `__call__`, which answers one question, or `block`, which answers many of one
    model in shared passes. Randomness comes from the generators only, one a question.

    What it declares of itself:
    in_auto : asked by "auto" where it applies
    draws : takes random numbers
    stream : name of its random stream; methods of one stream can use each other's evaluations
    finds_ends : its first masks are those that keep everything and nothing
    finds_outputs : its passes read the samples themselves, and it tells the questions their outputs
        (`Block.know_outputs`)
    at_the_point : looks at the sample alone, not on the way from a reference to it
    splits_sums : gives every feature its own part exactly where features do not interact
    """

    name: ClassVar[str]
    card: ClassVar[Card]
    in_auto: ClassVar[bool] = False
    draws: ClassVar[bool] = True
    stream: ClassVar[str] = ""
    finds_ends: ClassVar[bool] = False
    finds_outputs: ClassVar[bool] = False
    at_the_point: ClassVar[bool] = False
    splits_sums: ClassVar[bool] = False

    def check(self, model: Model) -> None:
        """`NotApplicable` with the reason and what applies instead; by abilities, never by class."""

    def asks(self, question: Question) -> tuple[int, int]:
        """Fewest and most model rows that it will ask for, for the forecast."""
        del question
        return 1, 1

    def masks(self, question: Question) -> Bools | None:
        """The masks that it will ask, where it knows them beforehand: then questions share passes."""
        del question
        return None

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        """The explanation of one question."""
        return self.block([question], [rng])[0]

    def block(
        self, questions: Sequence[Question], rngs: Sequence[np.random.Generator]
    ) -> list[Explanation]:
        """The explanations of questions of one model, in their order."""
        return [self(question, rng) for question, rng in zip(questions, rngs, strict=True)]

    @classmethod
    def facts(cls) -> dict[str, Any]:
        """What it declares, JSON-able: what a saved run knows of it."""
        words = cls.card.korean
        return {
            "title": cls.card.title,
            "asks": cls.card.asks,
            "misleads": cls.card.misleads,
            "paper": cls.card.paper,
            "control": cls.card.control,
            "ko": dataclasses.asdict(words) if words else {},
            "at_the_point": cls.at_the_point,
            "splits_sums": cls.splits_sums,
        }

    @classmethod
    def shares_passes(cls) -> bool:
        """Whether a block costs less than its questions one by one."""
        return cls.block is not Method.block


METHODS: Registry[type[Method]] = Registry("method", base=Method)


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

    Batch methods share passes over all questions; their wall time is shared out evenly. So do small
    requests of methods that foresee them.
    """
    if not questions:
        return []
    method.check(questions[0].model)
    if not _finds_ends(method, questions):
        know_ends(questions, outputs=not method.finds_outputs)
    mine = [question.metered() for question in questions]
    draws, stream = method.draws, method.stream or method.name
    rngs = [q.rng(stream, seed) if draws else _NO_DRAWS for q in mine]
    states = [rng.bit_generator.state if draws else None for rng in rngs]
    found, seconds, start = [], [0.0] * len(mine), time.perf_counter()
    if method.shares_passes():
        found = method.block(mine, rngs)
    elif len(mine) > 1 and (foreseen := [method.masks(q) for q in mine])[0] is not None:
        prefetch(mine, foreseen)
    shared = (time.perf_counter() - start) / len(mine)
    if not found:
        for i, (question, rng) in enumerate(zip(mine, rngs, strict=True)):
            start = time.perf_counter()
            found.append(method(question, rng))
            seconds[i] = time.perf_counter() - start
    for question, own in zip(questions, mine, strict=True):
        for end in own.__dict__.keys() & {"output", "empty"}:
            question.__dict__.setdefault(end, own.__dict__[end])
    drawn = [
        draws and rng.bit_generator.state != state for rng, state in zip(rngs, states, strict=True)
    ]
    return [
        _completed(e, cost=q.cost(shared + s), seed=seed, drawn=d)
        for e, q, s, d in zip(found, mine, seconds, drawn, strict=True)
    ]


class _NoDraws:
    """Stands for the generator of a method that draws nothing."""

    def __getattr__(self, name: str) -> Any:
        raise XaikitError(
            f"a method with draws = False asked for random numbers ({name}); leave it out."
        )


_NO_DRAWS: Any = _NoDraws()


def _finds_ends(method: Method, questions: Sequence[Question]) -> bool:
    """Whether the method asks for output and empty among its first masks, as exactly as alone."""
    (first, *more) = questions
    alone = not more and first.pool is not None and first.n_references == 1
    return alone and first.precision == "float32" and method.finds_ends


def _completed(explanation: Explanation, **known: Any) -> Explanation:
    """The explanation with its cost, seed and so on; everything else was checked when it was made."""
    found: Explanation = object.__new__(Explanation)  # `copy.copy` takes five times as long
    found.__dict__.update(explanation.__dict__, **known)
    return found


def know_ends(questions: Sequence[Question], *, outputs: bool = True) -> None:
    """Find the outputs of all questions in shared passes, and their empty values, once.

    outputs : False for a method whose own passes find them
    """
    fresh = [q for q in questions if outputs and "output" not in q.__dict__]
    size = min((q.batch_size or 64 for q in fresh), default=1)
    for start in range(0, len(fresh), size):
        part = fresh[start : start + size]
        with foreign(f"model '{part[0].model.id}' on {len(part)} sample(s)"):
            scores = part[0].model.scores([q.sample.x for q in part])
        for question, row in zip(part, scores, strict=True):
            question.know_output(row)
    unknown = [q for q in questions if "empty" not in q.__dict__]
    if len(unknown) > 1:
        share_empty(unknown)
        unknown = [q for q in unknown if "empty" not in q.__dict__]
        nothing = [np.zeros((1, q.n_features), dtype=bool) for q in unknown]
        prefetch(unknown, nothing)
    for question in unknown:
        _ = question.empty
