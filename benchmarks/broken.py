"""Explainers that are broken on purpose, made of a sound one, for any model and kind of data.

Each asks the model wherever an honest mistake would, so that no single check catches them all: what is
shuffled, averaged or dealt out anew changes with the model and with the class.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.question import Cache, Question
from xaikit.core.questions import Questions
from xaikit.core.target import Target
from xaikit.core.types import Explanation, Floats
from xaikit.methods.base import METHODS, Card, Method, ask, make_method

AVERAGED = 16  # samples that a global mean is taken over


@dataclasses.dataclass
class Setting:
    """What the broken explainers of one problem know.

    base : the sound method that they are made of
    questions : of all samples; other : another model trained on the same data, explained by `theirs`
    """

    base: Method
    questions: Sequence[Question]
    other: Model
    theirs: Method
    kept: dict[Any, Any] = dataclasses.field(default_factory=dict)

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Made once; keys may hold models, which are kept alive."""
        known = tuple(id(part) if hasattr(part, "scores") else part for part in key)
        if known not in self.kept:
            self.kept[known] = (key, make())
        return self.kept[known][1]

    def partner(self, question: Question) -> Question:
        """The next sample's question."""
        ids = [q.sample.id for q in self.questions]
        return self.questions[(ids.index(question.sample.id) + 1) % len(ids)]

    def own_target(self, question: Question) -> Target:
        return next(q.target for q in self.questions if q.sample.id == question.sample.id)


HERE: list[Setting] = []


def base_values(questions: Sequence[Question]) -> list[Floats]:
    """The sound method's values, asked once a question."""
    unknown = [q for q in questions if q.cache.once(("base", q.target), list) == []]
    if unknown:
        for q, e in zip(unknown, ask(HERE[-1].base, unknown), strict=True):
            q.cache.once(("base", q.target), list).append(e.values)
    return [q.cache.once(("base", q.target), list)[0] for q in questions]


def about(question: Question, **changes: Any) -> Floats:
    """The sound method's values of a changed question."""
    (values,) = base_values([dataclasses.replace(question, cache=Cache(), **changes)])
    return values


@dataclasses.dataclass(frozen=True)
class Broken(Method):
    """Changes a sound method's values; `made` is overridden."""

    title: ClassVar[str]
    card: ClassVar[Card] = Card("broken", "a", "b", "c")

    def check(self, model: Model) -> None: ...

    def block(self, questions: Questions, rngs: Sequence[np.random.Generator]) -> list[Explanation]:
        return [
            q.answer(self, self.made(q, rng), additive=False, in_units=False)
            for q, rng in zip(questions, rngs, strict=True)
        ]

    def made(self, question: Question, rng: np.random.Generator) -> Floats:
        raise NotImplementedError


def base(question: Question) -> Floats:
    return base_values([question])[0]


def by_values(values: Floats) -> np.random.Generator:
    """Draws that hang on the values: the same at each run, others for another model or class."""
    return np.random.default_rng(zlib.crc32(np.round(values, 9).tobytes()))


class RandomMap(Broken):
    name, title = "broken_random", "random numbers, new at each run"

    def made(self, question, rng):
        return rng.normal(size=question.n_features)


class Edges(Broken):
    name, title = "broken_edges", "edges: the input's own contrast"
    draws = False

    def made(self, question, _):
        x = question.sample.x
        if x.dtype.kind == "U":
            return np.array([len(set(w)) for w in x], dtype=float)[: question.n_features]
        if question.sample.modality == "table":
            references = question.masker.references
            return question.segmentation.pool(np.abs(x - references.mean(axis=0)), "mean")
        grid = len(question.sample.grid)
        flat = x.reshape(*question.sample.grid, -1).astype(float)
        edges = sum(np.abs(np.gradient(flat, axis=a)) for a in range(grid) if flat.shape[a] > 1)
        return question.segmentation.pool(np.asarray(edges).mean(axis=-1), "mean")


class Constant(Broken):
    name, title = "broken_constant", "a constant"
    draws = False

    def made(self, question, _):
        return np.ones(question.n_features)


