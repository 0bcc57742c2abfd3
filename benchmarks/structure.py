"""What is gained where a net need not be run whole: regions, mosaics, beginnings, first layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks import regions
from benchmarks.harness import Options, Row, clock, ratios, spread, turns, within
from benchmarks.nets import Case, cases, image_model, table_question
from benchmarks.overhead import fresh, settle
from benchmarks.passes import random_masks
from xaikit.core.question import Question

MASKS = 512


def rows(options: Options) -> Iterator[Row]:
    """Speed over batched passes of the same windows, and by how much the values differ."""
    found = regions.measure(repeats=options.repeats)
    speed, off = spread(found["speedup"]), float(found["max_difference"])
    captum = {"captum.Occlusion": ratios(found["speedup"], found["captum"])}
    yield Row(
        "structure", "occlusion, 225 windows, three convolutions, 64 px", ">= 5", speed, captum,
        "times as fast as batched passes", within(speed, 5, least=True),
        f"{found['regional']} windows by regions; batches of {found['batch']}",
    )  # fmt: skip
    yield Row(
        "structure", "largest difference from the full passes", "< 1e-5", (off, off, off), {},
        "in the score's unit", off < 1e-5,
    )  # fmt: skip
    small, large, recurrent = (
        (case.name, case.question(case.make(), case.samples(1)[0])) for case in cases(options)[:3]
    )
    picture = Case("MLP, 32 px", partial(image_model, "mlp", 32), cases(options)[0].x)
    flat = picture.name, picture.question(picture.make(), picture.samples(1)[0])
    table = "MLP, 30 columns, background 100", table_question(100)
    for part, questions in {
        "mosaics": (small, large),
        "common beginnings": (recurrent,),
        "first layers": (flat, table),
    }.items():
        for name, question in questions[: 1 if options.quick else None]:
            yield from _shared(name, part, question, options)


def _shared(name: str, part: str, question: Question, options: Options) -> Iterator[Row]:
    """Random masks and their complements as they are evaluated, a fresh question each time, against
    whole passes."""
    settle(question)
    masks = random_masks(question.n_features, MASKS)
    masks[1::2] = ~masks[::2]
    whole: Any = question.bound
    while hasattr(whole, "full"):
        whole = whole.full

    def passed(bound: Any) -> np.ndarray:
        size = max(1, question.pace.best // question.n_references)
        parts = [bound(masks[i : i + size], slice(None)) for i in range(0, MASKS, size)]
        return np.concatenate(parts)

    off = float(np.abs(passed(question.bound) - passed(whole)).max())
    work = {"whole": lambda: passed(whole), part: lambda: passed(fresh(question).bound)}
    seconds = turns(work, options.repeats, clock("cpu"))
    yield Row(
        "structure", f"{name}: {part}, {MASKS} random masks", "",
        ratios(seconds["whole"], seconds[part]), {}, "times as fast as whole passes",
        note=f"passes of {question.pace.best}; the scores differ by {off:.1g} at most",
    )  # fmt: skip
