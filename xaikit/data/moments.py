"""Columns of dates as moments: with the month in front, or with the day."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from xaikit.core.types import Ints

__all__ = ["readings"]

_YEAR_FIRST = re.compile(r"\s*\d{4}\D")
_DAY_FIRST = re.compile(r"\s*\d{1,2}\.\d{1,2}\.")


def readings(cells: Sequence[str]) -> Iterator[tuple[Ints | None, int]]:
    """Each way to read them, the likelier first: moments (N,) in UTC, or None and the first place that is no date."""
    import pandas as pd

    every = [False, True]
    if _YEAR_FIRST.match(cells[0]) or _DAY_FIRST.match(cells[0]):
        every = [_DAY_FIRST.match(cells[0]) is not None]
    for day_first in every:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the format that is guessed
            times = pd.to_datetime(
                pd.Series(list(cells)), errors="coerce", utc=True, dayfirst=day_first
            )
        odd = np.flatnonzero(times.isna())
        yield (None, int(odd[0])) if len(odd) else (times.astype("int64").to_numpy(), -1)
