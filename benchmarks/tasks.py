"""Whether an explanation finds a planted cause, task by task, and how good the nets of the package are.

Run: python -m benchmarks.tasks [forecasting ...] [--seeds 0 1 2] [--files etth=FILE tiles=FOLDER] [--quick]

Each line is a figure with its bar; over several seeds the mean with its interval. Every planted cause has a twin:
the same mark without a meaning, which must not be named. Everything runs on one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation

import xaikit
from benchmarks.tasks_lines import PARTS, Asked, Line, over_seeds, part, trained
from xaikit.core.types import Bools, Explanation, Floats, Sample
from xaikit.data.factors import make_factors
from xaikit.data.forecasts import Windows, read_forecasts
from xaikit.data.lags import make_lags
from xaikit.data.objects import make_scenes
from xaikit.models.baselines import baselines_of
from xaikit.tasks import Detection, Forecasting, Reconstruction
from xaikit.tasks.boxes import iou
from xaikit.tasks.reconstruction import auroc

SHAP = {"methods": "shap", "features": "patches:8"}


@part
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


@part
def forecasting(asked: Asked) -> Iterator[Line]:
    """Two moments of the past that decide, and the oil temperature of a transformer station."""
    data = make_lags(asked.seed)
    model, seconds = trained("mixer_1d", data, asked)
    yield Line("lags: R2 of the mixer", ">= .88", [model.info["metrics"]["test"]["r2"]])
    yield Line("lags: seconds of a core to train", "", [seconds])
    task = Forecasting(data.outputs)
    labels = [s.label for s in data.test]
    for name, scores in baselines_of(data).items():
        yield Line(f"lags: R2 of {name}", "", [task.measures(scores, labels)["r2"]])  # type: ignore[arg-type]
    samples = data.test[:: max(1, len(data.test) // asked.n(60, 4))]
    every = xaikit.explain(model, samples, "shap", seed=asked.seed)
    areas, decoys = zip(*(_blocks(e, s) for e, s in zip(every, samples, strict=True)), strict=True)
    yield Line("lags: AUROC of the true blocks", ">= .96", areas)
    yield Line("lags: share of the evidence on the decoy", "", decoys)
    means, steps = (
        [
            xaikit.explain(model, samples[0], "shap", target=t, seed=asked.seed)[0].values
            for t in targets
        ]
        for targets in (["y mean"], [f"y +{h}" for h in range(1, 7)])
    )
    gap = float(np.abs(means[0] - np.mean(steps, axis=0)).max() / np.abs(means[0]).max())
    yield Line("lags: share of the mean less the mean of the shares", "<= 1e-5", [gap])
    if "etth" in asked.files:
        yield from _station(asked)


def _blocks(e: Explanation, sample: Sample) -> tuple[float, float]:
    """AUROC of the blocks that hold a true moment by |value|, and the share of the decoy's."""
    assert sample.rationale is not None
    true = np.zeros(len(e.values), dtype=bool)
    true[np.unique(e.segmentation.ids[sample.rationale])] = True
    size = np.abs(e.values)
    decoy = np.array([name.startswith("decoy") for name in e.names])
    return auroc(size, true)[0], float(size[decoy].sum() / size.sum())


def _station(asked: Asked) -> Iterator[Line]:
    """ETTh1, 96 hours to 24, months 13 to 16 before 17 to 20, as papers do it: MSE of standardised channels."""
    windows = Windows(horizon=24, lags=96, cuts=(8640, 11520, 14400))
    data = read_forecasts(asked.files["etth"], windows)
    rows = np.concatenate([data.train[0].x, *(s.x[-1:] for s in data.train)])
    truth = np.array([s.label for s in data.test]).reshape(len(data.test), -1, 24)
    spread = rows.std(axis=0)[:, None]

    def error(scores: Floats) -> float:
        found = scores[:, : truth[0].size].reshape(truth.shape)
        return float((((found - truth) / spread) ** 2).mean())

    known = {name: error(scores) for name, scores in baselines_of(data).items()}
    for name, found in known.items():
        yield Line(f"ETTh1: MSE of {name}", "", [found])
    for net in ("patch_transformer", "tcn_1d", "gru"):
        model, seconds = trained(net, data, asked)
        mine = error(model.scores(data.inputs("test")))
        told = net == "patch_transformer"
        yield Line(f"ETTh1: MSE of {net}", "", [mine])
        beside = mine / known["ridge on the lags"]
        yield Line(f"ETTh1: {net} beside ridge", "<= 1.03" if told else "", [beside])
        beside = mine / known["the value one period before"]
        yield Line(f"ETTh1: {net} beside the day before", "<= .80" if told else "", [beside])
        yield Line(f"ETTh1: seconds of a core for {net}", "", [seconds])


