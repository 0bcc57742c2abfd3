"""A sample of several parts: each drawn as its own kind is, and the sum of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from xaikit.core.types import Explanation, Floats, Modality, Sample, Segmentation
from xaikit.report.case import Case
from xaikit.report.spoken import Phrase
from xaikit.report.waterfall import waterfall

__all__ = ["PartCase", "cases_of", "part_of", "part_phrase", "parts_hero"]


class Slot(Protocol):
    """A part of a sample, as its modality names it."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Modality: ...

    @property
    def shape(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, eq=False)
class PartCase(Case):
    """One part of a case; its scales are those of the whole, so that parts can be compared."""

    whole: Case
    slot: Slot
    at: slice

    @cached_property
    def sample(self) -> Sample:
        own = self.whole.sample
        x = own.x[self.at].reshape(self.slot.shape)
        marked = None if own.rationale is None else _grid(self.slot, own.rationale[self.at])
        return Sample(own.id, x, self.slot.kind.name, rationale=marked, meta=own.meta)

    @cached_property
    def explanations(self) -> dict[str, Explanation]:
        found = {m: part_of(e, self.slot, self.at) for m, e in self.whole.explanations.items()}
        return {m: e for m, e in found.items() if e is not None}

    @cached_property
    def lead(self) -> Explanation | None:
        whole = self.whole.lead
        return None if whole is None else self.explanations.get(whole.method)

    @cached_property
    def end(self) -> float:
        return self.whole.end

    def end_of(self, e: Explanation) -> float:
        return self.whole.end_of(self.whole.explanations[e.method])


@dataclass(frozen=True, eq=False)
class SumCase(Case):
    """A case whose additive explanations have one feature for each part that is drawn, and every column."""

    @cached_property
    def lead(self) -> Explanation | None:
        e = super().lead
        return e if e is None or not e.additive else _summed(e, self.sample.kind)


def cases_of(mine: Case) -> list[PartCase]:
    """A case for each part."""
    kind = mine.sample.kind
    return [PartCase(mine.findings, mine.index, mine, slot, at) for slot, at in kind.pieces()]


def part_of(e: Explanation, slot: Slot, at: slice) -> Explanation | None:
    """What an explanation says of one part; None where it has no feature there, or places whose numbers
    belong to different ones."""
    ids, every = _grid(slot, e.segmentation.ids[at]), e.segmentation.ids[at].reshape(slot.shape)
    if slot.kind.channels and (every != ids[..., None]).any():
        return None
    known = np.unique(ids[ids >= 0])
    if not len(known):
        return None
    places = np.where(ids < 0, -1, np.searchsorted(known, ids))
    names = tuple(_own(slot, e.names[i]) for i in known)
    cut = Segmentation(places, names, e.segmentation.source)
    return replace(
        e,
        values=e.values[known],
        std=None if e.std is None else e.std[known],
        elements=None if e.elements is None else _summed_places(slot, e.elements[at]),
        segmentation=cut,
        additive=False,  # a part alone does not add up to the answer
    )


def _own(slot: Slot, name: str) -> str:
    """A feature's name without that of its part."""
    return name.removeprefix(f"{slot.name}, ")


def _grid(slot: Slot, row: Any) -> Any:
    """(size,) -> (*grid), the first number of each place."""
    grid = row.reshape(slot.shape)
    return grid[..., 0] if slot.kind.channels else grid


def _summed_places(slot: Slot, row: Floats) -> Floats:
    grid = row.reshape(slot.shape)
    return np.asarray(grid.sum(axis=-1) if slot.kind.channels else grid)


def _summed(e: Explanation, kind: Modality) -> Explanation:
    ids = np.full(e.segmentation.ids.shape, -1)
    names: list[str] = []
    values: list[float] = []
    for slot, at in kind.pieces():
        own = e.segmentation.ids[at]
        known = np.unique(own[own >= 0])
        groups = [[i] for i in known] if slot.kind.tabular else [known] * bool(len(known))
        for group in groups:
            ids[at][np.isin(own, group)] = len(names)
            names.append(e.names[group[0]] if slot.kind.tabular else f"{slot.name} ({len(group)})")
            values.append(float(e.values[group].sum()))
    cut = Segmentation(ids, tuple(names), e.segmentation.source)
    return replace(e, values=np.array(values), std=None, elements=None, segmentation=cut)


Hero = Callable[[Case], dict[str, Any]]


def parts_hero(mine: Case, hero_of: Callable[[Slot], Hero]) -> dict[str, Any]:
    """The parts that are drawn, and the way from nothing to the answer."""
    drawn = [
        {
            "name": part.slot.name,
            "view": part.slot.kind.view,
            "index": f"{mine.index}-{part.slot.name}",
            **hero_of(part.slot)(part),
        }
        for part in cases_of(mine)
        if not part.slot.kind.tabular
    ]
    way = waterfall(SumCase(mine.findings, mine.index))
    if way["waterfall"]:
        words = mine.findings.words
        way["waterfall"] |= {"first": words("parts.start"), "last": words("parts.end")}
    return {"parts": drawn, **way}


def part_phrase(
    mine: Case, e: Explanation, i: int, phrase_of: Callable[[Slot], Callable[..., Phrase]]
) -> Phrase:
    """A feature as its own part calls it, with the part's name."""
    place = int(np.flatnonzero(e.segmentation.ids == i)[0])
    part = next(p for p in cases_of(mine) if p.at.start <= place < p.at.stop)
    own = part_of(e, part.slot, part.at)
    if own is None:
        return Phrase(e.names[i])
    known = np.unique(e.segmentation.ids[part.at])
    phrase = phrase_of(part.slot)(part, own, int(np.searchsorted(known[known >= 0], i)))
    if part.slot.kind.tabular:
        return replace(phrase, name=e.names[i])
    words, name = mine.findings.words, part.slot.name
    return Phrase(
        phrase.name,
        lambda names: words("parts.in", what=phrase.frame(names), part=name),
        f"{name} {phrase.key or phrase.name}",
    )
