"""What scikit-learn models read: numbers made from columns, words, pixels and steps.

Each class is a scikit-learn transformer that works on whole batches, without Python per row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_selection import chi2, f_regression
from sklearn.preprocessing import normalize

from xaikit.core.errors import ModelError
from xaikit.core.sound import QUIET, mel_levels
from xaikit.core.types import Bools, Floats, Ints

__all__ = ["Columns", "Gradients", "MelMeans", "Pixels", "Strongest", "Summary", "WordGrams"]

MASK_WORD = "[MASK]"  # says nothing, so it is left out
_CHUNK = 1024  # images at a time
QUIETEST, DEEPEST = -50.0, 60.0  # dB: of a sound that is brought to one loudness, and below it


class Columns(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Numbers scaled to mean 0 and deviation 1; categories one-hot, unknown codes all 0.

    n_categories : for each column, how many codes it has; 0 for a number
    """

    def __init__(self, n_categories: Sequence[int]) -> None:
        self.n_categories = n_categories

    def fit(self, x: Floats, y: Any = None) -> Self:
        del y
        numbers = x[:, self._numbers]
        spread = numbers.std(axis=0)
        self.mean_ = numbers.mean(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, x: Floats) -> Floats:
        """(B, D) -> (B, F)"""
        parts = [(x[:, self._numbers] - self.mean_) / self.scale_]
        parts += [
            x[:, [d]] == np.arange(n) for d, n in enumerate(self.n_categories) if n
        ]  # a comparison is 0 or 1
        return np.hstack(parts, dtype=np.float64)

    @property
    def owners(self) -> Ints:
        """(F,) the column that each made feature comes from."""
        counts = np.asarray(self.n_categories, dtype=np.int64)
        places = np.arange(len(counts), dtype=np.int64)
        return np.concatenate([places[self._numbers], np.repeat(places, counts)])

    @property
    def _numbers(self) -> Bools:
        return np.array([n == 0 for n in self.n_categories])


