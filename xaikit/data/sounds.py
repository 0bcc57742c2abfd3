"""Folders (or archives) of recordings, .wav files or others by soundfile, whose class their folder, their name or
an index says."""

from __future__ import annotations

import csv
import io
import re
import struct
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.files import Origin, parse_json, short
from xaikit.core.sound import LOUDEST, spectrum
from xaikit.data.archives import Files
from xaikit.data.pictures import sorted_files
from xaikit.data.rows import Options, Rows
from xaikit.data.steps import SPARE, Track, series_rows

__all__ = ["INDEXES", "SOUNDS", "sound_rows"]

WAVS = frozenset({".wav", ".wave"})
SOUNDS = WAVS | {".flac", ".ogg", ".mp3"}
INDEXES = ("index.csv", "index.json")
UNKNOWN = b"\xff\xff\xff\xff"  # length of a recording that was written as it came
USUAL = 0.95  # of the recordings are no longer than the length that is kept
SIDES = {1: ("sound",), 2: ("left", "right")}


@dataclass(frozen=True, eq=False)
class Recording:
    """One file, and what is known of it beside its class and part."""

    id: str
    path: tuple[str, ...]
    label: str
    part: str
    noted: Mapping[str, str]


def sound_rows(found: Mapping[str, tuple[str, Files]], options: Options) -> Rows:
    """Recordings as sounds (F, T, 2), or with modality="series" as waves (L, C) in [-1, 1].

    found : part ("" or "test") -> name of the source and its files: `<class>/<recording>.wav`, below `train/` and
        `test/` where the splits are given; or recordings whose class stands in `index.csv` or `index.json` (file,
        label, and more), or in their names. All need one sample rate; of several lengths `size` says how many steps
        are kept, silence behind the end of short ones
    """
    tracks: list[Track] = []
    noted: list[Mapping[str, str]] = []
    rates: dict[int, str] = {}
    source = next(iter(found.values()))[0]
    left = SPARE
    for part, (name, files) in found.items():
        for one in _recordings(files, name, part, len(found) > 1, options):
            origin = Origin(
                f"'{'/'.join(one.path)}' in '{name}'", DataError, "replace or remove it"
            )
            read = _read if Path(one.path[-1]).suffix.lower() in WAVS else _decoded
            rate, x = read(files[one.path](), origin)
            left -= x.nbytes
            if left < 0:
                raise origin.wrong(f"brings more than {SPARE >> 20} MB of sound")
            tracks.append(Track(one.id, x, one.label, one.part))
            noted.append(one.noted)
            rates.setdefault(rate, "/".join(one.path))
    if len(rates) > 1:
        (a, first), (b, second) = list(rates.items())[:2]
        raise DataError(
            f"'{second}' in '{source}' has {b} samples a second and '{first}' {a}; bring all to one rate."
        )
    rate = next(iter(rates), 0)
    series = options.modality == "series"
    if not series and tracks:
        lengths = [len(t.x) for t in tracks]
        usual = int(np.quantile(lengths, USUAL, method="higher"))
        size = options.size if isinstance(options.size, tuple) else (usual, usual)
        options = replace(options, size=size)
        tracks = [replace(t, x=t.x.mean(axis=1, keepdims=True)) for t in tracks]
    channels = tracks[0].x.shape[1] if tracks else 1
    form, sides = ("wav", f"{rate} Hz"), SIDES.get(channels)
    rows = series_rows(tracks, options, source, fill="zero", form=form, channels=sides)
    if series:
        return replace(rows, metas=noted)
    room = 2 * sum(x.nbytes for x in rows.xs)
    if room > SPARE:
        raise DataError(
            f"'{source}' as {len(tracks)} sounds takes more than {SPARE >> 20} MB; give a smaller size= (--size), "
            "or fewer sounds."
        )
    return replace(
        rows,
        modality="audio",
        xs=[spectrum(x[:, 0], rate) for x in rows.xs],
        columns=(),
        metas=[{**meta, "rate": rate} for meta in noted],
    )


