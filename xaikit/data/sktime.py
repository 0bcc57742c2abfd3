"""`.ts` files of the UCR and sktime archives: series of one or several channels, of any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import short
from xaikit.data.lines import read_lines
from xaikit.data.rows import Options, Rows
from xaikit.data.steps import Track, series_rows

__all__ = ["numbers", "read_ts"]


def read_ts(path: Path, test: Path | None, options: Options) -> Rows:
    """A header of @ lines, then one series a line: channels and the label divided by colons.

    `?` and NaN are missing values; time stamps are refused.
    """
    tracks, form = [], ""
    for file, part in ((path, "" if test is None else "train"), (test, "test")):
        if file is not None:
            found, form = _read(file, part, options)
            tracks += found
    return series_rows(tracks, options, path.name, fill="last", form=(form, "ts"))


def _read(path: Path, part: str, options: Options) -> tuple[list[Track], str]:
    text, encoding = read_lines(path, options.encoding)
    about: dict[str, str] = {}
    tracks: list[Track] = []
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        if not line or line.startswith(("#", "%")):
            continue
        if line.startswith("@"):
            word, _, value = line[1:].partition(" ")
            about[word.lower()] = value.strip()
            continue
        _check_header(about, path.name)
        place = f"line {number} of '{path.name}'"
        tracks.append(
            _track(
                line, about, f"{'test' if part == 'test' else 'row'}-{len(tracks) + 1}", part, place
            )
        )
    if not tracks:
        raise DataError(
            f"'{path.name}' holds no series behind @data; give it at least a few of each class."
        )
    return tracks, encoding


def _check_header(about: dict[str, str], file: str) -> None:
    if "data" not in about:
        raise DataError(
            f"'{file}' has no @data line before its series; give a .ts file as sktime writes it."
        )
    if about.get("timestamps", "").lower() == "true":
        raise DataError(
            f"'{file}' has time stamps, which are not read; write the values alone, evenly spaced."
        )
    words = about.get("classlabel", about.get("targetlabel", "true")).lower().split()
    if not words or words[0] != "true":
        raise DataError(f"'{file}' has no labels (@classLabel false); give a file that has.")


def _track(line: str, about: dict[str, str], id: str, part: str, place: str) -> Track:
    *dims, label = line.split(":")
    if not dims or not label.strip():
        raise DataError(f"{place} has no label behind its last colon; add one.")
    channels = [numbers(dim.split(","), place) for dim in dims]
    if len({len(c) for c in channels}) > 1:
        raise DataError(
            f"{place} has channels of {' and '.join(sorted({str(len(c)) for c in channels}))} steps; all channels of a series "
            "need one length."
        )
    kept = label.strip()
    return Track(
        id,
        np.stack(channels, axis=1),
        float(numbers([kept], place)[0]) if "targetlabel" in about else kept,
        part,
    )


def numbers(cells: list[str], place: str) -> NDArray[np.float32]:
    """Cells as numbers, `?` as NaN."""
    try:
        with np.errstate(over="ignore"):
            return np.array(
                [c.strip().replace("?", "nan") for c in cells], dtype=np.float64
            ).astype(np.float32)
    except ValueError as error:
        odd = next(c for c in cells if not _is_number(c))
        raise DataError(
            f"{place} holds '{short(odd.strip())}' where a number is expected; mend or drop it."
        ) from error


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().replace("?", "nan"))
    except ValueError:
        return False
    return True
