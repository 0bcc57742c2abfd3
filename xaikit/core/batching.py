"""How many rows go through a model at once: as many as are fastest, and as fit into memory.

The number is found while real work is done, and remembered for each model and shape of input. No
result depends on it beyond rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from xaikit.core.errors import InvalidInput, OutOfBudget

__all__ = [
    "LARGEST",
    "Pace",
    "keep_pages",
    "nominal_seconds",
    "pace_of",
    "rows_that_fit",
    "worked",
]

T = TypeVar("T")
SMALLEST, LARGEST = 8, 2**16
START = 64  # rows of a model that does not say what suits it
GAIN = 0.93  # the search goes on from a size that takes at most this share of the best time a row
LOSS = 1.3  # and ends at one that takes more than that
TRIES = 2  # timed passes of a size in the search; the faster one counts
NEAR, TURNS = 1.25, 4  # sizes this near to the best are timed in turns, so many times
ALIKE = 0.96  # a size must take less than this share of the start's time to replace it


@cache
def keep_pages() -> None:
    """Let the pages that a pass frees stay with the process, for the next pass.

    glibc gives them back to the system, which clears them again page by page: half of the time of a
    pass whose layers make a few MB each. It keeps up to twice the largest block that was ever freed,
    of blocks below 32 MB; so one such block is freed here, unused. Elsewhere this changes nothing.
    """
    np.empty(32 * 2**20 - 2**16, dtype=np.uint8)


class Pace:
    """The number of rows of the next pass, learned from the seconds of the last ones.

    Sizes are halved from `start` and then doubled, each until two in a row are no faster or one is
    far slower; those near the best are compared once more, in turns.
    most : rows that memory allows; a pass that runs out of memory halves it.
    """

    def __init__(
        self,
        start: int = START,
        most: int = LARGEST,
        *,
        fixed: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.clock = clock
        self.most = max(1, most)
        self.best = max(1, min(start, self.most))
        self._search = None if fixed else self._climb()
        self._trial = next(self._search) if self._search else 0

    @property
    def searches(self) -> bool:
        """Whether the next passes still try sizes."""
        return self._search is not None

    def rows(self, left: int) -> int:
        """Rows of the next pass, when `left` rows are still to be done."""
        rows = self._trial if 0 < self._trial <= left else self.best
        return max(1, min(rows, self.most))

    def record(self, size: int, rows: int, seconds: float) -> None:
        """Say how long passes of at most `size` rows, `rows` in all, took."""
        if self._search and size == self._trial:
            try:
                self._trial = self._search.send(seconds / rows)
            except StopIteration:
                self._search, self._trial = None, 0

    def shrink(self, rows: int) -> None:
        """A pass of that many rows ran out of memory: fewer from now on."""
        if rows <= 1:
            raise OutOfBudget(
                "out of memory: one single input does not fit; use a smaller input, another device, or "
                "fewer references."
            )
        self.most = rows // 2
        self.best = min(self.best, self.most)
        self._search, self._trial = None, 0

    def _climb(self) -> Generator[int, float, None]:
        """Sizes to try; each is sent the seconds a row that it took."""
        start = size = self.best
        yield start  # the first pass of a size makes what later ones use
        seconds = {start: (yield from self._timed(start))}
        for step in (0.5, 2.0):
            size, misses = start, 0
            while misses < 2:
                size = int(size * step)
                if not SMALLEST <= size <= min(self.most, LARGEST):
                    break
                yield size
                seconds[size] = yield from self._timed(size)
                if seconds[size] < GAIN * seconds[self.best]:
                    self.best, misses = size, 0
                elif seconds[size] < LOSS * seconds[self.best]:
                    misses += 1
                else:
                    break
        near = [size for size in seconds if seconds[size] < NEAR * seconds[self.best]]
        yield from self._compared(start, sorted({start, *near}))

    def _compared(self, start: int, sizes: list[int]) -> Generator[int, float, None]:
        """The sizes take turns, since a cold or busy machine misled their first times."""
        found: dict[int, list[float]] = {size: [] for size in sizes}
        for size in sizes * TURNS:
            yield size  # the pass after another size is slower
            found[size].append((yield size))
        shares = {size: np.median(np.divide(found[size], found[start])) for size in sizes}
        self.best = min(sizes, key=lambda size: shares[size])
        if shares[self.best] >= ALIKE:
            self.best = start

    def _timed(self, size: int) -> Generator[int, float, float]:
        """Seconds a row of the faster of some passes."""
        found = []
        for _ in range(TRIES):
            found.append((yield size))
        return min(found)


_PACES: WeakKeyDictionary[Any, dict[Any, Pace]] = WeakKeyDictionary()
_SECONDS: WeakKeyDictionary[Any, dict[Any, float | None]] = WeakKeyDictionary()
_BYTES: WeakKeyDictionary[Any, dict[Any, int]] = WeakKeyDictionary()


def pace_of(model: Any, x: Any, kind: str, memory: int | None = None) -> Pace:
    """The pace of a model on inputs like x, remembered as long as the model lives.

    kind : of pass, with a pace of its own, for example a precision
    """
    known: dict[Any, Pace] = _remembered(_PACES, model)
    key = (x.shape, kind, memory)
    if key not in known:
        most = LARGEST if memory is None else rows_that_fit(model, x, memory)
        # what else the machine does must not decide: on a CPU only the thread's own time counts
        on_cpu = getattr(getattr(model, "device", None), "type", "cpu") == "cpu"
        clock = time.thread_time if on_cpu else time.perf_counter
        known[key] = Pace(int(getattr(model, "batch_rows", START)), most, clock=clock)
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


def worked(pace: Pace, left: int, attempt: Callable[[int], tuple[int, T]]) -> T:
    """What `attempt(size)` gives, with fewer rows a pass when memory runs out.

    attempt : does some of the `left` rows in passes of at most `size`; gives how many, and a result
    """
    while True:
        size, start = pace.rows(left), pace.clock()
        try:
            rows, found = attempt(size)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            pace.shrink(min(size, left))
            continue
        pace.record(size, rows, pace.clock() - start)
        return found


def _out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text