class OneVector(Broken):
    name, title = "broken_one_vector", "one random vector for every sample"
    draws = False

    def made(self, question, _):
        return np.random.default_rng(5).normal(size=question.n_features)


class FixedMean(Broken):
    name, title = "broken_fixed_mean", "the global mean for every sample, as numbers"
    draws = False

    def made(self, question, _):
        return mean_of(HERE[-1].questions[0].model, question, HERE[-1].own_target(question))


class GlobalMean(Broken):
    name, title = "broken_mean", "the global mean for every sample, of each model and class anew"
    draws = False

    def made(self, question, _):
        return mean_of(question.model, question, question.target)


def mean_of(model: Model, question: Question, target: Target) -> Floats:
    """Over the first samples, for one target; of texts as far as they reach."""

    def make() -> Floats:
        some = [
            dataclasses.replace(q, model=model, target=target, cache=Cache())
            for q in HERE[-1].questions[:AVERAGED]
        ]
        rows = base_values(some)
        longest = max(map(len, rows))
        return np.mean([np.pad(r, (0, longest - len(r))) for r in rows], axis=0)

    return np.resize(HERE[-1].once(("mean", model, target), make), question.n_features)


class OtherClass(Broken):
    name, title = "broken_class", "another class's map"
    draws = False

    def made(self, question, _):
        scores = question.model.scores([question.sample.x])[0]
        if len(scores) < 2:
            return -base(question)
        return about(
            question, target=dataclasses.replace(question.target, index=int(scores.argmin()))
        )


class Reversed(Broken):
    name, title = "broken_reversed", "the reversed order"
    draws = False

    def made(self, question, _):
        return -base(question)


class Shuffled(Broken):
    name, title = "broken_shuffled", "shuffled between samples"
    draws = False

    def made(self, question, _):
        other = HERE[-1].partner(question)
        own = question.target == HERE[-1].own_target(question)
        target = other.target if own else question.target
        values = HERE[-1].once(
            ("partner", question.model, other.sample.id, target),
            lambda: about(other, model=question.model, target=target),
        )
        return np.resize(values, question.n_features)


class RandomCopy(Broken):
    name, title = "broken_copy", "the map of a randomised copy"
    draws = False

    def made(self, question, _):
        model = question.model
        copy = HERE[-1].once(
            ("copy", model), lambda: model.randomised(model.layers(), np.random.default_rng(98))
        )
        return about(question, model=copy)


class OtherModel(Broken):
    name, title = "broken_other", "the map of another model of the same data"
    draws = False

    def made(self, question, _):
        setting = HERE[-1]

        def make() -> Floats:
            asked = dataclasses.replace(question, model=setting.other, cache=Cache())
            return ask(setting.theirs, [asked])[0].values

        return setting.once(("other", question.sample.id, question.target), make)


class InputOnly(Broken):
    name, title = "broken_input", "the input only"
    draws = False

    def made(self, question, rng):
        values = make_method("magnitude")(question, rng).values
        return values + 1e-6 * values.std() * np.arange(len(values))  # not the control itself


class RankNoise(Broken):
    name, title = "broken_ranks", "rank noise: its values dealt out in a random order"
    draws = False

    def made(self, question, _):
        values = base(question)
        return by_values(values).permutation(values)


class Noisy(Broken):
    """No broken one: it keeps about half, and must not be used beside what it was made of."""

    name, title = "noisy", "the sound map plus noise of its own size"
    draws = False

    def made(self, question, _):
        values = base(question)
        return values + values.std() * by_values(values).normal(size=len(values))


BROKEN = (
    RandomMap, Edges, Constant, OneVector, FixedMean, GlobalMean, OtherClass, Reversed, Shuffled,
    RandomCopy, OtherModel, InputOnly, RankNoise,
)  # fmt: skip


@contextmanager
def registered(setting: Setting) -> Iterator[None]:
    """Inside, the broken explainers are methods and know the problem."""
    before = dict(METHODS._entries)
    HERE.append(setting)
    try:
        METHODS._entries.update({kind.name: kind for kind in (*BROKEN, Noisy)})
        yield
    finally:
        METHODS._entries.clear()
        METHODS._entries.update(before)
        HERE.pop()
