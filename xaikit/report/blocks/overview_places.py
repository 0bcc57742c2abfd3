"""Where the evidence lies over all samples, against the size of each place; typical samples and mean maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Bools, Floats, Sample
from xaikit.judge.shares import N_DRAWS, Part, ink_of, regions
from xaikit.report.blocks.overview_seen import Seen
from xaikit.report.drivers import rationale_name
from xaikit.report.formats import percent, percent_interval
from xaikit.report.image_case import heat_map, picture
from xaikit.report.strips import signal, strip
from xaikit.study.sample_facts import shrunk

__all__ = ["places_card", "typical_card"]

MOST_CLASSES = 10
ACROSS = 5  # pictures in a row
CELLS = 16  # of a side of the maps that are held against each other
PLACES = ("centre", "edge", "start", "middle", "end")
Card = dict[str, Any]


def places_card(seen: Seen) -> Card | None:
    """Share of the evidence by place, beside the share of its size."""
    named = _marked(seen) or _by_place(seen)
    rows = [_row(name, part, deep) for name, part, deep in named if part.known.any()]
    if not rows:
        return None
    words = seen.words
    key = "over.places.of.support" if _is_marked(seen) else "over.places.of"
    return {
        "kind": "places",
        "title": words("over.places"),
        "rows": rows,
        "note": f"{words(key)} {words(f'over.places.size.{seen.shares.kind.view}')}",
    }


def _row(name: str, part: Part, deep: bool) -> Card:
    interval = bootstrap_interval(part.share[part.known], n=N_DRAWS)
    return {
        "name": name[:1].upper() + name[1:],
        "deep": deep,
        "width": f"{100 * part.mean:.1f}",
        "at": f"{100 * part.expected:.1f}",
        "text": percent(part.mean),
        "interval": percent_interval(interval),
        "size": percent(part.expected),
    }


def _is_marked(seen: Seen) -> bool:
    return any(inside is not None for inside in seen.overview.rationales)


def _marked(seen: Seen) -> list[tuple[str, Part, bool]]:
    """The places that the data mark and all others; of pictures with a ground, what stands out there."""
    if not _is_marked(seen):
        return []
    words, inside = seen.words, seen.overview.rationales
    outside = [None if m is None else ~m for m in inside]
    there, ink = seen.shares.inside, _ink(seen)
    found = []
    for name, where, whole in (
        (rationale_name(seen.findings) or "", inside, there),
        (words("over.elsewhere"), outside, Part(1 - there.share, 1 - there.size)),
    ):
        found.append((name, whole, False))
        if ink:
            both = [None if m is None else m & i for m, i in zip(where, ink, strict=True)]
            part = seen.shares.part(both, seen.shares.told)
            found.append((words("over.ink_there"), part, True))
    return found


def _ink(seen: Seen) -> list[Bools]:
    """What stands out from the ground in each picture; [] where not all have an even ground."""
    overview = seen.overview
    if seen.shares.kind.view != "picture" or not seen.shares.ink.known.all():
        return []
    found = [_stands_out(x) for x in overview.inputs]
    grids = (cut.ids.shape for cut in overview.explanations.segmentations)
    same = all(ink.shape == grid for ink, grid in zip(found, grids, strict=True))
    return found if same else []


def _stands_out(x: Floats) -> Bools:
    found = ink_of(x)
    return np.zeros(x.shape[:2], dtype=bool) if found is None else found


def _by_place(seen: Seen) -> list[tuple[str, Part, bool]]:
    """Channels, or fixed parts of the grid, or what stands out from the ground."""
    words, shares = seen.words, seen.shares
    names, by_channel = shares.columns
    if shares.kind.view == "lines" and len(names) > 1:
        even = np.full(len(by_channel), 1 / len(names))
        order = np.argsort(-by_channel.mean(axis=0), kind="stable")[:8]
        return [(names[j], Part(by_channel[:, j], even), False) for j in order]
    found = []
    if shares.kind.view == "picture" and shares.ink.known.mean() > 0.9:
        found.append((words("over.ink"), shares.ink, False))
    fixed = regions(shares)
    return found + [
        (words(f"over.place.{name}"), shares.everywhere(fixed[name]), False)
        for name in PLACES
        if name in fixed
    ]


def typical_card(seen: Seen) -> Card | None:
    """For each class the sample whose map is most like the others', and the mean of all maps."""
    overview, words = seen.overview, seen.words
    if not overview.inputs:
        return None
    maps = _maps(seen)
    groups = _answers(seen)
    tiles = [_tile(seen, maps, name, rows) for name, rows in groups[:MOST_CLASSES]]
    view = seen.shares.kind.view
    left = len(groups) - len(tiles)
    return {
        "kind": "typical",
        "view": view,
        "title": words(f"over.typical.{view}" if overview.classes else f"over.typical.{view}.one"),
        "tiles": tiles,
        "across": min(len(tiles), ACROSS if view == "picture" else 1),
        "note": words("over.typical.note")
        + (
            f" {words('over.typical.inside', region=rationale_name(seen.findings))}"
            if _is_marked(seen)
            else ""
        )
        + (f" {words('over.typical.more', n=left)}" if left > 0 else ""),
    }


