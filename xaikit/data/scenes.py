"""`digits`: a handwritten digit somewhere in a scene, among strokes that mean nothing."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from xaikit.data.dataset import Dataset
from xaikit.data.rows import Options, Rows, assemble
from xaikit.types import Bools, Floats

__all__ = ["make_digits"]

SIDE = 32
SIZES = range(16, 21)  # px that the 8 x 8 original is enlarged to
PLACEMENTS = 4  # scenes for each training digit; val and test digits are shown once
SPLIT = "20 % of the handwritten digits for test, 10 % for val; no digit is in two splits"
GAP = 1  # px between the digit's box and any stroke


def make_digits(seed: int) -> Dataset:
    """Scenes of 32 x 32 x 1; no handwriting of the test or val scenes is seen in training."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng([seed, 1])
    raw = load_digits()
    order = rng.permutation(len(raw.target))
    n_test, n_val = len(order) // 5, len(order) // 10
    parts = np.repeat(["test", "val", "train"], [n_test, n_val, len(order) - n_test - n_val])
    ids, xs, labels, given, masks, metas = [], [], [], [], [], []
    for digit, part in zip(order, parts, strict=True):
        for view in range(PLACEMENTS if part == "train" else 1):
            scene, box = _scene(raw.images[digit] / 16.0, rng)
            ids.append(f"digit-{digit}-{view}" if part == "train" else f"digit-{digit}")
            xs.append(scene[..., None].astype(np.float32))
            labels.append(int(raw.target[digit]))
            given.append(str(part))
            masks.append(box)
            metas.append({"rationale": "box of the digit"})
    rows = Rows(
        "image",
        ids,
        xs,
        np.array(labels),
        given,
        rationales=masks,
        metas=metas,
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


def _scene(digit: Floats, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """One scene (32, 32) in [0, 1] and the digit's bounding box."""
    size = int(rng.choice(SIZES))
    drawn = zoom(digit, size / 8, order=3, mode="nearest", grid_mode=True).clip(0, 1)
    ink = np.argwhere(drawn > 0.25)
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
    drawn = drawn[top:bottom, left:right]
    height, width = drawn.shape
    row, column = (int(rng.integers(0, SIDE - n + 1)) for n in (height, width))
    box = np.zeros((SIDE, SIDE), dtype=bool)
    box[row : row + height, column : column + width] = True
    free = np.ones((SIDE, SIDE), dtype=bool)
    free[max(row - GAP, 0) : row + height + GAP, max(column - GAP, 0) : column + width + GAP] = (
        False
    )
    scene = _strokes(rng) * free
    scene[box] = drawn.ravel()
    return (scene + rng.normal(0, 0.03, scene.shape)).clip(0, 1), box


def _strokes(rng: np.random.Generator) -> Floats:
    """Three to five short bent lines (32, 32), as bright and as thick as a digit's."""
    canvas = np.zeros((SIDE, SIDE))
    for _ in range(rng.integers(3, 6)):
        angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(-1.5, 1.5), 40)
        steps = np.stack([np.sin(angle), np.cos(angle)], axis=1) * rng.uniform(5, 11) / 40
        points = (rng.uniform(0, SIDE, 2) + np.cumsum(steps, axis=0)).astype(int)
        points = points[((points >= 0) & (points < SIDE)).all(axis=1)]
        canvas[points[:, 0], points[:, 1]] = rng.uniform(0.7, 1.0)
    blurred = gaussian_filter(canvas, 0.8)
    return np.asarray(blurred / max(blurred.max(), 1e-9))
