"""`pulses`: noise that hides a hump and a block; the area of the hump is the value, the block means nothing."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy

from xaikit.core.types import Bools
from xaikit.data.dataset import Column, Dataset
from xaikit.data.rows import Options, Rows, assemble

__all__ = ["make_pulses"]

LENGTH, N = 96, 2400
WIDTHS, HEIGHTS = (6, 16), (1.0, 3.0)
GAP = 4  # steps between the two, at least
NOISE = 0.25


def make_pulses(seed: int, n: int = N, planted: Literal["hump", "block"] = "hump") -> Dataset:
    """Series of 96 steps with two pulses at random places, of heights and widths drawn alike and apart.

    planted : whose height x width is the value; the other one is the decoy
    """
    rng = np.random.default_rng([seed, 7])
    xs, masks, metas, values = [], [], [], []
    which = ("hump", "block").index(planted)
    for _ in range(n):
        widths, heights = rng.integers(WIDTHS[0], WIDTHS[1] + 1, 2), rng.uniform(*HEIGHTS, 2)
        x = scipy.signal.lfilter([1.0], [1.0, -0.6], rng.normal(0, NOISE, LENGTH + 50))[50:]
        shapes = (heights[0] * np.hanning(widths[0] + 2)[1:-1], np.full(widths[1], heights[1]))
        places = _places(widths.tolist(), rng)
        for place, shape in zip(places, shapes, strict=True):
            x[place] += shape
        decoy = places[1 - which]
        xs.append(x[:, None].astype(np.float32))
        masks.append(_mask(places[which]))
        metas.append({"rationale": f"steps of the {planted}", "decoy": [decoy.start, decoy.stop]})
        values.append(float(heights[which] * widths[which]))
    rows = Rows(
        modality="series",
        ids=[f"pulse-{i + 1}" for i in range(n)],
        xs=xs,
        labels=np.round(values, 3),
        parts=[""] * n,
        rationales=masks,
        metas=metas,
        columns=(Column("signal"),),
    )
    return assemble(
        rows,
        Options(task="regression", seed=seed),
        name="pulses",
        source="Composed: noise with a hump and a block at random places; the height times the width of "
        f"the {planted} is the value, the other one means nothing.",
        language="en",
    )


def _places(widths: list[int], rng: np.random.Generator) -> list[slice]:
    """Two stretches of these widths that do not touch, in either order."""
    free = LENGTH - sum(widths) - GAP
    before, between = np.sort(rng.integers(0, free + 1, 2))
    first = int(rng.integers(2))
    start = int(before), int(between) + widths[first] + GAP
    where = {first: start[0], 1 - first: start[1]}
    return [slice(where[k], where[k] + widths[k]) for k in (0, 1)]


def _mask(place: slice) -> Bools:
    mask = np.zeros((LENGTH, 1), dtype=bool)
    mask[place] = True
    return mask
