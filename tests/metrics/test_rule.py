"""The rule that says which model is better: closed forms, other programs, and planted truths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln
from scipy.stats import ttest_1samp

from xaikit.core.errors import InvalidInput
from xaikit.judge.rule import in_company, judge_folds, judge_looks, one_digit

FOLDS = np.random.default_rng(4).normal(0.012, 0.02, 10)


def density(x: float, mean: float, scale: float, freedom: int) -> float:
    """Of Student's t, written out."""
    z = (x - mean) / scale
    top = gammaln((freedom + 1) / 2) - gammaln(freedom / 2)
    return (
        np.exp(top)
        / np.sqrt(freedom * np.pi)
        / scale
        * (1 + z * z / freedom) ** -(freedom / 2 + 0.5)
    )


def test_without_overlap_it_is_the_paired_t_test():
    found = judge_folds(FOLDS, 500, ratio=1e-15)
    other = ttest_1samp(FOLDS, 0.0)
    assert found.p == pytest.approx(other.pvalue, abs=1e-12)
    assert found.interval == pytest.approx(tuple(other.confidence_interval(0.95)), abs=1e-12)


def test_folds_that_overlap_widen_the_error_as_nadeau_and_bengio_say():
    found = judge_folds(FOLDS, 500, ratio=0.25)
    assert found.error == pytest.approx(FOLDS.std(ddof=1) * np.sqrt(1 / 10 + 0.25), abs=1e-15)
    assert found.difference == pytest.approx(FOLDS.mean(), abs=1e-15)


def test_the_chances_are_areas_under_the_posterior():
    found = judge_folds(FOLDS, 500, ratio=0.25, rope=0.008)
    law = (found.difference, found.error, 9)
    equal = quad(density, -0.008, 0.008, args=law, epsabs=1e-13)[0]
    above = quad(density, 0.008, np.inf, args=law, epsabs=1e-13)[0]
    assert found.chances == pytest.approx((1 - equal - above, equal, above), abs=1e-10)


@pytest.mark.parametrize("repeats", [1, 2, 10])
def test_the_chances_are_those_of_baycomp(repeats):
    baycomp = pytest.importorskip("baycomp")
    rng = np.random.default_rng(repeats)
    a, d = rng.random(5 * repeats), rng.normal(0.005, 0.02, 5 * repeats)
    theirs = baycomp.two_on_single(a, a + d, rope=0.01, runs=repeats)  # left, within, right
    found = judge_folds((a + d) - a, 500, ratio=0.25, rope=0.01)
    assert found.chances == pytest.approx(theirs, abs=1e-12)


def test_the_chances_of_a_stored_case():
    """Worked out by baycomp 1.0.3 for ten differences of 0.000 to 0.018 in steps of 0.002."""
    found = judge_folds(np.arange(10) * 0.002, 500, ratio=0.25, rope=0.01)
    assert found.chances == pytest.approx(STORED, abs=1e-12)


STORED = (0.00024570448758693314, 0.6065333825180844, 0.3932209129943286)


@pytest.mark.parametrize(
    ("mean", "spread", "word"),
    [
        (0.03, 0.005, "clearly_better"),
        (-0.03, 0.005, "clearly_worse"),
        (0.014, 0.012, "better"),
        (-0.014, 0.012, "worse"),
        (0.001, 0.004, "equal"),
        (0.006, 0.002, "equal"),  # beyond doubt above 0, and too small to matter
        (0.005, 0.03, "cannot_tell"),
    ],
)
def test_the_words(mean, spread, word):
    d = np.random.default_rng(0).normal(size=50)
    found = judge_folds(mean + spread * (d - d.mean()) / d.std(), 1000, ratio=0.25)
    assert found.word == word
    assert (found.rows is None) == found.settled


def test_no_spread_leaves_no_doubt():
    assert judge_folds([0.0] * 10, 100, ratio=0.25).chances == (0.0, 1.0, 0.0)
    assert judge_folds([0.02] * 10, 100, ratio=0.25).word == "clearly_better"


def test_the_rows_that_would_do_are_those_at_which_equal_is_said():
    """At so many rows the error is such that half width + 1.03 errors are the region; the figures are
    those of breast cancer, +0.17 [-1.77, 2.12] over 50 folds of 569 rows."""
    d = np.random.default_rng(1).normal(size=50)
    spread = 0.01945 / 2.0096 / np.sqrt(1 / 50 + 0.25)
    found = judge_folds(0.0017 + spread * (d - d.mean()) / d.std(ddof=1), 569, ratio=0.25)
    assert found.word == "cannot_tell"
    assert found.rows == 5000
    shrunk = judge_folds(
        np.sqrt(569 / 4919) * spread * (d - d.mean()) / d.std(ddof=1), 4919, ratio=0.25
    )
    half = shrunk.interval[1] - shrunk.difference
    assert half + 1.03 * shrunk.error == pytest.approx(0.01, rel=1e-3)
    assert shrunk.word == "equal"


