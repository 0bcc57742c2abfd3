"""A picture and its maps: features in colour, the picture itself as an outline."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from xaikit.core.types import Bools, Explanation, Floats, Ints, Sample, Segmentation
from xaikit.report.case import Case
from xaikit.report.colour import HATCH_FROM
from xaikit.report.contours import level_path, object_level
from xaikit.report.formats import fixed
from xaikit.report.png import heat_uri, photo_uri, sketch_uri
from xaikit.report.sheet import sheet, sheet_of_pixels, tiles
from xaikit.report.spoken import Phrase
from xaikit.study.sample_facts import frames_shown

__all__ = [
    "area_of",
    "cells",
    "heat_map",
    "picture",
    "picture_hero",
    "place_of",
    "regions_path",
    "taken_away",
]

WIDTH = 96  # the drawing's own width; heights follow the picture
CAP = 56
PLOT = 0.5  # height of a plot by its width
N_OUTLINED = 3
ALIKE = 0.8  # likeness from which a finer map stands for the tested one
THINNEST = 8  # times as long as wide; longer pictures are drawn in this shape, so that they fit


AREAS = (
    ("top_left", "top", "top_right"),
    ("left", "middle", "right"),
    ("bottom_left", "bottom", "bottom_right"),
)
SPECK = 0.002  # share of the picture below which a line is left out
SMALL = 96  # pixels a side up to which a thing on a plain ground is drawn as lines


def picture(sample: Sample) -> dict[str, Any]:
    """The input once, and its lines (or, for a photograph, its edges) to lie over every map."""
    drawn = _of_pixels(sheet_of_pixels(sample.kind.seen(sample.x)), PLOT * sample.kind.plot)
    return drawn | {"rules": _rules(sample.grid, drawn["height"])}


def _rules(grid: tuple[int, ...], height: float) -> str:
    """The lines between the frames of a video."""
    if len(grid) == 2:
        return ""
    down, across = tiles(grid[0])
    upright = [f"M{_n(WIDTH * i / across)} 0v{_n(height)}" for i in range(1, across)]
    level = [f"M0 {_n(height * i / down)}h{WIDTH}" for i in range(1, down)]
    return "".join(upright + level)


def _of_pixels(x: NDArray[Any], shape: float = 0) -> dict[str, Any]:
    """shape : height by width, 0 for that of the pixels."""
    height, width = x.shape[:2]
    tall = round(WIDTH * min(max(shape or height / width, 1 / THINNEST), THINNEST), 1)
    return {
        "photo": photo_uri(x),
        "lines": _lines(x, (WIDTH, tall)),
        "sketch": sketch_uri(x),
        "width": WIDTH,
        "height": tall,
        "thin": not 1 / THINNEST <= height / width <= THINNEST,
        "smooth": max(height, width) > 64,
    }


def _lines(x: NDArray[Any], size: tuple[float, float]) -> str:
    """The contours of a thing that stands out of its ground, "" where none does."""
    grey = x.astype(np.float64).mean(axis=2)
    if max(grey.shape) > SMALL or (level := object_level(grey)) is None:
        return ""
    bright = grey if (grey > level).mean() <= 0.5 else -grey  # the smaller side is the thing
    return level_path(_softened(bright), level if bright is grey else -level, size, SPECK)


def _softened(grey: Floats) -> Floats:
    """Each place with half of its own and half of its neighbours' values, so that lines run smoothly."""
    for axis in (0, 1):
        p = np.moveaxis(np.pad(grey, 1, mode="edge"), axis, 0)
        mean = (p[:-2] + 2 * p[1:-1] + p[2:]) / 4
        grey = np.moveaxis(mean[:, 1:-1], 0, axis)
    return grey


def picture_hero(mine: Case) -> dict[str, Any]:
    """The map of the method shown, on its own scale; what its lines are is drawn by the card."""
    drawn, e = picture(mine.sample), mine.lead
    if e is None or not np.abs(e.values).max() > 0:
        return {"picture": drawn, "map": None}
    words, name = mine.findings.words, mine.findings.name(e.method)
    finer, key = _finer(mine, e)
    alike = None if finer is None else likeness(finer, e)
    drawn_finer = finer is not None and alike is not None and alike >= ALIKE
    if not drawn_finer:
        key = "hero.note"
    return {
        "picture": drawn,
        "frame": _frame(mine, e),
        "map": smooth_map(finer, drawn["height"])
        if finer is not None and drawn_finer
        else {
            **heat_map(e.values / np.abs(e.values).max(), e.segmentation, drawn["height"]),
            "smooth": False,
        },
        "note": words(key, method=name, part=mine.findings.part),
        "alike": ""
        if alike is None
        else words("hero.alike" if drawn_finer else "hero.unlike", value=fixed(alike)),
    }


def _frame(mine: Case, e: Explanation) -> dict[str, Any] | None:
    """Of a video the first frame of its strongest feature, large."""
    ids = e.segmentation.ids
    if ids.ndim != 3:
        return None
    shares = e.values / np.abs(e.values).max()
    at = int(np.abs(e.segmentation.scatter(shares)).max(axis=(1, 2)).argmax())
    drawn = _of_pixels(mine.sample.x[at])
    return {
        "picture": drawn,
        "map": _heat(shares, ids[at], drawn["height"]),
        "name": _stretch(mine, at, at),
        "others": mine.findings.words("frames.sheet", shown=_listed(frames_shown(len(ids)))),
    }


