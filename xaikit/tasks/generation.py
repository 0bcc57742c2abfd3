"""Generation: measured properties of the picture that a generator makes of a code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.registry import Registry
from xaikit.core.types import Floats, Ints
from xaikit.tasks.arrays import joined, like, plain
from xaikit.tasks.base import TASKS
from xaikit.tasks.regression import Regression

__all__ = ["PICTURE", "PROPERTIES", "Generation", "pictures"]

PICTURE = "picture"
MOST_CHANNELS = 4
LEAST = 1e-6  # brightness of a picture whose width and slant are told

PROPERTIES: Registry[Callable[[Any], Any]] = Registry("property", "properties")
"""What is measured of pictures (B, C, H, W), arrays or tensors: a number each, (B,)."""


@TASKS.register("generation")
@dataclass(frozen=True)
class Generation(Regression):
    """What is measured of the picture that a generator makes of a code, a row of a table.

    outputs : names of `PROPERTIES`. A model gives pictures (B, C, H, W), or (B, H, W) of one channel.
        Codes are drawn at random and have no label; removed latents are drawn anew
    """

    name: ClassVar[str] = "generation"
    noun: ClassVar[str] = "property"
    reads: ClassVar[bool] = True
    makes: ClassVar[bool] = True
    removals: ClassVar[tuple[str, ...]] = ("rows",)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.outputs:
            PROPERTIES.get(name)

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> Generation:
        """names : of properties, all that come with the package when none; shape : (C, H, W) or (H, W)"""
        if len(shape) not in (2, 3):
            raise InvalidInput(
                f"a generator gives a picture (C, H, W) or (H, W) for each code, and this one {shape}; "
                "reshape what it gives."
            )
        if len(shape) == 3 and shape[0] > MOST_CHANNELS >= shape[2]:
            raise InvalidInput(
                f"a generator gives a picture (C, H, W) for each code, and this one {shape}, channels last; move them "
                "to the front, by permute(0, 3, 1, 2) for example."
            )
        return cls(tuple(names) or BUILT_IN)

    def scores(self, raw: Any, given: Any, found: Any = None) -> Any:
        """(B, C, H, W) or (B, H, W) pictures -> (B, K) properties."""
        del given, found
        made = raw if raw.ndim == 4 else raw[:, None]
        return joined([PROPERTIES.get(name)(made)[:, None] for name in self.outputs], 1)

    def placed(self, where: Any, raw: Any, given: Any) -> Any:
        """The picture itself, (C, H, W), for `PICTURE`; nothing else can be named."""
        if not isinstance(where, str) or where != PICTURE:
            return super().placed(where, raw, given)
        made = plain(raw)[0]
        return made if made.ndim == 3 else made[None]

    def default(self, scores: Floats) -> Ints:
        """The first property."""
        return np.zeros(len(scores), dtype=np.int64)

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        """The Frechet distance of `xaikit.models.realism`, beside a straight-line generator."""
        if not {"frechet", "frechet_pca", "n"} <= set(measures):
            return None
        base = float(measures["frechet_pca"])
        low, high = measures.get("gap") or (0.0, 0.0)
        verdict = "b_better" if low > 0 else "a_better" if high < 0 else "not_settled"
        told = {"says": "pca_draws", "value": base, "named": True, "verdict": verdict}
        shown = {"metric": "frechet", "value": measures["frechet"], "n": measures["n"]}
        return {**shown, "interval": None, "baseline": told}


def pictures(model: Any, codes: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[Any]:
    """(B, C, H, W), what a generator makes of codes (B, D)."""
    return np.stack([model.about(code, PICTURE).found for code in codes])


@PROPERTIES.register("brightness")
def brightness(made: Any) -> Any:
    """The mean of all pixels."""
    return made.mean((1, 2, 3))


@PROPERTIES.register("slant")
def slant(made: Any) -> Any:
    """How many px to the right the bright part leans with each px upwards."""
    (across, down), both = _spread(made)
    del across
    return -both / (down + LEAST)


@PROPERTIES.register("width")
def width(made: Any) -> Any:
    """The deviation of the bright part across, px."""
    return (_spread(made)[0][0] + LEAST) ** 0.5


@PROPERTIES.register("height")
def height(made: Any) -> Any:
    """The deviation of the bright part from top to bottom, px."""
    return (_spread(made)[0][1] + LEAST) ** 0.5


BUILT_IN = ("brightness", "slant", "width", "height")


def _spread(made: Any) -> tuple[tuple[Any, Any], Any]:
    """(B,) variances across and down of where the brightness lies, and their covariance, px^2."""
    grey = made.mean(1)  # (B, H, W)
    share = grey / (grey.sum((1, 2))[:, None, None] + LEAST)
    across, down = (like(np.arange(n, dtype=np.float64), made) for n in grey.shape[:0:-1])
    x, y = share.sum(1), share.sum(2)  # (B, W), (B, H)
    x_off = across - (x * across).sum(1)[:, None]
    y_off = down - (y * down).sum(1)[:, None]
    both = (share * y_off[:, :, None] * x_off[:, None, :]).sum((1, 2))
    return ((x * x_off**2).sum(1), (y * y_off**2).sum(1)), both
