"""`reviews`: film reviews composed from a grammar, so that the words that decide are known.

A review holds one verdict. Around it stand what would fool a bag of words: negation ("not really
dull"), a conceded opposite ("although ...", "..., but", "-지만"), what others said, and filler.
In the patterns below *stars* mark the words that decide: the opinion words of the deciding
clause, their negation, and the contrast word where it is a word of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xaikit.data.dataset import Dataset
from xaikit.data.review_words import (
    EN_ASPECTS,
    EN_FILLERS,
    EN_NEGATIONS,
    EN_OPINIONS,
    EN_PEOPLE,
    EN_STRESS,
    KO_ASPECTS,
    KO_ENDINGS,
    KO_FILLERS,
    KO_NEGATIONS,
    KO_OPINIONS,
    KO_PEOPLE,
    KO_STRESS,
)
from xaikit.data.rows import Options, Rows, assemble
from xaikit.modality.text import mark, words

__all__ = ["make_reviews"]

N = 2500  # in each language
CLASSES = ("negative", "positive")
NEGATED = 0.4  # share of clauses that say it by negation

Grammar = Callable[[int, np.random.Generator], str]
Pattern = Callable[[int, str, str, np.random.Generator], str]  # label, two aspects, rng


def make_reviews(languages: Sequence[str], name: str, seed: int) -> Dataset:
    """Reviews that all differ, half of them positive, in one or both languages."""
    ids, texts, labels, spans, tags = [], [], [], [], []
    for language in languages:
        rng = np.random.default_rng([seed, 3, language == "ko"])
        seen: set[str] = set()
        while len(seen) < N:
            label = len(seen) % 2
            text, marked = _unmark(GRAMMARS[language](label, rng))
            if text in seen:
                continue
            seen.add(text)
            ids.append(f"{language}-{len(seen)}")
            texts.append(text)
            labels.append(label)
            spans.append(marked)
            tags.append(language)
    cut = [words(text) for text in texts]
    metas = [
        {"text": text, "spaces": spaces, "language": tag, "rationale": "words that decide"}
        for text, (_, spaces), tag in zip(texts, cut, tags, strict=True)
    ]
    rows = Rows(
        modality="text",
        ids=ids,
        xs=[np.array(found) for found, _ in cut],
        labels=np.array(labels),
        parts=[""] * len(texts),
        rationales=[mark(t, s) for t, s in zip(texts, spans, strict=True)],
        metas=metas,
        facts={"languages": {tag: tags.count(tag) for tag in languages}},
    )
    return assemble(
        rows,
        Options(classes=CLASSES, seed=seed),
        name=name,
        source="Composed by a grammar with negation, contrast and filler; nobody wrote these reviews.",
        language=languages[0] if len(languages) == 1 else "mul",
    )


def _unmark(pattern: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its *stars*, and the spans of characters that stood between them."""
    text, spans = "", []
    for i, piece in enumerate(pattern.split("*")):
        if i % 2:
            spans.append((len(text), len(text) + len(piece)))
        text += piece
    return text, spans


