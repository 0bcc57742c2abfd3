"""Sounds: patches of time and mel bands, removed by the mean spectrum of training sounds or by silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Floats, Ints, Masker, Segmentation
from xaikit.core.sample import Box, Label, Modality, Sample, Titles
from xaikit.core.sound import FLOOR, LOUDEST, bands, spectrum
from xaikit.modalities.rows import thinned

__all__ = ["AUDIO", "Audio", "sound"]

PATCHES = 8  # along time, and along mel


@dataclass(frozen=True)
class Audio(Modality):
    """(F, T, 2) float32, level in dB and phase (`core.sound.spectrum`); a place is one frequency at one
    time, high frequencies first. `meta["rate"]` says the samples a second."""

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """Patches of time and mel bands (8 x 8), mel bands of all times, or times of all bands; `number` of
        them along each cut axis."""
        del names
        n_bins, length = sample.grid
        n = number or PATCHES
        rate = _rate(sample)
        down = bands(n_bins, rate, 1 if kind == "times" else n)
        n_times = 1 if kind == "bands" else min(n, length)
        across = np.arange(length) * n_times // length
        ids = down[:, None] * n_times + across[None, :]
        boxes = (
            ((rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1))
            for rows in (np.flatnonzero(down == i) for i in range(down.max() + 1))
            for columns in (np.flatnonzero(across == i) for i in range(n_times))
        )
        called = tuple(self.called(box, sample, None) for box in boxes)
        source = f"{down.max() + 1} mel bands x {n_times} times"
        return Segmentation(ids, called, source)

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: NDArray[Any] | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """ "mean": the mean level of each frequency over the frames of n sounds of the background (None: all),
        or of this sound without one; "silence"; "own_mean". The phase stays that of the sound."""
        del segmentation, categorical
        level, name = np.full((sample.grid[0], 1), FLOOR), "silence"
        if how == "mean" and rows is not None:
            rows, used = thinned(rows, n, "training sounds")
            level = rows[..., 0].mean(axis=(0, 2))[:, None]
            name = f"mean spectrum of {used}"
        elif how != "silence":
            level, name = sample.x[..., 0].mean(axis=1, keepdims=True), "own mean spectrum"
        found = sample.x.copy()
        found[..., 0] = level
        return Masker(name, found[None])

    def read(self, given: Any) -> Any:
        if isinstance(given, np.ndarray) and given.ndim in (1, 2):
            raise InvalidInput(
                f"a wave of shape {given.shape} was given; make it a sample by xaikit.sound(wave, rate)."
            )
        return given

    def check(self, x: NDArray[Any], id: str) -> None:
        super().check(x, id)
        if x.shape[2] != 2 or x.shape[0] < 2 or x.shape[1] < 2:
            raise InvalidInput(
                f"sound '{id}' has shape {x.shape}; (F, T, 2) levels and phases are needed, as "
                "xaikit.sound(wave, rate) makes them."
            )

    def seen(self, x: NDArray[Any]) -> NDArray[Any]:
        """Levels in grey, the loudest white and 80 dB below it black."""
        level = x[..., :1]
        return np.asarray(((level - level.max()) / 80 + 1).clip(0, 1))

    def within(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([x[..., :1].clip(FLOOR), x[..., 1:]], axis=-1)

    def spread(self, x: NDArray[Any], rows: NDArray[Any], info: Mapping[str, Any]) -> Floats:
        """The deviation of the levels; phases stay."""
        wide = super().spread(x, rows, info)
        assert wide is not None
        return np.asarray(wide * [1.0, 0.0])

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str]:
        """Rectangles of equal height, as many along both axes, at most that many features."""
        n = max(1, int(np.sqrt(most)))
        down, across = (np.arange(side) * n // side for side in segmentation.ids.shape)
        ids: Ints = np.unique(down[:, None] * n + across[None, :], return_inverse=True)[1]
        return ids.reshape(segmentation.ids.shape), f"{n} x {n} rectangles"

    def called(self, box: Box, sample: Sample, names: Sequence[str] | None) -> str:
        """By frequency and time."""
        del names
        (top, bottom), (first, end) = box
        rate, n_bins = _rate(sample), sample.grid[0]
        width = rate / 2 / (n_bins - 1)
        low, high = ((n_bins - 1 - row) * width for row in (bottom - 0.5, top - 0.5))
        hop = (n_bins - 1) / rate
        start, stop = max(0.0, (first - 0.5) * hop), (end - 0.5) * hop
        return f"{_hertz(max(low, 0.0), min(high, rate / 2))} · {start:.2f}-{stop:.2f} s"


AUDIO = Audio(
    name="audio",
    axes=("F", "T", "2"),
    segmenters=("patches", "bands", "times"),
    maskers=("mean", "silence", "own_mean"),
    titles=Titles(samples=("sounds", "소리"), part=("patch", "조각"), parts=("patches", "조각")),
    inputs="sound",
    shared=("patches", "bands", "times"),
    view="picture",
    channels=True,
    plot=True,
)


def sound(
    wave: NDArray[Any], rate: int, label: Label = None, id: str = "sound", **meta: Any
) -> Sample:
    """A sample of a recording.

    wave : (L,) in [-1, 1], or (L, C) of which the mean is heard
    rate : samples a second

    >>> import numpy as np, xaikit
    >>> xaikit.sound(np.sin(np.arange(8000) * 0.5), 8000, label=1).x.shape  # frequencies, times, level and phase
    (129, 64, 2)
    """
    wave = np.asarray(wave)
    if wave.dtype.kind not in "f" or not isinstance(rate, (int, float, np.number)):
        raise InvalidInput(
            f"sound '{id}' holds {wave.dtype} at a rate of {rate!r}; give a wave in [-1, 1], whole numbers divided by "
            "the largest (32768 of 16 bits), and samples a second."
        )
    wave = wave.astype(np.float64)
    if wave.ndim not in (1, 2) or wave.size == 0 or not np.isfinite(wave).all() or rate < 1:
        raise InvalidInput(
            f"sound '{id}' has shape {wave.shape} and a rate of {rate}; give finite numbers (L,) and "
            "samples a second."
        )
    if np.abs(wave).max() > LOUDEST:
        raise InvalidInput(
            f"sound '{id}' holds numbers up to {np.abs(wave).max():.4g} where 1 is the loudest; divide by full scale."
        )
    if wave.ndim == 2 and wave.shape[1] > len(wave):
        raise InvalidInput(
            f"sound '{id}' has shape {wave.shape}, more channels than steps; give (L, C), by .T where the channels "
            "come first."
        )
    mono = wave if wave.ndim == 1 else wave.mean(axis=1)
    return Sample(id, spectrum(mono, rate), "audio", label, meta={**meta, "rate": int(rate)})


def _rate(sample: Sample) -> int:
    rate = sample.meta.get("rate")
    if not isinstance(rate, int) or rate < 1:
        raise InvalidInput(
            f"sound '{sample.id}' does not say its samples a second; make it by xaikit.sound(wave, rate)."
        )
    return rate


def _hertz(low: float, high: float) -> str:
    if high < 1000:
        return f"{low:.0f}-{high:.0f} Hz"
    return f"{low / 1000:.1f}-{high / 1000:.1f} kHz"
