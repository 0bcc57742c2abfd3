"""Text: words or sentences, removed by a mask word or left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Bools, Ints, Masker, Segmentation
from xaikit.core.sample import Box, Modality, Sample, Titles, ranged, split
from xaikit.core.words import PART, Text

__all__ = ["MASK_WORD", "TEXT", "Words", "join", "mark", "words"]

MASK_WORD = "[MASK]"

_UNSPACED = re.compile(  # Thai, Lao, Burmese, Khmer, Kana, Han: their words stand without spaces
    "[\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af]"
)
LONGEST = 60  # words of a sentence, above which it is cut into chunks


@cache
def _pattern() -> re.Pattern[str]:
    """Words between white space; NumPy text cannot end in NUL, so it counts as white space."""
    kinds = ("Mn", "Mc", "Me", "Cf")
    marks = [c for c in map(chr, range(0x80, 0x20000)) if unicodedata.category(c) in kinds]
    on = f"[{''.join(marks)}\U000e0001-\U000e01ef]*"  # stands on the sign before, as Unicode has it
    word = rf"\w(?:\w|{on[:-1]})*"
    return re.compile(
        rf"\d+(?:[.,]\d+)+{on}"  # 3.5, 10,000
        rf"|(?P<letters>{word}(?:['’\-]{word})*)"  # isn't, well-made, 재미있는
        rf"|(?P<sign>[!-/:-@\[-`{{-~])(?P=sign)*{on}"  # ... and !!! are one word, ." are two
        r"|[^\w\s\0!-~]+"  # a run of other signs: an emoji and its modifiers stay whole
    )


def words(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a text and the white space before each; `join` gives the text back exactly.

    A word is what stands between white space, with punctuation split off (in Korean the 어절). Scripts
    that put no space between words are cut by the dictionaries of ICU, and no letter is cut from
    its marks. White space after the last word is dropped.
    """
    spans = list(_spans(text))
    ends = [0, *(end for _, end in spans)]
    spaces = tuple(text[end:start] for end, (start, _) in zip(ends, spans, strict=False))
    return tuple(text[start:end] for start, end in spans), spaces


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each word starts, and where it ends."""
    for match in _pattern().finditer(text):
        end = match.start()
        for piece in _pieces(match["letters"]) or (match.group(),):
            end += len(piece)
            yield end - len(piece), end


def _pieces(letters: str | None) -> Sequence[str]:
    """The words that letters of a script without spaces hold; () of another."""
    if letters is None or _UNSPACED.search(letters) is None:
        return ()
    from icu4py.breakers import WordBreaker  # only for texts that need it

    return tuple(WordBreaker(letters, "en"))  # the dictionaries go by script, whatever the locale


def join(words: Sequence[str], spaces: Sequence[str]) -> str:
    """The text of words and the white space before each."""
    return "".join(part for pair in zip(spaces, words, strict=True) for part in pair)


def mark(text: str, spans: Sequence[tuple[int, int]]) -> Bools:
    """(T,) bool, the words of the text that a character span [start, end) touches."""
    touched = np.zeros(len(text) + 1, dtype=np.int64)
    for start, end in spans:
        touched[start + 1 : end + 1] = 1
    so_far = np.cumsum(touched)  # so_far[i], touched characters before i
    bounds = np.array(list(_spans(text)), dtype=np.int64).reshape(-1, 2)
    return np.asarray(so_far[bounds[:, 1]] > so_far[bounds[:, 0]])


@dataclass(frozen=True)
class Words(Modality):
    """(T,) words, of a text as it is written; a place is a word."""

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """One feature a word occurrence, or one a sentence (of up to 60 words, else chunks of it)."""
        del names  # the words are the names
        if number is not None:
            raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
        x, text = sample.x.tolist(), Text(sample.x)
        if kind == "words":
            return Segmentation(np.arange(len(x)), tuple(x), f"{len(x)} words")
        sentences = _sentence_starts(text)
        starts = _chunked(sentences, len(x))
        ids = np.searchsorted(starts, np.arange(len(x)), side="right") - 1
        ends = [*starts[1:], len(x)]
        called = tuple(
            _short(_written(text, *ends_of)) for ends_of in zip(starts, ends, strict=True)
        )
        source = f"{len(sentences)} sentences"
        if len(starts) > len(sentences):
            source += f" in {len(starts)} pieces of at most {LONGEST} words"
        return Segmentation(ids, called, source)

    def halves(self, box: Box, sample: Sample) -> tuple[Box, Box]:
        """Cut where a sentence begins, if one does near the middle; else in the middle."""
        ((first, end),) = box
        text, middle = Text(sample.x), (first + end) // 2
        near = [s for s in _sentence_starts(text) if abs(s - middle) <= (end - first) // 4]
        inside = [s for s in near if first < s < end]
        return split(box, 0, min(inside, key=lambda s: abs(s - middle), default=middle))

    def called(self, box: Box, sample: Sample, names: Sequence[str] | None) -> str:
        """A word by itself, several by their places, counted from 1, and how they begin."""
        del names
        ((first, end),) = box
        if end == first + 1:
            return str(sample.x[first])
        said = _short(_written(Text(sample.x), first, end), 40)
        return f"words {ranged(first + 1, end)}: {said}"

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: NDArray[Any] | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """ "mask": the mask word; "delete": the word is left out, which methods that follow a gradient
        from the reference refuse."""
        del segmentation, rows, n, categorical
        masked = np.full((1, len(sample.x)), MASK_WORD)
        if how == "delete":
            return Masker("words left out", masked, drops=True)
        return Masker(f"mask word {MASK_WORD}", masked)

    def check(self, x: NDArray[Any], id: str) -> None:
        """Any word will do."""

    def kept(self, x: NDArray[Any], sample: Sample) -> Text:
        """The words as they stand in the text that is given, or that they come with."""
        text, asked = sample.meta.get("text"), sample.meta.get("asked")
        if not isinstance(text, str):
            found = Text(sample.x if isinstance(sample.x, Text) else x)
        else:
            found = Text.cut(text, x.tolist(), f"sample '{sample.id}'")
        if asked is None:
            return found
        if not all(type(i) is int and 0 <= i < len(x) for i in asked):
            raise InvalidInput(
                f"sample '{sample.id}' is asked about the words {list(asked)} of {len(x)}; give places "
                "from 0."
            )
        return Text(found, asked=asked)

    def spread(self, x: NDArray[Any], rows: NDArray[Any], info: Mapping[str, Any]) -> None:
        """Words have no hardly changed neighbours."""

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str]:
        """The first feature with the second, the third with the fourth, in the order of the text."""
        del most
        return segmentation.ids // 2, "neighbours joined two by two"

    def blank(self) -> NDArray[Any]:
        return np.array([MASK_WORD] * 4)

    def made(
        self, known: Sequence[NDArray[Any]], n: int, rng: np.random.Generator
    ) -> list[NDArray[Any]]:
        """Texts that lose, repeat and exchange words; of a single word also twice that word."""
        first = known[0]
        twice = [np.concatenate([first, first])] if len(first) == 1 else []  # lengths then differ
        return [*twice, *(_mixed([*known, *twice], rng) for _ in range(n))]

    def from_array(self, x: NDArray[Any], file: str, channels: str | None) -> NDArray[Any]:
        """Never: arrays of a file hold numbers."""
        del channels
        self.require_axes(x, file)
        return x


TEXT = Words(
    name="text",
    axes=("T",),
    segmenters=("words", "sentences"),
    maskers=("mask", "delete"),
    titles=Titles(
        samples=("texts", "텍스트"),
        part=("word", "어절"),
        parts=("words", "어절"),
    ),
    inputs="words",
    view="text",
    dtype=np.str_,
    typical=False,
    words=True,
)


def _mixed(known: Sequence[NDArray[Any]], rng: np.random.Generator) -> NDArray[Any]:
    """At most as many words as the longest, some of them masked."""
    words = [str(word) for word in known[int(rng.integers(len(known)))]]
    drawn = rng.integers(len(words), size=rng.integers(1, len(words) + 1))
    return np.array([MASK_WORD if rng.random() < 0.3 else words[i] for i in drawn])


def _sentence_starts(text: Text) -> list[int]:
    """The first word of each sentence, by the rules of Unicode."""
    first = np.searchsorted(text.spans[:, 1], _offsets(text.written), side="right")
    parts = [i for i, gap in enumerate(text.gaps[:-1]) if PART in gap]
    return sorted({0, *first[first < len(text)].tolist(), *parts})


@lru_cache(maxsize=64)
def _offsets(written: str) -> tuple[int, ...]:
    """The first character of each sentence."""
    from icu4py.breakers import SentenceBreaker  # only for texts that need it

    lengths = [len(sentence) for sentence in SentenceBreaker(written, "en@ss=standard")]
    return tuple(np.cumsum([0, *lengths[:-1]]).tolist())


def _chunked(starts: Sequence[int], n: int) -> list[int]:
    """The starts (s,) of n words, with even chunks of what is longer than a sentence may be."""
    found: list[int] = []
    for start, end in pairwise([*starts, n]):
        chunks = -(-(end - start) // LONGEST)
        found += [start + (end - start) * i // chunks for i in range(chunks)]
    return found


def _written(text: Text, first: int, end: int) -> str:
    """The words [first, end) as they stand in the text."""
    return join(text.tolist()[first:end], text.gaps[first:end]).strip()


def _short(sentence: str, limit: int = 60) -> str:
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rstrip() + "…"
