"""Defects of plates and of magnetic tiles, marked pixel by pixel; see `benchmarks.tasks`."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import binary_dilation

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.data.plates import CORNER, make_plates
from xaikit.tasks import Segmentation

__all__ = ["read_tiles", "segmentation"]

RECIPES: tuple[dict[str, bool], ...] = ({}, {"context": False})  # of the net for tiles


@part
def segmentation(asked: Asked) -> Iterator[Line]:
    """Defects of plates and of magnetic tiles: Dice, where the evidence lies, and a mark in a corner."""
    if "tiles" in asked.files:
        yield from _tiles(asked)
    for planted, bar in (("mark", ">= .9"), ("twin", "<= .05")):
        data = make_plates(asked.seed, (600, 80, 100) if not asked.quick else (32, 16, 16), planted)  # type: ignore[arg-type]
        model, seconds = trained("unet", data, asked, turn=False)  # the mark stands in one corner
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
    data, kinds = read_tiles(asked.files["tiles"])
    if asked.quick:
        data = replace(data, train=data.train[::8], val=data.val[::4], test=data.test[::4])
    tried = [trained("unet", data, asked, **recipe) for recipe in RECIPES]
    for recipe, (net, _) in zip(RECIPES, tried, strict=True):
        yield Line(f"tiles: Dice of the tiles to choose with, {recipe}", "", [_chosen_by(net)])
    model, seconds = max(tried, key=lambda t: _chosen_by(t[0]))
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
    some = bad[:: max(1, len(bad) // asked.n(20, 2))]
    some = [s for s in some if model.about(s.x).found.there[1]]
    for method, bar in (("shap", ">= .88"), ("gradcam", "")):
        near, area = zip(*(_near(model, s, method) for s in some), strict=True)
        yield Line(f"tiles: evidence within 8 px of the region, {method}", bar, near)
        yield Line(f"tiles: area within 8 px of the region, {method}", "", area)
    if model.net.context is not None:
        held = []
        for sample in some:
            with _held(model, sample):
                held.append(_near(model, sample, "shap")[0])
        yield Line("tiles: the same, shap, the path from the whole picture held fixed", "", held)


def _near(model: Any, sample: Sample, method: str) -> tuple[float, float]:
    """Share of the absolute evidence in cells within 8 px of the region that was found, and of their area."""
    region = binary_dilation(model.about(sample.x).found.at[1], iterations=8)
    (e,) = xaikit.explain(model, sample, method, features="patches:8", target=1)
    touched = e.segmentation.pool(region.astype(float), "mean") > 0
    size = np.abs(e.values)
    return float(size[touched].sum() / max(size.sum(), 1e-12)), float(touched.mean())


class _Fixed(torch.nn.Module):
    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.value.expand(len(x), -1)


@contextmanager
def _held(model: Any, sample: Sample) -> Iterator[None]:
    """Whatever is removed, the net's path from the whole picture says what it says of the picture itself."""
    path, said = model.net.context, []
    hook = path.register_forward_hook(lambda _, __, out: said.append(out.detach()[:1].clone()))
    model.scores([sample.x])
    hook.remove()
    model.net.context = _Fixed(said[0])
    try:
        yield
    finally:
        model.net.context = path


def _chosen_by(net: Any) -> float:
    """Mean Dice of the tiles that no net learned from and none is measured with."""
    return float(net.info["metrics"]["val"]["dice"])


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
