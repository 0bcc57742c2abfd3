"""The features of a sample, and what a removed feature is replaced by.

Methods know nothing of modalities: everything that differs between an image, a text, a table row
and a series is in this folder, one object each. Another package adds one through the entry point
group `xaikit.modalities`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Masker, Segmentation
from xaikit.core.sample import MODALITIES, Modality, Sample, Titles
from xaikit.modalities.audio import AUDIO, sound
from xaikit.modalities.image import IMAGE
from xaikit.modalities.parts import Parts, Slot, parts_of
from xaikit.modalities.series import SERIES
from xaikit.modalities.table import TABLE
from xaikit.modalities.text import TEXT
from xaikit.modalities.video import VIDEO, VOLUME

if TYPE_CHECKING:
    from xaikit.data.dataset import Dataset

__all__ = [
    "AUDIO",
    "IMAGE",
    "MODALITIES",
    "SERIES",
    "TABLE",
    "TEXT",
    "VIDEO",
    "VOLUME",
    "Modality",
    "Parts",
    "Slot",
    "Titles",
    "as_rows",
    "background",
    "masker",
    "parts_of",
    "segment",
    "sound",
]

MAX_BYTES = 2**30  # of a sparse background as a full one

for _kind in (IMAGE, TEXT, TABLE, SERIES, VIDEO, VOLUME, AUDIO):
    MODALITIES.register(_kind.name)(_kind)


def segment(sample: Sample, how: str = "auto", names: Sequence[str] | None = None) -> Segmentation:
    """The features of a sample, with the names that people know.

    how : "auto" (the first of its modality's `segmenters`) or one of them; a number goes after a
        colon, for example "patches:4", "slic:50" or "windows:12"
    names : of a table's columns or a series' channels
    """
    kind, number = _parse(sample, how)
    return sample.kind.segment(sample, kind, number, names)


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
    how : "auto" (the first of its modality's `maskers`), one of them or of its `given`
    n_background : rows of the background that are used, evenly spaced from the first to the last; None
        for all, of a table at most 50. `Masker.name` says how many of how many
    categorical : (D,) which columns of a table are category codes; guessed from the background
        when None
    """
    known = (*sample.kind.maskers, *sample.kind.given)
    if how not in ("auto", *known):
        raise InvalidInput(
            f"a {sample.modality} sample has no masker '{how}'; use auto, {', '.join(known)}."
        )
    how = known[0] if how == "auto" else how
    rows = _checked(sample, background)
    n = _count(rows, n_background)
    return sample.kind.masker(sample, segmentation, rows, how, n, categorical)


def background(dataset: Dataset, limit: int = 100, seed: int = 0) -> NDArray[Any] | None:
    """(b, *x.shape), at most `limit` training inputs that hold the labels in their proportions.

    None where there is no typical input, as for text. Rows are drawn evenly along the sorted
    labels, so classes and regression targets alike keep their share, and come in random order.
    """
    if limit < 1:
        raise InvalidInput(f"the background limit is {limit}; it must be 1 or more.")
    if not MODALITIES.get(dataset.modality).typical:
        return None
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(dataset.train))
    held: list[Any] = [s.label for s in dataset.train]
    labels = np.array(
        [np.mean(label) if label is not None and np.size(label) else 0.0 for label in held]
    )
    ordered = shuffled[np.argsort(labels[shuffled], kind="stable")]
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
            f"the background holds {rows.dtype} and numbers are needed; give a frame, or code its "
            "categories as numbers and let a function turn them back for the model."
        )
    return rows


def _parse(sample: Sample, how: str) -> tuple[str, int | None]:
    known = sample.kind.segmenters
    kind, _, number = how.partition(":")
    kind = known[0] if kind == "auto" else kind
    if kind not in known or (number and not number.isdigit()) or number == "0":
        raise InvalidInput(
            f"a {sample.modality} sample cannot be cut by '{how}'; use auto, {', '.join(known)}, "
            "some with a number above 0, for example 'patches:4' or 'windows:12'; a study also takes "
            "'refined', 'refined:200' and, of texts, 'tokens'."
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
    if background is None or not sample.kind.typical:
        return None
    rows = as_rows(background)
    if rows.ndim != sample.x.ndim + 1 or rows.shape[1:] != sample.x.shape or len(rows) == 0:
        raise InvalidInput(
            f"the background has shape {rows.shape}; sample '{sample.id}' needs "
            f"(b, {', '.join(map(str, sample.x.shape))}) with b of 1 or more."
        )
    return rows
