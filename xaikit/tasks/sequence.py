"""Sequence to sequence: a text for a text, each of its tokens a number that can be explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.stats import wilson
from xaikit.core.types import Floats, Ints, Label, Sample, Space, Target
from xaikit.tasks.arrays import exp, joined, like, log, picked, plain, top
from xaikit.tasks.base import TASKS
from xaikit.tasks.regression import Regression

__all__ = ["END", "WHOLE", "SequenceToSequence", "Told", "numbers"]

END = "</s>"  # the token that ends an output
WHOLE = "whole output"
ANYWHERE = " anywhere"
MOST_STEPS = 60  # tokens of an output
LEAST = 1e-12  # a probability of 0 has no logarithm
NextToken = Callable[[Sequence[Any], Sequence[Sequence[str]]], Any]
NOTHING = -1  # in the place of a token, after the end


def numbers(steps: int, tokens: Sequence[str]) -> tuple[str, ...]:
    """What the numbers of outputs of up to so many tokens are called."""
    each = (f"{kind} {t + 1}" for kind in ("token", "rival", "said") for t in range(steps))
    return (WHOLE, *each, *(token + ANYWHERE for token in tokens))


@dataclass(frozen=True, eq=False)
class Told:
    """What was said of a whole sample, which the numbers of masked ones are read at.

    tokens : (n,) with the end
    rivals : (n,) what came second in the place of each
    """

    tokens: Ints
    rivals: Ints


@dataclass(frozen=True, eq=False)
class Steps:
    """A function that says one token more, asked for whole outputs.

    function : (B sources, B lists of the tokens said so far) -> (B, V) logits or log-probabilities of the
        next token, or probabilities where `plain` says so
    """

    function: NextToken
    tokens: tuple[str, ...]
    plain: bool = False

    def __call__(self, sources: Sequence[Any], said: Ints | None = None) -> Floats:
        """(B, n, V) logits: of each step told the tokens `said` (n,), or the likeliest so far."""
        if said is None:
            return self._own(sources)
        n = len(said)
        rows = [(source, said[:t].tolist()) for source in sources for t in range(n)]
        return self._next(rows).reshape(len(sources), n, -1)

    def _own(self, sources: Sequence[Any]) -> Floats:
        before: list[list[int]] = [[] for _ in sources]
        steps: list[Floats] = []
        while len(steps) < MOST_STEPS:
            going = [i for i, tokens in enumerate(before) if 0 not in tokens]
            if not going:
                break
            logits = np.zeros((len(sources), len(self.tokens)))
            logits[going] = self._next([(sources[i], before[i]) for i in going])
            for i in going:
                before[i].append(int(logits[i].argmax()))
            steps.append(logits)
        return np.stack(steps, axis=1)

    def _next(self, rows: Sequence[tuple[Any, Sequence[int]]]) -> Floats:
        sources = [source for source, _ in rows]
        found = self.function(sources, [[self.tokens[i] for i in tokens] for _, tokens in rows])
        logits: Floats = np.asarray(plain(found), dtype=np.float64)
        if logits.shape != (len(rows), len(self.tokens)):
            raise ModelError(
                f"the function gave shape {logits.shape} for {len(rows)} source(s) and what was said so far; give "
                f"({len(rows)}, {len(self.tokens)}), one number for each token that can be next."
            )
        return np.log(logits.clip(LEAST)) if self.plain else logits


@TASKS.register("sequence_to_sequence")
@dataclass(frozen=True)
class SequenceToSequence(Regression):
    """How sure a model is of the output that it gave for the whole sample.

    outputs : as `numbers` calls them. "token t" is the log-probability (nats) of token t after the ones
        before it (teacher forcing), "rival t" that of the token that came second there, "whole output"
        the sum over the tokens, the end among them. "x anywhere" is the log-probability of the token x at
        the place where it is largest. "said t" is which token was said, and no number to explain
    A net gives (B, n, V) logits, a function those of the next token (see `Steps`). A sample's label is the tuple of the true tokens, by number, with the
    end (0); a token that training does not know is -1.
    """

    name: ClassVar[str] = "sequence_to_sequence"
    noun: ClassVar[str] = "number"
    reads: ClassVar[bool] = True
    finds: ClassVar[bool] = True
    tells: ClassVar[bool] = True
    decides: ClassVar[bool] = True
    cuts: ClassVar[tuple[str, ...]] = ("words",)
    removals: ClassVar[tuple[str, ...]] = ("mask",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.tokens) < 2 or self.outputs != numbers(self.steps, self.tokens):
            raise InvalidInput(
                f"the numbers of a {self.name} are called {', '.join(self.outputs[:3])}, ...; call them as "
                "xaikit.tasks.sequence.numbers does."
            )
        if self.tokens[0] != END:
            raise InvalidInput(
                f"the first token is '{self.tokens[0]}'; begin the classes with '{END}', which ends an output."
            )

    def require_outputs(self, outputs: Sequence[str]) -> None:
        theirs = tuple(n.removesuffix(ANYWHERE) for n in outputs if n.endswith(ANYWHERE))
        if theirs != self.tokens:
            raise InvalidInput(
                f"the model says {len(self.tokens)} tokens and the data hold {len(theirs)}, or others, so their "
                "numbers mean something else; load the data with classes=model.task.tokens."
            )

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> SequenceToSequence:
        """names : the tokens that can be said, the end first; shape : (n, V)"""
        if len(shape) != 2 or shape[1] != len(names):
            raise InvalidInput(
                f"the model gives {shape} numbers and {len(names)} tokens are named; give one logit for "
                f"each of them, '{END}' first."
            )
        return cls(numbers(MOST_STEPS, names))

    @classmethod
    def asking(
        cls, function: Callable[[Any], Any], names: Sequence[str], kind: str | None
    ) -> Steps:
        """names : the tokens that can be said, the end first"""
        if END not in names[:1]:
            raise InvalidInput(
                f"the classes are {', '.join(names[:4]) or 'not named'}; name the tokens that can be said and "
                f"begin the classes with '{END}', which ends an output."
            )
        return Steps(cast(NextToken, function), tuple(names), kind == "probabilities")

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """All that can be said."""
        return tuple(n.removesuffix(ANYWHERE) for n in self.outputs if n.endswith(ANYWHERE))

    @property
    def given(self) -> tuple[str, ...]:
        return self.tokens

    @cached_property
    def steps(self) -> int:
        """The most tokens of an output."""
        return (len(self.outputs) - 1 - len(self.tokens)) // 3

    @property
    def width(self) -> int:
        return len(self.tokens)

    def found(self, raw: Any, given: Any) -> Told:
        """The likeliest tokens of one sample, up to the end."""
        del given
        tokens, rivals = (found[0] for found in self._best(plain(raw)))
        n = int((tokens != NOTHING).sum())
        return Told(tokens[:n], rivals[:n])

    def placed(self, where: Any, raw: Any, given: Any) -> Told:
        """An output that people name, in place of the one that was given: a text, or its tokens. Its rivals
        are what the model says itself."""
        del given
        tokens = np.array([*self.read(where), 0])
        if len(tokens) > self.steps:
            raise InvalidInput(
                f"at is {where!r:.60} of {len(tokens)} tokens with the end; at most {self.steps} can be read."
            )
        own, second = (np.resize(found[0], len(tokens)) for found in self._best(plain(raw)))
        rivals = np.where(own == tokens, second, own)
        return Told(tokens, np.where(rivals == NOTHING, 0, rivals))

    def told(self, found: Told) -> Ints:
        return found.tokens

    def read(self, text: Any) -> tuple[int, ...]:
        """The tokens of a text, by number: at each place the longest; `InvalidInput` where none fits."""
        places = {token: i for i, token in enumerate(self.tokens)}
        if not isinstance(text, (str, list, tuple, np.ndarray)):
            raise InvalidInput(
                f"at is {text!r:.60}; give an output, a text or the list of its tokens."
            )
        if not isinstance(text, str):
            parts = [str(token) for token in text]
        else:
            parts, rest, known = [], text, sorted(places, key=len, reverse=True)
            while rest := rest if " " in places else rest.lstrip():
                parts.append(next((token for token in known if rest.startswith(token)), rest[0]))
                rest = rest[len(parts[-1]) :]
        unknown = [token for token in parts if token not in places]
        if unknown:
            raise InvalidInput(
                f"'{unknown[0]}' is none of the {len(places)} tokens that can be said; use "
                f"{', '.join(self.tokens[1:9])}, ..."
            )
        return tuple(places[token] for token in parts)

    def text(self, tokens: Sequence[float]) -> str:
        """Tokens as people read them, without the end."""
        said = [self.tokens[int(i)] if i >= 0 else "?" for i in tokens if i != 0]
        return ("" if all(len(token) == 1 for token in self.tokens[1:]) else " ").join(said)

    def said(self, prediction: Floats) -> tuple[int, ...]:
        """The tokens that scores (K,) say, with the end."""
        said = prediction[self._part(2)]
        return tuple(int(i) for i in said if i != NOTHING)

    def step(self, index: int) -> int | None:
        """The place of the token that a number is about, from 0; None of other numbers."""
        return (index - 1) % self.steps if 0 < index <= 3 * self.steps else None

    def scores(self, raw: Any, given: Any, found: Told | None = None) -> Any:
        """(B, n, V) logits -> (B, K); without `found` of each input's own output."""
        del given
        raw = raw[:, : self.steps if found is None else len(found.tokens)]
        shifted = raw - top(raw, 2)[..., None]
        logs = shifted - log(exp(shifted).sum(-1))[..., None]
        if found is None:
            tokens, rivals = self._best(plain(raw))
        else:
            rows = (len(raw), 1)
            tokens, rivals = np.tile(found.tokens, rows), np.tile(found.rivals, rows)
        there = tokens != NOTHING
        kept = like(there.astype(np.float64), logs)
        each, second = (picked(logs, t.clip(min=0)) * kept for t in (tokens, rivals))
        hidden = like(np.where(there, 0.0, -np.inf), logs)
        anywhere = top(logs + hidden[..., None], 1)
        columns = [each.sum(1)[:, None]]
        for part, fill in ((each, 0.0), (second, 0.0), (like(tokens.astype(float), logs), NOTHING)):
            rest = np.full((len(raw), self.steps - tokens.shape[1]), float(fill))
            columns += [part, like(rest, logs)]
        return joined([*columns, anywhere], 1)

    def _best(self, raw: Any) -> tuple[Ints, Ints]:
        """(B, n, V) -> (B, n) the likeliest tokens and the second, `NOTHING` after the first end."""
        raw = raw[:, : self.steps]
        best = raw.argmax(axis=2)
        others = np.where(np.arange(raw.shape[2]) == best[..., None], -np.inf, raw)
        over = np.cumsum(best == 0, axis=1) - (best == 0) > 0
        second = others.argmax(axis=2)
        return np.where(over, NOTHING, best), np.where(over, NOTHING, second)

    def _part(self, i: int) -> slice:
        return slice(1 + i * self.steps, 1 + (i + 1) * self.steps)

    def named(self, choice: str | int, sample: Sample) -> int:
        if choice in self.outputs:
            return super().named(choice, sample)
        raise InvalidInput(
            f"target '{choice}' is no number of an output; use '{WHOLE}', 'token 1' to 'token {self.steps}', "
            f"'rival 1' (what came second there) or '{self.tokens[1]}{ANYWHERE}', and at= for another output."
        )

    def require(self, target: Target) -> None:
        super().require(target)
        for index in (target.index, target.against):
            if index is not None and self.outputs[index].startswith("said "):
                raise InvalidInput(
                    f"'{self.outputs[index]}' says which token was said and is no number to explain; use "
                    f"'{self.outputs[1 + (self.step(index) or 0)]}' or '{WHOLE}'."
                )

    def require_there(self, target: Target, scores: Floats) -> None:
        """`InvalidInput` for a token after the end of what was said, by scores (K,)."""
        n = len(self.said(scores))
        for index in (target.index, target.against):
            step = None if index is None else self.step(index)
            if step is not None and step >= n:
                raise InvalidInput(
                    f"'{self.outputs[index or 0]}' does not exist, as '{self.text(self.said(scores))}' has {n} "
                    f"tokens with the end; use 'token 1' to 'token {n}' or '{WHOLE}'."
                )

    def target(self, index: int, space: Space) -> Target:
        target = super().target(index, space)
        self.require(target)
        return target

    def describe(self, target: Target) -> str:
        words = f"log-probability of the {self._called(target.index)}"
        return (
            words
            if target.against is None
            else f"{words} less that of the {self._called(target.against)}"
        )

    def _called(self, index: int) -> str:
        name, step = self.outputs[index], self.step(index)
        return name if step is None or step == index - 1 else f"rival of token {step + 1}"

    def truth(self, label: Any) -> Floats:
        """No number has a true value; `InvalidInput` for what is no output."""
        whole = isinstance(label, tuple) and all(
            isinstance(i, int) and NOTHING <= i < len(self.tokens) for i in label
        )
        if not whole or not label or 0 in label[:-1] or label[-1] != 0:
            raise InvalidInput(
                f"the label {label!r:.60} is no output; give the tuple of its tokens by number, 0 (the end) "
                "last and only there."
            )
        return np.full(len(self.outputs), np.nan)

    def right(self, predictions: Floats, label: Label) -> bool:
        """Whether the output is the true one, token by token."""
        return self.said(predictions) == label

    def miss(self, predictions: Floats, label: Label) -> float:
        """The probability of a wrong output."""
        return 0.0 if self.right(predictions, label) else float(np.exp(predictions[0]))

    def gains(self, predictions: Floats, labels: Sequence[Label]) -> tuple[Floats, Label]:
        """(N,) 1 where the output is right."""
        rows = zip(predictions, labels, strict=True)
        return np.array([float(self.right(p, label)) for p, label in rows]), None

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """exact_output, the share of samples whose whole output is right, with its counts; right_tokens, the
        share of true tokens that are said in their place"""
        correct = int(self.gains(scores, labels)[0].sum())
        told: list[tuple[Any, ...]] = [label for label in labels if isinstance(label, tuple)]
        pairs = [
            (t < len(said) and said[t] == token)
            for said, label in zip(map(self.said, scores), told, strict=True)
            for t, token in enumerate(label)
        ]
        return {
            "exact_output": correct / len(labels),
            "n": len(labels),
            "correct": correct,
            "right_tokens": float(np.mean(pairs)),
        }

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        if "exact_output" not in measures:
            return None
        n = int(measures["n"])
        shown = {"metric": "exact_output", "value": measures["exact_output"], "n": n}
        return {**shown, "interval": list(wilson(int(measures["correct"]), n))}

    def saying(self, outputs: Sequence[Sequence[int]]) -> Floats:
        """Scores (N, K) of answers that know their output only."""
        rows = np.zeros((len(outputs), len(self.outputs)))
        rows[:, self._part(2)] = NOTHING
        for row, output in zip(rows, outputs, strict=True):
            said = list(output)[: self.steps]
            row[1 + 2 * self.steps :][: len(said)] = said
        return rows

    def texts(self, prediction: Floats, label: Label) -> tuple[str, str | None]:
        true = self.text(label) if isinstance(label, tuple) else None
        return self.text(self.said(prediction)), true

    def parts(self, found: Told) -> tuple[Target, ...]:
        """The tokens."""
        return tuple(Target(1 + t, space="value") for t in range(len(found.tokens)))

    def drawn(self, found: Told, index: int) -> dict[str, Any]:
        """The tokens that the numbers are read at, the rival of each, and which of them is explained."""
        at = self.step(index)
        return {
            "tokens": [self.tokens[i] for i in found.tokens],
            "rivals": [self.tokens[i] for i in found.rivals],
            "at": -1 if at is None else at,
        }
