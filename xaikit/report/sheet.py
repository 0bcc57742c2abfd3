"""Frames of a video beside each other, so that a page can draw them as one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.study.sample_facts import frames_shown

__all__ = ["sheet", "sheet_of_pixels", "tiles"]

ACROSS = 4  # frames in a row


def tiles(n: int) -> tuple[int, int]:
    """Rows and columns of a sheet of a video of n frames."""
    shown = len(frames_shown(n))
    across = min(shown, ACROSS)
    return -(-shown // across), across


def sheet(grid: NDArray[Any], fill: float = 0) -> NDArray[Any]:
    """(T, H, W) -> (rows * H, 4 * W), in reading order; (H, W) as it is.

    fill : what stands where the last row has no frame
    """
    if grid.ndim != 3:
        return grid
    shown, (down, across) = grid[frames_shown(len(grid))], tiles(len(grid))
    height, width = grid.shape[1:]
    every = np.full((down * across, height, width), fill, dtype=grid.dtype)
    every[: len(shown)] = shown
    rows = every.reshape(down, across, height, width).transpose(0, 2, 1, 3)
    return rows.reshape(down * height, across * width)


def sheet_of_pixels(x: NDArray[Any]) -> NDArray[Any]:
    """(T, H, W, C) -> (rows * H, 4 * W, C), white where there is no frame; (H, W, C) as it is."""
    if x.ndim != 4:
        return x
    return np.stack([sheet(x[..., c], 1.0) for c in range(x.shape[3])], axis=-1)
