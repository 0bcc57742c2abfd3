"""JSON lines: texts with human rationales, or the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, parse_json, short
from xaikit.core.types import Bools
from xaikit.data.lines import Sheet, read_lines
from xaikit.data.rows import Options, Rows
from xaikit.data.tables import table_rows
from xaikit.data.texts import pair_of, paired, text_rows
from xaikit.modalities.text import mark

__all__ = ["read_jsonl"]

Span = tuple[int, int]


def read_jsonl(path: Path, test: Path | None, options: Options) -> Rows:
    """One JSON object a line: "text", "label", and optionally the words that carry the label; without a text
    the values are the cells of a table.

    "rationale" or "evidence" : spans [start, end) over the tokens of text.split()
    "evidence_char" : spans [start, end) over the characters of the text
    """
    files = [(p, part) for p, part in ((path, ""), (test, "test")) if p is not None]
    lines = {part: _objects(p, options.encoding) for p, part in files}
    first = next(iter(lines[""].values()))
    if options.text_column is None and "text" not in first:
        return table_rows([_sheet(lines[part], p.name) for p, part in files], options)
    return _texts(lines, options, {part: p.name for p, part in files})


def _objects(path: Path, encoding: str | None) -> dict[int, Mapping[str, Any]]:
    """Line -> the object in it."""
    text, _ = read_lines(path, encoding)
    lines = enumerate(text.split("\n"), start=1)
    return {i: _parse(line, f"line {i} of '{path.name}'") for i, line in lines if line.strip()}


def _sheet(rows: Mapping[int, Mapping[str, Any]], file: str) -> Sheet:
    """Objects as the rows of a table; a name that a row lacks is an empty cell."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    if not names or "" in names:
        raise DataError(f"'{file}' has no names, or one that is empty; name every value.")
    cells = {
        name: [_cell(row.get(name), name, f"line {i} of '{file}'") for i, row in rows.items()]
        for name in names
    }
    return Sheet(file, cells, list(rows), list(range(1, len(rows) + 1)), form=("jsonl",))


def _cell(value: Any, name: str, place: str) -> str:
    if isinstance(value, (list, dict)):
        raise DataError(
            f"{place} has {short(repr(value))} as '{short(name)}'; numbers and texts are read as cells."
        )
    return "" if value is None else str(value)


def _texts(
    lines: Mapping[str, Mapping[int, Mapping[str, Any]]], options: Options, files: Mapping[str, str]
) -> Rows:
    text_key = options.text_column or "text"
    label_key = "label" if options.label_column is None else options.label_column
    keys: tuple[str, ...] = ()
    texts, labels, ids, parts, places = [], [], [], [], []
    rationales: list[Bools | None] = []
    for part, rows in lines.items():
        for number, row in rows.items():
            place = f"line {number} of '{files[part]}'"
            keys = pair_of(text_key, row)
            texts.append(paired([_get(row, key, (str,), place) for key in keys], place))
            if label_key:
                labels.append(_get(row, label_key, (str, int, float), place))
            rationales.append(_rationale(row, texts[-1], place))
            ids.append(f"{part or 'row'}-{number}")
            parts.append(part or ("train" if len(lines) > 1 else ""))
            places.append(place)
    kept = rationales if any(r is not None for r in rationales) else None
    found = _labels(labels) if label_key else None
    return text_rows(texts, found, ids, parts, places, kept, keys, {"form": ("jsonl",)})


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
