"""`tones`: noise in which a short tone decides the class, and another one means nothing."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy

from xaikit.core.sound import n_fft_of, spectrum
from xaikit.core.types import Bools, Floats, Sample
from xaikit.data.dataset import Dataset

__all__ = ["CAUSE", "COUNTS", "DECOY", "heard", "make_tones"]

RATE, LENGTH = 8000, 8064
CLASSES = ("no tone", "tone")
COUNTS = (600, 100, 200)
CAUSE, DECOY, HUM = 1500.0, 2800.0, 300.0  # Hz
LASTS = 0.1  # seconds
WIDTH = 100.0  # Hz around a tone that its frames smear it over


def make_tones(
    seed: int,
    counts: tuple[int, int, int] = COUNTS,
    planted: Literal["mark", "twin"] = "mark",
) -> Dataset:
    """Sounds of a second: coloured noise. A tone of 1.5 kHz that lasts 100 ms says the class; one of 2.8 kHz
    stands in half of them and means nothing.

    planted : "twin" for the control: the same sounds, and a low hum says the class, so that neither tone does
    """
    rng = np.random.default_rng([seed, 11])
    parts: dict[str, Any] = {
        part: tuple(_sound(f"{part}-{i + 1}", i % 2, planted, rng) for i in range(n))
        for part, n in zip(("train", "val", "test"), counts, strict=True)
    }
    return Dataset(
        name="tones",
        modality="audio",
        task="classification",
        classes=CLASSES if planted == "mark" else ("no hum", "hum"),
        source="Composed: noise in which a tone of 1.5 kHz says the class and one of 2.8 kHz nothing.",
        facts={"rows": sum(counts), "split": "as composed"},
        **parts,
    )


def _sound(id: str, label: int, planted: str, rng: np.random.Generator) -> Sample:
    wave = scipy.signal.lfilter([1.0], [1.0, -0.9], rng.normal(0, 0.02, LENGTH))
    there = {name: bool(rng.random() < 0.5) for name in ("cause", "decoy")}
    if planted == "mark":
        there["cause"] = bool(label)
    elif label:
        wave += _tone(HUM, LENGTH / RATE, rng)
    at = {}
    for name, pitch in (("cause", CAUSE), ("decoy", DECOY)):
        start = int(rng.integers(int(0.05 * RATE), int(LENGTH - (0.05 + LASTS) * RATE)))
        if there[name]:
            wave[start : start + int(LASTS * RATE)] += _tone(pitch, LASTS, rng)
            at[f"{name}_at"] = start / RATE
    marked = planted == "mark" and label == 1
    return Sample(
        id,
        spectrum(wave.clip(-1, 1), RATE),
        "audio",
        label,
        rationale=heard(CAUSE, at["cause_at"]) if marked else None,
        meta={"rate": RATE, "rationale": "the tone of 1.5 kHz", **there, **at},
    )


def _tone(pitch: float, seconds: float, rng: np.random.Generator) -> Floats:
    """A sine that swells and fades within 10 ms."""
    time = np.arange(int(seconds * RATE)) / RATE
    swell = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)
    return np.asarray(
        rng.uniform(0.1, 0.2) * swell * np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6))
    )


def heard(pitch: float, start: float) -> Bools:
    """(F, T) frequencies near the pitch, in the frames that hear it from that second on."""
    n = n_fft_of(RATE)
    hertz = np.linspace(1, 0, n // 2 + 1) * RATE / 2
    middle = np.arange(-(-LENGTH // (n // 2)) + 1) * (n // 2) / RATE
    half = n / 2 / RATE
    frames = (middle > start - half) & (middle < start + LASTS + half)
    return np.asarray((np.abs(hertz - pitch) <= WIDTH)[:, None] & frames[None, :])
