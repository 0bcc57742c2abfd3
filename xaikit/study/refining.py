"""Many features, found coarse to fine: blocks of the grid first, and those that matter opened.

The result is a `Segmentation` like any other, some features single places and some blocks, which every
method is then asked about. So values add up and error bars mean what they always mean: those of a game
whose players are these features, and of evaluations that the search has not seen.

A block matters by its total effect (the mean squared change of the target when its places change while
the others do not), which cannot vanish where one of its places matters, as a sum of signed effects can.
Source: group screening by total effects, Campolongo, Cariboni & Saltelli, EMS 2007; Jansen 1999.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Meter, Question
from xaikit.core.sample import Box
from xaikit.core.types import Bools, Floats, Ints, Masker, Sample, Segmentation
from xaikit.modalities import segment

__all__ = ["FOUND", "MANY", "N_FEATURES", "Refining", "in_common", "refining_of"]

MANY = 500  # features, above which "auto" refines
N_FEATURES = 100  # that are found unless told
START = 32  # blocks at first
AT_ONCE = 16  # blocks that are opened before the parts are asked about
WALKS = 4  # from one random mask to its complement, block by block
SHARE = 0.9  # of the effect of what can be opened, which is opened at once
NOTHING = 1e-6  # of all effect, below which nothing is left to open
CELLS = 4096  # of a picture or series, at most as fine
N_REFERENCES = 8  # that the search asks, of those of the question
FOUND = " found coarse to fine among "


@dataclass(frozen=True)
class Refining:
    """How many features are wanted of a sample, and what its columns or channels are called."""

    wanted: int
    sample: Sample
    names: Sequence[str] | None = None

    def first(self) -> Segmentation:
        """The blocks that the search begins with: the largest is halved until there are enough."""
        boxes: list[Box] = [tuple((0, side) for side in self.sample.grid)]
        while len(boxes) < min(START, self.wanted, int(np.prod(self.sample.grid))):
            largest = max(boxes, key=_size)
            boxes.remove(largest)
            boxes += self.sample.kind.halves(largest, self.sample)
        return self.cut(boxes, "blocks")

    def fewest(self) -> int:
        """Fewest evaluations of the search: nothing is opened."""
        return (min(START, self.wanted) + 1) * (2 + 2 * WALKS)

    def most(self) -> int:
        """Most evaluations of the search: opening one block at a time."""
        rounds = max(0, self.wanted - START)
        return (min(START, self.wanted) + 1 + 3 * rounds) * (2 + 2 * WALKS)

    def __call__(self, question: Question) -> Segmentation:
        """The features of a question whose features are the first blocks."""
        asked = replace(question, masker=_few(question.masker), cache=None, meter=Meter())
        rng = Question.generator(self.sample.id, "coarse to fine", 0)
        boxes = _boxes(question.segmentation)
        effects = dict(zip(boxes, _effects(asked, boxes, [], rng), strict=True))
        while opened := _opened(effects, self.wanted - len(effects), self._least):
            rest = [box for box in effects if box not in opened]
            parts = [p for box in opened for p in self.sample.kind.halves(box, self.sample)]
            found = _effects(asked, parts, rest, rng)
            effects = {box: effects[box] for box in rest} | dict(zip(parts, found, strict=True))
        n = f"{int(np.prod(self.sample.grid)):,} {self.sample.kind.inputs}"
        return self.cut(list(effects), f"features{FOUND}{n} ({asked.meter.asked:,} evaluations)")

    @property
    def _least(self) -> int:
        """Places of a block that is not opened any more: a word or column, else a 4096th of the grid."""
        grid = self.sample.grid
        return 1 if len(grid) == 1 else max(1, int(np.prod(grid)) // CELLS)

    def cut(self, boxes: Sequence[Box], source: str) -> Segmentation:
        """Blocks in the order of the grid."""
        boxes, ids = sorted(boxes), np.empty(self.sample.grid, dtype=np.int64)
        for i, box in enumerate(boxes):
            ids[_slices(box)] = i
        called = (self.sample.kind.called(box, self.sample, self.names) for box in boxes)
        return Segmentation(ids, tuple(called), f"{len(boxes)} {source}")


def refining_of(
    features: object, sample: Sample, names: Sequence[str] | None = None
) -> Refining | None:
    """The search that the plan's features ask of a sample: "refined", "refined:200", or "auto" of more
    than 500; None for features that are cut without asking the model."""
    if not isinstance(features, str):
        return None
    asked = re.fullmatch(r"refined(?::(\d+))?", features)
    if asked and asked[1] and int(asked[1]) < 2:
        raise InvalidInput(f"features is '{features}'; give a number of 2 or more, or 'refined'.")
    if asked or (features == "auto" and _many(sample)):
        return Refining(int(asked[1]) if asked and asked[1] else N_FEATURES, sample, names)
    return None


def in_common(
    cuts: Sequence[Segmentation], sample: Sample, names: Sequence[str] | None
) -> Segmentation:
    """The fewest features of a row that no border of the rows' own features runs through."""
    ids = np.stack([cut.ids for cut in cuts])
    borders = np.flatnonzero((np.diff(ids, axis=1) != 0).any(axis=0)) + 1
    boxes = [((a, b),) for a, b in pairwise([0, *borders.tolist(), ids.shape[1]])]
    n = f"{ids.shape[1]:,} {sample.kind.inputs}"
    return Refining(len(boxes), sample, names).cut(boxes, f"features{FOUND}{n}")