def _answers(seen: Seen) -> list[tuple[str, list[int]]]:
    """Each answer with the samples that got it; errors are left out where right ones are known."""
    overview = seen.overview
    if not overview.classes or overview.meaning.words == "values":
        return [("", list(range(len(overview))))]
    found = []
    for k, name in enumerate(overview.classes):
        mine = seen.shares.answers == k
        right = mine & ~overview.wrong
        rows = np.flatnonzero(right if right.any() else mine).tolist()
        found += [(name, rows)] if rows else []
    return found


def _maps(seen: Seen) -> list[Floats]:
    """Evidence a place as one row of numbers of length 1 a sample, so that samples can be compared."""
    told, found = seen.overview.explanations, []
    for i, cut in enumerate(told.segmentations):
        grid = cut.scatter(np.asarray(told.rows[i]) / (1 if told.unit == "relative" else cut.sizes))
        cells = shrunk(grid[..., None], CELLS).ravel() if grid.shape[1] > 4 else grid.ravel()
        found.append(cells / max(float(np.linalg.norm(cells)), 1e-12))
    return found


def _tile(seen: Seen, maps: Sequence[Floats], name: str, rows: list[int]) -> Card:
    alike = [i for i in rows if maps[i].shape == maps[rows[0]].shape]
    mean = np.mean([maps[i] for i in alike], axis=0)
    best = alike[int(np.argmax([maps[i] @ mean for i in alike]))]
    tile = {"name": name, "id": seen.overview.ids[best], "n": len(rows)}
    if _is_marked(seen):
        inside = seen.shares.inside.share[rows]
        tile["inside"] = percent(float(np.nanmean(inside))) if np.isfinite(inside).any() else ""
    drawn = _picture if seen.shares.kind.view == "picture" else _line
    return tile | drawn(seen, best, rows)


def _mean_shares(seen: Seen, rows: list[int]) -> Floats | None:
    """(n,) mean signed share of each feature, its strongest 1; None where samples are cut unlike."""
    cuts = seen.overview.explanations.segmentations
    if any(cuts[i] is not cuts[rows[0]] for i in rows):
        return None
    values = seen.shares.values[rows]
    total = np.abs(values).sum(axis=1, keepdims=True)
    mean = (values / np.where(total > 0, total, 1.0)).mean(axis=0)
    return np.asarray(mean / max(float(np.abs(mean).max()), 1e-12))


def _own_shares(seen: Seen, i: int) -> Floats:
    values = np.asarray(seen.overview.explanations.rows[i])
    return np.asarray(values / max(float(np.abs(values).max()), 1e-12))


def _picture(seen: Seen, best: int, rows: list[int]) -> Card:
    overview = seen.overview
    drawn = picture(Sample(overview.ids[best], overview.inputs[best], overview.modality))
    cuts, mean = overview.explanations.segmentations, _mean_shares(seen, rows)
    return {
        "picture": drawn,
        "map": heat_map(_own_shares(seen, best), cuts[best], drawn["height"]),
        "mean": None if mean is None else heat_map(mean, cuts[rows[0]], drawn["height"]),
    }


def _line(seen: Seen, best: int, rows: list[int]) -> Card:
    sample, told = seen.sample(best), seen.overview.explanations
    channel = 0
    if sample.grid[1] > 1:
        seg = told.segmentations[best]
        place = seg.scatter(np.abs(np.asarray(told.rows[best])) / seg.sizes).sum(axis=0)
        channel = int(np.argmax(place))
    mean = _mean_shares(seen, rows)
    names = seen.overview.columns
    return {
        "channel": names[channel] if len(names) == sample.grid[1] > 1 else "",
        "signal": signal(sample, channel),
        "strip": strip(_own_shares(seen, best), told.segmentations[best], channel),
        "mean": None if mean is None else strip(mean, told.segmentations[rows[0]], channel),
    }
