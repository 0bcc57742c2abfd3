"""Problems with a planted answer: does a method find what is known to decide?

Each case is a model in closed form, one sample, and the features that must come out. Nothing is
trained, so a method that misses the answer has no excuse. A case also plants a lure: something that
stands out in the input and that the model does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Inputs, Leaf
from xaikit.core.errors import InvalidInput
from xaikit.core.question import Cache, Masker, Question
from xaikit.core.types import (
    MODALITIES,
    Bools,
    Explanation,
    Floats,
    Sample,
    Segmentation,
    Space,
    Target,
)

__all__ = ["Formula", "TruthCase", "truth_cases", "watermark"]

Check = Callable[[Explanation], tuple[bool, str]]


@dataclass(eq=False)
class Formula:
    """A model that is a formula: (B, *x.shape) numbers to (B,) values.

    formula : works on NumPy arrays and, differentiably, on torch tensors
    lexicon : text only: the number that stands for each word; unknown words are 0
    """

    id: str
    modality: str
    formula: Callable[[Any], Any]
    lexicon: Mapping[str, float] = field(default_factory=dict)
    background: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    space: Space = "value"
    info: Mapping[str, Any] = field(default_factory=lambda: {"family": "formula"})

    def scores(self, xs: Inputs) -> Floats:
        """(B, 1) float64: the value of the formula."""
        values: Floats = np.asarray(self.formula(self._numbers(xs)), dtype=np.float64)[:, None]
        return values

    def leaf(self, xs: Inputs) -> Leaf:
        """The numbers themselves, in float64; one place of the grid is one number (or pixel)."""
        import torch

        def forward(at: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
            value: torch.Tensor = self.formula(at)
            return value[:, None]

        def fold(at: torch.Tensor, _: torch.Tensor) -> list[Floats]:
            maps = at.sum(dim=-1) if MODALITIES.get(self.modality).channels else at
            return list(maps.detach().cpu().numpy())

        return Leaf(torch.from_numpy(self._numbers(xs)), forward, fold)

    def _numbers(self, xs: Inputs) -> Floats:
        if self.lexicon:
            longest = max(len(x) for x in xs)  # words left out at the end count nothing
            rows = [[self.lexicon.get(str(w), 0.0) for w in x] for x in xs]
            return np.array([row + [0.0] * (longest - len(row)) for row in rows], dtype=np.float64)
        return np.asarray(xs, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TruthCase:
    """One problem and how to tell whether it was solved.

    answer : (n,) bool, the features that decide
    asks : the problem in a sentence
    check : explanation -> (found, what was seen, for people)
    """

    name: str
    asks: str
    question: Question
    answer: Bools
    check: Check


def truth_cases() -> tuple[TruthCase, ...]:
    """All problems, always the same."""
    return (
        _null_feature(),
        _needle(),
        _xor_pair(),
        _either(),
        _correlated_twin(),
        *(watermark(strength) for strength in (0.0, 0.5, 1.0)),
        _token(),
        _spike(),
    )


def watermark(strength: float) -> TruthCase:
    """A picture with an object and a mark, of which the model reads the mark by `strength` (0 to 1).

    Removing the mark costs exactly that share of the output and removing the object the rest, so each
    must get its share of all relevance, within 0.15: the mark none at 0 although it is there.
    """
    if not 0 <= strength <= 1:
        raise InvalidInput(f"the watermark's strength is {strength}; give 0 to 1.")
    x = np.full((12, 12, 1), 0.2)
    x[4:8, 4:8] = x[8:12, 8:12] = 0.6  # object in the middle, mark in the corner
    x[0:4, 8:12] = 1.0  # the lure: the brightest part, read by nothing

    def formula(z: Any) -> Any:
        seen, marked = z[:, 4:8, 4:8].mean((1, 2, 3)), z[:, 8:12, 8:12].mean((1, 2, 3))
        return (1 - strength) * seen + strength * marked

    patch = np.arange(12) // 4
    ids = 3 * patch[:, None] + patch[None, :]
    question = _ask(
        Formula("watermark", "image", formula), x, ids, "patches", "black", np.zeros_like(x)
    )
    due = (1 - strength) * _only(9, 4) + strength * _only(9, 8)
    name = f"watermark {strength:g}"
    asks = f"The model reads the mark by {strength:.0%} and the object by {1 - strength:.0%}."
    return TruthCase(name, asks, question, due > 0, _shares(due))


def _null_feature() -> TruthCase:
    """A column that the model never reads, with a value far from usual."""
    rows = np.random.default_rng(1).normal(size=(16, 6))
    x = np.array([1.2, -0.8, 0.5, 9.0, 1.0, 0.3])  # column 3 is the lure
    model = Formula("null", "table", lambda z: 2 * z[:, 0] + z[:, 1] * z[:, 2] + z[:, 4])
    question = _ask(model, x, np.arange(6), "columns", "rows", rows)
    lure, asks = _only(6, 3), "Column 3 is extreme and the model never reads it."
    read = _only(6, 0, 1, 2, 4)
    return TruthCase("null feature", asks, question, read, _ignored(lure, read))


def _needle() -> TruthCase:
    """One column of 100 decides."""
    rng = np.random.default_rng(2)
    x, rows = rng.normal(size=100), rng.normal(size=(8, 100))
    x[37], x[80] = 0.8, 6.0
    model = Formula("needle", "table", lambda z: 5 * z[:, 37])
    question = _ask(model, x, np.arange(100), "columns", "zeros", 0 * rows[0])
    asks = "One column of 100 decides, and another is extreme."
    return TruthCase("needle in a haystack", asks, question, _only(100, 37), _top(_only(100, 37)))


def _xor_pair() -> TruthCase:
    """Two bits decide together: alone, neither says anything."""
    x = np.array([1.0, -1.0, 1.0, 3.0, -1.0, 1.0])  # column 3 is the lure
    rows = np.array([[a, b, 1, 0, 0, 1] for a in (-1, 1) for b in (-1, 1)], dtype=float)
    model = Formula("xor", "table", lambda z: -z[:, 0] * z[:, 1])
    question = _ask(model, x, np.arange(6), "columns", "rows", rows)
    pair, asks = _only(6, 0, 1), "Columns 0 and 1 decide only together, by being different."
    return TruthCase("xor pair", asks, question, pair, _top(pair))


def _either() -> TruthCase:
    """Two columns of which one is enough: removing either alone changes nothing."""
    x, rows = np.array([1.0, 1.0, 0.5, 4.0]), np.zeros(4)
    model = Formula(
        "either", "table", lambda z: z[:, 0] + z[:, 1] - z[:, 0] * z[:, 1] + 0.1 * z[:, 2]
    )
    question = _ask(model, x, np.arange(4), "columns", "zeros", rows)
    pair, asks = _only(4, 0, 1), "Column 0 or column 1 decides, either is enough."
    return TruthCase("either of two", asks, question, pair, _top(pair))


def _correlated_twin() -> TruthCase:
    """Two columns hold the same number and the model reads the first."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(16, 5))
    rows[:, 1] = rows[:, 0]
    x = np.array([1.5, 1.5, 0.2, -0.4, 0.1])
    model = Formula("twin", "table", lambda z: 3 * z[:, 0] + 0.2 * z[:, 2])
    question = _ask(model, x, np.arange(5), "columns", "rows", rows)
    asks = "Columns 0 and 1 are always equal; the model reads 0 and never 1."
    read, twin = _only(5, 0), _only(5, 1)
    return TruthCase("correlated twin", asks, question, read, _ignored(twin, read))


