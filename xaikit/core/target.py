"""The one number that is explained: what is read from a model's scores, for one sample and for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput

__all__ = ["Space", "Target", "Targets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Space = Literal["logit", "prob", "value"]


@dataclass(frozen=True)
class Target:
    """The one scalar that is explained, taken from scores (B, K).

    index : class, or output of a regressor
    against : a contrast class; the target is then the difference of the two scores (log-odds of
        one against the other)
    space : "logit" = log-odds of the class, log p/(1-p), 0 is an even chance; "prob" = its
        probability; "value" = the raw score
    independent : the scores are logits of labels that may hold together: the log-odds of a label
        are its own logit. Otherwise they are those of classes of which one holds. It follows from
        the model's task, which puts it into the target of a question.

    >>> float(Target(1, space="prob")(np.log([[0.25, 0.75]]))[0])
    0.75
    """

    index: int
    against: int | None = None
    space: Space = "logit"
    independent: bool = False

    def __post_init__(self) -> None:
        if self.space not in get_args(Space):
            raise InvalidInput(f"target space '{self.space}' is unknown; use logit, prob or value.")
        if self.against == self.index:
            raise InvalidInput(
                f"a target cannot contrast class {self.index} with itself; pick two classes."
            )
        if self.against is not None and self.space == "prob":
            raise InvalidInput(
                "a contrast of two classes is a log-odds; use space='logit', not 'prob'."
            )
        if self.against is not None and self.space == "logit" and self.independent:
            raise InvalidInput(
                f"labels {self.index} and {self.against} may hold together, so one is no contrast to "
                "the other; ask about each label alone."
            )

    @property
    def unit(self) -> str:
        return {"logit": "log-odds", "prob": "probability", "value": "score"}[self.space]

    def difference(self, n_scores: int) -> tuple[int, int | None] | None:
        """The score that the target is, less another one or none; None when it is no difference."""
        if self.against is not None or self.space == "value":
            return self.index, self.against
        if self.space == "logit" and self.independent:
            return self.index, None
        if self.space == "logit" and n_scores == 2:
            return self.index, 1 - self.index
        return None

    def __call__(self, scores: Any) -> Any:
        """(B, K) -> (B,), for NumPy arrays and, differentiably, for torch tensors."""
        n_scores = scores.shape[1]
        for index in (self.index, self.against):
            if index is not None and not 0 <= index < n_scores:
                raise InvalidInput(
                    f"target {index} does not exist; the model gives {n_scores} score(s), from 0."
                )
        if self.against is not None:
            return scores[:, self.index] - scores[:, self.against]
        if self.space == "value":
            return scores[:, self.index]
        odds = self._odds(scores)
        if self.space == "logit":
            return odds
        # the same function of the log-odds in both worlds, exact at both ends
        return 0.5 * (1 + np.tanh(odds / 2)) if isinstance(scores, np.ndarray) else odds.sigmoid()

    def _odds(self, scores: Any) -> Any:
        """(B, K) -> (B,) log-odds."""
        n_scores = scores.shape[1]
        if self.independent:
            return scores[:, self.index]
        if n_scores < 2:
            raise InvalidInput(f"a model with one output has no {self.unit}; use space='value'.")
        if n_scores == 2:
            return scores[:, self.index] - scores[:, 1 - self.index]
        others = scores[:, [j for j in range(n_scores) if j != self.index]]
        numpy = isinstance(scores, np.ndarray)
        return scores[:, self.index] - (_logsumexp(others) if numpy else others.logsumexp(dim=1))

    def called(self, names: Sequence[str]) -> tuple[str, ...]:
        """What its output, and the one it is held against, are called; () where they have no names."""
        places = [i for i in (self.index, self.against) if i is not None]
        return tuple(names[i] for i in places) if max(places) < len(names) else ()

    def describe(self, names: tuple[str, ...]) -> str:
        """The target in words, for example "log-odds of 'cat'".

        names : of the model's outputs, or () for a model of one number
        """
        if not names:
            return "predicted value"
        words = f"{self.unit} of '{names[self.index]}'"
        if self.against is None:
            return words
        against = f"'{names[self.against]}'"
        return f"{words} {'less that of' if self.space == 'value' else 'against'} {against}"


@dataclass(frozen=True, eq=False)
class Targets(Sequence[Target]):
    """The targets of B questions, of which only a few differ.

    distinct : the different ones
    which : (B,) the place of each question's target among them
    """

    distinct: tuple[Target, ...]
    which: Ints

    @classmethod
    def of(cls, each: Sequence[Target]) -> Targets:
        """From one target for each question."""
        if isinstance(each, Targets):
            return each
        places = {target: i for i, target in enumerate(dict.fromkeys(each))}
        which = np.array([places[target] for target in each], dtype=np.int64)
        return cls(tuple(places), which)

    @classmethod
    def joined(cls, parts: Sequence[Targets]) -> Targets:
        """Those of several blocks of questions, one after the other."""
        distinct = tuple(dict.fromkeys(target for part in parts for target in part.distinct))
        places = {target: i for i, target in enumerate(distinct)}
        which = [np.array([places[t] for t in part.distinct])[part.which] for part in parts]
        return cls(distinct, np.concatenate(which))

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, int | np.integer):
            return self.distinct[self.which[i]]
        return Targets(self.distinct, self.which[i])

    def read(self, scores: Any, rows: Ints | None = None) -> Any:
        """(R, K) -> (R,): row r under the target of question rows[r], or of question r.

        For NumPy arrays and, differentiably, for torch tensors.
        """
        which = self.which if rows is None else self.which[rows]
        present = np.unique(which)
        if len(present) == 1:
            return self.distinct[present[0]](scores)
        numpy = isinstance(scores, np.ndarray)
        found = np.empty(len(scores)) if numpy else scores.new_zeros(len(scores))
        for place in present:
            members = np.flatnonzero(which == place)
            found[members] = self.distinct[place](scores[members])
        return found


def _logsumexp(scores: Floats) -> Floats:
    """(B, K) -> (B,); SciPy's costs more than a small model's pass."""
    top = scores.max(axis=1)
    with np.errstate(invalid="ignore"):  # all -inf, or NaN: the caller refuses what comes out
        total = np.exp(scores - top[:, None]).sum(axis=1)
    found: Floats = top + np.log(total)
    return np.where(np.isfinite(top), found, top)
