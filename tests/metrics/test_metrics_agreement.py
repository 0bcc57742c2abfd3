"""Agreement against naive re-implementations of Krishna et al., consensus and its ceiling."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr
from toys import ask_table, linear

from xaikit.core.agreement import similarity, top_k
from xaikit.core.errors import InvalidInput
from xaikit.core.stats import spearman
from xaikit.core.types import Explanation, Score
from xaikit.metrics import (
    agreement_scores,
    agreements,
    consensus,
    disagreement_test,
    disagreements,
    masker_tau,
    pairwise_agreement,
)
from xaikit.metrics.base import default_k


def explain(values, method: str = "a", *, std=None, sample: str = "s0") -> Explanation:
    question = ask_table(linear(np.ones(len(values))), np.ones(len(values)))

    @dataclasses.dataclass(frozen=True)
    class ByHand:
        name = method

    found = question.answer(
        ByHand(),
        np.asarray(values, dtype=float),
        additive=True,
        in_units=True,
        std=None if std is None else np.asarray(std, dtype=float),
    )
    return dataclasses.replace(found, sample_id=sample)


def scores(a, b, k: int | None = None) -> dict[str, float]:
    return {s.metric: s.value for s in agreement_scores(explain(a, "a"), explain(b, "b"), k=k)}


def naive(a: np.ndarray, b: np.ndarray, k: int) -> dict[str, float]:
    """Straight from section 3.2 of the paper, with sets and loops."""
    top_a = sorted(range(len(a)), key=lambda i: -abs(a[i]))[:k]
    top_b = sorted(range(len(b)), key=lambda i: -abs(b[i]))[:k]
    common = [f for f in top_a if f in top_b]
    rank = {f for f in common if top_a.index(f) == top_b.index(f)}
    sign = {f for f in common if (a[f] > 0) == (b[f] > 0)}
    pairs = [(i, j) for i in range(len(a)) for j in range(i + 1, len(a))]
    same = [(abs(a[i]) > abs(a[j])) == (abs(b[i]) > abs(b[j])) for i, j in pairs]
    return {
        "feature_agreement": len(common) / k,
        "chance_adjusted_agreement": (len(common) / k - k / len(a)) / (1 - k / len(a)),
        "rank_agreement": len(rank) / k,
        "sign_agreement": len(sign) / k,
        "signed_rank_agreement": len(rank & sign) / k,
        "spearman": spearmanr(np.abs(a), np.abs(b)).statistic,
        "pairwise_rank_agreement": sum(same) / len(pairs),
    }


@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_seven_measures_equal_naive_implementations(k: int) -> None:
    rng = np.random.default_rng(k)
    for _ in range(20):
        a = rng.normal(size=9)
        b = a * rng.choice([1, 1, -1], 9) + 0.4 * rng.normal(size=9)
        assert scores(a, b, k) == pytest.approx(naive(a, b, k))


def test_the_measures_by_hand() -> None:
    a, b = [5.0, -4.0, 3.0, 0.1, 0.2], [6.0, 3.0, 4.0, 0.1, 0.0]
    found = scores(a, b, 3)
    assert found["feature_agreement"] == 1.0
    assert found["chance_adjusted_agreement"] == 1.0
    assert found["rank_agreement"] == pytest.approx(1 / 3)  # 0 1 2 against 0 2 1
    assert found["sign_agreement"] == pytest.approx(2 / 3)
    assert found["signed_rank_agreement"] == pytest.approx(1 / 3)
    assert found["pairwise_rank_agreement"] == 0.8  # (1, 2) and (3, 4) are turned round


def test_chance_gives_zero_after_adjustment_and_every_feature_is_no_agreement() -> None:
    rng = np.random.default_rng(0)
    found = [scores(rng.normal(size=20), rng.normal(size=20), 5) for _ in range(200)]
    raw = np.mean([f["feature_agreement"] for f in found])
    adjusted = np.array([f["chance_adjusted_agreement"] for f in found])
    assert raw == pytest.approx(0.25, abs=0.04)
    assert abs(adjusted.mean()) < 3 * adjusted.std() / np.sqrt(200)
    everything = {
        s.metric: s for s in agreement_scores(explain([1.0, 2.0]), explain([2.0, 1.0]), k=2)
    }
    assert everything["feature_agreement"].value == 1.0
    assert everything["chance_adjusted_agreement"].value == 0.0
    assert everything["chance_adjusted_agreement"].note.startswith("0 by rule: all 2 features")


def test_features_without_weight_are_no_top_features() -> None:
    sparse = [0, 0, 0, 0, 0, 0, 0, 0, 1.0, 2.0]
    other = [2.0, 1.0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert scores(sparse, other, 5)["feature_agreement"] == 0.0  # not 3/5 by the order of zeros
    assert scores(sparse, sparse, 5)["feature_agreement"] == 1.0
    nothing = agreement_scores(explain(np.zeros(10)), explain(other))
    assert [s.value for s in nothing[:6]] == [0.0] * 6
    assert nothing[0].note == "0 by rule: an explanation is 0 everywhere"
    assert nothing[5].note == "0 by rule: one explanation is constant"


def test_the_number_of_top_features_follows_the_number_of_features() -> None:
    assert [default_k(n) for n in (1, 4, 8, 12, 20, 64, 196, 784)] == [1, 1, 2, 3, 5, 5, 10, 39]


def test_the_top_features_come_strongest_first_and_ties_in_their_order() -> None:
    assert top_k(np.array([1.0, -5.0, 3.0, -3.0]), 3).tolist() == [1, 2, 3]


def test_similarity_keeps_the_sign_and_spearman_the_strength() -> None:
    a = np.array([3.0, -2.0, 1.0, 0.5])
    assert similarity(explain(a), explain(-a)) == pytest.approx(-1.0)
    assert scores(a, -a)["spearman"] == pytest.approx(1.0)


def test_a_block_of_samples_gives_what_each_pair_of_each_sample_gives() -> None:
    """With ties, a constant, weights of 0 and as many top features as the poorer of two has."""
    rng = np.random.default_rng(3)
    values = rng.integers(-3, 4, (3, 5, 9)).astype(float)
    values[1, 2], values[2, 3], values[0, 4] = 2.0, 0.0, [0, 0, 1, 0, 0, 0, -1, 0, 0]
    blocks = [
        [explain(v, method, sample=f"s{i}") for i, v in enumerate(rows)]
        for method, rows in zip("abc", values, strict=True)
    ]
    together = {(s.metric, *s.of.values()): (s.value, s.note) for s in agreements(blocks, k=4)}
    alone = {}
    for (i, a), (j, b) in itertools.combinations(enumerate(blocks), 2):
        for row, pair in enumerate(zip(a, b, strict=True)):
            found = agreement_scores(*pair, k=4)
            alone |= {(s.metric, *s.of.values()): (s.value, s.note) for s in found}
            x, y = values[i, row], values[j, row]
            rank = spearmanr(abs(x), abs(y)).statistic if np.ptp(abs(x)) * np.ptp(abs(y)) else 0.0
            assert found[5].value == pytest.approx(rank)
            same = [np.sign(abs(x[p]) - abs(x[q])) == np.sign(abs(y[p]) - abs(y[q]))
                    for p, q in itertools.combinations(range(9), 2)]  # fmt: skip
            assert found[6].value == pytest.approx(np.mean(same))
    assert together == alone
    assert together["feature_agreement", "a", "c", "s4"][1] == "top 2 of 9 features"


def test_every_pair_on_every_sample_is_named() -> None:
    explanations = [
        explain(np.arange(4.0), m, sample=s) for s in ("s0", "s1") for m in ("a", "b", "c")
    ]
    found = [s.of for s in pairwise_agreement(explanations) if s.metric == "spearman"]
    assert len(found) == 6
    assert found[0] == {"a": "a", "b": "b", "sample": "s0"}
    assert found[-1] == {"a": "b", "b": "c", "sample": "s1"}


def test_consensus_is_what_all_agree_on() -> None:
    a = explain([3.0, 2.0, -1.0, 0.5])
    b = explain([4.0, 1.0, -2.0, 0.5], "b")
    found = consensus([a, b])
    order = {(int(i), int(j)) for i, j in np.argwhere(found.above)}
    assert order == {(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)}  # 1 and 2 are turned round
    assert set(found.edges()) == {(0, 1), (0, 2), (1, 3), (2, 3)}
    assert found.share == pytest.approx(5 / 6)
    assert found.votes.tolist() == [1.0, 1.0, -1.0, 1.0]
    assert consensus([a, explain([-3.0, 2.0, -1.0, 0.0])]).votes.tolist() == [0.0, 1.0, -1.0, 0.5]


def test_consensus_orders_nothing_inside_the_error_bars() -> None:
    a = explain([3.0, 2.0, 0.1], std=[0.4, 0.4, 0.1])  # 1 apart, 1.96 * 0.57 = 1.11 needed
    found = consensus([a, explain([3.0, 2.0, 1.0], "b")])
    assert {tuple(map(int, e)) for e in np.argwhere(found.above)} == {(0, 2), (1, 2)}


def test_noise_is_no_disagreement_and_opposites_are_one() -> None:
    rng = np.random.default_rng(0)
    false_alarms = found = 0
    for _ in range(200):
        truth = rng.normal(size=(16, 12))
        a, again, b, b_again = truth + 0.4 * rng.normal(size=(4, 16, 12))
        within = _each(a, again), _each(b, b_again)
        false_alarms += bool(disagreement_test(_each(a, b), *within).real)
        found += bool(disagreement_test(_each(a, -b), *within).real)
    assert false_alarms <= 10
    assert found >= 190


def _each(a: np.ndarray, b: np.ndarray) -> list[float]:
    return [spearman(x, y) for x, y in zip(a, b, strict=True)]


def test_disagreement_is_said_in_words() -> None:
    assert disagreement_test([0.2] * 16, [0.81] * 16, [1.0] * 16).sentence == (
        "The two disagree: they agree 0.20 of 0.90 that noise would allow."
    )
    few = disagreement_test([0.2] * 3, [0.8] * 3, [0.8] * 3)
    assert few.real is None
    assert few.sentence.endswith("on 3 samples; 10 are needed.")


def test_every_pair_with_second_runs_is_tested() -> None:
    rng = np.random.default_rng(0)
    found = []
    for i in range(12):
        truth, other = rng.normal(size=(2, 9))
        values = {"a": truth, "b": truth + 0.01, "c": other}
        trio = [explain(v, name, sample=f"s{i}") for name, v in values.items()]
        found += pairwise_agreement(trio)
        for e in trio:
            near = dataclasses.replace(e, values=e.values + 0.1 * rng.normal(size=9))
            found += agreement_scores(e, near)
    tests = disagreements(found)
    assert {pair: t.real for pair, t in tests.items()} == {
        ("a", "b"): False,
        ("a", "c"): True,
        ("b", "c"): True,
    }
    assert tests["a", "c"].test.n == 12
    assert disagreements([s for s in found if s.of["a"] != s.of["b"]]) == {}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a on sample 's0' and b on 's1' explain different feat"):
        agreement_scores(explain([1.0, 2.0]), explain([1.0, 2.0], "b", sample="s1"))
    with pytest.raises(InvalidInput, match="k is 3 and there are 2 features; give 1 to 2"):
        agreement_scores(explain([1.0, 2.0]), explain([1.0, 2.0]), k=3)
    with pytest.raises(InvalidInput, match=r"a consensus of 1 explanation\(s\) says nothing"):
        consensus([explain([1.0, 2.0])])
    with pytest.raises(InvalidInput, match="2 samples between the methods, 1 and 2 within"):
        disagreement_test([1.0, 1.0], [1.0], [1.0, 1.0])


def srg(masker: str, **means: float) -> list[Score]:
    """Two samples a method, whose mean is the number given."""
    return [
        Score("srg", mean + change, "higher", "faithfulness", of=of | {"sample": sample})
        for method, mean in means.items()
        for sample, change in (("s0", -0.1), ("s1", 0.1))
        for of in ({"method": method, "masker": masker},)
    ]


def test_tau_counts_the_pairs_of_methods_that_two_maskers_order_alike() -> None:
    first = srg("mean", a=0.1, b=0.2, c=0.3, d=0.4, random=0.0, magnitude=0.9)
    second = srg("blur", a=0.1, b=0.3, c=0.2, d=0.9, random=0.0, magnitude=-0.9)
    assert masker_tau(first + second) == (pytest.approx(4 / 6), 4)  # 5 pairs alike, 1 turned
    tau, n = masker_tau(first + second, without=())
    assert (tau, n) == (pytest.approx((9 - 6) / 15), 6)  # magnitude is first, then last
    assert masker_tau(first + srg("blur", a=4, b=3, c=2, d=1)) == (pytest.approx(-1.0), 4)


def test_tau_compares_what_both_maskers_measured() -> None:
    first = srg("mean", a=0.1, b=0.2, c=0.3, e=0.5)
    second = srg("blur", a=0.1, b=0.2, c=0.3, f=0.5)
    lost = [s for s in second if (s.of["method"], s.of["sample"]) != ("a", "s0")]
    alone = [s for s in lost if s.of["method"] != "a"]
    assert masker_tau(first + second) == (pytest.approx(1.0), 3)
    # a sample that only one masker measured would put a on top there
    of = {"method": "a", "masker": "mean", "sample": "s9"}
    first.append(Score("srg", 9.0, "higher", "faithfulness", of=of))
    assert masker_tau(first + lost) == (pytest.approx(1.0), 3)
    assert masker_tau(first + alone) == (None, 2)
    assert masker_tau(first) == (None, 0)
    assert masker_tau(first + srg("blur", a=0.0, b=0.0, c=0.0)) == (None, 3)
