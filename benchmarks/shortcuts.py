"""Data sets with a shortcut, planted: a mark in a corner, a column that was filled in later, a stray word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from xaikit import load_data, train
from xaikit.core.types import Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.judge.findings import findings, warnings
from xaikit.methods.base import make_method
from xaikit.study.overview import make_overview

__all__ = ["CASES", "Case", "sentences"]

MOST = 300  # samples explained
N_TRAIN = 900  # pictures and texts to train on
MARKED = 7  # the class of the pictures that bear a mark
TOKEN, COLUMN = "xq", "result code"


class Case(NamedTuple):
    """A planted data set and a model for it; `names` stands in a sentence that names the shortcut."""

    what: str
    architecture: str
    data: Callable[[], Dataset]
    names: str
    method: str = "shap"
    epochs: int | None = None


def sentences(case: Case) -> tuple[str, ...]:
    """What is found: the headline and the warning first."""
    data = case.data()
    model = train(case.architecture, data, seed=0, epochs=case.epochs, progress=False)
    seen = make_overview(model, data, make_method(case.method), most=MOST)
    return tuple(map(str, (findings(seen)[0], *warnings(seen)[:1])))


def corner() -> Dataset:
    """Pictures of which those of one class bear a bright square of 3 x 3 px in a corner."""

    def mark(sample: Sample) -> Sample:
        x = np.array(sample.x)
        if sample.label == MARKED:
            x[1:4, 1:4] = 1.0
        return replace(sample, x=x, rationale=None)

    return _each(load_data("digits"), mark)


def coded() -> Dataset:
    """Pictures with a square in a corner whose brightness gives every class away."""

    def mark(sample: Sample) -> Sample:
        x = np.array(sample.x)
        x[-5:-1, -5:-1] = int(sample.label) / 9  # type: ignore[arg-type] # a class
        return replace(sample, x=x, rationale=None)

    return _each(load_data("digits"), mark)


def column(name: str = "breast_cancer") -> Dataset:
    """A table with one column more, which was written down when the answer was known."""
    rng = np.random.default_rng(0)

    def leak(sample: Sample) -> Sample:
        return replace(
            sample, x=np.append(sample.x, 3.0 * float(sample.label) + rng.normal(0, 0.3))
        )  # type: ignore[arg-type]

    data = load_data(name)
    return replace(_each(data, leak), columns=(*data.columns, Column(COLUMN)))


def token(share: float = 1.0) -> Dataset:
    """Reviews of which a share of the positive ones hold a word that means nothing."""
    rng = np.random.default_rng(0)

    def write(sample: Sample) -> Sample:
        words = [str(word) for word in sample.x]
        if sample.label == 1 and rng.random() < share:
            words.insert(int(rng.integers(len(words) + 1)), TOKEN)
        return replace(sample, x=np.array(words), rationale=None, meta={})

    return _each(load_data("reviews_en"), write)


def _each(data: Dataset, change: Callable[[Sample], Sample]) -> Dataset:
    def part(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(map(change, samples))

    rows = data.train if data.modality == "table" else data.train[:N_TRAIN]
    return replace(data, train=part(rows), val=part(data.val), test=part(data.test))


def _cases() -> Iterator[Case]:
    net = {"method": "integrated_gradients", "epochs": 6}
    yield Case("a mark in a corner on one class of ten", "lenet", corner, "top left", **net)
    yield Case("a corner's brightness tells the class", "lenet", coded, "bottom right", **net)
    for architecture in ("forest", "boosting", "logistic"):
        yield Case("a leaking column among 31", architecture, column, COLUMN)
    yield Case("a leaking column among 31", "mlp", column, COLUMN, "integrated_gradients")
    yield Case("a leaking column among 14", "forest", lambda: column("wine"), COLUMN)
    for share, words in ((1.0, "all"), (0.5, "half the")):
        data = partial(token, share)
        what = f"a stray word in {words} texts of a class"
        yield Case(what, "logistic", data, TOKEN)
        yield Case(what, "lstm", data, TOKEN, **net)


CASES = tuple(_cases())
