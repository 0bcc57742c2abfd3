"""`.arff` files of Weka: a table, or series of any length."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import short
from xaikit.data.lines import Sheet, read_lines
from xaikit.data.rows import Options, Rows
from xaikit.data.sktime import numbers
from xaikit.data.steps import Track, series_rows
from xaikit.data.tables import table_rows

__all__ = ["read_arff"]

_ATTRIBUTE = re.compile(
    r"@attribute\s+(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(\S+?))\s+(\{.*\}|\S+.*)",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"(att|attr|t|time|timepoint|step|ts|x|v)_?\d+", re.IGNORECASE
)  # names that count time
FEW_STEPS = 8  # fewer columns than that are a table
_NUMBERS = ("numeric", "real", "integer")


@dataclass(frozen=True)
class _Relation:
    """The rows of one file; bags : whether each begins with its channels in one quoted cell."""

    sheet: Sheet
    kinds: dict[str, str]
    bags: bool


def read_arff(path: Path, test: Path | None, options: Options) -> Rows:
    """Columns that count time (att1, att2, ..., all numeric) or hold whole series are series, all else a table;
    `modality` says it openly. In series `?` at the end is the end, elsewhere a missing value."""
    files = [_read(p, options) for p in (path, test) if p is not None]
    first = files[0]
    series = options.modality == "series" or (options.modality is None and _counts_time(first))
    if not (series or first.bags):
        return table_rows([f.sheet for f in files], options)
    tracks = [
        track
        for file, part in zip(files, ("" if test is None else "train", "test"), strict=False)
        for track in _tracks(file, part, options)
    ]
    return series_rows(tracks, options, path.name, fill="last", form=first.sheet.form)


def _counts_time(file: _Relation) -> bool:
    *steps, _ = list(file.kinds) or [""]
    plain = all(file.kinds[n] in _NUMBERS and _STEP.fullmatch(n) for n in steps)
    return file.bags or (plain and len(steps) >= FEW_STEPS)


def _tracks(file: _Relation, part: str, options: Options) -> Iterator[Track]:
    sheet = file.sheet
    label = options.label_column or list(sheet.cells)[-1]
    if label not in sheet.cells:
        raise DataError(
            f"'{sheet.file}' has no column '{short(label)}'; it has {short(', '.join(sheet.cells), 300)}."
        )
    names = [n for n in sheet.cells if n != label]
    if not names:
        raise DataError(
            f"'{sheet.file}' has no column beside the label '{short(label)}'; add some."
        )
    numeric = file.kinds[label] in _NUMBERS
    for i, row in enumerate(sheet.rows):
        place = sheet.place(i)
        if file.bags:
            x = _bag(sheet.cells[names[0]][i], place)
        else:
            x = _without_end(numbers([sheet.cells[n][i] for n in names], place)[:, None])
        held = sheet.cells[label][i]
        if held in ("?", ""):
            raise DataError(
                f"{place} has no label in column '{short(label)}'; fill or drop the row."
            )
        value = float(numbers([held], place)[0]) if numeric else held
        yield Track(f"{'test' if part == 'test' else 'row'}-{row}", x, value, part)


def _bag(cell: str, place: str) -> NDArray[np.float32]:
    """(L, C): one line a channel in the cell of a relation."""
    lines = [line for line in re.split(r"\\n|\n", cell) if line.strip()]
    channels = [numbers(line.split(","), place) for line in lines]
    if not channels or len({len(c) for c in channels}) > 1:
        raise DataError(
            f"{place} has channels of several lengths, or none; all channels of a series need one."
        )
    return _without_end(np.stack(channels, axis=1))


def _without_end(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Less the steps at the end where every channel is missing."""
    known = np.flatnonzero(~np.isnan(x).all(axis=1))
    return x[: int(known[-1]) + 1] if len(known) else x


def _read(path: Path, options: Options) -> _Relation:
    text, encoding = read_lines(path, options.encoding)
    kinds: dict[str, str] = {}
    rows: list[list[str]] = []
    places: list[int] = []
    bags = data = inside = False
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        word = line.split(None, 1)[0].lower() if line else ""
        if not line or word.startswith("%"):
            continue
        if data:
            rows.append(_cells(line, len(kinds), f"line {number} of '{path.name}'"))
            places.append(number)
        elif word == "@data":
            data = True
        elif word == "@end":
            inside = False
        elif word == "@attribute" and not inside:
            name, kind = _attribute(line, f"line {number} of '{path.name}'")
            if name in kinds:
                raise DataError(
                    f"'{path.name}' has two attributes called '{short(name)}'; rename or drop one."
                )
            kinds[name] = kind
            bags, inside = bags or kind == "relational", kind == "relational"
    if not rows or not kinds:
        raise DataError(
            f"'{path.name}' holds no {'rows behind @data' if data else '@data line'}; give an .arff as Weka writes it."
        )
    if bags and (len(kinds) != 2 or next(iter(kinds.values())) != "relational"):
        raise DataError(
            f"'{path.name}' has a relation beside other columns; one of series and a label is read."
        )
    columns = (list(column) for column in zip(*rows, strict=True))
    cells = {
        name: [
            "" if c == "?" and kinds[name] in _NUMBERS and not _STEP.fullmatch(name) else c
            for c in held
        ]
        for name, held in zip(kinds, columns, strict=True)
    }
    sheet = Sheet(path.name, cells, places, list(range(1, len(rows) + 1)), form=(encoding, "arff"))
    return _Relation(sheet, kinds, bags)


def _attribute(line: str, place: str) -> tuple[str, str]:
    found = _ATTRIBUTE.fullmatch(line)
    if found is None:
        raise DataError(f"{place} is no @attribute with a name and a type; mend it.")
    name = next(n for n in found.groups()[:3] if n is not None)
    kind = found[4].strip()
    kind = "nominal" if kind.startswith("{") else kind.split()[0].lower()
    if kind not in (*_NUMBERS, "nominal", "string", "date", "relational"):
        raise DataError(
            f"{place} has the type '{short(kind)}'; numeric, nominal, string and relational are read."
        )
    return name.strip() or "unnamed", kind


def _cells(line: str, n: int, place: str) -> list[str]:
    if line.startswith("{"):
        raise DataError(f"{place} is a sparse row, which is not read; write all values.")
    quote = '"' if '"' in line and "'" not in line else "'"
    try:
        found = next(
            csv.reader(
                [line],
                quotechar=quote,
                escapechar="\\" if quote == "'" and "\\n" not in line else None,
                skipinitialspace=True,
                strict=True,
            )
        )
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"{place} cannot be read: {error}; quote values that hold commas."
        ) from error
    if len(found) != n:
        raise DataError(
            f"{place} has {len(found)} values and there are {n} attributes; quote values that hold commas."
        )
    return [cell.strip() for cell in found]
