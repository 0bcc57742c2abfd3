"""Class names against the labels that a model or a file holds: which name is which label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["label_name", "places_of"]


def label_name(label: Any) -> str:
    """A label as text: 1.0 is "1", True is "True"."""
    value = label.item() if isinstance(label, np.generic) else label
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)


def places_of(names: Sequence[str], labels: NDArray[Any]) -> tuple[int, ...] | None:
    """(K,) with names[k] naming labels[places[k]], or None where that cannot be known.

    Names are found among the labels by their text (1 and "1.0" are one). Other names are free only
    for the whole numbers 0 to K-1, which they name in that order.
    """
    known = [label_name(label) for label in labels]
    given = [_plain(name, labels) for name in names]
    if len(set(given)) != len(known) or len(given) != len(known):
        return None
    if set(given) == set(known):
        return tuple(known.index(name) for name in given)
    counted = labels.dtype.kind in "iu" and np.array_equal(labels, np.arange(len(known)))
    return tuple(range(len(known))) if counted else None


def _plain(name: str, labels: NDArray[Any]) -> str:
    """The name as `label_name` writes it, where the labels are numbers."""
    if labels.dtype.kind not in "iuf":
        return name
    try:
        return label_name(float(name))
    except ValueError:
        return name
