"""A comparison from end to end on a small table, every number worked out a second time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import pearsonr
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier
from toy_zoo import line_data, toy_data

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.models import train
from xaikit.models.neural import NeuralModel
from xaikit.report import write_comparison
from xaikit.study.compare import compare
from xaikit.study.compare.fitting import Teacher
from xaikit.study.compare.learned import learned_quality, read_by_head

D, SEED, N = 3, 5, 12
NAMES = ("logistic", "tree")


def crossed() -> Dataset:
    """Yes where exactly one of two columns is positive, with a few labels turned: a tree
    can learn it, a weighted sum cannot."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, D))
    y = ((x[:, 0] > 0) != (x[:, 1] > 0)) ^ (rng.random(300) < 0.03) | (rng.random(300) < 0.1)
    samples = [
        Sample(f"r{i}", row, "table", int(t)) for i, (row, t) in enumerate(zip(x, y, strict=True))
    ]
    columns = tuple(Column(name) for name in "abc")
    splits = tuple(samples[:160]), tuple(samples[160:200]), tuple(samples[200:])
    return Dataset("crossed", "table", "classification", ("no", "yes"), *splits, columns)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return crossed()


@pytest.fixture(scope="module")
def taught() -> list[tuple[str, Dataset, int, Any]]:
    """Every model that the comparison fits: name, data, seed, model."""
    return []


@pytest.fixture(scope="module")
def found(data, taught) -> dict[str, Any]:
    fit = Teacher.__call__

    def watched(self, family, part, seed, **params):
        model, cost = fit(self, family, part, seed, **params)
        taught.append((family.name, part, seed, model))
        return model, cost

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Teacher, "__call__", watched)
        return compare(data, models=",".join(NAMES), n=N, seed=SEED, learning=True, full=False)


@pytest.fixture(scope="module")
def told(data) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """For each model and each of ten folds: (n, 2) probabilities and labels, by scikit-learn alone."""
    rows = (*data.train, *data.val, *data.test)
    x, y = np.array([s.x for s in rows]), np.array([s.label for s in rows])
    answers: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in NAMES}
    for repeat in (0, 1):
        splits = StratifiedKFold(5, shuffle=True, random_state=SEED + repeat).split(x, y)
        for learned, held in splits:
            mean, spread = x[learned].mean(0), x[learned].std(0)
            linear = LogisticRegression(max_iter=2000).fit((x[learned] - mean) / spread, y[learned])
            answers["logistic"].append((linear.predict_proba((x[held] - mean) / spread), y[held]))
            # nothing is held back from a model that does not stop by it
            tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=SEED)
            order = np.concatenate([_stays(data, learned, SEED)])
            answers["tree"].append((tree.fit(x[order], y[order]).predict_proba(x[held]), y[held]))
    return answers


def _stays(data: Dataset, learned: np.ndarray, seed: int) -> np.ndarray:
    """The training rows of a fold; their order decides nothing but ties between equal splits."""
    from xaikit.study.compare.folds import Folds

    rows = (*data.train, *data.val, *data.test)
    return np.concatenate(Folds(data, rows, seed)._hold_out(learned))


