"""Builds a dataclass from what a file holds, with every field held against its annotation."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np

from xaikit.core.files import short

__all__ = ["build", "fits", "plain"]

T = TypeVar("T")


def build(kind: type[T], values: Any) -> T:
    """An instance of a dataclass from its fields by name; null stands for a float that is NaN, and a
    list for a tuple.

    Raises `TypeError` naming the class and the field where one is missing, unknown or of another
    type.
    """
    fields = _fields(kind)  # type: ignore[arg-type] # a class has a hash
    if not isinstance(values, dict):
        raise TypeError(f"{kind.__name__} is {short(repr(values))}, no object")
    given = {name: _read(value, fields.get(name)) for name, value in values.items()}
    for name, value in given.items():
        if name not in fields:
            raise TypeError(f"{kind.__name__} has no '{short(name)}'")
        if not fits(value, fields[name]):
            raise TypeError(f"{kind.__name__}.{name} is {short(repr(value))}")
    return kind(**given)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated type, its items too; an int is a float, a bool is neither,
    and a list may stand for a tuple."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if is_typeddict(kind):
        return isinstance(value, dict) and _keys_fit(value, kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and _is_of(value, inner[1])
    if origin is tuple:
        return isinstance(value, (tuple, list)) and _items_fit(value, inner)
    if origin is list and inner[0] is float:  # of which there may be very many
        return isinstance(value, list) and {*map(type, value)} <= {int, float}
    if origin is list:
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    if origin is frozenset:
        return isinstance(value, frozenset) and all(fits(item, inner[0]) for item in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(fits(v, inner[1]) for v in value.values())
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def plain(value: Any) -> Any:
    """JSON-able copy; NaN becomes null, arrays become lists."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = _hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _read(value: Any, kind: Any) -> Any:
    if value is None and kind is float:
        return float("nan")
    if isinstance(value, list) and any(get_origin(k) is tuple for k in (kind, *get_args(kind))):
        return tuple(float("nan") if item is None else item for item in value)
    return value


def _keys_fit(value: dict[str, Any], kind: Any) -> bool:
    """Whether a typed dictionary has its keys; others may be there."""
    hints = _hints(kind)
    return kind.__required_keys__ <= value.keys() and all(
        fits(value[name], hints[name]) for name in hints.keys() & value.keys()
    )


def _items_fit(value: Sequence[Any], inner: tuple[Any, ...]) -> bool:
    if inner[1:] == (...,):
        return all(fits(item, inner[0]) for item in value)
    return len(value) == len(inner) and all(map(fits, value, inner))


def _is_of(value: Any, dtype: Any) -> bool:
    (wanted,) = get_args(dtype)
    return wanted is Any or value.dtype == np.dtype(wanted)
