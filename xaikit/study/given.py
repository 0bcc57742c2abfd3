"""What people hand over to be explained, as samples: rows, frames, texts, pictures, series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput
from xaikit.core.many import Counted
from xaikit.core.sample import MODALITIES, Sample
from xaikit.core.samples import Samples
from xaikit.modalities.text import words

__all__ = ["samples_of"]


def samples_of(model: Model, given: Any) -> Sequence[Sample]:
    """The samples in what was given for that model.

    given : samples; an array (B, *x.shape), or (*x.shape) for one; a pandas or polars frame whose columns
        are those of the model; texts; pictures as arrays or as PIL makes them
    """
    if not isinstance(model, Model):
        raise InvalidInput(
            f"a {type(model).__name__} is no model of xaikit; wrap it first: xaikit.wrap(it, "
            "modality='table', background=rows)."
        )
    if isinstance(given, Sample):
        return [given]
    if hasattr(given, "toarray"):
        raise InvalidInput(
            f"a sparse {type(given).__name__} was given; call .toarray() of the rows to explain."
        )
    given = list(given) if isinstance(given, Iterator) else given
    n = len(given) if isinstance(given, Sequence) else next(iter(getattr(given, "shape", ())), 1)
    if n == 0:
        raise InvalidInput("0 samples were given; give one or more.")
    if isinstance(given, Samples) or _is_list_of(given, Sample):
        return given  # type: ignore[no-any-return] # a sequence of samples
    if MODALITIES.get(model.modality).words:
        return _texts(given)
    return _rows(model, _framed(model, given))


def _is_list_of(given: Any, kind: type) -> bool:
    return isinstance(given, Sequence) and all(isinstance(item, kind) for item in given)


def _texts(given: Any) -> Sequence[Sample]:
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, Iterable):
        raise InvalidInput(f"a {type(given).__name__} holds no texts; give a list of strings.")
    made = []
    for i, text in enumerate(given):
        if not isinstance(text, str):
            raise InvalidInput(
                f"text {i} is a {type(text).__name__}; give strings, or Sample('a name', words, 'text')."
            )
        made.append(Sample(f"text {i}", np.array(words(text)[0]), "text", meta={"text": text}))
    return made


def _framed(model: Model, given: Any) -> Any:
    """The values of a frame in the order of the model's columns, words as the codes that it knows."""
    if not hasattr(given, "columns") or not hasattr(given, "to_numpy"):
        return given
    known = model.info.get("columns") or ()
    names, held = [str(c["name"]) for c in known], [str(c) for c in given.columns]
    if not names:
        return given.to_numpy()
    missing = [name for name in names if name not in held]
    if missing:
        raise InvalidInput(
            f"the frame has no column {', '.join(map(repr, missing[:6]))}; model '{model.id}' reads "
            f"{', '.join(names)}."
        )
    columns = [
        _coded(column, given[list(given.columns)[held.index(name)]].to_numpy())
        for name, column in zip(names, known, strict=True)
    ]
    return np.stack(columns, axis=1)


def _coded(column: Any, values: NDArray[Any]) -> NDArray[Any]:
    """A column of words as the codes of the model's categories."""
    words_of = column.get("categories") or ()
    if not words_of or values.dtype.kind in "biuf":
        return values
    codes = {str(word): code for code, word in enumerate(words_of)}
    unknown = next((str(v) for v in values if str(v) not in codes), None)
    if unknown is not None:
        raise InvalidInput(
            f"column '{column['name']}' holds '{unknown}' and the model knows {', '.join(codes)}."
        )
    return np.array([codes[str(v)] for v in values], dtype=np.float64)


def _rows(model: Model, given: Any) -> Samples:
    kind = MODALITIES.get(model.modality)
    given = kind.read(given)
    try:
        x = np.asarray(given)
        x = np.asarray(x / 255 if kind.channels and x.dtype == np.uint8 else x, dtype=kind.dtype)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"what was given cannot be read as {model.modality} samples of one shape ({error}); give "
            "an array (B, ...) of numbers, or samples."
        ) from error
    if kind.channels and _is_grey(model, x):
        x = x[..., None]
    x = x[None] if x.ndim == len(kind.axes) else x
    if x.ndim != len(kind.axes) + 1 or x.size == 0:
        raise InvalidInput(
            f"an array of shape {x.shape} was given; {model.modality} samples need "
            f"(B, {', '.join(kind.axes)})."
        )
    found = Samples(np.ascontiguousarray(x), model.modality, Counted("row", range(len(x))))
    found.check()
    return found


def _is_grey(model: Model, x: NDArray[Any]) -> bool:
    """Whether the last axis is missing, where the model reads one channel."""
    background = model.background
    shape = (0,) if background is None else background.shape[1:]
    return shape[-1] == 1 and x.shape[-len(shape) + 1 :] == shape[:-1]