def _listed(at: list[int]) -> str:
    return ", ".join(map(str, at))


def _stretch(mine: Case, first: int, last: int) -> str:
    """Frames, or slices of a volume, counted from 0 as in the data."""
    words, titles = mine.findings.words, mine.sample.kind.titles
    if first == last:
        return f"{words.own(titles.frame)} {first}"
    return f"{words.own(titles.frames)} {first}\N{EN DASH}{last}"


def _finer(mine: Case, e: Explanation) -> tuple[Floats | None, str]:
    """A map finer than the features: by shifted grids, or the method's own, and how it was made."""
    known = mine.findings.run.context.get("smooth") or ()
    found = next(
        (m for m in known if m["sample"] == mine.sample.id and m["method"] == e.method), None
    )
    grid = e.elements if found is None else np.array(found["map"], dtype=np.float64)
    if grid is None or not np.abs(grid).max() > 0:
        return None, "hero.note"
    return np.asarray(
        grid, dtype=np.float64
    ), "hero.note.fine" if found is None else "hero.note.smooth"


def smooth_map(grid: Floats, height: float) -> dict[str, Any]:
    """(h, w) evidence -> a map that the browser interpolates, hatched where it is against."""
    grid = sheet(grid)
    step = [max(1, -(-side // CAP)) for side in grid.shape]
    shares = grid[step[0] // 2 :: step[0], step[1] // 2 :: step[1]]
    shares = shares / np.abs(shares).max()
    hatch = level_path(-shares, HATCH_FROM, (WIDTH, height)) if shares.min() < -HATCH_FROM else ""
    return {"uri": heat_uri(shares), "hatch": hatch, "outline": "", "smooth": True}


def likeness(grid: Floats, e: Explanation) -> float:
    """How far a drawn map, brought together over the features, goes with the tested values (-1..1)."""
    ids = e.segmentation.ids
    places = (np.arange(n) * m // n for n, m in zip(ids.shape, grid.shape, strict=True))
    pooled = e.segmentation.pool(grid[np.ix_(*places)], "sum" if e.additive else "mean")
    if pooled.std() == 0 or e.values.std() == 0:
        return 0.0
    return float(np.corrcoef(pooled, e.values)[0, 1])


def taken_away(e: Explanation, removed: list[int], height: float) -> dict[str, str]:
    """The features that were taken away, as an area and its border."""
    ids = cells(sheet(e.segmentation.ids, -1))
    scale = (WIDTH / ids.shape[1], height / ids.shape[0])
    away = np.isin(ids, removed)
    return {"area": _runs(away, scale), "border": _border(away, scale)}


def place_of(mine: Case, e: Explanation, i: int) -> Phrase:
    """Where a feature lies: in the thing that the data mark, or in the picture."""
    words, inside = mine.findings.words, mine.sample.rationale
    if mine.sample.kind.plot:
        return Phrase(e.names[i])
    *times, rows, columns = np.nonzero(e.segmentation.ids == i)
    at = float(rows.mean()), float(columns.mean())
    height, width = mine.sample.grid[-2:]
    if times:
        return _moment(mine, times[0], len(rows) == len(np.unique(times[0])) * height * width, at)
    box = (0, 0, height, width)
    what = words("object.picture")
    for marked in () if inside is None else _apart(inside):
        if marked[0] <= at[0] < marked[2] and marked[1] <= at[1] < marked[3]:
            box, what = marked, mine.findings.marked
    name = words(f"area.{area_of(at, box)}")
    outside = inside is not None and what == words("object.picture")
    short = words("area.outside", name=name, what=what) if outside else name
    return Phrase(name, lambda names: words("area.of", names=names, what=what), what, short)


def _apart(inside: Bools) -> list[tuple[int, int, int, int]]:
    """Top, left, bottom and right of each of the marked places."""
    found = find_objects(label(inside)[0])
    return [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in found]


def _moment(mine: Case, times: Ints, whole: bool, at: tuple[float, float]) -> Phrase:
    """When, and where in the frame."""
    first, last, length = int(times.min()), int(times.max()), mine.sample.grid[0]
    when = _stretch(mine, first, last)
    if whole:
        return Phrase(when)
    height, width = mine.sample.grid[1:]
    words = mine.findings.words
    where = words(f"area.{area_of(at, (0, 0, height, width))}")
    if last - first + 1 == length:
        what = words("object.picture")
        return Phrase(where, lambda names: words("area.of", names=names, what=what), what, where)
    return Phrase(where, lambda names: words("frames.in", names=names, when=when), when)


def area_of(at: tuple[float, float], box: tuple[int, int, int, int]) -> str:
    """In which ninth of a box a place lies."""
    thirds = [
        int(np.clip(3 * (at[k] + 0.5 - box[k]) / (box[k + 2] - box[k]), 0, 2.999)) for k in (0, 1)
    ]
    return AREAS[thirds[0]][thirds[1]]


def heat_map(shares: NDArray[Any], segmentation: Segmentation, height: float) -> dict[str, Any]:
    """(n,) evidence as shares of the scale -> the map, its hatching and the three strongest features."""
    return _heat(shares, sheet(segmentation.ids, -1), height)


def _heat(shares: NDArray[Any], places: Ints, height: float) -> dict[str, Any]:
    ids = cells(places)
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


def regions_path(mask: Bools, size: tuple[float, float]) -> str:
    """The outline of a mask on a drawing of that size."""
    return _border(mask, (size[0] / mask.shape[1], size[1] / mask.shape[0]))


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
