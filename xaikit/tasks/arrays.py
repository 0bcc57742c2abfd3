"""The few operations that tasks need of NumPy arrays and, differentiably, of torch tensors alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput

__all__ = [
    "exp",
    "joined",
    "larger",
    "like",
    "log",
    "log_odds",
    "no_probabilities",
    "picked",
    "plain",
    "softmax",
    "top",
]


def plain(x: Any) -> NDArray[Any]:
    """As an array, cut off from derivatives."""
    return np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x)


def no_probabilities(raw: Any, does: str) -> None:
    """`InvalidInput` where all that should be logits lies from 0 to 1."""
    found = plain(raw)
    if found.size and ((found >= 0) & (found <= 1)).all():
        raise InvalidInput(
            f"a net that {does} gave {found.min():.4g} to {found.max():.4g} where logits are read, which look like "
            "probabilities; leave its last softmax or sigmoid out (or give their logarithm or log-odds), or say "
            "outputs='logits'."
        )


def like(array: NDArray[Any], x: Any) -> Any:
    """The array as what x is, and where it is."""
    return array.astype(x.dtype) if isinstance(x, np.ndarray) else x.new_tensor(array)


def exp(x: Any) -> Any:
    return np.exp(x) if isinstance(x, np.ndarray) else x.exp()


def log(x: Any) -> Any:
    return np.log(x) if isinstance(x, np.ndarray) else x.log()


def joined(parts: Sequence[Any], axis: int) -> Any:
    """One after the other along an axis."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis=axis)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    whole, start = parts[0].new_zeros(shape), 0
    for part in parts:
        whole.narrow(axis, start, part.shape[axis]).copy_(part)
        start += part.shape[axis]
    return whole


def larger(a: Any, b: Any) -> Any:
    """The larger of two, place by place."""
    return b + (a - b).clip(0)


def top(x: Any, axis: int) -> Any:
    """The largest along an axis."""
    return x.max(axis) if isinstance(x, np.ndarray) else x.max(axis).values


def picked(x: Any, index: NDArray[Any]) -> Any:
    """x (..., V) at index (...)."""
    if isinstance(x, np.ndarray):
        return np.take_along_axis(x, index[..., None], axis=-1)[..., 0]
    return x.gather(-1, x.new_tensor(index).long()[..., None])[..., 0]


def softmax(x: Any) -> Any:
    """Along the last axis."""
    e = exp(x - top(x, x.ndim - 1)[..., None])
    return e / e.sum(-1)[..., None]


def log_odds(p: Any, least: float) -> Any:
    """log p / (1 - p), of p between least and 1 - least."""
    p = p.clip(least, 1 - least)
    return log(p) - log(1 - p)
