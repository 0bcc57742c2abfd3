"""Texts as samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.types import Bools
from xaikit.data.rows import Rows
from xaikit.modalities.text import words

__all__ = ["text_rows"]

SPARE = 1 << 28  # bytes that the words of any file may take
WIDEST = 64  # above that, so many bytes a letter: NumPy makes all words as wide as the longest


def text_rows(
    texts: Sequence[str],
    labels: NDArray[Any],
    ids: Sequence[str],
    parts: Sequence[str],
    places: Sequence[str],
    rationales: Sequence[Bools | None] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Rows:
    """Texts cut into words; the text itself and its white space are kept in `meta`."""
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
        metas.append({"text": text, "spaces": spaces})
    return Rows("text", ids, xs, labels, parts, rationales, metas, facts=facts or {})