def _token() -> TruthCase:
    """One word of twelve decides; the others add little, and the longest adds nothing."""
    words = "we loved the unbelievable place and want our refund for the room"
    lexicon = {"loved": 0.2, "want": -0.1, "place": 0.1, "refund": 4.0}
    model = Formula("token", "text", lambda z: z.sum(1), lexicon)
    x = np.array(words.split())
    blank = np.full_like(x, "_")
    question = _ask(model, x, np.arange(len(x)), "words", "mask word", blank)
    answer = x == "refund"
    asks = "The word 'refund' decides, and the longest word says nothing."
    return TruthCase("planted token", asks, question, answer, _top(answer))


def _spike() -> TruthCase:
    """A spike in the first channel decides; the larger one in the second is never read."""
    rng = np.random.default_rng(4)
    x = 0.1 * rng.standard_normal((48, 2))
    x[20, 0], x[32, 1] = 2.0, 6.0

    def formula(z: Any) -> Any:
        peak = (z[:, :, 0] ** 4).sum(1)  # a soft maximum that saturates
        return peak / (1 + peak)

    ids = 2 * (np.arange(48) // 6)[:, None] + np.arange(2)[None, :]  # windows of 6 x channels
    question = _ask(
        Formula("spike", "series", formula), x, ids, "windows", "zeros", np.zeros_like(x)
    )
    answer, asks = (
        _only(16, 2 * (20 // 6)),
        "A spike in channel 0 decides; channel 1 is never read.",
    )
    return TruthCase("planted spike", asks, question, answer, _top(answer))


def _ask(
    model: Formula,
    x: NDArray[Any],
    ids: NDArray[np.int64],
    source: str,
    masker: str,
    references: NDArray[Any],
) -> Question:
    references = references if references.ndim > x.ndim else references[None]
    names = tuple(f"{source[:-1]} {i}" for i in range(int(ids.max()) + 1))
    kind = MODALITIES.get(model.modality)
    if kind.words:
        names = tuple(str(w) for w in x)
    x, references = x.astype(kind.dtype), references.astype(kind.dtype)
    return Question(
        model=model,
        sample=Sample(f"truth-{model.id}", x, model.modality),
        segmentation=Segmentation(ids, names, source),
        masker=Masker(masker, references),
        target=Target(0, space="value"),
        cache=Cache(),
    )


def _only(n: int, *places: int) -> Bools:
    mask = np.zeros(n, dtype=bool)
    mask[list(places)] = True
    return mask


def _top(answer: Bools) -> Check:
    """The features that decide speak for the output, and more strongly than any other speaks."""

    def check(explanation: Explanation) -> tuple[bool, str]:
        values = explanation.values
        weakest, loudest = values[answer].min(), np.abs(values[~answer]).max()
        strongest = explanation.names[int(np.argmax(np.abs(values)))]
        if weakest > loudest:
            return True, f"strongest: {_listed(explanation, answer)}"
        return False, f"strongest: {strongest}; not {_listed(explanation, answer)}"

    return check


def _ignored(lure: Bools, read: Bools) -> Check:
    """What the model never reads gets at most 5 % of the largest value, or is within its error bar, and
    the largest is one that it reads."""

    def check(explanation: Explanation) -> tuple[bool, str]:
        size = np.abs(explanation.values)
        largest = float(size.max())
        if largest == 0:
            return False, "every feature gets 0"
        error = np.zeros(len(size)) if explanation.std is None else explanation.std
        inside = size[lure] <= np.maximum(0.05 * largest, 1.96 * error[lure])
        share = float(size[lure].max() / largest)
        found = bool(inside.all() and read[size.argmax()])
        return found, f"{_listed(explanation, lure)} gets {share:.0%} of the largest"

    return check


def _shares(due: Floats) -> Check:
    """Each feature's support is its causal share of all relevance, within 0.15; the last is the mark."""

    def check(explanation: Explanation) -> tuple[bool, str]:
        total = np.abs(explanation.values).sum()
        if total == 0:
            return False, "every feature gets 0"
        support = np.maximum(explanation.values, 0.0) / total
        found = bool(
            (np.abs(support - due)[due > 0] <= 0.15).all() and support[-1] <= due[-1] + 0.15
        )
        return found, f"the mark gets {support[-1]:.0%}, {due[-1]:.0%} is due"

    return check


def _listed(explanation: Explanation, which: Bools) -> str:
    return " and ".join(np.array(explanation.names)[which].tolist())
