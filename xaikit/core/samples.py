"""Many samples of one shape, held as one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Modality, Sample

__all__ = ["Samples"]


@dataclass(frozen=True, eq=False)
class Samples(Sequence[Sample]):
    """B samples in one array; each is made, and checked, when someone looks at it.

    x : (B, *x.shape) in data space, as `Sample` holds it
    ids : (B,) their names
    """

    x: NDArray[Any]
    modality: Modality
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.x)

    @overload
    def __getitem__(self, i: int) -> Sample: ...
    @overload
    def __getitem__(self, i: slice) -> Samples: ...
    def __getitem__(self, i: int | slice) -> Sample | Samples:
        if isinstance(i, slice):
            return Samples(self.x[i], self.modality, self.ids[i])
        return Sample(self.ids[i], self.x[i], self.modality)

    def check(self) -> None:
        """`InvalidInput` that names the first sample which is none."""
        flat = self.x.reshape(len(self.x), -1)
        odd = ~np.isfinite(flat).all(axis=1)
        if self.modality == "image":
            odd |= (flat.min(axis=1) < 0) | (flat.max(axis=1) > 1)
        for i in {0, *np.flatnonzero(odd).tolist()}:
            _ = self[i]
