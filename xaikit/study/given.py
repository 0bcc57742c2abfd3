"""What people hand over to be explained, as samples: rows, frames, texts, pictures, series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Framed, Model
from xaikit.core.errors import InvalidInput
from xaikit.core.files import short
from xaikit.core.frames import is_frame
from xaikit.core.many import Counted
from xaikit.core.sample import MODALITIES, Sample
from xaikit.core.samples import Samples
from xaikit.core.words import PART
from xaikit.data.given import items_of, plain
from xaikit.modalities.text import words
from xaikit.models.missing import require_missing_read

__all__ = ["require_model", "rows_of", "samples_of"]


def samples_of(model: Model, given: Any) -> Sequence[Sample]:
    """The samples in what was given for that model.

    given : samples; an array (B, *x.shape), or (*x.shape) for one; a pandas or polars frame whose columns
        are those of the model; texts, or pairs of texts as tuples; pictures as arrays or as PIL makes them,
        which a model out of a folder of Hugging Face brings to its size as its processor does
    """
    require_model(model)
    if isinstance(given, Sample):
        return _readable(model, [given])
    if hasattr(given, "toarray"):
        raise InvalidInput(
            f"a sparse {type(given).__name__} was given; call .toarray() of the rows to explain."
        )
    given = list(given) if isinstance(given, Iterator) else given
    held = (
        isinstance(given, (list, tuple)) and MODALITIES.get(model.modality).words
    )  # pairs of texts
    if not (held or _is_list_of(given, Sample)) and (items := items_of(given)) is not None:
        return _labelled(model, *items)
    n = len(given) if isinstance(given, Sequence) else next(iter(getattr(given, "shape", ())), 1)
    if n == 0:
        raise InvalidInput("0 samples were given; give one or more.")
    if isinstance(given, Samples) or _is_list_of(given, Sample):
        return _readable(model, given)
    if MODALITIES.get(model.modality).words:
        return _texts(given)
    return _readable(model, _rows(model, _brought(model, _framed(model, given))))


def require_model(model: Any) -> None:
    """`InvalidInput` for what is no model."""
    if not isinstance(model, Model):
        raise InvalidInput(
            f"a {type(model).__name__} is no model of xaikit; wrap it first: xaikit.wrap(it, "
            "modality='table', background=rows)."
        )


def rows_of(model: Model, given: Any) -> Any:
    """Rows that stand for others, of a frame as the numbers that the model reads."""
    return _framed(model, given) if is_frame(given) else given


def _readable(model: Model, samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples; `ModelError` with a count where some have missing values and the model reads none."""
    heard = getattr(getattr(model, "inputs", None), "rate", None)
    if heard is not None and not isinstance(samples, Samples):
        odd = next((s for s in samples if s.meta.get("rate", heard) != heard), None)
        if odd is not None:
            raise InvalidInput(
                f"sound '{odd.id}' has {odd.meta['rate']} samples a second and '{model.id}' reads {heard}; "
                "bring it to that rate."
            )
    if not MODALITIES.get(model.modality).tabular:
        return samples
    rows = samples.x if isinstance(samples, Samples) else [s.x for s in samples]
    gone = [i for i, x in enumerate(rows) if x.ndim == 1 and np.isnan(x).any()]
    if not gone or len({rows[i].shape for i in gone}) > 1:
        return samples
    require_missing_read(
        model.id,
        model.scores,
        np.stack([rows[i] for i in gone]),
        [str(column["name"]) for column in model.info.get("columns") or ()],
        "samples",
        len(samples),
    )
    return samples


def _labelled(model: Model, xs: Sequence[Any], labels: Sequence[Any] | None) -> Sequence[Sample]:
    """Items of a data set of torch, with their labels; names of classes as their places."""
    if MODALITIES.get(model.modality).channels:
        xs = [np.moveaxis(x, 0, -1) if _channels_first(x) else x for x in xs]
    samples = samples_of(model, list(xs))
    if labels is None:
        return samples
    places = {name: i for i, name in enumerate(model.classes)}
    unknown = next((y for y in labels if isinstance(y, str) and y not in places), None)
    if unknown is not None:
        raise InvalidInput(
            f"a label is '{short(unknown)}' and the model's classes are {short(', '.join(places), 300) or 'numbers'}."
        )
    return [
        replace(s, label=places[y] if isinstance(y, str) else y)
        for s, y in zip(samples, labels, strict=True)
    ]


def _channels_first(x: Any) -> bool:
    return np.ndim(x) == 3 and x.shape[0] in (1, 3) and x.shape[-1] not in (1, 3)


def _is_list_of(given: Any, kind: type) -> bool:
    return isinstance(given, Sequence) and all(isinstance(item, kind) for item in given)


def _texts(given: Any) -> Sequence[Sample]:
    given = [given] if isinstance(given, str) or _is_pair(given) else given
    if not isinstance(given, Iterable):
        raise InvalidInput(f"a {type(given).__name__} holds no texts; give a list of strings.")
    made = []
    for i, text in enumerate(given):
        text = PART.join(text) if _is_pair(text) else text
        if not isinstance(text, str):
            raise InvalidInput(
                f"text {i} is a {type(text).__name__}; give strings, pairs of them as tuples, or Sample('a name', words, 'text')."
            )
        made.append(Sample(f"text {i}", np.array(words(text)[0]), "text", meta={"text": text}))
    return made


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and _is_list_of(given, str)


def _framed(model: Model, given: Any) -> Any:
    """The values of a frame in the order of the model's columns, words as the codes that it knows."""
    if not is_frame(given):
        return given
    frames = model.frames if isinstance(model, Framed) else None
    if frames is not None:
        rows = frames.coded(given)
        model.info = {**model.info, "columns": frames.columns}  # words that are new among them
        return rows
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


def _brought(model: Model, given: Any) -> Any:
    """Pictures as PIL makes them, or of another size than the model's, brought to what it reads where it
    knows how."""
    resized = getattr(getattr(model, "inputs", None), "resized", None)
    if resized is None:
        return given
    one = hasattr(given, "getbands") or np.ndim(given) in (2, 3)
    pictures = [given] if one else list(given)
    return np.stack([_picture(picture, resized, model.inputs.shape) for picture in pictures])  # type: ignore[attr-defined]


def _picture(given: Any, resized: Callable[[NDArray[Any]], NDArray[Any]], shape: Any) -> Any:
    """(H, W, C) in [0, 1] of the model's shape."""
    pil = hasattr(given, "getbands")
    x = np.asarray(given.convert("L" if shape[2] == 1 else "RGB") if pil else given)
    x = x / np.float32(255) if x.dtype == np.uint8 else x
    x = x[..., None] if x.ndim == 2 else x
    return resized(x) if pil or x.shape != shape else x


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
        x = np.asarray([plain(item) for item in given] if isinstance(given, list) else plain(given))
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
