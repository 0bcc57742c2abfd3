"""The pandas or polars frames that an estimator was fitted on, as rows of numbers and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

from xaikit.core.errors import InvalidInput
from xaikit.core.files import short
from xaikit.core.frames import is_frame
from xaikit.core.types import Floats

__all__ = ["Frames", "framed"]

SHOWN = 6  # names in an error
MISSING = "missing"  # how a second kind of missing values of a column reads


class Frames(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Rows (B, D) -> the frame that an estimator was fitted on: the one place where codes become values.

    library : "pandas" or "polars"
    names, dtypes : (D,) of the columns
    words : (D,) the values behind the codes 0, 1, ... of a column, None for a column of numbers. A value
        that is new is added at the end, so that a code never changes its meaning
    gaps : (D,) [what stands where there is no value, which is NaN in the rows], or [] while none was seen
    ordered : (D,) whether the categories of a column have an order
    """

    def __init__(
        self,
        library: str,
        names: Sequence[Any],
        dtypes: Sequence[str],
        words: Sequence[list[Any] | None],
        gaps: Sequence[list[Any]],
        ordered: Sequence[bool],
    ) -> None:
        self.library = library
        self.names = names
        self.dtypes = dtypes
        self.words = words
        self.gaps = gaps
        self.ordered = ordered

    @classmethod
    def of(cls, frame: Any, names: Sequence[Any] | None = None) -> Frames:
        """What the columns of a frame hold, of all or of those that are named.

        `InvalidInput` for a column that is missing or stands there twice, and for cells that hold a list.
        """
        library = "pandas" if hasattr(frame, "iloc") else "polars"
        names = list(frame.columns) if names is None else list(names)
        columns = [_column(frame, name) for name in names]
        read = _LIBRARIES[library]
        words = [_words(read, column, name) for column, name in zip(columns, names, strict=True)]
        gaps: list[list[Any]] = [[] if read.loose(column) else [None] for column in columns]
        dtypes, ordered = map(read.dtype, columns), map(read.is_ordered, columns)
        found = cls(library, names, list(dtypes), words, gaps, list(ordered))
        found.coded(frame)  # the words that it holds, in their order, and its gaps
        return found

    @classmethod
    def of_numbers(cls, names: Sequence[Any]) -> Frames:
        """A pandas frame of numbers with these names."""
        n = len(names)
        return cls("pandas", list(names), ["float64"] * n, [None] * n, [[None]] * n, [False] * n)

    @classmethod
    def of_codes(cls, columns: Mapping[str, Sequence[str]]) -> Frames:
        """A pandas frame as a file gives it, of columns by name with the words of their codes, () of numbers."""
        words: list[list[Any] | None] = []
        for each in columns.values():
            truth = tuple(each) == ("False", "True")
            words.append([False, True] if truth else list(each) or None)
        dtypes = [
            "float64" if w is None else "bool" if w == [False, True] else "object" for w in words
        ]
        n = len(words)
        return cls("pandas", list(columns), dtypes, words, [[np.nan] for _ in words], [False] * n)

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Names and categories in words, as a model's info tells them."""
        return [
            {"name": str(name), "categories": [_said(word) for word in words or ()]}
            for name, words in zip(self.names, self.words, strict=True)
        ]

    @property
    def has_words(self) -> bool:
        return any(words is not None for words in self.words)

    def recoded(self, columns: Sequence[Sequence[str]]) -> tuple[Frames, list[NDArray[Any] | None]]:
        """The same with the codes of others, and for each column the new code of each old one.

        columns : D columns of words in the order of their codes; words that are unknown here are added as
            they are. () leaves a column as it is
        """
        found: list[list[Any] | None] = []
        moved: list[NDArray[Any] | None] = []
        for own, theirs in zip(self.words, columns, strict=True):
            if own is None or not theirs:
                found.append(own)
                moved.append(None)
                continue
            known = {_said(word): word for word in own}
            listed = [known.get(word, word) for word in theirs]
            listed += [word for word in own if _said(word) not in set(theirs)]
            at = {_said(word): code for code, word in enumerate(listed)}
            found.append(listed)
            moved.append(np.array([at[_said(word)] for word in own], dtype=np.float64))
        args = self.library, self.names, self.dtypes, found, self.gaps, self.ordered
        return Frames(*args), moved

    def fit(self, x: Any, y: Any = None) -> Self:
        del x, y
        return self

    def coded(self, frame: Any) -> Floats:
        """A frame -> (B, D) float64 with NaN where a value is missing; `InvalidInput` where a column is
        missing or holds words in place of numbers."""
        given = [_column(frame, name) for name in self.names]
        library = _LIBRARIES["pandas" if hasattr(frame, "iloc") else "polars"]
        found = [self._codes(library, i, column) for i, column in enumerate(given)]
        return np.stack(found, axis=1)

    def transform(self, x: Floats) -> Any:
        """Rows (B, D) -> a frame; `InvalidInput` for a code that stands for nothing."""
        rows, library = np.asarray(x, dtype=np.float64), _LIBRARIES[self.library]
        made = {name: self._made(library, i, rows[:, i]) for i, name in enumerate(self.names)}
        return library.frame(made)

    def _codes(self, library: _Library, i: int, column: Any) -> Floats:
        """(B,) of column i; words that are new are added."""
        words = self.words[i]
        if words is None:
            try:
                return library.numbers(column)
            except (TypeError, ValueError) as error:
                raise InvalidInput(
                    f"column '{self.names[i]}' held numbers and holds something else now ({short(error)}); "
                    "give it as the model was fitted on it."
                ) from error
        values, gap = library.values(column), self.gaps[i]
        gap += [v for v in values if _is_missing(v)][:1] if not gap else []
        known = {word: code for code, word in enumerate(words)}
        for value in values:
            if value not in known and not _stands(value, gap):
                known[value] = len(words)
                words.append(value)
        codes = [np.nan if _stands(v, gap) else known[v] for v in values]
        return np.array(codes, dtype=np.float64)

    def _made(self, library: _Library, i: int, x: Floats) -> Any:
        words, gap = self.words[i], next(iter(self.gaps[i]), None)
        if words is None:
            return library.of_numbers(x, self.dtypes[i])
        codes = self._checked(i, x, len(words))
        return library.of_words(codes, words, gap, self.dtypes[i], self.ordered[i])

    def _checked(self, i: int, x: Floats, n: int) -> NDArray[np.int64]:
        """(B,) codes, -1 for a missing value."""
        whole = np.where(np.isnan(x), -1, x)
        wrong = (whole != np.round(whole)) | (whole < -1) | (whole >= n)
        if wrong.any():
            raise InvalidInput(
                f"column '{self.names[i]}' holds {whole[wrong][0]:g} and has the codes 0 to {n - 1} for "
                f"{short(', '.join(map(_said, self.words[i] or ())), 100)}; give these words in a frame."
            )
        return np.asarray(whole, dtype=np.int64)


