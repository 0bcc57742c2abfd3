"""A comparison from end to end on a small table, every number worked out a second time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest, bootstrap, spearmanr
from toy_zoo import line_data, toy_data

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.models import train
from xaikit.report import write_comparison
from xaikit.report.words import Words
from xaikit.study import compare as module
from xaikit.study.compare import compare

D, SEED, N = 3, 5, 20


def crossed() -> Dataset:
    """Yes where exactly one of two columns is positive, with a few labels turned: a forest
    can learn it, a weighted sum cannot."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(420, D))
    y = ((x[:, 0] > 0) != (x[:, 1] > 0)) ^ (rng.random(420) < 0.03) | (rng.random(420) < 0.1)
    samples = [
        Sample(f"r{i}", row, "table", int(t)) for i, (row, t) in enumerate(zip(x, y, strict=True))
    ]
    columns = tuple(Column(name) for name in "abc")
    splits = tuple(samples[:240]), tuple(samples[240:280]), tuple(samples[280:])
    return Dataset("crossed", "table", "classification", ("no", "yes"), *splits, columns)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return crossed()


@pytest.fixture(scope="module")
def taught() -> list[tuple[str, Dataset, int, Any]]:
    """Every model that the comparison trains: name, data, seed, model."""
    return []


@pytest.fixture(scope="module")
def found(data, taught) -> dict[str, Any]:
    def watched(name, part, *, seed, **more):
        model = train(name, part, seed=seed, **more)
        taught.append((name, part, seed, model))
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "train", watched)
        return compare(data, models="logistic,forest", n=N, seed=SEED, learning=True)


@pytest.fixture(scope="module")
def p(data) -> dict[tuple[str, int], np.ndarray]:
    """(N, 2) probabilities on the test rows of models trained here, by name and seed."""
    return {
        (name, seed): softmax(
            train(name, data, seed=seed, progress=False).scores(data.inputs("test")), axis=1
        )
        for name in ("logistic", "forest")
        for seed in (SEED, SEED + 1)
    }


def right(p: np.ndarray, data: Dataset) -> np.ndarray:
    return (p.argmax(axis=1) == data.labels("test")).astype(float)


def test_accuracies_with_their_wilson_intervals(found, p, data):
    entries = {e["id"]: e for e in found["models"]}
    assert list(entries) == ["majority", "logistic", "forest"]
    for name in ("logistic", "forest"):
        hits = right(p[name, SEED], data)
        bounds = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
        assert entries[name]["accuracy"] == hits.mean()
        assert entries[name]["correct"] == hits.sum()
        assert entries[name]["interval"] == pytest.approx((bounds.low, bounds.high), abs=1e-12)


def test_the_first_row_says_the_most_frequent_training_class(found, data):
    said = int(np.bincount(data.labels("train")).argmax())
    first = found["models"][0]
    assert (first["family"], first["says"]) == ("baseline", data.classes[said])
    assert first["accuracy"] == (data.labels("test") == said).mean()


def test_the_paired_difference_its_sign_and_its_interval(found, p, data):
    (pair,) = found["pairs"]
    a, b = (right(p[name, SEED], data) for name in ("logistic", "forest"))
    assert (pair["a"], pair["b"]) == ("logistic", "forest")
    assert pair["difference"] == pytest.approx((b - a).mean(), abs=1e-12)
    assert pair["difference"] > 0.1  # b is better: the labels are no weighted sum
    other = bootstrap(
        ((b - a),), np.mean, method="BCa", n_resamples=9999, rng=np.random.default_rng(1)
    )
    assert pair["interval"] == pytest.approx(tuple(other.confidence_interval), abs=0.012)
    assert pair["verdict"] == "b_better"


def test_every_model_is_held_against_the_answer_that_never_looks(found, p, data):
    said = int(np.bincount(data.labels("train")).argmax())
    base = (data.labels("test") == said).astype(float)
    against = {q["b"]: q for q in found["against_baseline"]}
    for name in ("logistic", "forest"):
        assert against[name]["a"] == "majority"
        gain = (right(p[name, SEED], data) - base).mean()
        assert against[name]["difference"] == pytest.approx(gain, abs=1e-12)
    assert against["forest"]["verdict"] == "b_better"
    assert against["logistic"]["verdict"] != "b_better"


