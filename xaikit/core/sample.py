"""One thing that a model is asked about, and what kind of thing it is.

Everything that differs between an image, a text, a table row and a series is told by the `Modality`,
one object each; the rest of the package asks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.features import Bools, Floats, Ints, Masker, Segmentation, locked
from xaikit.core.registry import Registry

__all__ = [
    "MODALITIES",
    "Box",
    "Label",
    "Modality",
    "Sample",
    "Titles",
    "ranged",
    "restored_label",
    "split",
    "stored_label",
]

Array = NDArray[Any]
Label = int | float | frozenset[int] | tuple[float, ...] | Array | None
Told = tuple[str, str]  # English, Korean
Box = tuple[tuple[int, int], ...]  # of each axis: the first place, and the one after the last


@dataclass(frozen=True)
class Titles:
    """What the pages call a modality, each in English and in Korean.

    samples : what its samples are, for example "images"
    part, parts : one feature, and several
    frame, frames : of samples that are several pictures one of these, and several
    """

    samples: Told
    part: Told
    parts: Told
    frame: Told = ("frame", "프레임")
    frames: Told = ("frames", "프레임")


@dataclass(frozen=True)
class Modality:
    """A kind of samples: what its places are, how they are cut, removed, changed, read and told.

    axes : of a sample's array, for example ("H", "W", "C")
    segmenters, maskers : the ways to cut and to remove, the default first, a second opinion next
    plot : whether a picture of it is a plot whose axes have units: drawn wide, its features called by their names
    given : further ways to remove, by what goes with what is kept: they ask another question
    titles : what pages call it
    inputs : what a model's inputs look like: "pixels" (H, W, C), "columns" (D,), "steps" (L, C),
        "frames" (T, H, W, C), "sound" (F, T, 2) or "words"; models read any modality that states a kind they know
    view : what the report draws: a "picture" (H, W) or its frames (T, H, W), "text", "bars" (one a feature) or "lines" (L, C)
    dtype : of a sample's array
    channels : whether the last axis holds what belongs to one place, which is removed together
    typical : whether there are typical inputs, which a background is made of
    tabular : whether every place is a column in a unit of its own, which may hold codes of categories
    words : whether places are words, which are quoted, belong to a language and have no distances
    shared : of the ways to cut and to remove (given a background) those that come out the same for all
        samples of one shape, so that many samples share them
    """

    name: str
    axes: tuple[str, ...]
    segmenters: tuple[str, ...]
    maskers: tuple[str, ...]
    titles: Titles
    inputs: str
    view: str
    dtype: type[np.generic] = np.float32
    channels: bool = False
    typical: bool = True
    tabular: bool = False
    words: bool = False
    plot: bool = False
    shared: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether a model is said to read its samples."""
        return self.view in ("picture", "text") and not self.plot

    def shares(self, how: str, ways: tuple[str, ...]) -> bool:
        """Whether a way, by name or "auto", is the same for all samples of one shape."""
        return (ways[0] if how == "auto" else how.partition(":")[0]) in self.shared

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None
    ) -> Segmentation:
        """The features of a sample, cut in one of the ways.

        number : what stood after a colon, for example 4 of "patches:4"
        names : of columns or channels, where they are known
        """
        raise NotImplementedError

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: Array | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """What a removed feature of the sample is replaced by, in one of the ways.

        rows : (b, *x.shape) typical inputs, or None; n of them are wanted, None for all
        categorical : (D,) which columns are categories, where that is known
        """
        raise NotImplementedError

    def removes(self, sample: Sample, how: str) -> bool:
        """Whether the sample has what that way to remove needs, beside a background."""
        del sample, how
        return True

    def grid(self, x: Array) -> tuple[int, ...]:
        """Shape of the places that can be removed."""
        return tuple(x.shape[:-1] if self.channels else x.shape)

    def check(self, x: Array, id: str) -> None:
        """`InvalidInput` for values that no sample may have."""
        if not np.isfinite(x).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
            raise InvalidInput(f"sample '{id}' holds NaN or infinity at {where}; fill or drop it.")

    def read(self, given: Any) -> Any:
        """What people give as the array of a sample, or of several, as such an array."""
        return given

    def pieces(self) -> Iterator[tuple[Any, slice]]:
        """Of samples of several parts each (its name, kind and shape), and where its numbers lie."""
        return iter(())

    def kept(self, x: Array, sample: Sample) -> Array:
        """What a sample holds in place of its checked array."""
        del sample
        return x

    def columns(self, n: int) -> tuple[str, ...]:
        """Names of the n columns or channels that were given none; () where they have no names."""
        del n
        return ()

    def categories(self, info: Mapping[str, Any]) -> list[bool] | None:
        """Which columns are categories by a model's info; None where it does not say."""
        del info
        return None

    def seen(self, x: Array) -> Array:
        """What a "picture" of it shows, (H, W, C) in [0, 1]; (T, H, W, C) of frames."""
        return x

    def within(self, x: Array) -> Array:
        """Changed inputs, brought back to where inputs can be."""
        return x

    def spread(self, x: Array, rows: Array, info: Mapping[str, Any]) -> Floats | None:
        """How far each place of x may move in hardly changed inputs, broadcast to x: the deviation
        over the rows, |x| of a single one. None where inputs have no such neighbours.

        info : the model's
        """
        del info
        wide = np.asarray(rows, dtype=np.float64).std(axis=0) if len(rows) > 1 else np.abs(x)
        return np.asarray(wide, dtype=np.float64)

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str] | None:
        """Other features of the same grid, at most that many, and what they are in words; None
        where places have no neighbours."""
        del segmentation, most
        return None

    def halves(self, box: Box, sample: Sample) -> tuple[Box, Box]:
        """A block of two places or more as two blocks: here its longest side, in the middle."""
        del sample
        sides = [end - start for start, end in box]
        axis = sides.index(max(sides))
        return split(box, axis, sum(box[axis]) // 2)

    def called(self, box: Box, sample: Sample, names: Sequence[str] | None) -> str:
        """What people call a block of the grid, by its range.

        names : of columns or channels, where they are known
        """
        del sample, names
        return "places " + ", ".join(ranged(start, end - 1) for start, end in box)

    def blank(self) -> Array | None:
        """An input to try a model on when none is given, or None where that cannot be."""
        return None

    def made(self, known: Sequence[Array], n: int, rng: np.random.Generator) -> list[Array]:
        """About n inputs made of the known ones, which hold what a removal could show: here noise
        of the known spread."""
        spread = float(np.stack(known).std()) or 1.0
        found = []
        for _ in range(n):
            x = known[int(rng.integers(len(known)))]
            found.append(np.asarray(x + rng.normal(0, spread, x.shape), dtype=x.dtype))
        return [self.within(x) for x in found]

    def from_array(self, x: Array, file: str, channels: str | None) -> Array:
        """(N, *x.shape) samples in the array of a file; `DataError` where it holds others.

        channels : "first" or "last" where it was said which
        """
        del channels
        self.require_axes(x, file, 1 + len(self.axes))
        return x

    def require_axes(self, x: Array, file: str, *wanted: int) -> None:
        """`DataError` unless the array of a file has as many axes as wanted."""
        if x.ndim not in wanted:
            raise DataError(
                f"'{file}' has X of shape {x.shape}, which cannot be read as {self.name}."
            )


MODALITIES: Registry[Modality] = Registry("modality", "modalities", base=Modality)


@dataclass(frozen=True, eq=False)
class Sample:
    """One thing that a model is asked about, in data space.

    id : unique within its data set
    x : image (H, W, C) float32 in [0, 1]; text (T,) words; table (D,) float64, a category is its
        code and NaN a missing value; series (L, C) float32
    modality : name of its `Modality`
    label : class index; a set of class indices where several labels hold at once; number to
        predict, or a tuple of them, one for each output of a regressor of several; an array of two axes
        for boxes, (n, 5) class, left, top, right, bottom in px, or the class of each pixel (H, W); or None
    rationale : (*grid) bool, the places known to carry the answer, or None
    meta : anything for people: the source file, units; the raw text as "text", which must hold the
        words in order and is what models read; without it the words are joined by single blanks

    >>> Sample("flower", np.array([5.1, 3.5]), "table", label=0).grid
    (2,)
    """

    id: str
    x: Array
    modality: str
    label: Label = None
    rationale: Bools | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES:
            raise InvalidInput(
                f"sample '{self.id}' has modality '{self.modality}'; use one of "
                f"{', '.join(MODALITIES)}."
            )
        kind = self.kind
        x = self._array(kind.dtype)
        if x.ndim != len(kind.axes) or x.size == 0:
            raise InvalidInput(
                f"sample '{self.id}' has shape {x.shape}; a {self.modality} sample needs "
                f"{len(kind.axes)} non-empty dimension(s)."
            )
        kind.check(x, self.id)
        object.__setattr__(self, "x", locked(kind.kept(x, self)))
        object.__setattr__(self, "label", _plain_label(self.label))
        if self.rationale is not None:
            rationale = np.array(self.rationale, dtype=bool)
            if rationale.shape != self.grid:
                raise InvalidInput(
                    f"sample '{self.id}' has a rationale of shape {rationale.shape}; its grid is {self.grid}."
                )
            object.__setattr__(self, "rationale", locked(rationale))

    def _array(self, dtype: type[np.generic]) -> Array:
        """x as an array of its own; `InvalidInput` for what holds something else."""
        given = self.kind.read(self.x)
        if hasattr(given, "toarray"):
            raise InvalidInput(
                f"sample '{self.id}' is a sparse {type(given).__name__}; call .toarray()[0]."
            )
        try:
            return np.array(given, dtype=dtype)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"sample '{self.id}' cannot be read as {self.modality} ({error}); give the frame "
                "itself, as in explain(model, frame[:1]), or code categories as numbers, which a function "
                "may turn back for the model."
            ) from error

    @property
    def kind(self) -> Modality:
        """Its modality, which knows everything that differs from other kinds of samples."""
        return MODALITIES.get(self.modality)

    @property
    def grid(self) -> tuple[int, ...]:
        """Shape of the places that can be removed."""
        return self.kind.grid(self.x)


