"""The outer folds: the same rows are held out for every model."""

from __future__ import annotations

import csv
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
from xaikit.core.types import Ints, Sample
from xaikit.data.dataset import Dataset

__all__ = ["FOLDS", "Fold", "Folds", "pooled"]

FOLDS = 5
IN_TIME = 10  # folds that follow each other, since they cannot be drawn again
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
            yield Fold(number, k, train, test)

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

    def _hold_out(self, train: Ints) -> tuple[Ints, Ints]:
        if self.in_time:
            last = max(1, len(train) // CHOOSING)
            return train[:-last], train[-last:]
        rng = np.random.default_rng(self.seed)
        if self.groups is not None:
            named = np.unique(self.groups[train])
            held = rng.choice(named, max(1, len(named) // CHOOSING), replace=False)
            chosen = np.isin(self.groups[train], held)
            return train[~chosen], train[chosen]
        order = rng.permutation(len(train))
        if self.classed:  # every class in its share
            order = order[np.argsort(self.labels[train][order], kind="stable")]
        chosen = np.zeros(len(train), dtype=bool)
        chosen[order[CHOOSING // 2 :: CHOOSING]] = True
        return train[~chosen], train[chosen]

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
        if self.classed and np.bincount(labels)[np.unique(labels)].min() >= n:
            return StratifiedKFold(n, shuffle=True, random_state=seed).split(places, labels)
        return KFold(n, shuffle=True, random_state=seed).split(places)


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
            known = {line["id"]: line["group"] for line in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InvalidInput(
            f"'{path}' gives no groups ({short(error)}); it must be a CSV file of the columns id and group."
        ) from error
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
    cut = {id(s): replace(s, x=np.delete(s.x, at)) for s in rows}
    parts = [tuple(cut[id(s)] for s in part) for part in (data.train, data.val, data.test)]
    columns = tuple(c for c in data.columns if c.name != group)
    less = replace(data, train=parts[0], val=parts[1], test=parts[2], columns=columns)
    return less, tuple(cut[id(s)] for s in rows), groups
