"""Table rows: one feature a column, removed by the values of training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Bools, Floats, Masker, Segmentation
from xaikit.core.sample import Box, Modality, Sample, Titles
from xaikit.modalities.given import Gaussian, Nearest, deviation
from xaikit.modalities.rows import nearest, thinned

__all__ = ["TABLE", "Table", "coded_columns"]

MAX_ROWS = 50
MAX_CODES = 20
MOST_NEAR = 10
N_TOLD = 5  # columns named in the name of a masker


@dataclass(frozen=True)
class Table(Modality):
    """(D,) float64, a category is its code and NaN a missing value; a place is a column."""

    def check(self, x: NDArray[Any], id: str) -> None:
        """Infinite numbers are refused; a missing value goes to models that read it."""
        if np.isinf(x).any():
            where = tuple(int(i) for i in np.argwhere(np.isinf(x))[0])
            raise InvalidInput(f"sample '{id}' holds infinity at {where}; fill or drop it.")

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """One feature a column, named by `names` or x0, x1, ..."""
        if number is not None:
            raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
        n = len(sample.x)
        if names is not None and len(names) != n:
            raise InvalidInput(
                f"{len(names)} column names were given for the {n} columns of sample '{sample.id}'."
            )
        return Segmentation(np.arange(n), tuple(names or self.columns(n)), f"{n} columns")

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: NDArray[Any] | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """ "rows": n real rows of the background, up to 50 when None; "median": one row of medians, of all
        rows when n is None, for categories of most frequent codes, which its name tells;
        "column_shuffle": rows with each column permuted on its own, which breaks their correlations;
        "given_gaussian" and "given_nearest": what goes with the kept columns of this row, by a normal law of n
        rows (None: all) or the 10 nearest of them.

        categorical : (D,) which columns are categories; None takes those of few whole numbers
        """
        if rows is None:
            raise InvalidInput(
                f"the masker '{how}' needs background rows to replace the columns of sample "
                f"'{sample.id}'; give the model a background or pass background=."
            )
        background = rows.astype(np.float64)
        if how in self.given:
            return _given(how, background, n, categorical)
        if how == "median":
            return self._medians(sample, segmentation, background, n, categorical)
        if how == "nearest":
            rows, used = nearest(background, sample.x, n, "training rows")
            return Masker(used, rows)
        rows, used = thinned(background, n or min(MAX_ROWS, len(background)), "training rows")
        used = f"{len(rows)} {used}" if len(rows) == len(background) else used
        if how == "rows":
            return Masker(used, rows)
        shuffled = np.random.default_rng(0).permuted(rows, axis=0)
        return Masker(f"shuffled columns of {used}", shuffled)

    def _medians(
        self,
        sample: Sample,
        segmentation: Segmentation,
        background: Floats,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        rows, used = thinned(background, n, "training rows")
        codes = _guess_codes(rows) if categorical is None else np.array(categorical, bool)
        plain = np.array_equal(segmentation.ids, np.arange(len(sample.x)))
        names = segmentation.names if plain else self.columns(len(sample.x))
        coded = [names[i] for i in np.flatnonzero(codes).tolist()]
        name = "column medians" if len(rows) == len(background) else f"column medians of {used}"
        told = _told(coded, guessed=categorical is None)
        return Masker(f"{name}{told}", _typical(rows, codes)[None])

    def called(self, box: Box, sample: Sample, names: Sequence[str] | None) -> str:
        """A column by its name, several by those of the first and the last."""
        (first, end), known = box[0], names or self.columns(len(sample.x))
        if end == first + 1:
            return known[first]
        return f"columns {known[first]} to {known[end - 1]}"

    def columns(self, n: int) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(n))

    def categories(self, info: Mapping[str, Any]) -> list[bool] | None:
        """(D,) which columns of a model's table are categories, or None where its info does not say."""
        if "categorical" in info:
            return list(info["categorical"])
        columns = info.get("columns") or ()
        if not all("categories" in column for column in columns):
            return None
        return [bool(column["categories"]) for column in columns] or None

    def spread(self, x: NDArray[Any], rows: NDArray[Any], info: Mapping[str, Any]) -> Floats | None:
        """The deviation of each number column over the rows where it has values; categories stay."""
        wide = deviation(rows) if len(rows) > 1 else np.abs(x)
        codes = np.array(self.categories(info) or [False] * len(x))
        return np.where(codes | np.isnan(wide), 0.0, wide)

    def made(
        self, known: Sequence[NDArray[Any]], n: int, rng: np.random.Generator
    ) -> list[NDArray[Any]]:
        """Each column from one of the rows; of a single row its whole numbers, which may be codes, are
        kept or set to 0 (a row of zeros to 1), and its other numbers change by up to a half."""
        return [_mixed(np.stack(known), rng) for _ in range(n)]


TABLE = Table(
    name="table",
    axes=("D",),
    segmenters=("columns",),
    maskers=("rows", "median", "column_shuffle", "nearest"),
    titles=Titles(
        samples=("rows", "행"),
        part=("column", "항목"),
        parts=("columns", "항목"),
    ),
    inputs="columns",
    shared=("columns", "rows", "median", "column_shuffle", "given_gaussian", "given_nearest"),
    given=("given_gaussian", "given_nearest"),
    view="bars",
    dtype=np.float64,
    tabular=True,
)


def _given(
    how: str, background: Floats, n: int | None, categorical: Sequence[bool] | None
) -> Masker:
    rows, used = thinned(background, n, "training rows")
    used = f"{len(rows)} {used}" if len(rows) == len(background) else used
    coded = np.array(categorical or [False] * rows.shape[1], dtype=bool)
    if how == "given_nearest":
        near = Nearest(rows, min(MOST_NEAR, len(rows)), coded)
        nothing = near(rows[0], np.zeros((1, rows.shape[1]), dtype=bool))[0]
        return Masker(f"given what is kept: {near.n} nearest of {used}", nothing, given=near)
    if coded.any():
        raise InvalidInput(
            f"the masker 'given_gaussian' needs numbers and {int(coded.sum())} columns hold categories; "
            "use 'given_nearest'."
        )
    if gaps := int(np.isnan(rows).any(axis=1).sum()):
        raise InvalidInput(
            f"the masker 'given_gaussian' needs numbers and {gaps} of {len(rows)} background rows have missing "
            "values; use 'given_nearest'."
        )
    law = Gaussian(rows)
    return Masker(f"given what is kept: normal law of {used}", law.draws, given=law)


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


def _mixed(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    if (rows != rows[0]).any():
        return np.asarray(rows[rng.integers(len(rows), size=rows.shape[1]), range(rows.shape[1])])
    x = rows[0]
    codes = np.where(rng.random(x.shape) < 0.5, x if x.any() else 1.0, 0.0)
    return np.where(x == np.round(x), codes, x * rng.uniform(0.5, 1.5, x.shape))


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
    typical = np.empty(rows.shape[1])
    for column, values in enumerate(rows.T):
        known = values[~np.isnan(values)]
        if codes[column] or not len(known):  # a code has no middle
            values, counts = np.unique(values, return_counts=True)
            typical[column] = values[counts.argmax()]
        else:
            typical[column] = np.median(known)
    return typical


def _guess_codes(rows: Floats) -> Bools:
    """(D,) which columns hold few whole numbers, as codes do."""
    whole = (np.isnan(rows) | (rows == np.round(rows))).all(axis=0)
    return np.array(
        [w and len(np.unique(c)) <= MAX_CODES for w, c in zip(whole, rows.T, strict=True)]
    )
