"""A game: the function behind a question, evaluated in batches, checked, counted and remembered.

Every estimator of this folder sees its model only through a `Game`. An evaluation that was paid for
is never paid for twice, so a larger nested design costs only what it adds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.memory import Memory

__all__ = ["BoolArray", "FloatArray", "Game", "ValueFunction"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ValueFunction = Callable[[BoolArray], FloatArray]


class Game:
    """The value of coalitions of features, with a memory and a count.

    value : masks, bool (m, n), True = kept, to one finite number per mask, (m,).
    order : (n,) the feature of `value` that each feature of the game stands for; the same unless given
    `evaluations` counts the different coalitions that were really asked for.
    `batch_size` is the largest m of one call; no result depends on it.
    """

    def __init__(
        self,
        value: ValueFunction,
        n_features: int,
        *,
        batch_size: int = 256,
        order: NDArray[np.int64] | None = None,
    ) -> None:
        self.n_features = n_features
        self._places = None if order is None else np.argsort(order)
        self.evaluations = 0
        self._value = value
        self._batch_size = batch_size
        self._memory = Memory(n_features)

    @cached_property
    def empty(self) -> float:
        """The value of the empty coalition."""
        return float(self(np.zeros((1, self.n_features), dtype=bool))[0])

    @cached_property
    def output(self) -> float:
        """The value of the full coalition."""
        return float(self(np.ones((1, self.n_features), dtype=bool))[0])

    def __call__(
        self, masks: BoolArray, *, remember: bool = True, distinct: bool = False
    ) -> FloatArray:
        """Values of the masks, (m,) float64; only coalitions not in the memory are evaluated.

        The first call also finds the empty and the full coalition, for two in a call of their own
        cost more. distinct : the masks differ from each other and from these two.
        Raises InvalidInput when `value` breaks its contract: one finite number per mask.
        """
        if len(self._memory) > 0 or not remember:
            return self._memory.fill(masks, self._evaluate, remember=remember)
        fill = self._memory.first if distinct else self._memory.fill
        values = fill(self._and_ends(masks), self._evaluate)
        self.__dict__.update(empty=float(values[0]), output=float(values[1]))
        return values[2:]

    def cost(self, masks: BoolArray) -> int:
        """How many evaluations a call with these masks would make."""
        return self._memory.unseen(self._and_ends(masks))

    def _and_ends(self, masks: BoolArray) -> BoolArray:
        ends = np.repeat([[False], [True]], self.n_features, axis=1)
        return np.concatenate([ends, masks])

    def _evaluate(self, masks: BoolArray) -> FloatArray:
        values = np.empty(len(masks))
        for start in range(0, len(masks), self._batch_size):
            batch = slice(start, start + self._batch_size)
            values[batch] = self._checked(masks[batch])
        self.evaluations += len(masks)
        return values

    def _named(self, masks: BoolArray) -> BoolArray:
        """A copy over the features of `value`, which may write into what it is given."""
        return masks.copy() if self._places is None else masks.take(self._places, axis=1)

    def _checked(self, batch: BoolArray) -> FloatArray:
        returned = self._value(self._named(batch))
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
                f"value is {values[bad[0]]} for {_name(self._named(batch[bad[:1]])[0])}; Shapley values need a "
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
