"""Exact Shapley values of blocks: every kind of model against all coalitions that it answers itself."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import math
import threading
import weakref
from typing import Any

import numpy as np
import pytest
import shap as shap_package
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import xaikit
from xaikit.core.abilities import TreeSum
from xaikit.core.errors import NotApplicable
from xaikit.core.types import Floats, Ints, Sample, Target
from xaikit.methods.base import ask, make_method
from xaikit.methods.exact import shapley_rows
from xaikit.methods.trees import leaf_sums
from xaikit.models.linear_sums import is_affine
from xaikit.study.plan import Plan, make_questions

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 5))
X[:, 4] = RNG.integers(0, 12, 240)  # a category
Y = ((X[:, 4] % 3 == 0) ^ (X[:, 0] + X[:, 1] * X[:, 2] > 0)).astype(int)
Y3 = Y + (X[:, 3] > 0.5)
VALUE = X[:, 0] * X[:, 1] + 3 * (X[:, 4] % 2) + X[:, 2]
REFERENCES = X[200:207]
ODDS, CHANCE, NUMBER = Target(1), Target(1, space="prob"), Target(0, space="value")
BETWEEN, THIRD = Target(2, against=0), Target(2, space="value")


def wrapped(estimator: Any, y: Any, x: Floats = X, **words: Any) -> Any:
    return xaikit.wrap(estimator.fit(x, y), modality="table", background=X[:40], **words)


def by_coalitions(
    model: Any, x: Floats, references: Floats, target: Target, ids: Ints | None = None
) -> Floats:
    """Shapley values from the model's own answers to all 2^n masks."""
    ids = np.arange(len(x)) if ids is None else ids
    n = ids.max() + 1
    masks = np.array(list(itertools.product([False, True], repeat=n)))
    kept = np.where(ids < 0, True, masks[:, ids])
    shown = np.where(kept[:, None], x, references).reshape(-1, len(x))
    value = target(model.scores(shown)).reshape(len(masks), -1).mean(axis=1)
    value = dict(zip(map(tuple, masks.tolist()), value, strict=True))
    phi = np.zeros(n)
    for mask, without in value.items():
        weight = math.factorial(sum(mask)) * math.factorial(n - sum(mask) - 1) / math.factorial(n) if not all(mask) else 0  # fmt: skip
        for j in np.flatnonzero(~np.array(mask)):
            phi[j] += weight * (value[(*mask[:j], True, *mask[j + 1 :])] - without)
    return phi


def check(model: Any, target: Target, kind: str, x: Floats = X, atol: float = 1e-9) -> None:
    found = shapley_rows(model, x[:4], x[200:207], target)
    assert (found.estimator, found.reasons) == (kind, {})
    for row, values in zip(x, found.values, strict=False):
        truth = by_coalitions(model, row, x[200:207], target)
        np.testing.assert_allclose(values, truth, atol=atol)
        assert np.abs(truth).max() > 0.01


FEW = {"n_estimators": 8, "random_state": 0}
LESS = {"max_iter": 8, "random_state": 0}


@pytest.mark.parametrize(
    ("estimator", "y", "target"),
    [
        (DecisionTreeClassifier(random_state=0), Y, CHANCE),
        (RandomForestClassifier(**FEW), Y3, CHANCE),
        (RandomForestRegressor(**FEW), VALUE, NUMBER),
        (RandomForestRegressor(**FEW), np.stack([VALUE, VALUE, -2 * VALUE], axis=1), THIRD),
        (ExtraTreesClassifier(**FEW), Y, CHANCE),
        (ExtraTreesRegressor(**FEW), VALUE, NUMBER),
        (GradientBoostingClassifier(**FEW), Y, ODDS),
        (GradientBoostingClassifier(loss="exponential", **FEW), Y, ODDS),
        (GradientBoostingClassifier(init="zero", **FEW), Y, Target(0)),
        (GradientBoostingClassifier(**FEW), Y3, BETWEEN),
        (GradientBoostingRegressor(**FEW), VALUE, NUMBER),
        (HistGradientBoostingClassifier(**LESS), Y, ODDS),
        (HistGradientBoostingClassifier(categorical_features=[4], **LESS), Y, ODDS),
        (HistGradientBoostingClassifier(**LESS), Y3, BETWEEN),
        (HistGradientBoostingRegressor(categorical_features=[4], **LESS), VALUE, NUMBER),
    ],
)
def test_trees_equal_all_coalitions(estimator: Any, y: Any, target: Target) -> None:
    # probabilities below 1e-7 count as that
    check(wrapped(estimator, y), target, "tree", atol=2e-7 if target is CHANCE else 1e-9)


