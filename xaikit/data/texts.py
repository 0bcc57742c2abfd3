"""Text rows, and JSON lines of text with human rationales."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, parse_json, short
from xaikit.core.types import Bools
from xaikit.core.words import PART
from xaikit.data.lines import read_text
from xaikit.data.rows import Options, Rows
from xaikit.modalities.text import mark, words

__all__ = ["pair_of", "paired", "read_jsonl", "text_rows"]

SPARE = 1 << 28  # bytes that the words of any file may take
WIDEST = 64  # above that, so many bytes a letter: NumPy makes all words as wide as the longest

Span = tuple[int, int]


def text_rows(
    texts: Sequence[str],
    labels: NDArray[Any] | None,
    ids: Sequence[str],
    parts: Sequence[str],
    places: Sequence[str],
    rationales: Sequence[Bools | None] | None = None,
    names: Sequence[str] = (),
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
    return Rows("text", ids, xs, labels, parts, rationales=rationales, metas=metas)


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


def read_jsonl(path: Path, test: Path | None, options: Options) -> Rows:
    """One JSON object a line: "text", "label", and optionally the words that carry the label.

    "rationale" or "evidence" : spans [start, end) over the tokens of text.split()
    "evidence_char" : spans [start, end) over the characters of the text
    """
    text_key = options.text_column or "text"
    label_key = "label" if options.label_column is None else options.label_column
    keys: tuple[str, ...] = ()
    texts, labels, ids, parts, places = [], [], [], [], []
    rationales: list[Bools | None] = []
    for file, part in ((path, "" if test is None else "train"), (test, "test")):
        if file is None:
            continue
        for number, line in enumerate(read_text(file).split("\n"), start=1):
            if not line.strip():
                continue
            place = f"line {number} of '{file.name}'"
            row = _parse(line, place)
            keys = pair_of(text_key, row)
            texts.append(paired([_get(row, key, (str,), place) for key in keys], place))
            if label_key:
                labels.append(_get(row, label_key, (str, int, float), place))
            rationales.append(_rationale(row, texts[-1], place))
            ids.append(f"{'test' if part == 'test' else 'row'}-{number}")
            parts.append(part)
            places.append(place)
    kept = rationales if any(r is not None for r in rationales) else None
    return text_rows(texts, _labels(labels) if label_key else None, ids, parts, places, kept, keys)


def _labels(labels: list[Any]) -> NDArray[Any]:
    """(N,) numbers, or texts as objects where one is a text."""
    if any(isinstance(label, str) for label in labels):
        return np.array([str(label) for label in labels], dtype=object)
    return np.array(labels, dtype=np.float64)


def _parse(line: str, place: str) -> Mapping[str, Any]:
    row = parse_json(line, Origin(place, DataError, "write one object a line"))
    if not isinstance(row, dict):
        raise DataError(f"{place} is no JSON object; write one object a line.")
    return row


def _get(row: Mapping[str, Any], key: str, kinds: tuple[type, ...], place: str) -> Any:
    if key not in row:
        raise DataError(
            f"{place} has no '{key}'; it has {short(', '.join(row), 300)}. Name another with text_column or "
            "label_column."
        )
    if not isinstance(row[key], kinds) or row[key] == "":
        raise DataError(f"{place} has {short(repr(row[key]))} as '{key}'; fill or drop the row.")
    return row[key]


def _rationale(row: Mapping[str, Any], text: str, place: str) -> Bools | None:
    if "evidence_char" in row:
        return mark(text, _spans(row["evidence_char"], len(text), place))
    spans = row.get("rationale", row.get("evidence"))
    if spans is None:
        return None
    tokens = [m.span() for m in re.finditer(r"\S+", text)]
    pairs = _spans(spans, len(tokens), place)
    return mark(text, [(tokens[a][0], tokens[b - 1][1]) for a, b in pairs])


def _spans(spans: Any, n: int, place: str) -> list[Span]:
    """Pairs 0 <= start < end <= n; a single pair may stand without its list."""
    pairs = [spans] if isinstance(spans, list) and spans and isinstance(spans[0], int) else spans
    if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
        raise DataError(f"{place} has a rationale that is no list of [start, end) pairs.")
    for start, end in pairs:
        if not 0 <= start < end <= n:
            raise DataError(f"{place} has the rationale [{start}, {end}) and its text ends at {n}.")
    return [(start, end) for start, end in pairs]


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and [type(end) for end in pair] == [int, int]
