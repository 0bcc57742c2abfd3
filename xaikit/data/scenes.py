"""`digits`: a handwritten digit somewhere in a scene, among strokes that mean nothing."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy

from xaikit.core.types import Bools, Floats
from xaikit.data.dataset import Dataset
from xaikit.data.rows import Options, Rows, assemble

__all__ = ["enlarged", "make_digits", "strokes"]

SIDE = 32
SIZES = range(16, 21)  # px that the 8 x 8 original is enlarged to
PLACEMENTS = 4  # scenes for each training digit; val and test digits are shown once
STROKES = (3, 5)  # fewest and most in a scene
GAP = 1  # px between the digit's box and any stroke
SPLIT = "20 % of the handwritten digits for test, 10 % for val; no digit is in two splits"


def make_digits(seed: int) -> Dataset:
    """Scenes of 32 x 32 x 1; no handwriting of the test or val scenes is seen in training."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng([seed, 1])
    raw = load_digits()
    order = rng.permutation(len(raw.target))
    n_test, n_val = len(order) // 5, len(order) // 10
    parts = np.repeat(["test", "val", "train"], [n_test, n_val, len(order) - n_test - n_val])
    views = np.where(parts == "train", PLACEMENTS, 1)
    digits, parts = np.repeat(order, views), np.repeat(parts, views)
    scenes = strokes(len(digits), rng)
    masks = [
        _place(scene, raw.images[i] / 16.0, rng) for scene, i in zip(scenes, digits, strict=True)
    ]
    scenes = (scenes + rng.normal(0, 0.03, scenes.shape)).clip(0, 1)[..., None]
    numbers = np.concatenate([np.arange(n) for n in views])
    rows = Rows(
        modality="image",
        ids=[f"digit-{i}-{n}" for i, n in zip(digits, numbers, strict=True)],
        xs=list(scenes.astype(np.float32)),
        labels=raw.target[digits],
        parts=[str(part) for part in parts],
        rationales=masks,
        metas=[{"rationale": "box of the digit"}] * len(digits),
        facts={"split": SPLIT},
    )
    return assemble(
        rows,
        Options(seed=seed),
        name="digits",
        source="Real handwritten digits (UCI, as shipped with scikit-learn), enlarged and placed in "
        "composed scenes with distractor strokes.",
        language="en",
    )


def _place(scene: Floats, digit: Floats, rng: np.random.Generator) -> Bools:
    """Draw the digit into the scene (32, 32), alone in its box; gives the box."""
    drawn = enlarged(digit, int(rng.choice(SIZES)))
    height, width = drawn.shape
    row, column = (int(rng.integers(0, SIDE - n + 1)) for n in (height, width))
    scene[max(row - GAP, 0) : row + height + GAP, max(column - GAP, 0) : column + width + GAP] = 0
    scene[row : row + height, column : column + width] = drawn
    box = np.zeros((SIDE, SIDE), dtype=bool)
    box[row : row + height, column : column + width] = True
    return box


def enlarged(digit: Floats, size: int) -> Floats:
    """The digit (8, 8) at that size, cut to its ink."""
    enlarge = _enlarging(size)
    drawn = (enlarge @ digit @ enlarge.T).clip(0, 1)
    ink = np.argwhere(drawn > 0.25)
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
    return np.asarray(drawn[top:bottom, left:right])


@cache
def _enlarging(size: int) -> Floats:
    """(size, 8), the matrix of cubic spline interpolation along one axis."""
    return np.asarray(
        scipy.ndimage.zoom(np.eye(8), (size / 8, 1), order=3, mode="nearest", grid_mode=True)
    )


def strokes(
    n: int, rng: np.random.Generator, side: int = SIDE, number: tuple[int, int] = STROKES
) -> Floats:
    """(n, side, side), short bent lines as bright and as thick as a digit's; fewest and most in a scene."""
    shape = (n, number[1], 1)
    bend = rng.uniform(-1.5, 1.5, shape) * np.linspace(0, 1, 40)
    angle = rng.uniform(0, 2 * np.pi, shape) + bend  # (n, strokes, points)
    step = rng.uniform(5, 11, shape) / 40
    rows = (rng.uniform(0, side, shape) + np.cumsum(np.sin(angle) * step, axis=2)).astype(int)
    columns = (rng.uniform(0, side, shape) + np.cumsum(np.cos(angle) * step, axis=2)).astype(int)
    bright = np.broadcast_to(rng.uniform(0.7, 1.0, shape), angle.shape)
    wanted = np.arange(number[1]) < rng.integers(number[0], number[1] + 1, (n, 1))  # (n, strokes)
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side) & wanted[..., None]
    scenes = np.broadcast_to(np.arange(n)[:, None, None], angle.shape)
    canvas = np.zeros((n, side, side))
    canvas[scenes[inside], rows[inside], columns[inside]] = bright[inside]
    blurred = scipy.ndimage.gaussian_filter(canvas, (0, 0.8, 0.8))
    return np.asarray(blurred / blurred.max(axis=(1, 2), keepdims=True).clip(1e-9))
