"""Dates in eight written forms, said as 2021-03-07: which word each digit comes from; see `benchmarks.tasks`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
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


@part
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
    if method == "shap":
        for digit in DIGITS:
            bar = "" if digit in LEAKS else ">= .95"
            yield Line(f"{architecture}: its word is the strongest, {digit}", bar, first[digit])
            yield Line(f"{architecture}: share of its word, {digit}", "", share[digit])
    every = [value for digit in DIGITS if digit not in LEAKS for value in first[digit]]
    yield Line(f"{architecture}: the right word is the strongest, six digits, {method}", "", every)
    bar = "<= .05" if method == "shap" else ""
    yield Line(
        f"{architecture}: a word of the time of day is the strongest, {method}", bar, clock or [0.0]
    )
