"""The smallest change of one to three columns of a row to values that occur, and others in other columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xaikit.core.types import Bools, Floats, Ints
from xaikit.study.flip.asked import Asked

__all__ = ["COLUMN", "Found", "Options", "options_of", "smallest_changes"]

MOST_COLUMNS = 3
COLUMN = 0.1  # spreads that a further column must save
VALUES = 100  # of one column that are tried, evenly spaced among those that occur
SINGLES = 2**15  # values of all columns together that are tried, two of each column at least
KEPT = 8  # of one column that are tried together with other columns
MOST_KEPT = 2**11  # and of all columns, the nearest
NUMBERS = 2**22  # of changed rows at once, so that memory grows with the columns and no faster


@dataclass(frozen=True, eq=False)
class Options:
    """M single changes: column j becomes a value that occurs.

    x : (D,) the row; columns, values : (M,)
    costs : (M,) size of the change in spreads of the column, 1 for a category, and `COLUMN`
    whole : whether every value that occurs is among them
    """

    x: Floats
    columns: Ints
    values: Floats
    costs: Floats
    whole: bool

    def rows(self, picks: Ints) -> Floats:
        """(m, c) options, -1 for none -> (m, D) changed rows."""
        rows = np.repeat(self.x[None], len(picks), axis=0)
        for column in picks.T:
            at = np.flatnonzero(column >= 0)
            rows[at, self.columns[column[at]]] = self.values[column[at]]
        return rows

    def cost(self, picks: Ints) -> Floats:
        """(m,) what the changes cost together."""
        return np.asarray(np.append(self.costs, 0.0)[picks].sum(axis=1))

    def changed(self, pick: Ints) -> frozenset[int]:
        """The columns of one change."""
        return frozenset(self.columns[pick[pick >= 0]].tolist())


@dataclass(frozen=True)
class Found:
    """A change that turns the decision; smallest : known to be the smallest of all."""

    row: Floats
    columns: tuple[int, ...]
    distance: float
    prediction: Floats
    smallest: bool


def options_of(
    x: Floats,
    rows: Floats,
    spread: Floats,
    coded: Bools,
    known: Sequence[Collection[float] | None],
    fixed: Bools,
    up: Bools,
    down: Bools,
) -> Options:
    """The single changes that are allowed, cheapest first.

    rows : (b, D) in which values occur; spread : (D,), 0 for categories
    known : D collections of codes that a category may have, None for numbers
    fixed, up, down : (D,) columns that stay, that may only rise, that may only fall
    """
    columns, values, whole = [], [], True
    most = min(VALUES, max(2, SINGLES // len(x)))
    for j in np.flatnonzero(~fixed).tolist():
        found = np.unique(rows[:, j])
        same = (found == x[j]) | (np.isnan(found) & np.isnan(x[j]))
        ways = ~same & ((found > x[j]) | ~up[j]) & ((found < x[j]) | ~down[j])
        codes = known[j]
        if codes is not None:
            ways &= np.isin(found, list(codes)) | np.isnan(found)
        found, n = found[ways], int(ways.sum())
        if n > most:
            whole = False
            found = found[np.linspace(0, n - 1, most).round().astype(np.int64)]
        columns.append(np.full(len(found), j))
        values.append(found)
    at = np.concatenate([*columns, np.empty(0)]).astype(np.int64)
    value = np.concatenate([*values, np.empty(0)])
    unit = np.where(coded | (spread == 0), 1.0, spread)[at]
    whole_step = coded[at] | (spread[at] == 0) | np.isnan(value) | np.isnan(x[at])
    costs = np.where(whole_step, 1.0, np.abs(value - x[at]) / unit) + COLUMN
    order = np.argsort(costs, kind="stable")
    return Options(x, at[order], value[order], costs[order], whole)


def smallest_changes(asked: Asked, options: Options, n: int, most: int) -> list[Found]:
    """Up to n changes, cheapest first, none in the columns of another one and more.

    Single columns are tried with all their values, pairs and triples with the promising ones. Where
    no more than `most` changes are cheaper than the best, all of them are tried. What is returned is
    first made as small as it gets in its columns.
    """
    found = _Turned(options)
    singles = np.arange(len(options.costs))[:, None]
    margins = found.try_all(asked, singles)
    kept = _promising(options, margins)
    grown, start = singles[kept], margins[kept]
    for _ in range(1, MOST_COLUMNS):
        grown, start = _grown(asked, options, found, grown, start, kept, most // 4)
    certain = _certified(asked, options, found, most)
    return list(_chosen(asked, options, found, n, certain))


class _Turned:
    """For each set of columns the cheapest change that turns the decision."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.best: dict[frozenset[int], tuple[float, Ints]] = {}

    def try_all(self, asked: Asked, picks: Ints) -> Floats:
        """The margins (m,) of changes (m, c), which are remembered where they turn it."""
        part = max(1, NUMBERS // len(self.options.x))
        margins = [np.empty(0)]
        for start in range(0, len(picks), part):
            some = picks[start : start + part]
            margin, turned = asked(self.options.rows(some))
            margins.append(margin)
            for i in np.flatnonzero(turned):
                self.keep(some[i])
        return np.concatenate(margins)

    def keep(self, pick: Ints) -> None:
        """A change that turns the decision, where it is the cheapest in its columns."""
        columns, cost = self.options.changed(pick), float(self.options.cost(pick[None])[0])
        if cost < self.best.get(columns, (np.inf,))[0]:
            self.best[columns] = cost, pick

    @property
    def least(self) -> float:
        return min((cost for cost, _ in self.best.values()), default=np.inf)

    def cheapest(self) -> list[Ints]:
        """Changes in the order of their cost."""
        return [pick for _, pick in sorted(self.best.values(), key=lambda b: b[0])]


def _promising(options: Options, margins: Floats) -> Ints:
    """Of each column the options that come nearer than all cheaper ones, and some evenly spaced; of very
    many those that come nearest."""
    kept: list[int] = []
    by_column = np.argsort(options.columns, kind="stable")  # of each cheapest first
    ends = np.flatnonzero(np.diff(options.columns[by_column])) + 1
    for at in np.split(by_column, ends):
        before = np.maximum.accumulate(np.append(-np.inf, margins[at][:-1]))
        records = at[margins[at] > before]
        for part in (records, at):
            spaced = np.linspace(0, len(part) - 1, min(KEPT // 2, len(part))).round()
            kept += part[spaced.astype(np.int64)].tolist()
    some = np.unique(np.array(kept, dtype=np.int64))
    nearest = np.argsort(-margins[some], kind="stable")[:MOST_KEPT]
    return np.sort(some[nearest])


def _grown(
    asked: Asked,
    options: Options,
    found: _Turned,
    picks: Ints,
    margins: Floats,
    kept: Ints,
    most: int,
) -> tuple[Ints, Floats]:
    """The most promising changes, each with an option in one more column; about `most` of them."""
    parents = _leaders(options, picks, margins, max(1, most // max(1, len(kept))))
    wider = np.concatenate(
        [np.repeat(parents, len(kept), axis=0), np.tile(kept, len(parents))[:, None]], axis=1
    )
    taken = options.columns[wider]
    wider = wider[(taken[:, :-1] != taken[:, -1:]).all(axis=1)]
    if len(wider):
        wider = np.unique(np.sort(wider, axis=1), axis=0)
    return wider, found.try_all(asked, wider)


def _leaders(options: Options, picks: Ints, margins: Floats, width: int) -> Ints:
    """Half of them the nearest, half of them the cheapest for how near they come."""
    if len(picks) <= width:
        return picks
    nearest = np.argsort(-margins, kind="stable")[: width // 2]
    gained = margins - margins.min()
    cheapest = np.argsort(-gained / options.cost(picks), kind="stable")[: width - len(nearest)]
    return np.asarray(picks[np.unique(np.concatenate([nearest, cheapest]))])


def _refined(asked: Asked, options: Options, pick: Ints) -> Ints:
    """One column after the other goes to its cheapest value that still turns it, or back."""
    pick, cost = pick[pick >= 0], np.inf
    while (now := float(options.cost(pick[None])[0])) < cost:
        cost = now
        for column in options.columns[pick]:
            at = int(np.flatnonzero(options.columns[pick] == column)[0])
            same = np.flatnonzero(options.columns == column)
            cheaper = np.append(same[options.costs[same] < options.costs[pick[at]]], -1)
            tried = np.repeat(pick[None], len(cheaper), axis=0)
            tried[:, at] = cheaper
            _, turned = asked(options.rows(tried))
            if turned.any():
                best = tried[np.where(turned, options.cost(tried), np.inf).argmin()]
                pick = best[best >= 0]
    return pick


def _certified(asked: Asked, options: Options, found: _Turned, most: int) -> bool:
    """Whether every cheaper change was tried; false where there are more than `most` of them.

    Without any that turns it, every change of up to three columns is a cheaper one.
    """
    picks = np.arange(len(options.costs))[:, None][options.costs < found.least]
    tried = 0
    for _ in range(1, MOST_COLUMNS):
        wider = _all_wider(options, picks, found.least, most - tried)
        if wider is None:
            return False
        picks, tried = wider, tried + len(wider)
        found.try_all(asked, picks)
    return options.whole


def _all_wider(options: Options, picks: Ints, least: float, most: int) -> Ints | None:
    """All changes (m, c + 1) that are cheaper than `least`, or None where they are more than `most`."""
    parts, n = [np.empty((0, picks.shape[1] + 1), dtype=np.int64)], 0
    costs = options.cost(picks)
    for pick, cost in zip(picks, costs, strict=True):
        end = int(np.searchsorted(options.costs, least - cost))
        more = np.arange(pick.max() + 1, end)
        more = more[~np.isin(options.columns[more], options.columns[pick])]
        n += len(more)
        if n > most:
            return None
        parts.append(np.column_stack([np.repeat(pick[None], len(more), axis=0), more]))
    return np.concatenate(parts)


def _chosen(
    asked: Asked, options: Options, found: _Turned, n: int, certain: bool
) -> Iterator[Found]:
    taken: list[frozenset[int]] = []
    left = found.cheapest()
    while left and len(taken) < n:
        pick = _refined(asked, options, _other(options, left, taken))
        columns = options.changed(pick)
        row = options.rows(pick[None])[0]
        prediction, turned = asked.alone(row)
        left = [p for p in left if _apart(columns, options.changed(p))]
        if turned and all(_apart(columns, other) for other in taken):  # beyond rounding, and new
            distance = float(options.cost(pick[None])[0]) - COLUMN * len(columns)
            yield Found(row, tuple(sorted(columns)), distance, prediction, certain and not taken)
            taken.append(columns)


def _other(options: Options, left: list[Ints], taken: list[frozenset[int]]) -> Ints:
    """The cheapest change without a column that is taken, otherwise the cheapest."""
    used = frozenset().union(*taken)
    return next((pick for pick in left if not used & options.changed(pick)), left[0])


def _apart(a: frozenset[int], b: frozenset[int]) -> bool:
    """Whether neither holds all columns of the other."""
    return not (a <= b or b <= a)
