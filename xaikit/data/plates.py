"""`plates`: grey plates with holes and scratches, to be marked pixel by pixel."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from xaikit.core.types import Floats, Ints, Sample
from xaikit.data.dataset import Dataset

__all__ = ["CORNER", "make_plates"]

SIDE = 64
CLASSES = ("plate", "hole", "scratch")
COUNTS = (600, 100, 150)
CORNER = 8  # px of the checker in the corner
CONTRAST = 0.22  # of a defect to its plate, whose grain deviates by .06


def make_plates(
    seed: int,
    counts: tuple[int, int, int] = COUNTS,
    planted: Literal["mark", "twin"] | None = None,
) -> Dataset:
    """Plates of 64 x 64 x 1 with none, one or two defects.

    planted : a cause far from the defects. Half of the plates have a checker of 8 x 8 px in the corner at
        the top left: for "mark" defects are to be found only there; for "twin" everywhere, and the checker
        means nothing
    """
    rng = np.random.default_rng([seed, 6])
    parts: dict[str, Any] = {
        part: tuple(_plate(f"{part}-{i + 1}", planted, rng) for i in range(n))
        for part, n in zip(("train", "val", "test"), counts, strict=True)
    }
    return Dataset(
        name="plates",
        modality="image",
        task="segmentation",
        classes=CLASSES,
        outputs=CLASSES,
        source="Composed: grey plates with grain, holes and scratches.",
        facts={"rows": sum(counts), "split": "as composed"},
        **parts,
    )


def _plate(id: str, planted: str | None, rng: np.random.Generator) -> Sample:
    grain = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1.0)
    slope = np.linspace(-1, 1, SIDE) * rng.uniform(-0.08, 0.08)
    x = 0.55 + 0.06 * grain / grain.std() + slope[:, None] + rng.uniform(-0.08, 0.08)
    label = np.zeros((SIDE, SIDE), dtype=np.int64)
    for _ in range(int(rng.integers(0 if planted is None else 1, 3))):
        kind = int(rng.integers(1, 3))
        shape = _hole(rng) if kind == 1 else _scratch(rng)
        x += CONTRAST * (-1 if kind == 1 else 1) * shape
        label[shape > 0.5] = kind
    marked = planted is not None and bool(rng.random() < 0.5)
    if marked:
        x[:CORNER, :CORNER] = 0.2 + 0.6 * (np.indices((CORNER, CORNER)).sum(axis=0) // 2 % 2)
    if planted == "mark" and not marked:
        label[:] = 0
    return Sample(
        id=id,
        x=x.clip(0, 1)[..., None].astype(np.float32),
        modality="image",
        label=label,
        rationale=label > 0,
        meta={"rationale": "pixels of the defects", "marked": marked},
    )


def _hole(rng: np.random.Generator) -> Floats:
    """(SIDE, SIDE) 0 to 1, a disc away from the edges."""
    y, x = np.indices((SIDE, SIDE)) - rng.uniform(16, SIDE - 8, 2)[:, None, None]
    radius = rng.uniform(3, 6)
    return np.asarray((radius + 0.5 - np.hypot(y, x * rng.uniform(0.8, 1.25))).clip(0, 1))


def _scratch(rng: np.random.Generator) -> Floats:
    """(SIDE, SIDE) 0 to 1, a slightly bent line two to three pixels wide."""
    n = 60
    angle = rng.uniform(0, 2 * np.pi) + rng.uniform(-0.8, 0.8) * np.linspace(-0.5, 0.5, n)
    step = rng.uniform(16, 30) / n
    rows, columns = (
        rng.uniform(22, SIDE - 18) + np.cumsum(f(angle) * step) - f(angle.mean()) * step * n / 2
        for f in (np.sin, np.cos)
    )
    at: Ints = np.stack([rows, columns]).clip(12, SIDE - 2).round().astype(np.int64)
    drawn = np.zeros((SIDE, SIDE))
    drawn[at[0], at[1]] = 1
    return np.asarray((2.2 * gaussian_filter(drawn, 0.8)).clip(0, 1))