def split(box: Box, axis: int, at: int) -> tuple[Box, Box]:
    """The block before the place `at` of an axis, and the block from there on."""
    start, end = box[axis]
    before, after = box[:axis], box[axis + 1 :]
    return (*before, (start, at), *after), (*before, (at, end), *after)


def ranged(first: int, last: int) -> str:
    """A range in words: "7", or "7 to 9"."""
    return f"{first}" if first == last else f"{first} to {last}"


def _plain_label(label: Any) -> Label:
    """Labels that hold at once as a frozen set, several numbers as a tuple, arrays of two axes locked,
    others as they are."""
    if isinstance(label, np.ndarray) and label.ndim == 2 and label.dtype.kind in "biuf":
        return locked(label.astype(np.float64 if label.dtype.kind == "f" else np.int64))
    if isinstance(label, (set, frozenset)):
        return frozenset(map(_plain_number, label))
    if isinstance(label, (list, tuple)) or (isinstance(label, np.ndarray) and label.ndim):
        return tuple(map(_plain_number, label))
    return _plain_number(label)  # type: ignore[no-any-return]


def stored_label(label: Label) -> Any:
    """A label as JSON holds it."""
    if isinstance(label, frozenset):
        return {"labels": sorted(label)}
    if isinstance(label, np.ndarray):
        return {"numbers": label.ravel().tolist(), "shape": list(label.shape)}
    return label


def restored_label(stored: Any) -> Any:
    """The label that was stored; `KeyError`, `TypeError` or `ValueError` for what is none."""
    if not isinstance(stored, Mapping):
        return tuple(stored) if isinstance(stored, list) else stored
    if "labels" in stored:
        return frozenset(stored["labels"])
    return np.array(stored["numbers"]).reshape(stored["shape"])


def _plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's; a task says what it cannot read."""
    number = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if number else value
