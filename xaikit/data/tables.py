"""Sheets of named columns: a table of numbers and categories, or one column of text."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import short
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Bools, Floats
from xaikit.data.dataset import Column
from xaikit.data.decimals import MISSING
from xaikit.data.lines import Sheet, read_sheet
from xaikit.data.rows import Options, Rows
from xaikit.data.texts import pair_of, paired, text_rows
from xaikit.modalities.text import words

__all__ = ["read_csv", "table_rows"]

MAX_CATEGORIES = 100
FEW_WORDS = 4  # on average, of a column of texts
N_READ, LONG = 200, 400  # cells, and letters of each, that are looked at
NO_VALUE = "nan"  # of a cell whose gap is kept


def read_csv(path: Path, test: Path | None, options: Options) -> Rows:
    """A table with one row a line; a text data set when a text column is named."""
    files = [p for p in (path, test) if p is not None]
    return table_rows([read_sheet(p, options.encoding, options.decimal) for p in files], options)


def table_rows(sheets: list[Sheet], options: Options) -> Rows:
    """The rows of a sheet, and of one to test with; texts when a text column is named."""
    file = sheets[0].file
    sheets = [_chosen(sheet, options) for sheet in sheets]
    label = _label_column(sheets[0], options)
    texts = pair_of(options.text_column or _text_column(sheets[0], label, options), sheets[0].cells)
    for sheet in sheets:
        for name in (*texts, *filter(None, [label])):
            _require(sheet, name)
    if not label and not texts:
        raise DataError(f"'{file}' has no column of texts; name it with --text-column.")
    facts: dict[str, Any] = {"label": label, "form": sheets[0].form}
    if options.missing == "drop":
        whole = [sheet.take(_whole(sheet, texts, label, sheets)) for sheet in sheets]
        n = sum(len(a.lines) - len(b.lines) for a, b in zip(sheets, whole, strict=True))
        sheets, facts = whole, {**facts, "rows with gaps": n}
        if not sheets[0].lines:
            raise DataError(f"every row of '{file}' has an empty cell; drop columns instead.")
    labels = np.concatenate([_labels(sheet, label) for sheet in sheets]) if label else None
    aside = options.aside
    notes = _notes(sheets, aside) if aside in sheets[0].cells and aside != label else None
    if texts:
        places = _places(sheets)
        cells = zip(*([t for s in sheets for t in s.cells[name]] for name in texts), strict=True)
        joined = [paired(row, place) for row, place in zip(cells, places, strict=True)]
        parts = _parts(sheets)
        rows = text_rows(joined, labels, _ids(sheets), parts, places, names=texts, facts=facts)
        both = zip(rows.metas or (), notes or (), strict=True) if notes else ()
        return replace(rows, metas=[{**meta, **note} for meta, note in both]) if notes else rows
    names = [name for name in sheets[0].cells if name != label and not (notes and name == aside)]
    if not names:
        besides = f"'{short(label)}'" + (f" and '{short(aside)}'" if notes else "")
        raise DataError(f"'{file}' has no column beside the label {besides}; add some.")
    for sheet in sheets:
        for name in names:
            _require(sheet, name)
    keep = options.missing == "keep"
    columns, values = zip(*(_column(sheets, name, keep) for name in names), strict=True)
    matrix = np.stack(values, axis=1)
    if keep:
        facts["rows with gaps, kept"] = int(np.isnan(matrix).any(axis=1).sum())
    return Rows(
        modality="table",
        ids=_ids(sheets),
        xs=list(matrix),
        labels=labels,
        parts=_parts(sheets),
        columns=tuple(columns),
        metas=notes,
        facts=facts,
    )


def _notes(sheets: list[Sheet], name: str) -> list[dict[str, Any]]:
    """What a column says of each row."""
    for sheet in sheets:
        _require(sheet, name)
        for i, cell in enumerate(sheet.cells[name]):
            if cell.strip().lower() in ("", "nan"):
                raise DataError(
                    f"{sheet.place(i)} has nothing in column '{short(name)}'; fill or drop the row."
                )
    return [{name: cell.strip()} for sheet in sheets for cell in sheet.cells[name]]


def _chosen(sheet: Sheet, options: Options) -> Sheet:
    """The columns that are read, and the label."""
    for name in (*(options.columns or ()), *options.drop):
        _require(sheet, name)
    if options.columns is None:
        return sheet.less(options.drop)
    label = _label_column(sheet, options)
    kept = {*options.columns, label, options.aside} - {*options.drop}
    return sheet.less([name for name in sheet.cells if name not in kept])


def _whole(sheet: Sheet, texts: Sequence[str], label: str, sheets: list[Sheet]) -> list[int]:
    """The rows without an empty cell in what is read."""
    read = [*texts, *filter(None, [label])] if texts else list(sheet.cells)
    gaps = {name: ("",) if name in texts else _gaps(name, sheets) for name in read}
    return [
        i
        for i in range(len(sheet.lines))
        if not any(sheet.cells[name][i].strip().lower() in gaps[name] for name in read)
    ]


def _gaps(name: str, sheets: list[Sheet]) -> Collection[str]:
    """What counts as an empty cell: more in a column of numbers."""
    cells = [cell for sheet in sheets for cell in sheet.cells.get(name, ())]
    return MISSING if 2 * sum(map(_is_number, cells)) > len(cells) else ("", "nan")


def _with_gaps(sheets: list[Sheet]) -> str:
    """How many rows have an empty cell, and the way out."""
    n = sum(len(s.lines) - len(_whole(s, (), "", sheets)) for s in sheets)
    total = sum(len(s.lines) for s in sheets)
    return f"fill or drop the row ({n} of {total} have such cells; missing='drop', --missing drop, leaves them out, and 'keep' is for models that read them)."


def _label_column(sheet: Sheet, options: Options) -> str:
    if options.label_column is not None:
        return options.label_column
    texts = pair_of(options.text_column, sheet.cells)
    others = [name for name in sheet.cells if name not in (*texts, options.aside)]
    if not others:
        raise DataError(
            f"'{sheet.file}' has no column beside '{options.text_column}'; add a label."
        )
    plain = [name for name in others if not _is_text(sheet.cells[name])]
    return "label" if "label" in others else (plain or others)[-1]


def _text_column(sheet: Sheet, label: str, options: Options) -> str | None:
    """The column of texts where there is one and nothing else to read, or where texts are asked for."""
    others = [name for name in sheet.cells if name not in (label, options.aside)]
    texts = [name for name in others if _is_text(sheet.cells[name])]
    asked = options.modality is not None and MODALITIES.get(options.modality).words
    if len(texts) == 1 and (asked or texts == others):
        return texts[0]
    if asked and len(others) == 1:
        return others[0]
    if asked:
        raise DataError(
            f"'{sheet.file}' has {len(texts) or 'no'} columns of texts among {short(', '.join(others), 300)}; "
            "name one with text_column (--text-column), or two of a pair as 'first,second'."
        )
    return None


def _is_text(cells: list[str]) -> bool:
    """Whether most cells are sentences of their own: several words each, hardly two alike."""
    some = cells[:N_READ]
    n_words = [len(words(cell[:LONG])[0]) for cell in some]
    return (
        len(set(some)) > len(some) / 2
        and sum(n_words) >= FEW_WORDS * len(some)
        and not all(map(_is_number, some))
    )


def _require(sheet: Sheet, name: str) -> None:
    if name not in sheet.cells:
        raise DataError(
            f"'{sheet.file}' has no column '{short(name)}'; it has {short(', '.join(sheet.cells), 300)}."
        )


def _labels(sheet: Sheet, name: str) -> NDArray[Any]:
    cells = [cell.strip() for cell in sheet.cells[name]]
    for i, cell in enumerate(cells):
        if cell.lower() in ("", "nan"):
            raise DataError(
                f"{sheet.place(i)} has no label in column '{short(name)}'; fill or drop the row."
            )
    return np.array(cells, dtype=object)


def _column(sheets: list[Sheet], name: str, keep: bool) -> tuple[Column, Floats]:
    """A column as numbers; categories become codes in the order of their names, gaps that are kept NaN."""
    cells = [cell.strip() for sheet in sheets for cell in sheet.cells[name]]
    gaps = _gaps(name, sheets) if keep else ()
    gone = np.array([cell.lower() in gaps for cell in cells])
    cells = [NO_VALUE if missing else cell for cell, missing in zip(cells, gone, strict=True)]
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        _check_category(cells, gone, name, sheets)
        # as objects: one long cell must not widen all the others
        known = np.array(cells, dtype=object)[~gone]
        categories, codes = np.unique(known, return_inverse=True)
        coded = np.full(len(cells), np.nan)
        coded[~gone] = codes
        return Column(name, tuple(str(c) for c in categories)), coded
    if not (np.isfinite(values) | gone).all():
        bad = int(np.flatnonzero(~np.isfinite(values) & ~gone)[0])
        raise DataError(
            f"{_places(sheets)[bad]}, column '{short(name)}' holds {short(cells[bad])} (NaN or infinite); "
            f"{_with_gaps(sheets)}"
        )
    return Column(name), values


def _check_category(cells: list[str], gone: Bools, name: str, sheets: list[Sheet]) -> None:
    """Refuse gaps that are not kept, numbers with a slip among them, and free text."""
    is_number = [_is_number(cell) for cell in cells]
    different = len({cells[i] for i in np.flatnonzero(~gone) if not is_number[i]})
    mostly = sum(is_number) > (~gone).sum() / 2
    for i, cell in enumerate(cells):
        if gone[i]:
            continue
        gap = cell.lower() in (MISSING if mostly else ("", "nan"))
        if gap or (mostly and not is_number[i] and different <= 3 and len(cells) > 20):
            what = "is empty (NaN)" if cell == "" else f"holds '{short(cell)}'"
            where = " where other rows hold numbers" if mostly else ""
            raise DataError(
                f"{_places(sheets)[i]}, column '{short(name)}' {what}{where}; {_with_gaps(sheets)}"
            )
    n = len(set(cells))
    if n > MAX_CATEGORIES and n > len(cells) / 10:
        raise DataError(
            f"column '{short(name)}' of '{sheets[0].file}' has {n} different texts in {len(cells)} rows; drop "
            f"it (drop=, --drop) when it is an identifier, give it as the group (group=, --group) when rows of one belong "
            f"together, or read it as text with text_column='{short(name)}' (--text-column)."
        )


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _ids(sheets: list[Sheet]) -> list[str]:
    return [
        f"{prefix}-{row}"
        for prefix, sheet in zip(("row", "test"), sheets, strict=False)
        for row in sheet.rows
    ]


def _parts(sheets: list[Sheet]) -> list[str]:
    if len(sheets) == 1:
        return [""] * len(sheets[0].lines)
    return ["train"] * len(sheets[0].lines) + ["test"] * len(sheets[1].lines)


def _places(sheets: list[Sheet]) -> list[str]:
    return [sheet.place(i) for sheet in sheets for i in range(len(sheet.lines))]
