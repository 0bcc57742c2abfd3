"""A sound as levels and phases over frequency and time, from which it can be made again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xaikit.core.features import Floats, Ints, locked

__all__ = [
    "FLOOR",
    "LOUDEST",
    "bands",
    "hann",
    "mel_bank",
    "mel_levels",
    "n_fft_of",
    "spectrum",
    "wave_of",
]

FLOOR = -100.0  # dB, which counts as silence
LOUDEST = 10.0  # of a wave whose full scale is 1: above, it was never scaled
QUIET = 1e-8  # power that is added to that of every mel band
WINDOW = 0.032  # seconds of one frame, about
MELS = 40


def n_fft_of(rate: int) -> int:
    """Samples of one frame: the power of two nearest to 32 ms, 64 to 4096."""
    return int(2 ** np.clip(round(np.log2(WINDOW * rate)), 6, 12))


def hann(n: int) -> Floats:
    """(n,) a window whose copies at every half of it add up to 1."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n))


def spectrum(wave: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """(L,) in [-1, 1] -> (F, T, 2): level in dB and phase of each frequency and frame, high ones first.

    A full sine has 0 dB. Frames overlap by half; silence fills the last one.
    """
    n = n_fft_of(rate)
    hop = n // 2
    padded = np.pad(np.asarray(wave, np.float64), (hop, hop + -len(wave) % hop))
    halves = padded.reshape(-1, hop)
    frames = np.concatenate([halves[:-1], halves[1:]], axis=1) * hann(n)
    found = np.fft.rfft(frames, axis=1).T[::-1] / (n / 4)
    level = 20 * np.log10(np.maximum(np.abs(found), 10 ** (FLOOR / 20)))
    return np.stack([level, np.angle(found)], axis=-1).astype(np.float32)


def wave_of(x: NDArray[np.floating]) -> Floats:
    """(..., F, T, 2) -> (..., L), the sound of levels and phases."""
    level, phase = np.moveaxis(np.asarray(x, np.float64)[..., ::-1, :, :], -1, 0)
    n = 2 * (level.shape[-2] - 1)
    found = 10 ** (level / 20) * np.exp(1j * phase) * (n / 4)
    frames, window = np.fft.irfft(found.swapaxes(-1, -2), axis=-1), hann(n)
    first, second = np.split(frames * window, 2, axis=-1)
    weight = np.square(window).reshape(2, -1).sum(axis=0)
    added = (second[..., :-1, :] + first[..., 1:, :]) / weight
    return np.asarray(added.reshape(*added.shape[:-2], -1))


def mel(hertz: Floats) -> Floats:
    """Pitch as it is heard (O'Shaughnessy 1987)."""
    return np.asarray(2595 * np.log10(1 + np.asarray(hertz) / 700))


def bands(n_bins: int, rate: int, n: int) -> Ints:
    """(F,) the band of each frequency, of n that are equally wide in mel, 0 the highest."""
    share = mel(np.linspace(1, 0, n_bins) * rate / 2) / mel(np.array(rate / 2))
    found = np.minimum(((1 - share) * n).astype(np.int64), n - 1)
    return np.unique(found, return_inverse=True)[1]


@lru_cache(maxsize=16)
def mel_bank(n_bins: int, rate: int) -> Floats:
    """(M, F) triangles of equal width in mel, 40 of them or fewer, high ones first as frequencies are."""
    n = min(MELS, n_bins // 3)
    at = mel(np.linspace(0, rate / 2, n_bins))
    edges = np.linspace(0, at[-1], n + 2)
    rise = (at - edges[:-2, None]) / (edges[1] - edges[0])
    fall = (edges[2:, None] - at) / (edges[1] - edges[0])
    return locked(np.minimum(rise, fall).clip(0)[::-1, ::-1].copy())


def mel_levels(x: NDArray[np.floating], rate: int) -> Floats:
    """(..., F, T, 2) -> (..., M, T), the level of each mel band in dB."""
    power = 10 ** (np.asarray(x, np.float64)[..., 0] / 10)
    return np.asarray(10 * np.log10(mel_bank(x.shape[-3], rate) @ power + QUIET))
