"""Videos and volumes: blocks of space and time, removed by a flat colour or by blurring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.features import Floats, Ints, Masker, Segmentation
from xaikit.core.sample import Modality, Sample, Titles
from xaikit.modalities.image import check_pixels, pixels_from, removed

__all__ = ["VIDEO", "VOLUME", "Video"]

BLOCKS = 4  # along each axis


@dataclass(frozen=True)
class Video(Modality):
    """(T, H, W, C) float32 in [0, 1]; a place is a pixel of a frame."""

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """Blocks of space and time, stretches of whole frames, or columns of all frames; `number` of them
        along each cut axis, 4 when None, or a stretch a frame."""
        del names  # blocks are named by their place
        length, *sides = sample.grid
        n_times = 1 if kind == "patches" else (number or (length if kind == "frames" else BLOCKS))
        n_sides = 1 if kind == "frames" else (number or BLOCKS)
        counts = [min(n_times, length), *(min(n_sides, side) for side in sides)]
        return self._cut(sample.grid, counts)

    def _cut(self, grid: tuple[int, ...], counts: Sequence[int]) -> Segmentation:
        """That many equal parts along each axis, sizes one place apart at most."""
        times, down, across = counts
        whole = down * across == 1
        spans = [self._span(part, times, grid[0]) for part in range(times)]
        inside = [f"row {r + 1}, col {c + 1}" for r in range(down) for c in range(across)]
        names = tuple(
            span if whole else where if times == 1 else f"{span}, {where}"
            for span in spans
            for where in inside
        )
        shape = " x ".join(str(-(-n // k)) for n, k in zip(grid, counts, strict=True))
        source = f"{len(names)} blocks of up to {shape} ({self.titles.frames[0]} x px x px)"
        return Segmentation(_parts(grid, counts), names, source)

    def _span(self, part: int, n: int, length: int) -> str:
        """The frames of a part, counted from 0 as in the data."""
        at = np.flatnonzero(np.arange(length) * n // length == part)
        first, last = int(at[0]), int(at[-1])
        one, several = self.titles.frame[0], self.titles.frames[0]
        return f"{one} {first}" if first == last else f"{several} {first}-{last}"

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: NDArray[Any] | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """As of images: "mean", "blur" (in space, sigma a tenth of the longer side), "black" and
        "segment_mean"."""
        del categorical
        return removed(sample.x, segmentation, rows, how, n, (f"training {self.name}s", self.name))

    def check(self, x: NDArray[Any], id: str) -> None:
        super().check(x, id)
        check_pixels(x, id)

    def within(self, x: NDArray[Any]) -> NDArray[Any]:
        return x.clip(0.0, 1.0)

    def spread(self, x: NDArray[Any], rows: NDArray[Any], info: Mapping[str, Any]) -> Floats:
        """The range of the pixels."""
        del rows, info
        return np.array(np.ptp(x), dtype=np.float64)

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str]:
        """As many parts along each axis as give at most that many features."""
        grid, n = segmentation.ids.shape, 1
        while np.prod([min(n + 1, side) for side in grid]) <= most and n < max(grid):
            n += 1
        counts = [min(n, side) for side in grid]
        return _parts(grid, counts), f"{' x '.join(map(str, counts))} blocks"

    def from_array(self, x: NDArray[Any], file: str, channels: str | None) -> NDArray[Any]:
        """(N, T, H, W, C) or without C, whole numbers 0 to 255 or floats 0 to 1, channels last unless said."""
        self.require_axes(x, file, 4, 5)
        x = x[..., None] if x.ndim == 4 else x
        if channels == "first":
            x = np.moveaxis(x, 1, -1)
        if x.shape[4] not in (1, 3):
            raise DataError(
                f"'{file}' has {self.name}s of shape {x.shape[1:]}; 1 or 3 channels are needed, last unless "
                "channels='first'."
            )
        return pixels_from(x, file)


VIDEO = Video(
    name="video",
    axes=("T", "H", "W", "C"),
    segmenters=("blocks", "frames", "patches"),
    maskers=("mean", "blur", "black", "segment_mean"),
    titles=Titles(
        samples=("videos", "영상"),
        part=("block", "블록"),
        parts=("blocks", "블록"),
    ),
    inputs="frames",
    shared=("blocks", "frames", "patches", "mean", "black"),
    view="picture",
    channels=True,
)
VOLUME = replace(
    VIDEO,
    name="volume",
    axes=("D", "H", "W", "C"),
    titles=Titles(
        samples=("volumes", "입체 영상"),
        part=("block", "블록"),
        parts=("blocks", "블록"),
        frame=("slice", "단면"),
        frames=("slices", "단면"),
    ),
)


def _parts(grid: tuple[int, ...], counts: Sequence[int]) -> Ints:
    """(*grid) which part each place is in, in reading order."""
    ids = np.zeros(grid, dtype=np.int64)
    for axis, (n, k) in enumerate(zip(grid, counts, strict=True)):
        along = np.arange(n) * k // n
        ids = ids * k + along.reshape([-1 if a == axis else 1 for a in range(len(grid))])
    return ids