def test_a_model_that_is_not_better_than_that_is_said_so(found, tmp_path):
    page = write_comparison(found, tmp_path / "c.html").read_text()
    assert "logistic is no better than an answer that never looks at the input" in page
    assert "forest is no" not in page
    assert "No class weights in training, for any model." in page
    assert "the first 20 of 140 test samples explained" in page


def test_the_expected_calibration_error(found, p, data):
    """Eight groups of equal size in the order of the stated probability of the second class."""
    entries = {e["id"]: e for e in found["models"]}
    for name in ("logistic", "forest"):
        stated = p[name, SEED][:, 1]
        order = sorted(range(len(stated)), key=lambda i: stated[i])
        gap, start = 0.0, 0
        for k in range(8):
            size = len(order) // 8 + (k < len(order) % 8)
            group = order[start : start + size]
            start += size
            truth = np.mean([data.labels("test")[i] for i in group])
            gap += abs(np.mean(stated[group]) - truth) * size / len(order)
        assert entries[name]["ece"] == pytest.approx(gap, abs=1e-12)


def shapley(name: str, data: Dataset, seed: int) -> np.ndarray:
    """(N, D) exact values of the true class's probability, by all coalitions and no code of ours."""
    model = train(name, data, seed=seed, progress=False)
    picked = np.linspace(0, len(model.background) - 1, 50).round().astype(int)
    rows = model.background[picked]
    values = []
    for sample in data.test[:N]:
        worth = {}
        for kept in itertools.product((False, True), repeat=D):
            inputs = np.where(kept, sample.x, rows)
            worth[kept] = softmax(model.scores(inputs), axis=1)[:, sample.label].mean()
        phi = np.zeros(D)
        for order in itertools.permutations(range(D)):
            kept = [False] * D
            for i in order:
                before = worth[tuple(kept)]
                kept[i] = True
                phi[i] += (worth[tuple(kept)] - before) / math.factorial(D)
        values.append(phi)
    return np.array(values)


def test_the_ceiling_is_the_agreement_with_a_twin_of_another_seed(found, data):
    rows = {(r["a"], r["b"]): r for r in found["agreement"]}
    exact = {
        (n, s): np.abs(shapley(n, data, s))
        for n in ("logistic", "forest")
        for s in (SEED, SEED + 1)
    }
    for a, b, left, right_ in (
        ("forest", "forest", ("forest", SEED), ("forest", SEED + 1)),
        ("logistic", "logistic", ("logistic", SEED), ("logistic", SEED + 1)),
        ("logistic", "forest", ("logistic", SEED), ("forest", SEED)),
    ):
        each = [spearmanr(x, y).statistic for x, y in zip(exact[left], exact[right_], strict=True)]
        assert rows[a, b]["value"] == pytest.approx(np.mean(each), abs=1e-9)
    assert rows["logistic", "logistic"]["note"] == {"key": "compare.agree.fixed", "numbers": {}}
    assert rows["forest", "forest"]["note"] == ""
    shares = exact["forest", SEED].mean(axis=0) / exact["forest", SEED].mean(axis=0).sum()
    told = {r["feature"]: r["shares"]["forest"] for r in found["evidence"]["rows"]}
    assert told == pytest.approx(dict(zip("abc", shares, strict=True)), abs=1e-9)


def test_learning_curves_are_means_over_draws_of_rows_and_seed(found, taught, data):
    whole = [s.id for s in data.train]
    for curve in found["learning"]:
        mine = [t for t in taught if t[0] == curve["model"]][2:]  # after the model and its twin
        assert len(mine) == 3 + 3 + 3 + 1
        for point, draws in zip(
            curve["points"], (mine[:3], mine[3:6], mine[6:9], mine[9:]), strict=True
        ):
            ids = [[s.id for s in part.train] for _, part, _, _ in draws]
            assert [seed for _, _, seed, _ in draws] == [SEED + i for i in range(len(draws))]
            assert all(len(rows) == point["n"] and set(rows) <= set(whole) for rows in ids)
            assert all(rows == sorted(rows, key=whole.index) for rows in ids)
            assert len({tuple(rows) for rows in ids}) == len(draws)  # other rows in each draw
            assert all(set(part.labels("train")) == {0, 1} for _, part, _, _ in draws)
            hits = [right(m.scores(data.inputs("test")), data).mean() for _, _, _, m in draws]
            assert (point["value"], point["low"], point["high"]) == pytest.approx(
                (np.mean(hits), min(hits), max(hits)), abs=1e-12
            )
        assert [p["n"] for p in curve["points"]] == [24, 60, 120, 240]


