"""Images: square patches or superpixels, removed by a flat colour or by blurring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.features import Floats, Ints, Masker, Segmentation
from xaikit.core.sample import Box, Modality, Sample, Titles, ranged
from xaikit.modalities.rows import thinned

__all__ = ["IMAGE", "Image", "check_pixels", "pixels_from", "removed"]

DARK = 0.1  # brightness below which half of a picture lies where its ground is dark


@dataclass(frozen=True)
class Image(Modality):
    """(H, W, C) float32 in [0, 1]; a place is a pixel."""

    def segment(
        self, sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
    ) -> Segmentation:
        """Patches (number of them along the longer side, 8), superpixels (number wanted, 50) or pixels."""
        del names  # patches are named by their place, superpixels are numbered
        if kind == "patches":
            return _patches(sample, number or 8)
        if kind == "slic":
            return _regions(sample, _slic(sample.x, number or 50), "slic")
        if number is not None:
            raise InvalidInput(f"'{kind}' takes no number and got {number}; use '{kind}'.")
        if kind == "quickshift":
            return _regions(sample, _quickshift(sample.x), "quickshift")
        return _patches(sample, max(sample.grid))

    def masker(
        self,
        sample: Sample,
        segmentation: Segmentation,
        rows: NDArray[Any] | None,
        how: str,
        n: int | None,
        categorical: Sequence[bool] | None,
    ) -> Masker:
        """ "mean": mean colour of n pictures of the background (None: all), or of this image without one; "blur": Gaussian,
        sigma a tenth of the longer side; "black"; "segment_mean": each feature's own mean colour."""
        del categorical
        return removed(sample.x, segmentation, rows, how, n, ("training images", "image"))

    def check(self, x: NDArray[Any], id: str) -> None:
        super().check(x, id)
        check_pixels(x, id)

    def removes(self, sample: Sample, how: str) -> bool:
        """Black is what is left where nothing is only of pictures whose ground is dark."""
        return how != "black" or bool(np.median(sample.x) < DARK)

    def within(self, x: NDArray[Any]) -> NDArray[Any]:
        return x.clip(0.0, 1.0)

    def spread(self, x: NDArray[Any], rows: NDArray[Any], info: Mapping[str, Any]) -> Floats:
        """The range of the picture."""
        del rows, info
        return np.array(np.ptp(x), dtype=np.float64)

    def recut(self, segmentation: Segmentation, most: int) -> tuple[Ints, str]:
        """The smallest squares that give at most that many features, whatever the first were."""
        height, width = segmentation.ids.shape
        side = 1
        while -(-height // side) * -(-width // side) > most:
            side += 1
        rows, columns = np.arange(height) // side, np.arange(width) // side
        ids: Ints = rows[:, None] * (int(columns[-1]) + 1) + columns[None, :]
        return ids, f"squares of {side} x {side} px"

    def called(self, box: Box, sample: Sample, names: Sequence[str] | None) -> str:
        """By rows and columns of pixels, counted from 1."""
        del sample, names
        (top, bottom), (left, right) = box
        return f"rows {ranged(top + 1, bottom)}, cols {ranged(left + 1, right)} px"

    def from_array(self, x: NDArray[Any], file: str, channels: str | None) -> NDArray[Any]:
        """Whole numbers 0 to 255 or floats 0 to 1, of 1 or 3 channels, last or first or left out."""
        del channels  # their number tells where they are
        self.require_axes(x, file, 3, 4)
        x = x[..., None] if x.ndim == 3 else x
        if x.shape[3] not in (1, 3) and x.shape[1] in (1, 3):
            x = x.transpose(0, 2, 3, 1)
        if x.shape[3] not in (1, 3):
            raise DataError(
                f"'{file}' has images of shape {x.shape[1:]}; 1 or 3 channels are needed."
            )
        return pixels_from(x, file)


IMAGE = Image(
    name="image",
    axes=("H", "W", "C"),
    segmenters=("patches", "slic", "quickshift", "pixels"),
    maskers=("mean", "blur", "black", "segment_mean"),
    titles=Titles(
        samples=("images", "이미지"),
        part=("patch", "패치"),
        parts=("patches", "패치"),
    ),
    inputs="pixels",
    shared=("patches", "pixels", "mean", "black"),
    view="picture",
    channels=True,
)


def removed(
    x: NDArray[Any],
    segmentation: Segmentation,
    rows: NDArray[Any] | None,
    how: str,
    n: int | None,
    called: tuple[str, str],
) -> Masker:
    """What stands in for pixels (..., H, W, C); see `Image.masker`.

    called : the rows of the background, and one of them, for people
    """
    pixels = tuple(range(x.ndim - 1))
    if how == "mean" and rows is not None:
        pictures, used = thinned(rows, n, called[0])
        return _flat(f"mean colour of {used}", x, pictures.mean(axis=(0, *(a + 1 for a in pixels))))
    if how == "mean":
        return _flat(f"mean colour of this {called[1]}", x, x.mean(axis=pixels))
    if how == "black":
        return _flat("black", x, np.zeros(x.shape[-1]))
    if how == "blur":
        return _blurred(x, called[1])
    channels = [segmentation.pool(x[..., c], "mean") for c in range(x.shape[-1])]
    own = np.stack([segmentation.scatter(means) for means in channels], axis=-1)
    return Masker("mean colour of each feature", own.astype(x.dtype)[None])


def check_pixels(x: NDArray[Any], id: str) -> None:
    """`InvalidInput` for pixels outside of [0, 1]."""
    if x.min() < -1e-6 or x.max() > 1 + 1e-6:
        raise InvalidInput(
            f"sample '{id}' has pixels from {x.min():g} to {x.max():g}; scale them to [0, 1]."
        )


def pixels_from(x: NDArray[Any], file: str) -> NDArray[Any]:
    """Whole numbers 0 to 255 or floats 0 to 1 of a file as float32 in [0, 1]."""
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 255:
        raise DataError(
            f"'{file}' has pixels from {low:g} to {high:g}; save bytes 0 to 255 or floats 0 to 1."
        )
    found = x.astype(np.float32)
    found /= np.float32(255 if high > 1 or x.dtype.kind in "iu" else 1)
    return found


def _blurred(x: NDArray[Any], called: str) -> Masker:
    from scipy.ndimage import gaussian_filter

    sigma = max(x.shape[-3:-1]) / 10
    blurred = gaussian_filter(x, sigma=(*[0] * (x.ndim - 3), sigma, sigma, 0), mode="nearest")
    return Masker(f"blurred {called} (sigma {sigma:g} px)", blurred[None])


def _flat(name: str, x: NDArray[Any], colour: NDArray[Any]) -> Masker:
    return Masker(name, np.broadcast_to(colour.astype(x.dtype), x.shape)[None].copy())


def _patches(sample: Sample, per_side: int) -> Segmentation:
    height, width = sample.grid
    side = -(-max(height, width) // per_side)
    rows, columns = np.arange(height) // side, np.arange(width) // side
    n_columns = int(columns[-1]) + 1
    names = tuple(
        f"row {r + 1}, col {c + 1}" for r in range(int(rows[-1]) + 1) for c in range(n_columns)
    )
    source = f"{len(names)} pixels" if side == 1 else f"{len(names)} patches of {side} x {side} px"
    return Segmentation(rows[:, None] * n_columns + columns[None, :], names, source)


def _regions(sample: Sample, ids: Ints, kind: str) -> Segmentation:
    found, dense = np.unique(ids, return_inverse=True)
    if len(found) < 2:
        raise InvalidInput(
            f"{kind} finds one region only in sample '{sample.id}', which leaves nothing to compare; "
            "use 'patches'."
        )
    dense = dense.reshape(ids.shape)
    names = tuple(f"region {i + 1}" for i in range(int(dense.max()) + 1))
    return Segmentation(dense, names, f"{len(names)} superpixels ({kind})")


def _slic(x: NDArray[Any], n_segments: int) -> Ints:
    from skimage.segmentation import slic

    grey = x.shape[2] == 1
    ids: Ints = slic(
        x[..., 0] if grey else x,
        n_segments=n_segments,
        compactness=0.1 if grey else 10.0,  # brightness spans 1, Lab colours about 100
        channel_axis=None if grey else -1,
        start_label=0,
    )
    return ids


def _quickshift(x: NDArray[Any]) -> Ints:
    """The lime package's settings, which are meant for 224 px, scaled down with smaller images."""
    from skimage.segmentation import quickshift

    colour = np.repeat(x, 3, axis=2) if x.shape[2] == 1 else x
    scale = min(max(x.shape[:2]) / 224, 1.0)
    ids: Ints = quickshift(
        colour.astype(np.float64),
        kernel_size=max(4 * scale, 1.0),
        max_dist=200 * scale,
        ratio=0.2,
        rng=0,
    )
    return ids
