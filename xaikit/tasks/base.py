"""What the numbers of a model's output mean.

A model gives scores (B, K). Its task says what each of them is called, which are shown to people and
how, which one is explained unless another is named, and how good they are. A new kind of output
(forecasts, boxes, reconstructions, ...) is one more `Task`; methods, metrics and the report see
scores and a `Target` only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.registry import Registry
from xaikit.core.types import Bools, Floats, Ints, Label, Sample, Space, Target

__all__ = ["TASKS", "Task"]


@dataclass(frozen=True)
class Task(ABC):
    """The meaning of scores (B, K).

    outputs : K names
    name, noun : of the kind of task, and of one of its outputs
    tells : whether a model is told what it found (`told`), as one that says a text token by token
    reads : whether its scores are made of what the model gives, by `scores`
    finds : whether they are read at what it found on one sample, by `found`
    makes : whether they are measured of a picture that it makes of a sample
    again : whether a model gives its inputs again
    lists : whether a function gives a list for B inputs, in place of an array
    cuts, removals : how samples are cut and features removed where nobody says it: the first that the
        modality knows, the next removal as a second opinion; () as the modality has it
    n_rows : training inputs that a net keeps as its background
    """

    outputs: tuple[str, ...]
    name: ClassVar[str]
    noun: ClassVar[str]
    reads: ClassVar[bool] = False
    finds: ClassVar[bool] = False
    makes: ClassVar[bool] = False
    tells: ClassVar[bool] = False
    lists: ClassVar[bool] = False
    again: ClassVar[bool] = False
    cuts: ClassVar[tuple[str, ...]] = ()
    removals: ClassVar[tuple[str, ...]] = ()
    n_rows: ClassVar[int] = 100

    def __post_init__(self) -> None:
        names = tuple(str(name) for name in self.outputs)
        if not names or len(set(names)) < len(names):
            raise InvalidInput(
                f"the outputs are called {', '.join(names) or 'nothing'}; give each a name of its own."
            )
        object.__setattr__(self, "outputs", names)

    @property
    @abstractmethod
    def many(self) -> bool:
        """Whether the label of a sample is several at once: a set, or a tuple of numbers."""

    @property
    @abstractmethod
    def rivals(self) -> bool:
        """Whether the same question can be put about another output (see `runner_up`)."""

    @property
    @abstractmethod
    def words(self) -> str:
        """Which sentences of the page tell its predictions: "class", "labels", "value" or "values"."""

    @property
    def decides(self) -> bool:
        """Whether an answer is right or wrong; of others it is near or far."""
        return not self.words.startswith("value")

    @abstractmethod
    def predictions(self, scores: Floats) -> Floats:
        """(B, K) scores -> (B, K) what people are shown: probabilities, or values."""

    @abstractmethod
    def chosen(self, predictions: Floats) -> Bools:
        """(B, K) -> (B, K): the outputs that the model gives as its answer; several, one or none."""

    @abstractmethod
    def target(self, index: int, space: Space) -> Target:
        """The target that people mean by that output, measured where the model asks for it."""

    @abstractmethod
    def default(self, scores: Floats) -> Ints:
        """(B, K) -> (B,): which output is meant when people ask about the prediction."""

    @abstractmethod
    def runner_up(self, scores: Floats, target: Target) -> Target | None:
        """The same question about the rival of the asked output, from scores (K,); None without one."""

    @abstractmethod
    def require(self, target: Target) -> None:
        """`InvalidInput` when the target has no meaning for these scores."""

    @abstractmethod
    def truth(self, label: Any) -> Floats:
        """The label of a sample as one row (K,): 0 and 1, or numbers; `InvalidInput` if it is none."""

    @abstractmethod
    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """How good scores (N, K) are on labelled samples: JSON-able, with the count `n`."""

    @abstractmethod
    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        """The measure people are shown: metric, value, 95 % interval (or None) and n.

        A metric of your own is named by a `measure` of its name.
        """

    def gains(self, predictions: Floats, labels: Sequence[Label]) -> tuple[Floats, Label]:
        """(N,) how much better each answer is than the best one for all, and that answer: the most frequent
        label, or None where it is a number."""
        often, _ = Counter(labels).most_common(1)[0]
        rows = zip(predictions, labels, strict=True)
        return np.array([float(self.right(p, y)) - (y == often) for p, y in rows]), often

    @property
    def width(self) -> int:
        """Numbers that a net gives for one sample."""
        return len(self.outputs)

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> Task:
        """The task of a model that gives numbers of that shape (...) for one sample."""
        n = int(np.prod(shape))
        return cls(
            tuple(names) or (tuple(f"output {i}" for i in range(n)) if n > 1 else ("value",))
        )

    @classmethod
    def check(cls, raw: Any) -> None:
        """`InvalidInput` for an array (B, ...) that would be read as something else than it is."""
        del raw

    def found(self, raw: Any, given: Any) -> Any:
        """What it found on one whole sample: the boxes, the regions, the words that the scores of masked
        samples are read at. From what the model gives for it (1, ...), and its input (1, ...)."""
        del raw, given

    def scores(self, raw: Any, given: Any, found: Any = None) -> Any:
        """What the model gives for B inputs (B, ...) -> scores (B, K), differentiable where it is.

        given : (B, ...) the inputs, as the model reads them
        found : what was `found` on the sample that the inputs are made of; None reads each at its own
        """
        del given, found
        return raw

    def placed(self, where: Any, raw: Any, given: Any) -> Any:
        """Like `found`, where people say what the scores are read at: a box, a drawn region."""
        del raw, given
        raise InvalidInput(
            f"at is {where!r:.60} and the numbers of a {self.name} are read at nothing; leave at out."
        )

    @classmethod
    def asking(cls, function: Callable[[Any], Any], names: Sequence[str], kind: str | None) -> Any:
        """A function that people bring, as it is asked: with (inputs), or where the task `tells` with (inputs, told).

        names : of its classes; kind : what they said that it gives, "probabilities" for example
        """
        del names, kind
        return function

    @property
    def given(self) -> tuple[str, ...]:
        """The names that `of` makes it from."""
        return self.outputs

    def told(self, found: Any) -> Ints | None:
        """The tokens (n,) that a net is told it has said already, by what was found; None of other nets."""
        del found
        return None

    def texts(self, prediction: Floats, label: Label) -> tuple[str, str | None] | None:
        """What a prediction (K,) says and what is true, where an answer is a text."""
        del prediction, label
        return None

    def parts(self, found: Any) -> tuple[Target, ...]:
        """What an answer is made of, one after the other, each a number that the page explains too."""
        del found
        return ()

    def drawn(self, found: Any, index: int) -> dict[str, Any] | None:
        """What was found, and where that output is read, as the page draws it: JSON-able."""
        del found, index
        return None

    def measured(self, model: Any, samples: Sequence[Sample]) -> dict[str, Any]:
        """How good a model is on labelled samples: JSON-able, with the count `n`."""
        return self.measures(model.scores([s.x for s in samples]), [s.label for s in samples])

    def baseline(self, train: Sequence[Sample], test: Sequence[Sample]) -> dict[str, Any] | None:
        """What an answer that knows little is worth in the measure of `quality`: what it `says`, and its
        `value`; None where `quality` has one of its own."""
        del train, test
        return None

    def fitted(self, target: Target) -> Target:
        """A target that people made, told what the scores are; `InvalidInput` when it has no meaning."""
        self.require(target)
        return target

    def named(self, choice: str | int, sample: Sample) -> int:
        """The output that is meant by "label", by its name or by its number."""
        if choice == "label":
            return self._labelled(sample)
        if choice in self.outputs:
            return self.outputs.index(str(choice))
        if str(choice).isdigit() and int(choice) < len(self.outputs):
            return int(choice)
        raise InvalidInput(
            f"target '{choice}' is no {self.noun} of the model; use predicted, label or one of "
            f"{', '.join(self.outputs)}."
        )

    def require_there(self, target: Target, scores: Floats) -> None:
        """`InvalidInput` when the sample with scores (K,) has no such output."""
        del target, scores

    def require_outputs(self, outputs: Sequence[str]) -> None:
        """`InvalidInput` when the labels of data with those outputs mean something else here."""
        del outputs

    def describe(self, target: Target) -> str:
        """The target in words."""
        return target.describe(self.outputs)

    def right(self, predictions: Floats, label: Label) -> bool:
        """Whether predictions (K,) choose what the label says."""
        return bool(np.array_equal(self.chosen(predictions[None])[0], self.truth(label) > 0))

    def miss(self, predictions: Floats, label: Label) -> float:
        """How wrong predictions (K,) are: 0 where they are right, else the largest probability that lies
        in the wrong place (of a value: the largest absolute error)."""
        if self.right(predictions, label):
            return 0.0
        return float(np.abs(predictions - self.truth(label)).max())

    def _labelled(self, sample: Sample) -> int:
        """The output that the sample's label names."""
        if sample.label is None:
            raise InvalidInput(
                f"sample '{sample.id}' has no label; use target 'predicted' or name an output."
            )
        held = np.flatnonzero(self.truth(sample.label))
        if len(held) != 1:
            names = ", ".join(self.outputs[i] for i in held) or "none"
            raise InvalidInput(
                f"sample '{sample.id}' has {len(held)} labels ({names}), so target 'label' could mean "
                f"any; name one of {', '.join(self.outputs)}."
            )
        return int(held[0])

    def require_labels(self, samples: Sequence[Sample]) -> None:
        """`InvalidInput` that names a sample whose label means nothing here."""
        for sample in samples:
            try:
                _ = None if sample.label is None else self.truth(sample.label)
            except InvalidInput as error:
                raise InvalidInput(f"sample '{sample.id}': {error}") from error

    def require_index(self, target: Target) -> None:
        """`InvalidInput` for an output that does not exist."""
        for index in (target.index, target.against):
            if index is not None and not 0 <= index < len(self.outputs):
                raise InvalidInput(
                    f"target {index} does not exist; the model gives {len(self.outputs)} score(s), "
                    f"from 0: {', '.join(self.outputs)}."
                )


TASKS: Registry[type[Task]] = Registry("task", base=Task)
