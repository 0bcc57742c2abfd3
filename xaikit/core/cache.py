"""What is known of one question already, so that no method or metric pays for it twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np

from xaikit.core.memory import Memory
from xaikit.core.types import Bools, Floats, Target

__all__ = ["Cache"]

T = TypeVar("T")
Evaluate = Callable[[Bools, Sequence[Target]], Floats]  # masks (m, n) -> values (m, targets)


class Cache:
    """Values already evaluated for one question, shared by its methods and metrics.

    targets : what else is read from the same passes, so that the same question about another class
        costs nothing more
    """

    def __init__(self, targets: Sequence[Target] = ()) -> None:
        self.targets = tuple(targets)
        self._memories: dict[Target, Memory] = {}
        self._pending: dict[Target, list[tuple[Bools, Floats]]] = {}  # not yet in a memory
        self._made: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        """Masks whose values are known, whatever the target."""
        return max(map(len, self._memories.values()), default=0)

    def fill(self, masks: Bools, target: Target, evaluate: Evaluate) -> Floats:
        """Values (m,) of the masks, evaluating each distinct unseen mask once."""
        others = [other for other in self.targets if other != target]

        def fresh(new: Bools) -> Floats:
            found = evaluate(new, [target, *others])
            for column, other in enumerate(others, start=1):
                self.store(new, other, found[:, column])
            return found[:, 0]

        return self._memory(target, masks).fill(masks, fresh)

    def unseen(self, masks: Bools, target: Target) -> Bools:
        """The distinct masks among these that are not known, in their order."""
        return masks[self._memory(target, masks).fresh(masks)]

    def store(self, masks: Bools, target: Target, values: Floats) -> None:
        """Values (m,) of masks, known from elsewhere; what is known already stays."""
        self._pending.setdefault(target, []).append((masks, values))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for the question: a model of random weights, for example."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    def forget(self) -> None:
        """Drop everything; later questions are evaluated again."""
        self._memories.clear()
        self._pending.clear()
        self.forget_made()

    def forget_made(self) -> None:
        """Drop what `once` made; the values stay."""
        self._made.clear()

    def _memory(self, target: Target, masks: Bools) -> Memory:
        memory = self._memories.get(target)
        if memory is None:
            memory = self._memories[target] = Memory(masks.shape[1])
        pending = self._pending.pop(target, ())
        if pending:
            known, values = zip(*pending, strict=True)
            memory.store(np.concatenate(known), np.concatenate(values))
        return memory
