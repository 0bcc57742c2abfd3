"""Held-out rows made unlike those that were learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from xaikit.core.sample import MODALITIES
from xaikit.core.words import Text
from xaikit.data.dataset import Dataset

__all__ = ["SHIFTS", "shifted"]

Rows = list[NDArray[Any]]
NOISE, SHARE, BLUR, MOVED = 0.5, 0.2, 1.0, 2  # deviations, share of columns or words, px, px


def shifted(data: Dataset, name: str, seed: int) -> Rows:
    """The held-out inputs of a fold under that shift; the same for every model."""
    make = SHIFTS[MODALITIES.get(data.modality).inputs][name]
    return make(data, np.random.default_rng(seed))


def _table_noise(data: Dataset, rng: np.random.Generator) -> Rows:
    """Numbers with half a deviation of noise, categories as they are."""
    x, learned = (np.array(data.inputs(split), dtype=np.float64) for split in ("test", "train"))
    numbers = np.array([not c.categories for c in data.columns] or [True] * x.shape[1])
    noise = NOISE * np.nan_to_num(np.nanstd(learned, axis=0)) * rng.normal(size=x.shape)
    return list(np.where(numbers, x + noise, x))


def _table_missing(data: Dataset, rng: np.random.Generator) -> Rows:
    """One value in five is that of a training row drawn at random."""
    x, learned = (np.array(data.inputs(split), dtype=np.float64) for split in ("test", "train"))
    drawn = learned[rng.integers(len(learned), size=x.shape), np.arange(x.shape[1])]
    return list(np.where(rng.random(x.shape) < SHARE, drawn, x))


def _image_noise(data: Dataset, rng: np.random.Generator) -> Rows:
    return [
        np.clip(x + rng.normal(0, 0.15, x.shape), 0, 1).astype(x.dtype) for x in data.inputs("test")
    ]


def _image_blur(data: Dataset, rng: np.random.Generator) -> Rows:
    del rng
    return [gaussian_filter(x, (BLUR, BLUR, 0)).astype(x.dtype) for x in data.inputs("test")]


def _image_moved(data: Dataset, rng: np.random.Generator) -> Rows:
    found = []
    for x in data.inputs("test"):
        wide = np.pad(x, ((MOVED, MOVED), (MOVED, MOVED), (0, 0)), mode="edge")
        top, left = 2 * MOVED * rng.integers(0, 2, 2)
        found.append(wide[top : top + x.shape[0], left : left + x.shape[1]])
    return found


def _series_noise(data: Dataset, rng: np.random.Generator) -> Rows:
    spread = NOISE * np.std(np.concatenate(data.inputs("train")), axis=0)
    return [(x + spread * rng.normal(size=x.shape)).astype(x.dtype) for x in data.inputs("test")]


def _series_moved(data: Dataset, rng: np.random.Generator) -> Rows:
    """By up to a tenth of its length; the ends are held."""
    found = []
    for x in data.inputs("test"):
        by = int(rng.integers(1, max(2, len(x) // 10 + 1)) * rng.choice([-1, 1]))
        found.append(x[np.clip(np.arange(len(x)) - by, 0, len(x) - 1)])
    return found


def _words_dropped(data: Dataset, rng: np.random.Generator) -> Rows:
    found: Rows = []
    for x in data.inputs("test"):
        kept = rng.random(len(x)) >= SHARE
        kept[rng.integers(len(x))] = True
        found.append(Text([str(w) for w in x[kept]]))
    return found


def _words_misspelt(data: Dataset, rng: np.random.Generator) -> Rows:
    """One word in five has two neighbouring letters swapped."""
    return [
        Text([_swap(str(w), rng) if rng.random() < SHARE else str(w) for w in x])
        for x in data.inputs("test")
    ]


def _swap(word: str, rng: np.random.Generator) -> str:
    if len(word) < 2:
        return word
    i = int(rng.integers(len(word) - 1))
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


SHIFTS: Mapping[str, Mapping[str, Callable[[Dataset, np.random.Generator], Rows]]] = {
    "columns": {"noise": _table_noise, "missing": _table_missing},
    "pixels": {"noise": _image_noise, "blur": _image_blur, "moved": _image_moved},
    "steps": {"noise": _series_noise, "moved": _series_moved},
    "words": {"dropped": _words_dropped, "misspelt": _words_misspelt},
}
