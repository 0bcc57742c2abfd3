"""Text files, plain or gzipped, as lines; what is wrong with them is said by name and line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, allowance, read_bytes, short

__all__ = ["Sheet", "read_sheet", "read_text"]

SPARE = 1 << 25  # bytes of text that any file may unpack to; cells take many times as much


@dataclass(frozen=True)
class Sheet:
    """A file of named columns.

    cells : columns, each with one text for every row
    lines : the line of the file at which each row ends, counted from 1
    rows : which row of the file each is, counted from 1
    """

    file: str
    cells: dict[str, list[str]]
    lines: list[int]
    rows: list[int]

    def less(self, names: Collection[str]) -> Sheet:
        """Without those columns."""
        cells = {name: held for name, held in self.cells.items() if name not in names}
        return replace(self, cells=cells)

    def take(self, rows: Sequence[int]) -> Sheet:
        """Those rows, by their places."""
        return replace(
            self,
            cells={name: [held[i] for i in rows] for name, held in self.cells.items()},
            lines=[self.lines[i] for i in rows],
            rows=[self.rows[i] for i in rows],
        )


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, unzipped where its name ends in .gz."""
    origin = Origin(f"'{path.name}'", DataError, "make the file anew")
    raw = read_bytes(path, origin)
    data = _unzipped(raw, origin) if path.suffix == ".gz" else raw
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"'{path.name}' is not UTF-8: line {line} holds the byte 0x{data[error.start]:02x}; "
            "save it as UTF-8."
        ) from error
    if not text.strip():
        raise DataError(f"'{path.name}' is empty; give it a header and rows.")
    return text


def _unzipped(raw: bytes, origin: Origin) -> bytes:
    most = allowance(len(raw), SPARE)
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            data = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise origin.wrong(f"cannot be read: {error}") from error
    if len(data) > most:
        raise origin.wrong(f"has {len(raw)} bytes and unpacks to more than {most}")
    return data


def read_sheet(path: Path) -> Sheet:
    """The columns of a .csv or .tsv file; the header decides between comma, semicolon and tab."""
    text = read_text(path)
    header_line = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = Counter(c for c in header_line if c in ",;\t").most_common(1)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter[0][0] if delimiter else ",", strict=True
    )
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"line {reader.line_num} of '{path.name}': {error}.") from error
    header = [name.strip() for name in rows[0]]
    _check_header(header, path.name)
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise DataError(
                f"line {line} of '{path.name}' has {len(row)} cells and the header {len(header)}; "
                "quote cells that hold the delimiter."
            )
    if len(rows) == 1:
        raise DataError(f"'{path.name}' has a header and no rows; add rows below it.")
    columns = [list(column) for column in zip(*rows[1:], strict=True)]
    cells = dict(zip(header, columns, strict=True))
    return Sheet(path.name, cells, lines[1:], list(range(1, len(rows))))


def _check_header(header: list[str], file: str) -> None:
    for name, count in Counter(header).items():
        if name == "":
            raise DataError(
                f"column {header.index('') + 1} of '{file}' has no name; name every column in the first line."
            )
        if count > 1:
            raise DataError(
                f"'{file}' has {count} columns called '{short(name)}'; rename or drop one."
            )
