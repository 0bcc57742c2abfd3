"""Images: square patches or superpixels, removed by a flat colour or by blurring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Masker
from xaikit.core.types import Floats, Ints, Sample, Segmentation
from xaikit.modalities.rows import thinned

__all__ = ["MASKERS", "SEGMENTERS", "magnitude", "masker", "segment"]

SEGMENTERS = ("patches", "slic", "quickshift", "pixels")
MASKERS = ("mean", "blur", "black", "segment_mean")
ALIKE = (("auto", "patches", "pixels"), ("auto", "mean", "black"))
"""Cuts and maskers that are the same for all samples of one shape."""


def segment(
    sample: Sample, kind: str, number: int | None, names: Sequence[str] | None = None
) -> Segmentation:
    """Patches (number of them along the longer side, 8), superpixels (number wanted, 50) or pixels."""
    del names  # an image's features are named by their place
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
    sample: Sample,
    segmentation: Segmentation,
    background: NDArray[Any] | None,
    how: str,
    n: int | None = None,
) -> Masker:
    """ "mean": mean colour of n pictures of the background (None: all), or of this image without one; "blur": Gaussian, sigma a
    tenth of the longer side; "black"; "segment_mean": each feature's own mean colour."""
    x = sample.x
    if how == "mean" and background is not None:
        pictures, used = thinned(background, n, "training images")
        return _flat(f"mean colour of {used}", x, pictures.mean(axis=(0, 1, 2)))
    if how == "mean":
        return _flat("mean colour of this image", x, x.mean(axis=(0, 1)))
    if how == "black":
        return _flat("black", x, np.zeros(x.shape[2]))
    if how == "blur":
        sigma = max(x.shape[:2]) / 10
        blurred = scipy.ndimage.gaussian_filter(x, sigma=(sigma, sigma, 0), mode="nearest")
        return Masker(f"blurred image (sigma {sigma:g} px)", blurred[None])
    channels = [segmentation.pool(x[..., c], "mean") for c in range(x.shape[2])]
    own = np.stack([segmentation.scatter(means) for means in channels], axis=-1)
    return Masker("mean colour of each feature", own.astype(x.dtype)[None])


def magnitude(sample: Sample, background: NDArray[Any] | None = None) -> Floats:
    """(H, W) float64, distance of each pixel from the image's median colour, mean over channels.

    The median is the colour of the ground in most pictures, so this marks whatever stands out
    from it: on bright strokes over black it is the picture itself, the hardest trivial control.
    """
    del background  # what stands out is judged within the picture
    x = sample.x.astype(np.float64)
    return np.asarray(np.abs(x - np.median(x, axis=(0, 1))).mean(axis=2))


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
