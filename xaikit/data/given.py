"""Data in memory: frames, arrays, lists, pictures of PIL, and torch's data sets, with the labels that come along."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.files import short
from xaikit.data.arrays import array_rows
from xaikit.data.lines import Sheet
from xaikit.data.pictures import picture_pixels
from xaikit.data.rows import Options, Rows
from xaikit.data.tables import table_rows
from xaikit.data.texts import text_rows

__all__ = ["is_held", "items_of", "plain", "rows_held"]

LABELS = ("label", "labels", "target", "y")
ORDERED = ("SequentialSampler", "RandomSampler")  # of a loader that takes each item once


def is_held(given: Any) -> bool:
    """Whether it is data, where a path could stand too."""
    return (
        _is_frame(given) or isinstance(given, (list, tuple)) or _is_loader(given) or _is_set(given)
    )


def rows_held(given: Any, test: Any, options: Options) -> Rows:
    """A frame with its label; (X, y); or items (x, y), as torch's data sets give them; also of the test rows."""
    held = [given] if test is None else [given, test]
    if all(map(_is_frame, held)):
        return table_rows([_sheet(frame, i) for i, frame in enumerate(held)], options)
    pairs = [_x_and_y(one) for one in held]
    if all(_is_frame(x) for x, _ in pairs):
        sheets = [_labelled(_sheet(x, i), y) for i, (x, y) in enumerate(pairs)]
        return table_rows(sheets, replace(options, label_column="label"))
    parts = ["" if test is None else "train", "test"]
    held_in = dict(zip(parts, pairs, strict=False))
    if all(isinstance(x, str) for xs, _ in pairs for x in xs):
        return _texts(held_in)
    arrays = {
        part: (_stacked(xs), np.array(_plain_labels(ys))) for part, (xs, ys) in held_in.items()
    }
    return array_rows(arrays, options)


def _texts(held: Mapping[str, tuple[Any, Sequence[Any]]]) -> Rows:
    labels = [label for _, ys in held.values() for label in _plain_labels(ys)]
    words = any(isinstance(label, str) for label in labels)
    ids = [
        f"{'test' if part == 'test' else 'row'}-{i + 1}"
        for part, (xs, _) in held.items()
        for i in range(len(xs))
    ]
    return text_rows(
        [str(x) for xs, _ in held.values() for x in xs],
        np.array(
            [str(label) for label in labels] if words else labels, dtype=object if words else None
        ),
        ids,
        [part for part, (xs, _) in held.items() for _ in xs],
        [f"'{id}'" for id in ids],
    )


def items_of(given: Any) -> tuple[Sequence[Any], list[Any] | None] | None:
    """The inputs and the labels of torch's data sets and loaders, and of lists of (x, label); None of all else.

    A loader is read by its data set, in the order of that, and nothing is drawn from torch's generator.
    """
    if _is_loader(given):
        if type(given.sampler).__name__ not in ORDERED or not _is_set(given.dataset):
            raise InvalidInput(
                f"a loader with a {type(given.sampler).__name__} was given; give its data set, or a Subset of it."
            )
        given = given.dataset
    if not (_is_set(given) or _is_pairs(given)):
        return None
    with _own_generator():
        items = [given[i] for i in range(len(given))]
    split = [_split(item, i) for i, item in enumerate(items)]
    labels = [label for _, label in split]
    return [plain(x) for x, _ in split], None if any(y is None for y in labels) else _plain_labels(
        labels
    )


def plain(x: Any) -> Any:
    """A tensor or a picture of PIL as an array; anything else as it is."""
    if hasattr(x, "detach"):
        return x.detach().cpu().numpy()
    if hasattr(x, "getbands"):
        return picture_pixels(x)
    return x


def _own_generator() -> AbstractContextManager[Any]:
    torch = sys.modules.get("torch")
    return nullcontext() if torch is None else torch.random.fork_rng(devices=[])