def _recordings(
    files: Files, source: str, part: str, given: bool, options: Options
) -> Iterator[Recording]:
    """Each recording, with the class that an index, its name or its folder says."""
    sounds = {path: read for path, read in files.items() if path[-1].lower() not in INDEXES}
    index = _index(files, source)
    if index is None and options.names is None:
        for one in sorted_files(sounds, source, part, given):
            id = f"{one.part}/{one.id}" if given else one.id
            yield Recording(id, one.path, one.label, one.part, {})
        return
    pattern = None if options.names is None else _pattern(options.names)
    column = options.label_column or "label"
    for path in sounds:
        file = "/".join(path)
        row: Mapping[str, str] | None = (
            {} if index is None else index.get(file, index.get(path[-1]))
        )
        named = None if pattern is None else pattern.fullmatch(Path(path[-1]).stem)
        if row is None:
            continue  # an index says which recordings are meant
        if pattern is not None and named is None:
            raise DataError(
                f"'{file}' in '{source}' is not named like '{options.names}'; rename it or give other names."
            )
        noted = {**(named.groupdict() if named else {}), **row}
        if not noted.get(column, "").strip():
            raise DataError(
                f"'{file}' in '{source}' says no '{column}', only {short(', '.join(k for k in noted if noted[k])) or 'nothing'}; name the "
                "class in names, or in the index."
            )
        own = part or ("train" if given else "")
        id = f"{own}/{file}" if given else file
        label = noted.pop(column)
        yield Recording(id, path, label, own, noted)


def _pattern(names: str) -> re.Pattern[str]:
    """What a file's name must look like, "{label}_{speaker}_{take}"."""
    parts = re.split(r"\{([A-Za-z]\w*)\}", names, flags=re.ASCII)
    if len(parts) < 3 or len(set(parts[1::2])) < len(parts[1::2]):
        raise InvalidInput(
            f"names is '{names}'; write what a file's name says, each once, for example "
            "'{label}_{speaker}_{take}'."
        )
    words = [f"(?P<{w}>.+?)" if i % 2 else re.escape(w) for i, w in enumerate(parts)]
    return re.compile("".join(words))


def _index(files: Files, source: str) -> dict[str, dict[str, str]] | None:
    """File -> what `index.csv` or `index.json` says of it; None without one."""
    path = next((path for path in files if path[-1].lower() in INDEXES), None)
    if path is None:
        return None
    origin = Origin(f"'{'/'.join(path)}' in '{source}'", DataError, "make it anew")
    raw = files[path]()
    try:
        if path[-1].lower().endswith(".json"):
            rows: Any = parse_json(raw, origin)
        else:
            rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        found = {
            str(row["file"]): {k: str(v) for k, v in row.items() if k != "file"} for row in rows
        }
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise origin.wrong(
            f"is no list of recordings with a 'file' and a 'label' each ({short(error)})"
        ) from error
    if len(found) < len(rows):
        twice = next(n for n, k in Counter(str(row["file"]) for row in rows).items() if k > 1)
        raise origin.wrong(f"names '{short(twice)}' more than once")
    return found


def _decoded(raw: bytes, origin: Origin) -> tuple[int, NDArray[np.float32]]:
    """The same of a compressed recording, by soundfile."""
    try:
        import soundfile
    except ImportError as error:
        raise origin.wrong(
            "is compressed and soundfile, which reads it, is not installed (pip install 'xaikit[audio]')"
        ) from error
    try:
        with soundfile.SoundFile(io.BytesIO(raw)) as file:
            x = file.read(SPARE // 4 // file.channels, dtype="float32", always_2d=True)
            rate, whole = int(file.samplerate), len(x) == file.frames
    except (RuntimeError, ValueError, TypeError) as error:  # soundfile's own is a RuntimeError
        raise origin.wrong(f"cannot be read as a recording ({error})") from error
    if x.size == 0 or rate < 1:
        raise origin.wrong("holds no sound")
    if not whole:
        raise origin.wrong(f"brings more than {SPARE >> 20} MB of sound, or ends early")
    return rate, x


def _read(raw: bytes, origin: Origin) -> tuple[int, NDArray[np.float32]]:
    """Samples a second, and (L, C) in [-1, 1]: whole numbers as shares of the largest."""
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")  # of chunks that hold no sound, too
            rate, x = wavfile.read(io.BytesIO(raw))
    except (
        ValueError,
        EOFError,
        OSError,
        struct.error,
        MemoryError,
        OverflowError,
        ZeroDivisionError,
        TypeError,
        AttributeError,
        UnboundLocalError,
        IndexError,
        KeyError,
    ) as error:
        raise origin.wrong(
            f"cannot be read as a recording ({error or type(error).__name__})"
        ) from error
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.size == 0 or rate < 1:
        raise origin.wrong("holds no sound")
    if raw[4:8] != UNKNOWN and any("prematurely" in str(one.message) for one in told):
        raise origin.wrong("ends early")
    if x.dtype.kind == "f":
        if np.abs(x[np.isfinite(x)]).max(initial=0.0) > LOUDEST:
            raise origin.wrong(
                f"holds numbers up to {np.nanmax(np.abs(x)):.4g} where 1 is the loudest"
            )
        with np.errstate(over="ignore"):
            return int(rate), x.astype(np.float32)
    middle, full = (128, 128) if x.dtype == np.uint8 else (0, -float(np.iinfo(x.dtype).min))
    return int(rate), ((x.astype(np.float64) - middle) / full).astype(np.float32)