class WordGrams(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """TF-IDF of single words and of pairs of neighbours, rows of length 1.

    Counts are damped to 1 + log(count) and weighted by log((1 + N) / (1 + df)) + 1, as in
    scikit-learn's `TfidfVectorizer(sublinear_tf=True)`. Case is ignored. Mask words are left out,
    so their neighbours become neighbours.
    min_texts : a gram must stand in this many training texts
    """

    def __init__(self, min_texts: int = 2) -> None:
        self.min_texts = min_texts

    def fit(self, texts: Sequence[NDArray[Any]], y: Any = None) -> Self:
        del y
        counts: Counter[str] = Counter()
        for text in texts:
            known = _known(text)
            counts.update({*known, *(_pair(*two) for two in pairwise(known))})
        kept = sorted(gram for gram, count in counts.items() if count >= self.min_texts)
        if not kept:
            raise ModelError(
                f"no word stands in {self.min_texts} training texts; give more texts or "
                "lower min_texts."
            )
        frequency = np.array([counts[gram] for gram in kept], dtype=np.float64)
        self.grams_ = np.array(kept)
        self.idf_ = np.log((1 + len(texts)) / (1 + frequency)) + 1
        return self

    def transform(self, texts: Sequence[NDArray[Any]]) -> csr_matrix:
        """B texts -> (B, V)"""
        known = [_known(text) for text in texts]
        rows = np.repeat(np.arange(len(known)), [len(text) for text in known])
        flat = [word for text in known for word in text]
        find = self._places.get
        single = np.array([find(word, -1) for word in flat], dtype=np.int64)
        double = np.array([find(_pair(*two), -1) for two in pairwise(flat)], dtype=np.int64)
        return self._weigh(rows, single, double, len(known))

    def reader(self, words: NDArray[Any]) -> Callable[[Bools], csr_matrix]:
        """A function of which words of a text (T,) are shown, (m, T) bool -> (m, V), equal to
        `transform` of the shown words."""
        names, codes = np.unique(np.strings.lower(words), return_inverse=True)
        find, says = self._places.get, words != MASK_WORD
        single = np.array([find(name, -1) for name in names], dtype=np.int64)
        double = np.array([[find(_pair(a, b), -1) for b in names] for a in names], dtype=np.int64)

        def read(shown: Bools) -> csr_matrix:
            rows, columns = np.nonzero(shown & says)
            flat = codes[columns]
            return self._weigh(rows, single[flat], double[flat[:-1], flat[1:]], len(shown))

        return read

    def _weigh(self, rows: Ints, single: Ints, double: Ints, n_rows: int) -> csr_matrix:
        """Columns of the words (N,) and of the neighbours (N - 1,), in reading order."""
        double = np.where(rows[:-1] == rows[1:], double, -1)
        rows, columns = np.concatenate([rows, rows[:-1]]), np.concatenate([single, double])
        there = columns >= 0
        counts = csr_matrix(
            (np.ones(there.sum()), (rows[there], columns[there])), (n_rows, len(self.idf_))
        )  # the same gram twice in a row is added up
        counts.data = (1 + np.log(counts.data)) * self.idf_[counts.indices]
        return normalize(counts, copy=False)

    @property
    def _places(self) -> dict[str, int]:
        """The column of each gram; made on first use and never saved."""
        if "_index" not in self.__dict__:
            self._index = {gram: place for place, gram in enumerate(self.grams_.tolist())}
        return self._index

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_index"}


class Strongest(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """The columns that go best with the labels one by one, as a full matrix, for models that read
    no sparse one.

    n_columns : at most
    score : how a column is judged: "chi2" against classes, "f" against numbers
    """

    def __init__(self, n_columns: int = 1000, score: Literal["chi2", "f"] = "chi2") -> None:
        self.n_columns = n_columns
        self.score = score

    def fit(self, x: csr_matrix, y: NDArray[Any]) -> Self:
        judged = (chi2 if self.score == "chi2" else f_regression)(x, y)[0]
        order = np.argsort(-np.nan_to_num(judged, nan=-1.0), kind="stable")
        self.columns_ = np.sort(order[: self.n_columns])
        return self

    def transform(self, x: csr_matrix) -> Floats:
        full: Floats = x[:, self.columns_].toarray()
        return full


class Pixels(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Every number of an image or of a series as it is."""

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        del x, y
        self.fitted_ = True
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, ...) -> (B, F)"""
        return x.reshape(len(x), -1).astype(np.float64)


class Gradients(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Histograms of oriented gradients (HOG): how edges run in each cell of an image.

    cell : side of a cell in pixels; an image must be 2 cells wide and high at least
    n_directions : bins from 0 to 180 degrees
    Equal to `skimage.feature.hog` with blocks of 2 x 2 cells and block_norm="L2", for a batch.
    Source: Dalal & Triggs, CVPR 2005.
    """

    def __init__(self, cell: int = 4, n_directions: int = 9) -> None:
        self.cell = cell
        self.n_directions = n_directions

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        del y
        if min(x.shape[1:3]) < 2 * self.cell:
            raise ModelError(
                f"images of {x.shape[1]} x {x.shape[2]} px are too small for gradients in cells of "
                f"{self.cell} px; use features='pixels'."
            )
        self.fitted_ = True
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, H, W, C) -> (B, F)"""
        parts = [self._describe(x[i : i + _CHUNK]) for i in range(0, len(x), _CHUNK)]
        return np.concatenate(parts)

    def _describe(self, x: NDArray[Any]) -> Floats:
        size, n = self.cell, self.n_directions
        strength, angle = _strongest_gradient(x.astype(np.float64))
        rows, columns = x.shape[1] // size, x.shape[2] // size
        strength = strength[:, : rows * size, : columns * size]
        angle = angle[:, : rows * size, : columns * size]
        bins = np.minimum((angle * n / 180).astype(np.int64), n - 1)
        image = np.arange(len(x))[:, None, None]
        row, column = np.arange(rows * size)[:, None] // size, np.arange(columns * size) // size
        cells = ((image * rows + row) * columns + column) * n + bins
        total = np.bincount(cells.ravel(), strength.ravel(), len(x) * rows * columns * n)
        hist = total.reshape(len(x), rows, columns, n) / size**2
        blocks = sliding_window_view(hist, (2, 2), axis=(1, 2))  # (B, rows-1, columns-1, n, 2, 2)
        blocks = blocks.transpose(0, 1, 2, 4, 5, 3).reshape(len(x), -1, 4 * n)
        length = np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1e-10)
        described: Floats = (blocks / length).reshape(len(x), -1)
        return described


class Summary(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A series in numbers: mean, deviation, slope, lowest and highest of each window and channel,
    and the logarithm of its power in bands of equal width in frequency.

    n_windows, n_bands : at most; a short series has as many as it has steps and frequencies
    """

    def __init__(self, n_windows: int = 8, n_bands: int = 8) -> None:
        self.n_windows = n_windows
        self.n_bands = n_bands

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        del x, y
        self.fitted_ = True
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, L, C) -> (B, F)"""
        x = x.astype(np.float64)
        parts = []
        for window in np.array_split(x, min(self.n_windows, x.shape[1]), axis=1):
            time = np.arange(window.shape[1]) - (window.shape[1] - 1) / 2
            slope = np.einsum("l,blc->bc", time / max((time**2).sum(), 1.0), window)
            parts += [window.mean(1), window.std(1), slope, window.min(1), window.max(1)]
        power = np.abs(np.fft.rfft(x - x.mean(axis=1, keepdims=True), axis=1)[:, 1:]) ** 2
        if power.shape[1]:
            bands = np.array_split(power, min(self.n_bands, power.shape[1]), axis=1)
            parts += [np.log(band.mean(axis=1) + 1e-12) for band in bands]
        return np.concatenate(parts, axis=1)


class MelMeans(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A sound in numbers: the mean level of each mel band in each part of its time, in dB.

    The parts are of the time in which there is any sound, and levels above its loudness, so that it is no matter
    how fast it was said and how near the microphone stood.

    rate : samples a second; n_times : parts
    """

    def __init__(self, rate: int = 8000, n_times: int = 8) -> None:
        self.rate = rate
        self.n_times = n_times

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        del x, y
        self.fitted_ = True
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, F, T, 2) -> (B, times * M)"""
        chunks = (x[i : i + 64] for i in range(0, len(x), 64))  # powers take memory
        return np.concatenate([self._describe(mel_levels(chunk, self.rate)) for chunk in chunks])

    def _describe(self, levels: Floats) -> Floats:
        power = (10 ** (levels / 10)).mean(axis=1)  # (B, T)
        on = power > 2 * QUIET  # as recorded, not filled up
        first, end = on.argmax(axis=1), on.shape[1] - on[:, ::-1].argmax(axis=1)
        heard = (np.arange(on.shape[1]) >= first[:, None]) & (np.arange(on.shape[1]) < end[:, None])
        loud = 10 * np.log10((power * heard).sum(axis=1) / heard.sum(axis=1))
        levels = np.maximum(levels - np.maximum(loud, QUIETEST)[:, None, None], -DEEPEST)
        edges = (
            first[:, None] + np.arange(self.n_times + 1) * (end - first)[:, None] // self.n_times
        )
        starts, ends = edges[:, :-1], np.maximum(edges[:, 1:], edges[:, :-1] + 1)
        total = np.cumsum(np.pad(levels, ((0, 0), (0, 0), (1, 0))), axis=2)
        parts = (
            np.take_along_axis(total, ends[:, None], 2)
            - np.take_along_axis(total, starts[:, None], 2)
        ) / (ends - starts)[:, None]
        return np.asarray(parts.transpose(0, 2, 1).reshape(len(levels), -1))


def _known(text: NDArray[Any]) -> list[str]:
    """The words that say something, in lower case."""
    return [word.lower() for word in text.tolist() if word != MASK_WORD]


def _pair(first: str, second: str) -> str:
    return f"{first} {second}"


def _strongest_gradient(x: Floats) -> tuple[Floats, Floats]:
    """(B, H, W, C) -> (B, H, W) size and angle in degrees, of the channel where it is largest."""
    down, right = np.zeros_like(x), np.zeros_like(x)
    down[:, 1:-1] = x[:, 2:] - x[:, :-2]
    right[:, :, 1:-1] = x[:, :, 2:] - x[:, :, :-2]
    best = np.hypot(down, right).argmax(axis=3)[..., None]
    down = np.take_along_axis(down, best, axis=3)[..., 0]
    right = np.take_along_axis(right, best, axis=3)[..., 0]
    return np.hypot(down, right), np.rad2deg(np.arctan2(down, right)) % 180
