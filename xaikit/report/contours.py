"""Lines along which a grid of numbers crosses a level, as closed smooth paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Bools, Floats

__all__ = ["level_path", "object_level"]

Edge = tuple[str, int, int]  # "h": from (i, j) to the right, "v": down
Crossings = list[tuple[Edge, bool]]
APART = (
    0.7  # share of the variance between the two sides, from which a thing stands out of its ground
)


def object_level(grey: NDArray[Any]) -> float | None:
    """The level that parts a thing from its ground (Otsu), or None where nothing stands out so."""
    values = np.sort(grey.astype(np.float64).ravel())
    if values[-1] - values[0] < 1e-6:
        return None
    n = np.arange(1, len(values))
    sums = np.cumsum(values)
    low, high = sums[:-1] / n, (sums[-1] - sums[:-1]) / (len(values) - n)
    between = n * (len(values) - n) * (high - low) ** 2 / len(values) ** 2
    best = int(between.argmax())
    apart = between[best] / values.var()
    return float((low[best] + high[best]) / 2) if apart >= APART else None


def level_path(grid: Floats, level: float, size: tuple[float, float], least: float = 0.0) -> str:
    """The d of closed paths around what lies above the level, on a drawing of size (width, height).

    least : share of the drawing below which a ring is left out
    """
    padded = np.pad(grid, 1, constant_values=min(float(grid.min()), level) - 1e-9)
    scale = (size[0] / grid.shape[1], size[1] / grid.shape[0])
    follows = _follows(padded > level)
    paths = []
    while follows:
        start = at = next(iter(follows))
        ring: list[tuple[float, float]] = []
        while at in follows:
            ring.append(_point(padded, level, at, scale))
            at = follows.pop(at)
        if at == start and len(ring) > 2 and _area(ring) > least * size[0] * size[1]:
            paths.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z")
    return "".join(paths)


def _area(ring: list[tuple[float, float]]) -> float:
    """The area in a closed line (Gauss)."""
    x, y = np.array(ring).T
    return 0.5 * abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))


def _follows(inside: Bools) -> dict[Edge, Edge]:
    """Where a line goes that enters a cell by an edge (marching squares)."""
    cells = inside[:-1, :-1].astype(int) + inside[:-1, 1:] + inside[1:, 1:] + inside[1:, :-1]
    found: dict[Edge, Edge] = {}
    for i, j in np.argwhere((cells > 0) & (cells < 4)).tolist():
        corners = (inside[i, j], inside[i, j + 1], inside[i + 1, j + 1], inside[i + 1, j])
        edges: list[Edge] = [("h", i, j), ("v", i, j + 1), ("h", i + 1, j), ("v", i, j)]
        turns = [
            (edges[k], bool(corners[(k + 1) % 4]))
            for k in range(4)
            if corners[k] != corners[(k + 1) % 4]
        ]
        found |= _paired(turns)
    return found


def _paired(turns: Crossings) -> dict[Edge, Edge]:
    """Each edge where the way round the cell goes in, with the next where it goes out."""
    n = len(turns)
    return {turns[k][0]: turns[(k + 1) % n][0] for k in range(n) if turns[k][1]}


def _point(
    padded: Floats, level: float, edge: Edge, scale: tuple[float, float]
) -> tuple[float, float]:
    """Where the level is crossed on an edge; cells are points in their middles."""
    kind, i, j = edge
    a = padded[i, j]
    b = padded[i, j + 1] if kind == "h" else padded[i + 1, j]
    t = float(np.clip((level - a) / (b - a), 0, 1)) if b != a else 0.5
    x, y = (j + t, i) if kind == "h" else (j, i + t)
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    x, y = np.clip(x - 0.5, 0, width), np.clip(y - 0.5, 0, height)
    return float(x * scale[0]), float(y * scale[1])