def test_the_rows_that_would_do_are_never_fewer_than_those_that_did_not():
    d = np.random.default_rng(1).normal(size=10)
    d = (d - d.mean()) / d.std(ddof=1)
    for mean, n in itertools.product(np.linspace(0, 0.02, 21), (60, 569, 900, 5000)):
        for spread in np.linspace(0.002, 0.02, 10):
            found = judge_folds(mean + spread * d, n, ratio=0.25)
            assert found.settled or found.rows > n


def test_many_pairs_are_corrected_and_one_alone_is_not():
    d = np.random.default_rng(2).normal(size=50)
    plain = 0.014 + 0.0115 * (d - d.mean()) / d.std(ddof=1)
    alone = judge_folds(plain, 1000, ratio=0.25)
    assert (alone.word, in_company([alone])[0].word) == ("better", "better")
    many = in_company([alone] * 20)
    assert many[0].word == "cannot_tell"
    assert many[0].p == pytest.approx(min(1.0, 20 * alone.p))
    assert many[0].interval == alone.interval


def test_one_digit():
    assert [one_digit(v) for v in (4919, 18_900, 7, 949, 951)] == [5000, 20_000, 7, 900, 1000]


def test_the_second_look_is_taken_only_while_undecided():
    rng = np.random.default_rng(0)
    plain, unclear = 0.1 + 0.001 * rng.normal(size=50), 0.002 + 0.03 * rng.normal(size=50)
    looks = [judge_looks(d, 1000, folds=5, ratio=0.25) for d in (plain, unclear)]
    assert [j.n_folds for j in looks] == [10, 50]
    assert looks[0] == judge_folds(plain[:10], 1000, ratio=0.25)
    assert looks[1] == judge_folds(unclear, 1000, ratio=0.25)
    assert judge_looks(unclear[:10], 1000, folds=5, ratio=0.25).n_folds == 10


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(InvalidInput, match=r"differences of shape \(1,\) cannot be judged"):
        judge_folds([0.1], 10, ratio=0.25)
    with pytest.raises(InvalidInput, match="ratio is 0 and rope 0.01; both must be above 0"):
        judge_folds(FOLDS, 10, ratio=0)


def planted(gain: float, seed: int, n: int = 600) -> np.ndarray:
    """(50,) differences of two least-squares models refitted in every fold, each of which sees five
    columns of its own; on average b is better by `gain`."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=(n, 2)), rng.normal(size=(2, n, 3))
    a, b = own[0], own[1]
    reach = (1 - gain, 1 + gain)
    y = np.sign(1.5 * shared.sum(1) + reach[0] * a[:, 0] + reach[1] * b[:, 0] + rng.normal(size=n))
    sides = [np.column_stack([shared, side, np.ones(n)]) for side in (a, b)]
    found = []
    for _ in range(10):
        order = rng.permutation(n)
        for k in range(5):
            held = np.zeros(n, dtype=bool)
            held[order[k::5]] = True
            right = [
                np.mean(np.sign(x[held] @ np.linalg.lstsq(x[~held], y[~held])[0]) == y[held])
                for x in sides
            ]
            found.append(right[1] - right[0])
    return np.array(found)


@pytest.fixture(scope="module")
def equals() -> list[np.ndarray]:
    return [planted(0.0, seed) for seed in range(80)]


def test_planted_equal_sides_are_rarely_called_better(equals):
    """A paired t test that forgets the overlap says so in about half of the cases."""
    said = [judge_folds(d, 600, ratio=0.25).word not in ("cannot_tell", "equal") for d in equals]
    naive = [ttest_1samp(d, 0.0).pvalue < 0.05 for d in equals]
    assert np.mean(said) <= 0.075  # 5 % and one standard error of 80 cases
    assert np.mean(naive) >= 0.3


def test_the_interval_holds_the_truth_at_least_as_often_as_it_says(equals):
    bounds = [judge_folds(d, 600, ratio=0.25).interval for d in equals]
    assert np.mean([low <= 0 <= high for low, high in bounds]) >= 0.93
