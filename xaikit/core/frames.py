"""What is asked of pandas and polars frames that people hand over, without loading either package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.core.errors import InvalidInput

__all__ = ["cells_of", "is_frame"]

Cell = float | str | None


def is_frame(thing: Any) -> bool:
    """Whether it is a frame."""
    return all(hasattr(thing, name) for name in ("columns", "to_numpy", "shape"))


def cells_of(row: Any, id: str) -> dict[str, Cell]:
    """Column -> what stands in it: a number, a word, or None where it is missing.

    row : a mapping, a row of a pandas frame, or a frame; of several rows the one that the sample's id
        names, as `explain` does of frames ("row 3")
    """
    if is_frame(row):
        number = id.removeprefix("row ")
        at = 0 if len(row) == 1 else int(number) if number.isdigit() else -1
        if not 0 <= at < len(row):
            raise InvalidInput(
                f"the frame has {len(row)} rows and the explanation is of sample '{id}'; give its one row."
            )
        row = {name: row[name][at : at + 1].to_list()[0] for name in row.columns}
    if not isinstance(row, Mapping) and not hasattr(row, "items"):
        raise InvalidInput(
            f"a {type(row).__name__} is no sample; give the Sample, or the row of a frame, that was explained."
        )
    return {str(name): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Cell:
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    if isinstance(value, str) or type(value).__name__ in ("bool", "bool_", "Timestamp"):
        return str(value)
    return float(value) if hasattr(value, "__float__") else str(value)
