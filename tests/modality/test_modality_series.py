"""Windows, channels and what stands for a missing one."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample
from xaikit.modalities import masker, segment


def series(length: int, channels: int = 1) -> Sample:
    steps = np.arange(length)[:, None]
    return Sample("s", steps * 10.0 ** np.arange(channels), "series")


@pytest.mark.parametrize(
    ("length", "n", "source"),
    [
        (128, 16, "16 windows of 8 steps"),
        (150, 15, "15 windows of 10 steps"),
        (24, 24, "24 windows of 1 step"),
        (97, 24, "24 windows of 4 or 5 steps"),  # a prime: no equal windows
        (3, 3, "3 windows of 1 step"),
    ],
)
def test_windows_are_equal_where_the_length_allows(length: int, n: int, source: str) -> None:
    found = segment(series(length))
    assert (found.n_features, found.source) == (n, source)
    assert np.ptp(found.sizes) <= 1
    assert (np.diff(found.ids[:, 0]) >= 0).all()


def test_windows_are_named_by_their_steps() -> None:
    assert segment(series(128)).names[2] == "steps 16-23"
    assert segment(series(24)).names[5] == "step 5"
    assert segment(series(10), "windows:2").names == ("steps 0-4", "steps 5-9")


def test_channels_are_cut_apart_up_to_four() -> None:
    found = segment(series(4, 2), "windows:2")
    assert found.ids.tolist() == [[0, 2], [0, 2], [1, 3], [1, 3]]
    assert found.names[3] == "ch 2, steps 2-3"
    assert segment(series(4, 2), "windows:2", ["x", "y"]).names[3] == "y, steps 2-3"
    many = segment(series(4, 5), "windows:2")
    assert many.ids.tolist() == [[0] * 5] * 2 + [[1] * 5] * 2
    with pytest.raises(InvalidInput, match="3 channel names were given for the 2 channels"):
        segment(series(4, 2), names=["x", "y", "z"])


def test_a_channel_can_be_one_feature() -> None:
    found = segment(series(3, 2), "channels")
    assert found.ids.tolist() == [[0, 1]] * 3
    assert found.names == ("ch 1", "ch 2")


def test_mean_is_of_the_background_at_each_step_or_else_of_the_channel() -> None:
    s = series(3, 2)
    rows = np.stack([s.x, s.x + 2])
    assert masker(s, segment(s), rows).references.tolist() == [[[1, 1], [2, 11], [3, 21]]]
    assert masker(s, segment(s)).references.tolist() == [[[1, 10]] * 3]
    assert masker(s, segment(s)).name == "own mean of each channel"
    assert masker(s, segment(s), rows, "own_mean").references.tolist() == [[[1, 10]] * 3]


def test_blur_runs_along_time_only() -> None:
    x = np.zeros((41, 2))
    x[20, 0] = 1.0
    s = Sample("s", x, "series")
    blurred = masker(s, segment(s), how="blur").references[0]
    assert blurred[:, 1].max() == 0.0
    # sigma 4.1: 1 / (sqrt(2 pi) sigma) in the middle
    assert blurred[20, 0] == pytest.approx(1 / (np.sqrt(2 * np.pi) * 4.1), rel=0.02)
