"""Settings of a process that is xaikit's own: the command line and the benchmarks.

A library must not change these for its caller.
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["settle"]

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's mallopt


def settle() -> None:
    """Make the process fit for many short passes; call it before torch and numpy are imported.

    Threads that spin while they wait make small matrices many times slower on a busy machine. And
    glibc gives every large buffer back to the system and takes it anew, page by page, which costs
    small networks up to half of their speed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, 2**30)
