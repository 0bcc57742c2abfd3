"""`load_data`: a built-in name or a path becomes a data set."""

from __future__ import annotations

import difflib
import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.files import short
from xaikit.core.folders import file_name
from xaikit.core.sample import MODALITIES
from xaikit.data.annotated import ANNOTATED
from xaikit.data.archives import ARCHIVES, Files, files_in
from xaikit.data.arff import read_arff
from xaikit.data.arrays import read_npz
from xaikit.data.builtin import DATASETS
from xaikit.data.dataset import Dataset
from xaikit.data.encodings import known
from xaikit.data.forecasts import Windows, read_forecasts
from xaikit.data.given import is_held, rows_held
from xaikit.data.jsonl import read_jsonl
from xaikit.data.latents import latents_of
from xaikit.data.pairs import read_pairs
from xaikit.data.parquet import read_parquet
from xaikit.data.pictures import ENDINGS, picture_rows
from xaikit.data.rows import Missing, Options, Rows, Task, assemble
from xaikit.data.sessions import read_sessions
from xaikit.data.sktime import read_ts
from xaikit.data.sounds import INDEXES, SOUNDS, sound_rows
from xaikit.data.tables import read_csv

__all__ = ["load_data"]

Reader = Callable[[Path, Path | None, Options], Rows]
FILES: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".npz": read_npz,
    ".ts": read_ts,
    ".arff": read_arff,
}
OF_TASKS = {**ANNOTATED, "recommendation": read_sessions, "sequence_to_sequence": read_pairs}
_FRAME = "save what it holds as a table, frame.to_parquet('data.parquet'), or as arrays, numpy.savez('data.npz', X=X, y=y)"
PICKLES = dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth"), _FRAME)
GZIPPED = (".csv", ".tsv", ".jsonl", ".ts", ".arff", ".tar")
MOST_SIZE = 25_000_000  # pixels of one picture
COMMON_NAMES = ("train", "data", "dataset")