def _is_frame(given: Any) -> bool:
    return hasattr(given, "columns") and hasattr(given, "to_numpy")


def _is_loader(given: Any) -> bool:
    return all(hasattr(given, name) for name in ("dataset", "sampler", "batch_size", "__iter__"))


def _is_set(given: Any) -> bool:
    """A data set as torch and Hugging Face have it: items by their number."""
    other = isinstance(given, (Sequence, Mapping, np.ndarray, str, bytes)) or _is_frame(given)
    items = all(hasattr(given, name) for name in ("__getitem__", "__len__"))
    return items and not other and not hasattr(given, "shape")


def _is_pairs(given: Any) -> bool:
    """A list of (x, label), whose x is no label itself."""
    return isinstance(given, list) and bool(given) and all(
        isinstance(item, tuple) and len(item) == 2 and np.ndim(plain(item[1])) == 0
        and (isinstance(item[0], str) or np.ndim(plain(item[0])) > 0)
        for item in given
    )  # fmt: skip


def _split(item: Any, i: int) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        label = next((item[name] for name in LABELS if name in item), None)
        others = [name for name in item if name not in LABELS]
        if len(others) == 1:
            return item[others[0]], label
        raise InvalidInput(
            f"item {i} has the parts {short(', '.join(map(str, others)))}; give pairs of an input and a label."
        )
    if not isinstance(item, (tuple, list)):
        return item, None
    if len(item) == 1:
        return item[0], None
    if len(item) != 2:
        raise InvalidInput(f"item {i} has {len(item)} parts; give pairs of an input and a label.")
    return item[0], item[1]


def _x_and_y(given: Any) -> tuple[Any, Sequence[Any]]:
    found = items_of(given)
    if found is None and isinstance(given, tuple) and len(given) == 2:
        x, y = plain(given[0]), list(plain(given[1]))
        if len(x) != len(y):
            raise DataError(f"{len(x)} inputs and {len(y)} labels were given; give one label each.")
        return (x if _is_frame(x) else [plain(item) for item in x]), y
    if found is None or found[1] is None:
        raise DataError(
            f"a {type(given).__name__} without labels was given; give (X, y), pairs (x, label), or a frame with a "
            "label column."
        )
    return found[0], found[1]


def _plain_labels(labels: Sequence[Any]) -> list[Any]:
    found = [plain(label) for label in labels]
    return [label.item() if hasattr(label, "item") else label for label in found]


def _stacked(xs: Any) -> NDArray[Any]:
    shapes = {np.shape(x) for x in xs}
    if len(shapes) > 1:
        told = " and ".join(map(str, sorted(shapes)[:2]))
        raise DataError(f"inputs of the shapes {told} were given; bring all to one shape.")
    return np.asarray(xs)


def _labelled(sheet: Sheet, labels: Sequence[Any]) -> Sheet:
    if "label" in sheet.cells:
        raise DataError(
            "the frame has a column 'label' and labels were given beside it; leave one out."
        )
    return replace(sheet, cells={**sheet.cells, "label": _cells(labels)})


def _sheet(frame: Any, i: int) -> Sheet:
    """The columns of a pandas or polars frame, as a file of it would hold them."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise DataError("the frame has two columns of one name; rename one.")
    if len(frame) == 0 or not names:
        raise DataError("the frame holds no rows; give it at least a few of each class.")
    cells = {str(name): _cells(frame[name].to_numpy()) for name in frame.columns}
    rows = list(range(1, len(frame) + 1))
    return Sheet("the test frame" if i else "the frame", cells, rows, rows, "row", ("frame",))


def _cells(values: Any) -> list[str]:
    """Values as a file holds them; what is missing as ""."""
    return ["" if _is_gap(value) else str(value) for value in _listed(values)]


def _listed(values: Any) -> Iterator[Any]:
    return iter(
        values.tolist() if hasattr(values, "tolist") and values.dtype.kind in "biufU" else values
    )


def _is_gap(value: Any) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType")
