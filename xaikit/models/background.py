"""The typical inputs of a model as a file of its folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import ModelError
from xaikit.core.files import read_arrays, write_arrays
from xaikit.models.fields import MODELS

__all__ = ["FILE", "read_background", "write_background"]

FILE = "background.npz"


def write_background(rows: NDArray[Any] | None) -> dict[str, Callable[[Path], Any]]:
    """The file's name and what writes it; nothing for a model without such rows."""
    return {} if rows is None else {FILE: partial(write_arrays, arrays={"background": rows})}


def read_background(folder: Path, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """(b, *shape) numbers, of any shape when None, NaN only in rows of a table; `ModelError` names the
    file otherwise."""
    path = MODELS.file(folder, FILE)
    rows = read_arrays(path, MODELS.origin(path)).get("background")
    if rows is None:
        raise MODELS.origin(path).wrong("holds no array 'background'")
    fits = rows.ndim > 1 and (shape is None or rows.shape[1:] == shape)
    if not fits or rows.size == 0 or rows.dtype.kind != "f":
        raise ModelError(f"{path} holds {rows.shape}; the model reads (b, {shape}).")
    if np.isinf(rows).any() or (rows.ndim > 2 and np.isnan(rows).any()):
        raise ModelError(f"{path} holds NaN or infinity; save the model again.")
    return rows
