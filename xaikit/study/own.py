"""Features, references and targets that people bring themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Model, Tokenising
from xaikit.core.errors import InvalidInput, NotApplicable, foreign
from xaikit.core.features import Ints, Masker, Segmentation
from xaikit.core.sample import Sample
from xaikit.core.target import Target
from xaikit.core.words import Text

__all__ = [
    "Features",
    "References",
    "in_tokens",
    "is_called",
    "own_features",
    "own_references",
    "target_of_each",
]

Features = (
    str
    | Segmentation
    | NDArray[Any]
    | Mapping[str, Sequence[str | int]]
    | Callable[[Sample], "Segmentation | NDArray[Any]"]
)
References = str | Masker | NDArray[Any] | Callable[[Sample], "Masker | NDArray[Any]"]


def own_features(given: Any, sample: Sample, names: Sequence[str]) -> Segmentation:
    """The features of a sample by a `Segmentation`, labels on its grid, groups of columns, or a function
    of the sample that gives one of these.

    names : of the model's columns or channels, () where they have none
    """
    if callable(given):
        with foreign(f"your features= on sample '{sample.id}'"):
            given = given(sample)
    if isinstance(given, Segmentation):
        return given
    if isinstance(given, Mapping):
        return _groups(given, sample, names)
    labels = np.asarray(given)
    if labels.dtype.kind not in "iu" or labels.shape != sample.grid:
        raise InvalidInput(
            f"features is a {type(given).__name__} of {labels.dtype} and shape {labels.shape}; give a "
            f"name such as 'auto', a Segmentation, whole numbers of shape {sample.grid} (-1: never "
            "removed), or groups of columns such as {'income': ['salary', 'bonus']}."
        )
    return _labelled(labels.astype(np.int64), sample, names)


def _labelled(labels: Ints, sample: Sample, names: Sequence[str]) -> Segmentation:
    """Places of one label are one feature; negative ones are never removed."""
    known, ids = np.unique(labels, return_inverse=True)
    n_kept = int((known < 0).sum())
    ids = np.maximum(ids.reshape(labels.shape) - n_kept, -1)
    called = [f"region {label}" for label in known[n_kept:].tolist()]
    if sample.kind.words or sample.kind.tabular:
        places = sample.x if sample.kind.words else np.array(_columns(sample, names))
        joint = " " if sample.kind.words else " + "
        called = [joint.join(places[ids == i].tolist()) for i in range(len(called))]
    return Segmentation(ids, tuple(called), f"{len(called)} features of your own")


def _columns(sample: Sample, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(names) or sample.kind.columns(sample.grid[-1])


def _groups(
    given: Mapping[str, Sequence[str | int]], sample: Sample, names: Sequence[str]
) -> Segmentation:
    """Each group is one feature, and so is each column that stands in none."""
    columns = _columns(sample, names)
    if not columns:
        raise InvalidInput(
            f"features names groups of columns and a {sample.modality} sample has no columns; give "
            f"whole numbers of shape {sample.grid}, one label a feature."
        )
    owner = np.full(len(columns), -1, dtype=np.int64)
    for group, (name, members) in enumerate(given.items()):
        for member in [members] if isinstance(members, str | int) else members:
            place = _place(member, columns)
            if owner[place] >= 0:
                raise InvalidInput(
                    f"column '{columns[place]}' stands in the group '{name}' and in another; name it once."
                )
            owner[place] = group
    alone = np.flatnonzero(owner < 0)
    owner[alone] = len(given) + np.arange(len(alone))
    called = (*map(str, given), *(columns[i] for i in alone.tolist()))
    source = f"{len(given)} groups of columns and {len(alone)} columns"
    return Segmentation(np.broadcast_to(owner, sample.grid), called, source)


def _place(member: str | int, columns: Sequence[str]) -> int:
    if member in columns:
        return columns.index(member)
    if isinstance(member, int | np.integer) and 0 <= member < len(columns):
        return int(member)
    raise InvalidInput(
        f"features names the column {member!r} and there are {', '.join(columns[:12])}"
        f"{', ...' * (len(columns) > 12)}; name one of these, or a number from 0."
    )


def in_tokens(model: Model, sample: Sample) -> Sample:
    """A text whose words are the model's own sub-words, in the text as it is written.

    `NotApplicable` for a model without a tokeniser that says where they stand.
    """
    if not sample.kind.words or not isinstance(model, Tokenising):
        raise NotApplicable(
            f"'tokens' needs a text and a model with a tokeniser of its own, and '{model.id}' has none; "
            f"use {' or '.join(sample.kind.segmenters)}."
        )
    text = Text(sample.x)
    spans, written = np.array(model.tokens(text)).reshape(-1, 2), text.written
    inside = sample.rationale
    owner = np.searchsorted(text.spans[:, 1], spans[:, 0], side="right")
    if inside is not None:
        inside = np.append(inside, False)[owner]
    meta = {**sample.meta, "text": written}
    if text.asked:
        first, last = (np.flatnonzero(owner == text.asked[i]) for i in (0, -1))
        meta["asked"] = [int(first[0]), int(last[-1])][: len(text.asked)]
    words = np.array([written[start:end] for start, end in spans])
    return replace(sample, x=words, rationale=inside, meta=meta)


def is_called(given: Any, name: str) -> bool:
    """Whether features or references are asked for by that name; an array is not, nor compared with one."""
    return isinstance(given, str) and given == name


def own_references(given: Any, sample: Sample) -> Masker:
    """What stands in for what is removed: a `Masker`, one input or (k, *x.shape) of them, or a function
    of the sample that gives one of these."""
    if callable(given):
        with foreign(f"your masker= on sample '{sample.id}'"):
            given = given(sample)
    if isinstance(given, Masker):
        return given
    x, rows = sample.x, np.asarray(given)
    rows = rows[None] if rows.shape == x.shape else rows
    fits = rows.ndim == x.ndim + 1 and rows.shape[1:] == x.shape and len(rows) > 0
    alike = (rows.dtype.kind in "U") == (x.dtype.kind in "U")
    if not (fits and alike) or (x.dtype.kind == "f" and not _finite(rows)):
        raise InvalidInput(
            f"masker is a {type(given).__name__} of {rows.dtype} and shape {rows.shape}; give a name "
            f"such as 'auto', a Masker, or finite inputs like the sample's, of shape {x.shape} or "
            f"(k, {', '.join(map(str, x.shape))})."
        )
    kept = rows if x.dtype.kind == "U" else rows.astype(x.dtype)
    return Masker(f"{len(rows)} reference{'s' * (len(rows) > 1)} of your own", kept)


def _finite(rows: NDArray[Any]) -> bool:
    return rows.dtype.kind in "biuf" and bool(np.isfinite(rows).all())


def target_of_each(target: Any, n: int) -> list[str | int | Target] | None:
    """The target of each of n samples where one a sample was given; None where one is for all."""
    if isinstance(target, str | int | np.integer | Target):
        return None
    each = list(target) if isinstance(target, Sequence | np.ndarray) else []
    known = all(isinstance(one, str | int | np.integer | Target) for one in each)
    if len(each) != n or not known:
        raise InvalidInput(
            f"target is a {type(target).__name__} of {len(each)} and there are {n} samples; give one "
            "name, number or Target for all, or a list of one a sample."
        )
    return [int(one) if isinstance(one, np.integer) else one for one in each]
