"""How a net out of a folder of Hugging Face reads pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from xaikit.core.errors import ModelError
from xaikit.core.files import short
from xaikit.models.huggingface_files import json_of
from xaikit.models.huggingface_text import Reading
from xaikit.models.inputs import PixelEncoder

__all__ = ["pixels_of"]

_MOST = 1_000_000  # of a side


def pixels_of(folder: Path, net: nn.Module, config: Any) -> Reading:
    del net
    facts = json_of(folder, "preprocessor_config.json")
    channels = int(getattr(config, "num_channels", 3))
    size = _size(facts, config, folder)
    mean, std = (0.0,) * channels, (1.0,) * channels
    if facts.get("do_normalize", True):
        mean, std = (_numbers(facts, key, channels, folder) for key in ("image_mean", "image_std"))
    inputs = PixelEncoder((*size, channels), mean, std)
    return Reading("image", inputs, inputs.example(), "first", {"size": size})


def _size(facts: Mapping[str, Any], config: Any, folder: Path) -> tuple[int, int]:
    """Height and width of the pictures that the net reads."""
    cropped = facts.get("crop_size") if facts.get("do_center_crop") else None
    given = cropped or facts.get("size") or getattr(config, "image_size", None)
    if isinstance(given, Mapping):
        side = given.get("shortest_edge")
        given = (given.get("height", side), given.get("width", side))
    if isinstance(given, int):
        given = (given, given)
    if not (isinstance(given, (tuple, list)) and len(given) == 2) or not all(
        isinstance(n, int) and 0 < n < _MOST for n in given
    ):
        raise ModelError(
            f"'{folder}' does not say how large its pictures are; mend 'size' in its preprocessor_config.json."
        )
    return given[0], given[1]


def _numbers(facts: Mapping[str, Any], key: str, n: int, folder: Path) -> tuple[float, ...]:
    """One finite number a channel; above 0 where it is divided by."""
    given = facts.get(key)
    if not (
        isinstance(given, list)
        and len(given) == n
        and all(type(v) in (int, float) and math.isfinite(v) for v in given)
        and (key != "image_std" or min(given) > 0)
    ):
        raise ModelError(
            f"'{folder}': {key} is {short(given)}; {n} numbers are needed, one a channel, and what is divided "
            "by is above 0."
        )
    return tuple(float(v) for v in given)
