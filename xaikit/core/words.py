"""The words of a text, and what was written between them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput, NotApplicable

__all__ = ["PART", "Text", "about", "alike", "between"]

PART = "\x1e"  # the record separator: stands between the two texts of a pair, as white space does

_WHITE_END = re.compile(r"[\s\0]+$")
_WHITE_START = re.compile(r"^[\s\0]+")


class Text(np.ndarray[Any, np.dtype[np.str_]]):
    """(T,) words of one text in reading order, and the text as it was written.

    gaps : (T + 1,) what stands before each word and after the last; without them, and in a part of
        a text, the words are joined by single blanks. A pair of texts has `PART` in one gap
    asked : the places of the words that a question is about, where it is about some: the word
        that has a label, or the first and the last of an answer; words put in the places of these keep it
    """

    gaps: tuple[str, ...]
    asked: tuple[int, ...]

    def __new__(
        cls,
        words: Sequence[str] | NDArray[Any],
        gaps: Sequence[str] = (),
        asked: Sequence[int] | None = None,
    ) -> Self:
        found = np.array(words, dtype=np.str_).view(cls)
        found.gaps = tuple(gaps) or _gaps_of(words, found.size)
        found.asked = tuple(getattr(words, "asked", ()) if asked is None else asked)
        if len(found.gaps) != found.size + 1:
            raise InvalidInput(
                f"{len(found.gaps)} gaps were given for {found.size} words; give one before each "
                "word and one after the last."
            )
        return found

    @classmethod
    def cut(cls, text: str, words: Iterable[str], name: str = "the text") -> Self:
        """The words where they stand in the text; only white space and signs may lie between."""
        gaps, end, found = [], 0, [str(word) for word in words]
        for word in found:
            start = text.find(word, end)
            if start < 0 or any(map(_in_word, text[end:start])):
                raise InvalidInput(
                    f"{name} has the word '{word}' and its text goes on with "
                    f"'{text[end : end + 20]}' there; give every word of the text in order, or no "
                    "text."
                )
            gaps.append(text[end:start])
            end = start + len(word)
        return cls(found, [*gaps, text[end:]])

    def __array_finalize__(self, source: Any) -> None:
        self.gaps = _gaps_of(source, self.size)
        self.asked = ()  # a part of a text is another text

    def __array_wrap__(
        self, array: NDArray[Any], context: Any = None, return_scalar: bool = False
    ) -> Any:
        """What is computed from words is no text."""
        return array[()] if return_scalar else np.asarray(array)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tolist(), self.gaps, self.asked)

    @property
    def written(self) -> str:
        """The text, letter by letter."""
        return self.gaps[0] + "".join(chain(*zip(self.tolist(), self.gaps[1:], strict=True)))

    @property
    def about(self) -> str:
        """The words that the question is about, as they are written; "" where it is about the text."""
        if not self.asked:
            return ""
        spans = self.spans
        return self.written[spans[self.asked[0]][0] : spans[self.asked[-1]][1]]

    @property
    def spans(self) -> NDArray[np.int64]:
        """(T, 2) first character of each word in `written`, and the one after its last."""
        lengths = [len(word) for word in self.tolist()]
        ends = np.cumsum([len(gap) + n for gap, n in zip(self.gaps, lengths, strict=False)])
        return np.stack([ends - lengths, ends], axis=1).astype(np.int64)

    def saying(self, words: Sequence[str] | NDArray[Any]) -> Text:
        """Other words (T,) in the places of these."""
        return Text(words, self.gaps, self.asked)

    def less(self, kept: NDArray[np.bool_]) -> Text:
        """The text without the words that are not kept (T,).

        Of the white space around removed words one blank stays, none at the ends; a blank also
        stays for a sign that kept two words apart. The two texts of a pair stay two. `NotApplicable`
        for a text that is asked about some of its words, which then stand elsewhere.
        """
        if self.asked:
            word = self.tolist()[self.asked[0]]
            raise NotApplicable(
                f"the question is about the word '{word}' where it stands, and words left out move it; "
                "use the masker 'mask'."
            )
        places = np.flatnonzero(kept).tolist()
        gaps = [self._gap(a, b) for a, b in pairwise([-1, *places, self.size])]
        return Text(np.asarray(self)[places], gaps)

    def _gap(self, before: int, after: int) -> str:
        """What stands between two words, or an end and a word, when those between are removed."""
        gaps = self.gaps[before + 1 : after + 1]
        if any(PART in gap for gap in gaps):
            return PART
        met = reduce(_meet, gaps)
        if len(gaps) > 1 and not _WHITE_END.sub("", met) and (before < 0 or after == self.size):
            return gaps[0] if before < 0 else gaps[-1]
        if met or before < 0 or after == self.size:
            return met
        first, *removed, last = self.tolist()[before : after + 1]
        glued = all(map(_in_word, first[-1:] + last[:1]))
        return " " if glued and not all(map(_in_word, "".join(removed))) else ""


def alike(x: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any] | list[Text]:
    """Inputs (B, *x.shape) made from x; those of a text keep what stands between its words."""
    return [x.saying(row) for row in rows] if isinstance(x, Text) else rows


def between(x: NDArray[Any]) -> tuple[str, ...]:
    """What stands around the words of a text; () for any other input."""
    return x.gaps if isinstance(x, Text) else ()


def about(x: NDArray[Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """What outputs are called, "Seoul: LOC" where the question is about a word of the text."""
    words = x.about if isinstance(x, Text) else ""
    return tuple(f"{words}: {name}" for name in names) if words else names


def _gaps_of(source: Any, size: int) -> tuple[str, ...]:
    """Those of a text of that many words, or single blanks."""
    known: tuple[str, ...] = getattr(source, "gaps", ())
    return known if len(known) == size + 1 else ("", *[" "] * (size - 1), "")[: size + 1]


@lru_cache(maxsize=1024)
def _meet(left: str, right: str) -> str:
    """Two gaps when the word between them is removed: of their white space one blank stays."""
    first, last = _WHITE_END.sub("", left), _WHITE_START.sub("", right)
    before, after = left[len(first) :], right[: len(right) - len(last)]
    return first + (" " if before and after else before + after) + last


def _in_word(character: str) -> bool:
    """Whether it is a letter, a digit or a mark on one."""
    return character == "_" or unicodedata.category(character)[0] in "LNM"
