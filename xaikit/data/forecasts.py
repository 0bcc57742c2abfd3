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
from xaikit.data.decimals import MISSING
from xaikit.data.lines import Sheet, read_sheet
from xaikit.data.moments import readings
from xaikit.tasks.forecasting import steps

__all__ = ["Windows", "read_forecasts"]

SHARES = (0.6, 0.2, 0.2)  # of the rows, for train, val and test, one after the other
DAY = 24
WIDE = 1.5  # usual steps of time, above which a step is long
RARE = 0.05  # share of the steps, up to which long ones are gaps
FEWEST = 8  # steps that show how a column goes on


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
    path: Path,
    windows: Windows,
    *,
    target: str | None = None,
    drop: Sequence[str] = (),
    encoding: str | None = None,
    decimal: str | None = None,
) -> Dataset:
    """The columns of numbers of a .csv in the order of time, cut into windows.

    target : the only column to forecast, from all; every column when None. A column that holds dates
        names the windows and is not read
    """
    dates, columns, rows = _table(path, drop, encoding, decimal)
    if target is not None and target not in columns:
        raise DataError(f"'{path.name}' has no column '{target}'; it has {', '.join(columns)}.")
    for name, held in zip(columns, rows.T if target is None else (), strict=target is None):
        if _counts(held):
            raise DataError(
                f"column '{name}' of '{path.name}' counts rows or time and would be forecast; leave it out by "
                f"drop=['{name}'] (--drop)."
            )
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


def _table(
    path: Path, drop: Sequence[str], encoding: str | None, decimal: str | None
) -> tuple[list[str] | None, list[str], Floats]:
    """Dates or None, names, and rows (T, C) of numbers."""
    sheet = read_sheet(path, encoding, decimal)
    for name in drop:
        if name not in sheet.cells:
            raise DataError(
                f"'{path.name}' has no column '{name}' to drop; it has {', '.join(sheet.cells)}."
            )
    cells = sheet.less(drop).cells
    found = {name: _numbers(held) for name, held in cells.items()}
    words = [name for name, held in found.items() if held is None]
    if len(words) > 1:
        raise DataError(
            f"'{path.name}' holds words in {', '.join(words)}; a forecast reads numbers and one "
            "column of dates, so drop the others."
        )
    dates = cells[words[0]] if words else None
    if dates is not None:
        _require_order(sheet, words[0])
    numbers = {name: held for name, held in found.items() if held is not None}
    if not numbers:
        raise DataError(f"'{path.name}' has no column of numbers; add one.")
    for name, held in numbers.items():
        bad = np.flatnonzero(~np.isfinite(held))
        if len(bad):
            raise DataError(
                f"{sheet.place(bad[0])} has no number in column '{name}'; fill the gaps, as time cannot be left out."
            )
    return dates, list(numbers), np.stack(list(numbers.values()), axis=1)


def _numbers(cells: Sequence[str]) -> Floats | None:
    """A column of numbers, NaN where a cell is empty; None where some are words."""
    known = ["nan" if cell.strip().lower() in MISSING else cell for cell in cells]
    try:
        return np.array(known).astype(np.float64)
    except ValueError:
        return None


def _counts(column: Floats) -> bool:
    """Whether whole numbers rise, by the same step from nearly every row to the next."""
    steps = np.diff(column)
    if len(steps) < FEWEST or (steps <= 0).any() or (column % 1 != 0).any():
        return False
    return bool(np.unique(steps, return_counts=True)[1].max() >= (1 - RARE) * len(steps))


def _require_order(sheet: Sheet, name: str) -> None:
    """`DataError` unless dates rise without a gap, in one way to read them."""
    faults, unread = [], []
    for times, odd in readings(sheet.cells[name]):
        if times is None:
            unread.append(
                f"{sheet.place(odd)} has '{sheet.cells[name][odd]}' in '{name}', which is no date like others; "
                "correct it, or drop the column."
            )
            continue
        fault = _fault(sheet, name, times)
        if not fault:
            return
        faults.append(fault)
    raise DataError([*faults, *unread][0])


def _fault(sheet: Sheet, name: str, times: Ints) -> str:
    """What is wrong with the order of times, "" for nothing. Few long steps are gaps; many are nights or weekends."""
    steps, cells = np.diff(times), sheet.cells[name]
    if not len(steps):
        return ""
    late = np.flatnonzero(steps <= 0)
    if len(late):
        i = int(late[0]) + 1
        how = "goes back in time" if steps[i - 1] else "says the same time again"
        return f"{sheet.place(i)} {how} ({cells[i]}); sort the rows by '{name}', one for each time."
    wide = np.flatnonzero(steps > WIDE * np.median(steps))
    if not 0 < len(wide) <= max(1, RARE * len(steps)):
        return ""
    i = int(wide[0]) + 1
    return (
        f"{sheet.place(i)} leaps from {cells[i - 1]} to {cells[i]}; fill the gap, a row for each time (in UTC where "
        "clocks were put forward)."
    )
