"""Series: windows of time (and channels), removed by typical values of the same channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.features import Floats, Ints, Masker, Segmentation
from xaikit.core.sample import Box, Modality, Sample, Titles, split
from xaikit.modalities.rows import nearest, thinned

__all__ = ["SERIES", "Series"]

MAX_WINDOWS = 24
MAX_CHANNELS = 4
MAX_BLOCKS = 64  # of all channels together


@dataclass(frozen=True)
class Series(Modality):
    """(L, C) float32; a place is one channel at one step."""

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """Windows of time, each channel apart up to 4 channels ("blocks": always), or whole channels.

        Steps are counted from 0 as in the data; channels are named by `names` or ch 1, ch 2, ...
        """
        n_channels = sample.x.shape[1]
        if names is not None and len(names) != n_channels:
            raise InvalidInput(
                f"{len(names)} channel names were given for the {n_channels} channels of sample '{sample.id}'."
            )
        channels = tuple(names) if names else self.columns(n_channels)
        if kind in ("windows", "blocks"):
            return _windows(sample, number, channels, apart=kind == "blocks")
        if number is not None:
            raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
        ids = np.broadcast_to(np.arange(n_channels), sample.x.shape)
        return Segmentation(ids, channels, f"{n_channels} channels")

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: NDArray[Any] | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """ "mean": mean of n series of the background (None: all) at each step and channel, or the sample's own channel mean
        without one; "own_mean": always the latter; "blur": Gaussian over time, sigma a tenth of the
        length; "profile": what is usual at each hour of the day (or step of another period), around the
        series' own mean; "nearest": the background series that are nearest."""
        del segmentation, categorical
        x = sample.x
        if how == "mean" and rows is not None:
            rows, used = thinned(rows, n, "training series")
            return Masker(f"mean of {used}", rows.mean(axis=0).astype(x.dtype)[None])
        if how == "blur":
            return _blurred(x)
        if how == "profile":
            return _profiled(sample)
        if how == "nearest" and rows is not None:
            rows, used = nearest(rows, x, n, "training series")
            return Masker(used, rows.astype(x.dtype))
        own = np.broadcast_to(x.mean(axis=0), x.shape)
        return Masker("own mean of each channel", own[None].copy())

    def halves(self, box: Box, sample: Sample) -> tuple[Box, Box]:
        """Channels are parted first, then the time is cut in the middle."""
        del sample
        axis = int(box[1][1] - box[1][0] > 1)
        return split(box, axis, sum(box[axis]) // 2)

    def called(self, box: Box, sample: Sample, names: Sequence[str] | None) -> str:
        (first, end), (low, high) = box
        known = names or self.columns(sample.x.shape[1])
        if sample.x.shape[1] == 1:
            return _span(first, end - 1)
        channel = known[low] if high == low + 1 else f"{known[low]} to {known[high - 1]}"
        return f"{channel}, {_span(first, end - 1)}"

    def removes(self, sample: Sample, how: str) -> bool:
        return how != "profile" or "profile" in sample.meta

    def columns(self, n: int) -> tuple[str, ...]:
        return tuple(f"ch {c + 1}" for c in range(n))

    def spread(self, x: NDArray[Any], rows: NDArray[Any], info: Mapping[str, Any]) -> Floats:
        """The deviation of each channel."""
        del rows, info
        return np.asarray(x.std(axis=0), dtype=np.float64)

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str]:
        """The shortest windows that give at most that many features, channels apart where they were."""
        length, n_channels = segmentation.ids.shape
        apart = n_channels > 1 and bool((segmentation.ids[:, :1] != segmentation.ids).any())
        n = max(1, min(length, most // n_channels if apart else most))
        window = np.arange(length) * n // length
        channel = np.arange(n_channels) if apart else np.zeros(n_channels, dtype=np.int64)
        ids: Ints = window[:, None] + n * channel[None, :]
        return ids, f"{n} windows"

    def from_array(self, x: NDArray[Any], file: str, channels: str | None) -> NDArray[Any]:
        """One channel, or several of which the longer axis is time unless it was said."""
        self.require_axes(x, file, 2, 3)
        if x.ndim == 2:
            return x[:, :, None]
        first = x.shape[1] < x.shape[2] if channels is None else channels == "first"
        return x.transpose(0, 2, 1) if first else x


SERIES = Series(
    name="series",
    axes=("L", "C"),
    segmenters=("windows", "channels", "blocks"),
    maskers=("mean", "blur", "own_mean", "profile", "nearest"),
    titles=Titles(
        samples=("time series", "시계열"),
        part=("segment", "구간"),
        parts=("segments", "구간"),
    ),
    inputs="steps",
    shared=("windows", "channels", "blocks", "mean"),
    view="lines",
)


def _blurred(x: NDArray[Any]) -> Masker:
    from scipy.ndimage import gaussian_filter1d

    sigma = len(x) / 10
    blurred = gaussian_filter1d(x, sigma, axis=0, mode="nearest")
    return Masker(f"blurred series (sigma {sigma:g} steps)", blurred[None])


def _profiled(sample: Sample) -> Masker:
    """From `meta["profile"]`, a row (C,) for each step of a period, and `meta["phase"]` of the first step."""
    known, (length, n_channels) = sample.meta.get("profile"), sample.x.shape
    if not known or np.shape(known)[1:] != (n_channels,):
        raise InvalidInput(
            f"the masker 'profile' needs what is usual at each hour and sample '{sample.id}' has no "
            "meta['profile'], a row of channels for each step of a period; use mean or own_mean."
        )
    usual = np.asarray(known, dtype=np.float64)
    steps = (int(sample.meta.get("phase", 0)) + np.arange(length)) % len(usual)
    around = usual[steps] - usual[steps].mean(axis=0) + sample.x.mean(axis=0)
    name = f"what is usual at each of {len(usual)} steps of the period, around the own mean"
    return Masker(name, around.astype(sample.x.dtype)[None])


def _windows(
    sample: Sample, number: int | None, channels: tuple[str, ...], apart: bool
) -> Segmentation:
    length, n_channels = sample.x.shape
    few = _window_count(length, MAX_BLOCKS // n_channels if apart else MAX_WINDOWS)
    n = few if number is None else min(number, length)
    window = np.arange(length) * n // length  # (L,), sizes differ by at most one step
    edges = np.searchsorted(window, np.arange(n + 1))
    spans = [_span(int(a), int(b) - 1) for a, b in pairwise(edges)]
    sizes = sorted(set(np.diff(edges).tolist()))
    source = f"{n} windows of {' or '.join(map(str, sizes))} step{'s' if sizes[-1] > 1 else ''}"
    if n_channels == 1 or (n_channels > MAX_CHANNELS and not apart):
        ids = np.broadcast_to(window[:, None], sample.x.shape)
        return Segmentation(ids, tuple(spans), source)
    ids = window[:, None] + n * np.arange(n_channels)[None, :]
    names = tuple(f"{channel}, {span}" for channel in channels for span in spans)
    return Segmentation(ids, names, f"{source} in each of {n_channels} channels")


def _window_count(length: int, most: int = MAX_WINDOWS) -> int:
    """At most 24, and such that the windows are equally long where the length allows it."""
    most = max(1, min(MAX_WINDOWS, most))
    fair = range(min(most, length), max(1, most // 2) - 1, -1)
    return next((n for n in fair if length % n == 0), min(most, length))


def _span(first: int, last: int) -> str:
    return f"step {first}" if first == last else f"steps {first}-{last}"