def right(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (p.argmax(axis=1) == labels).astype(float)


def pooled(told, name) -> tuple[np.ndarray, np.ndarray]:
    """Answers and labels of the five folds of the first repeat."""
    return tuple(map(np.concatenate, zip(*told[name][:5], strict=True)))


def test_accuracies_are_means_over_the_folds_with_the_baseline_first(found, told):
    entries = {e["id"]: e for e in found["models"]}
    assert list(entries) == ["majority", *NAMES]
    for name in NAMES:
        folds = [right(p, y).mean() for p, y in told[name]]
        assert entries[name]["accuracy"] == pytest.approx(np.mean(folds), abs=1e-12)
        assert entries[name]["n_folds"] == 10
    said = [
        np.mean(y == (0 if entries["majority"]["says"] == "no" else 1)) for _, y in told["tree"]
    ]
    assert entries["majority"]["accuracy"] == pytest.approx(np.mean(said), abs=1e-12)


def test_the_difference_of_the_pair_and_its_corrected_interval(found, told):
    (pair,) = found["pairs"]
    d = np.array(
        [
            right(*b).mean() - right(*a).mean()
            for a, b in zip(told["logistic"], told["tree"], strict=True)
        ]
    )
    error = np.sqrt((1 / 10 + 1 / 4) * d.var(ddof=1))
    half = student.ppf(0.975, 9) * error
    assert (pair["a"], pair["b"], pair["asked"]) == (*NAMES, True)
    assert pair["difference"] == pytest.approx(d.mean(), abs=1e-12)
    assert pair["interval"] == pytest.approx((d.mean() - half, d.mean() + half), abs=1e-12)
    assert (pair["word"], pair["verdict"]) == ("clearly_better", "b_better")
    differ = np.mean(pooled(told, "logistic")[0].argmax(1) != pooled(told, "tree")[0].argmax(1))
    assert pair["differ"] == pytest.approx(differ, abs=1e-12)
    assert found["title"]["key"] == "cmp.h1.better"
    assert (
        found["title"]["numbers"]["points"] == round(100 * d.mean())
        if "points" in found["title"]["numbers"]
        else True
    )


def test_every_model_is_held_against_the_answer_that_never_looks(found):
    against = {q["b"]: q for q in found["against_baseline"]}
    right_ = {m["id"]: m["accuracy"] for m in found["models"]}
    for name in NAMES:
        assert against[name]["a"] == "majority"
        assert against[name]["difference"] == pytest.approx(
            right_[name] - right_["majority"], abs=1e-12
        )
    assert against["tree"]["word"] == "clearly_better"
    assert against["logistic"]["word"] not in ("better", "clearly_better")
    assert found["warning"] == {"key": "cmp.watch.base", "numbers": {"name": "logistic"}}
    assert found["recommended"]["id"] == "tree"


def test_the_page_says_so(found, tmp_path):
    page = write_comparison(found, tmp_path / "c.html").read_text()
    assert "Logistic is not shown to be better than always giving the most frequent answer." in page
    assert "tree is better than logistic by about" in page
    assert "no class weights, for any model" in page


def test_the_calibration_errors(found, told):
    """Fifteen groups of equal size in the order of the sureness of what was chosen; and the Brier score."""
    entries = {e["id"]: e for e in found["models"]}
    for name in NAMES:
        p, labels = pooled(told, name)
        stated, hits = p.max(axis=1), right(p, labels)
        order, gap, start = sorted(range(len(p)), key=lambda i: stated[i]), 0.0, 0
        for k in range(15):
            size = len(order) // 15 + (k < len(order) % 15)
            group = order[start : start + size]
            start += size
            gap += abs(np.mean(stated[group]) - np.mean(hits[group])) * size / len(order)
        assert entries[name]["ece"] == pytest.approx(gap, abs=1e-6)  # rows in another order
        brier = np.mean(
            [(p[i, 0] - (y == 0)) ** 2 + (p[i, 1] - (y == 1)) ** 2 for i, y in enumerate(labels)]
        )
        assert entries[name]["brier"] == pytest.approx(brier, abs=1e-6)
        table = [[int(((labels == t) & (p.argmax(1) == s)).sum()) for s in (0, 1)] for t in (0, 1)]
        assert entries[name]["confusion"] == table


def test_errors_of_one_side_and_the_net_benefit(found, told):
    (p, labels), (q, _) = (pooled(told, name) for name in NAMES)
    wrong = [1 - right(p, labels), 1 - right(q, labels)]
    errors = found["errors"]
    assert errors["only_a"] == np.sum((wrong[0] == 1) & (wrong[1] == 0))
    assert errors["only_b"] == np.sum((wrong[1] == 1) & (wrong[0] == 0))
    assert errors["both"] == np.sum((wrong[0] == 1) & (wrong[1] == 1))
    decision = found["decision"]
    at = 20
    t = decision["thresholds"][at]
    hits = sum(1 for row, y in zip(p, labels, strict=True) if row[1] >= t and y == 1)
    false = sum(1 for row, y in zip(p, labels, strict=True) if row[1] >= t and y == 0)
    assert decision["lines"]["logistic"][at] == pytest.approx(
        (hits - false * t / (1 - t)) / len(labels), abs=1e-12
    )
    share = labels.mean()
    assert decision["everyone"][at] == pytest.approx(share - (1 - share) * t / (1 - t), abs=1e-12)


def shapley(model, samples) -> np.ndarray:
    """(n, D) exact values of the true class's probability, by all coalitions and no code of ours."""
    picked = np.linspace(0, len(model.background) - 1, 50).round().astype(int)
    rows = model.background[picked]
    values = []
    for sample in samples:
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


@pytest.fixture(scope="module")
def reasoned(found, taught) -> dict[str, list[Any]]:
    """The three fits of each family whose reasons were compared: the last that were made."""
    last = taught[-6:]
    assert [name for name, *_ in last] == ["logistic"] * 3 + ["tree"] * 3
    return {"logistic": last[:3], "tree": last[3:]}


def test_floors_are_fits_on_other_rows_and_with_another_seed(reasoned, taught):
    whole = {s.id for s in (*taught[0][1].train, *taught[0][1].val)}
    for fits in reasoned.values():
        ids = [{s.id for s in (*part.train, *part.val)} for _, part, _, _ in fits]
        assert [seed for _, _, seed, _ in fits] == [SEED, SEED, SEED + 1]
        assert ids[0] == ids[2] != ids[1]
        assert all(len(i) == round(0.8 * len(whole)) and i <= whole for i in ids)


def test_agreement_is_the_correlation_of_exact_shapley_values(found, reasoned):
    samples = reasoned["tree"][0][1].test[:N]
    ground = reasoned["logistic"][0][3].background
    phi = {}
    for name, fits in reasoned.items():
        for k, (_, _, _, model) in enumerate(fits):
            model.background = ground  # the same removal for all
            phi[name, k] = shapley(model, samples)

    def agree(*sides):
        return np.mean(
            [
                pearsonr(x, y).statistic
                for a, b in sides
                for x, y in zip(phi[a], phi[b], strict=True)
            ]
        )

    rows = {
        (r["a"], r["b"], r["kind"]): r for r in (*found["same"]["floors"], *found["same"]["pairs"])
    }
    for name in NAMES:
        assert rows[name, name, "rows"]["value"] == pytest.approx(
            agree(((name, 0), (name, 1))), abs=1e-6
        )
        assert rows[name, name, "seed"]["value"] == pytest.approx(
            agree(((name, 0), (name, 2))), abs=1e-6
        )
    across = agree((("logistic", 0), ("tree", 1)), (("logistic", 1), ("tree", 0)))
    assert rows["logistic", "tree", "pair"]["value"] == pytest.approx(across, abs=1e-6)
    assert rows["logistic", "logistic", "seed"]["fixed"]  # it draws nothing
    shares = np.mean([np.abs(v) / np.abs(v).sum() for v in phi["tree", 0]], axis=0)
    seen = {r["feature"]: r["shares"]["tree"] for r in found["same"]["evidence"]["rows"]}
    assert seen == pytest.approx(dict(zip("abc", shares, strict=True)), abs=1e-6)


def test_samples_that_two_answer_differently_come_first_the_wrong_ones_before(found, reasoned):
    samples = {s.id: s for s in reasoned["tree"][0][1].test[:N]}
    cases = found["same"]["cases"]
    assert cases
    assert all(c["differ"] for c in cases)
    for case in cases:
        sample = samples[case["id"]]
        for side in case["sides"]:
            model = reasoned[side["model"]][0][3]
            p = softmax(model.scores([sample.x]), axis=1)[0]
            assert (side["says"], side["sure"]) == (
                ("no", "yes")[p.argmax()],
                pytest.approx(p.max()),
            )
            assert side["right"] == (p.argmax() == sample.label)
    wrong = [sum(not s["right"] for s in c["sides"]) for c in cases]
    assert wrong == sorted(wrong, reverse=True)


def test_learning_curves_are_fits_on_parts_of_the_same_folds(found, taught, data):
    for curve in found["learning"]:
        mine = [t for t in taught if t[0] == curve["model"]][10:30]  # after the ten folds
        for k, point in enumerate(curve["points"][:-1]):
            fits = mine[5 * k : 5 * k + 5]
            sizes = [len(p.train) + len(p.val) for _, p, _, _ in fits]
            assert point["n"] == round(np.mean(sizes))
            hits = [
                right(m.scores(p.inputs("test")), p.labels("test")).mean() for _, p, _, m in fits
            ]
            assert point["folds"] == pytest.approx(hits, abs=1e-12)
            assert (point["value"], point["low"], point["high"]) == pytest.approx(
                (np.mean(hits), min(hits), max(hits))
            )
        assert [p["n"] for p in curve["points"]] == [12, 30, 60, 120, 240]
    last = {c["model"]: c["points"][-1]["folds"] for c in found["learning"]}
    d = np.array(last["tree"]) - np.array(last["logistic"])
    assert found["gaps"][-1]["difference"] == pytest.approx(d.mean(), abs=1e-12)


def test_shifted_rows_and_own_rows_are_asked_of_the_models_of_the_first_repeat(found, taught):
    entries = {e["id"]: e for e in found["models"]}
    for name in NAMES:
        fits = [t for t in taught if t[0] == name][:5]
        own = [
            right(
                m.scores([s.x for s in (*p.train, *p.val)]),
                np.array([s.label for s in (*p.train, *p.val)]),
            ).mean()
            for _, p, _, m in fits
        ]
        assert entries[name]["own"] == pytest.approx(np.mean(own), abs=1e-12)
        assert set(entries[name]["shift"]) == {"noise", "missing"}
        assert entries[name]["joules"] == pytest.approx(10 * entries[name]["processor_seconds"])


def test_the_claims_are_told_by_the_numbers_that_they_rest_on(found):
    """Both models are classical, so the textbook's two kinds do not meet here."""
    assert found["claims"] == []
    assert {s["key"] for s in found["not_run"]} == {"cmp.left.tuning"}


def test_samples_are_drawn_only_when_that_is_asked_for(data):
    first = compare(data, models="logistic,tree", n=2, seed=2, full=False, learning=False)
    drawn = compare(
        data, models="logistic,tree", n=2, seed=2, draw=True, full=False, learning=False
    )
    assert first["same"]["n"] == drawn["same"]["n"] == 2
    assert [c["id"] for c in first["same"]["cases"]] != [c["id"] for c in drawn["same"]["cases"]]


def test_for_a_number_quality_is_r2_and_the_first_row_says_the_mean():
    data = line_data()
    found = compare(data, models="ridge,tree", n=0, full=False, learning=False)
    rows = (*data.train, *data.val, *data.test)
    x, y = np.array([s.x for s in rows]), np.array([s.label for s in rows])
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    told, mean = [], []
    for repeat in (0, 1):
        for learned, held in KFold(5, shuffle=True, random_state=repeat).split(x):
            m, s = x[learned].mean(0), x[learned].std(0)
            said = Ridge().fit((x[learned] - m) / s, y[learned]).predict((x[held] - m) / s)
            told.append(1 - np.mean((y[held] - said) ** 2) / y[held].var())
            mean.append(1 - np.mean((y[held] - y[learned].mean()) ** 2) / y[held].var())
    entries = {e["id"]: e for e in found["models"]}
    assert entries["ridge"]["accuracy"] == pytest.approx(np.mean(told), abs=1e-9)
    assert entries["mean"]["accuracy"] == pytest.approx(np.mean(mean), abs=1e-12)


def test_a_linear_model_reads_what_the_head_of_a_net_reads():
    data = toy_data("table", 60)
    model = train("mlp", data, width=8, steps=30, progress=False)
    assert isinstance(model, NeuralModel)
    seen = read_by_head(model, data.inputs("test"))
    head = [m for m in model.net.modules() if hasattr(m, "in_features")][-1]
    scores = seen @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    assert scores == pytest.approx(model.scores(data.inputs("test")), abs=1e-5)
    assert not head._forward_pre_hooks
    learned, held = (read_by_head(model, data.inputs(split)) for split in ("train", "test"))
    m, s = learned.mean(0), learned.std(0)
    s = np.where(s > 0, s, 1)
    linear = LogisticRegression(max_iter=2000).fit((learned - m) / s, data.labels("train"))
    told = np.mean(linear.predict((held - m) / s) == data.labels("test"))
    assert learned_quality(model, data, 0) == pytest.approx(told)
    assert learned_quality(train("tree", data, progress=False), data, 0) is None


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
    fit = Teacher.__call__

    def watched(self, family, part, seed, **params):
        seen.append((family.name, self.balanced))
        return fit(self, family, part, seed, **params)

    monkeypatch.setattr(Teacher, "__call__", watched)
    found = compare(rare(), models="logistic,tree", n=0, balanced=True, learning=False, full=False)
    plain = compare(rare(), models="logistic,tree", n=0, learning=False, full=False)
    assert seen == [(name, b) for b in (True, False) for _ in range(10) for name in NAMES]
    assert found["weights"] == "balanced"
    assert found["protocol"]["numbers"]["weights"]["key"] == "cmp.weights.balanced"
    said = [sum(row[1] for row in e["models"][1]["confusion"]) for e in (found, plain)]
    assert said[0] > said[1] + 50  # with weights the rare class is said more often