@pytest.mark.parametrize("target", [THIRD, Target(0, space="value")])
def test_margins_of_boosted_trees_equal_all_coalitions(target: Target) -> None:
    model = wrapped(GradientBoostingClassifier(**FEW), Y3, outputs="values")
    check(model, target, "tree")


ONE_HOT = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), [4]),
    (StandardScaler(), [0, 2]),
    remainder="passthrough",
)


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [MinMaxScaler()],
        [SimpleImputer(), StandardScaler()],
        [KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")],
        [OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)],
        [ONE_HOT],
        [make_pipeline(StandardScaler()), "passthrough"],
    ],
)
@pytest.mark.parametrize(
    ("estimator", "kind"),
    [(GradientBoostingClassifier(**FEW), "tree"), (LogisticRegression(), "linear")],
)
def test_steps_of_one_column_each_are_seen_through(
    steps: list[Any], estimator: Any, kind: str
) -> None:
    """One-hot columns go with their category, as one feature: their own values would not add up to it."""
    check(wrapped(make_pipeline(*steps, estimator), Y), ODDS, kind)


@pytest.mark.parametrize("step", [PolynomialFeatures(2), Normalizer()])
def test_steps_that_mix_columns_are_named(step: Any) -> None:
    model = wrapped(make_pipeline(step, RandomForestClassifier(**FEW)), Y)
    with pytest.raises(
        NotApplicable, match=f"a {type(step).__name__} may make one number of several"
    ):
        shapley_rows(model, X[:2], REFERENCES, CHANCE)
    model = wrapped(make_pipeline(step, LogisticRegression(max_iter=2000)), Y)
    with pytest.raises(NotApplicable, match="'yours' has no closed form"):
        shapley_rows(model, X[:2], REFERENCES, ODDS)


@pytest.mark.parametrize(
    ("estimator", "y", "target"),
    [
        (LogisticRegression(), Y, ODDS),
        (LogisticRegression(), Y3, BETWEEN),
        (LinearDiscriminantAnalysis(), Y, Target(0)),
        (SGDClassifier(loss="log_loss", random_state=0), Y, ODDS),
        (GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}), Y, ODDS),
        (Ridge(), VALUE, NUMBER),
        (Lasso(0.01), VALUE, NUMBER),
        (LinearRegression(), np.stack([VALUE, VALUE, -VALUE], axis=1), THIRD),
    ],
)
def test_linear_models_equal_all_coalitions(estimator: Any, y: Any, target: Target) -> None:
    check(wrapped(estimator, y), target, "linear")


@pytest.mark.parametrize(
    "estimator",
    [
        LinearSVC(),
        SGDClassifier(random_state=0),
        Perceptron(),
        RidgeClassifier(),
        OneVsRestClassifier(LogisticRegression()),
        make_pipeline(StandardScaler(), RidgeClassifier()),
    ],
)
def test_decision_functions_of_linear_models_are_sums(estimator: Any) -> None:
    for y, target in ((Y3, THIRD), (Y, NUMBER)):
        check(wrapped(estimator, y, outputs="values"), target, "linear")