class _Library(Protocol):
    """What is asked of a library of frames."""

    def dtype(self, column: Any) -> str: ...
    def loose(self, column: Any) -> bool: ...
    def is_ordered(self, column: Any) -> bool: ...
    def is_number(self, column: Any) -> bool: ...
    def categories(self, column: Any) -> list[Any]: ...
    def values(self, column: Any) -> list[Any]: ...
    def numbers(self, column: Any) -> Floats: ...
    def of_numbers(self, x: Floats, dtype: str) -> Any: ...
    def of_words(
        self, codes: NDArray[np.int64], words: list[Any], gap: Any, dtype: str, ordered: bool
    ) -> Any: ...
    def frame(self, columns: dict[Any, Any]) -> Any: ...


class _Pandas:
    def dtype(self, column: Any) -> str:
        return str(column.dtype)

    def loose(self, column: Any) -> bool:
        """Whether None and NaN may both stand in it, and mean two things to an encoder."""
        return self.dtype(column) == "object"

    def is_ordered(self, column: Any) -> bool:
        return bool(getattr(column.dtype, "ordered", False))

    def is_number(self, column: Any) -> bool:
        kind = getattr(column.dtype, "kind", "O")
        return kind in "iuf" or (self.loose(column) and _all_numbers(self.values(column)))

    def categories(self, column: Any) -> list[Any]:
        known = getattr(column.dtype, "categories", None)
        return [] if known is None else known.tolist()

    def values(self, column: Any) -> list[Any]:
        found, gone = column.astype(object).tolist(), column.isna().tolist()
        if not self.loose(column):
            return [None if missing else v for v, missing in zip(found, gone, strict=True)]
        return [np.nan if isinstance(v, float) and v != v else v for v in found]

    def numbers(self, column: Any) -> Floats:
        if column.dtype == object:
            column = column.where(column.notna(), np.nan)
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))

    def of_numbers(self, x: Floats, dtype: str) -> Any:
        import pandas as pd

        if dtype in ("float64", "object"):
            return x if dtype == "float64" else x.astype(object)
        nullable, there = dtype[0].isupper(), x[~np.isnan(x)]
        holds = (there == np.round(there)).all() and (nullable or len(there) == len(x))
        if "int" in dtype.lower() and not holds:
            dtype = "Float64" if nullable else "float64"
        return pd.Series(x).astype(dtype)

    def of_words(
        self, codes: NDArray[np.int64], words: list[Any], gap: Any, dtype: str, ordered: bool
    ) -> Any:
        import pandas as pd

        if dtype == "category":
            return pd.Series(pd.Categorical.from_codes(codes, words, ordered=ordered))
        return pd.Series(_looked_up(codes, words, gap), dtype=dtype)

    def frame(self, columns: dict[Any, Any]) -> Any:
        import pandas as pd

        return pd.DataFrame(columns)


