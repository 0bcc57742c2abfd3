"""The English grammar of `reviews`.

*Stars* mark the words that decide: the opinion words of the deciding clauses, their negation, and
the contrast word. {verdict} and {also} share the review's opinion; {aside} has the opposite one
and does not decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["compose"]

PATTERNS = (
    *4 * ("{verdict}.",),
    *3 * ("{verdict} and {also}.",),
    *2 * ("{aside}, *but* {verdict}.",),
    "*although* {aside}, {verdict}.",
    "{verdict}, *although* {aside}.",
    "at first {aside}, *but* in the end {verdict}.",
)
NEGATED, FILLED, HEARSAY = 0.25, 0.5, 0.15  # shares of clauses, reviews and reviews

ASPECTS = (
    "acting", "plot", "music", "ending", "dialogue", "camera work", "editing", "story", "humour",
    "script", "pacing", "lighting", "direction", "lead role", "opening", "soundtrack", "cast",
    "production", "first half", "second half",
)  # fmt: skip
OPINIONS = (  # negative, positive
    (
        "dull", "boring", "clumsy", "weak", "awful", "predictable", "flat", "tedious", "messy",
        "disappointing", "shallow", "bad", "lifeless", "annoying", "poor", "terrible",
        "forgettable", "tiresome", "bland", "confusing",
    ),
    (
        "brilliant", "moving", "funny", "clever", "good", "gripping", "beautiful", "charming",
        "fresh", "impressive", "superb", "touching", "witty", "great", "lovely", "excellent",
        "memorable", "exciting", "elegant", "convincing",
    ),
)  # fmt: skip
NEGATIONS = ("*not*", "*not* really", "*not* at all", "*never*", "*hardly*", "by *no* means")
STRESS = ("", "", "really ", "very ", "quite ", "rather ", "truly ")
ASIDES = ("was", "seemed", "may have been", "looked")
PEOPLE = (
    "My brother had called it", "A friend told me it was", "The poster promised something",
    "Some critics find it", "My neighbour expected something", "The trailer made it look",
)  # fmt: skip
FILLERS = (
    "I watched it on a rainy Tuesday.", "We saw it with the whole family.",
    "It runs for about two hours.", "I had bought the tickets in advance.",
    "The cinema was half full.", "It is based on a novel.", "It was shown with subtitles.",
    "I saw it on the train.", "It was filmed in Spain.", "It came out last year.",
    "We sat in the third row.", "It opens in a small town.",
)  # fmt: skip


def compose(label: int, rng: np.random.Generator) -> str:
    """One review of that label (0 negative, 1 positive), its deciding words between stars."""
    first, second = rng.choice(ASPECTS, size=2, replace=False)
    pattern = _pick(rng, PATTERNS).format(
        verdict=_clause(label, first, rng),
        also=_clause(label, second, rng),
        aside=_aside(1 - label, second, rng),
    )
    parts = [_capital(pattern)]
    if rng.random() < FILLED:
        parts.insert(int(rng.integers(2)), _pick(rng, FILLERS))
    if rng.random() < HEARSAY:
        parts.insert(0, f"{_pick(rng, PEOPLE)} {_pick(rng, OPINIONS[rng.integers(2)])}.")
    return " ".join(parts)


def _clause(label: int, aspect: str, rng: np.random.Generator, verb: str = "was") -> str:
    """An opinion, said directly or by negating its opposite."""
    if rng.random() < NEGATED:
        opposite = _pick(rng, OPINIONS[1 - label])
        return f"the {aspect} was {_pick(rng, NEGATIONS)} *{opposite}*"
    return f"the {aspect} {verb} {_pick(rng, STRESS)}*{_pick(rng, OPINIONS[label])}*"


def _aside(label: int, aspect: str, rng: np.random.Generator) -> str:
    """A clause that does not decide: its stars are taken off."""
    return _clause(label, aspect, rng, _pick(rng, ASIDES)).replace("*", "")


def _capital(marked: str) -> str:
    """The sentence with a capital letter, which may stand behind a star."""
    first = 1 if marked[0] == "*" else 0
    return marked[:first] + marked[first].upper() + marked[first + 1 :]


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