def test_a_link_is_no_weighted_sum_though_it_has_coefficients() -> None:
    model = wrapped(PoissonRegressor(), np.abs(VALUE))
    with pytest.raises(NotApplicable, match="no closed form"):
        shapley_rows(model, X[:2], REFERENCES, NUMBER)


def test_missing_values_and_unknown_categories_go_where_the_trees_send_them() -> None:
    x = X.copy()
    x[np.random.default_rng(0).random(x.shape) < 0.15] = np.nan
    y = Y | np.isnan(x[:, 4])
    odd = x.copy()
    odd[:2, 4], odd[200:203, 4] = 40, 200  # that it never saw
    model = wrapped(HistGradientBoostingClassifier(categorical_features=[4], **LESS), y, x)
    check(model, ODDS, "tree", x)
    check(model, ODDS, "tree", odd)
    check(wrapped(RandomForestClassifier(**FEW), y, x), CHANCE, "tree", x, 2e-7)


def test_a_code_may_go_where_nan_goes() -> None:
    """A node on categories: 0 right, 1 left, all others like NaN, which goes left."""
    stump = TreeSum(
        roots=np.array([0]), left=np.array([1, -1, -1]), right=np.array([2, -1, -1]),
        column=np.zeros(3, dtype=np.int64), threshold=np.zeros(3),
        missing_left=np.array([True, False, False]), codes=np.array([0, -1, -1]),
        code_left=np.array([[0, 1, -1]], dtype=np.int8), values=np.array([[0.0], [1.0], [2.0]]),
        read=np.asarray, owners=np.array([0]), space="value",
    )  # fmt: skip
    rows = np.array([[0.0], [1.0], [5.0], [np.nan]])
    assert leaf_sums(stump, rows)[:, 0].tolist() == [2.0, 1.0, 1.0, 1.0]


class Clipped:
    """States coefficients and answers with their sum where it is above 0."""

    coef_, intercept_ = np.array([1.0, -2.0]), 0.5

    def predict(self, x: Floats) -> Floats:
        return np.maximum(x @ self.coef_ + self.intercept_, 0.0)


def test_a_sum_that_holds_for_some_inputs_only_is_none() -> None:
    assert not is_affine(Clipped(), "predict")


@pytest.mark.filterwarnings("ignore")  # of what the packages think of plain arrays
@pytest.mark.parametrize("three", [False, True])
@pytest.mark.parametrize("package", ["xgboost", "lightgbm"])
def test_trees_of_other_packages(package: str, three: bool) -> None:
    boosted = pytest.importorskip(package)
    y, target = (Y3, BETWEEN) if three else (Y, ODDS)
    x = X.copy()
    x[::7] = np.nan
    if package == "xgboost":
        kinds, one = ["q", "q", "q", "q", "c"], {"max_cat_to_onehot": 1}
        made = boosted.XGBClassifier(
            n_estimators=8, enable_categorical=True, feature_types=kinds, **one
        ).fit(x, y)
    else:
        few = {"min_child_samples": 5, "min_data_per_group": 1, "max_cat_to_onehot": 1}
        made = boosted.LGBMClassifier(n_estimators=8, verbose=-1, **few)
        made.fit(x, y, categorical_feature=[4])
        x[1, 4] = 40  # a category that it never saw
    model = xaikit.wrap(made, modality="table", background=X[:40])
    assert model.tree_sum().codes.max() >= 0
    check(model, target, "tree", x, 1e-5 if package == "xgboost" else 1e-9)  # float32 margins


def test_a_booster_that_is_no_sum_of_trees_is_refused_by_name() -> None:
    xgboost = pytest.importorskip("xgboost")
    for words, reason in (
        ({"booster": "dart"}, "XGBoost's 'dart' is read another way"),
        ({"objective": "count:poisson"}, "with XGBoost's objective 'count:poisson' its answer"),
    ):
        model = wrapped(xgboost.XGBRegressor(n_estimators=3, **words), np.abs(VALUE))
        with pytest.raises(NotApplicable, match=reason):
            shapley_rows(model, X[:2], REFERENCES, NUMBER)