def load_data(
    source: Any,
    *,
    test: Any = None,
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
    encoding: str | None = None,
    decimal: str | None = None,
    group: str | None = None,
    noted: str | None = None,
    names: str | None = None,
    horizon: int | None = None,
    lags: int = 96,
    period: int = 24,
    seed: int = 0,
) -> Dataset:
    """A built-in data set by name, or your own from a file or folder.

    source : a name of `DATASETS`, a .csv, .tsv, .jsonl, .ts or .arff (also .gz), a .parquet or .npz, or a folder,
        .zip or .tar(.gz) with one subfolder of images or recordings for each class, or with such a file
        In memory: a pandas or polars frame with its label; (X, y) of a frame, arrays, tensors, texts or pictures of
        PIL; a list of (x, label); a data set or loader of torch
    test : a second file (or a second of what is in memory) of the same form, to measure with; 15 % of the rows otherwise
    text_column : the column that holds text, which makes a .csv a text data set; found by itself where
        the label stands beside sentences only, or with modality="text"; of pairs of texts both columns,
        "premise,hypothesis"
    label_column : the column to predict; "label", or else the last one without sentences, when None; "" of
        texts without labels, which can be explained and not learned from
    classes : the labels in the order wanted, or for numbers other names, in sorted order; of sessions the items and
        of pairs the tokens of a model (`model.task.tokens`), in its order
    task : "classification" or "regression"; numbers of more than 20 different values in a table
        are a regression when None. "detection" reads a folder (or .zip) of pictures with .xml of Pascal VOC, .txt
        of YOLO or a .json of COCO; "segmentation" one with `images/` and `masks/` of the same names. "recommendation" reads
         a .csv of the columns session, item and time; "sequence_to_sequence" one of the columns source and target, or
         of text_column and label_column; "generation" takes any pictures, to be made by a generator
    modality : of an .npz: "image", "series", "table" or another whose samples are numbers; found
        from its shape when None; "series" reads recordings as waves
    channels : of an .npz of series: "first" (N, C, L) or "last" (N, L, C); the longer axis is time
        when None
    size : side, or (height, width), that images of a folder are scaled to, or the function of a model
        that brings (H, W, C) in [0, 1] to what it reads; of series and recordings the number of steps that
        each is cut or filled to
    language : BCP 47 tag of text; "ko" where most letters are Hangul, otherwise "en", when None
    columns : of a .csv the columns to read beside the label, all when None
    drop : of a .csv columns to leave out, for example an identifier
    missing : of a .csv "refuse" ends at the first empty cell and says how many rows have one, "drop" leaves
        these rows out, "keep" gives them as NaN to models that read missing values; `facts` says how many
    encoding : of a file of text, for example "cp1252"; UTF-8, UTF-16, cp949 and cp1252 are found out when None
    decimal : of a .csv "," or "."; found out when None where the commas of numbers can mean one thing only
    group : rows of one group are never both learned from and measured: a column of a table, which is then no
        input, or what an index or the names of recordings say, for example "speaker"
    noted : a column that is no input; what it says of a row stands in the `meta` of its sample, whatever it is
    names : of recordings, what their file names say, for example "{label}_{speaker}_{take}"
    horizon, lags : of a .csv in the order of time: so many steps are forecast from so many before; of every
        column of numbers, or of `label_column`. Splits go forward in time
    period : steps after which things repeat, for the removal and the simple answers beside a forecast
    seed : of the built-in data or of the splits

    How a file was read stands in `facts["form"]`.

    Raises `DataError` naming the file, row or column that cannot be used.

    >>> data = load_data("wine")
    >>> len(data.train), len(data.test), data.columns[0].name
    (124, 27, 'alcohol')
    """
    if task == "generation":
        return latents_of(load_data(**{**locals(), "task": None}), seed=seed)
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
        encoding=encoding,
        decimal=decimal,
        group=group,
        noted=noted,
        names=names,
        seed=seed,
    )
    known(encoding)
    if missing not in get_args(Missing):
        raise InvalidInput(f"missing is '{missing}'; use {', '.join(get_args(Missing))}.")
    given = options.size
    if isinstance(given, tuple) and (min(given) < 1 or math.prod(given) > MOST_SIZE):
        raise InvalidInput(
            f"size is {given}; give a side, or (height, width), of at most {MOST_SIZE} pixels."
        )
    if is_held(source):
        if names is not None:
            raise InvalidInput("names is for folders and archives of recordings; leave it out.")
        return _held(source, test, options)
    if not isinstance(source, (str, os.PathLike)):
        raise DataError(
            f"a {type(source).__name__} was given; give a name, a path, a frame, (X, y) or a data set of torch."
        )
    path = Path(source)
    apart = {"group": group, "names": names}
    told = next((name for name, value in apart.items() if value is not None), "")
    if told and (task in OF_TASKS or horizon is not None):
        raise InvalidInput(f"{told} does not go with a {task or 'forecast'}; leave it out.")
    if str(source) in DATASETS:
        if test is not None or options != Options(seed=seed):
            raise InvalidInput(
                f"the built-in data set '{source}' takes a seed only; options are for files."
            )
        return DATASETS.get(str(source))(seed)
    if task is not None and task in OF_TASKS:
        if test is not None:
            where = "a folder 'test'" if task in ANNOTATED else "the file itself"
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
        _require_forecast(options, test)
        windows = Windows(horizon=horizon, lags=lags, period=period)
        return read_forecasts(
            path, windows, target=label_column, drop=tuple(drop), encoding=encoding, decimal=decimal
        )
    other = None if test is None else Path(test)
    if other is not None and _reader(other) is not read:
        raise DataError(f"the test data '{other.name}' must have the form of '{path.name}'.")
    _require_columns(read, options)
    rows = read(path, other, options)
    return assemble(
        rows, options, name=_name(path), source=path.name, language=_language(rows, options)
    )


def _require_forecast(options: Options, test: Any) -> None:
    """`InvalidInput` for what is said and would not be heard."""
    read = ("label_column", "drop", "encoding", "decimal", "seed", "language")
    held = [f.name for f in fields(Options) if f.name not in read]
    others = [n for n in held if getattr(options, n) != getattr(Options(), n)]
    told = [*(["test"] if test is not None else []), *others]
    if told:
        raise InvalidInput(
            f"a forecast is read and measured in one file, in the order of time; leave {', '.join(told)} out."
        )


def _held(source: Any, test: Any, options: Options) -> Dataset:
    """The data set of what is in memory."""
    names = getattr(getattr(source, "dataset", source), "classes", None)
    if options.classes is None and isinstance(names, (list, tuple)):  # as torchvision's have them
        options = replace(options, classes=tuple(map(str, names)))
    rows = rows_held(source, test, options)
    return assemble(
        rows, options, name="data", source="data in memory", language=_language(rows, options)
    )


def _require_columns(read: Reader, options: Options) -> None:
    """`InvalidInput` where columns are named of what has none, or recordings where there are none."""
    if options.names is not None and read is not read_many:
        raise InvalidInput("names is for folders and archives of recordings; leave it out.")
    named = {"columns": options.columns, "drop": options.drop, "missing": options.missing}
    given = [name for name, value in named.items() if value != getattr(Options(), name)]
    if given and read not in (read_csv, read_jsonl, read_parquet, read_arff, read_many):
        raise InvalidInput(
            f"{given[0]} is for .csv, .tsv, .jsonl, .parquet and .arff files; leave it out."
        )


