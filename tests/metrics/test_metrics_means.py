"""Means over samples: of what was measured, counted, and with what was lost said beside it."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Score
from xaikit.metrics import over_samples


def scores(values: list[float], x: np.ndarray | None = None, **of: str) -> list[Score]:
    """One score a sample; its curve at the places x is twice its value."""
    return [
        Score(
            "srg", v, "higher", "faithfulness", of={"method": "m", "sample": f"s{i}"} | of,
            curve=None if x is None else np.stack([x, np.full(len(x), 2 * v)], axis=1),
            note="" if np.isfinite(v) else "lost",
        )
        for i, v in enumerate(values)
    ]  # fmt: skip


def test_a_mean_is_of_what_was_measured_and_counts_nothing_else() -> None:
    known = [0.25, 0.5, 0.75, 1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 0.5, 0.25]
    (found,) = over_samples(scores([*known, np.nan, np.inf]))
    assert found.value == pytest.approx(np.mean(known))
    assert found.interval == pytest.approx(bootstrap_interval(known))
    assert found.of == {"method": "m", "n": 11}
    assert found.note == "not measurable on 2 of 13 samples"


def test_nothing_measured_is_no_number_over_none() -> None:
    (found,) = over_samples(scores([np.nan] * 12))
    assert np.isnan(found.value)
    assert (found.interval, found.of["n"]) == (None, 0)
    assert found.note == "not measurable on 12 of 12 samples"


def test_each_method_and_way_of_removing_has_a_mean_of_its_own() -> None:
    given = scores([1.0, 2.0], masker="a") + scores([5.0, 7.0], masker="b")
    given += scores([9.0], masker="a", method="other")
    found = {(s.of["method"], s.of["masker"]): (s.value, s.of["n"]) for s in over_samples(given)}
    assert found == {("m", "a"): (1.5, 2), ("m", "b"): (6.0, 2), ("other", "a"): (9.0, 1)}
    assert all(s.interval is None for s in over_samples(given))  # fewer than ten samples


def test_curves_of_the_same_places_have_a_mean_and_others_none() -> None:
    x = np.array([0.0, 0.5, 1.0])
    (found,) = over_samples(scores([1.0, 3.0], x))
    assert found.curve.tolist() == [[0.0, 4.0], [0.5, 4.0], [1.0, 4.0]]
    (mixed,) = over_samples(scores([1.0], x) + scores([3.0], np.array([0.0, 0.4, 1.0])))
    assert mixed.curve is None
    (some,) = over_samples(scores([1.0], x) + scores([3.0]))
    assert some.curve is None
