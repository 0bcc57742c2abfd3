"""Table rows: one feature a column, removed by the values of training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Masker
from xaikit.core.types import Bools, Floats, Sample, Segmentation
from xaikit.modalities.rows import thinned

__all__ = [
    "MASKERS",
    "SEGMENTERS",
    "categories_of",
    "coded_columns",
    "magnitude",
    "masker",
    "segment",
]

SEGMENTERS = ("columns",)
MASKERS = ("rows", "median", "column_shuffle")
ALIKE = (("auto", "columns"), ("auto", "rows", "median", "column_shuffle"))
"""Cuts and maskers that are the same for all samples of one shape."""

MAX_ROWS = 50
MAX_CODES = 20
N_TOLD = 5  # columns named in the name of a masker


def segment(
    sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
) -> Segmentation:
    """One feature a column, named by `names` or x0, x1, ..."""
    if number is not None:
        raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
    n = len(sample.x)
    if names is not None and len(names) != n:
        raise InvalidInput(
            f"{len(names)} column names were given for the {n} columns of sample '{sample.id}'."
        )
    names = names or [f"x{i}" for i in range(n)]
    return Segmentation(np.arange(n), tuple(names), f"{n} columns")


def masker(
    sample: Sample,
    background: NDArray[Any] | None,
    how: str,
    n: int | None = None,
    categorical: Sequence[bool] | None = None,
    names: Sequence[str] = (),
) -> Masker:
    """ "rows": n real rows of the background, up to 50 when None; "median": one row of medians, of all
    rows when n is None, for categories of most frequent codes, which its name tells;
    "column_shuffle": rows with each column permuted on its own, which breaks their correlations.

    categorical : (D,) which columns are categories; None takes those of few whole numbers
    names : (D,) of the columns
    """
    if background is None:
        raise InvalidInput(
            f"the masker '{how}' needs background rows to replace the columns of sample "
            f"'{sample.id}'; give the model a background or pass background=."
        )
    background = background.astype(np.float64)
    if how == "median":
        rows, used = thinned(background, n, "training rows")
        codes = _guess_codes(rows) if categorical is None else np.array(categorical, bool)
        names = names if len(names) == len(sample.x) else [f"x{i}" for i in range(len(sample.x))]
        told = _told(
            [names[i] for i in np.flatnonzero(codes).tolist()], guessed=categorical is None
        )
        name = "column medians" if len(rows) == len(background) else f"column medians of {used}"
        return Masker(f"{name}{told}", _typical(rows, codes)[None])
    rows, used = thinned(background, n or min(MAX_ROWS, len(background)), "training rows")
    used = f"{len(rows)} {used}" if len(rows) == len(background) else used
    if how == "rows":
        return Masker(used, rows)
    shuffled = np.random.default_rng(0).permuted(rows, axis=0)
    return Masker(f"shuffled columns of {used}", shuffled)


def magnitude(sample: Sample, background: NDArray[Any] | None = None) -> Floats:
    """(D,) float64, distance of each value from the background's mean in standard deviations.

    An unusual value is what a person would point at first. Columns that never vary get 0; without
    a background the size of the value itself is all that is known.
    """
    if background is None:
        return np.asarray(np.abs(sample.x))
    rows = background.astype(np.float64)
    spread = rows.std(axis=0)
    distance = np.abs(sample.x - rows.mean(axis=0))
    return np.asarray(np.where(spread > 0, distance / np.where(spread > 0, spread, 1.0), 0.0))


def coded_columns(
    categorical: Sequence[str] | Sequence[int] | Sequence[bool],
    n: int,
    names: Sequence[str] | None = None,
) -> tuple[bool, ...]:
    """(D,) which of n columns are categories, told by names, by indices or by one bool a column."""
    told = np.asarray(categorical)
    if told.size == 0:
        return (False,) * n
    if told.dtype.kind == "b" and told.shape == (n,):
        return tuple(told.tolist())
    if told.dtype.kind in "UO" and names is not None:
        known = [str(name) for name in names]
        told = np.array([known.index(name) if name in known else -1 for name in told.tolist()])
    once = told.ndim == 1 and len(np.unique(told)) == len(told)
    if told.dtype.kind in "iu" and once and told.min() >= 0 and told.max() < n:
        return tuple(np.isin(np.arange(n), told).tolist())
    have = "no names" if names is None else f"the names {', '.join(map(str, names))}"
    raise InvalidInput(
        f"categorical is {list(categorical)}; give names, indices from 0 to {n - 1} or one bool "
        f"for each of the {n} columns, which have {have}."
    )


def categories_of(info: Mapping[str, Any]) -> list[bool] | None:
    """(D,) which columns of a model's table are categories, or None where its info does not say."""
    if "categorical" in info:
        return list(info["categorical"])
    columns = info.get("columns") or ()
    if not all("categories" in column for column in columns):
        return None
    return [bool(column["categories"]) for column in columns] or None


def _told(coded: Sequence[str], guessed: bool) -> str:
    """Of which columns the most frequent value was taken instead of the median."""
    if not coded:
        return ""
    shown = ", ".join(coded[:N_TOLD]) + (f" and {len(coded) - N_TOLD} more" * (len(coded) > N_TOLD))
    why = ", whole numbers taken for categories" if guessed else ", categories"
    return f" (most frequent value of {shown}{why})"


def _typical(rows: Floats, codes: Bools) -> Floats:
    if codes.shape != rows.shape[1:]:
        raise InvalidInput(f"categorical has shape {codes.shape}; {rows.shape[1:]} is needed.")
    typical = np.median(rows, axis=0)
    for column in np.flatnonzero(codes):  # a code has no middle
        values, counts = np.unique(rows[:, column], return_counts=True)
        typical[column] = values[counts.argmax()]
    return np.asarray(typical)


def _guess_codes(rows: Floats) -> Bools:
    """(D,) which columns hold few whole numbers, as codes do."""
    whole = (rows == np.round(rows)).all(axis=0)
    return np.array(
        [w and len(np.unique(c)) <= MAX_CODES for w, c in zip(whole, rows.T, strict=True)]
    )
