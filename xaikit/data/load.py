"""`load_data`: a built-in name or a path becomes a data set."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.sample import MODALITIES
from xaikit.data.annotated import ANNOTATED
from xaikit.data.arrays import read_npz
from xaikit.data.builtin import DATASETS
from xaikit.data.dataset import Dataset
from xaikit.data.forecasts import Windows, read_forecasts
from xaikit.data.pictures import read_pictures
from xaikit.data.rows import Missing, Options, Rows, Task, assemble
from xaikit.data.sessions import read_sessions
from xaikit.data.tables import read_csv
from xaikit.data.texts import read_jsonl

__all__ = ["load_data"]

Reader = Callable[[Path, Path | None, Options], Rows]
READERS: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".jsonl": read_jsonl,
    ".npz": read_npz,
    ".zip": read_pictures,
}
OF_TASKS = {**ANNOTATED, "recommendation": read_sessions}
MOST_SIZE = 25_000_000  # pixels of one picture
COMMON_NAMES = ("train", "data", "dataset")


def load_data(
    source: str | Path,
    *,
    test: str | Path | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    classes: Sequence[str] | None = None,
    task: Task | None = None,
    modality: str | None = None,
    channels: Literal["first", "last"] | None = None,
    size: int | tuple[int, int] | Callable[[NDArray[Any]], NDArray[Any]] | None = None,
    language: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    missing: Missing = "refuse",
    horizon: int | None = None,
    lags: int = 96,
    period: int = 24,
    seed: int = 0,
) -> Dataset:
    """A built-in data set by name, or your own from a file or folder.

    source : a name of `DATASETS`, a .csv, .tsv or .jsonl (also .gz), an .npz, or a folder or .zip
        with one subfolder of images for each class
    test : a second file of the same form, to measure with; 15 % of the rows otherwise
    text_column : the column that holds text, which makes a .csv a text data set; found by itself where
        the label stands beside sentences only, or with modality="text"; of pairs of texts both columns,
        "premise,hypothesis"
    label_column : the column to predict; "label", or else the last one without sentences, when None; "" of
        texts without labels, which can be explained and not learned from
    classes : the labels in the order wanted, or for numbers other names, in sorted order
    task : "classification" or "regression"; numbers of more than 20 different values in a table
        are a regression when None. "detection" reads a folder (or .zip) of pictures with .xml of Pascal VOC, .txt
        of YOLO or a .json of COCO; "segmentation" one with `images/` and `masks/` of the same names. "recommendation" reads
        a .csv of the columns session, item and time
    modality : of an .npz: "image", "series", "table" or another whose samples are numbers; found
        from its shape when None
    channels : of an .npz of series: "first" (N, C, L) or "last" (N, L, C); the longer axis is time
        when None
    size : side, or (height, width), that images of a folder are scaled to, or the function of a model
        that brings (H, W, C) in [0, 1] to what it reads
    language : BCP 47 tag of text; "ko" where most letters are Hangul, otherwise "en", when None
    columns : of a .csv the columns to read beside the label, all when None
    drop : of a .csv columns to leave out, for example an identifier
    missing : of a .csv "refuse" ends at the first empty cell and says how many rows have one, "drop" leaves
        these rows out, "keep" gives them as NaN to models that read missing values; `facts` says how many
    horizon, lags : of a .csv in the order of time: so many steps are forecast from so many before; of every
        column of numbers, or of `label_column`. Splits go forward in time
    period : steps after which things repeat, for the removal and the simple answers beside a forecast
    seed : of the built-in data or of the splits

    Raises `DataError` naming the file, row or column that cannot be used.

    >>> data = load_data("wine")
    >>> len(data.train), len(data.test), data.columns[0].name
    (124, 27, 'alcohol')
    """
    options = Options(
        text_column=text_column,
        label_column=label_column,
        classes=tuple(classes) if classes else None,
        task=task,
        modality=modality,
        channels=channels,
        size=(size, size) if isinstance(size, int) else size,
        language=language,
        columns=None if columns is None else tuple(columns),
        drop=tuple(drop),
        missing=missing,
        seed=seed,
    )
    if missing not in get_args(Missing):
        raise InvalidInput(f"missing is '{missing}'; use {', '.join(get_args(Missing))}.")
    given = options.size
    if isinstance(given, tuple) and (min(given) < 1 or math.prod(given) > MOST_SIZE):
        raise InvalidInput(
            f"size is {given}; give a side, or (height, width), of at most {MOST_SIZE} pixels."
        )
    path = Path(source)
    if str(source) in DATASETS:
        if test is not None or options != Options(seed=seed):
            raise InvalidInput(
                f"the built-in data set '{source}' takes a seed only; options are for files."
            )
        return DATASETS.get(str(source))(seed)
    if task is not None and task in OF_TASKS:
        if test is not None:
            where = "a folder 'test'" if task in ANNOTATED else "the end of the file"
            raise InvalidInput(
                f"a {task} takes what it is measured on from {where}; leave test out."
            )
        _require_there(path)
        return OF_TASKS[task](path, options)
    read = _reader(path)
    if horizon is not None:
        if read is not read_csv:
            raise InvalidInput(
                f"horizon is for .csv files and '{path.name}' is none; leave it out."
            )
        windows = Windows(horizon=horizon, lags=lags, period=period)
        return read_forecasts(path, windows, target=label_column, drop=tuple(drop))
    other = None if test is None else Path(test)
    if other is not None and _reader(other) is not read:
        raise DataError(f"the test data '{other.name}' must have the form of '{path.name}'.")
    _require_csv(read, options)
    rows = read(path, other, options)
    return assemble(
        rows, options, name=_name(path), source=path.name, language=_language(rows, options)
    )


def _require_csv(read: Reader, options: Options) -> None:
    """`InvalidInput` where columns are named of what has none."""
    named = {"columns": options.columns, "drop": options.drop, "missing": options.missing}
    given = [name for name, value in named.items() if value != getattr(Options(), name)]
    if given and read is not read_csv:
        raise InvalidInput(f"{given[0]} is for .csv and .tsv files; leave it out.")


def _require_there(path: Path) -> None:
    if not os.path.exists(path):
        raise DataError(f"there is no file or folder '{path}'{_near(path)}")


def _reader(path: Path) -> Reader:
    """The reader of an existing path; otherwise what is wrong with it."""
    if os.path.isdir(path):  # which is false, and no error, for a name that cannot be
        return read_pictures
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if not os.path.exists(path):
        if suffix in READERS or len(path.parts) > 1:
            raise DataError(f"there is no file or folder '{path}'{_near(path)}")
        DATASETS.get(str(path))  # raises, with the names that are near
    if suffix not in READERS or (path.suffix == ".gz" and suffix in (".npz", ".zip")):
        raise DataError(
            f"'{path.name}' is no kind of file that is read; use {', '.join(READERS)}, .csv.gz, "
            ".jsonl.gz or a folder of images."
        )
    if path.stat().st_size == 0:
        raise DataError(f"'{path.name}' is empty; give it a header and rows.")
    return READERS[suffix]


def _near(path: Path) -> str:
    beside = os.listdir(path.parent) if os.access(path.parent, os.R_OK | os.X_OK) else []
    near = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else "; check the path."


def _name(path: Path) -> str:
    """The file's name without endings, or its folder's where the file is just called train."""
    path = path.resolve()
    stem = path.name.split(".")[0] or path.name
    return path.parent.name if stem in COMMON_NAMES else stem


def _language(rows: Rows, options: Options) -> str:
    if options.language is not None or not MODALITIES.get(rows.modality).words:
        return options.language or "en"
    letters = [c for x in rows.xs[:200] for word in x for c in str(word) if c.isalpha()]
    hangul = sum("\uac00" <= c <= "\ud7a3" or "\u3131" <= c <= "\u318e" for c in letters)
    return "ko" if 2 * hangul > len(letters) else "en"