class _Polars:
    def dtype(self, column: Any) -> str:
        return str(column.dtype).split("(")[0]

    def loose(self, column: Any) -> bool:
        del column
        return False

    def is_ordered(self, column: Any) -> bool:
        return self.dtype(column) == "Enum"

    def is_number(self, column: Any) -> bool:
        return bool(column.dtype.is_numeric())

    def categories(self, column: Any) -> list[Any]:
        return column.dtype.categories.to_list() if self.dtype(column) == "Enum" else []

    def values(self, column: Any) -> list[Any]:
        return column.to_list()  # type: ignore[no-any-return] # of Python's values, None where missing

    def numbers(self, column: Any) -> Floats:
        if not self.is_number(column):
            raise ValueError(f"{column.dtype}")
        return np.array([np.nan if v is None else v for v in column.to_list()], dtype=np.float64)

    def of_numbers(self, x: Floats, dtype: str) -> Any:
        import polars as pl

        made, there = pl.Series(x).fill_nan(None), x[~np.isnan(x)]
        fits = "Int" not in dtype or (there == np.round(there)).all()
        return made.cast(getattr(pl, dtype)) if fits else made

    def of_words(
        self, codes: NDArray[np.int64], words: list[Any], gap: Any, dtype: str, ordered: bool
    ) -> Any:
        import polars as pl

        del ordered
        made = pl.Series(_looked_up(codes, words, gap).tolist())
        kinds: dict[str, Any] = {"Enum": pl.Enum(list(map(str, words)))} if dtype == "Enum" else {}
        kinds |= {"Categorical": pl.Categorical, "String": pl.String, "Boolean": pl.Boolean}
        return made.cast(kinds[dtype]) if dtype in kinds else made

    def frame(self, columns: dict[Any, Any]) -> Any:
        import polars as pl

        return pl.DataFrame(columns)


_LIBRARIES: dict[str, _Library] = {"pandas": _Pandas(), "polars": _Polars()}


