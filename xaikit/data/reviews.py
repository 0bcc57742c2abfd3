"""`reviews`: film reviews composed from a grammar, so that the words that decide are known.

A review holds one verdict. Around it stands what would fool a bag of words: negation ("not really
dull"), a conceded opposite ("although ...", "..., but", "-지만"), what others said, and filler.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xaikit.data import reviews_english, reviews_korean
from xaikit.data.dataset import Dataset
from xaikit.data.rows import Options, Rows, assemble
from xaikit.modalities.text import mark, words

__all__ = ["make_reviews"]

N = 4000  # in each language
CLASSES = ("negative", "positive")
GRAMMARS = {"en": reviews_english.compose, "ko": reviews_korean.compose}


def make_reviews(languages: Sequence[str], name: str, seed: int) -> Dataset:
    """Reviews that all differ, half of them positive, in one or both languages."""
    found = [row for language in languages for row in _compose(language, seed)]
    tags, texts, spans = zip(*found, strict=True)
    cut = [words(text) for text in texts]
    metas = [
        {"text": text, "spaces": spaces, "language": tag, "rationale": "words that decide"}
        for text, (_, spaces), tag in zip(texts, cut, tags, strict=True)
    ]
    rows = Rows(
        modality="text",
        ids=[f"{tag}-{i % N + 1}" for i, tag in enumerate(tags)],
        xs=[np.array(found) for found, _ in cut],
        labels=np.arange(len(texts)) % 2,
        parts=[""] * len(texts),
        rationales=[mark(t, s) for t, s in zip(texts, spans, strict=True)],
        metas=metas,
        facts={"languages": list(languages)},
    )
    return assemble(
        rows,
        Options(classes=CLASSES, seed=seed),
        name=name,
        source="Composed by a grammar with negation, contrast and filler; nobody wrote these reviews.",
        language=languages[0] if len(languages) == 1 else "mul",
    )


def _compose(language: str, seed: int) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """N different reviews, negative and positive by turns: language, text, deciding spans."""
    rng = np.random.default_rng([seed, 3, list(GRAMMARS).index(language)])
    found: dict[str, list[tuple[int, int]]] = {}
    while len(found) < N:
        text, spans = _unmark(GRAMMARS[language](len(found) % 2, rng))
        found.setdefault(text, spans)
    return [(language, text, spans) for text, spans in found.items()]


def _unmark(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its *stars*, and the spans of characters that stood between them."""
    text, spans = "", []
    for i, piece in enumerate(marked.split("*")):
        if i % 2:
            spans.append((len(text), len(text) + len(piece)))
        text += piece
    return text, spans
