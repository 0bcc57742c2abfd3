"""Estimators that were fitted on frames: columns by name, against brute force on frames."""

from __future__ import annotations

from pathlib import Path
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
from toy_frames import N, on_frames, people, shapley, worth

import xaikit
from xaikit.app import brought
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.models.estimator_model import EstimatorModel, LinearTable, TreeTable
from xaikit.models.frames import Frames


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


@pytest.mark.parametrize("dtype", ["String", "Categorical", "Enum"])
def test_polars_frames_come_back_as_polars(dtype: str) -> None:
    pl = pytest.importorskip("polars")
    known = people(gaps=True)
    words = [None if town is None or town != town else town for town in known.town.tolist()]
    kind = pl.Enum(["서울", "Köln", "Łódź"]) if dtype == "Enum" else getattr(pl, dtype)
    frame = pl.DataFrame(
        {
            "age": pl.Series(known.age.to_numpy()).fill_nan(None),
            "town": pl.Series(words).cast(kind),
            "member": known.member.to_list(),
            "rooms": known.rooms.to_list(),
        }
    )
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["town"]),
            ("numbers", SimpleImputer(), ["age"]),
        ],
        remainder="passthrough",
    )
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame, worth(known) > 1)
    model = xaikit.wrap(pipeline, background=frame[:9])
    found = explained(model, frame[28:29], target="True")
    back = model.frames.transform(model.frames.coded(frame[:40]))
    assert back.schema == frame.schema
    assert back.to_dicts() == frame[:40].to_dicts()

    def value(mask: np.ndarray) -> float:
        mixed = frame[:9]
        for kept, name in zip(mask, mixed.columns, strict=True):
            if kept:
                own = pl.Series(name, [frame[name][28]] * 9, dtype=frame[name].dtype)
                mixed = mixed.with_columns(own)
        return float(pipeline.decision_function(mixed).mean())

    assert np.allclose(found.values, shapley(value, 4), atol=1e-9)


def test_what_is_decoded_is_what_was_given() -> None:
    frame = people(gaps=True, member="boolean", rooms="Int64").assign(
        when=pd.Timestamp("2026-01-02") + pd.to_timedelta(np.arange(N) % 3, "D"),
        grade=pd.Categorical(["low", "high"] * (N // 2), ["low", "high"], ordered=True),
        mixed=pd.Series([None, np.nan, "a", 2] * (N // 4), dtype=object),
    )
    frame.loc[3, "rooms"] = pd.NA
    frame.loc[4, "when"] = pd.NaT
    frames = Frames.of(frame)
    pd.testing.assert_frame_equal(frames.transform(frames.coded(frame)), frame)
    named = {column["name"]: column["categories"] for column in frames.columns}
    assert named["grade"] == ["low", "high"]
    assert named["mixed"] == ["2", "a", "missing (nan)"]  # None is what NaN stands for here


def test_frames_that_do_not_fit_are_refused_by_name() -> None:
    frame = people()
    pipeline = make_pipeline(prepared(), LogisticRegression()).fit(frame, worth(frame) > 1)
    model = xaikit.wrap(pipeline, background=frame[:9])
    with pytest.raises(
        InvalidInput, match="the frame has no column 'town' and the model reads one"
    ):
        xaikit.explain(model, frame[["age", "member", "rooms"]], "shap")
    with pytest.raises(
        InvalidInput, match="column 'age' held numbers and holds something else now"
    ):
        xaikit.explain(model, frame[:1].assign(age="old"), "shap")
    with pytest.raises(
        InvalidInput, match=r"column 'town' holds 7 and has the codes 0 to 2 for Köln"
    ):
        model.scores(np.array([[40.0, 7.0, 1.0, 2.0]]))
    with pytest.raises(InvalidInput, match="column 'town' holds a list; give one number or word"):
        Frames.of(frame.assign(town=[["a"]] * N))


def test_modality_is_told_by_the_estimator() -> None:
    frame = people()[["age", "rooms"]]
    table = xaikit.wrap(LinearRegression().fit(frame, worth(people())), background=frame[:9])
    assert (table.modality, table.info["columns"][0]["name"]) == ("table", "age")
    texts = ["good and kind", "bad and slow", "kind", "bad"]
    text = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    assert xaikit.wrap(text).modality == "text"
    alone = xaikit.wrap(LinearRegression().fit(frame, worth(people())), sample=frame[5:6])
    assert np.allclose(alone.scores(frame[5:6].to_numpy()), table.scores(frame[5:6].to_numpy()))
    with pytest.raises(InvalidInput, match="what does this function read. Say modality=, one of"):
        xaikit.wrap(lambda x: x)


def test_a_saved_pipeline_reads_frames_and_files_again(tmp_path: Path) -> None:
    frame = people(gaps=True)
    columns = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"])],
        remainder="passthrough",
    )
    pipeline = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5)).fit(
        frame, worth(frame) > 1
    )
    model = xaikit.wrap(pipeline, background=frame[frame.town != "Köln"][:20])
    loaded = xaikit.load_model(model.save(tmp_path / "model"))
    want = xaikit.explain(model, frame[26:30], ["shap"], target="True")
    found = xaikit.explain(loaded, frame[26:30], ["shap"], target="True")
    assert [e.values.tolist() for e in found] == [e.values.tolist() for e in want]

    frame.assign(paid=worth(frame) > 1).to_csv(tmp_path / "people.csv", index=False)
    data = xaikit.load_data(tmp_path / "people.csv", label_column="paid", missing="keep")
    run = xaikit.study(loaded, data.test[:4], ["shap"], "none", data=data, overview=False)
    codes = [int(sample.id.removeprefix("row-")) - 1 for sample in run.samples]
    assert np.allclose(run.predictions, pipeline.predict_proba(frame.iloc[codes]))
    own = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=2)
    words = people(town="category")
    kept = xaikit.wrap(own.fit(words, worth(words) > 1), background=words[:9])
    with pytest.raises(ModelError, match=r"holds functools.partial.*which no file holds safely"):
        kept.save(tmp_path / "own")


