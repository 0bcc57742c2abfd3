"""The preprocessing that a model's config.json describes, every value checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xaikit.core.sound import mel_bank
from xaikit.models.audio import MelEncoder, WaveEncoder
from xaikit.models.fields import Fields
from xaikit.models.grids import PixelEncoder, VideoEncoder
from xaikit.models.inputs import ColumnEncoder, Inputs, StepEncoder
from xaikit.models.text import WordEncoder

__all__ = ["read_inputs"]

_MOST_PLACES = 1 << 24  # values of one input
_MOST_WORDS = 1 << 20
_MOST_CATEGORIES = 10_000


def read_inputs(path: Path, values: Mapping[str, Any]) -> Inputs:
    """The preprocessing that a config describes."""
    fields = Fields(path, values)
    readers: dict[str, Callable[[Fields], Inputs]] = {
        "pixels": _pixels,
        "columns": _columns,
        "steps": _steps,
        "words": _words,
        "frames": _frames,
        "sound": _sound,
    }
    return readers[fields.choice("kind", readers)](fields)


def _pixels(fields: Fields) -> PixelEncoder:
    height, across, channels = _shape(fields, 3)
    mean, std = fields.numbers("mean", channels), fields.numbers("std", channels, above=0)
    return PixelEncoder((height, across, channels), mean, std)


def _frames(fields: Fields) -> VideoEncoder:
    length, height, across, channels = _shape(fields, 4)
    mean, std = fields.numbers("mean", channels), fields.numbers("std", channels, above=0)
    return VideoEncoder((length, height, across, channels), mean, std)


def _sound(fields: Fields) -> WaveEncoder:
    n_bins, length, two = _shape(fields, 3)
    if two != 2 or not 33 <= n_bins <= 1 << 15:
        raise fields.wrong("shape", "frequencies, times and 2")
    if "rate" not in fields.values:  # of a net that hears the wave
        scales = fields.numbers("mean", 1), fields.numbers("std", 1, above=0)
        return WaveEncoder((n_bins, length, two), *scales)
    rate = fields.whole("rate", 1, 1 << 32)
    n = len(mel_bank(n_bins, rate))
    mean, std = fields.numbers("mean", n), fields.numbers("std", n, above=0)
    return MelEncoder((n_bins, length, two), mean, std, rate)


def _steps(fields: Fields) -> StepEncoder:
    length, channels = _shape(fields, 2)
    mean, std = fields.numbers("mean", channels), fields.numbers("std", channels, above=0)
    return StepEncoder((length, channels), mean, std)


def _columns(fields: Fields) -> ColumnEncoder:
    categories = fields.wholes("categories", 0, _MOST_CATEGORIES)
    n = len(categories)
    return ColumnEncoder(fields.numbers("mean", n), fields.numbers("std", n, above=0), categories)


def _words(fields: Fields) -> WordEncoder:
    vocabulary = fields.texts("vocabulary", _MOST_WORDS)
    return WordEncoder(vocabulary, fields.whole("n_buckets", 1, _MOST_WORDS))


def _shape(fields: Fields, n: int) -> tuple[int, ...]:
    shape = fields.wholes("shape", 1, _MOST_PLACES, n)
    if math.prod(shape) > _MOST_PLACES:
        raise fields.wrong("shape", f"at most {_MOST_PLACES} values in all")
    return shape
