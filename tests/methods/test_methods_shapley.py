"""Shapley values: closed forms, the paths that `shap` takes, and parity with the shap package."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shap as shap_package
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor
from toys import FunctionModel, ask_table, columns, linear, product

from xaikit.core.abilities import LinearSum, TreeSum
from xaikit.core.errors import OutOfBudget
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats, Segmentation, Target
from xaikit.methods.base import METHODS, ask
from xaikit.methods.shap import ExactShapley, Shap
from xaikit.models.estimator_model import TreeTable

NAMES = ("shap", "exact_shapley", "kernel_shap", "leverage_shap", "permutation_shap")
SAMPLED = ("shap", "kernel_shap", "leverage_shap", "permutation_shap")


def explain(name: str, question: Question, seed: int = 0, **params: Any) -> Explanation:
    return ask(METHODS.get(name)(**params), [question], seed=seed)[0]


def by_definition(question: Question) -> Floats:
    """Shapley values as the mean gain over all orders of adding features."""
    n = question.n_features
    phi = np.zeros(n)
    for order in itertools.permutations(range(n)):
        masks = np.zeros((n + 1, n), dtype=bool)
        for step, feature in enumerate(order):
            masks[step + 1 :, feature] = True
        phi[list(order)] += np.diff(question.value(masks)) / math.factorial(n)
    return phi


def smooth(n: int) -> FunctionModel:
    """A model with interactions of every order."""
    weights = np.linspace(-1, 1.5, n)
    return FunctionModel(lambda x: np.tanh(x @ weights + x[:, 0] * x[:, 1])[:, None])


@pytest.mark.parametrize("name", NAMES)
def test_a_linear_model_gives_weight_times_distance_from_the_mean_reference(name: str) -> None:
    references = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, -2.0]])
    question = ask_table(linear([1.0, 2.0, -3.0], 0.5), [1.0, 1.0, 1.0], references)
    found = explain(name, question)
    np.testing.assert_allclose(found.values, [0.0, 2.0, -6.0], atol=1e-12)
    assert abs(found.residual) < 1e-12
    assert (found.unit, found.additive, found.converged) == ("score", True, True)


@pytest.mark.parametrize("name", NAMES)
def test_a_product_is_shared_equally(name: str) -> None:
    np.testing.assert_allclose(explain(name, ask_table(product(), [2.0, 3.0])).values, [3.0, 3.0])


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_definition(name: str) -> None:
    rng = np.random.default_rng(0)
    question = ask_table(smooth(5), rng.normal(size=5), rng.normal(size=(3, 5)))
    found = explain(name, question, budget=2**5)
    np.testing.assert_allclose(found.values, by_definition(question), atol=1e-10)


def test_shap_asks_all_coalitions_of_few_features() -> None:
    rng = np.random.default_rng(0)
    question = ask_table(smooth(6), rng.normal(size=6), rng.normal(size=(3, 6)))
    found = explain("shap", question)
    assert (found.extras["estimator"], found.extras["evaluations"]) == ("exact", 64)
    np.testing.assert_allclose(found.values, by_definition(question), atol=1e-10)


@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_values_lie_within_their_standard_errors_and_add_up(name: str) -> None:
    rng = np.random.default_rng(1)
    question = ask_table(smooth(12), rng.normal(size=12), rng.normal(size=(2, 12)))
    truth = explain("exact_shapley", question).values
    found = explain(name, question, budget=400)
    assert found.std is not None
    assert found.std.max() > 0
    off = np.abs(found.values - truth) / found.std.max()
    assert off.max() < 4
    assert abs(found.residual) < 1e-9
    assert found.extras["estimator"] != "exact"
    assert found.extras["evaluations"] <= 400


@pytest.mark.parametrize("name", SAMPLED)
def test_the_seed_decides_and_the_batch_size_does_not(name: str) -> None:
    x = np.random.default_rng(2).normal(size=13)

    def values(seed: int, size: int) -> Floats:
        return explain(name, ask_table(smooth(13), x, batch_size=size), seed, budget=200).values

    first = values(0, 7)
    assert first.tolist() == values(0, 7).tolist()
    np.testing.assert_allclose(values(0, 500), first, rtol=1e-7, atol=1e-9)
    assert np.abs(values(1, 7) - first).max() > 1e-6


def test_exact_shapley_names_its_limit() -> None:
    question = ask_table(linear(np.ones(25)), np.ones(25))
    with pytest.raises(OutOfBudget, match="25 features"):
        explain("exact_shapley", question)


def test_not_converged_is_said() -> None:
    rng = np.random.default_rng(3)
    question = ask_table(smooth(16), 2 * rng.normal(size=16), rng.normal(size=(2, 16)))
    found = explain("permutation_shap", question, budget=70)
    assert found.converged is False
    assert "not converged" in found.note


class Terms(FunctionModel):
    """A linear model that can show its terms."""

    def __init__(self, weights: Any, classes: tuple[str, ...] = ()) -> None:
        self.weights = np.asarray(weights, dtype=np.float64)  # (D, K)
        super().__init__(lambda x: x @ self.weights + self.intercept, classes=classes)

    @property
    def intercept(self) -> Floats:
        return np.arange(self.weights.shape[1], dtype=np.float64)

    def linear_sum(self) -> LinearSum:
        return LinearSum(np.stack, np.arange(len(self.weights)), self.weights, self.intercept)


WEIGHTS = np.array([[1.0, -1.0, 2.0], [0.5, 0.0, -2.0], [3.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    ("target", "weights"),
    [
        (Target(2, space="value"), WEIGHTS[:, 2]),
        (Target(0, against=1), WEIGHTS[:, 0] - WEIGHTS[:, 1]),
    ],
)
def test_a_linear_model_is_read_off_without_evaluations(target: Target, weights: Floats) -> None:
    x, references = [1.0, 2.0, 3.0], [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    question = ask_table(Terms(WEIGHTS, tuple("abc")), x, references, target=target)
    found = explain("shap", question)
    np.testing.assert_allclose(found.values, weights * [0.5, 1.5, 3.0], atol=1e-12)
    assert (found.extras["estimator"], found.extras["evaluations"]) == ("linear", 0)
    assert found.cost.asked == 0


def test_the_log_odds_of_two_classes_are_linear_and_grouped_columns_add_up() -> None:
    model = Terms(WEIGHTS[:, :2], ("a", "b"))
    plain = ask_table(model, [1.0, 2.0, 3.0], target=Target(1))
    two = Segmentation(np.array([0, 1, 0]), ("first", "second"), "groups")
    question = Question(model, plain.sample, two, plain.masker, plain.target)
    found = explain("shap", question)
    assert found.extras["estimator"] == "linear"
    np.testing.assert_allclose(found.values, [-2 - 6, -1.0], atol=1e-12)
    np.testing.assert_allclose(found.values, explain("exact_shapley", question).values, atol=1e-12)


def test_a_target_that_is_not_linear_is_estimated_with_the_reason() -> None:
    question = ask_table(Terms(WEIGHTS, tuple("abc")), [1.0, 2.0, 3.0], target=Target(0))
    found = explain("shap", question)
    assert found.extras["estimator"] == "exact"
    assert "the log-odds of one among 3 scores is not linear" in found.note
    np.testing.assert_allclose(found.values, by_definition(question), atol=1e-12)


def test_terms_that_do_not_add_up_are_not_believed() -> None:
    class Wrong(Terms):
        def linear_sum(self) -> LinearSum:
            return replace(super().linear_sum(), weights=1.01 * self.weights)

    question = ask_table(Wrong(WEIGHTS), [1.0, 2.0, 3.0])
    found = explain("shap", question)
    assert "linear shap was not used: its answers to masked rows differ from" in found.note
    np.testing.assert_allclose(found.values, WEIGHTS[:, 0] * [1, 2, 3], atol=1e-12)


class Forest(FunctionModel):
    """A tree ensemble whose scores are what its trees add up to."""

    def __init__(self, ensemble: Any, space: str, shown: Any = None) -> None:
        self.ensemble, self.shown = ensemble, shown or ensemble
        super().__init__(_scores(ensemble, space), classes=("a", "b") if space != "value" else ())
        self.space = space

    def tree_sum(self) -> TreeSum:
        table = TreeTable("", "table", self.classes, self.space, make_pipeline(self.shown))
        return table.tree_sum()


def _scores(ensemble: Any, space: str) -> Callable[[Floats], Floats]:
    if space == "prob":
        return lambda x: np.log(np.clip(ensemble.predict_proba(x), 1e-12, 1))
    if space == "logit":
        return lambda x: np.stack([np.zeros(len(x)), ensemble.decision_function(x)], axis=1)
    return lambda x: ensemble.predict(x)[:, None]


def cancer(kind: Any, space: str, row: int = 3) -> Question:
    x, y = load_breast_cancer(return_X_y=True)
    model = Forest(kind.fit(x[:300], y[:300]), space)
    target = Target(1, space=space)
    return ask_table(model, x[row], x[300:320], target=target, batch_size=4096)


@pytest.mark.parametrize(
    ("kind", "space"),
    [
        (RandomForestClassifier(20, random_state=0), "prob"),
        (HistGradientBoostingClassifier(max_iter=20, random_state=0), "logit"),
    ],
)
def test_trees_equal_the_shap_package(kind: Any, space: str) -> None:
    question = cancer(kind, space)
    state = np.random.get_state()[1].tolist()
    found = explain("shap", question)
    assert np.random.get_state()[1].tolist() == state
    theirs = shap_package.TreeExplainer(
        kind, data=question.masker.references, feature_perturbation="interventional"
    ).shap_values(question.sample.x[None])
    assert (found.extras["estimator"], found.extras["evaluations"]) == ("tree", 0)
    # its leaves are float32 numbers below 1 and there are 20 trees
    np.testing.assert_allclose(found.values, theirs.reshape(30, -1)[:, -1], atol=2e-6)


def test_the_other_class_and_a_contrast_have_the_signs_they_should() -> None:
    question = cancer(HistGradientBoostingClassifier(max_iter=10, random_state=0), "logit")
    model, x, references = question.model, question.sample.x, question.masker.references
    one = explain("shap", question).values
    for target, sign in ((Target(0), -1), (Target(1, against=0), 1), (Target(0, against=1), -1)):
        found = explain("shap", ask_table(model, x, references, target=target))
        assert found.extras["estimator"] == "tree"
        np.testing.assert_allclose(found.values, sign * one, atol=1e-9)


@pytest.mark.parametrize(
    "kind",
    [
        RandomForestRegressor(20, max_depth=10, random_state=0),
        HistGradientBoostingRegressor(max_iter=40, max_leaf_nodes=15, random_state=0),
    ],
)
def test_trees_are_right_where_float32_thresholds_go_wrong(kind: Any) -> None:
    """On these rows shap's own float32 comparison is off by up to half a unit and more."""
    x, y = load_diabetes(return_X_y=True)
    model = Forest(kind.fit(x, y), "value")
    for row in (0, 7):
        question = ask_table(model, x[row], x[100:110], batch_size=20000)
        found = explain("shap", question)
        assert found.extras["estimator"] == "tree"
        truth = explain("exact_shapley", question).values
        np.testing.assert_allclose(found.values, truth, atol=2e-5)  # values are near 100


