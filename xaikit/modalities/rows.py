"""Which rows of a background are used, and how that is told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["thinned"]


def thinned(rows: NDArray[Any], n: int | None, what: str) -> tuple[NDArray[Any], str]:
    """n of the rows, evenly spaced from the first to the last, and the words that say so.

    n : None for all of them
    what : what people call the rows, for example "training images"
    """
    if n is None or n == len(rows):
        return rows, what
    kept = np.linspace(0, len(rows) - 1, n).round().astype(np.int64)
    return rows[kept], f"{n} of {len(rows)} {what}, evenly spaced"
