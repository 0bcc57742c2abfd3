"""Methods that remove features one at a time and look."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar

import numpy as np

from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Question
from xaikit.core.types import Bools, Explanation, Segmentation
from xaikit.methods.base import METHODS, Card, Method, Translation

__all__ = ["Occlusion"]


@METHODS.register("occlusion")
@dataclass(frozen=True)
class Occlusion(Method):
    """What the target loses when one feature is removed and all others stay: v(N) - v(N without i).

    In the target's units, n + 2 evaluations, nothing is drawn. The values do not add up to
    output - empty unless the model is additive in the features.

    window : places a side of a square (image) or a stretch (text, series: all channels) that slides over
        the sample in place of the features; a place has the mean loss of the windows that cover it, a
        feature the mean of its places. Or one number for each axis of the grid
    stride : how far it moves, one place to a whole window; windows overlap where it is smaller
    """

    window: int | tuple[int, ...] | None = None
    stride: int | tuple[int, ...] | None = None

    name: ClassVar[str] = "occlusion"
    in_auto: ClassVar[bool] = True
    splits_sums: ClassVar[bool] = True
    draws: ClassVar[bool] = False
    evaluates_output_and_empty: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Occlusion",
        asks="How much does the score fall when this feature alone is removed?",
        misleads="Two features that say the same cover for each other, and both get nothing.",
        paper="Zeiler & Fergus, ECCV 2014; leave-one-out: Li, Monroe & Jurafsky 2016",
        korean=Translation(
            "가림(Occlusion)",
            "특징을 하나씩 없애고 점수가 얼마나 떨어지는지 봅니다.",
            "같은 정보를 담은 두 특징은 서로를 가려 주어 둘 다 0이 됩니다.",
        ),
    )

    def __post_init__(self) -> None:
        if self.window is None and self.stride is not None:
            raise InvalidInput(f"occlusion has stride {self.stride} and no window; give both.")

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Model rows."""
        n = question.n_features
        if self.window is not None:
            n = math.prod(map(len, self._starts(question)[1]))
        rows = (n + 2) * question.n_references
        return rows, rows

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        del rng  # nothing is drawn
        if (masks := self.masks(question)) is None:
            return self._slide(question)
        values = question.value(masks)
        return question.answer(self, values[0] - values[2:], additive=False, in_units=True)

    def _starts(self, question: Question) -> tuple[tuple[int, ...], list[list[int]]]:
        """Sides of the window, and where it starts along each axis; the last ends at the edge."""
        grid, kind = question.sample.grid, question.sample.kind
        if kind.tabular:
            raise NotApplicable(
                "occlusion slides a window over neighbours and columns of a table have none; leave "
                "window out."
            )
        sides = _sides("window", self.window, grid, kind.channels)
        steps = sides if self.stride is None else _sides("stride", self.stride, grid, kind.channels)
        starts = [
            sorted({*range(0, n - side + 1, step), n - side})
            for n, side, step in zip(grid, sides, steps, strict=True)
        ]
        return sides, starts

    def _slide(self, question: Question) -> Explanation:
        sides, starts = self._starts(question)
        cut = _atoms(question.segmentation, sides, starts)
        fine = replace(question, segmentation=cut, cache=None)
        first = np.stack(
            np.unravel_index(np.unique(cut.ids, return_index=True)[1], cut.ids.shape), 1
        )
        first = first[-cut.n_features :]  # the first place of each atom
        corners = np.array(list(product(*starts)))
        total, times = np.zeros((2, cut.n_features))
        for at in range(0, len(corners), step := question.rows):
            some = corners[at : at + step, None]
            covered = np.all((first >= some) & (first < some + sides), axis=2)
            total += (question.output - fine.value(~covered)) @ covered
            times += covered.sum(axis=0)
        map_ = cut.scatter(total / np.maximum(times, 1))
        values = question.segmentation.pool(map_, "mean")
        note = f"{len(corners)} windows"
        return question.answer(
            self, values, elements=map_, additive=False, in_units=True, note=note
        )

    def masks(self, question: Question) -> Bools | None:
        """Everything kept, nothing kept, then each feature alone removed: (n + 2, n); None for windows."""
        if self.window is not None:
            return None
        n = question.n_features
        return np.vstack([np.repeat([[True], [False]], n, axis=1), ~np.eye(n, dtype=bool)])


def _sides(
    name: str, given: int | tuple[int, ...] | None, grid: tuple[int, ...], square: bool
) -> tuple[int, ...]:
    """One number for each axis: of a single one the other axes of a series are taken whole."""
    whole = (given,) * len(grid) if square else (given, *grid[1:])
    sides = whole if isinstance(given, int) else tuple(given or ())
    if len(sides) != len(grid) or not all(
        isinstance(a, int) and 1 <= a <= n for a, n in zip(sides, grid, strict=True)
    ):
        raise InvalidInput(
            f"occlusion has {name} {given} and the sample has the grid {grid}; give a whole number "
            "from 1 to its sides, or one for each axis."
        )
    return sides  # type: ignore[return-value] # whole numbers, as just seen


def _atoms(
    segmentation: Segmentation, sides: tuple[int, ...], starts: list[list[int]]
) -> Segmentation:
    """The parts that no border of a window runs through; what is never removed stays so."""
    bands = np.zeros(segmentation.ids.shape, dtype=np.int64)
    for axis, (side, begin) in enumerate(zip(sides, starts, strict=True)):
        borders = np.unique([*begin, *(b + side for b in begin)])
        band = np.searchsorted(borders, np.arange(bands.shape[axis]), side="right")
        shape = [-1 if a == axis else 1 for a in range(bands.ndim)]
        bands = bands * (len(borders) + 1) + band.reshape(shape)
    removable = segmentation.ids >= 0
    ids = np.full(bands.shape, -1)
    ids[removable] = np.unique(bands[removable], return_inverse=True)[1]
    names = tuple(f"part {i}" for i in range(int(ids.max()) + 1))
    return Segmentation(ids, names, f"{len(names)} parts of windows")
