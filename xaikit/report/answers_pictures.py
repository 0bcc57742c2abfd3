"""What detection and segmentation draw of their answer over a picture, and how much evidence lies elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xaikit.core.errors import DataError
from xaikit.core.types import Bools, Floats, Ints
from xaikit.report.case import Case
from xaikit.report.formats import percent
from xaikit.report.image_case import picture, regions_path
from xaikit.report.predictions import likely
from xaikit.tasks.boxes import hits

__all__ = ["detection", "readable", "segmentation"]

MOST_CLASSES = 4
OVER = 0.5  # of an IoU: a box that lies over a true one so far has found it


def detection(mine: Case) -> dict[str, Any] | None:
    """The boxes over the picture, and each object: missed ones first, then false ones."""
    return readable(mine, _objects)


def segmentation(mine: Case) -> dict[str, Any] | None:
    """The outline of the explained region over the picture, and how much of it each class has."""
    return readable(mine, _regions)


def readable(
    mine: Case, draw: Callable[[Case, Mapping[str, Any]], dict[str, Any] | None]
) -> dict[str, Any] | None:
    """What is drawn of what the run says was found; None where it says nothing."""
    found = (mine.findings.run.context.get("found") or {}).get(mine.sample.id)
    if not isinstance(found, Mapping):
        return None
    try:
        return draw(mine, found)
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise DataError(
            f"the run's 'found' cannot be drawn ({error}); make the run again."
        ) from error


def _objects(mine: Case, found: Mapping[str, Any]) -> dict[str, Any]:
    task: Any = mine.findings.task
    boxes = np.array(found["boxes"], dtype=np.float64).reshape(-1, 6)
    asked = np.array(found["at"], dtype=np.float64).reshape(1, 4)
    known = mine.sample.label is not None
    truth = task.true_boxes(mine.sample.label) if known else np.zeros((0, 5))
    missed = truth[~hits(np.column_stack([truth, np.ones(len(truth))]), boxes[:, :5], OVER)]
    right = hits(boxes, truth, OVER) | (not known)
    rows = [("missed", box) for box in missed]
    rows += [("false", box) for box in boxes[~right]] + [("found", box) for box in boxes[right]]
    return {
        "kind": "boxes",
        "bars": False,  # each object is told with its chance
        "over": [
            {"kind": "missed", "path": _path(mine, missed[:, 1:])},
            {"kind": "found", "path": _path(mine, boxes[:, 1:5])},
            {"kind": "asked", "path": _path(mine, asked)},
        ],
        "rows": [
            {
                "name": task.outputs[int(box[0])],
                "kind": kind,
                "text": mine.findings.words(f"answer.boxes.{kind}", p=likely(float(box[-1]))),
            }
            for kind, box in rows
        ],
        "context": context_share(mine, _inside(mine, asked[0])),
    }


def _regions(mine: Case, found: Mapping[str, Any]) -> dict[str, Any]:
    names, asked = mine.findings.task.outputs, 0 if mine.lead is None else mine.lead.target.index
    classes, region = _whole(found, "classes"), _whole(found, "at") > 0
    drawn, label = picture(mine.sample), mine.sample.label
    scale = (drawn["width"], drawn["height"])
    true = label == asked if isinstance(label, np.ndarray) else np.zeros((1, 1), dtype=bool)
    held = np.bincount(classes.ravel(), minlength=len(names)) / classes.size
    rows, columns = (
        np.arange(n) * m // n for n, m in zip(mine.sample.grid, region.shape, strict=True)
    )
    return {
        "kind": "regions",
        "bars": False,  # each class is told with its share of the picture
        "over": [
            {"kind": "missed", "path": regions_path(true, scale)},
            {"kind": "asked", "path": regions_path(region, scale)},
        ],
        "name": names[asked],
        "known": bool(true.any()),
        "rows": [
            {
                "name": names[k],
                "width": f"{100 * held[k]:.1f}",
                "text": percent(float(held[k]), 1),
                "first": k == asked,
            }
            for k in np.argsort(-held, kind="stable")[:MOST_CLASSES].tolist()
        ],
        "context": context_share(mine, region[np.ix_(rows, columns)]),
    }


def context_share(mine: Case, inside: Bools) -> str:
    """How much of the evidence for it comes from features that do not touch it, "" where none is for it."""
    e = mine.lead
    if e is None or not inside.any():
        return ""
    touching = e.segmentation.pool(inside.astype(np.float64), "sum") > 0
    gains = e.values.clip(min=0)
    return percent(float(gains[~touching].sum() / gains.sum())) if gains.sum() > 0 else ""


def _inside(mine: Case, box: Floats) -> Bools:
    """The pixels of a box."""
    inside = np.zeros(mine.sample.grid, dtype=bool)
    x0, y0, x1, y1 = (max(0, round(v)) for v in box.tolist())
    inside[y0:y1, x0:x1] = True
    return inside


def _whole(found: Mapping[str, Any], name: str) -> Ints:
    """(h, w) from runs."""
    kinds, lengths = (np.array(part, dtype=np.int64) for part in found[name])
    if lengths.sum() != np.prod(found["shape"]):
        raise ValueError("no whole picture")
    return np.repeat(kinds, lengths).reshape(found["shape"])


def _path(mine: Case, boxes: Floats) -> str:
    """Rectangles on the drawing."""
    drawn, (height, width) = picture(mine.sample), mine.sample.grid
    across, down = drawn["width"] / width, drawn["height"] / height
    return "".join(
        f"M{x0 * across:.1f} {y0 * down:.1f}H{x1 * across:.1f}V{y1 * down:.1f}H{x0 * across:.1f}z"
        for x0, y0, x1, y1 in boxes.tolist()
    )
