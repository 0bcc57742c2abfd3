"""Which sign is decimal in a file of numbers: a comma is found out where it can mean one thing only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.files import short

__all__ = ["MISSING", "with_dots"]

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "?"})  # in a column of numbers
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)?,\d+([eE][+-]?\d+)?")  # 1,5 and 1.234,5
_THREES = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")  # 1,234 and 1,234.5
_POINT = re.compile(r"[+-]?\d*\.\d*([eE][+-]?\d+)?")
_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")  # 1.234
_PLAIN = re.compile(r"[+-]?\d+([eE][+-]?\d+)?")

Cells = Mapping[str, list[str]]


def with_dots(cells: Cells, file: str, decimal: str | None) -> tuple[dict[str, list[str]], bool]:
    """The cells with a dot in every number, and whether some had a decimal comma.

    decimal : "," or "." where it is known
    """
    if decimal not in (None, ",", "."):
        raise InvalidInput(f"decimal is '{short(decimal)}'; use ',' or '.'.")
    found = {name: some for name, held in cells.items() if (some := _with_comma(held))}
    if not found and decimal != ",":
        return dict(cells), False
    if (decimal or _sign(found, file)) == ".":
        return {n: _each(c, _THREES, _joined) if n in found else c for n, c in cells.items()}, False
    read = {n: _from_comma(n, c, file, decimal is not None) for n, c in cells.items()}
    return read, bool(found)


def _with_comma(held: list[str]) -> list[str]:
    """The numbers with a comma in a column that holds mostly numbers; none elsewhere."""
    some = [
        c
        for c in map(str.strip, held)
        if "," in c and (_COMMA.fullmatch(c) or _THREES.fullmatch(c))
    ]
    return some if some and _mostly_numbers(held) else []


def _mostly_numbers(held: list[str]) -> bool:
    known = [c for c in map(str.strip, held) if c.lower() not in MISSING]
    kinds = (_PLAIN, _POINT, _COMMA, _THREES)
    return 2 * sum(any(k.fullmatch(c) for k in kinds) for c in known) > len(known)


def _sign(found: Cells, file: str) -> str:
    """The decimal sign by cells whose comma can mean one thing only."""
    comma, dot = "", ""
    for cell in (c for some in found.values() for c in some):
        decimal, thousands = _COMMA.fullmatch(cell), _THREES.fullmatch(cell)
        comma = comma or (cell if decimal and not thousands else "")
        dot = dot or (cell if thousands and not decimal else "")
    if bool(comma) != bool(dot):
        return "," if comma else "."
    name, some = next(iter(found.items()))
    told = (
        f"{short(comma)} and {short(dot)}"
        if comma
        else f"{short(some[0])} in column '{short(name)}'"
    )
    raise DataError(
        f"'{file}' holds {told}, where a comma may be decimal or stand between thousands; say which sign is "
        "decimal: decimal=',' or '.' (--decimal)."
    )


def _from_comma(name: str, held: list[str], file: str, sure: bool) -> list[str]:
    """A column of a file whose decimal sign is a comma."""
    points = [c for c in map(str.strip, held) if _POINT.fullmatch(c)]
    if not points and not any("," in c for c in held):
        return held
    if not _mostly_numbers(held):
        return held
    grouped = sure or any("." in c and _COMMA.fullmatch(c.strip()) for c in held)
    odd = next((c for c in points if not (grouped and _DOTTED.fullmatch(c))), None)
    if odd is not None:
        raise DataError(
            f"column '{short(name)}' of '{file}' holds {short(odd)} and other cells have a decimal comma; write all "
            "numbers with one sign, or say which is decimal: decimal=',' or '.' (--decimal)."
        )
    plain = _each(held, _DOTTED, lambda c: c.replace(".", ""))
    return _each(plain, _COMMA, lambda c: c.replace(".", "").replace(",", "."))


def _joined(cell: str) -> str:
    return cell.replace(",", "")


def _each(held: list[str], kind: re.Pattern[str], change: Callable[[str], str]) -> list[str]:
    return [change(c.strip()) if kind.fullmatch(c.strip()) else c for c in held]
