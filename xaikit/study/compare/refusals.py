"""What cannot be compared is refused before anything is fitted."""

from __future__ import annotations

from dataclasses import replace

from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.study.compare.tuning import check_tuner
from xaikit.study.quality import labelled

__all__ = ["check"]


def check(
    data: Dataset,
    rope: float,
    trials: int,
    tune_seconds: float,
    n: int,
    minutes: float | None,
    seed: int,
) -> None:
    """`InvalidInput` names what cannot be, and the way out."""
    if data.task not in ("classification", "regression"):
        raise InvalidInput(
            f"'{data.name}' has the task {data.task}; models are compared on data with one class or one number a "
            "sample."
        )
    if not labelled(replace(data, train=(*data.train, *data.val))):
        raise InvalidInput(
            f"some rows of '{data.name}' have no label; drop them to compare models."
        )
    if not rope > 0:
        raise InvalidInput(f"rope is {rope}; the points that are too small to matter are above 0.")
    if n == 1 or n < 0:
        raise InvalidInput(f"n is {n}; explain 2 samples or more, or 0 for none.")
    if not 0 <= seed < 2**32 - 100:
        raise InvalidInput(f"seed is {seed}; give a whole number from 0 to {2**32 - 101}.")
    if minutes is not None and not minutes > 0:
        raise InvalidInput(f"minutes is {minutes:g}; give more than 0, or leave it out.")
    if trials < 0 or not tune_seconds >= 0:
        raise InvalidInput(
            f"{trials} trials and {tune_seconds:g} seconds of tuning were asked for; give 0 or more."
        )
    if trials and tune_seconds:
        raise InvalidInput(
            f"{trials} trials and {tune_seconds:g} seconds of tuning were asked for; give one of the two."
        )
    if trials or tune_seconds:
        check_tuner()
