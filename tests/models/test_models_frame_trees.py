"""TreeSHAP of ensembles that were fitted on frames, bare or behind steps, against brute force on frames."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from toy_frames import on_frames, people, worth

import xaikit
from xaikit.core.types import Target
from xaikit.models.estimator_model import TreeTable

FRAME = people(gaps=True, town="category")
BACKGROUND, ROWS = FRAME[:10], FRAME.iloc[[21, 28, 37]]  # rows with an age and a town, without one
THREE = np.digitize(worth(FRAME), [0.5, 2])
TWO = (THREE > 0).astype(int)
BOTH = Target(1, 0, space="logit")


def behind(estimator: Any) -> Any:
    words = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    return make_pipeline(
        ColumnTransformer([("words", words, ["town"])], remainder="passthrough"), estimator
    )


def raw(package: str, k: int) -> Any:
    """Margins of a package: of the second of two classes, or of the second before the first of three."""
    argument = {
        "xgboost": {"output_margin": True},
        "lightgbm": {"raw_score": True},
        "catboost": {"prediction_type": "RawFormulaVal"},
    }[package]

    def ask(estimator: Any, frame: Any) -> np.ndarray:
        margins = np.asarray(estimator.predict(frame, **argument))
        return margins if k == 2 else margins[:, 1] - margins[:, 0]

    return ask


def margin(estimator: Any, frame: Any) -> np.ndarray:
    margins = estimator.decision_function(frame)
    return margins if margins.ndim == 1 else margins[:, 1] - margins[:, 0]


def values(estimator: Any, frame: Any) -> np.ndarray:
    return estimator.predict(frame)


def share(estimator: Any, frame: Any) -> np.ndarray:
    return estimator.predict_proba(frame)[:, 1]


SMALL = {"min_samples_leaf": 4}
OWN = {
    "forest": (behind(RandomForestClassifier(5, random_state=0)), TWO, Target(1, space="prob"), share),
    "extra trees": (
        behind(ExtraTreesRegressor(5, random_state=0)), worth(FRAME), Target(0, space="value"), values,
    ),
    "three classes": (
        behind(HistGradientBoostingClassifier(max_iter=4, **SMALL)), THREE, BOTH, margin,
    ),
    "own categories": (
        HistGradientBoostingRegressor(max_iter=4, categorical_features="from_dtype", **SMALL),
        worth(FRAME), Target(0, space="value"), values,
    ),
    "own categories, three classes": (
        HistGradientBoostingClassifier(max_iter=4, categorical_features=["town"], **SMALL),
        THREE, BOTH, margin,
    ),
}  # fmt: skip


def same(estimator: Any, target: Target, ask: Any, rtol: float = 1e-9) -> None:
    model = xaikit.wrap(estimator, background=BACKGROUND)
    found = xaikit.explain(model, ROWS, ["shap"], target=target)
    assert isinstance(model, TreeTable)
    for i in range(len(ROWS)):
        assert "tree, exact" in found[i].note, found[i].note
        want = on_frames(lambda frame: ask(estimator, frame), ROWS.iloc[[i]], BACKGROUND)
        assert np.allclose(found[i].values, want, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", OWN)
def test_trees_of_scikit_learn(name: str) -> None:
    estimator, y, target, ask = OWN[name]
    same(estimator.fit(FRAME, y), target, ask)


def test_gradient_boosting_of_three_classes_behind_an_imputer() -> None:
    from sklearn.impute import SimpleImputer

    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    columns = ColumnTransformer(
        [("words", words, ["town"]), ("rest", SimpleImputer(), ["age", "rooms"])]
    )
    estimator = make_pipeline(columns, GradientBoostingClassifier(n_estimators=3, random_state=0))
    same(estimator.fit(FRAME, THREE), BOTH, margin)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("package", ["xgboost", "lightgbm"])
def test_trees_of_packages_that_split_on_categories(package: str, k: int) -> None:
    made = importlib.import_module(pytest.importorskip(package).__name__)
    estimator = {
        "xgboost": lambda: made.XGBClassifier(n_estimators=4, max_depth=3, enable_categorical=True),
        "lightgbm": lambda: made.LGBMClassifier(
            n_estimators=4, min_child_samples=4, min_data_per_group=4, cat_smooth=1, verbose=-1
        ),
    }[package]()
    estimator.fit(FRAME, TWO if k == 2 else THREE)
    same(estimator, Target(1, space="logit") if k == 2 else BOTH, raw(package, k), rtol=2e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_catboost_on_numbers_and_its_refusal_of_categories(k: int) -> None:
    made = pytest.importorskip("catboost")
    quiet = {"iterations": 4, "depth": 3, "verbose": 0, "allow_writing_files": False}
    y, target = (TWO, Target(1, space="logit")) if k == 2 else (THREE, BOTH)
    numbers = behind(made.CatBoostClassifier(**quiet)).fit(FRAME, y)
    last = numbers[-1]
    same(numbers, target, lambda _, frame: raw("catboost", k)(last, numbers[:-1].transform(frame)))
    words = people(member="str")
    estimator = made.CatBoostClassifier(cat_features=["town", "member"], **quiet).fit(words, y)
    model = xaikit.wrap(estimator, background=words[:10])
    found = xaikit.explain(model, words[30:31], ["shap"], target=target)[0]
    assert "CatBoost splits on categories by counts of the answers" in found.note
    want = on_frames(lambda frame: raw("catboost", k)(estimator, frame), words[30:31], words[:10])
    assert np.allclose(found.values, want, atol=1e-9)
