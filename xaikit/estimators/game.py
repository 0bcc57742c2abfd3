"""A game: the function behind a question, evaluated in batches, checked, counted and remembered.

Every estimator of this folder sees its model only through a `Game`. An evaluation that was paid for
is never paid for twice, so a larger nested design costs only what it adds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from xaikit.errors import InvalidInput

__all__ = ["BoolArray", "FloatArray", "Game", "ValueFunction", "mask_keys"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ValueFunction = Callable[[BoolArray], FloatArray]


def mask_keys(masks: BoolArray) -> list[bytes]:
    """Each mask's bits, a dictionary key."""
    packed = np.ascontiguousarray(np.packbits(masks, axis=1))
    return cast(list[bytes], packed.view(f"V{packed.shape[1]}").ravel().tolist())


class Game:
    """The value of coalitions of features, with a memory and a count.

    value : masks, bool (m, n), True = kept, to one finite number per mask, (m,).
    `evaluations` counts the different coalitions that were really asked for.
    `batch_size` is the largest m of one call; no result depends on it.
    """

    def __init__(self, value: ValueFunction, n_features: int, *, batch_size: int = 256) -> None:
        self.n_features = n_features
        self.evaluations = 0
        self._value = value
        self._batch_size = batch_size
        self._memory: dict[bytes, float] = {}
        ends = self(np.array([[False] * n_features, [True] * n_features]))
        self.empty, self.output = float(ends[0]), float(ends[1])

    def __call__(self, masks: BoolArray, *, remember: bool = True) -> FloatArray:
        """Values of the masks, (m,) float64; only coalitions not in the memory are evaluated.

        Raises InvalidInput when `value` breaks its contract: one finite number per mask.
        """
        keys = mask_keys(masks)
        new = {key: row for row, key in enumerate(keys) if key not in self._memory}
        fresh = dict(zip(new, self._evaluate(masks[list(new.values())]), strict=True))
        if remember:
            self._memory.update(fresh)
        return np.array([fresh[key] if key in fresh else self._memory[key] for key in keys])

    def cost(self, masks: BoolArray) -> int:
        """How many evaluations a call with these masks would make."""
        return sum(key not in self._memory for key in set(mask_keys(masks)))

    def _evaluate(self, masks: BoolArray) -> list[float]:
        values: list[float] = []
        for start in range(0, len(masks), self._batch_size):
            batch = masks[start : start + self._batch_size]
            values += self._checked(batch).tolist()
        self.evaluations += len(masks)
        return values

    def _checked(self, batch: BoolArray) -> FloatArray:
        returned = self._value(batch.copy())  # `value` may write into what it is given
        try:
            values = np.asarray(returned, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"value returned a {type(returned).__name__} that is not an array of numbers; "
                "it must return one number per coalition, shape (m,)."
            ) from error
        if values.shape != (len(batch),):
            raise InvalidInput(
                f"value returned shape {values.shape} for {len(batch)} coalitions; it must return "
                f"one number per coalition, shape ({len(batch)},)."
            )
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InvalidInput(
                f"value is {values[bad[0]]} for {_name(batch[bad[0]])}; Shapley values need a "
                "finite value for every coalition, so repair the model or the masker there."
            )
        return values


def _name(mask: BoolArray) -> str:
    """The coalition in words, short enough for a message."""
    kept = np.flatnonzero(mask)
    if kept.size in (0, mask.size):
        return f"the {'full' if kept.size else 'empty'} coalition of {mask.size} features"
    shown = ", ".join(map(str, kept[:12])) + (", ..." if kept.size > 12 else "")
    return f"the coalition of features {{{shown}}} ({kept.size} of {mask.size} kept)"
