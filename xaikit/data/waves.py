"""`waves`: series of noise that hide one tone; how its pitch moves is the class."""

from __future__ import annotations

import numpy as np
import scipy

from xaikit.core.types import Floats
from xaikit.data.dataset import Column, Dataset
from xaikit.data.rows import Options, Rows, assemble

__all__ = ["make_waves"]

LENGTH = 128
N = 2400
CLASSES = ("falling", "rising", "steady")
SLOPES = (-1.0, 1.0, 0.0)
MOTIF = range(32, 45)  # steps that a tone lasts


def make_waves(seed: int) -> Dataset:
    """Series of 128 steps and one channel; the three tones hold the same energy and pitches."""
    rng = np.random.default_rng([seed, 2])
    xs, masks, labels = [], [], np.arange(N) % 3
    for label in labels:
        motif = _tone(SLOPES[label], int(rng.choice(MOTIF)), rng)
        start = int(rng.integers(0, LENGTH - len(motif) + 1))
        noise = scipy.signal.lfilter([1.0], [1.0, -0.7], rng.normal(0, 0.35, LENGTH + 50))[50:]
        drift = rng.uniform(-1, 1) * np.sin(np.linspace(0, rng.uniform(1, 4), LENGTH))
        x, mask = noise + drift, np.zeros((LENGTH, 1), dtype=bool)
        x[start : start + len(motif)] += motif
        mask[start : start + len(motif)] = True
        xs.append(x[:, None].astype(np.float32))
        masks.append(mask)
    rows = Rows(
        modality="series",
        ids=[f"wave-{i + 1}" for i in range(N)],
        xs=xs,
        labels=labels,
        parts=[""] * N,
        rationales=masks,
        metas=[{"rationale": "steps of the tone"}] * N,
        columns=(Column("signal"),),
    )
    return assemble(
        rows,
        Options(classes=CLASSES, seed=seed),
        name="waves",
        source="Composed: noise and drift that hide a tone of rising, falling or steady pitch at a "
        "random place.",
        language="en",
    )


def _tone(slope: float, length: int, rng: np.random.Generator) -> Floats:
    """A tone that fades in and out; its pitch moves by `slope` times 0.14 turns a step."""
    time = np.linspace(0, 1, length)
    middle = rng.uniform(0.09, 0.23) if slope == 0 else rng.uniform(0.15, 0.17)
    pitch = middle + 0.14 * slope * (time - 0.5)  # turns a step
    phase = 2 * np.pi * (np.cumsum(pitch) + rng.uniform())
    return np.asarray(rng.uniform(1.6, 2.2) * np.hanning(length) * np.sin(phase))