@part
def reconstruction(asked: Asked) -> Iterator[Line]:
    """Twelve sensors of which one leaves the rule: detection, and the column that is named first."""
    data = make_factors(asked.seed)
    model, seconds = trained("autoencoder", data, asked, middle=3)
    measures, task = model.info["metrics"]["test"], Reconstruction(data.outputs)
    yield Line("factors: AUROC of the score", "", [measures["auroc"]], tuple(measures["interval"]))
    labels = [s.label for s in data.test]
    for name, scores in baselines_of(data).items():
        yield Line(f"factors: AUROC of {name}", "", [task.measures(scores, labels)["auroc"]])  # type: ignore[arg-type]
    yield Line("factors: seconds of a core to train", "", [seconds])
    odd = [s for s in data.test if s.label][: asked.n(150, 4)]
    apart = np.stack([s.x for s in odd]) - np.stack(data.inputs("train")).mean(axis=0)
    apart = np.abs(apart / np.stack(data.inputs("train")).std(axis=0))
    yield Line("factors: broken column first, by SHAP", ">= .95", _first(odd, [
        e.values for e in xaikit.explain(model, odd, "shap", seed=asked.seed)]))  # fmt: skip
    mean = [e.values for e in xaikit.explain(model, odd, "shap", masker="median", seed=asked.seed)]
    yield Line("factors: the same with the median as reference", "", _first(odd, mean))
    errors = model.scores([s.x for s in odd])[:, 1:]
    yield Line("factors: by the error of each column", "", _first(odd, errors))
    yield Line("factors: by the distance from the mean", "", _first(odd, apart))


def _first(samples: Sequence[Sample], values: Sequence[Floats] | Floats) -> list[float]:
    """1 where the largest value is that of the marked column."""
    rows = zip(samples, values, strict=True)
    return [float(s.rationale[int(np.argmax(v))]) for s, v in rows if s.rationale is not None]


HEAD = "| task | what | bar | figure (95 % interval) | |\n|---|---|---|---|---|"


def main(words: Sequence[str] | None = None) -> int:
    for file in sorted(Path(__file__).parent.glob("tasks_*.py")):
        import_module(f"benchmarks.{file.stem}")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tasks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all when left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--files", nargs="+", default=[], metavar="NAME=PATH",
                        help="etth=ETTh1.csv; tiles=folder with magnetic_tile.zip and index.csv.gz")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="few and short: shows that all works")
    given = parser.parse_args(words)
    wrong = [name for name in given.parts if name not in PARTS]
    if wrong:
        parser.error(f"there is no part '{wrong[0]}'; use {', '.join(PARTS)}")
    files = {name: Path(path) for name, _, path in (word.partition("=") for word in given.files)}
    table = {
        name: over_seeds(
            [line for seed in given.seeds for line in _told(name, Asked(seed, files, given.quick))]
        )
        for name in given.parts or PARTS
    }
    print(HEAD)
    for name, lines in table.items():
        print("\n".join(f"| {name} {line.told()}" for line in lines))
    missed = any(line.holds is False for lines in table.values() for line in lines)
    return 1 if missed and not given.quick else 0


def _told(name: str, asked: Asked) -> Iterator[Line]:
    """The figures of one seed, told as they come."""
    for line in PARTS[name](asked):
        print(f"{name}, seed {asked.seed} {line.told()}", file=sys.stderr, flush=True)
        yield line


if __name__ == "__main__":
    sys.exit(main())
