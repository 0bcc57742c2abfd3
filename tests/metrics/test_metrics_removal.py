"""Removal scores against naive re-implementations from the papers and closed forms."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from toys import FunctionModel, ask_table, linear

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Cache, Masker, Question
from xaikit.core.types import Explanation, Sample, Target
from xaikit.metrics import METRICS, CompletenessGap, Removal, RemovalTest
from xaikit.metrics.faithfulness import shifts


@dataclasses.dataclass(frozen=True)
class ByHand:
    name = "by hand"


def explain(question: Question, values, *, in_units: bool = True, additive: bool = True):
    return question.answer(
        ByHand(), np.asarray(values, dtype=float), additive=additive, in_units=in_units
    )


def scores(question: Question, explanation: Explanation, **params) -> dict[str, float]:
    return {s.metric: s.value for s in RemovalTest([question], **params).scores([[explanation]])}


def saturating(n: int, seed: int = 0) -> tuple[FunctionModel, np.ndarray]:
    """Two-class scores, nonlinear, with a random weight a column."""
    w = np.random.default_rng(seed).normal(size=n)

    def function(x: np.ndarray) -> np.ndarray:
        z = np.tanh(x @ w) + 0.3 * (x * w)[:, ::2].sum(axis=1)
        return np.stack([np.zeros(len(x)), 2 * z], axis=1)

    return FunctionModel(function, classes=("no", "yes"), space="logit"), w


def naive_curve(question: Question, order, *, insert: bool) -> np.ndarray:
    """Petsiuk et al.: one model call a point, nothing shared."""
    x, reference = question.sample.x, question.masker.references[0]
    points = []
    for count in range(len(order) + 1):
        z = reference.copy() if insert else x.copy()
        for feature in order[:count]:
            z[feature] = x[feature] if insert else reference[feature]
        logits = question.model.function(z[None])[0]
        points.append(np.exp(logits[1]) / np.exp(logits).sum())
    return np.array(points)


def test_curves_and_areas_equal_a_naive_implementation() -> None:
    model, w = saturating(9)
    question = ask_table(model, np.ones(9), target=Target(1))
    order = np.argsort(-w)
    found = {s.metric: s for s in RemovalTest([question]).scores([[explain(question, w)]])}
    deletion, insertion = (naive_curve(question, order, insert=i) for i in (False, True))
    least_first = naive_curve(question, order[::-1], insert=False)
    assert found["deletion"].curve[:, 1] == pytest.approx(deletion)
    assert found["insertion"].curve[:, 1] == pytest.approx(insertion)
    assert found["deletion"].curve[:, 0] == pytest.approx(np.arange(10) / 9)
    area = [(y[1:] + y[:-1]).mean() / 2 for y in (deletion, insertion, least_first)]
    assert found["deletion"].value == pytest.approx(area[0])
    assert found["insertion"].value == pytest.approx(area[1])
    assert found["srg"].value == pytest.approx(area[2] - area[0])  # LeRF - MoRF


def test_comprehensiveness_and_sufficiency_equal_a_naive_implementation() -> None:
    model, w = saturating(10)
    question = ask_table(model, np.ones(10), target=Target(1))
    found = scores(question, explain(question, w), bins=(0.1, 0.2, 0.21, 0.5))
    order = np.argsort(-w)
    removed, kept = (naive_curve(question, order, insert=i) for i in (False, True))
    tops = [1, 2, 3, 5]  # 0.21 of 10 features is rounded up to 3
    assert found["comprehensiveness"] == pytest.approx(
        np.mean([removed[0] - removed[t] for t in tops])
    )
    assert found["sufficiency"] == pytest.approx(np.mean([kept[-1] - kept[t] for t in tops]))


def test_infidelity_and_correlation_equal_naive_implementations() -> None:
    model, w = saturating(6)
    question = ask_table(model, np.ones(6), target=Target(1))
    test = RemovalTest([question])
    values = w + 0.1
    found = {s.metric: s.value for s in test.scores([[explain(question, values)]])}

    def fall(kept: np.ndarray) -> float:  # f(x) - f(x without S), log-odds
        logits = model.function(np.where(kept, 1.0, 0.0)[None])[0]
        full = model.function(np.ones((1, 6)))[0]
        return float((full[1] - full[0]) - (logits[1] - logits[0]))

    masks = [
        np.array([i not in set(order[:count].tolist()) for i in range(6)])
        for order in test._orders[0]
        for count in range(1, 7)
    ]
    errors = [(values[~m].sum() - fall(m)) ** 2 for m in masks]
    assert found["infidelity"] == pytest.approx(np.mean(errors))
    quarters = test._quarters[0][0]
    assert (~quarters).sum(axis=1).tolist() == [2] * 100  # round(6 / 4)
    pairs = np.array([[values[~m].sum(), fall(m)] for m in quarters])
    assert found["faithfulness_correlation"] == pytest.approx(np.corrcoef(pairs.T)[0, 1])


def test_relative_values_are_judged_after_the_best_single_scale() -> None:
    question = ask_table(linear([1.0, 2.0, 3.0]), np.ones(3))
    tests = RemovalTest([question])
    found = tests.scores([[explain(question, [10.0, 20.0, 30.0], in_units=False, additive=False)]])
    infidelity = next(s for s in found if s.metric == "infidelity")
    assert infidelity.value == pytest.approx(0.0, abs=1e-20)
    assert infidelity.note == "values are relative: scaled by 0.1, the best single factor"
    raw = scores(question, explain(question, [10.0, 20.0, 30.0]))
    assert raw["infidelity"] > 1.0  # additive values are taken at their word


def test_a_linear_model_gives_the_areas_worked_by_hand() -> None:
    question = ask_table(linear([3.0, 2.0, 1.0]), np.ones(3))
    found = scores(question, explain(question, [3.0, 2.0, 1.0]))
    # deletion 6 3 1 0, insertion 0 3 5 6, a third of the axis a step
    assert found["deletion"] == pytest.approx((4.5 + 2 + 0.5) / 3)
    assert found["insertion"] == pytest.approx((1.5 + 4 + 5.5) / 3)
    assert found["srg"] == pytest.approx(4 / 3)
    assert found["infidelity"] == pytest.approx(0.0, abs=1e-20)
    assert found["faithfulness_correlation"] == pytest.approx(1.0)


@pytest.mark.parametrize("n", [8, 100])
def test_perfect_beats_random_beats_reversed(n: int) -> None:
    w = np.random.default_rng(1).normal(size=n)
    question = ask_table(linear(w), np.ones(n), cache=Cache())
    test = RemovalTest([question])
    perfect, reverse = (
        {s.metric: s.value for s in test.scores([[explain(question, v)]])} for v in (w, -w)
    )
    chance = {s.metric: s.value for s in test.random()}
    for metric in ("insertion", "srg", "comprehensiveness"):
        assert perfect[metric] > chance[metric] > reverse[metric]
    for metric in ("deletion", "sufficiency"):
        assert perfect[metric] < chance[metric] < reverse[metric]
    assert perfect["srg"] == pytest.approx(-reverse["srg"])
    assert perfect["faithfulness_correlation"] == pytest.approx(1.0)
    assert reverse["faithfulness_correlation"] == pytest.approx(-1.0)
    every = [
        scores(question, explain(question, w[list(p)]))["srg"]
        for p in itertools.islice(itertools.permutations(range(n)), 1, 20)
    ]
    assert max(every) < perfect["srg"]  # on a linear model no order beats the true one


def test_the_random_control_is_exactly_zero_in_srg_and_the_straight_line_for_a_linear_model() -> (
    None
):
    w = np.array([5.0, 0.0, -1.0, 2.0])
    test = RemovalTest([ask_table(linear(w), np.ones(4))])
    chance = {s.metric: s for s in test.random()}
    assert chance["srg"].value == pytest.approx(0.0, abs=1e-12)
    assert chance["deletion"].of == {"method": "random", "sample": "s0", "masker": "given rows"}
    assert chance["deletion"].note == "mean of 32 random orders"
    # order and reverse: mean area of a linear function is half its range
    assert chance["deletion"].value == pytest.approx(3.0)
    assert chance["deletion"].curve[[0, -1], 1] == pytest.approx([6.0, 0.0])
    assert chance["insertion"].curve[[0, -1], 1] == pytest.approx([0.0, 6.0])


def test_up_to_40_features_each_is_a_step() -> None:
    for n, points in ((40, 41), (41, 33)):
        question = ask_table(linear(np.ones(n)), np.ones(n))
        curve = RemovalTest([question]).scores([[explain(question, np.arange(float(n)))]])[0].curve
        assert len(curve) == points


def test_many_features_take_33_points_of_equal_share() -> None:
    question = ask_table(linear(np.ones(200)), np.ones(200))
    curve = RemovalTest([question]).scores([[explain(question, np.arange(200.0))]])[0].curve
    assert len(curve) == 33
    assert curve[0].tolist() == [0.0, 200.0]
    assert curve[-1].tolist() == [1.0, 0.0]
    assert np.ptp(np.diff(curve[:, 0])) <= 1 / 200 + 1e-12
    assert curve[:, 1] == pytest.approx(200 * (1 - curve[:, 0]))


@pytest.mark.parametrize("n", [23, 64])
def test_the_control_in_10_steps_has_the_areas_of_all_steps(n: int) -> None:
    model, _ = saturating(n, seed=2)
    question = ask_table(model, np.ones(n), target=Target(1))
    test = RemovalTest([question])
    chance = {s.metric: s for s in test.random()}
    removed = np.round(n * chance["deletion"].curve[:, 0])
    assert len(removed) in (11, 12)  # an odd number of features has two middles
    assert removed.tolist() == (n - removed[::-1]).tolist()  # an order and its reverse share masks
    for name, insert in (("deletion", False), ("insertion", True)):
        curves = [naive_curve(question, order, insert=insert) for order in test._orders[0]]
        every = np.mean(curves, axis=0)
        area = np.trapezoid(every, np.linspace(0, 1, n + 1))
        assert chance[name].value == pytest.approx(area, abs=0.01)


def test_masks_of_one_explanation_are_one_call_and_the_control_is_paid_once() -> None:
    model = linear(np.arange(1.0, 9.0))
    question = ask_table(model, np.ones(8), cache=Cache())
    test = RemovalTest([question])
    test.random()
    test.scores([[explain(question, np.arange(8.0))]])
    before = model.rows
    test.scores([[explain(question, np.random.default_rng(0).normal(size=8))]])
    assert model.rows - before <= 2 * 7  # nested masks of the two curves, both ends known
    before = model.rows
    test.scores([[explain(question, np.arange(8.0))]])
    test.random()
    assert model.rows == before


def test_constant_values_are_ranked_at_random_and_say_so() -> None:
    question = ask_table(linear(np.arange(1.0, 7.0)), np.ones(6))
    explanation = explain(question, np.ones(6))
    areas = []
    for seed in range(200):
        found = RemovalTest([question], seed=seed).scores([[explanation]])
        areas.append(found[2].value)
    assert found[2].note == "all values are equal: the order is random"
    assert abs(np.mean(areas)) < 3 * np.std(areas) / np.sqrt(200)
    assert found[-1].value == 0.0
    assert found[-1].note == "0 by rule: the values or the outputs do not vary"


def test_explanations_of_a_question_are_tested_beside_the_mean_of_many_random_orders() -> None:
    question = ask_table(linear([1.0, 2.0]), [1.0, 1.0], cache=Cache())
    one = explain(question, [1.0, 2.0])
    drawn = dataclasses.replace(one, method="random")
    found = Removal(n_orders=4).scores([question], [[one], [drawn]], seed=3)
    test = RemovalTest([question], n_orders=4, seed=3)
    wanted = [*test.random(), *test.scores([[one]])]
    assert [(s.metric, s.value, s.of) for s in found] == [(s.metric, s.value, s.of) for s in wanted]
    assert {s.note for s in found if s.of["method"] == "random"} >= {"mean of 4 random orders"}


def test_results_do_not_depend_on_batch_size_pool_or_method_order() -> None:
    model, w = saturating(12)
    found = []
    for batch_size, cache in ((1, None), (500, Cache())):
        question = ask_table(
            model, np.ones(12), target=Target(1), batch_size=batch_size, cache=cache
        )
        test = RemovalTest([question])
        if cache is not None:
            test.random()
        found.append([s.value for s in test.scores([[explain(question, w)]])])
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_the_shift_of_masked_inputs_from_the_data_by_hand() -> None:
    model = linear([1.0, 1.0])
    # deviations of the columns are 1 and 0 (taken as 1)
    model.background = np.array([[0.0, 0.0], [2.0, 0.0]]) - [1.0, 0.0]
    question = ask_table(model, [1.0, 0.0], references=[[5.0, 5.0]])
    masks = np.array([[True, True], [False, True], [False, False]])
    # distances to the nearest row 0, 4 and sqrt(16 + 25); rows are 2 apart
    assert shifts([question], [masks])[0] == pytest.approx(2.0)
    found = RemovalTest([question]).random()[-1]
    assert (found.metric, found.direction, found.of["method"]) == ("shift", "lower", "random")
    near = ask_table(model, [1.0, 0.0], references=[[-1.0, 0.0]])
    assert shifts([near], [masks]) == [0.0]
    model.background = None
    assert shifts([question], [masks]) == [None]
    assert [s.metric for s in RemovalTest([question]).random()].count("shift") == 0


def test_a_block_of_linear_questions_has_the_areas_worked_by_hand() -> None:
    """Two methods, three samples, one of them asked in another unit: nothing is mixed up."""
    weights = ([3.0, 2.0, 1.0], [6.0, 0.0, 0.0], [1.0, 1.0, 4.0])
    asked = [ask_table(linear(np.ones(3)), w) for w in weights]
    asked = [dataclasses.replace(q, model=asked[0].model) for q in asked]
    right = [explain(q, w) for q, w in zip(asked, weights, strict=True)]
    turned = [dataclasses.replace(e, values=-e.values, method="turned") for e in right]
    found = {
        (s.of["method"], s.of["sample"], s.metric): s.value
        for s in Removal().scores(
            [dataclasses.replace(q, sample=dataclasses.replace(q.sample, id=f"s{i}"))
             for i, q in enumerate(asked)],
            [[dataclasses.replace(e, sample_id=f"s{i}") for i, e in enumerate(block)]
             for block in (right, turned)],
        )
    }  # fmt: skip
    gain = {"s0": 4 / 3, "s1": 4.0, "s2": 2.0}  # a third of a step times twice what goes first
    for sample, srg in gain.items():
        assert found["by hand", sample, "srg"] == pytest.approx(srg)
        assert found["turned", sample, "srg"] == pytest.approx(-srg)
        assert found["random", sample, "srg"] == pytest.approx(0.0, abs=1e-12)
        assert found["by hand", sample, "infidelity"] == pytest.approx(0.0, abs=1e-20)
    assert found["by hand", "s1", "deletion"] == pytest.approx(1.0)
    assert found["random", "s2", "insertion"] == pytest.approx(3.0)  # half of the range


def test_questions_and_methods_are_measured_alone_as_in_a_block() -> None:
    model, _ = saturating(7)
    rng = np.random.default_rng(5)
    targets = (Target(1), Target(1, space="prob"), Target(0))
    asked = [
        dataclasses.replace(
            ask_table(model, rng.normal(size=7), target=target),
            sample=Sample(f"row {i}", rng.normal(size=7), "table"),
        )
        for i, target in enumerate(targets)
    ]
    by_method = [
        [explain(q, rng.normal(size=7), in_units=units, additive=units) for q in asked]
        for units in (True, False)
    ]
    by_method[1] = [dataclasses.replace(e, method="other") for e in by_method[1]]
    by_method[0] = [dataclasses.replace(e, unit="log-odds") for e in by_method[0]]
    together = Removal().scores(asked, by_method, seed=2)
    alone = [
        score
        for i, question in enumerate(asked)
        for score in Removal().scores([question], [block[i : i + 1] for block in by_method], seed=2)
    ]
    wanted = {(s.metric, s.of["method"], s.of["sample"]): s for s in alone}
    assert len(together) == len(wanted) == 3 * (7 + 7 + 5)
    for score in together:
        one = wanted[score.metric, score.of["method"], score.of["sample"]]
        assert score.value == pytest.approx(one.value, rel=1e-12, abs=1e-15)
        assert (score.note, score.of) == (one.note, one.of)
        if one.curve is not None:
            assert score.curve == pytest.approx(one.curve)


def test_completeness_gap_by_hand() -> None:
    question = ask_table(linear([1.0, 3.0]), [1.0, 1.0])
    rng = np.random.default_rng(0)
    gap = CompletenessGap()(question, explain(question, [1.0, 2.0]), rng)
    assert (gap[0].value, gap[0].direction) == (0.25, "lower")
    assert CompletenessGap()(question, explain(question, [1.0, 2.0], additive=False), rng) == []
    other = dataclasses.replace(question, masker=Masker("other", np.ones((1, 2))))
    assert CompletenessGap()(other, explain(question, [1.0, 2.0]), rng) == []
    flat = ask_table(linear([1.0, -1.0]), [1.0, 1.0])
    assert CompletenessGap()(flat, explain(flat, [1.0, -1.0]), rng)[0].value == 0.0
    (lost,) = CompletenessGap()(flat, explain(flat, [1.0, 1.0]), rng)
    assert np.isnan(lost.value)
    assert lost.note.startswith("the output is the same with everything kept and removed")


def test_the_registered_metric_is_the_removal_test_and_follows_its_generator() -> None:
    model, w = saturating(5)
    question = ask_table(model, np.ones(5), target=Target(1))
    one, two = (Removal()(question, explain(question, w), np.random.default_rng(3)) for _ in "ab")
    assert [s.value for s in one] == [s.value for s in two]
    assert METRICS.get("removal") is Removal
    assert one[2].value == pytest.approx(scores(question, explain(question, w))["srg"])


def test_wrong_parameters_are_named() -> None:
    question = ask_table(linear([1.0, 2.0]), [1.0, 1.0])
    with pytest.raises(InvalidInput, match="n_orders is 3; each random order is used with its rev"):
        RemovalTest([question], n_orders=3)
    with pytest.raises(InvalidInput, match=r"bins are \(0.0,\); give shares above 0 and up to 1"):
        RemovalTest([question], bins=(0.0,))
    with pytest.raises(
        InvalidInput, match="n_steps is 1 and n_subsets 100; both must be 2 or more"
    ):
        RemovalTest([question], n_steps=1)
    longer = ask_table(linear([1.0, 2.0, 3.0]), np.ones(3))
    with pytest.raises(InvalidInput, match="by hand explains 3 features and the removal test of"):
        RemovalTest([question]).scores([[explain(longer, np.ones(3))]])
