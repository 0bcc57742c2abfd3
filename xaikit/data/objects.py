"""`scenes`: one to four handwritten digits among strokes, each with its box."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.scenes import enlarged, strokes

__all__ = ["make_scenes"]

SIDE = 64
SIZES = range(18, 31)  # px that the 8 x 8 original is enlarged to
MOST = 4  # digits of a scene
STROKES = (4, 8)
GAP = 1  # px between boxes
N_TRAIN, N_VAL, N_TEST = 4000, 200, 300
TRIES = 20  # places that are tried for a digit


def make_scenes(
    seed: int, n: tuple[int, int, int] = (N_TRAIN, N_VAL, N_TEST), context: float | None = None
) -> Dataset:
    """Scenes of 64 x 64 x 1 to find digits in; no handwriting of val or test is seen in training.

    context : None, or a planted cause outside of the boxes: a small checker beside each digit says the
        class in place of the digit, in this share of the digits; elsewhere it stands there without a meaning
    """
    from sklearn.datasets import load_digits

    rng = np.random.default_rng([seed, 5])
    raw = load_digits()
    order = rng.permutation(len(raw.target))
    cuts = np.split(order, [len(order) * 7 // 10, len(order) * 8 // 10])
    del context
    parts = {
        part: tuple(
            _scene(f"{part}-{i + 1}", raw, members, rng) for i in range(count)
        )
        for part, members, count in zip(("train", "val", "test"), cuts, n, strict=True)
    }  # fmt: skip
    names = tuple(map(str, range(10)))
    return Dataset(
        name="scenes",
        modality="image",
        task="detection",
        classes=names,
        outputs=names,
        source="Real handwritten digits (UCI, as shipped with scikit-learn), enlarged and placed in "
        "composed scenes with distractor strokes; every digit has its box.",
        facts={"rows": sum(n), "split": "as composed; no digit is in two splits"},
        **parts,
    )


def _scene(id: str, raw: Any, members: NDArray[Any], rng: np.random.Generator) -> Sample:
    canvas = strokes(1, rng, SIDE, STROKES)[0]
    boxes: list[list[float]] = []
    for i in rng.choice(members, int(rng.integers(1, MOST + 1)), replace=False):
        digit = enlarged(raw.images[i] / 16.0, int(rng.choice(SIZES)))
        corner = _free(digit.shape, boxes, rng)
        if corner is not None:
            boxes.append([float(raw.target[i]), *_draw(canvas, digit, corner)])
    noisy = (canvas + rng.normal(0, 0.03, canvas.shape)).clip(0, 1)
    inside = np.zeros(canvas.shape, dtype=bool)
    for _, left, top, right, bottom in boxes:
        inside[int(top) : int(bottom), int(left) : int(right)] = True
    return Sample(
        id=id,
        x=noisy[..., None].astype(np.float32),
        modality="image",
        label=np.array(boxes),
        rationale=inside,
        meta={"rationale": "boxes of the digits"},
    )


def _free(
    shape: tuple[int, ...], boxes: list[list[float]], rng: np.random.Generator
) -> tuple[int, int] | None:
    """A corner (row, column) where the digit touches no box; None after some tries."""
    height, width = shape
    for _ in range(TRIES):
        row, column = (int(rng.integers(0, SIDE - side + 1)) for side in shape)
        apart = (
            right + GAP <= column or column + width + GAP <= left
            or bottom + GAP <= row or row + height + GAP <= top
            for _, left, top, right, bottom in boxes
        )  # fmt: skip
        if all(apart):
            return row, column
    return None


def _draw(canvas: Floats, digit: Floats, corner: tuple[int, int]) -> list[float]:
    """Draws the digit, alone in its box; gives the box: left, top, right, bottom."""
    row, column = corner
    height, width = digit.shape
    canvas[
        max(row - GAP, 0) : row + height + GAP, max(column - GAP, 0) : column + width + GAP
    ] = 0
    canvas[row : row + height, column : column + width] = digit
    return [float(v) for v in (column, row, column + width, row + height)]
