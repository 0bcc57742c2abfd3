"""Forecasts: the values of later steps, each of them a number that can be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Floats, Ints, Label
from xaikit.tasks.arrays import joined
from xaikit.tasks.base import TASKS
from xaikit.tasks.regression import Regression

__all__ = ["Forecasting", "steps"]

MEAN = " mean"


def steps(channels: Sequence[str], horizon: int) -> tuple[str, ...]:
    """What the numbers of a forecast are called: "load +1" to "load +H" of each channel, then "load mean"."""
    later = tuple(f"{channel} +{h + 1}" for channel in channels for h in range(horizon))
    return later + tuple(channel + MEAN for channel in channels)


@TASKS.register("forecasting")
@dataclass(frozen=True)
class Forecasting(Regression):
    """The values of H later steps of each of C channels, and the mean of each channel over them.

    outputs : as `steps` calls them. A model gives the steps, (B, C * H) or (B, C, H) in this order; the
        means are taken of them. A sample's label is the tuple of the C * H true values
    """

    name: ClassVar[str] = "forecasting"
    reads: ClassVar[bool] = True
    cuts: ClassVar[tuple[str, ...]] = ("blocks",)
    removals: ClassVar[tuple[str, ...]] = ("profile", "own_mean")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels or self.outputs != steps(self.channels, self.horizon):
            raise InvalidInput(
                f"the numbers of a forecast are called {', '.join(self.outputs[:3])}, ...; call them by "
                "channel and step: 'load +1', 'load +2', then 'load mean'."
            )

    def require_outputs(self, outputs: Sequence[str]) -> None:
        if len(outputs) != len(self.outputs):
            theirs = sum(not name.endswith(MEAN) for name in outputs)
            raise InvalidInput(
                f"the model forecasts {self.width} numbers and the data hold {theirs}; read them with "
                f"horizon={self.horizon} and the channels {', '.join(self.channels)}."
            )

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> Forecasting:
        """names : of the channels; shape : (C, H), or (H,) of a single one"""
        count = shape[0] if len(shape) > 1 else max(1, len(names))
        horizon = int(np.prod(shape)) // count
        alone = ("value",) if count == 1 else tuple(f"channel {i + 1}" for i in range(count))
        known = tuple(names) or alone
        if len(known) != count or horizon * count != np.prod(shape):
            raise InvalidInput(
                f"the model gives {shape} numbers and {len(known)} channels are named; give (C, H), one "
                "row of steps a channel, and name each."
            )
        return cls(steps(known, horizon))

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(name.removesuffix(MEAN) for name in self.outputs if name.endswith(MEAN))

    @property
    def given(self) -> tuple[str, ...]:
        return self.channels

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return len(self.outputs) // max(1, len(self.channels)) - 1

    @property
    def width(self) -> int:
        return self.horizon * len(self.channels)

    def scores(self, raw: Any, given: Any, found: Any = None) -> Any:
        """(B, C * H) or (B, C, H) -> (B, C * H + C), the steps and then the mean of each channel."""
        del given, found
        each = raw.reshape(len(raw), len(self.channels), self.horizon)
        return joined((each.reshape(len(raw), -1), each.mean(-1)), 1)

    def default(self, scores: Floats) -> Ints:
        """The last step of the first channel."""
        return np.full(len(scores), self.horizon - 1)

    def truth(self, label: Any) -> Floats:
        """The steps and their means, from the steps."""
        values = np.asarray(label if isinstance(label, tuple) else (), dtype=np.float64)
        if values.shape != (self.width,) or not np.isfinite(values).all():
            raise InvalidInput(
                f"the label of a forecast is a tuple of the {self.width} values that came, channel by "
                f"channel, and this one is {str(label)[:60]}."
            )
        row: Floats = self.scores(values[None], None)[0]
        return row

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """mse and mae of all steps, each channel in its own deviation over the true values; r2 of the
        windows with its interval, mae_each of the channels in their units, and n"""
        truth = np.stack([self.truth(label) for label in labels])[:, : self.width]
        errors = (scores[:, : self.width] - truth).reshape(len(truth), len(self.channels), -1)
        true = truth.reshape(errors.shape)
        spread = true.std(axis=(0, 2), keepdims=True)
        spread = np.where(spread > 0, spread, 1.0)
        scaled = (errors / spread) ** 2
        gains = 1.0 - scaled.mean(axis=(1, 2))
        bounds = bootstrap_interval(gains)
        return {
            "r2": float(gains.mean()),
            "mse": float(scaled.mean()),
            "mae": float(np.abs(errors / spread).mean()),
            "mae_each": np.abs(errors).mean(axis=(0, 2)).tolist(),
            "n": len(labels),
            "interval": None if bounds is None else list(bounds),
        }
