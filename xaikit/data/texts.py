"""Texts as samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import short
from xaikit.core.types import Bools
from xaikit.core.words import PART
from xaikit.data.rows import Rows
from xaikit.modalities.text import words

__all__ = ["pair_of", "paired", "text_rows"]

SPARE = 1 << 28  # bytes that the words of any file may take
WIDEST = 64  # above that, so many bytes a letter: NumPy makes all words as wide as the longest


def text_rows(
    texts: Sequence[str],
    labels: NDArray[Any] | None,
    ids: Sequence[str],
    parts: Sequence[str],
    places: Sequence[str],
    rationales: Sequence[Bools | None] | None = None,
    names: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> Rows:
    """Texts cut into words; the text itself and its white space are kept in `meta`.

    names : of the two columns that pairs of texts come from
    """
    xs, metas = [], []
    left = max(SPARE, WIDEST * sum(map(len, texts)))
    for text, place in zip(texts, places, strict=True):
        found, spaces = words(text)
        if not found:
            raise DataError(f"{place} has an empty text; fill or drop the row.")
        left -= 4 * len(found) * max(map(len, found))
        if left < 0:
            raise DataError(
                f"{place} has a word of {max(map(len, found))} letters among {len(found)} words, which "
                "takes too much memory; break or drop such words."
            )
        xs.append(np.array(found))
        told = {"parts": list(names)} if len(names) > 1 else {}
        metas.append({"text": text, "spaces": spaces, **told})
    return Rows("text", ids, xs, labels, parts, rationales, metas, facts=facts or {})


def pair_of(named: str | None, columns: Collection[str]) -> tuple[str, ...]:
    """The column of texts that was named, or the two of a pair, "premise,hypothesis"."""
    if named is None:
        return ()
    names = tuple(name.strip() for name in named.split(","))
    if named in columns or len(names) == 1:
        return (named,)
    if len(names) > 2 or names[0] == names[1]:
        raise DataError(
            f"text_column is '{short(named)}'; name one column of texts, or two of a pair as 'first,second'."
        )
    return names


def paired(texts: Sequence[str], place: str) -> str:
    """One text, or the two of a pair with the sign that parts them between."""
    if len(texts) > 1 and not all(words(text)[0] for text in texts):
        raise DataError(f"{place} has an empty text in its pair; fill or drop the row.")
    return PART.join(text.replace(PART, " ") for text in texts)
