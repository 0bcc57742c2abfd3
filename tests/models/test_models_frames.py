"""Estimators that were fitted on frames: columns by name, against brute force on frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from toy_frames import N, on_frames, people, worth

import xaikit
from xaikit.core.errors import ModelError
from xaikit.models.estimator_model import EstimatorModel, LinearTable, TreeTable


def prepared(*more: Any) -> ColumnTransformer:
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "rooms"]),
            ("words", words, ["town"]),
            ("rest", "passthrough", ["member"]),
            *more,
        ]
    )


def explained(model: Any, rows: pd.DataFrame, **asked: Any) -> Any:
    return xaikit.explain(model, rows, ["shap"], **asked)[0]


def log_odds(pipeline: Any) -> Any:
    return lambda frame: pipeline.decision_function(frame)


@pytest.mark.parametrize("gaps", [False, True])
def test_a_pipeline_on_a_frame_in_three_lines(gaps: bool) -> None:
    frame = people(gaps=gaps)
    pipeline = make_pipeline(
        ColumnTransformer(
            [
                ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"]),
                ("rest", "passthrough", ["age", "member", "rooms"]),
            ]
        ),
        HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5),
    ).fit(frame, worth(frame) > 1)
    background, rows = frame[:20], frame[21:23]

    model = xaikit.wrap(pipeline, background=background)
    found = xaikit.explain(model, rows, ["shap"], target="True")

    assert found[0].names == tuple(frame.columns)
    assert isinstance(model, TreeTable)
    for i in range(len(rows)):
        assert "tree, exact" in found[i].note
        want = on_frames(log_odds(pipeline), rows.iloc[[i]], background)
        assert np.allclose(found[i].values, want, atol=1e-9)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([prepared(), LogisticRegression()], LinearTable),
        ([prepared(), HistGradientBoostingClassifier(max_iter=5)], EstimatorModel),
        (
            [
                ColumnTransformer(
                    [
                        ("coded", OrdinalEncoder(), ["town", "member"]),
                        ("seen", TargetEncoder(cv=3), ["rooms"]),
                        ("shift", FunctionTransformer(np.abs), ["age"]),
                    ]
                ),
                HistGradientBoostingClassifier(max_iter=5),
            ],
            TreeTable,
        ),
        (
            [
                ColumnTransformer(
                    [
                        (
                            "words",
                            OneHotEncoder(),
                            make_column_selector(dtype_include=["object", "str"]),
                        )
                    ],
                    remainder="drop",
                ),
                StandardScaler(with_mean=False),
                LogisticRegression(),
            ],
            LinearTable,
        ),
    ],
    ids=["linear", "trees", "encoders", "selector"],
)
def test_values_of_pipelines_are_those_of_frames(steps: list[Any], kind: type) -> None:
    frame = people()
    pipeline = make_pipeline(*steps).fit(frame, worth(frame) > 1)
    model = xaikit.wrap(pipeline, background=frame[:12])
    assert isinstance(model, kind)
    found = explained(model, frame[30:31], target="True")
    want = on_frames(log_odds(pipeline), frame[30:31], frame[:12])
    assert found.names == tuple(frame.columns)
    assert np.allclose(found.values, want, atol=1e-9)


def test_a_text_column_is_one_feature() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "note": [" ".join(rng.choice(["good", "bad", "slow", "kind"], 3)) for _ in range(N)],
            "price": rng.normal(size=N),
        }
    )
    y = frame.note.str.count("good") - frame.price
    columns = ColumnTransformer(
        [("text", TfidfVectorizer(), "note"), ("rest", "passthrough", ["price"])]
    )
    pipeline = make_pipeline(columns, LinearRegression()).fit(frame, y)
    model = xaikit.wrap(pipeline, background=frame[:9])
    new = pd.DataFrame({"note": ["good but nobody said so before"], "price": [0.5]})
    found = explained(model, new)
    assert isinstance(model, LinearTable)
    assert np.allclose(found.values, on_frames(pipeline.predict, new, frame[:9]), atol=1e-9)
    assert (
        model.info["columns"][0]["categories"][-1] == new.note[0]
    )  # a new text has a code of its own


def test_categories_that_were_never_seen_are_the_estimators_own_matter() -> None:
    frame = people()
    new = frame[30:31].assign(town="Narnia")
    kinds = {"ignore": None, "error": "unknown categories"}
    for handle, said in kinds.items():
        words = ColumnTransformer(
            [("words", OneHotEncoder(handle_unknown=handle), ["town"])], remainder="passthrough"
        )
        pipeline = make_pipeline(words, LogisticRegression(max_iter=1000)).fit(
            frame, worth(frame) > 1
        )
        model = xaikit.wrap(pipeline, background=frame[:10])
        if said is None:
            found = explained(model, new, target="True")
            want = on_frames(log_odds(pipeline), new, frame[:10])
            assert np.allclose(found.values, want, atol=1e-9)
        else:
            with pytest.raises(xaikit.XaikitError, match=said):
                explained(model, new)


@pytest.mark.parametrize(
    "dtypes", [{"town": "category"}, {"town": "category", "member": "boolean"}]
)
def test_boosting_that_reads_categories_and_gaps_by_itself(dtypes: dict[str, str]) -> None:
    frame = people(gaps=True, **dtypes)
    model_of = HistGradientBoostingClassifier(
        max_iter=8, min_samples_leaf=5, categorical_features="from_dtype"
    )
    estimator = model_of.fit(frame, worth(people(gaps=True)) > 1)
    background = frame[:12]
    model = xaikit.wrap(estimator, background=background)
    assert isinstance(model, TreeTable)
    rows = frame.iloc[[21, 28, 37]]  # whole, without an age, without a town
    assert rows[["age", "town"]].isna().any().all()
    found = xaikit.explain(model, rows, ["shap"], target="True")
    for i in range(len(rows)):
        assert "tree, exact" in found[i].note
        want = on_frames(log_odds(estimator), rows.iloc[[i]], background)
        assert np.allclose(found[i].values, want, atol=1e-9)


def test_missing_values_are_refused_with_a_count_where_they_are_not_read() -> None:
    frame = people(gaps=True)[["age", "rooms"]]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(frame.dropna(), worth(people())[frame.age.notna()] > 1)
    with pytest.raises(ModelError, match=r"3 of 20 background rows have missing values \(age\)"):
        xaikit.wrap(pipeline, background=frame[:20])
    model = xaikit.wrap(pipeline, background=frame.dropna()[:20])
    with pytest.raises(
        ModelError, match=r"1 of 4 samples have missing values \(age\).*SimpleImputer"
    ):
        xaikit.explain(model, frame[5:9], ["shap"])
    with pytest.raises(ModelError, match="1 of 1 samples have missing values"):
        xaikit.study(model, [xaikit.Sample("a", np.array([np.nan, 2.0]), "table")], ["shap"])


METHODS = ("shap", "exact_shapley", "kernel_shap", "leverage_shap", "permutation_shap", "lime", "occlusion")  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_rows_reads_gaps(method: str) -> None:
    """Of an additive function of values and gaps each column has its own part."""

    def function(x: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(x[:, 0]), 5.0, x[:, 0]) + 2 * np.isnan(x[:, 1])

    rows = np.array([[0.0, 1.0], [np.nan, 1.0], [1.0, np.nan], [2.0, 0.0]])
    model = xaikit.wrap(function, modality="table", background=rows)
    found = xaikit.explain(model, np.array([[np.nan, np.nan]]), [method])[0]
    assert np.allclose(found.values, [5.0 - 2.0, 2.0 - 0.5], atol=1e-6)
