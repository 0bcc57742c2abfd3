"""Parquet files as sheets, read by pyarrow (`xaikit[parquet]`)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, allowance, read_bytes, short
from xaikit.data.lines import Sheet
from xaikit.data.rows import Options, Rows
from xaikit.data.tables import table_rows

__all__ = ["read_parquet"]

SPARE = 1 << 27  # bytes that the columns of any file may unpack to
MOST_CELLS = 50_000_000  # runs of one value take no bytes in the file and memory here


def read_parquet(path: Path, test: Path | None, options: Options) -> Rows:
    """A table as .csv files hold one: numbers, truth values and texts."""
    files = [p for p in (path, test) if p is not None]
    return table_rows([_sheet(p) for p in files], options)


def _sheet(path: Path) -> Sheet:
    origin = Origin(f"'{path.name}'", DataError, "write it again with pandas' to_parquet")
    try:
        import pyarrow  # type: ignore[import-untyped]
    except ImportError as error:
        raise DataError(
            f"'{path.name}' is read by pyarrow, which is not installed; pip install 'xaikit[parquet]', or give "
            "a .csv."
        ) from error
    try:
        table = _table(read_bytes(path, origin), origin)
        names = [str(n) for n in table.column_names if not str(n).startswith("__index_level_")]
        cells = {name: _cells(table, name, origin) for name in names}
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        if isinstance(error, DataError):
            raise
        raise origin.wrong(f"cannot be read: {' '.join(str(error).split())}") from error
    rows = list(range(1, table.num_rows + 1))
    if not rows or not names:
        raise origin.wrong("holds no rows")
    if len(cells) < len(names) or "" in cells:
        raise origin.wrong("has columns without a name or two of one name")
    return Sheet(path.name, cells, rows, rows, "row", ("parquet",))


def _table(raw: bytes, origin: Origin) -> Any:
    """All columns, where what the file declares is no more than such a file may hold."""
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    file = pq.ParquetFile(io.BytesIO(raw))
    about = file.metadata
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    total = sum(g.column(j).total_uncompressed_size for g in groups for j in range(g.num_columns))
    if total > allowance(len(raw), SPARE):
        raise origin.wrong(f"has {len(raw)} bytes and unpacks to {total}")
    if about.num_rows * max(1, about.num_columns) > MOST_CELLS:
        raise origin.wrong(
            f"declares {about.num_rows} rows of {about.num_columns} columns, more than {MOST_CELLS} cells"
        )
    return file.read(use_threads=False)


def _cells(table: Any, name: str, origin: Origin) -> list[str]:
    """A column as texts: numbers so that they come back, nothing as "" ."""
    import pyarrow.types as kinds  # type: ignore[import-untyped]

    column = table.column(name)
    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    if kinds.is_nested(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind):
        raise origin.wrong(
            f"has the column '{short(name)}' of {short(kind)}, which is no cell of a table"
        )
    return ["" if value is None else str(value) for value in column.to_pylist()]
