"""Linear algebra of the solvers in one thread, however many the process has.

Their matrices are small: sharing one among threads costs more than it saves, ten times the whole fit
and more where the threads of a net's passes still spin. And sums do not depend on the number of cores.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from threading import RLock
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]

P = ParamSpec("P")
T = TypeVar("T")
_ALONE = RLock()


def one_thread(fit: Callable[P, T]) -> Callable[P, T]:
    """`fit` with one thread for BLAS while it runs, and as many as before afterwards; those of several
    threads run one after another."""

    @functools.wraps(fit)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        blas = _libraries()
        with _ALONE:  # two limits at once would each restore what the other had set
            if all(library.num_threads == 1 for library in blas.lib_controllers):
                return fit(*args, **kwargs)
            with blas.limit(limits=1):
                return fit(*args, **kwargs)

    return limited


@functools.cache
def _libraries() -> ThreadpoolController:
    """Those of BLAS that are loaded when the first fit runs, which takes a few ms to find out."""
    return ThreadpoolController().select(user_api="blas")