@pytest.mark.parametrize(
    ("estimator", "y", "target", "reason"),
    [
        (GradientBoostingClassifier(init=LogisticRegression(), **FEW), Y, ODDS, "starts from a LogisticRegression"),
        (HistGradientBoostingRegressor(loss="poisson", **LESS), np.abs(VALUE), NUMBER, "is the exponential of"),
        (GradientBoostingClassifier(**FEW), Y3, ODDS, "the log-odds of one among 3 classes is no sum of trees"),
        (LogisticRegression(), Y3, ODDS, "the log-odds of one among 3 scores is not linear"),
        (RandomForestClassifier(**FEW), Y, ODDS, "add up in probability and the target is a log-odds"),
    ],
)  # fmt: skip
def test_what_has_no_closed_form_says_why(
    estimator: Any, y: Any, target: Target, reason: str
) -> None:
    with pytest.raises(NotApplicable, match=reason):
        shapley_rows(wrapped(estimator, y), X[:2], REFERENCES, target)


@pytest.mark.parametrize("k", [1, 63, 64, 65, 130])
def test_any_number_of_references_is_their_mean(k: int) -> None:
    model = wrapped(GradientBoostingRegressor(**FEW), VALUE)
    found = shapley_rows(model, X[:3], X[60 : 60 + k], NUMBER).values
    each = [shapley_rows(model, X[:3], X[i : i + 1], NUMBER).values for i in range(60, 60 + k)]
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-12)


def test_features_of_several_columns_and_columns_of_none() -> None:
    ids = np.array([1, 0, -1, 1, 0])
    for estimator, kind in (
        (GradientBoostingClassifier(**FEW), "tree"),
        (LogisticRegression(), "linear"),
    ):
        model = wrapped(make_pipeline(ONE_HOT, estimator), Y)
        found = shapley_rows(model, X[:3], REFERENCES, ODDS, ids)
        assert (found.estimator, found.reasons) == (kind, {})
        for row, values in zip(X, found.values, strict=False):
            truth = by_coalitions(model, row, REFERENCES, ODDS, ids)
            np.testing.assert_allclose(values, truth, atol=1e-9)


def test_rows_of_a_block_are_those_of_one_alone_at_any_size(monkeypatch) -> None:
    model = wrapped(RandomForestClassifier(**FEW), Y3)
    targets = [Target(i % 3, space="prob") for i in range(60)]
    whole = shapley_rows(model, X[:60], REFERENCES, targets).values
    alone = [shapley_rows(model, X[i : i + 1], REFERENCES, targets[i]).values[0] for i in range(60)]
    monkeypatch.setattr("xaikit.methods.trees.DECISIONS", 1000)
    small = shapley_rows(model, X[:60], REFERENCES, targets).values
    assert (whole == alone).all()
    assert (whole == small).all()


def test_closed_forms_equal_the_shap_package() -> None:
    est = GradientBoostingClassifier(**FEW).fit(X, Y)
    model = xaikit.wrap(est, modality="table", background=X[:40])
    theirs = shap_package.TreeExplainer(est, REFERENCES).shap_values(X[:50], check_additivity=False)
    found = shapley_rows(model, X[:50], REFERENCES, ODDS).values
    np.testing.assert_allclose(found, theirs, atol=2e-6)  # its leaves are float32
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    model = xaikit.wrap(scaled, modality="table", background=X[:40])
    masker = shap_package.maskers.Independent(scaled[0].transform(REFERENCES))
    theirs = shap_package.LinearExplainer(scaled[1], masker).shap_values(scaled[0].transform(X))
    np.testing.assert_allclose(shapley_rows(model, X, REFERENCES, ODDS).values, theirs, atol=1e-10)


