"""Occlusion on a plain stack of convolutions, where only the changed region is computed again."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import regions
from benchmarks.harness import Options, Row, ratios, spread, within


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
