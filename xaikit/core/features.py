"""What the features of a sample are, and what stands in for one that is removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput

__all__ = ["Bools", "Floats", "Ints", "Masker", "Segmentation", "locked"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Names the features of one sample on its grid.

    ids : (*grid) int64, the feature of each place; -1 is never removed and gets no credit
    names : (n,) what people call the features
    source : how they were made, for example "patches of 4 x 4 px"

    >>> halves = Segmentation(np.array([0, 0, 1]), ("left", "right"), "by hand")
    >>> halves.scatter(np.array([2.0, -1.0])).tolist()
    [2.0, 2.0, -1.0]
    """

    ids: Ints
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        ids = np.array(self.ids, dtype=np.int64)
        found = np.unique(ids[ids >= 0])
        if ids.size and ids.min() < -1:
            raise InvalidInput(
                f"a segmentation holds the id {ids.min()}; ids are -1 (never removed) or 0 to n-1."
            )
        if not np.array_equal(found, np.arange(len(self.names))):
            raise InvalidInput(
                f"a segmentation names {len(self.names)} features and its grid holds {len(found)} "
                "different ids; every id from 0 to n-1 must be present once or more."
            )
        if len(self.names) == 0:
            raise InvalidInput("a segmentation needs at least one feature.")
        object.__setattr__(self, "ids", locked(ids))
        object.__setattr__(self, "names", tuple(self.names))

    @property
    def n_features(self) -> int:
        return len(self.names)

    @cached_property
    def sizes(self) -> Floats:
        """(n,) number of places in each feature."""
        return locked(
            np.bincount(self._bins, minlength=self.n_features + 1)[:-1].astype(np.float64)
        )

    @cached_property
    def _bins(self) -> Ints:
        """(places,) the feature of each place, n where there is none."""
        return np.where(self.ids < 0, self.n_features, self.ids).ravel()

    def expand(self, masks: Bools) -> Bools:
        """(m, n) -> (m, *grid): which places are kept; places of no feature always are."""
        padded = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
        return padded[:, self.ids]

    def scatter(self, values: Floats, fill: float = 0.0) -> Floats:
        """(n,) -> (*grid): each place gets its feature's value, places of no feature get `fill`."""
        return np.append(np.asarray(values, dtype=np.float64), fill)[self.ids]

    def pool(self, grid: NDArray[Any], how: Literal["sum", "mean"] = "sum") -> Floats:
        """(*grid) -> (n,): sum over each feature's places for additive maps, mean for the others."""
        self._require_grid(grid.shape)
        total = np.bincount(self._bins, grid.ravel(), self.n_features + 1)[:-1].astype(np.float64)
        return total if how == "sum" else total / self.sizes

    def pool_many(self, grids: NDArray[Any], how: Literal["sum", "mean"] = "sum") -> Floats:
        """(m, *grid) -> (m, n): `pool` of several maps."""
        self._require_grid(grids.shape[1:])
        m, n = len(grids), self.n_features
        owner = self._bins + (n + 1) * np.arange(m)[:, None]  # one bin a map and feature
        total = np.bincount(owner.ravel(), grids.ravel(), m * (n + 1)).astype(np.float64)
        total = total.reshape(m, n + 1)[:, :n]
        return total if how == "sum" else total / self.sizes

    def _require_grid(self, shape: tuple[int, ...]) -> None:
        if shape != self.ids.shape:
            raise InvalidInput(
                f"a map of shape {shape} cannot be pooled on a grid of {self.ids.shape}."
            )


@dataclass(frozen=True, eq=False)
class Masker:
    """What a removed feature of one sample is replaced by.

    name : for example "mean colour", "training rows", "mask word"
    references : (k, *x.shape) in data space; the value of a mask is the mean over the k of them
    drops : text only: removed words are left out of the text as it is written, see `Text.less`;
        references are not used
    given : what stands in depends on what is kept: x and kept places (m, *grid) -> (m, k, *x.shape); the
        references are those of nothing kept. That is another question than one of fixed references,
        and methods that cannot ask it refuse

    >>> zeros = Masker("zeros", np.zeros((1, 13)))
    >>> xaikit.explain(model, sample, ["occlusion"], masker=zeros)[0].masker
    'zeros'
    """

    name: str
    references: NDArray[Any]
    drops: bool = False
    given: Callable[[NDArray[Any], Bools], NDArray[Any]] | None = None

    def stand_ins(self, x: NDArray[Any], kept: Bools) -> NDArray[Any]:
        """(m, k, *x.shape), or (1, k, *x.shape) where it is the same for all of kept (m, *grid)."""
        return self.references[None] if self.given is None else self.given(x, kept)


def locked(array: NDArray[Any]) -> NDArray[Any]:
    """The array, which can no longer be written to."""
    array.setflags(write=False)
    return array
