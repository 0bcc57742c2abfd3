"""NPZ files: images, series or table rows as arrays; nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, read_arrays, short
from xaikit.core.sample import MODALITIES, Modality
from xaikit.data.dataset import Column
from xaikit.data.rows import Options, Rows

__all__ = ["array_rows", "read_npz"]

Arrays = Mapping[str, NDArray[Any]]
MEMORY = "(X, y)"
PARTS = ("train", "val", "test")
SPARE = 1 << 26  # bytes that any file may unpack to; bytes of a picture become four times as many


def read_npz(path: Path, test: Path | None, options: Options) -> Rows:
    """Arrays X and y, or X_train, y_train, X_test, y_test (also X_val, y_val).

    Images: (N, H, W) or (N, H, W, C) or (N, C, H, W) with C of 1 or 3, whole numbers 0 to 255 or
    floats 0 to 1. Series: (N, L), (N, C, L) or (N, L, C), the longer axis being time. Three axes
    are images when they hold bytes and series otherwise. Videos: (N, T, H, W, C). `modality` and
    `channels` say it openly.
    Optional names: `classes`, and `columns` of channels or columns.
    """
    stored = _open(path)
    found = _parts(stored, path.name)
    if test is not None:
        other = _parts(_open(test), test.name)
        found = {"train": next(iter(found.values())), "test": list(other.values())[-1]}
    return _rows(stored, found, options, path.name)


def array_rows(arrays: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], options: Options) -> Rows:
    """Arrays in memory, as a file would hold them, part -> (X, y); two axes are a table unless it is said."""
    stored = {
        f"{name}_{part}" if part else name: array
        for part, held in arrays.items()
        for name, array in zip("Xy", held, strict=True)
    }
    found = _parts(stored, MEMORY)
    flat = options.modality is None and all(x.ndim == 2 for x, _ in found.values())
    return _rows(stored, found, replace(options, modality="table") if flat else options, MEMORY)


def _rows(
    stored: Arrays,
    found: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    options: Options,
    file: str,
) -> Rows:
    modality = options.modality or _modality(next(iter(found.values()))[0], file)
    kind = MODALITIES.get(modality)
    xs, labels, ids, parts = [], [], [], []
    for part, (x, y) in found.items():
        xs += list(_shaped(x, kind, options, file))
        labels.append(y)
        ids += [f"{part or 'row'}-{i + 1}" for i in range(len(x))]
        parts += [part] * len(x)
    shapes = {x.shape for x in xs}
    if len(shapes) > 1:
        raise DataError(
            f"'{file}' has rows of the shapes {' and '.join(map(str, sorted(shapes)))}; all parts "
            "need one."
        )
    return Rows(
        modality=modality,
        ids=ids,
        xs=xs,
        labels=np.concatenate(labels),
        parts=parts,
        columns=_columns(stored, kind, xs[0].shape[-1], file),
        classes=tuple(_names(stored, "classes", file)) or None,
    )


def _open(path: Path) -> Arrays:
    return read_arrays(
        path, Origin(f"'{path.name}'", DataError, "write it with numpy.savez"), SPARE
    )


def _parts(stored: Arrays, file: str) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Part -> (x, y), checked; the part is "" for plain X and y."""
    by_name = {name.lower(): array for name, array in stored.items()}
    if len(by_name) < len(stored):
        raise DataError(f"'{file}' holds arrays whose names differ in case only; rename one.")
    found = {}
    for part, ending in (("", ""), *((p, f"_{p}") for p in PARTS)):
        if f"x{ending}" not in by_name:
            continue
        if f"y{ending}" not in by_name:
            raise DataError(f"'{file}' has 'X{ending}' and no labels 'y{ending}'; add them.")
        x, y = by_name[f"x{ending}"], by_name[f"y{ending}"]
        if y.ndim != 1 or len(x) != len(y):
            raise DataError(
                f"'{file}' has X{ending} of shape {x.shape} and y{ending} of shape {y.shape}; one label a row is needed."
            )
        if x.ndim > 1 and x.size == 0 and len(x):
            raise DataError(f"'{file}' has X{ending} of shape {x.shape}, rows without a value.")
        if x.dtype.kind not in "biuf":
            raise DataError(f"'{file}' has X{ending} of type {x.dtype}; numbers are needed.")
        _check_finite(x, f"X{ending}", file)
        if len(x):
            found[part] = (x, y)
    if not found and not any(name.startswith("x") for name in by_name):
        raise DataError(
            f"'{file}' holds {short(', '.join(stored), 300) or 'nothing'}; it needs X and y, or X_train, y_train, X_test and y_test."
        )
    if not found:
        raise DataError(f"'{file}' holds no rows; give it at least a few of each class.")
    return found


def _check_finite(x: NDArray[Any], name: str, file: str) -> None:
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        row, *where = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise DataError(
            f"'{file}' holds NaN or infinity in {name}, row {row + 1} at {tuple(where)}; fill or drop it."
        )


def _modality(x: NDArray[Any], file: str) -> str:
    if x.ndim == 4 or (x.ndim == 3 and x.dtype == np.uint8):
        return "image"
    if x.ndim in (2, 3):
        return "series"
    if x.ndim == 5:
        return "video"
    raise DataError(
        f"'{file}' has X of shape {x.shape}; images have 3 or 4 axes, series 2 or 3 and videos 5, rows "
        "first."
    )


def _shaped(x: NDArray[Any], kind: Modality, options: Options, file: str) -> NDArray[Any]:
    """X as (N, *x.shape) samples of the modality."""
    found = kind.from_array(x, file, options.channels)
    if found.dtype == kind.dtype:
        return found
    with np.errstate(over="ignore"):
        _check_finite(x.astype(kind.dtype), f"X (as {np.dtype(kind.dtype)})", file)
        return found.astype(kind.dtype)


def _names(stored: Arrays, name: str, file: str) -> list[str]:
    """The texts of an optional array."""
    held = stored.get(name, np.zeros(0))
    if held.ndim != 1:
        raise DataError(f"'{file}' has {name} of shape {held.shape}; a plain list is needed.")
    return [str(item) for item in held]


def _columns(stored: Arrays, kind: Modality, n: int, file: str) -> tuple[Column, ...]:
    plain = kind.columns(n)
    names = _names(stored, "columns", file) if plain else []
    if names and len(names) != n:
        raise DataError(f"'{file}' names {len(names)} columns and holds {n}; name each.")
    return tuple(Column(name) for name in names or plain)
