"""Text files, plain or gzipped, as lines; what is wrong with them is said by name and line.

How a file was read (encoding, delimiter, decimal sign) is found, and said.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, allowance, read_bytes, short
from xaikit.data.decimals import with_dots
from xaikit.data.encodings import decoded

__all__ = ["Sheet", "read_lines", "read_sheet", "unzipped"]

SPARE = 1 << 25  # bytes of text that any file may unpack to; cells take many times as much
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class Sheet:
    """A file of named columns.

    cells : columns, each with one text for every row
    lines : the line of the file at which each row ends, counted from 1
    rows : which row of the file each is, counted from 1
    unit : what `lines` counts
    form : how the file was read, for people
    """

    file: str
    cells: dict[str, list[str]]
    lines: list[int]
    rows: list[int]
    unit: str = "line"
    form: tuple[str, ...] = ()

    def place(self, i: int) -> str:
        """Where a row stands, for sentences."""
        return f"{self.unit} {self.lines[i]} of '{self.file}'"

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


def read_lines(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file, unzipped where its name ends in .gz, and the name of its encoding."""
    origin = Origin(f"'{path.name}'", DataError, "make the file anew")
    raw = read_bytes(path, origin)
    data = unzipped(raw, origin) if path.suffix == ".gz" else raw
    text, found = decoded(data, path.name, encoding)
    if not text.strip():
        raise DataError(f"'{path.name}' is empty; give it a header and rows.")
    return text, found


def unzipped(raw: bytes, origin: Origin, spare: int = SPARE) -> bytes:
    """What a .gz holds, where that is no more than such a file may."""
    most = allowance(len(raw), spare)
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            data = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise origin.wrong(f"cannot be read: {error}") from error
    if len(data) > most:
        raise origin.wrong(f"has {len(raw)} bytes and unpacks to more than {most}")
    return data


def read_sheet(
    path: Path, encoding: str | None = None, decimal: str | None = None, numbers: bool = True
) -> Sheet:
    """The columns of a .csv or .tsv file; the header decides between comma, semicolon, tab and bar.

    decimal : "," or "." where it is known; a comma in numbers is found out where it can mean one thing only
    numbers : whether cells may be numbers; where not they stay as they are written
    """
    text, found = read_lines(path, encoding)
    header_line = text.lstrip("\r\n").split("\n", 1)[0]
    outside = re.sub(r'"[^"]*"', "", header_line)  # names may hold the other signs
    delimiter = Counter(c for c in outside if c in DELIMITERS).most_common(1)
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
    cells, comma = with_dots(cells, path.name, decimal) if numbers else (cells, False)
    form = (found, *(DELIMITERS[c] for c, _ in delimiter), *(["decimal comma"] if comma else []))
    return Sheet(path.name, cells, lines[1:], list(range(1, len(rows))), form=form)


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
