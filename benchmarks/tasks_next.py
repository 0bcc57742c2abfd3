"""What comes next: items that are recommended, and words; see `benchmarks.tasks`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.lookup import make_lookup
from xaikit.data.sessions import DECOYS, SIZES, make_sessions
from xaikit.models.baselines import baselines_of
from xaikit.tasks import NextWord, Recommendation

__all__ = ["next_word", "recommendation"]


@part
def recommendation(asked: Asked) -> Iterator[Line]:
    """Sessions in which the order of two items decides: hits, both items, and two decoys that mean nothing."""
    sizes = (400, 40, 60) if asked.quick else SIZES
    data = make_sessions(asked.seed, sizes)
    ceiling = float(np.mean([s.label == s.meta["wanted"] for s in data.test]))
    labels = [s.label for s in data.test]
    task = Recommendation(data.outputs)
    yield Line("sessions: ceiling of hit@1", "", [ceiling])
    for name, scores in baselines_of(data).items():
        yield Line(f"sessions: hit@1, {name}", "", [task.measures(scores, labels)["hit_1"]])
    for architecture in ("gru", "gpt_small"):
        model, seconds = trained(architecture, data, asked)
        test = model.info["metrics"]["test"]
        yield Line(f"{architecture}: hit@1 of its ceiling", ">= .97", [test["hit_1"] / ceiling])
        low, high = test["interval_10"]
        yield Line(f"{architecture}: hit@10", "", [test["hit_10"]], (low, high))
        yield Line(f"{architecture}: seconds of a core to train", "", [seconds])
        for method in ("shap", "integrated_gradients", "occlusion"):
            bars = (">= .95", "<= .05") if method == "shap" else ("", "")
            both, share, decoys = zip(*_causes(model, data, asked.n(60, 3), method), strict=True)
            yield Line(f"{architecture}: both items are the first two, {method}", bars[0], both)
            yield Line(f"{architecture}: positive evidence on both, {method}", "", share)
            yield Line(
                f"{architecture}: a decoy is one of the first two, {method}", bars[1], decoys
            )


@part
def next_word(asked: Asked) -> Iterator[Line]:
    """A look-up in a decoder: the question, its key and the value are the cause together."""
    data = make_lookup(asked.seed, (400, 40, 60)) if asked.quick else make_lookup(asked.seed)
    model, seconds = trained("gpt_small", data, asked)
    task = NextWord(data.outputs)
    labels = [s.label for s in data.test]
    for name, scores in baselines_of(data).items():
        yield Line(f"lookup: foreseen, {name}", "", [task.measures(scores, labels)["accuracy"]])
    right = [float(task.right(p, s.label)) for p, s in _predicted(model, data)]
    yield Line("lookup: foreseen", ">= .99", right)
    yield Line("lookup: seconds of a core to train", "", [seconds])
    for method in ("shap", "integrated_gradients", "occlusion"):
        bars = (">= .96", ">= .8") if method == "shap" else ("", "")
        three, share, _ = zip(*_causes(model, data, asked.n(60, 3), method), strict=True)
        yield Line(f"lookup: question, key and value are the first three, {method}", bars[0], three)
        yield Line(f"lookup: positive evidence on the three, {method}", bars[1], share)


def _predicted(model: Any, data: Dataset) -> Iterator[tuple[Floats, Sample]]:
    yield from zip(
        model.task.predictions(model.scores(data.inputs("test"))), data.test, strict=True
    )


def _causes(model: Any, data: Dataset, n: int, method: str) -> Iterator[tuple[float, float, float]]:
    """Of the first test samples: whether the true places are the strongest, their share of what speaks for the
    answer, and whether a decoy is among the strongest."""
    for sample in data.test[:n]:
        (e,) = xaikit.explain(model, sample, method)
        true = np.flatnonzero(sample.rationale)
        first = np.argsort(-e.values, kind="stable")[: len(true)]
        gains = e.values.clip(min=0)
        decoys = np.isin(sample.x[first], DECOYS).any()
        yield float(set(first) == set(true)), float(gains[true].sum() / gains.sum()), float(decoys)
