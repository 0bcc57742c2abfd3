"""What a method is, where methods are registered, and how they are asked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, overload
from weakref import WeakValueDictionary

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.errors import CheckFailed, NotApplicable, XaikitError, foreign
from xaikit.core.explanations import Explanations
from xaikit.core.many import Same
from xaikit.core.question import Question
from xaikit.core.questions import Questions, apart
from xaikit.core.registry import Registry
from xaikit.core.types import Bools, Explanation
from xaikit.methods.packing import prefetch, share_empty

__all__ = [
    "BROUGHT",
    "COALITIONS",
    "METHODS",
    "Card",
    "Method",
    "Translation",
    "applicable",
    "ask",
    "compute_output_and_empty",
    "make_method",
    "reason_against",
    "require",
]


COALITIONS = "coalitions"
"""The random stream of methods that can use each other's evaluations; see `Method`."""


TOGETHER = 256  # questions that share passes, where a method answers one by one


@dataclass(frozen=True)
class Translation:
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
    korean: Translation | None = None


class Method:
    """A frozen dataclass of parameters that explains questions of one model.

    A method overrides `__call__`, which answers one question, or `block`, which answers many of one
    model in shared passes. Randomness comes from the generators only, one a question.

    What it declares of itself:
    in_auto : asked by "auto" where it applies
    draws : takes random numbers
    stream : name of its random stream; methods of one stream can use each other's evaluations
    evaluates_output_and_empty : its first masks are those that keep everything and nothing
    computes_outputs : its passes read the samples themselves, and it tells the questions their outputs
        (`Batch.set_outputs`)
    at_the_point : looks at the sample alone, not on the way from a reference to it
    splits_sums : gives every feature its own part exactly where features do not interact
    """

    name: ClassVar[str]
    card: ClassVar[Card]
    in_auto: ClassVar[bool] = False
    draws: ClassVar[bool] = True
    stream: ClassVar[str] = ""
    evaluates_output_and_empty: ClassVar[bool] = False
    computes_outputs: ClassVar[bool] = False
    at_the_point: ClassVar[bool] = False
    splits_sums: ClassVar[bool] = False

    def check(self, model: Model) -> None:
        """`NotApplicable` with the reason and what applies instead; by abilities, never by class."""

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Fewest and most model rows that it will ask for, for the forecast."""
        del question
        return 1, 1

    def masks(self, question: Question) -> Bools | None:
        """The masks that it will ask, where it knows them beforehand: then questions share passes."""
        del question
        return None

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        """The explanation of one question."""
        return self.block(Questions.of([question]), [rng])[0]

    def block(
        self, questions: Questions, rngs: Sequence[np.random.Generator]
    ) -> Explanations | Sequence[Explanation]:
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


BROUGHT: WeakValueDictionary[str, Method] = WeakValueDictionary()
"""Explainers of other packages that somebody asks, by the names that their answers bear."""


def make_method(name: str, **params: Any) -> Method:
    """The registered method of that name with parameters; unknown ones are named. Of an explainer that
    was brought the very same."""
    if name in BROUGHT:
        return BROUGHT[name]
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


def ask(method: Method, questions: Sequence[Question], *, seed: int = 0) -> Explanations:
    """Ask questions of one model; the same seed gives the same numbers in any order and block.

    Methods with a block of their own share passes over all questions; their wall time is shared out
    evenly. So do small requests of methods that foresee them.
    """
    if apart(questions):
        return Explanations.of([ask(method, [q], seed=seed)[0] for q in questions])
    asked = Questions.of(questions)
    method.check(asked.model)
    if not _evaluates_output_and_empty(method, asked):
        compute_output_and_empty(asked, outputs=not method.computes_outputs)
    mine = asked.metered()
    rngs: Sequence[Any] = _Streams(mine, method.stream or method.name, seed)
    if not method.draws:
        rngs = Same(_NO_DRAWS, len(mine))
    start = time.perf_counter()
    found, seconds = _answered(method, mine, rngs)
    shared = (time.perf_counter() - start - sum(seconds)) / len(mine)
    asked.take_output_and_empty(mine)
    block = found if isinstance(found, Explanations) else Explanations.of(found)
    return block.completed(
        costs=mine.costs([shared + own for own in seconds] or Same(shared, len(mine))),
        seed=seed,
        drawn=rngs.drawn() if isinstance(rngs, _Streams) else Same(False, len(mine)),
    )


def _answered(
    method: Method, questions: Questions, rngs: Sequence[Any]
) -> tuple[Explanations | Sequence[Explanation], list[float]]:
    """The explanations, and the seconds of each where they were answered one by one."""
    if method.shares_passes():
        return method.block(questions, rngs), []
    found, seconds = [], []
    for start in range(0, len(questions), TOGETHER):
        some = slice(start, start + TOGETHER)
        held = list(questions[some])  # each is made once, with what is known of it
        if len(held) > 1 and (foreseen := [method.masks(q) for q in held])[0] is not None:
            prefetch(held, foreseen)
        for question, rng in zip(held, rngs[some], strict=True):
            begun = time.perf_counter()
            found.append(method(question, rng))
            seconds.append(time.perf_counter() - begun)
    return found, seconds


class _Streams(Sequence[np.random.Generator]):
    """The generators of one method, one a question, and whether anything was drawn from them."""

    def __init__(self, questions: Questions, stream: str, seed: int) -> None:
        self.questions, self.stream, self.seed = questions, stream, seed
        self._made: dict[int, tuple[np.random.Generator, Any]] = {}

    def __len__(self) -> int:
        return len(self.questions)

    @overload
    def __getitem__(self, i: int) -> np.random.Generator: ...
    @overload
    def __getitem__(self, i: slice) -> list[np.random.Generator]: ...
    def __getitem__(self, i: int | slice) -> np.random.Generator | list[np.random.Generator]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        if i not in self._made:
            if not 0 <= i < len(self):
                raise IndexError(i)
            rng = self.questions.rng(i, self.stream, self.seed)
            self._made[i] = rng, rng.bit_generator.state
        return self._made[i][0]

    def drawn(self) -> list[bool]:
        """(B,) from which of them something was drawn."""
        unused = {i for i, (rng, state) in self._made.items() if rng.bit_generator.state == state}
        return [i in self._made and i not in unused for i in range(len(self))]


class _NoDraws:
    """Stands for the generator of a method that draws nothing."""

    def __getattr__(self, name: str) -> Any:
        raise XaikitError(
            f"a method with draws = False asked for random numbers ({name}); leave it out."
        )


_NO_DRAWS: Any = _NoDraws()


def _evaluates_output_and_empty(method: Method, questions: Questions) -> bool:
    """Whether the method asks for output and empty among its first masks, as exactly as alone."""
    if len(questions) > 1 or not method.evaluates_output_and_empty:
        return False
    (only,) = questions
    return only.cache is not None and only.n_references == 1 and only.precision == "float32"


def compute_output_and_empty(questions: Questions, *, outputs: bool = True) -> None:
    """Find the outputs of all questions in shared passes, and their empty values, once.

    outputs : False for a method whose own passes find them
    """
    if outputs:
        _compute_outputs(questions)
    unknown = np.flatnonzero(np.isnan(questions.empties))
    if len(unknown) == 0:
        return
    cut, masker, model = questions.segmentation, questions.masker, questions.model
    if questions.made is None and cut is not None and cut.ids.min() >= 0 and masker is not None:
        (scores,) = questions[0].scores(np.zeros((1, cut.n_features), dtype=bool))
        means = np.array([target(scores).mean() for target in questions.targets.distinct])
        if not np.isfinite(means).all():
            raise CheckFailed(
                f"model '{model.id}' gave {means[~np.isfinite(means)][0]} with every feature removed; "
                "the model must give finite scores on masked inputs."
            )
        questions.empties[:] = means[questions.targets.which]
        return
    some = [questions[i] for i in unknown.tolist()]
    if len(some) > 1:
        share_empty(some)
        rest = [q for q in some if "empty" not in q.__dict__]
        prefetch(rest, [np.zeros((1, q.n_features), dtype=bool) for q in rest])
    questions.empties[unknown] = [q.empty for q in some]


def _compute_outputs(questions: Questions) -> None:
    unknown = np.flatnonzero(np.isnan(questions.outputs))
    size = questions.settings["batch_size"] or 64
    if len(unknown) == len(questions):  # in one piece where nothing is known
        runs = [slice(i, i + size) for i in range(0, len(unknown), size)]
    else:
        runs = [slice(i, i + 1) for i in unknown.tolist()]
    for run in runs:
        part = questions[run]
        with foreign(f"model '{questions.model.id}' on {len(part)} sample(s)"):
            part.set_outputs(questions.model.scores(part.xs))