def _many(sample: Sample) -> bool:
    """Whether a sample has too many features as it is cut by default."""
    return int(np.prod(sample.grid)) > MANY and segment(sample).n_features > MANY


def _opened(effects: dict[Box, float], room: int, least: int) -> list[Box]:
    """The blocks of more than `least` places to open next, the strongest first: at most `room`, [] where
    nothing is left."""
    left = sorted((b for b in effects if _size(b) > least), key=lambda b: -effects[b])
    strength = np.array([effects[box] for box in left])
    if room < 1 or strength.sum() <= NOTHING * sum(effects.values()):
        return []
    enough = int(np.searchsorted(np.cumsum(strength), SHARE * strength.sum())) + 1
    return left[: min(enough, room, AT_ONCE)]


def _effects(
    asked: Question, parts: Sequence[Box], rest: Sequence[Box], rng: np.random.Generator
) -> Floats:
    """(p,) total effect of each part: near the sample, near nothing, and at random masks in between."""
    owner, cut = _halved(parts, rest, asked.sample, rng)
    question = replace(asked, segmentation=cut)
    whole = owner[None, :] == np.arange(len(parts))[:, None]  # (p, n)
    ends = question.value(
        np.concatenate([np.ones_like(whole[:1]), ~whole, ~np.ones_like(whole[:1]), whole])
    )
    near, far = np.split(ends, 2)
    changes = [near[1:] - near[0], far[1:] - far[0]]
    for order, masks in _walks(whole, rng):
        steps = np.empty(len(parts))
        steps[order] = np.diff(question.value(masks))
        changes.append(steps)
    return np.asarray(np.mean(np.square(changes), axis=0))


def _walks(whole: Bools, rng: np.random.Generator) -> Iterator[tuple[Ints, Bools]]:
    """Orders (p,) of the parts, and masks (p + 1, n): each part in turn becomes the opposite of what it
    was, its two halves drawn apart, so that effects of either sign show."""
    n_parts, n = whole.shape
    for _ in range(WALKS):
        start = rng.random(n) < rng.random()
        order = rng.permutation(n_parts)
        for way in (order, order[::-1]):
            done = np.concatenate(
                [np.zeros((1, n), dtype=bool), np.logical_or.accumulate(whole[way])]
            )
            yield way, start ^ done


def _halved(
    parts: Sequence[Box], rest: Sequence[Box], sample: Sample, rng: np.random.Generator
) -> tuple[Ints, Segmentation]:
    """Two features a part of two places or more (of words and columns drawn at random, else its halves),
    then one of each of the rest; and the part of each feature (n,), -1 of the rest."""
    ids, owner = np.empty(sample.grid, dtype=np.int64), list[int]()
    for i, box in enumerate(parts):
        place = ids[_slices(box)]
        place[...] = len(owner)
        if place.ndim == 1:
            place[rng.permutation(place.size)[: place.size // 2]] += 1
        elif place.size > 1:
            ids[_slices(sample.kind.halves(box, sample)[1])] += 1
        owner += [i] * min(2, place.size)
    for box in rest:
        ids[_slices(box)] = len(owner)
        owner.append(-1)
    return np.array(owner), Segmentation(ids, tuple(map(str, owner)), "halves of blocks")


def _few(masker: Masker) -> Masker:
    """The masker with a few of its references, evenly spaced."""
    k = len(masker.references)
    if masker.given is not None or masker.drops or k <= N_REFERENCES:
        return masker
    return replace(
        masker, references=masker.references[np.arange(N_REFERENCES) * k // N_REFERENCES]
    )


def _boxes(cut: Segmentation) -> list[Box]:
    """The blocks of a segmentation that is made of such."""
    from scipy.ndimage import find_objects

    return [tuple((s.start, s.stop) for s in found) for found in find_objects(cut.ids + 1)]


def _slices(box: Box) -> tuple[slice, ...]:
    return tuple(slice(*side) for side in box)


def _size(box: Box) -> int:
    return int(np.prod([end - start for start, end in box]))
