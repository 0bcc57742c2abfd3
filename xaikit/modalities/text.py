"""Text: words or sentences, removed by a mask word or left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Masker
from xaikit.core.types import Bools, Floats, Sample, Segmentation
from xaikit.core.words import Text

__all__ = [
    "MASKERS",
    "MASK_WORD",
    "SEGMENTERS",
    "join",
    "magnitude",
    "mark",
    "masker",
    "segment",
    "words",
]

SEGMENTERS = ("words", "sentences")
MASKERS = ("mask", "delete")
ALIKE = ((), ())
"""Cuts and maskers that are the same for all samples of one shape."""
MASK_WORD = "[MASK]"

_GAP = r"[\s\0]"  # NumPy text cannot end in NUL, so it counts as white space
_WORD = re.compile(
    r"\d+(?:[.,]\d+)+"  # 3.5, 10,000
    r"|\w+(?:['’\-]\w+)*"  # isn't, well-made, 재미있는
    r"|([!-/:-@\[-`{-~])\1*"  # ... and !!! are one word, ." are two
    r"|[^\w\s\0!-~]+"  # a run of other signs: an emoji and its modifiers stay whole
)
_ENDS = re.compile(r"[.!?…。！？]+")


def words(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a text and the white space before each; `join` gives the text back exactly.

    A word is what stands between white space, with punctuation split off (in Korean the 어절).
    White space after the last word is dropped.
    """
    found = list(_WORD.finditer(text))
    ends = [0, *(m.end() for m in found)]
    spaces = tuple(text[end : m.start()] for end, m in zip(ends, found, strict=False))
    return tuple(m.group() for m in found), spaces


def join(words: Sequence[str], spaces: Sequence[str]) -> str:
    """The text of words and the white space before each."""
    return "".join(part for pair in zip(spaces, words, strict=True) for part in pair)


def mark(text: str, spans: Sequence[tuple[int, int]]) -> Bools:
    """(T,) bool, the words of the text that a character span [start, end) touches."""
    touched = np.zeros(len(text) + 1, dtype=np.int64)
    for start, end in spans:
        touched[start + 1 : end + 1] = 1
    so_far = np.cumsum(touched)  # so_far[i], touched characters before i
    bounds = np.array([m.span() for m in _WORD.finditer(text)], dtype=np.int64).reshape(-1, 2)
    return np.asarray(so_far[bounds[:, 1]] > so_far[bounds[:, 0]])


def segment(
    sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
) -> Segmentation:
    """One feature a word occurrence, or one a sentence (a run up to . ! or ?)."""
    del names  # the words are the names
    if number is not None:
        raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
    x = [str(word) for word in sample.x]
    if kind == "words":
        return Segmentation(np.arange(len(x)), tuple(x), f"{len(x)} words")
    ends = [bool(_ENDS.fullmatch(word)) for word in x]
    starts = [i > 0 and ends[i - 1] and not ends[i] for i in range(len(x))]
    ids = np.cumsum(starts)
    text = Text(sample.x)
    sentences = tuple(
        _short(join([x[i] for i in at], [text.gaps[i] for i in at]).strip())
        for at in (np.flatnonzero(ids == s) for s in range(int(ids[-1]) + 1))
    )
    return Segmentation(ids, sentences, f"{len(sentences)} sentences")


def masker(sample: Sample, how: str) -> Masker:
    """ "mask": the mask word; "delete": the word is left out, which methods that follow a gradient
    from the reference refuse."""
    masked = np.full((1, len(sample.x)), MASK_WORD)
    if how == "delete":
        return Masker("words left out", masked, drops=True)
    return Masker(f"mask word {MASK_WORD}", masked)


def magnitude(sample: Sample, background: NDArray[Any] | None = None) -> Floats:
    """(T,) float64, number of characters of each word.

    Long words are rare and carry content, short ones (the, of, .) hold sentences together, so the
    length alone ranks words surprisingly well without any model.
    """
    del background  # a word's length needs no comparison
    return np.array([len(str(word)) for word in sample.x], dtype=np.float64)


def _short(sentence: str, limit: int = 60) -> str:
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rstrip() + "…"
