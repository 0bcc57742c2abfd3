"""A picture and its maps: features in colour, the picture itself as an outline."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Bools, Ints, Sample, Segmentation
from xaikit.report.colour import HATCH_FROM
from xaikit.report.png import heat_uri, photo_uri, sketch_uri

__all__ = ["cells", "heat_map", "picture"]

WIDTH = 96  # the drawing's own width; heights follow the picture
CAP = 56
N_OUTLINED = 3
THINNEST = 8  # times as long as wide; longer pictures are drawn in this shape, so that they fit


def picture(sample: Sample) -> dict[str, Any]:
    """The input once, and its edge sketch to lie over every map."""
    height, width = sample.x.shape[:2]
    return {
        "photo": photo_uri(sample.x),
        "sketch": sketch_uri(sample.x),
        "width": WIDTH,
        "height": round(WIDTH * min(max(height / width, 1 / THINNEST), THINNEST), 1),
        "thin": not 1 / THINNEST <= height / width <= THINNEST,
        "smooth": max(height, width) > 64,
    }


def heat_map(shares: NDArray[Any], segmentation: Segmentation, height: float) -> dict[str, Any]:
    """(n,) evidence as shares of the scale -> the map, its hatching and the three strongest features."""
    ids = cells(segmentation.ids)
    grid = np.append(shares, 0.0)[ids]
    order = np.argsort(-np.abs(shares), kind="stable")[:N_OUTLINED]
    strongest = [i for i in order if shares[i] != 0]
    scale = (WIDTH / ids.shape[1], height / ids.shape[0])
    return {
        "uri": heat_uri(grid),
        "hatch": _runs(grid < -HATCH_FROM, scale),
        "outline": "".join(_border(ids == i, scale) for i in strongest),
    }


def cells(ids: Ints) -> Ints:
    """The segmentation at its own resolution: one cell a patch where patches are equal, at most 56."""
    rows, columns = _starts(ids), _starts(ids.T)
    if _even(rows, ids.shape[0]) and _even(columns, ids.shape[1]):
        return ids[np.ix_(rows, columns)]
    down, across = (max(1, -(-side // CAP)) for side in ids.shape)  # a thin side keeps every cell
    return ids[down // 2 :: down, across // 2 :: across]


def _starts(ids: Ints) -> Ints:
    changed = (ids[1:] != ids[:-1]).any(axis=1)
    return np.concatenate([[0], np.flatnonzero(changed) + 1]).astype(np.int64)


def _even(starts: Ints, length: int) -> bool:
    sizes = np.diff(np.append(starts, length))
    return len(starts) <= CAP and bool((sizes == sizes[0]).all())


def _runs(mask: Bools, scale: tuple[float, float]) -> str:
    """The cells of a mask as horizontal runs of rectangles."""
    return "".join(
        f"M{_n(start * scale[0])} {_n(row * scale[1])}h{_n((end - start) * scale[0])}"
        f"v{_n(scale[1])}h{_n((start - end) * scale[0])}z"
        for row, line in enumerate(mask)
        for start, end in _spans(line)
    )


def _border(mask: Bools, scale: tuple[float, float]) -> str:
    """The outline of a mask as straight strokes along the edges of its cells."""
    padded = np.pad(mask, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]  # (h + 1, w) edges above each row
    down = (padded[1:-1, 1:] != padded[1:-1, :-1]).T  # (w + 1, h) edges left of each column
    horizontal = "".join(
        f"M{_n(a * scale[0])} {_n(y * scale[1])}H{_n(b * scale[0])}"
        for y, line in enumerate(across)
        for a, b in _spans(line)
    )
    vertical = "".join(
        f"M{_n(x * scale[0])} {_n(a * scale[1])}V{_n(b * scale[1])}"
        for x, line in enumerate(down)
        for a, b in _spans(line)
    )
    return horizontal + vertical


def _spans(line: Bools) -> list[tuple[int, int]]:
    """Starts and ends of the runs of True."""
    if not line.any():
        return []
    edges = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
    return list(
        zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    )


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