def _pick(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _two(rng: np.random.Generator, choices: Sequence[str]) -> tuple[str, str]:
    i, j = rng.choice(len(choices), size=2, replace=False)
    return choices[i], choices[j]


# English


def _english(label: int, rng: np.random.Generator) -> str:
    parts = [_capital(_pick(rng, EN_PATTERNS)(label, *_two(rng, EN_ASPECTS), rng))]
    if rng.random() < 0.5:
        parts.insert(int(rng.integers(2)), _pick(rng, EN_FILLERS))
    if rng.random() < 0.4:
        opinion = _pick(rng, EN_OPINIONS[int(rng.integers(2))])
        parts.insert(0, f"{_pick(rng, EN_PEOPLE)} {opinion}.")
    return " ".join(parts)


def _capital(marked: str) -> str:
    first = 1 if marked[0] == "*" else 0
    return marked[:first] + marked[first].upper() + marked[first + 1 :]


def _en_clause(label: int, aspect: str, rng: np.random.Generator) -> str:
    subject = f"the {aspect} was"
    if rng.random() < NEGATED:
        return f"{subject} {_pick(rng, EN_NEGATIONS)} *{_pick(rng, EN_OPINIONS[1 - label])}*"
    stress = _pick(rng, EN_STRESS)
    return f"{subject} {stress}*{_pick(rng, EN_OPINIONS[label])}*"


def _en_aside(label: int, aspect: str, rng: np.random.Generator) -> str:
    """A clause of the other opinion, which does not decide."""
    return _en_clause(1 - label, aspect, rng).replace("*", "")


EN_PATTERNS: tuple[Pattern, ...] = (
    lambda y, a, b, rng: f"{_en_clause(y, a, rng)}.",
    lambda y, a, b, rng: f"{_en_clause(y, a, rng)} and {_en_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"{_en_aside(y, a, rng)}, *but* {_en_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"*although* {_en_aside(y, a, rng)}, {_en_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"{_en_clause(y, a, rng)}, *although* {_en_aside(y, b, rng)}.",
    lambda y, a, b, rng: (
        f"at first {_en_aside(y, a, rng)}, *but* in the end {_en_clause(y, b, rng)}."
    ),
)


# Korean


def _korean(label: int, rng: np.random.Generator) -> str:
    ending = _pick(rng, KO_ENDINGS)
    parts = [_pick(rng, KO_PATTERNS)(label, *_two(rng, KO_ASPECTS), rng).replace("@", ending)]
    if rng.random() < 0.5:
        parts.insert(int(rng.integers(2)), f"{_pick(rng, KO_FILLERS)}{ending}.")
    if rng.random() < 0.4:
        _, past = _pick(rng, KO_OPINIONS[int(rng.integers(2))])
        parts.insert(0, f"{_pick(rng, KO_PEOPLE)} {past}다고 했{ending}.")
    return " ".join(parts)


def _ko_predicate(label: int, rng: np.random.Generator, tail: str) -> str:
    """Opinion in the past tense with its tail (@ = the style's ending)."""
    if rng.random() < NEGATED:
        stem, _ = _pick(rng, KO_OPINIONS[1 - label])
        return f"{_pick(rng, KO_NEGATIONS)}*{stem}지* *않았{tail}*"
    return f"{_pick(rng, KO_STRESS)}*{_pick(rng, KO_OPINIONS[label])[1]}{tail}*"


def _ko_clause(label: int, aspect: str, rng: np.random.Generator, tail: str = "@") -> str:
    return f"{aspect}{_particle(aspect, '이', '가')} {_ko_predicate(label, rng, tail)}"


def _ko_aside(label: int, aspect: str, rng: np.random.Generator, tail: str) -> str:
    """A clause of the other opinion, which does not decide."""
    clause = f"{aspect}{_particle(aspect, '은', '는')} {_ko_predicate(1 - label, rng, tail)}"
    return clause.replace("*", "")


def _ko_concession(label: int, aspect: str, rng: np.random.Generator) -> str:
    stem, _ = _pick(rng, KO_OPINIONS[1 - label])
    return f"*물론* {aspect}{_particle(aspect, '은', '는')} {stem}기는 했@"


def _particle(word: str, after_consonant: str, after_vowel: str) -> str:
    """The form of a Korean particle: a syllable has a final consonant or ends in its vowel."""
    return after_consonant if (ord(word[-1]) - ord("가")) % 28 else after_vowel


KO_PATTERNS: tuple[Pattern, ...] = (
    lambda y, a, b, rng: f"{_ko_clause(y, a, rng)}.",
    lambda y, a, b, rng: f"{_ko_clause(y, a, rng, '고')} {_ko_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"{_ko_aside(y, a, rng, '지만')} {_ko_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"*비록* {_ko_aside(y, a, rng, '지만')} {_ko_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"{_ko_aside(y, a, rng, '@')}. *하지만* {_ko_clause(y, b, rng)}.",
    lambda y, a, b, rng: f"{_ko_clause(y, a, rng)}. {_ko_concession(y, b, rng)}.",
    lambda y, a, b, rng: f"처음에는 {_ko_aside(y, a, rng, '지만')} 갈수록 {_ko_clause(y, b, rng)}.",
)

GRAMMARS: dict[str, Grammar] = {"en": _english, "ko": _korean}