def test_for_a_number_the_first_row_says_the_training_mean():
    data = line_data()
    found = compare(data, models="ridge,tree", n=4, learning=False)
    y, mean = data.labels("test"), data.labels("train").mean()
    first = found["models"][0]
    assert first["id"] == "mean"
    assert first["accuracy"] == pytest.approx(1 - np.mean((y - mean) ** 2) / y.var(), abs=1e-12)
    ridge = train("ridge", data, seed=0, progress=False).scores(data.inputs("test"))[:, 0]
    assert found["models"][1]["accuracy"] == pytest.approx(
        1 - np.mean((y - ridge) ** 2) / y.var(), abs=1e-12
    )


def test_samples_are_drawn_only_when_that_is_asked_for(data):
    found = compare(data, models="logistic,tree", n=5, seed=2, draw=True, learning=False)
    detail = found["protocol_detail"]
    assert detail["key"] == "compare.protocol.drawn"
    assert (detail["numbers"]["n"], detail["numbers"]["of"]) == (5, 140)
    assert "5 drawn of 140 test samples explained" in Words().told(detail)


def rare() -> Dataset:
    """One yes in ten, hard to tell from the rest."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(600, 2))
    y = rng.random(600) < 1 / (1 + np.exp(-(0.8 * x[:, 0] - 2.4)))
    samples = [
        Sample(f"r{i}", row, "table", int(t)) for i, (row, t) in enumerate(zip(x, y, strict=True))
    ]
    splits = tuple(samples[:360]), tuple(samples[360:420]), tuple(samples[420:])
    return Dataset("rare", "table", "classification", ("no", "yes"), *splits)


@pytest.mark.parametrize("name", ["logistic", "svm", "boosting", "forest", "tree", "mlp"])
def test_weights_act_on_every_kind_of_model_alike(name):
    """A model fitted by likelihood states the share of a class on average, which is one half when
    every class weighs the same."""
    data, more = rare(), {"boosting": {"max_iter": 20}}.get(name, {})
    stated = [
        softmax(model.scores(data.inputs("train")), axis=1)[:, 1].mean()
        for model in (
            train(name, data, balanced=weighted, progress=False, **more)
            for weighted in (False, True)
        )
    ]
    share = data.labels("train").mean()
    assert stated[0] == pytest.approx(share, abs=0.05)
    assert stated[1] > stated[0] + 0.05
    weights = data.class_weights[data.labels("train")]
    p = softmax(
        train(name, data, balanced=True, progress=False, **more).scores(data.inputs("train")),
        axis=1,
    )[:, 1]
    assert np.average(p, weights=weights) == pytest.approx(0.5, abs=0.12)


def test_weights_of_logistic_regression_are_those_of_scikit_learn():
    data = rare()
    mine = train("logistic", data, balanced=True, progress=False)
    theirs = train("logistic", data, class_weight="balanced", progress=False)
    assert mine.estimator.coef_ == pytest.approx(theirs.estimator.coef_, rel=1e-4)
    assert mine.info["balanced"] is True


def test_a_number_has_no_classes_to_balance():
    for name in ("ridge", "mlp"):
        with pytest.raises(
            InvalidInput, match="'line' is a regression and has no classes to balance"
        ):
            train(name, line_data(), balanced=True, epochs=None, progress=False)


def test_all_models_of_a_comparison_get_the_same_weights(monkeypatch):
    seen = []

    def watched(name, part, **more):
        seen.append(more["balanced"])
        return train(name, part, **more)

    monkeypatch.setattr(module, "train", watched)
    found = compare(toy_data("table"), models="logistic,tree", n=2, balanced=True, learning=True)
    assert seen
    assert all(seen)
    assert "class weights balanced for every model" in Words().told(found["protocol_detail"])
