"""Folders (or archives) of recordings: one subfolder of .wav files, or others by soundfile, for each class."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import Origin
from xaikit.data.archives import Files
from xaikit.data.pictures import sorted_files
from xaikit.data.rows import Options, Rows
from xaikit.data.steps import SPARE, Track, series_rows

__all__ = ["SOUNDS", "sound_rows"]

WAVS = frozenset({".wav", ".wave"})
SOUNDS = WAVS | {".flac", ".ogg", ".mp3"}
SIDES = {1: ("sound",), 2: ("left", "right")}


def sound_rows(found: Mapping[str, tuple[str, Files]], options: Options) -> Rows:
    """`<class>/<recording>.wav`, below `train/` and `test/` where the splits are given, as series (L, C) in [-1, 1].

    found : part ("" or "test") -> name of the source and its files. All recordings need one sample rate; of
    several lengths `size` says how many steps are kept, silence behind the end of short ones.
    """
    tracks: list[Track] = []
    rates: dict[int, str] = {}
    source = next(iter(found.values()))[0]
    left = SPARE
    for part, (name, files) in found.items():
        for one in sorted_files(files, name, part, given=len(found) > 1):
            origin = Origin(f"'{one.id}' in '{name}'", DataError, "replace or remove it")
            read = _read if Path(one.path[-1]).suffix.lower() in WAVS else _decoded
            rate, x = read(files[one.path](), origin)
            left -= x.nbytes
            if left < 0:
                raise origin.wrong(f"brings more than {SPARE >> 20} MB of sound")
            id = one.id if len(found) == 1 else f"{one.part}/{one.id}"
            tracks.append(Track(id, x, one.label, one.part))
            rates.setdefault(rate, one.id)
    if len(rates) > 1:
        (a, first), (b, second) = list(rates.items())[:2]
        raise DataError(
            f"'{second}' in '{source}' has {b} samples a second and '{first}' {a}; bring all to one rate."
        )
    channels = tracks[0].x.shape[1] if tracks else 1
    form = ("wav", f"{next(iter(rates), 0)} Hz")
    return series_rows(
        tracks, options, source, fill="zero", form=form, channels=SIDES.get(channels)
    )


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of chunks that hold no sound
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
    if x.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return int(rate), x.astype(np.float32)
    middle, full = (128, 128) if x.dtype == np.uint8 else (0, -float(np.iinfo(x.dtype).min))
    return int(rate), ((x.astype(np.float64) - middle) / full).astype(np.float32)
