"""Large matrices of masks as floats, a block of rows at a time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xaikit.shapley.game import FloatArray

__all__ = ["Blocks", "held"]

BLOCK = 2**17  # numbers in one block: 1 MiB


class Blocks:
    """A matrix of n_rows by n that is made block by block whenever it is gone through.

    make : the rows of a slice, (m, n). A single block is made once and kept; never change it.
    single : whether there is but one
    """

    def __init__(self, n_rows: int, n: int, make: Callable[[slice], FloatArray]) -> None:
        step = _step(n)
        self._make = make
        self._parts = [slice(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]
        self.single = len(self._parts) == 1
        self._kept = make(self._parts[0]) if self.single else None

    def __iter__(self) -> Iterator[tuple[slice, FloatArray]]:
        for part in self._parts:
            yield part, self._make(part) if self._kept is None else self._kept


def held(n_rows: int, n: int) -> int:
    """Numbers of such a matrix that are kept."""
    return n_rows * n if n_rows <= _step(n) else 0


def _step(n: int) -> int:
    return max(1, BLOCK // max(n, 1))
