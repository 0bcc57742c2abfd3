"""The folder of a model, and its config.json taken field by field, every value checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from xaikit.core.errors import ModelError
from xaikit.core.files import read_json, short
from xaikit.core.folders import Folder

__all__ = ["MODELS", "Fields", "read_config"]

MODELS = Folder("model", "config.json", ModelError)
_MOST_BYTES = 1 << 26  # of a config: the largest vocabulary needs 1 MB


@dataclass(frozen=True)
class Fields:
    """Values by name out of a JSON object; each is checked when it is taken, and `ModelError` names
    the file, the field and the rule."""

    path: Path
    values: Mapping[str, Any]

    def wrong(self, name: str, rule: str) -> ModelError:
        held = short(repr(self.values.get(name)))
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

    def choice(self, name: str, known: Iterable[str]) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or value not in known:
            raise self.wrong(name, f"one of {', '.join(known)}")
        return value

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


def read_config(folder: Path) -> Fields:
    """The config of a model folder."""
    path = MODELS.file(folder, MODELS.cover)
    values = read_json(path, MODELS.origin(path), _MOST_BYTES)
    if not isinstance(values, dict):
        raise MODELS.origin(path).wrong("holds no JSON object")
    return Fields(path, values)


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
