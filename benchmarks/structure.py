"""What is gained where a net need not be run whole: first maps put together from a few images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Options, Row, clock, ratios, turns
from benchmarks.nets import cases
from benchmarks.overhead import fresh
from benchmarks.passes import random_masks
from xaikit.core.question import Question

MASKS = 512


def rows(options: Options) -> Iterator[Row]:
    """Speed over whole passes of the same masks, and by how much the values differ."""
    for case in cases(options)[: 1 if options.quick else 2]:
        question = case.question(case.make(), case.samples(1)[0])
        yield from _shared(case.name, "cached activations", question, options)


def _shared(name: str, part: str, question: Question, options: Options) -> Iterator[Row]:
    """Random masks and their complements as they are evaluated, a fresh question each time, against
    whole passes."""
    masks = random_masks(question.n_features, MASKS)
    masks[1::2] = ~masks[::2]
    whole: Any = question.bound
    while hasattr(whole, "full"):
        whole = whole.full

    def passed(bound: Any) -> np.ndarray:
        size = max(1, question.per_pass.rows // question.n_references)
        parts = [bound(masks[i : i + size], slice(None)) for i in range(0, MASKS, size)]
        return np.concatenate(parts)

    off = float(np.abs(passed(question.bound) - passed(whole)).max())
    work = {"whole": lambda: passed(whole), part: lambda: passed(fresh(question).bound)}
    seconds = turns(work, options.repeats, clock("cpu"))
    yield Row(
        "structure", f"{name}: {part}, {MASKS} random masks", "",
        ratios(seconds["whole"], seconds[part]), {}, "times as fast as whole passes",
        note=f"passes of {question.per_pass.rows}; the scores differ by {off:.1g} at most",
    )  # fmt: skip
