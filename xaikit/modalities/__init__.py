"""The features of a sample, and what a removed feature is replaced by, for the four modalities.

Methods know nothing of modalities: everything that differs between an image, a text, a table row
and a series is in this folder, one file each.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Masker
from xaikit.core.types import Floats, Sample, Segmentation
from xaikit.modalities import image, series, table, text

if TYPE_CHECKING:
    from xaikit.data.dataset import Dataset

__all__ = ["MASKERS", "SEGMENTERS", "as_rows", "background", "magnitude", "masker", "segment"]

MAX_BYTES = 2**30  # of a sparse background as a full one

_HOMES: dict[str, ModuleType] = {"image": image, "text": text, "table": table, "series": series}

SEGMENTERS: dict[str, tuple[str, ...]] = {name: home.SEGMENTERS for name, home in _HOMES.items()}
MASKERS: dict[str, tuple[str, ...]] = {name: home.MASKERS for name, home in _HOMES.items()}
"""The ways to cut and to remove by modality: the default first, a second opinion next."""


def segment(sample: Sample, how: str = "auto", names: Sequence[str] | None = None) -> Segmentation:
    """The features of a sample, with the names that people know.

    how : "auto" (the first of `SEGMENTERS`) or one of them; a number goes after a colon, for
        example "patches:4", "slic:50" or "windows:12"
    names : of a table's columns or a series' channels
    """
    kind, number = _parse(sample, how)
    found: Segmentation = _HOMES[sample.modality].segment(sample, kind, number, names)
    return found


def masker(
    sample: Sample,
    segmentation: Segmentation,
    background: NDArray[Any] | None = None,
    how: str = "auto",
    *,
    n_background: int | None = None,
    categorical: Sequence[bool] | None = None,
) -> Masker:
    """What a removed feature of this sample is replaced by.

    background : (b, *x.shape) typical training inputs, or None
    how : "auto" (the first of `MASKERS`) or one of them
    n_background : rows of the background that are used, evenly spaced from the first to the last; None
        for all, of a table at most 50. `Masker.name` says how many of how many
    categorical : (D,) which columns of a table are category codes; guessed from the background
        when None
    """
    known = MASKERS[sample.modality]
    if how not in ("auto", *known):
        raise InvalidInput(
            f"a {sample.modality} sample has no masker '{how}'; use auto, {', '.join(known)}."
        )
    how = known[0] if how == "auto" else how
    rows = _checked(sample, background)
    n = _count(rows, n_background)
    if sample.modality == "table":
        plain = np.array_equal(segmentation.ids, np.arange(len(sample.x)))
        names = segmentation.names if plain else ()  # of features of several columns
        return table.masker(sample, rows, how, n, categorical, names)
    if sample.modality == "image":
        return image.masker(sample, segmentation, rows, how, n)
    if sample.modality == "text":
        return text.masker(sample, how)
    return series.masker(sample, rows, how, n)


def shares(
    modality: str, features: str | Segmentation, how: str | Masker, background: NDArray[Any] | None
) -> bool:
    """Whether samples of one shape are cut and masked alike, so that this is done once for all.

    features, how : the cut and the masker, by name or somebody's own
    """
    cuts, maskers = _HOMES[modality].ALIKE
    cut = not isinstance(features, str) or features.partition(":")[0] in cuts
    if isinstance(how, Masker):
        return cut
    return cut and how in maskers and (background is not None or how not in ("auto", "mean"))


def magnitude(sample: Sample, background: NDArray[Any] | None = None) -> Floats:
    """(*grid) float64, how much there is at each place: the control that no method may lose to.

    It never sees a model. An explanation that ranks features no better than this map says where
    the input is strong, which is not what the model used.
    """
    rows = _checked(sample, background)
    found: Floats = _HOMES[sample.modality].magnitude(sample, rows)
    return found


def background(dataset: Dataset, limit: int = 100, seed: int = 0) -> NDArray[Any] | None:
    """(b, *x.shape), at most `limit` training inputs that hold the labels in their proportions.

    None for text, which has no typical row. Rows are drawn evenly along the sorted labels, so
    classes and regression targets alike keep their share, and come in random order.
    """
    if limit < 1:
        raise InvalidInput(f"the background limit is {limit}; it must be 1 or more.")
    if dataset.modality == "text":
        return None
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(dataset.train))
    ordered = shuffled[np.argsort(dataset.labels("train")[shuffled], kind="stable")]
    n = min(limit, len(ordered))
    chosen = ordered[((np.arange(n) + 0.5) * len(ordered) / n).astype(np.int64)]
    return np.stack([dataset.train[i].x for i in rng.permutation(chosen)])


def as_rows(background: Any) -> NDArray[Any]:
    """(b, *x.shape) rows as an array of numbers; a sparse matrix becomes a full one of up to 1 GiB."""
    if hasattr(background, "toarray"):
        size = 8 * int(np.prod(background.shape, dtype=np.int64))
        if size > MAX_BYTES:
            raise InvalidInput(
                f"a sparse background of shape {background.shape} takes {size / 2**30:.3g} GiB as a "
                "full one; give some of its rows, for example background[:100]."
            )
        background = background.toarray()
    rows = np.asarray(background)
    if rows.dtype.kind not in "biuf":
        raise InvalidInput(
            f"the background holds {rows.dtype} and numbers are needed; code its categories as "
            "numbers and let a function turn them back for the model."
        )
    return rows


def _parse(sample: Sample, how: str) -> tuple[str, int | None]:
    known = SEGMENTERS[sample.modality]
    kind, _, number = how.partition(":")
    kind = known[0] if kind == "auto" else kind
    if kind not in known or (number and not number.isdigit()) or number == "0":
        raise InvalidInput(
            f"a {sample.modality} sample cannot be cut by '{how}'; use auto, {', '.join(known)}, "
            "some with a number above 0, for example 'patches:4' or 'windows:12'."
        )
    return kind, int(number) if number else None


def _count(rows: NDArray[Any] | None, n: int | None) -> int | None:
    """How many rows are asked for; refused where there are not so many."""
    if n is None or (rows is not None and 1 <= n <= len(rows)):
        return n
    held = "no background" if rows is None else f"a background of {len(rows)} rows"
    raise InvalidInput(
        f"n_background is {n} and there is {held}; give a number from 1 to the rows of background=."
    )


def _checked(sample: Sample, background: NDArray[Any] | None) -> NDArray[Any] | None:
    if background is None or sample.modality == "text":
        return None
    rows = as_rows(background)
    if rows.ndim != sample.x.ndim + 1 or rows.shape[1:] != sample.x.shape or len(rows) == 0:
        raise InvalidInput(
            f"the background has shape {rows.shape}; sample '{sample.id}' needs "
            f"(b, {', '.join(map(str, sample.x.shape))}) with b of 1 or more."
        )
    return rows
