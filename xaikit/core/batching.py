"""How many rows go through a model at once: as many as its cache holds, and as fit into memory.

The number follows from the model and the shape of its input, never from a clock, so that the same
question gives the same bits on every run. A model says what suits it in `batch_rows` (for nets see
`models/neural.py`); people set it with `Plan(batch_size=)`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from xaikit.core.errors import InvalidInput, OutOfBudget

__all__ = [
    "LARGEST",
    "PerPass",
    "keep_pages",
    "nominal_seconds",
    "rows_per_pass",
    "rows_that_fit",
    "worked",
]

T = TypeVar("T")
LARGEST = 2**16
START = 64  # rows of a model that does not say what suits it


@cache
def keep_pages() -> None:
    """Let the pages that a pass frees stay with the process, for the next pass.

    glibc gives them back to the system, which clears them again page by page: half of the time of a
    pass whose layers make a few MB each. It keeps up to twice the largest block that was ever freed,
    of blocks below 32 MB; so one such block is freed here, unused. Elsewhere this changes nothing.
    """
    np.empty(32 * 2**20 - 2**16, dtype=np.uint8)


class PerPass:
    """The rows of one pass: a number that follows from the model, halved for good when memory runs out."""

    def __init__(self, rows: int = START) -> None:
        self.rows = max(1, min(rows, LARGEST))

    def shrink(self, rows: int) -> None:
        """A pass of that many rows ran out of memory: fewer from now on."""
        if rows <= 1:
            raise OutOfBudget(
                "out of memory: one single input does not fit; use a smaller input, another device, or "
                "fewer references."
            )
        self.rows = max(1, min(self.rows, rows // 2))


_ROWS: WeakKeyDictionary[Any, dict[Any, PerPass]] = WeakKeyDictionary()
_SECONDS: WeakKeyDictionary[Any, dict[Any, float | None]] = WeakKeyDictionary()
_BYTES: WeakKeyDictionary[Any, dict[Any, int]] = WeakKeyDictionary()


def rows_per_pass(model: Any, x: Any, memory: int | None = None) -> PerPass:
    """Rows of a pass of the model on inputs like x, remembered as long as the model lives."""
    known: dict[Any, PerPass] = _remembered(_ROWS, model)
    key = (x.shape, memory)
    if key not in known:
        most = LARGEST if memory is None else rows_that_fit(model, x, memory)
        known[key] = PerPass(min(int(getattr(model, "batch_rows", START)), most))
    return known[key]


def rows_that_fit(model: Any, x: Any, memory: int) -> int:
    """Inputs like x in one pass that takes half of `memory` bytes, at least one.

    The other half is for masks and matrices. `InvalidInput` when one does not fit into the whole.
    """
    known = _remembered(_BYTES, model)
    if x.shape not in known:
        count = getattr(model, "row_bytes", None)
        known[x.shape] = max(1, int(count(x)) if count else 16 * x.nbytes)
    each = known[x.shape]
    if memory < each:
        raise InvalidInput(
            f"memory is {memory / 2**20:.3g} MiB and one input of '{model.id}' takes about "
            f"{each / 2**20:.3g} MiB in a pass; allow more."
        )
    return max(1, int(memory // (2 * each)))


def nominal_seconds(model: Any, x: Any) -> float | None:
    """Seconds of one input like x on one CPU core, the same wherever it is asked, or None."""
    known = _remembered(_SECONDS, model)
    if x.shape not in known:
        count = getattr(model, "row_seconds", None)
        known[x.shape] = count(x) if count else None
    seconds: float | None = known[x.shape]
    return seconds


def _remembered(store: WeakKeyDictionary[Any, dict[Any, Any]], model: Any) -> dict[Any, Any]:
    try:
        return store.setdefault(model, {})
    except TypeError:  # a model that can be neither hashed nor referred to weakly
        return {}


def worked(per_pass: PerPass, left: int, attempt: Callable[[int], T]) -> T:
    """What `attempt(rows)` gives, with fewer rows a pass when memory runs out.

    attempt : does some of the `left` rows in passes of at most `rows`
    """
    while True:
        rows = max(1, min(per_pass.rows, left))
        try:
            return attempt(rows)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            per_pass.shrink(rows)


def _out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text
