"""Results that depend on a design alone, made once and kept while they are small."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["SMALL", "kept"]

P = ParamSpec("P")
T = TypeVar("T")
SMALL = 2**17  # numbers of a design: 1 MiB for each matrix of its size


def kept(most: int, size: Callable[..., int]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the last `most` results of a function, of designs of at most `SMALL` numbers.

    size : the numbers of the design, from the function's arguments
    """

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        remembered = functools.lru_cache(maxsize=most)(make)

        @functools.wraps(make)
        def found(*args: P.args, **kwargs: P.kwargs) -> T:
            if size(*args, **kwargs) > SMALL:
                return make(*args, **kwargs)
            return remembered(*args, **kwargs)  # type: ignore[arg-type]

        return found

    return decorate
