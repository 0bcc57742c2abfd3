"""Whether an explanation finds a planted cause, task by task, and how good the nets of the package are.

Run: python -m benchmarks.tasks [detection segmentation ...] [--seed 0] [--tiles FOLDER] [--quick]

Each line is a figure with its bar. Every planted cause has a twin: the same mark without a meaning, which must
not be named. Everything runs on one core.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation

import xaikit
from benchmarks.tasks_lines import Asked, Line, trained
from benchmarks.tasks_next import next_word, recommendation
from xaikit.core.types import Bools, Explanation, Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.objects import make_scenes
from xaikit.data.plates import CORNER, make_plates
from xaikit.tasks import Detection, Segmentation
from xaikit.tasks.boxes import iou

SHAP = {"methods": "shap", "features": "patches:8"}


def detection(asked: Asked) -> Iterator[Line]:
    """Digits in scenes: boxes, where the evidence for them lies, and a mark beside them."""
    data = make_scenes(asked.seed, (200, 20, 30)) if asked.quick else make_scenes(asked.seed)
    model, seconds = trained("detector", data, asked)
    measures = model.info["metrics"]["test"]
    low, high = measures["interval"]
    yield Line("scenes: mAP at IoU .5", ">= .93", [measures["map"]], (low, high))
    yield Line("scenes: mAP at IoU .75", "", [measures["map_75"]])
    base = Detection(data.classes).baseline(data.train, data.test)["value"]
    yield Line("scenes: random boxes of training pictures", "", [base])
    yield Line("scenes: seconds of a core to train", "", [seconds])
    places = list(_objects(model, data.test, asked.n(40, 4)))
    for name, bar, values in _evidence(places):
        yield Line(f"scenes: {name}", bar, values)
    for planted, bar in (("mark", ">= .95"), ("twin", "<= .05")):
        marked = make_scenes(
            asked.seed, (1500, 100, 150) if not asked.quick else (100, 10, 20), planted
        )  # type: ignore[arg-type]
        net, _ = trained("detector", marked, asked, steps=asked.n(500, 5))
        yield Line(f"{planted}: mAP at IoU .5", "", [net.info["metrics"]["test"]["map"]])
        found = list(_marks(net, marked.test, asked.n(40, 4)))
        yield Line(
            f"{planted}: the mark is named first outside of the box", bar, [f for f, _ in found]
        )
        yield Line(
            f"{planted}: share of the positive evidence on the mark", "", [s for _, s in found]
        )


@dataclass(frozen=True, eq=False)
class Place:
    """One explained object: its evidence and where things are."""

    e: Explanation
    box: Floats
    others: Sequence[Floats]

    def inside(self, box: Floats, cells: int = 0) -> Bools:
        """Features that touch a box, and so many cells around."""
        mask = np.zeros(self.e.segmentation.ids.shape, dtype=bool)
        x0, y0, x1, y1 = (max(0, round(v)) for v in box)
        mask[y0:y1, x0:x1] = True
        touched = self.e.segmentation.pool(mask.astype(float), "sum") > 0
        if not cells:
            return touched
        grid = touched.reshape(8, 8)
        return binary_dilation(grid, np.ones((3, 3)), iterations=cells).ravel()

    def centre_inside(self, box: Floats, cells: int = 0) -> Bools:
        """Features whose centre is inside a box, and so many cells around."""
        side = self.e.segmentation.ids.shape[0] / 8
        at = side * (np.arange(8) + 0.5)
        x, y = np.meshgrid(at, at)
        wide = side * cells
        held = (
            (x >= box[0] - wide)
            & (x <= box[2] + wide)
            & (y >= box[1] - wide)
            & (y <= box[3] + wide)
        )
        return held.ravel()

    @property
    def shares(self) -> Floats:
        gains = self.e.values.clip(min=0)
        return gains / gains.sum()


def _objects(model: Any, samples: Sequence[Sample], n: int) -> Iterator[Place]:
    """The surest found object of each of the first pictures, if it is a true one."""
    for sample in samples:
        found = model.about(sample.x).found.boxes
        if not len(found) or n == 0:
            continue
        kind, box = int(found[0, 0]), found[0, 1:5]
        over = iou(sample.label[:, 1:], box) * (sample.label[:, 0] == kind)
        if not len(over) or over.max() < 0.5:
            continue
        n -= 1
        (e,) = xaikit.explain(model, sample, target=kind, **SHAP)
        others = [b for i, b in enumerate(sample.label[:, 1:]) if i != over.argmax()]
        yield Place(e, sample.label[over.argmax(), 1:], others)


def _evidence(places: Sequence[Place]) -> Iterator[tuple[str, str, list[float]]]:
    pointing = [float(p.inside(p.box)[p.e.values.argmax()]) for p in places]
    yield "strongest cell touches the box (pointing)", ">= .95", pointing
    near = [float(p.shares[p.inside(p.box)].sum()) for p in places]
    yield "positive evidence in cells that touch the box", "", near
    wide = [float(p.shares[p.centre_inside(p.box, 1)].sum()) for p in places]
    yield "positive evidence in the box and one cell around", ">= .93", wide
    others = []
    for p in places:
        if p.others:
            there = np.any([p.centre_inside(b) for b in p.others], axis=0) & ~p.inside(p.box)
            others.append(float(p.shares[there].sum()))
    yield "positive evidence in other objects", "<= .03", others


def _marks(model: Any, samples: Sequence[Sample], n: int) -> Iterator[tuple[float, float]]:
    """Of objects beside a mark: whether it is the strongest outside of their box with a twentieth of the evidence
    or more, and its share."""
    for sample in samples:
        for (kind, *box), mark in zip(sample.label.tolist(), sample.meta["marks"], strict=True):
            if mark is None or n == 0:
                continue
            where = tuple(box)
            n -= 1
            (e,) = xaikit.explain(model, sample, target=int(kind), at=where, **SHAP)
            place = Place(e, np.array(box), ())
            outside, on = ~place.inside(np.array(box)), place.inside(np.array(mark, dtype=float))
            best = int(np.where(outside, e.values, -np.inf).argmax())
            named = on[best] and place.shares[on & outside].sum() >= 0.05
            yield float(named), float(place.shares[on & outside].sum())


def segmentation(asked: Asked) -> Iterator[Line]:
    """Defects of plates and of magnetic tiles: Dice, where the evidence lies, and a mark in a corner."""
    if asked.tiles is not None:
        yield from _tiles(asked)
    for planted, bar in (("mark", ">= .9"), ("twin", "<= .05")):
        data = make_plates(asked.seed, (600, 80, 100) if not asked.quick else (32, 16, 16), planted)  # type: ignore[arg-type]
        model, seconds = trained("unet", data, asked)
        measures = model.info["metrics"]["test"]
        yield Line(f"{planted}: mean Dice", "", [measures["dice"]])
        yield Line(
            f"{planted}: plates without a defect left clean", "", [measures["clean"] or np.nan]
        )
        yield Line(f"{planted}: seconds of a core to train", "", [seconds])
        for method in ("shap", "gradcam"):
            found = list(_corners(model, data.test, asked.n(20, 3), method))
            first = [float(f) for f, _ in found]
            yield Line(
                f"{planted}: the mark is named first, {method}",
                bar if method == "shap" else "",
                first,
            )
            yield Line(
                f"{planted}: positive evidence on the mark, {method}", "", [s for _, s in found]
            )


def _corners(
    model: Any, samples: Sequence[Sample], n: int, method: str
) -> Iterator[tuple[bool, float]]:
    """Of marked plates with a found defect: whether the cell in the corner is the strongest, and its share."""
    for sample in samples:
        found = model.about(sample.x).found
        if not sample.meta["marked"] or not found.there[1:].any() or n == 0:
            continue
        kind = 1 + int(
            (found.classes[..., None] == np.arange(1, len(model.classes))).sum(axis=(0, 1)).argmax()
        )
        clean = found.classes == kind
        clean[: CORNER + 4, : CORNER + 4] = (
            False  # a mark that is taken for a defect is not its own cause
        )
        if not clean.any():
            continue
        n -= 1
        (e,) = xaikit.explain(model, sample, method, features="patches:8", target=kind, at=clean)
        gains = e.values.clip(min=0)
        corner = e.segmentation.ids[0, 0]
        yield (
            bool(e.values.argmax() == corner and gains[corner] > 0),
            float(gains[corner] / max(gains.sum(), 1e-12)),
        )


def _tiles(asked: Asked) -> Iterator[Line]:
    data, kinds = read_tiles(asked.tiles)  # type: ignore[arg-type]
    if asked.quick:
        data = replace(data, train=data.train[::8], val=data.val[::4], test=data.test[::4])
    model, seconds = trained("unet", data, asked)
    task = Segmentation(data.classes)
    bad = [s for s in data.test if s.label.any()]
    dices = [float(task.measured(model, [s])["dice"]) for s in bad]
    yield Line("tiles: mean Dice of tiles with a defect", ">= .33", dices)
    base = task.baseline(data.train, bad)
    yield Line(f"tiles: {base['says']}", "", [base["value"]])
    for kind in sorted(set(kinds.values()) - {"Free"}):
        yield Line(
            f"tiles: mean Dice, {kind}",
            "",
            [d for s, d in zip(bad, dices, strict=True) if kinds[s.id] == kind],
        )
    yield Line("tiles: seconds of a core to train", "", [seconds])
    for method in ("shap", "gradcam"):
        near, area = [], []
        for sample in bad[:: max(1, len(bad) // asked.n(20, 2))]:
            found = model.about(sample.x).found
            if not found.there[1]:
                continue
            (e,) = xaikit.explain(model, sample, method, features="patches:8", target=1)
            region = binary_dilation(found.at[1], iterations=8)
            inside = e.segmentation.pool(region.astype(float), "mean")
            weight = np.abs(e.values) / max(np.abs(e.values).sum(), 1e-12)
            touched = inside > 0
            near.append(float(weight[touched].sum()))
            area.append(float(touched.mean()))
        yield Line(
            f"tiles: evidence within 8 px of the region, {method}",
            ">= .88" if method == "shap" else "",
            near,
        )
        yield Line(f"tiles: area within 8 px of the region, {method}", "", area)


def read_tiles(folder: Path, side: int = 96) -> tuple[Dataset, dict[str, str]]:
    """The tiles, every fourth group of photographs to measure with, and the kind of each."""
    data = xaikit.load_data(folder / "magnetic_tile.zip", task="segmentation", size=side)
    with gzip.open(folder / "index.csv.gz", "rt") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    every = (*data.train, *data.val, *data.test)
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    for sample in every:
        group = int(rows[sample.id]["group"])
        part = {0: "test", 1: "val"}.get(
            group % 4 if group % 4 != 1 else (1 if group % 8 == 1 else 3), "train"
        )
        label = (np.asarray(sample.label) > 0).astype(np.int64)
        parts[part].append(Sample(sample.id, sample.x, "image", label=label))
    classes = ("tile", "defect")
    split = {part: tuple(samples) for part, samples in parts.items()}
    made = replace(data, name="tiles", classes=classes, outputs=classes, **split)  # type: ignore[arg-type]
    return made, {name: row["label"] for name, row in rows.items()}


PARTS: dict[str, Callable[[Asked], Iterator[Line]]] = {
    "detection": detection,
    "segmentation": segmentation,
    "recommendation": recommendation,
    "next_word": next_word,
}
HEAD = "| what | bar | figure (95 % interval) | n | |\n|---|---|---|---|---|"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tasks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all when left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiles", type=Path, help="folder with magnetic_tile.zip and index.csv.gz")
    parser.add_argument("--quick", action="store_true", help="few and short: shows that all works")
    given = parser.parse_args(words)
    wrong = [part for part in given.parts if part not in PARTS]
    if wrong:
        parser.error(f"there is no part '{wrong[0]}'; use {', '.join(PARTS)}")
    asked = Asked(given.seed, given.tiles, given.quick)
    missed = 0
    for part in given.parts or PARTS:
        print(f"\n## {part}\n\n{HEAD}", flush=True)
        for line in PARTS[part](asked):
            print(line.told(), flush=True)
            missed += line.holds is False
    return 1 if missed and not asked.quick else 0


if __name__ == "__main__":
    sys.exit(main())
