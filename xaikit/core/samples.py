"""Many samples of one shape, held as one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES, Sample

__all__ = ["Samples"]


@dataclass(frozen=True, eq=False)
class Samples(Sequence[Sample]):
    """B samples in one array; each is made, and checked, when someone looks at it.

    x : (B, *x.shape) in data space, as `Sample` holds it
    ids : (B,) their names
    """

    x: NDArray[Any]
    modality: str
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
        try:
            MODALITIES.get(self.modality).check(self.x, "")
        except InvalidInput:
            for _ in self:
                pass  # the first that is none says so
        _ = self[0]
