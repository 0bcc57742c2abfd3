"""Dates in eight written forms, said as 2021-03-07: which word each digit comes from; see `benchmarks.tasks`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

import xaikit
from benchmarks.tasks_lines import Asked, Line, trained
from xaikit.core.types import Sample
from xaikit.data.pairs import CLOCK_WORDS, SIZES, causes_in, make_dates
from xaikit.models.baselines import baselines_of
from xaikit.tasks import SequenceToSequence

__all__ = ["dates"]

DIGITS = {
    "first year digit": (1, "year"),
    "second year digit": (2, "year"),
    "third year digit": (3, "year"),
    "fourth year digit": (4, "year"),
    "first month digit": (6, "month"),
    "second month digit": (7, "month"),
    "first day digit": (9, "day"),
    "last day digit": (10, "day"),
}
LEAKS = ("second year digit", "first day digit")  # the tokens before tell most of them


def dates(asked: Asked) -> Iterator[Line]:
    """Exact match on dates that were never seen; the word that each digit comes from; and a time of day in one
    half of them, made of like numbers, which means nothing."""
    data = make_dates(asked.seed, (300, 30, 40) if asked.quick else SIZES)
    task, labels = SequenceToSequence(data.outputs), [s.label for s in data.test]
    for name, scores in baselines_of(data).items():
        yield Line(
            f"dates: exact match, {name}", "", [task.measures(scores, labels)["exact_output"]]
        )
    for architecture in ("gru_attention", "encoder_decoder"):
        model, seconds = trained(architecture, data, asked)
        right = [
            float(task.right(p, y))
            for p, y in zip(model.scores(data.inputs("test")), labels, strict=True)
        ]
        yield Line(f"{architecture}: exact match on unseen dates", ">= .99", right)
        yield Line(f"{architecture}: seconds of a core to train", "", [seconds])
        for method in ("shap", "integrated_gradients", "cross_attention"):
            yield from _digits(model, data.test[: asked.n(40, 2)], architecture, method)


def _digits(
    model: Any, samples: tuple[Sample, ...], architecture: str, method: str
) -> Iterator[Line]:
    """For each digit whether its word is the strongest, and that word's share of what speaks for it; how often
    a word of the time of day is the strongest for any."""
    first, share, clock = defaultdict(list), defaultdict(list), []
    for sample in samples:
        causes = causes_in(sample.meta["form"])
        decoys = np.flatnonzero(np.arange(len(sample.x)) >= len(sample.x) - CLOCK_WORDS)
        timed = " at " in sample.meta["text"]
        for digit, (t, word) in DIGITS.items():
            (e,) = xaikit.explain(model, sample, method, target=f"token {t}")
            gains, top = e.values.clip(min=0), int(e.values.argmax())
            first[digit].append(float(top == causes[word]))
            share[digit].append(float(gains[causes[word]] / gains.sum()) if gains.any() else 0.0)
            if timed and digit not in LEAKS:
                clock.append(float(top in decoys))
    for digit in DIGITS:
        bar = ">= .95" if method == "shap" and digit not in LEAKS else ""
        yield Line(
            f"{architecture}: its word is the strongest, {digit}, {method}", bar, first[digit]
        )
        if method == "shap":
            yield Line(f"{architecture}: its word's share, {digit}", "", share[digit])
    yield Line(
        f"{architecture}: a word of the time is the strongest, {method}", "<= .05", clock or [0.0]
    )
