"""A model's config.json: written from what a model is, read with every value checked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from xaikit.core.errors import ModelError
from xaikit.models.inputs import Columns, Inputs, Pixels, Steps
from xaikit.models.text import Words

__all__ = ["Fields", "read_config", "read_inputs"]

_MOST_BYTES = 1 << 26  # of a config: the largest vocabulary needs 1 MB
_MOST_PLACES = 1 << 24  # values of one input
_MOST_WORDS = 1 << 20
_MOST_CATEGORIES = 10_000


@dataclass(frozen=True)
class Fields:
    """Values by name out of a JSON object; each is checked when it is taken, and `ModelError` names
    the file, the field and the rule."""

    path: Path
    values: Mapping[str, Any]

    def wrong(self, name: str, rule: str) -> ModelError:
        held = repr(self.values.get(name))
        held = held if len(held) < 60 else held[:57] + "..."
        return ModelError(f"{self.path}: {name} is {held}; it must be {rule}.")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > 1000:
            raise self.wrong(name, "a short text")
        return value

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.wrong(name, "a list of texts")
        if len(value) > most or len(set(value)) < len(value):
            raise self.wrong(name, f"a list of at most {most} different texts")
        return tuple(value)

    def whole(self, name: str, low: int, high: int) -> int:
        value = self.values.get(name)
        if not (_is_whole(value) and low <= value <= high):
            raise self.wrong(name, f"a whole number from {low} to {high}")
        return value

    def wholes(self, name: str, low: int, high: int, n: int | None = None) -> tuple[int, ...]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(_is_whole(v) and low <= v <= high for v in value):
            raise self.wrong(name, f"a list of whole numbers from {low} to {high}")
        if n is not None and len(value) != n:
            raise self.wrong(name, f"a list of {n}")
        return tuple(value)

    def number(self, name: str, above: float = -math.inf) -> float:
        value = self.values.get(name)
        if not (_is_finite(value) and value > above):
            raise self.wrong(name, "a finite number" + (f" above {above:g}" if above == 0 else ""))
        return float(value)

    def numbers(self, name: str, n: int, above: float = -math.inf) -> tuple[float, ...]:
        value = self.values.get(name)
        if not isinstance(value, list) or len(value) != n:
            raise self.wrong(name, f"a list of {n} numbers")
        if not all(_is_finite(v) and v > above for v in value):
            raise self.wrong(name, "finite numbers" + (f" above {above:g}" if above == 0 else ""))
        return tuple(float(v) for v in value)

    def object(self, name: str) -> dict[str, Any]:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return value


def read_config(path: Path) -> Fields:
    """The config of a model folder."""
    if not path.is_file():
        raise ModelError(f"{path.parent} is no model folder: {path.name} is missing.")
    if path.stat().st_size > _MOST_BYTES:
        raise ModelError(f"{path} is larger than {_MOST_BYTES >> 20} MB; it is no model's config.")
    try:
        values = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON ({error}); save the model again.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds no JSON object; save the model again.")
    return Fields(path, values)


def read_inputs(path: Path, values: Mapping[str, Any]) -> Inputs:
    """The preprocessing that a config describes."""
    fields = Fields(path, values)
    readers: dict[Any, Callable[[Fields], Inputs]] = {
        "pixels": _pixels,
        "columns": _columns,
        "steps": _steps,
        "words": _words,
    }
    reader = readers.get(values.get("kind"))
    if reader is None:
        raise fields.wrong("kind", f"one of {', '.join(readers)}")
    return reader(fields)


def _pixels(fields: Fields) -> Pixels:
    height, across, channels = _shape(fields, 3)
    mean, std = fields.numbers("mean", channels), fields.numbers("std", channels, above=0)
    return Pixels((height, across, channels), mean, std)


def _steps(fields: Fields) -> Steps:
    length, channels = _shape(fields, 2)
    mean, std = fields.numbers("mean", channels), fields.numbers("std", channels, above=0)
    return Steps((length, channels), mean, std)


def _columns(fields: Fields) -> Columns:
    categories = fields.wholes("categories", 0, _MOST_CATEGORIES)
    n = len(categories)
    return Columns(fields.numbers("mean", n), fields.numbers("std", n, above=0), categories)


def _words(fields: Fields) -> Words:
    vocabulary = fields.texts("vocabulary", _MOST_WORDS)
    return Words(vocabulary, fields.whole("n_buckets", 1, _MOST_WORDS))


def _shape(fields: Fields, n: int) -> tuple[int, ...]:
    shape = fields.wholes("shape", 1, _MOST_PLACES, n)
    if math.prod(shape) > _MOST_PLACES:
        raise fields.wrong("shape", f"at most {_MOST_PLACES} values in all")
    return shape


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
