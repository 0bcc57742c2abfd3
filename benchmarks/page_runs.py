"""The studies whose pages are measured: those of the demo, and four of real data; kept in `build/pages`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xaikit.app.demo import DEMOS, ERRORS, OTHERS
from xaikit.data import Dataset, load_data
from xaikit.models import load_model, save_model, train
from xaikit.study.run import Run
from xaikit.study.study import study

__all__ = ["STUDIES", "Studied", "made"]

HOME = Path(__file__).resolve().parents[1]
PLACE = HOME / "build" / "pages"
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip


@dataclass(frozen=True)
class Studied:
    """A data set, the model that is trained on it, and how many of its test samples are explained."""

    name: str
    data: str
    model: str
    n: int = 16
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> Path:
        return PLACE / "runs" / self.name

    def read(self, shared: Path) -> Dataset:
        files = {"test": shared / self.options["test"]} if "test" in self.options else {}
        source = shared / self.data if "/" in self.data else self.data
        return load_data(source, **{**self.options, **files})


STUDIES = (
    *(Studied(demo.data, demo.data, demo.model, demo.n) for demo in (*DEMOS, *OTHERS)),
    Studied(
        "fashion_mnist", "image_fashion_mnist/fashion_mnist.npz", "lenet",
        options={"classes": FASHION},
    ),
    Studied(
        "sst2", "text_en_sst2/train.csv.gz", "lstm",
        options={
            "test": "text_en_sst2/dev.csv.gz", "text_column": "text",
            "classes": ("negative", "positive"),
        },
    ),
    Studied("german_credit", "tabular_german_credit/german.csv.gz", "boosting"),
    Studied("gunpoint", "tsc_gunpoint/GunPoint.npz", "fcn_1d"),
)  # fmt: skip


def made(shared: Path, names: Sequence[str], again: bool) -> Iterator[Studied]:
    """The studies of these names (all when none), those that are not kept yet made first."""
    for asked in STUDIES:
        if names and asked.name not in names:
            continue
        if "/" in asked.data and not (shared / asked.data).exists():
            print(f"{asked.name}: not made, there is no {shared / asked.data}")
            continue
        if again:
            shutil.rmtree(asked.run, ignore_errors=True)
        if not asked.run.exists():
            _make(asked, shared)
        yield asked


def _make(asked: Studied, shared: Path) -> None:
    start = time.perf_counter()
    data = asked.read(shared)
    model = _model(asked, data)
    run: Run = study(
        model,
        data.take(asked.n, 0),
        data=data,
        drawn=0,
        command=f"xaikit explain runs/{asked.name} --data {asked.data} --n {asked.n} --draw",
        flips="auto",
        errors=ERRORS,
    )
    run.save(asked.run)
    print(f"{asked.name}: studied in {time.perf_counter() - start:.0f} s", flush=True)


def _model(asked: Studied, data: Dataset) -> Any:
    place = PLACE / "models" / asked.name
    if place.exists():
        return load_model(place)
    fitted = train(asked.model, data, progress=False)
    save_model(fitted, place)
    return fitted