def test_trees_that_are_not_the_model_are_not_believed() -> None:
    x, y = load_diabetes(return_X_y=True)
    x = x[:, :6]
    right = DecisionTreeRegressor(max_depth=4, random_state=0).fit(x, y)
    wrong = DecisionTreeRegressor(max_depth=3, random_state=0).fit(x, y)
    question = ask_table(Forest(right, "value", shown=wrong), x[0], x[50:60])
    found = explain("shap", question)
    assert found.extras["estimator"] == "exact"
    assert "tree shap was not used: its answers to masked rows differ from" in found.note
    np.testing.assert_allclose(found.values, by_definition(question), atol=1e-9)


def test_trees_take_features_of_several_columns_and_need_their_own_space() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :6]
    model = Forest(RandomForestClassifier(5, random_state=0).fit(x, y), "prob")
    plain = ask_table(model, x[0], x[50:60], target=Target(1, space="prob"))
    pairs = Segmentation(np.array([0, 0, 1, 1, 2, 2]), ("a", "b", "c"), "pairs")
    question = Question(model, plain.sample, pairs, plain.masker, plain.target)
    found = explain("shap", question)
    assert found.extras["estimator"] == "tree"
    np.testing.assert_allclose(found.values, by_definition(question), atol=1e-12)
    found = explain("shap", ask_table(model, x[0], x[50:60], target=Target(1)))
    assert "these trees add up in probability and the target is a log-odds" in found.note
    assert found.extras["estimator"] == "exact"