def test_a_change_to_or_from_a_missing_value_is_told_in_words(tmp_path: Path) -> None:
    frame = people(gaps=True, town="category")
    own = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5)
    model = xaikit.wrap(own.fit(frame, worth(frame) > 1), background=frame[:20])
    row = frame[28:29]  # without an age
    found = xaikit.counterfactual(model, row)
    assert "(it is “missing”)" in str(found)
    assert found.changes[0].before != found.changes[0].before
    after = model.frames.transform(found.x[None])
    assert own.predict(after)[0] != own.predict(row)[0]
    told = explained(model, row)
    assert "age = missing" in told.save(tmp_path / "a.html", row).read_text(encoding="utf-8")
    assert told.save(tmp_path / "a.png", frame.iloc[28]).stat().st_size > 0
    with pytest.raises(
        InvalidInput, match="a ndarray is no sample; give the Sample, or the row of"
    ):
        told.save(tmp_path / "c.png", np.ones(4))


def test_numbers_are_no_words_to_an_estimator_that_read_words() -> None:
    frame = people()
    columns = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore"), ["town"])], remainder="passthrough"
    )
    pipeline = make_pipeline(columns, LogisticRegression()).fit(frame, worth(frame) > 1)
    codes = Frames.of(frame).coded(frame)
    with pytest.raises(InvalidInput, match="a Pipeline was fitted on words and numbers were given"):
        xaikit.wrap(pipeline, background=codes[:10])
    numbers = make_pipeline(StandardScaler(), LinearRegression()).fit(
        frame[["age", "rooms"]], worth(frame)
    )
    model = xaikit.wrap(numbers, background=codes[:10][:, [0, 3]])
    assert [column["name"] for column in model.info["columns"]] == ["age", "rooms"]


def test_a_factory_of_a_pipeline_reads_a_file_as_a_frame(tmp_path: Path) -> None:
    frame = people(gaps=True)
    columns = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"])],
        remainder="passthrough",
    )
    last = HistGradientBoostingClassifier(max_iter=5)
    pipeline = make_pipeline(columns, last).fit(frame, worth(frame) > 1)
    frame.assign(paid=worth(frame) > 1).to_csv(tmp_path / "people.csv", index=False)
    data = xaikit.load_data(tmp_path / "people.csv", label_column="paid", missing="keep")
    rows = brought._as_frame(pipeline, data, data.inputs("test")[:20])
    at = [int(sample.id.removeprefix("row-")) - 1 for sample in data.test[:20]]
    assert np.allclose(pipeline.predict_proba(rows), pipeline.predict_proba(frame.iloc[at]))
    assert str(rows.dtypes["member"]) == "bool"
    assert brought._as_frame(pipeline, xaikit.load_data("wine"), []) is None


def test_rows_in_a_frame_may_stand_in_in_any_order() -> None:
    frame = people()[["age", "rooms"]]
    estimator = LinearRegression().fit(frame, worth(people()))
    turned = frame[["rooms", "age"]]
    for model in (
        xaikit.wrap(estimator, background=turned[:9]),
        xaikit.wrap(estimator, background=frame[:3]),
    ):
        found = xaikit.explain(model, turned[30:31], ["shap"], background=turned[:9])[0]
        want = estimator.coef_ * (frame.iloc[30] - frame[:9].mean())
        assert found.names == ("age", "rooms")
        assert np.allclose(found.values, want)
