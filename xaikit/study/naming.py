"""What the data set knows reaches the model that is studied: names of columns, codes and classes."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Framed, Model, Recodable
from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.study.given import rows_of
from xaikit.tasks import task_of

__all__ = ["named"]

SHOWN = 6  # names in an error, of each list


def named(model: Model, data: Dataset | None, background: NDArray[Any] | None = None) -> Model:
    """The model with the names of the data's columns and classes; the one given is left as it was.

    background : (b, *x.shape) in place of the model's own, or None
    `InvalidInput` when model and data differ in number, order or codes of columns or classes; both
    are shown. A model that was told no names, or numbers only, takes those of the data.
    """
    model = _recoded(model, data)
    known: dict[str, Any] = (
        {} if background is None else {"background": np.asarray(rows_of(model, background))}
    )
    if data is not None:
        if data.task == task_of(model).name:
            task_of(model).require_outputs(data.outputs)
        known |= {"classes": _classes(model, data), "info": _info(model, data)}
    if all(getattr(model, name) is value for name, value in known.items()):
        return model
    copied = copy.copy(model)
    for name, value in known.items():
        object.__setattr__(copied, name, value)  # a model may be frozen
    return copied


def _recoded(model: Model, data: Dataset | None) -> Model:
    """The model for the codes that the data's categories have, where it reads frames of the same columns."""
    theirs = list(model.info.get("columns") or ())
    if data is None or not theirs or not isinstance(model, Framed) or model.frames is None:
        return model
    same = [str(c["name"]) for c in theirs] == [column.name for column in data.columns]
    words = [column.categories for column in data.columns]
    kinds = same and all(
        bool(c.get("categories")) == bool(w) for c, w in zip(theirs, words, strict=True)
    )
    fits = kinds and any(tuple(c["categories"]) != w for c, w in zip(theirs, words, strict=True))
    return model.recoded(words) if fits and isinstance(model, Recodable) else model


def _info(model: Model, data: Dataset) -> Any:
    """The model's facts, with the data's columns where it was told none."""
    if model.modality != data.modality:
        raise InvalidInput(
            f"model '{model.id}' reads {model.modality} and '{data.name}' is {data.modality}; give "
            "the data that the model was made for."
        )
    theirs = list(model.info.get("columns") or ())
    width = len(theirs) or _width(model)
    if not data.columns or width == 0:
        return {**model.info, "columns": _plain(data)} if data.columns else model.info
    if width != len(data.columns):
        raise InvalidInput(
            f"model '{model.id}' reads {width} columns{_listed(c['name'] for c in theirs)} and "
            f"'{data.name}' has {len(data.columns)}{_listed(c.name for c in data.columns)}; give "
            "data of the same columns."
        )
    if not theirs:
        return {**model.info, "columns": _plain(data)}
    framed = isinstance(model, Framed) and model.frames is not None  # it may know more words
    for i, (mine, column) in enumerate(zip(theirs, data.columns, strict=True)):
        if mine["name"] != column.name:
            raise InvalidInput(
                f"column {i + 1} of model '{model.id}' is '{mine['name']}' and of '{data.name}' "
                f"'{column.name}'; give the columns in the model's order, "
                f"{', '.join(c['name'] for c in theirs)}."
            )
        told = tuple(mine.get("categories", column.categories))
        if (told[: len(column.categories)] if framed else told) != column.categories:
            raise InvalidInput(
                f"column '{column.name}' has the categories {', '.join(mine['categories']) or '(none)'} "
                f"in model '{model.id}' and {', '.join(column.categories) or '(none)'} in "
                f"'{data.name}', so its codes mean something else; load the rows as test= of the "
                "training file."
            )
    complete = all("categories" in c for c in theirs)
    return model.info if complete else {**model.info, "columns": _plain(data)}


def _width(model: Model) -> int:
    """Columns or channels that the model is known to read, 0 where nothing says so."""
    named = MODALITIES.get(model.modality).columns(1)
    return int(model.background.shape[-1]) if named and model.background is not None else 0


def _classes(model: Model, data: Dataset) -> tuple[str, ...]:
    """The classes' names; numbers 0 to K-1 are no names."""
    mine, theirs = tuple(model.classes), data.classes
    if len(mine) != len(theirs):
        raise InvalidInput(
            f"model '{model.id}' has {_counted(mine)} and '{data.name}' has {_counted(theirs)}; give "
            "data of the same classes."
        )
    numbers = tuple(str(i) for i in range(len(mine)))
    if mine in (theirs, numbers):
        return mine if mine == theirs else theirs
    if theirs == numbers:
        return mine
    raise InvalidInput(
        f"model '{model.id}' has {_counted(mine)} and '{data.name}' has {_counted(theirs)}; give "
        "the same names in the same order, as classes= of the data or of the model."
    )


def _plain(data: Dataset) -> list[dict[str, Any]]:
    return [dataclasses.asdict(column) for column in data.columns]


def _counted(classes: Sequence[str]) -> str:
    return f"{len(classes)} classes{_listed(classes)}" if classes else "no classes"


def _listed(names: Any) -> str:
    """The first names in brackets, "" for none."""
    names = list(names)
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f" ({shown})" if names else ""