def test_a_column_of_no_feature_stays_as_it_is() -> None:
    x, y = load_diabetes(return_X_y=True)
    x = x[:, :6]
    model = Forest(DecisionTreeRegressor(max_depth=5, random_state=0).fit(x, y), "value")
    plain = ask_table(model, x[0], x[50:60])
    some = Segmentation(np.array([2, 0, -1, 1, 3, -1]), tuple("cdae"), "four columns")
    question = Question(model, plain.sample, some, plain.masker, plain.target)
    found = explain("shap", question)
    assert found.extras["estimator"] == "tree"
    np.testing.assert_allclose(found.values, by_definition(question), atol=1e-5)


def test_kernel_shap_equals_the_package_where_both_are_exact() -> None:
    question = cancer(RandomForestClassifier(5, random_state=0), "prob")
    ids = np.minimum(np.arange(30) // 4, 7)
    groups = Segmentation(ids, tuple("abcdefgh"), "groups of columns")
    question = Question(
        question.model, question.sample, groups, question.masker, question.target, batch_size=9999
    )
    state = np.random.get_state()
    try:  # the package draws from NumPy's global generator
        theirs = shap_package.KernelExplainer(
            lambda z: question.value(z.astype(bool)), np.zeros((1, 8))
        ).shap_values(np.ones((1, 8)), nsamples=2**8, l1_reg=False, silent=True)
    finally:
        np.random.set_state(state)
    ours = explain("kernel_shap", question, budget=2**8)
    np.testing.assert_allclose(ours.values, theirs[0], atol=1e-9)
    assert ours.segmentation.n_features == 8


def test_a_dummy_gets_nothing_and_twins_the_same() -> None:
    model = FunctionModel(lambda x: (x[:, 0] * x[:, 1] + x[:, 2])[:, None])
    question = ask_table(model, [2.0, 2.0, 1.0, 9.0])
    for name in NAMES:
        values = explain(name, question).values
        np.testing.assert_allclose(values, [2.0, 2.0, 1.0, 0.0], atol=1e-12)


def test_relabelling_features_relabels_values() -> None:
    x = np.array([1.0, -0.5, 2.0, 0.3])
    plain = ask_table(smooth(4), x)
    turned = Segmentation(np.array([3, 2, 1, 0]), tuple("dcba"), "columns")
    question = Question(plain.model, plain.sample, turned, plain.masker, plain.target)
    values = ask(Shap(), [question])[0].values
    np.testing.assert_allclose(values[::-1], ask(ExactShapley(), [plain])[0].values, atol=1e-12)
    assert columns(4).n_features == 4


def test_an_explanation_says_which_estimator_answered_and_why() -> None:
    x, references = np.arange(1.0, 4.0), np.zeros((1, 3))
    told = {
        "linear": explain("shap", ask_table(Terms(np.ones((3, 1))), x, references)),
        "exact": explain("shap", ask_table(smooth(3), x)),
        "odd_gp": explain("shap", ask_table(smooth(13), np.arange(13) / 13), budget=100),
        "kernel": explain("kernel_shap", ask_table(smooth(13), np.arange(13) / 13), budget=100),
    }
    assert {name: found.extras["reason"] for name, found in told.items()} == {
        "linear": "the model has a closed form",
        "exact": "all 2^3 coalitions fit the budget of 8",
        "odd_gp": "2^13 coalitions do not fit the budget of 100",
        "kernel": "as asked",
    }
    for name, found in told.items():
        assert found.extras["estimator"] == name
        assert f"estimator: {name}, " in found.note
        assert f"; {found.extras['reason']}" in found.note