def framed(thing: Any, rows: Any) -> tuple[Frames | None, bool]:
    """The columns of typical rows, a frame or an array, and whether a model that people bring reads frames.

    None where nothing names the columns. An estimator says by `feature_names_in_` that it was fitted on a
    frame; anything else reads one where it holds words, or where it fails on numbers alone.
    """
    names = getattr(thing, "feature_names_in_", None)
    if not is_frame(rows):
        told = names is not None and np.asarray(rows).dtype.kind in "biuf"
        if names is None or not told or np.ndim(rows) != 2 or np.shape(rows)[1] != len(names):
            return None, False
        if _reads_words(thing):
            raise InvalidInput(
                f"a {type(thing).__name__} was fitted on words and numbers were given, which it would take for "
                "words that it never saw; give the frame, as in background=frame[:100]."
            )
        return Frames.of_numbers(names), True
    found = Frames.of(rows, names)
    if names is not None or found.has_words:
        return found, True
    try:
        getattr(thing, "predict", thing)(found.coded(rows[:2]))
    except Exception:  # noqa: BLE001 # it selects columns by their names, and may fail in any way
        return found, True
    return found, False


def _reads_words(thing: Any) -> bool:
    """Whether a fitted estimator, or one inside it, knows categories that are words, or reads texts."""
    if isinstance(thing, (list, tuple)):
        return any(map(_reads_words, thing))
    if isinstance(thing, dict):
        return any(map(_reads_words, thing.values()))
    if isinstance(thing, type) or not hasattr(thing, "get_params"):
        return False
    if isinstance(thing, (CountVectorizer, HashingVectorizer)):
        return True
    known = getattr(thing, "categories_", None)
    if known is not None and any(isinstance(word, str) for each in known for word in each):
        return True
    return any(map(_reads_words, vars(thing).values()))


def _column(frame: Any, name: Any) -> Any:
    """The column of that name; names that are no texts count by how they read."""
    held = [str(column) for column in frame.columns]
    if held.count(str(name)) == 1:
        return frame[list(frame.columns)[held.index(str(name))]]
    many = f"{held.count(str(name))} columns" if str(name) in held else "no column"
    shown = ", ".join(held[:SHOWN]) + (", ..." if len(held) > SHOWN else "")
    raise InvalidInput(f"the frame has {many} '{name}' and the model reads one; it has {shown}.")


def _words(library: _Library, column: Any, name: Any) -> list[Any] | None:
    """The values of a column in their order, None of numbers."""
    if library.is_number(column):
        return None
    values = library.values(column)
    odd = next((v for v in values if isinstance(v, (list, dict, set, np.ndarray))), None)
    if odd is not None:
        raise InvalidInput(
            f"column '{name}' holds a {type(odd).__name__}; give one number or word a cell."
        )
    known = library.categories(column)
    return known or sorted({v for v in values if not _is_missing(v)}, key=str)


def _looked_up(codes: NDArray[np.int64], words: list[Any], gap: Any) -> NDArray[Any]:
    """(B,) objects; code -1 is the last."""
    table = np.empty(len(words) + 1, dtype=object)
    for code, value in enumerate([*words, gap]):
        table[code] = value
    return np.asarray(table[codes])


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT and NA, of which the last has no truth value."""
    return value is None or type(value).__name__ in ("NaTType", "NAType") or value is np.nan


def _stands(value: Any, gap: list[Any]) -> bool:
    """Whether the value is the one that NaN stands for."""
    return bool(gap) and value is gap[0]


def _all_numbers(values: list[Any]) -> bool:
    there = [v for v in values if not _is_missing(v)]
    return bool(there) and all(
        isinstance(v, (int, float, np.number)) and not isinstance(v, (bool, np.bool_))
        for v in there
    )


def _said(word: Any) -> str:
    return f"{MISSING} ({word})" if _is_missing(word) else str(word)