def test_a_map_that_takes_one_column_for_another_is_not_believed() -> None:
    """Its values sum to output - empty all the same."""
    model = wrapped(make_pipeline(StandardScaler(), GradientBoostingClassifier(**FEW)), Y)
    right = model.tree_sum()
    model.tree_sum = lambda: dataclasses.replace(right, owners=np.array([1, 0, 2, 3, 4]))
    with pytest.raises(NotApplicable, match="tree shap was not used: its answers to masked rows"):
        shapley_rows(model, X[:3], REFERENCES, ODDS)


def test_a_wrong_map_is_seen_beside_any_offset() -> None:
    """A small effect on a large number is judged by the effect."""
    model = wrapped(make_pipeline(StandardScaler(), GradientBoostingRegressor(**FEW)), VALUE + 1e7)
    right = model.tree_sum()
    assert shapley_rows(model, X[:3], REFERENCES, NUMBER).reasons == {}
    model = dataclasses.replace(model)
    model.tree_sum = lambda: dataclasses.replace(right, owners=np.array([1, 0, 2, 3, 4]))
    with pytest.raises(NotApplicable, match="its answers to masked rows differ"):
        shapley_rows(model, X[:3], REFERENCES, NUMBER)


def test_a_row_whose_values_miss_its_output_is_named() -> None:
    model = wrapped(GradientBoostingRegressor(**FEW), VALUE)
    outputs = model.scores(X[:5])[:, 0]
    outputs[3] += 1
    found = shapley_rows(model, X[:5], REFERENCES, NUMBER, outputs=outputs)
    assert list(found.reasons) == [3]
    assert "its values miss output - empty by 1" in found.reasons[3]


def questions(model: Any, n: int = 6) -> list[Any]:
    samples = [Sample(f"s{i}", x, "table") for i, x in enumerate(X[:n])]
    return make_questions(model, samples, Plan())[0]


def test_shap_answers_a_block_of_questions_and_those_that_fail_by_themselves() -> None:
    model = wrapped(GradientBoostingClassifier(**FEW), Y)
    asked = questions(model)
    asked[2].__dict__["output"] = (
        asked[2].output + 1
    )  # what a model that changes by itself would give
    found = ask(make_method("shap"), asked)
    assert [e.extras["estimator"] for e in found] == [
        "tree",
        "tree",
        "exact",
        "tree",
        "tree",
        "tree",
    ]
    assert "tree shap was not used: its values miss output - empty by 1" in found[2].note
    for explanation, question in zip(found, asked, strict=True):
        if explanation.extras["estimator"] == "tree":
            truth = by_coalitions(
                model, question.sample.x, question.masker.references, question.target
            )
            np.testing.assert_allclose(explanation.values, truth, atol=1e-9)


def test_trees_are_read_once_anew_after_a_fit_and_freed_with_the_model() -> None:
    estimator = GradientBoostingRegressor(**FEW)
    model = wrapped(estimator, VALUE)
    first = model.tree_sum()
    assert model.tree_sum() is first
    estimator.fit(X, -VALUE)
    assert model.tree_sum() is not first
    np.testing.assert_allclose(
        shapley_rows(model, X[:2], REFERENCES, NUMBER).values[0],
        by_coalitions(model, X[0], REFERENCES, NUMBER),
        atol=1e-9,
    )
    gone = weakref.ref(model.tree_sum())
    del model, first
    gc.collect()
    assert gone() is None


def test_threads_get_the_same_numbers() -> None:
    model = wrapped(RandomForestClassifier(**FEW), Y)
    right, found = shapley_rows(model, X[:40], REFERENCES, CHANCE).values, []
    fresh = dataclasses.replace(model)
    work = [
        threading.Thread(
            target=lambda: found.append(shapley_rows(fresh, X[:40], REFERENCES, CHANCE))
        )
        for _ in range(4)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert all((one.values == right).all() for one in found)
    assert len(found) == 4
