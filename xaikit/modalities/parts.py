"""Samples of several parts, a picture and two columns say: one row, in which each part has its stretch.

A sample's array is the numbers of its parts one after the other, and the name of its modality says which
part lies where: `parts(scan:image:16x16x1,vitals:table=age|pulse)`. So everything that reads arrays and
names reads parts, and what was saved can be read anywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Floats, Ints, Masker, Segmentation
from xaikit.core.sample import MODALITIES, Modality, Sample, Titles

__all__ = ["Parts", "Slot", "parts_of"]

Array = NDArray[Any]
EACH = "each"
_NAME = re.compile(r"parts\(([^()]+)\)")
_SHAPE = re.compile(r"[1-9]\d{0,7}(?:x[1-9]\d{0,7})*")
_MOST = 1 << 24  # numbers of one sample


@dataclass(frozen=True)
class Slot:
    """One part: what it is called, its modality, the shape of its array, and names of its columns."""

    name: str
    kind: Modality
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def told(self) -> str:
        """As it stands in the name of the modality."""
        if self.columns:
            return (
                f"{self.name}:{self.kind.name}={'|'.join(quote(c, safe=' ') for c in self.columns)}"
            )
        return f"{self.name}:{self.kind.name}:{'x'.join(map(str, self.shape))}"

    def array(self, given: Any) -> Array:
        """What people give of it, as numbers: a number as one column, bytes as pixels in [0, 1]."""
        x = np.asarray(given)
        scale = 255 if self.kind.channels and x.dtype == np.uint8 else 1
        try:
            x = np.asarray(x / scale, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"part '{self.name}' is a {type(given).__name__} that holds no numbers ({error}); give "
                f"an array of shape {self.shape}."
            ) from error
        return x[..., None] if x.ndim < 2 and self.shape == (1,) and x.shape[-1:] != (1,) else x

    def lead(self, x: Array) -> tuple[int, ...] | None:
        """What stands in front of its shape; None where that is another."""
        n = x.ndim - len(self.shape)
        return x.shape[:n] if n >= 0 and x.shape[n:] == self.shape else None

    def sample(self, of: Sample, x: Array) -> Sample:
        """The part of a sample as a sample of its own."""
        return Sample(of.id, x, self.kind.name)

    def names(self, cut: Segmentation) -> tuple[str, ...]:
        """Features as people call them beside those of other parts."""
        if self.kind.tabular:
            return (self.name,) if len(cut.names) == 1 and not self.columns else cut.names
        return tuple(f"{self.name}, {name}" for name in cut.names)

    def wide(self, grid: NDArray[Any]) -> NDArray[Any]:
        """(*grid) -> (size,): what is known of each place, for each of its numbers."""
        if self.kind.channels:
            grid = np.broadcast_to(grid[..., None], self.shape)
        return grid.reshape(-1)


@dataclass(frozen=True)
class Parts(Modality):
    """(P,) float64, the numbers of the parts in turn; a place is a number."""

    slots: tuple[Slot, ...] = ()

    def pieces(self) -> Iterator[tuple[Slot, slice]]:
        """Each part, and where it lies."""
        start = 0
        for slot in self.slots:
            yield slot, slice(start, start + slot.size)
            start += slot.size

    def split(self, rows: Array) -> list[Array]:
        """(..., P) -> the arrays (..., *shape) of the parts."""
        return [
            rows[..., at].reshape(*rows.shape[:-1], *slot.shape).astype(slot.kind.dtype, copy=False)
            for slot, at in self.pieces()
        ]

    def read(self, given: Any) -> Any:
        """A mapping of parts, of one sample or of B, or several of these, as rows (P,) or (B, P)."""
        if isinstance(given, Mapping):
            return self._joined(given)
        if isinstance(given, Sequence) and given and all(isinstance(g, Mapping) for g in given):
            return np.stack([self._joined(g) for g in given])
        return given

    def _joined(self, given: Mapping[str, Any]) -> Array:
        names = [slot.name for slot in self.slots]
        if set(given) != set(names):
            raise InvalidInput(
                f"a sample has the parts {', '.join(map(str, given))}; {', '.join(names)} are needed."
            )
        found = [slot.array(given[slot.name]) for slot in self.slots]
        leads = {slot.lead(x) for slot, x in zip(self.slots, found, strict=True)}
        lead = leads.pop()
        if leads or lead is None or len(lead) > 1:
            shapes = ", ".join(f"{n} {x.shape}" for n, x in zip(names, found, strict=True))
            wanted = ", ".join(f"{slot.name} {slot.shape}" for slot in self.slots)
            raise InvalidInput(
                f"the parts have the shapes {shapes}; give {wanted}, each with B in front of it or none."
            )
        return np.concatenate([x.reshape(*lead, -1) for x in found], axis=-1)

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """Every part cut in its first way ("each"), or in the way that was named where it knows that; or
        the features of the one part that was named, while the others are never removed."""
        del names  # parts bring their own
        if kind == EACH and number is not None:
            raise InvalidInput(f"'{EACH}' takes no number and got {number}; use '{EACH}'.")
        only = [slot.name for slot in self.slots if slot.name == kind]
        ids: list[Ints] = []
        called: list[str] = []
        sources: list[str] = []
        for (slot, _), x in zip(self.pieces(), self.split(sample.x), strict=True):
            if only and slot.name not in only:
                ids.append(np.full(slot.size, -1))
                continue
            how = kind if kind in slot.kind.segmenters else slot.kind.segmenters[0]
            asked = number if only or how == kind else None
            cut = slot.kind.segment(slot.sample(sample, x), how, asked, slot.columns or None)
            wide = slot.wide(cut.ids)
            ids.append(np.where(wide < 0, -1, wide + len(called)))
            called += slot.names(cut)
            sources.append(f"{slot.name}: {cut.source}")
        return Segmentation(np.concatenate(ids), tuple(called), "; ".join(sources))

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: Array | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """Every part removed in its first way ("each"), or in the way that was named where it knows that;
        rows of several parts are the same rows of the background."""
        del categorical
        made, known = [], [None] * len(self.slots) if rows is None else self.split(rows)
        for (slot, at), x, own in zip(self.pieces(), self.split(sample.x), known, strict=True):
            way = how if how in slot.kind.maskers else slot.kind.maskers[0]
            cut = self._part(segmentation, slot, at)
            made.append(slot.kind.masker(slot.sample(sample, x), cut, own, way, n, None))
        k = max(len(m.references) for m in made)
        if any(len(m.references) not in (1, k) for m in made):
            raise InvalidInput(
                f"the parts have {' and '.join(str(len(m.references)) for m in made)} references; give "
                "references of your own as masker=."
            )
        wide = [
            np.broadcast_to(r, (k, *r.shape[1:])).reshape(k, -1)
            for r in (np.asarray(m.references, dtype=np.float64) for m in made)
        ]
        told = "; ".join(f"{slot.name}: {m.name}" for slot, m in zip(self.slots, made, strict=True))
        return Masker(told, np.concatenate(wide, axis=1))

    def _part(self, segmentation: Segmentation, slot: Slot, at: slice) -> Segmentation:
        """The features of one part, or one for all where it has none."""
        ids = segmentation.ids[at].reshape(slot.shape)
        ids = ids[..., 0] if slot.kind.channels else ids
        known, dense = np.unique(ids, return_inverse=True)
        dense = dense.reshape(ids.shape) - int(known[0] < 0)
        if dense.max() < 0:
            return Segmentation(np.zeros(ids.shape, dtype=np.int64), (slot.name,), "one part")
        return Segmentation(
            dense, tuple(segmentation.names[i] for i in known if i >= 0), "one part"
        )

    def check(self, x: Array, id: str) -> None:
        for slot, part in zip(self.slots, self._whole(x, id), strict=True):
            for one in part.reshape(-1, *slot.shape):
                slot.kind.check(one, f"{id} ({slot.name})")

    def _whole(self, x: Array, id: str) -> list[Array]:
        size = sum(slot.size for slot in self.slots)
        if x.shape[-1] != size:
            raise InvalidInput(
                f"sample '{id}' has {x.shape[-1]} numbers and its parts need {size}; give them by name."
            )
        return self.split(x)

    def within(self, x: Array) -> Array:
        parts = zip(self.slots, self.split(x), strict=True)
        return np.concatenate([slot.kind.within(part).reshape(-1) for slot, part in parts])

    def spread(self, x: Array, rows: Array, info: Mapping[str, Any]) -> Floats | None:
        found = []
        for slot, part, own in zip(self.slots, self.split(x), self.split(rows), strict=True):
            wide = slot.kind.spread(part, own, {})
            found.append(np.broadcast_to(0.0 if wide is None else wide, slot.shape).reshape(-1))
        del info
        return np.concatenate(found)

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str] | None:
        """The parts whose places have neighbours anew, each with its share of the features."""
        ids, told, n = [], [], 0
        for slot, at in self.pieces():
            cut = self._part(segmentation, slot, at)
            share = int(most * cut.n_features / segmentation.n_features)
            again = slot.kind.recut(cut, share) if share > 1 else None
            new = cut.ids if again is None else again[0]
            ids.append(slot.wide(new) + n)
            n += int(new.max()) + 1
            told += [] if again is None else [f"{slot.name} in {again[1]}"]
        return (np.concatenate(ids), ", ".join(told)) if told else None

    def made(self, known: Sequence[Array], n: int, rng: np.random.Generator) -> list[Array]:
        each = zip(self.slots, zip(*map(self.split, known), strict=True), strict=True)
        parts = [slot.kind.made(own, n, rng)[:n] for slot, own in each]
        return [np.concatenate([np.ravel(p) for p in row]) for row in zip(*parts, strict=True)]


def parts_of(slots: Sequence[Slot]) -> Parts:
    """The modality of samples that have these parts; `InvalidInput` for what can be none."""
    names = [slot.name for slot in slots]
    kinds = [slot.kind for slot in slots]
    ways = dict.fromkeys(way for kind in kinds for way in kind.segmenters)
    wrong = [n for n in names if not n.isidentifier() or n in ways or n == EACH]
    if wrong or len(set(names)) < len(names) or not names:
        raise InvalidInput(
            f"the parts are called {', '.join(names) or 'nothing'}; give each a name of its own, letters "
            f"and digits, none of {', '.join((EACH, *ways))}."
        )
    if words := [slot.name for slot in slots if not np.issubdtype(slot.kind.dtype, np.floating)]:
        raise InvalidInput(
            f"part '{words[0]}' holds words and parts hold numbers; wrap a function of the text in which "
            "the other parts are fixed, or of columns in which the text is."
        )
    if sum(slot.size for slot in slots) > _MOST:
        raise InvalidInput(f"the parts hold more than {_MOST} numbers; give smaller ones.")
    others = [way for kind in kinds for way in kind.maskers[1:]]
    firsts = {kind.maskers[0] for kind in kinds}
    return Parts(
        name=f"parts({','.join(slot.told for slot in slots)})",
        axes=("P",),
        segmenters=(EACH, *ways, *names),
        maskers=(EACH, *dict.fromkeys(way for way in others if way not in firsts)),
        titles=Titles(
            samples=("samples", "표본"), part=("feature", "특징"), parts=("features", "특징")
        ),
        inputs="parts",
        view="parts",
        dtype=np.float64,
        shared=_shared(kinds, [*ways, EACH]),
        slots=tuple(slots),
    )


def _shared(kinds: Sequence[Modality], ways: Sequence[str]) -> tuple[str, ...]:
    """The ways that come out the same for all samples in every part."""

    def alike(way: str, of: Callable[[Modality], tuple[str, ...]]) -> bool:
        return all((way if way in of(k) else of(k)[0]) in k.shared for k in kinds)

    every = dict.fromkeys([*ways, *(way for kind in kinds for way in kind.maskers)])
    return tuple(
        way
        for way in every
        if alike(way, lambda k: k.segmenters) and alike(way, lambda k: k.maskers)
    )


@MODALITIES.family("parts(")
def _named(name: str) -> Parts | None:
    """The modality of that name, or None where it says none."""
    found = _NAME.fullmatch(name)
    slots = [] if found is None else [_slot(part) for part in found[1].split(",")]
    if not slots or None in slots:
        return None
    try:
        made = parts_of([slot for slot in slots if slot is not None])
    except InvalidInput:
        return None
    return made if made.name == name else None


def _slot(told: str) -> Slot | None:
    """A part as it stands in a name, or None."""
    name, _, rest = told.partition(":")
    by = "=" if "=" in rest else ":"
    kind, _, shape = rest.partition(by)
    if kind not in MODALITIES:
        return None
    known = MODALITIES.get(kind)
    columns = tuple(map(unquote, shape.split("|"))) if by == "=" else ()
    if columns:
        fits = known.tabular and all(columns)
        return Slot(name, known, (len(columns),), columns) if fits else None
    sides = tuple(map(int, shape.split("x"))) if _SHAPE.fullmatch(shape) else ()
    return Slot(name, known, sides) if sides and len(sides) == len(known.axes) else None
