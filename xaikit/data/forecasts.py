"""Series of one file as forecasts: windows of the past, and the values that came after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.types import Floats, Ints, Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.tasks.forecasting import steps

__all__ = ["Windows", "read_forecasts"]

SHARES = (0.6, 0.2, 0.2)  # of the rows, for train, val and test, one after the other
DAY = 24


@dataclass(frozen=True)
class Windows:
    """How the rows of a file become samples.

    horizon : steps to forecast
    lags : steps that are seen
    stride : steps from one training window to the next; of val and test every window counts
    cuts : rows at which train, val and test end; by shares of 60, 20 and 20 % when None
    period : steps after which things repeat, a day of hours for example
    """

    horizon: int
    lags: int = 96
    stride: int = 1
    cuts: tuple[int, int, int] | None = None
    period: int = DAY

    def __post_init__(self) -> None:
        for name in ("horizon", "lags", "stride", "period"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is {getattr(self, name)}; it must be 1 or more.")


def read_forecasts(
    path: Path, windows: Windows, *, target: str | None = None, drop: Sequence[str] = ()
) -> Dataset:
    """The columns of numbers of a .csv in the order of time, cut into windows.

    target : the only column to forecast, from all; every column when None. A column that holds dates
        names the windows and is not read
    """
    dates, columns, rows = _table(path, drop)
    if target is not None and target not in columns:
        raise DataError(f"'{path.name}' has no column '{target}'; it has {', '.join(columns)}.")
    first = [columns.index(target)] if target else list(range(len(columns)))
    return windowed(
        rows, columns, windows, wanted=first, dates=dates, name=path.name.split(".")[0],
        source=path.name,
    )  # fmt: skip


def windowed(
    rows: Floats,
    columns: Sequence[str],
    windows: Windows,
    *,
    wanted: Sequence[int],
    dates: Sequence[str] | None,
    name: str,
    source: str,
) -> Dataset:
    """The windows of rows (T, C); the values of the wanted columns are forecast.

    A window belongs to the part in which the values lie that it forecasts, so none that was learned is
    measured.
    """
    cuts = _cuts(len(rows), windows, source)
    usual = _profile(rows[: cuts[0]], windows.period)
    parts: dict[str, Any] = {}
    starts = zip(("train", "val", "test"), (0, *cuts), cuts, strict=False)
    for part, begin, end in starts:
        first = max(windows.lags, begin)
        step = windows.stride if part == "train" else 1
        ahead = np.arange(first, end - windows.horizon + 1, step)
        parts[part] = tuple(_sample(rows, int(t), windows, wanted, dates, usual) for t in ahead)
    return Dataset(
        name=name,
        modality="series",
        task="forecasting",
        classes=(),
        outputs=steps([columns[i] for i in wanted], windows.horizon),
        columns=tuple(Column(c) for c in columns),
        source=source,
        facts={
            "rows": len(rows),
            "split": f"forward in time, at rows {cuts[0]} and {cuts[1]}",
            "horizon": windows.horizon,
            "lags": windows.lags,
            "period": windows.period,
            "wanted": list(wanted),
        },
        **parts,
    )


def _cuts(n: int, windows: Windows, source: str) -> tuple[int, int, int]:
    shares = np.cumsum(SHARES)
    cuts = windows.cuts or tuple(round(float(s) * n) for s in shares)
    needed = windows.lags + windows.horizon
    if not needed <= cuts[0] < cuts[1] - windows.horizon < cuts[2] - 2 * windows.horizon <= n:
        raise DataError(
            f"'{source}' has {n} rows, cut at {', '.join(map(str, cuts))}; windows of {windows.lags} and "
            f"{windows.horizon} steps need {needed} rows to learn from and more than {windows.horizon} to "
            "measure; give more rows, or fewer lags or a shorter horizon."
        )
    return cuts  # type: ignore[return-value] # three of them


def _sample(
    rows: Floats,
    t: int,
    windows: Windows,
    wanted: Sequence[int],
    dates: Sequence[str] | None,
    usual: list[list[float]],
) -> Sample:
    begin = t - windows.lags
    later = rows[t : t + windows.horizon, list(wanted)]  # (H, C)
    return Sample(
        id=dates[t] if dates else f"step {t}",
        x=rows[begin:t].astype(np.float32),
        modality="series",
        label=tuple(float(v) for v in later.T.ravel()),
        meta={"phase": begin % windows.period, "profile": usual},
    )


def _profile(rows: Floats, period: int) -> list[list[float]]:
    """What is usual at each step of the period."""
    phase: Ints = np.arange(len(rows)) % period
    found = [rows[phase == p].mean(axis=0) for p in range(min(period, len(rows)))]
    return [[float(f"{v:.6g}") for v in row] for row in found]


def _table(path: Path, drop: Sequence[str]) -> tuple[list[str] | None, list[str], Floats]:
    """Dates or None, names, and rows (T, C) of numbers."""
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError, UnicodeError) as error:
        raise DataError(f"'{path.name}' cannot be read as a .csv: {error}.") from error
    for name in drop:
        if name not in frame.columns:
            raise DataError(
                f"'{path.name}' has no column '{name}' to drop; it has {', '.join(map(str, frame.columns))}."
            )
    frame = frame.drop(columns=list(drop))
    words = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    if len(words) > 1:
        raise DataError(
            f"'{path.name}' holds words in {', '.join(map(str, words))}; a forecast reads numbers and one "
            "column of dates, so drop the others."
        )
    dates = [str(v) for v in frame[words[0]]] if words else None
    if dates is not None:
        _require_order(path, frame[words[0]])
    numbers = frame.drop(columns=words)
    rows: Any = numbers.to_numpy(dtype=np.float64)
    if numbers.shape[1] == 0 or not np.isfinite(rows).all():
        bad = np.argwhere(~np.isfinite(rows))
        where = (
            f"row {bad[0][0] + 2}, column '{numbers.columns[bad[0][1]]}'"
            if len(bad)
            else "every row"
        )
        raise DataError(
            f"'{path.name}' has no number in {where}; fill the gaps, as time cannot be left out."
        )
    return dates, [str(c) for c in numbers.columns], rows


def _require_order(path: Path, dates: Any) -> None:
    import pandas as pd

    try:
        times = pd.to_datetime(dates)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"'{path.name}' holds '{dates.iloc[0]}' in '{dates.name}', which is no date; drop the column."
        ) from error
    late = np.flatnonzero(np.diff(times.to_numpy()) <= np.timedelta64(0))
    if len(late):
        raise DataError(
            f"'{path.name}' goes back in time at row {late[0] + 3} ({dates.iloc[late[0] + 1]}); sort it by "
            f"'{dates.name}'."
        )
