"""Intervals and tests against SciPy, scikit-learn and results worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import average_precision_score

from xaikit.core import stats
from xaikit.core.errors import InvalidInput


def test_bootstrap_interval_is_the_bca_interval_of_scipy() -> None:
    x = np.random.default_rng(1).exponential(size=40)
    theirs = scipy.stats.bootstrap((x,), np.mean, n_resamples=100_000, method="BCa", rng=3)
    mine = stats.bootstrap_interval(x, n=100_000)
    assert mine == pytest.approx(
        tuple(theirs.confidence_interval), abs=0.012
    )  # 3 Monte Carlo errors
    assert mine == stats.bootstrap_interval(x, n=100_000)  # a generator of its own


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        low, high = stats.bootstrap_interval(rng.normal(size=25), n=1000) or (0.0, 0.0)
        hits += low <= 0 <= high
    assert 0.89 <= hits / 300 <= 0.98  # BCa of 25 values covers about 93 %


def test_no_interval_below_ten_values_and_none_of_width_for_constants() -> None:
    assert stats.bootstrap_interval(np.arange(9.0)) is None
    assert stats.median_interval(np.arange(9.0)) is None
    assert stats.bootstrap_interval(np.full(10, 0.3)) == (0.3, 0.3)


def test_median_interval_is_made_of_order_statistics() -> None:
    # binomial(10, 1/2): P(<= 1) = 0.0107, P(<= 2) = 0.0547, so the 2nd and the 9th value
    assert stats.median_interval(np.arange(10.0)[::-1]) == (1.0, 8.0)


def test_wilson_by_hand() -> None:
    low, high = stats.wilson(0, 10)
    assert low == 0.0
    assert high == pytest.approx(1.959964**2 / (10 + 1.959964**2), abs=1e-6)  # z²/(n + z²)
    theirs = scipy.stats.binomtest(7, 20).proportion_ci(method="wilson")
    assert stats.wilson(7, 20) == pytest.approx((theirs.low, theirs.high))
    with pytest.raises(InvalidInput, match="3 of 2 is no share; give 0 <= correct <= n"):
        stats.wilson(3, 2)


def test_holm_by_hand() -> None:
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert stats.holm([]).tolist() == []


def test_paired_test_splits_zeros_and_needs_no_difference() -> None:
    assert stats.paired_test(np.zeros(12)) == stats.Paired(12, 0.0, (0.0, 0.0), 1.0, 0.5)
    found = stats.paired_test([1.0, 2.0, 0.0, -3.0])
    assert (found.mean, found.interval, found.superiority) == (0.0, None, 0.625)
    d = np.arange(1.0, 13.0)  # all positive: 2 / 2^12
    assert stats.paired_test(d).p == pytest.approx(2 / 2**12)


def test_paired_test_is_exact_with_ties_and_zeros() -> None:
    rng = np.random.default_rng(0)
    for n in (5, 12, 40):
        d = rng.normal(0.3, 1.0, n)
        assert stats.paired_test(d).p == pytest.approx(scipy.stats.wilcoxon(d).pvalue)
    tied = np.array([1.0, 1.0, -1.0, 2.0, 2.0, 0.0, 3.0])
    ranks = scipy.stats.rankdata(np.abs(tied)) * np.sign(tied)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 7)).reshape(7, -1).T
    sums = signs @ np.abs(ranks)  # all 2^7 flips; that of the zero moves nothing
    assert stats.paired_test(tied).p == pytest.approx((abs(sums) >= abs(ranks.sum())).mean())
    many = rng.normal(0.1, 1.0, 150)
    assert stats.paired_test(many).p == pytest.approx(scipy.stats.wilcoxon(many).pvalue)
    assert stats._signed_rank_p(many) == pytest.approx(scipy.stats.wilcoxon(many).pvalue, abs=0.01)


def test_friedman_and_the_critical_difference_of_nemenyi() -> None:
    table = np.random.default_rng(0).normal([0.0, 1.0, 5.0], size=(10, 3))
    found = stats.friedman_nemenyi(table)
    assert found.p == pytest.approx(scipy.stats.friedmanchisquare(*table.T).pvalue)
    assert found.mean_ranks[2] == 1.0
    assert found.mean_ranks.sum() == pytest.approx(6.0)
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(12 / 60), abs=1e-3)
    assert stats.friedman_nemenyi(table, direction="lower").mean_ranks[2] == 3.0
    assert stats.friedman_nemenyi(np.ones((5, 3))).p == 1.0
    with pytest.raises(InvalidInput, match=r"shape \(10, 2\) cannot be ranked.*use paired_test"):
        stats.friedman_nemenyi(table[:, :2])


def test_correlations_are_numbers_for_constants_and_ties() -> None:
    assert stats.spearman([1, 1, 1], [1, 2, 3]) == 0.0
    assert stats.spearman([1.0], [2.0]) == 0.0
    assert stats.pearson([1.0, 1.0 + 1e-15], [1.0, 2.0]) == 0.0
    a, b = [1, 2, 2, 5, 0], [3, 1, 1, 9, 4]
    assert stats.spearman(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic)


def test_rows_are_ranked_and_correlated_each_for_itself() -> None:
    a, b = np.random.default_rng(0).integers(0, 4, (2, 3, 5, 8)).astype(float)
    a[0, 0] = 7.0
    assert np.array_equal(stats.ranks(a), scipy.stats.rankdata(a, axis=-1))
    found, flat = stats.pearson(a, b), stats.is_constant(a)
    assert flat.sum() == 1
    assert found[0, 0] == 0.0
    for place in np.argwhere(~flat):
        x, y = a[tuple(place)], b[tuple(place)]
        assert found[tuple(place)] == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_average_precision_takes_ties_together() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, truth = rng.integers(0, 5, 30), rng.random(30) < 0.3
        truth[0] = True
        assert stats.average_precision(scores, truth) == pytest.approx(
            average_precision_score(truth, scores)
        )
    assert np.isnan(stats.average_precision([1.0], np.array([False])))


def test_area_by_hand() -> None:
    assert stats.area(np.array([[0.0, 1.0], [0.5, 1.0], [1.0, 0.0]])) == 0.75


def test_what_was_not_measured_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"finite numbers in one row; got shape \(2,\) with NaN"):
        stats.bootstrap_interval([1.0, float("nan")])
    with pytest.raises(InvalidInput, match=r"got shape \(0,\); drop"):
        stats.paired_test([])


def test_holm_gives_each_test_its_own_p_in_the_order_given():
    # sorted .01 .02 .04 times 3 2 1, then never falling: .03 .04 .04
    np.testing.assert_allclose(stats.holm([0.04, 0.01, 0.02]), [0.04, 0.03, 0.04])
