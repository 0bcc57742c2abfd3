"""Results that depend on a design alone: made once and kept, as many of the last as there is room for."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, ParamSpec, TypeVar

__all__ = ["kept"]

P = ParamSpec("P")
T = TypeVar("T")


def kept(room: int, size: Callable[..., int]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the last results of a function, of at most `room` numbers in all.

    size : about how many numbers a result holds, from the function's arguments
    """

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        known: OrderedDict[Any, tuple[T, int]] = OrderedDict()
        lock = Lock()

        @functools.wraps(make)
        def found(*args: P.args, **kwargs: P.kwargs) -> T:
            key = args, tuple(kwargs.items())
            with lock:
                if key in known:
                    known.move_to_end(key)
                    return known[key][0]
            made, numbers = make(*args, **kwargs), size(*args, **kwargs)
            if numbers <= room:
                with lock:
                    known[key] = made, numbers
                    while sum(n for _, n in known.values()) > room:
                        known.popitem(last=False)
            return made

        return found

    return decorate
