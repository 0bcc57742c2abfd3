"""Which rows of a background are used, and how that is told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearest", "thinned"]

NEAREST = 10  # rows, unless more are asked for


def thinned(rows: NDArray[Any], n: int | None, what: str) -> tuple[NDArray[Any], str]:
    """n of the rows, evenly spaced from the first to the last, and the words that say so.

    n : None for all of them
    what : what people call the rows, for example "training images"
    """
    if n is None or n == len(rows):
        return rows, what
    kept = np.linspace(0, len(rows) - 1, n).round().astype(np.int64)
    return rows[kept], f"{n} of {len(rows)} {what}, evenly spaced"


def nearest(
    rows: NDArray[Any], x: NDArray[Any], n: int | None, what: str
) -> tuple[NDArray[Any], str]:
    """The n rows that lie nearest to x, each place in its deviation over the rows, and the words that say so.

    n : None for 10

    Of three places or more the one that is furthest apart is left out, for it may be the one that is broken. A
    value that is missing on one side only counts as one deviation.
    """
    gone, mine = np.isnan(rows), np.isnan(x)
    spread = np.ma.masked_invalid(rows).std(axis=0).filled(0.0)
    apart = (
        (np.where(gone, 0.0, rows) - np.where(mine, 0.0, x)) / np.where(spread > 0, spread, 1)
    ) ** 2
    apart = np.where(gone | mine, gone != mine, apart).reshape(len(rows), -1)
    furthest = apart.max(axis=1) if apart.shape[1] > 2 else 0.0
    order = np.argsort(apart.sum(axis=1) - furthest, kind="stable")
    kept = order[: min(NEAREST if n is None else n, len(rows))]
    return rows[kept], f"the {len(kept)} nearest of {len(rows)} {what}"
