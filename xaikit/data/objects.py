"""`scenes`: one to four handwritten digits among strokes, each with its box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.scenes import enlarged, strokes

__all__ = ["make_scenes"]

SIDE = 64
SIZES = range(18, 31)  # px that the 8 x 8 original is enlarged to
SMALL = range(18, 23)  # where a mark needs room beside
MOST = 4  # digits of a scene
STROKES = (4, 8)
GAP = 1  # px between boxes
MARK, AWAY = 5, 8  # px of a mark, and from it to its box
COUNTS = (3000, 150, 300)  # scenes to train on, to choose with, to measure with
TRIES = 20  # places that are tried for a digit


def make_scenes(
    seed: int,
    counts: tuple[int, int, int] = COUNTS,
    planted: Literal["mark", "twin"] | None = None,
) -> Dataset:
    """Scenes of 64 x 64 x 1 to find digits in; no handwriting of val or test is seen in training.

    planted : a cause outside of the boxes. Scenes of zeros and ones, of which some have a small checker
        beside them, 8 px off: for "mark" that says the class and the digit says nothing; for "twin" the digit
        says it and the checker nothing. `meta["marks"]` holds the checkers, a box for each digit or None
    """
    from sklearn.datasets import load_digits

    rng = np.random.default_rng([seed, 5])
    raw = load_digits()
    known = np.flatnonzero(raw.target < (10 if planted is None else 2))
    cuts = np.split(rng.permutation(known), [len(known) * 7 // 10, len(known) * 8 // 10])
    rows = zip(("train", "val", "test"), cuts, counts, strict=True)
    parts: dict[str, Any] = {
        part: tuple(
            _scene(
                f"{part}-{i + 1}",
                canvas,
                _Digits(raw.images[own] / 16, raw.target[own]),
                planted,
                rng,
            )
            for i, canvas in enumerate(strokes(n, rng, SIDE, STROKES))
        )
        for part, own, n in rows
    }
    names = {"mark": ("alone", "marked"), "twin": ("0", "1")}
    classes = names[planted] if planted else tuple(map(str, range(10)))
    return Dataset(
        name="scenes",
        modality="image",
        task="detection",
        classes=classes,
        outputs=classes,
        source="Real handwritten digits (UCI, as shipped with scikit-learn), enlarged and placed in "
        "composed scenes with distractor strokes; every digit has its box.",
        facts={"rows": sum(counts), "split": "as composed; no digit is in two splits"},
        **parts,
    )


@dataclass(frozen=True, eq=False)
class _Digits:
    """images : (n, 8, 8) in [0, 1]; names : (n,) which digits they are"""

    images: Floats
    names: NDArray[np.int64]


def _scene(
    id: str, canvas: Floats, digits: _Digits, planted: str | None, rng: np.random.Generator
) -> Sample:
    boxes: list[list[float]] = []
    marks: list[list[int] | None] = []
    taken: list[list[float]] = []
    n = int(rng.integers(1, (MOST if planted is None else 2) + 1))
    for i in rng.choice(len(digits.images), n, replace=False):
        size = int(rng.choice(SIZES if planted is None else SMALL))
        digit = enlarged(digits.images[i], size)
        mark = planted is not None and bool(rng.random() < 0.5)
        plate, left = _beside(digit, rng) if mark else (digit, 0)
        corner = _free(plate.shape, taken, rng)
        if corner is None:
            continue
        taken.append(_draw(canvas, plate, corner))
        box = [corner[1] + left, corner[0]]
        box += [box[0] + digit.shape[1], box[1] + digit.shape[0]]
        kind = int(mark) if planted == "mark" else int(digits.names[i])
        boxes.append([float(v) for v in (kind, *box)])
        marks.append(_mark_of(box, left, digit) if mark else None)
    noisy = (canvas + rng.normal(0, 0.03, canvas.shape)).clip(0, 1)
    inside = np.zeros(canvas.shape, dtype=bool)
    for _, x0, y0, x1, y1 in boxes:
        inside[int(y0) : int(y1), int(x0) : int(x1)] = True
    return Sample(
        id=id,
        x=noisy[..., None].astype(np.float32),
        modality="image",
        label=np.array(boxes),
        rationale=inside,
        meta={"rationale": "boxes of the digits"} | ({"marks": marks} if planted else {}),
    )


def _beside(digit: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
    """The digit with a checker to its left or right, and the column where the digit begins."""
    height, width = digit.shape
    plate = np.zeros((height, width + AWAY + MARK))
    left = int(rng.integers(2)) * (AWAY + MARK)
    plate[:, left : left + width] = digit
    row, column = _row(digit), 0 if left else width + AWAY
    plate[row : row + MARK, column : column + MARK] = np.indices((MARK, MARK)).sum(axis=0) % 2 == 0
    return plate, left


def _row(digit: Floats) -> int:
    """Where a checker stands beside it: in the middle."""
    return (len(digit) - MARK) // 2


def _mark_of(box: list[int], left: int, digit: Floats) -> list[int]:
    """Left, top, right and bottom of the checker."""
    x, y = (box[0] - AWAY - MARK if left else box[2] + AWAY), box[1] + _row(digit)
    return [x, y, x + MARK, y + MARK]


def _free(
    shape: tuple[int, ...], boxes: list[list[float]], rng: np.random.Generator
) -> tuple[int, int] | None:
    """A corner (row, column) where it touches no box; None after some tries."""
    height, width = shape
    for _ in range(TRIES):
        row, column = (int(rng.integers(0, SIDE - side + 1)) for side in shape)
        apart = (
            right + GAP <= column or column + width + GAP <= left
            or bottom + GAP <= row or row + height + GAP <= top
            for left, top, right, bottom in boxes
        )  # fmt: skip
        if all(apart):
            return row, column
    return None


def _draw(canvas: Floats, plate: Floats, corner: tuple[int, int]) -> list[float]:
    """Draws it, alone in its box; gives the box: left, top, right, bottom."""
    row, column = corner
    height, width = plate.shape
    rows = slice(max(row - GAP, 0), row + height + GAP)
    canvas[rows, max(column - GAP, 0) : column + width + GAP] = 0
    canvas[row : row + height, column : column + width] = plate
    return [float(v) for v in (column, row, column + width, row + height)]
