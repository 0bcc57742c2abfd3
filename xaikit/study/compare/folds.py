"""The outer folds: the same rows are held out for every model."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from xaikit.core.errors import InvalidInput
from xaikit.core.files import short
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Bools, Ints, Sample
from xaikit.data.dataset import Dataset

__all__ = ["FOLDS", "Fold", "Folds", "in_order", "pooled", "spared"]

FOLDS = 5
IN_TIME = 10  # folds that follow each other, since they cannot be drawn again
TUNING = 5  # one in so many of the others, for settings to be chosen by
CHOOSING = 8  # one in so many training rows is held out for nets to stop by


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of the pooled rows: places of those that are trained on and those held out."""

    repeat: int
    number: int
    train: Ints
    test: Ints


@dataclass(frozen=True, eq=False)
class Folds:
    """How rows are held out.

    groups : (N,) rows of one group are never on both sides; None without groups
    in_time : rows stand in the order of time; each fold is held out after all rows before it
    """

    data: Dataset
    rows: tuple[Sample, ...]
    seed: int
    groups: NDArray[Any] | None = None
    in_time: bool = False

    def __post_init__(self) -> None:
        if self.in_time and self.groups is not None:
            raise InvalidInput(
                "rows cannot be held out by group and in the order of time at once; leave one out."
            )
        if len(self.rows) < 2 * self.count:
            raise InvalidInput(
                f"'{self.data.name}' has {len(self.rows)} rows and {self.count} folds; {2 * self.count} rows or "
                "more are needed."
            )
        if self.classed:
            fewest = np.unique(self.labels, return_counts=True)[1].min()
            if fewest < 2:
                raise InvalidInput(
                    f"'{self.data.name}' has a class of {fewest} row; every class needs 2 or more to be "
                    "held out and learned, so leave that class out."
                )

    @property
    def classed(self) -> bool:
        return bool(self.data.classes)

    @property
    def labels(self) -> NDArray[Any]:
        kind = np.int64 if self.classed else np.float64
        return np.array([s.label for s in self.rows], dtype=kind)

    @property
    def count(self) -> int:
        """Folds of one repeat."""
        return IN_TIME if self.in_time else FOLDS

    def repeat(self, number: int) -> Iterator[Fold]:
        """The folds of one repeat; another number draws them anew."""
        for k, (train, test) in enumerate(self._split(self.count, self.seed + number)):
            self._check(k, train, test)
            yield Fold(number, k, train, test)

    def _check(self, k: int, train: Ints, test: Ints) -> None:
        """Refuse a fold that nothing can be learned or measured in."""
        why = (
            "where rows are in the order of time, put some of every class first"
            if self.in_time
            else "where rows are held out by group, every class must be in several groups"
            if self.groups is not None
            else "give more rows"
        )
        learned, held = self.labels[train], self.labels[test]
        if self.classed and (learned == learned[0]).all():
            name = self.data.classes[learned[0]]
            raise InvalidInput(
                f"fold {k + 1} of {self.count} would learn from {len(train)} rows that are all '{name}'; {why}."
            )
        if not self.classed and (held == held[0]).all():
            raise InvalidInput(
                f"fold {k + 1} of {self.count} would hold out {len(test)} rows whose value is {held[0]:g} in all, so "
                "that R2 has no meaning; give more rows that differ."
            )

    @property
    def ratio(self) -> float:
        """Mean of held-out rows over training rows."""
        return float(np.mean([len(f.test) / len(f.train) for f in self.repeat(0)]))

    def dataset(self, fold: Fold, kept: Ints | None = None) -> Dataset:
        """The data of a fold: a part of its training rows is `val`, which nets stop by.

        kept : places among the training rows that are trained on, instead of all
        """
        train = fold.train if kept is None else fold.train[kept]
        learned, chosen = self._hold_out(train)
        parts = [tuple(self.rows[i] for i in places) for places in (learned, chosen, fold.test)]
        return replace(self.data, train=parts[0], val=parts[1], test=parts[2])

    def inner(self, fold: Fold) -> Dataset:
        """A fold for settings to be chosen in: a fifth of what it learns from, in place of its test rows."""
        learned, chosen = self._hold_out(fold.train)
        parts = [
            tuple(self.rows[i] for i in places)
            for places in (*self._hold_out(learned, TUNING), chosen)
        ]
        return replace(self.data, train=parts[0], test=parts[1], val=parts[2])

    def _hold_out(self, train: Ints, every: int = CHOOSING) -> tuple[Ints, Ints]:
        rng = np.random.default_rng(self.seed)
        labels, whole = self.labels[train], None
        if self.in_time:
            whole = np.arange(len(train)) >= len(train) - max(1, len(train) // every)
        elif self.groups is not None:
            named = np.unique(self.groups[train])
            held = rng.choice(named, max(1, len(named) // every), replace=False)
            whole = np.isin(self.groups[train], held)
        if whole is not None and self._teach(labels, labels[~whole]):
            return train[~whole], train[whole]
        order = rng.permutation(len(train))  # also where no group, nor the last rows, can be spared
        if self.classed:  # every class in its share
            order = order[np.argsort(labels[order], kind="stable")]
        chosen = np.zeros(len(train), dtype=bool)
        chosen[order[every // 2 :: every]] = True
        if self.classed:
            chosen = spared(chosen, labels)
        return train[~chosen], train[chosen]

    def _teach(self, labels: NDArray[Any], left: NDArray[Any]) -> bool:
        """Whether what is left teaches all that could be learned."""
        return set(left) == set(labels) if self.classed else len(left) > 0

    def _split(self, n: int, seed: int) -> Any:
        places, labels = np.arange(len(self.rows)), self.labels
        if self.in_time:
            return TimeSeriesSplit(n).split(places)
        if self.groups is not None:
            n_groups = len(np.unique(self.groups))
            if n_groups < n:
                raise InvalidInput(
                    f"there are {n_groups} groups and {n} folds; give a column with {n} groups or more."
                )
            kind = StratifiedGroupKFold if self.classed else GroupKFold
            return kind(n, shuffle=True, random_state=seed).split(places, labels, self.groups)
        if self.classed and np.bincount(labels).max() >= n:
            return _stratified(n, seed, labels)
        return KFold(n, shuffle=True, random_state=seed).split(places)


def _stratified(n: int, seed: int, labels: NDArray[Any]) -> list[tuple[Ints, Ints]]:
    """Every class in its share; rows of a class of fewer than n lie in different folds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        found = StratifiedKFold(n, shuffle=True, random_state=seed).split(labels, labels)
        return list(found)


def spared(held: Bools, labels: NDArray[Any]) -> Bools:
    """(N,) the rows to hold out, less the first of each class that would be held out whole."""
    kept = held.copy()
    for label in np.unique(labels[held]):
        if held[labels == label].all():
            kept[np.flatnonzero(labels == label)[0]] = False
    return kept


def in_order(data: Dataset, rows: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """All rows as they stand in the source, whose splits may have been drawn at random."""
    if not data.order:
        return rows
    if len(data.order) != len(rows):
        raise InvalidInput(
            f"'{data.name}' had {len(data.order)} rows when it was read and has {len(rows)}, so their order "
            "in time is lost; give all rows, or an order of their own."
        )
    return tuple(rows[i] for i in np.argsort(data.order))


def pooled(
    data: Dataset, group: str | Sequence[Any] | None
) -> tuple[Dataset, tuple[Sample, ...], NDArray[Any] | None]:
    """The data, all its rows (train, val, test), and the group of each.

    group : a column of a table, which is then no input of any model; an entry of `meta` that every
        sample has; a CSV file of the columns `id` and `group`; or one name a row
    """
    rows = (*data.train, *data.val, *data.test)
    if group is None:
        return data, rows, None
    if not isinstance(group, str):
        groups = np.asarray(group)
        if groups.shape != (len(rows),):
            raise InvalidInput(
                f"{groups.shape} groups were given for {len(rows)} rows; give one a row, train, val and "
                "test in this order."
            )
        return data, rows, groups
    if group.endswith(".csv"):
        return data, rows, _listed(rows, Path(group))
    if group not in _columns(data) and all(group in s.meta for s in rows):
        return data, rows, np.array([str(s.meta[group]) for s in rows])
    return _without(data, rows, group)


def _listed(rows: Sequence[Sample], path: Path) -> NDArray[Any]:
    """(N,) the group of each row by its id, as a CSV file says."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(line["id"], line["group"]) for line in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InvalidInput(
            f"'{path}' gives no groups ({short(error)}); it must be a CSV file of the columns id and group."
        ) from error
    known = dict(lines)
    if twice := [name for name, group in lines if known[name] != group]:
        raise InvalidInput(f"'{path}' puts '{twice[0]}' into two groups; keep one line of it.")
    if missing := [s.id for s in rows if not known.get(s.id)]:
        raise InvalidInput(
            f"'{path}' names no group for {len(missing)} of {len(rows)} rows, such as '{missing[0]}'; "
            "add them."
        )
    return np.array([known[s.id] for s in rows])


def _columns(data: Dataset) -> list[str]:
    return [c.name for c in data.columns] if MODALITIES.get(data.modality).tabular else []


def _without(
    data: Dataset, rows: tuple[Sample, ...], group: str
) -> tuple[Dataset, tuple[Sample, ...], NDArray[Any]]:
    names = _columns(data)
    if group not in names:
        known = ", ".join(names) or "no columns"
        raise InvalidInput(
            f"'{data.name}' has no column '{group}' to group by; it has {known}. Name a CSV file of the "
            "columns id and group for other data."
        )
    at = names.index(group)
    groups = np.array([s.x[at] for s in rows])
    if len(names) == 1 or np.isnan(groups).any():
        why = "is the only column" if len(names) == 1 else "has empty cells, which name no group"
        raise InvalidInput(f"'{group}' of '{data.name}' {why}; name another column to group by.")
    cut = {id(s): replace(s, x=np.delete(s.x, at)) for s in rows}
    parts = [tuple(cut[id(s)] for s in part) for part in (data.train, data.val, data.test)]
    columns = tuple(c for c in data.columns if c.name != group)
    less = replace(data, train=parts[0], val=parts[1], test=parts[2], columns=columns)
    return less, tuple(cut[id(s)] for s in rows), groups
