"""From rows as a file holds them to a data set: labels become classes, and splits are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import short
from xaikit.core.labels import places_of
from xaikit.core.types import MODALITIES, Bools, Ints, Sample
from xaikit.data.dataset import Column, Dataset

__all__ = ["Missing", "Options", "Rows", "Task", "assemble", "split_rows"]

Task = Literal[
    "classification",
    "regression",
    "detection",
    "segmentation",
    "recommendation",
    "sequence_to_sequence",
    "generation",
]
Missing = Literal["refuse", "drop", "keep"]
SPLITS = ("train", "val", "test")
SHARE = 0.15  # of val and of test, where the file does not say which rows they are
MAX_NUMBER_CLASSES = 20
ENOUGH_GROUPS = 6  # for val to have its own


@dataclass(frozen=True)
class Options:
    """What a user may say about a file; None is for the reader to find out."""

    text_column: str | None = None
    label_column: str | None = None
    classes: tuple[str, ...] | None = None
    task: Task | None = None
    modality: str | None = None
    channels: Literal["first", "last"] | None = None
    size: tuple[int, int] | Callable[[NDArray[Any]], NDArray[Any]] | None = None
    language: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    missing: Missing = "refuse"
    encoding: str | None = None
    decimal: str | None = None
    group: str | None = None
    noted: str | None = None
    names: str | None = None
    seed: int = 0

    @property
    def aside(self) -> str:
        """The column that is no input, but whose words are noted of each row; "" for none."""
        return self.noted or self.group or ""


@dataclass(frozen=True, eq=False)
class Rows:
    """What a reader found.

    labels : (N,) text or numbers, as they stand in the file, or None where the samples have none
    parts : (N,) "train", "val" or "test", or "" where the file does not say
    classes : names of the labels in order, where the file holds them
    """

    modality: str
    ids: Sequence[str]
    xs: Sequence[NDArray[Any]]
    labels: NDArray[Any] | None
    parts: Sequence[str]
    rationales: Sequence[Bools | None] | None = None
    metas: Sequence[Mapping[str, Any]] | None = None
    columns: tuple[Column, ...] = ()
    classes: tuple[str, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def assemble(rows: Rows, options: Options, *, name: str, source: str, language: str) -> Dataset:
    """The data set of these rows; `DataError` when the labels or the number of rows cannot do."""
    if not rows.xs:
        raise DataError(f"'{source}' holds no rows; give it at least a few of each class.")
    rows, groups = _grouped(rows, options.group, source)
    if rows.labels is None:
        classes = options.classes or ()
        task: Task = "classification" if classes else "regression"
        labels: Sequence[Any] = [None] * len(rows.xs)
        splits = dict.fromkeys(SPLITS, np.arange(len(rows.xs)))  # nothing is learned or measured
    else:
        task, classes, codes = _encode(rows.labels, rows, options, source)
        strata = codes if task == "classification" else None
        splits = split_rows(strata, rows.parts, options.seed, groups)
        if task == "classification":
            _check_classes(classes, codes, splits, source)
        labels = codes.tolist()

    def samples(split: str) -> tuple[Sample, ...]:
        return tuple(_sample(rows, i, labels[i]) for i in splits[split].tolist())

    drawn = [split for split in ("val", "test") if split not in rows.parts]
    return Dataset(
        name=name,
        modality=rows.modality,
        task=task,
        classes=classes,
        train=samples("train"),
        val=samples("val"),
        test=samples("test"),
        columns=rows.columns,
        source=source,
        language=language,
        order=tuple(i for split in SPLITS for i in splits[split].tolist()),
        facts={
            "rows": len(rows.xs),
            "split": "every row, without labels"
            if rows.labels is None
            else f"{' and '.join(drawn)} drawn with seed {options.seed}"
            if drawn
            else "as given",
            **({} if groups is None else _heard(options.group, groups, splits)),
            **rows.facts,
        },
    )


def _grouped(rows: Rows, name: str | None, source: str) -> tuple[Rows, NDArray[Any] | None]:
    """The rows, and the group of each by a column, which is then no input, or by what is noted of it."""
    if name is None:
        return rows, None
    if any(rows.parts):
        raise DataError(f"'{source}' says which rows are measured; leave group out.")
    if rows.metas and all(name in meta for meta in rows.metas):
        return rows, np.array([str(meta[name]) for meta in rows.metas])
    names = [c.name for c in rows.columns] if MODALITIES.get(rows.modality).tabular else []
    if name not in names:
        known = ", ".join(names or (rows.metas or ({},))[0]) or "no columns"
        raise DataError(
            f"'{source}' has no column '{name}' to group by; it has {short(known, 300)}."
        )
    at = names.index(name)
    words = rows.columns[at].categories
    groups = np.array([words[int(x[at])] if words else f"{x[at]:g}" for x in rows.xs])
    left = tuple(c for c in rows.columns if c.name != name)
    return replace(rows, xs=[np.delete(x, at) for x in rows.xs], columns=left), groups


def _heard(name: str | None, groups: NDArray[Any], splits: Mapping[str, Ints]) -> dict[str, Any]:
    """Which groups are only measured on."""
    kept = sorted(set(groups[splits["test"]].tolist()))
    return {"group": {"name": name, "test": kept, "of": len(set(groups.tolist()))}}


def _sample(rows: Rows, i: int, label: float | None) -> Sample:
    return Sample(
        id=rows.ids[i],
        x=rows.xs[i],
        modality=rows.modality,
        label=label,
        rationale=rows.rationales[i] if rows.rationales else None,
        meta=rows.metas[i] if rows.metas else {},
    )


def _encode(
    labels: NDArray[Any], rows: Rows, options: Options, source: str
) -> tuple[Task, tuple[str, ...], NDArray[Any]]:
    """Task, class names and labels as class indices (or as numbers, for regression)."""
    numbers = _numbers(labels)
    if numbers is not None and not np.isfinite(numbers).all():
        bad = rows.ids[int(np.flatnonzero(~np.isfinite(numbers))[0])]
        raise DataError(
            f"'{bad}' of '{source}' has a label that is NaN or infinite; fill or drop it."
        )
    task = _task(numbers, labels, rows, options, source)
    if numbers is not None and task == "regression":
        return task, (), numbers
    if numbers is not None:
        found, codes = np.unique(numbers, return_inverse=True)
        names = tuple(str(int(v)) if v == int(v) else str(v) for v in found.tolist())
    else:
        found, codes = np.unique(labels, return_inverse=True)
        names = tuple(str(value) for value in found)
    _check_labels(names, len(rows.xs), source)
    wanted = options.classes or rows.classes
    if wanted is None:
        return "classification", names, codes
    if len(set(wanted)) != len(names) or len(wanted) != len(names):
        raise DataError(
            f"classes names {len(wanted)} classes and '{source}' holds the {len(names)} labels "
            f"{short(', '.join(names), 300)}; give one different name for each."
        )
    places = places_of(wanted, np.array(names))
    if places is None and numbers is None:
        raise DataError(
            f"classes names {', '.join(wanted)} and '{source}' holds the labels {', '.join(names)}; "
            "give these labels in the order wanted (only numbers can be named anew)."
        )
    return "classification", tuple(wanted), codes if places is None else np.argsort(places)[codes]


def _task(
    numbers: NDArray[Any] | None, labels: NDArray[Any], rows: Rows, options: Options, source: str
) -> Task:
    if options.task == "regression" and numbers is None:
        raise DataError(
            f"'{source}' has labels that are no numbers, for example '{short(labels[0])}'; "
            "regression needs numbers."
        )
    if options.task is not None:
        return options.task
    if numbers is None or options.classes or rows.classes:
        return "classification"
    many = len(np.unique(numbers)) > MAX_NUMBER_CLASSES
    codes = bool((numbers == np.round(numbers)).all()) and not MODALITIES.get(rows.modality).tabular
    return "regression" if many and not codes else "classification"


def _numbers(labels: NDArray[Any]) -> NDArray[np.float64] | None:
    try:
        return labels.astype(np.float64)
    except ValueError:
        return None


def _check_labels(names: tuple[str, ...], n: int, source: str) -> None:
    if len(names) < 2:
        raise DataError(
            f"'{source}' has one class only, '{short(names[0])}'; two or more are needed to learn a difference."
        )
    if len(names) > max(n / 2, 2):
        raise DataError(
            f"'{source}' has {len(names)} different labels in {n} rows, for example '{short(names[0])}'; "
            "is another column the label? Give it as the label column."
        )


def _check_classes(
    classes: tuple[str, ...], labels: NDArray[Any], splits: Mapping[str, Ints], source: str
) -> None:
    learned = set(labels[splits["train"]].tolist())
    for split in ("val", "test"):
        for code in sorted(set(labels[splits[split]].tolist()) - learned):
            raise DataError(
                f"'{source}' has the class '{short(classes[code])}' in its {split} rows and never in its "
                "training rows; add training rows of it or drop it."
            )


def split_rows(
    codes: NDArray[Any] | None, parts: Sequence[str], seed: int, groups: NDArray[Any] | None = None
) -> dict[str, Ints]:
    """Indices of each split in the order of the file; a part that no row names is drawn by class.

    groups : (N,) those of the test rows are in no other split, those of `val` neither where there are six
        or more
    """
    rng = np.random.default_rng(seed)
    given = np.array(parts, dtype=np.str_)
    chosen = np.where(given == "", "train", given)
    missing = [split for split in ("val", "test") if split not in chosen]
    if groups is not None:
        for split in _by_group(groups, chosen, rng):
            missing.remove(split)
    strata = np.zeros(len(given), dtype=np.int64) if codes is None else codes
    for stratum in np.unique(strata):
        members = rng.permutation(np.flatnonzero((strata == stratum) & (chosen == "train")))
        n = max(1, round(SHARE * len(members))) if len(members) > len(missing) else 0
        for i, split in enumerate(missing):
            chosen[members[i * n : (i + 1) * n]] = split
    return {split: np.flatnonzero(chosen == split) for split in SPLITS}


def _by_group(groups: NDArray[Any], chosen: NDArray[Any], rng: np.random.Generator) -> list[str]:
    """Puts whole groups into splits; gives these splits."""
    named = rng.permutation(np.unique(groups))
    if len(named) < 2:
        raise DataError(f"all rows are of one group, '{short(named[0])}'; two or more are needed.")
    n = max(1, round(SHARE * len(named)))
    splits = ["test", "val"] if len(named) >= ENOUGH_GROUPS else ["test"]
    for i, split in enumerate(splits):
        chosen[np.isin(groups, named[i * n : (i + 1) * n])] = split
    return splits
