"""What is gained where a net need not be run whole: regions, mosaics, common beginnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import regions
from benchmarks.harness import Options, Row, clock, ratios, spread, turns, within
from benchmarks.nets import Case, cases
from benchmarks.overhead import fresh, settle
from benchmarks.passes import random_masks

MASKS = 512
PARTS = {"image": "mosaics", "text": "common beginnings"}


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
    for case in cases(options)[:: 3 if options.quick else 1][:3]:
        yield from _shared(case, options)


def _shared(case: Case, options: Options) -> Iterator[Row]:
    """Random masks as they are evaluated, a fresh question each time, against whole passes."""
    model = case.make()
    question = case.question(model, case.samples(1)[0])
    settle(question)
    masks = random_masks(question.n_features, MASKS)
    part = PARTS[model.modality]
    whole: Any = question.bound
    while hasattr(whole, "full"):
        whole = whole.full

    def passed(bound: Any) -> np.ndarray:
        size = question.pace.best
        parts = [bound(masks[i : i + size], slice(None)) for i in range(0, MASKS, size)]
        return np.concatenate(parts)

    off = float(np.abs(passed(question.bound) - passed(whole)).max())
    work = {"whole": lambda: passed(whole), part: lambda: passed(fresh(question).bound)}
    seconds = turns(work, options.repeats, clock("cpu"))
    yield Row(
        "structure", f"{case.name}: {part}, {MASKS} random masks", "",
        ratios(seconds["whole"], seconds[part]), {}, "times as fast as whole passes",
        note=f"passes of {question.pace.best}; the scores differ by {off:.1g} at most",
    )  # fmt: skip
