"""What detection and segmentation draw of their answer over a picture, and how much evidence lies elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.errors import DataError
from xaikit.core.types import Bools, Floats, Ints
from xaikit.report.case import Case
from xaikit.report.formats import percent
from xaikit.report.image_case import picture, regions_path
from xaikit.tasks.boxes import hits, iou

__all__ = ["detection", "segmentation"]

Size = tuple[int, int]
OVER = 0.5  # of an IoU: a box that lies over a true one so far has found it


def detection(mine: Case) -> dict[str, Any] | None:
    """The boxes over the picture, and each object: missed ones first, then false ones."""
    found = _found(mine)
    if found is None:
        return None
    task: Any = mine.findings.task
    boxes = np.array(found["boxes"], dtype=np.float64).reshape(-1, 6)
    label = mine.sample.label
    truth = np.zeros((0, 5)) if label is None else task.true_boxes(label)
    right = hits(boxes, truth, OVER)
    missed = truth[~hits_of(boxes, truth)]
    size, drawn = (int(n) for n in mine.sample.grid), picture(mine.sample)
    scale = (drawn["width"], drawn["height"])
    height, width = size
    asked = (
        None
        if mine.lead is None
        else np.array(found["at"], dtype=np.float64)[mine.lead.target.index]
    )
    known = label is not None
    kinds = ["found" if ok or not known else "false" for ok in right]
    rows = [(f"{task.outputs[int(b[0])]}", "missed", "") for b in missed]
    order = np.argsort([kind != "false" for kind in kinds], kind="stable")
    rows += [(task.outputs[int(boxes[i, 0])], kinds[i], percent(boxes[i, 5])) for i in order]
    inside = np.zeros((height, width), dtype=bool)
    if asked is not None:
        x0, y0, x1, y1 = (max(0, round(v)) for v in asked)
        inside[y0:y1, x0:x1] = True
    return {
        "kind": "boxes",
        "over": [
            {"kind": "missed", "path": _path(missed[:, 1:], (height, width), scale)},
            {"kind": "found", "path": _path(boxes[:, 1:5], (height, width), scale)},
            {
                "kind": "asked",
                "path": "" if asked is None else _path(asked[None], (height, width), scale),
            },
        ],
        "rows": [
            {"name": name, "kind": kind, "text": mine.findings.words(f"answer.boxes.{kind}", p=p)}
            for name, kind, p in rows
        ],
        "context": context_share(mine, inside),
    }


def segmentation(mine: Case) -> dict[str, Any] | None:
    """The outline of the explained region over the picture."""
    found = _found(mine)
    if found is None or mine.lead is None:
        return None
    classes, task = _classes(found), mine.findings.task
    asked = mine.lead.target.index
    drawn = picture(mine.sample)
    scale = (drawn["width"], drawn["height"])
    label = mine.sample.label
    true = np.asarray(label) == asked if isinstance(label, np.ndarray) else np.zeros((1, 1), bool)
    region = classes == asked
    height, width = mine.sample.grid
    rows, columns = (
        np.arange(n) * m // n for n, m in zip((height, width), classes.shape, strict=True)
    )
    held = np.bincount(classes.ravel(), minlength=len(task.outputs)) / classes.size
    return {
        "kind": "regions",
        "over": [
            {"kind": "missed", "path": regions_path(true, scale)},
            {"kind": "asked", "path": regions_path(region, scale)},
        ],
        "name": task.outputs[asked],
        "known": bool(true.any()),
        "rows": [
            {
                "name": task.outputs[k],
                "width": f"{100 * held[k]:.1f}",
                "text": percent(float(held[k]), 1),
                "first": k == asked,
            }
            for k in np.argsort(-held, kind="stable")[:4]
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


def hits_of(boxes: Floats, truth: Floats) -> Bools:
    """(m,) which of the true boxes are found."""
    over = iou(truth[:, None, 1:5], boxes[None, :, 1:5]) >= OVER
    alike = truth[:, None, 0] == boxes[None, :, 0]
    found: Bools = (over & alike).any(axis=1) if len(boxes) else np.zeros(len(truth), dtype=bool)
    return found


def _found(mine: Case) -> Mapping[str, Any] | None:
    found = (mine.findings.run.context.get("found") or {}).get(mine.sample.id)
    return found if isinstance(found, Mapping) else None


def _classes(found: Mapping[str, Any]) -> Ints:
    """(h, w) from runs."""
    kinds, lengths = (np.array(part, dtype=np.int64) for part in found["runs"])
    if lengths.sum() != np.prod(found["shape"]):
        raise DataError("the run's 'found' holds no whole picture; make it again.")
    return np.repeat(kinds, lengths).reshape(found["shape"])


def _path(boxes: Floats, size: Size, scale: tuple[float, float]) -> str:
    """Rectangles on the drawing."""
    across, down = scale[0] / size[1], scale[1] / size[0]
    return "".join(
        f"M{x0 * across:.1f} {y0 * down:.1f}H{x1 * across:.1f}V{y1 * down:.1f}H{x0 * across:.1f}z"
        for x0, y0, x1, y1 in boxes.tolist()
    )