def read_many(path: Path, test: Path | None, options: Options) -> Rows:
    """A folder or an archive: images or recordings in class folders, or one file of data (or train and test)."""
    places = {part: p for part, p in (("", path), ("test", test)) if p is not None}
    held = {part: (p.name, files_in(p)) for part, p in places.items()}
    for endings, beside, rows_of in ((ENDINGS, (), picture_rows), (SOUNDS, INDEXES, sound_rows)):
        found = {
            part: (name, {p: r for p, r in files.items() if _ending(p[-1]) in endings})
            for part, (name, files) in held.items()
        }
        if all(files for _, files in found.values()):
            if options.names is not None and rows_of is not sound_rows:
                raise InvalidInput("names is for recordings and these are pictures; leave it out.")
            for part, (name, files) in held.items():
                index = {p: r for p, r in files.items() if p[-1].lower() in beside}
                found[part] = (name, {**found[part][1], **index})
            return rows_of(found, options)
    return _read_inside(held, options)


def _read_inside(held: Mapping[str, tuple[str, Files]], options: Options) -> Rows:
    """Files of data inside: written, one by one and under names of our own, to a place that goes again."""
    chosen: dict[str, tuple[str, Callable[[], bytes]]] = {}
    for part, (name, files) in held.items():
        data = {p: read for p, read in files.items() if _ending(p[-1]) in FILES}
        if len(held) == 1 and len(data) == 2:
            stems = {PurePosixPath(p[-1]).name.split(".")[0].lower(): p for p in data}
            if set(stems) == {"train", "test"}:
                chosen = {
                    "": (stems["train"][-1], data[stems["train"]]),
                    "test": (stems["test"][-1], data[stems["test"]]),
                }
                continue
        if len(data) != 1:
            told = (
                short(", ".join("/".join(p) for p in data), 200)
                or "no images, recordings or file of data"
            )
            raise DataError(
                f"'{name}' holds {told}; put images or recordings in one subfolder for each class, or give one file of data."
            )
        chosen[part] = next((p[-1], read) for p, read in data.items())
    with tempfile.TemporaryDirectory(prefix="xaikit-") as place:
        paths = {
            part: _written(Path(place) / (part or "train"), name, read())
            for part, (name, read) in chosen.items()
        }
        try:
            return _read_as_given(paths[""], paths.get("test"), options)
        except DataError as error:
            raise DataError(f"in '{held[''][0]}': {error}") from error


def _read_as_given(path: Path, other: Path | None, options: Options) -> Rows:
    read = _reader(path)
    if other is not None and _reader(other) is not read:
        raise DataError(f"the test data '{other.name}' must have the form of '{path.name}'.")
    _require_columns(read, options)
    return read(path, other, options)


def _written(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir()
    path = folder / file_name(name.removesuffix(_ending(name)), _ending(name))
    path.write_bytes(data)
    return path


def _ending(name: str) -> str:
    """.csv of a.csv, also of a.csv.gz."""
    suffix = Path(name).suffix.lower()
    inner = Path(name[:-3]).suffix.lower()
    return inner if suffix == ".gz" and inner in GZIPPED else suffix


def _require_there(path: Path) -> None:
    if not os.path.exists(path):
        raise DataError(f"there is no file or folder '{path}'{_near(path)}")


def _reader(path: Path) -> Reader:
    """The reader of an existing path; otherwise what is wrong with it."""
    if os.path.isdir(path):  # which is false, and no error, for a name that cannot be
        return read_many
    suffix = _ending(path.name)
    if os.path.islink(path) and not os.path.exists(path):
        raise DataError(f"'{path}' is a link that leads to no file; give the file itself.")
    if not os.path.exists(path):
        if suffix in (*FILES, *ARCHIVES) or len(path.parts) > 1:
            raise DataError(f"there is no file or folder '{path}'{_near(path)}")
        DATASETS.get(str(path))  # raises, with the names that are near
    if not path.is_file():
        raise DataError(f"'{path}' is no plain file; give a file or a folder.")
    if suffix in PICKLES:
        raise DataError(
            f"'{path.name}' is not read, as such files can run code; where you trust it, {PICKLES[suffix]}."
        )
    if suffix not in (*FILES, *ARCHIVES):
        raise DataError(
            f"'{path.name}' is no kind of file that is read; use {', '.join(FILES)}, "
            f"{', '.join(ARCHIVES)}, .tar.gz, .csv.gz or a folder of images or recordings."
        )
    if path.stat().st_size == 0:
        raise DataError(f"'{path.name}' is empty; give it a header and rows.")
    return FILES.get(suffix, read_many)


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
