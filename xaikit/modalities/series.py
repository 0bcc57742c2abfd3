"""Series: windows of time (and channels), removed by typical values of the same channel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Masker
from xaikit.core.types import Floats, Sample, Segmentation
from xaikit.modalities.rows import thinned

__all__ = ["MASKERS", "SEGMENTERS", "magnitude", "masker", "segment"]

SEGMENTERS = ("windows", "channels")
MASKERS = ("mean", "blur", "own_mean")
ALIKE = (("auto", "windows", "channels"), ("auto", "mean"))
"""Cuts and maskers that are the same for all samples of one shape."""

MAX_WINDOWS = 24
MAX_CHANNELS = 4


def segment(
    sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
) -> Segmentation:
    """Windows of time, each channel apart up to 4 channels, or whole channels.

    Steps are counted from 0 as in the data; channels are named by `names` or ch 1, ch 2, ...
    """
    n_channels = sample.x.shape[1]
    if names is not None and len(names) != n_channels:
        raise InvalidInput(
            f"{len(names)} channel names were given for the {n_channels} channels of sample '{sample.id}'."
        )
    channels = tuple(names) if names else tuple(f"ch {c + 1}" for c in range(n_channels))
    if kind == "windows":
        return _windows(sample, number, channels)
    if number is not None:
        raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
    ids = np.broadcast_to(np.arange(n_channels), sample.x.shape)
    return Segmentation(ids, channels, f"{n_channels} channels")


def masker(
    sample: Sample, background: NDArray[Any] | None, how: str, n: int | None = None
) -> Masker:
    """ "mean": mean of n series of the background (None: all) at each step and channel, or the sample's own channel mean
    without one; "own_mean": always the latter; "blur": Gaussian over time, sigma a tenth of the
    length."""
    x = sample.x
    if how == "mean" and background is not None:
        rows, used = thinned(background, n, "training series")
        return Masker(f"mean of {used}", rows.mean(axis=0).astype(x.dtype)[None])
    if how == "blur":
        sigma = len(x) / 10
        blurred = scipy.ndimage.gaussian_filter1d(x, sigma, axis=0, mode="nearest")
        return Masker(f"blurred series (sigma {sigma:g} steps)", blurred[None])
    own = np.broadcast_to(x.mean(axis=0), x.shape)
    return Masker("own mean of each channel", own[None].copy())


def magnitude(sample: Sample, background: NDArray[Any] | None = None) -> Floats:
    """(L, C) float64, distance of each step from its channel's mean.

    Peaks and dips are what the eye finds first, with or without a model.
    """
    del background  # a peak is judged within its own series
    x = sample.x.astype(np.float64)
    return np.asarray(np.abs(x - x.mean(axis=0)))


def _windows(sample: Sample, number: int | None, channels: tuple[str, ...]) -> Segmentation:
    length, n_channels = sample.x.shape
    n = _window_count(length) if number is None else min(number, length)
    window = np.arange(length) * n // length  # (L,), sizes differ by at most one step
    edges = np.searchsorted(window, np.arange(n + 1))
    spans = [_span(int(a), int(b) - 1) for a, b in pairwise(edges)]
    sizes = sorted(set(np.diff(edges).tolist()))
    source = f"{n} windows of {' or '.join(map(str, sizes))} step{'s' if sizes[-1] > 1 else ''}"
    if n_channels == 1 or n_channels > MAX_CHANNELS:
        ids = np.broadcast_to(window[:, None], sample.x.shape)
        return Segmentation(ids, tuple(spans), source)
    ids = window[:, None] + n * np.arange(n_channels)[None, :]
    names = tuple(f"{channel}, {span}" for channel in channels for span in spans)
    return Segmentation(ids, names, f"{source} in each of {n_channels} channels")


def _window_count(length: int) -> int:
    """At most 24, and such that the windows are equally long where the length allows it."""
    fair = range(min(MAX_WINDOWS, length), MAX_WINDOWS // 2 - 1, -1)
    return next((n for n in fair if length % n == 0), min(MAX_WINDOWS, length))


def _span(first: int, last: int) -> str:
    return f"step {first}" if first == last else f"steps {first}-{last}"
