"""What a judgement reads: the explanations and scores of one study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from xaikit.core.types import Explanation, Floats, Score

__all__ = ["Evidence"]


class Evidence(Protocol):
    """Explanations, scores and facts of one model, as `xaikit.Run` holds them."""

    @property
    def predictions(self) -> Floats:
        """(N, K) probabilities of classes or of each label, or values of a regressor."""
        ...

    @property
    def scores(self) -> Sequence[Score]: ...

    @property
    def context(self) -> Mapping[str, Any]: ...

    @property
    def methods(self) -> tuple[str, ...]: ...

    def of(self, method: str) -> tuple[Explanation, ...]:
        """The explanations of one method, in the order of the samples."""
        ...
