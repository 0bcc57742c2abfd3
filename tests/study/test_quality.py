"""How good answers on test rows are: each number on rows small enough to be worked out beside it."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.stats import bootstrap_interval, wilson
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.study.quality import interval, paired, per_row


def rows(labels) -> Dataset:
    samples = tuple(Sample(f"r{i}", np.array([1.0]), "table", y) for i, y in enumerate(labels))
    whole = isinstance(labels[0], int)
    task, classes = ("classification", ("no", "yes")) if whole else ("regression", ())
    return Dataset("rows", "table", task, classes, samples, samples, samples)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (range(400), range(400), "equal"),
        (range(400), range(300), "a_better"),
        (range(300), range(400), "b_better"),
        (range(400), range(394), "a_better"),  # by little for certain, by more than that perhaps
        (range(394), range(400), "b_better"),
        (range(8, 400), range(392), "not_settled"),
    ],
)
def test_the_verdict_follows_the_interval_and_the_band_that_does_not_matter(
    one, other, verdict
) -> None:
    """400 test rows, of which the first model knows `one` and the second `other`."""
    base, new = (np.isin(np.arange(400), known).astype(float) for known in (one, other))
    found = paired(base, new)
    assert found["difference"] == pytest.approx((len(other) - len(one)) / 400)
    assert found["verdict"] == verdict
    assert found["interval"] == pytest.approx(bootstrap_interval(new - base))
    if verdict == "not_settled":
        low, high = found["interval"]
        assert found["needed"] == int(np.ceil(400 * ((high - low) / 0.02) ** 2))


def test_few_rows_settle_nothing() -> None:
    assert paired(np.zeros(9), np.ones(9)) == {"difference": 1.0, "rope": 0.01, "verdict": "not_settled"}  # fmt: skip


def test_a_regression_is_measured_by_r2_of_each_row() -> None:
    y = np.random.default_rng(0).normal(size=40) * 3
    said = y + np.random.default_rng(1).normal(size=40)
    gains = per_row(said[:, None], rows(y.tolist()))
    assert gains.mean() == pytest.approx(1 - ((y - said) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    assert interval(gains, rows(y.tolist())) == pytest.approx(bootstrap_interval(gains))


def test_classes_are_measured_by_whether_they_are_right() -> None:
    data = rows([0, 1, 1, 0, 1])
    right = per_row(np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9], [0.4, 0.6]]), data)
    assert right.tolist() == [1, 1, 0, 0, 1]
    assert interval(right, data) == pytest.approx(wilson(3, 5))
