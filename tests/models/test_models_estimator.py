"""scikit-learn models: scores, abilities, fast paths, and folders that can be trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline

from xaikit.core.abilities import Linear, Maskable, Model, Trees
from xaikit.core.errors import ModelError, NotApplicable, UnknownName
from xaikit.core.question import Masker, Question
from xaikit.core.types import Floats, Sample, Segmentation, Target
from xaikit.data.dataset import Column, Dataset
from xaikit.methods.base import ask, make_method
from xaikit.models.sklearn import (
    ESTIMATORS,
    EstimatorModel,
    fit_estimator,
    load_estimator,
    save_estimator,
    wrap_estimator,
)

FAST = {"forest": {"n_estimators": 5}, "boosting": {"max_iter": 8}}


def dataset(modality: str, xs: list[Any], labels: Any, **more: Any) -> Dataset:
    """Two thirds to train on, the rest shared by val and test."""
    samples = tuple(
        Sample(str(i), x, modality, y) for i, (x, y) in enumerate(zip(xs, labels, strict=True))
    )
    cut = 2 * len(samples) // 3
    facts = {"task": "classification", "classes": ("no", "yes"), **more}
    return Dataset(
        "toy", modality, train=samples[:cut], val=samples[cut:], test=samples[cut:], **facts
    )


def table(task: str = "classification", n_classes: int = 2) -> Dataset:
    """Two numbers of different size and a category of three codes."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=180), 100 * rng.normal(size=180), rng.integers(0, 3, 180)])
    target = x[:, 0] + x[:, 1] / 100 + 2.0 * (x[:, 2] == 1) + 0.1 * rng.normal(size=180)
    columns = (Column("a"), Column("b"), Column("c", ("red", "green", "blue")))
    if task == "regression":
        return dataset("table", list(x), target, task=task, classes=(), columns=columns)
    labels = np.digitize(target, np.quantile(target, np.arange(1, n_classes) / n_classes))
    classes = ("no", "yes", "maybe")[:n_classes]
    return dataset("table", list(x), labels, classes=classes, columns=columns)


def texts() -> Dataset:
    rng = np.random.default_rng(1)
    fillers = np.array(["the", "a", "film", "cast", "and", "was", "with", "story", "of", "it"])
    labels = rng.integers(0, 2, 120)
    xs = [
        np.array([*rng.choice(fillers, rng.integers(2, 9)), ("dull", "superb")[y], "."])
        for y in labels
    ]
    return dataset("text", xs, labels)


def images() -> Dataset:
    """A bright bar, upright or lying."""
    rng = np.random.default_rng(2)
    labels, xs = rng.integers(0, 2, 90), []
    for y in labels:
        x = rng.random((12, 12, 1)) / 4
        at = rng.integers(2, 10)
        x[(at, slice(None)) if y else (slice(None), at)] = 1.0
        xs.append(x)
    return dataset("image", xs, labels)


def series() -> Dataset:
    """A slow or a fast wave, beside a channel of noise."""
    rng = np.random.default_rng(3)
    labels, time = rng.integers(0, 2, 90), np.arange(40)
    xs = []
    for y in labels:
        wave = np.sin(2 * np.pi * (2 + 5 * y) * time / 40 + rng.random() * 6)
        xs.append(np.column_stack([wave, rng.normal(size=40)]))
    return dataset("series", xs, labels)


DATA = {"table": table, "text": texts, "image": images, "series": series}
CLASSIFIERS = [n for n in ESTIMATORS if "classification" in ESTIMATORS.get(n).tasks]
REGRESSORS = [n for n in ESTIMATORS if "regression" in ESTIMATORS.get(n).tasks]


@pytest.mark.parametrize("modality", DATA)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_learns_every_modality(name: str, modality: str, tmp_path: Path) -> None:
    data = DATA[modality]()
    model = fit_estimator(name, data, seed=1, **FAST.get(name, {}))
    assert isinstance(model, Model)
    xs = data.inputs("test")
    scores = model.scores(xs)
    assert (scores.shape, scores.dtype) == ((len(xs), 2), np.float64)
    raw: Any = xs if modality == "text" else np.stack(xs)
    odds = Target(1, space="prob")(scores)
    np.testing.assert_allclose(odds, model.pipeline.predict_proba(raw)[:, 1], atol=2e-7)
    right = model.info["metrics"]["test"]
    assert right["accuracy"] > (0.7 if name == "tree" else 0.8)
    assert right["correct"] == int((scores.argmax(axis=1) == data.labels("test")).sum())
    assert model.info["family"] == "sklearn"
    assert model.info["n_parameters"] > 1
    again = load_estimator(save_estimator(model, tmp_path / "model"))
    assert again.scores(xs).tolist() == scores.tolist()
    assert type(again) is type(model)
    assert (again.id, again.classes, again.space) == (f"toy-{name}", ("no", "yes"), model.space)
    assert again.info == json.loads(json.dumps(model.info))
    assert np.array_equal(again.background, model.background)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", REGRESSORS)
def test_every_regressor_learns_a_table(name: str, tmp_path: Path) -> None:
    data = table("regression")
    model = fit_estimator(name, data, **FAST.get(name, {}))
    scores = model.scores(data.inputs("test"))
    assert (scores.shape, model.space, model.classes) == ((60, 1), "value", ())
    assert model.info["metrics"]["test"]["r2"] > 0.3
    again = load_estimator(save_estimator(model, tmp_path / "model"))
    assert again.scores(data.inputs("test")).tolist() == scores.tolist()


@pytest.mark.parametrize("name", ["logistic", "boosting"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_are_the_estimators_own_margins(name: str, n_classes: int) -> None:
    data = table(n_classes=n_classes)
    model = fit_estimator(name, data, **FAST.get(name, {}))
    x = np.stack(data.inputs("test"))
    margin = model.pipeline.decision_function(x)
    scores = model.scores(x)
    assert model.space == "logit"
    found = scores[:, 1] - scores[:, 0] if n_classes == 2 else scores
    np.testing.assert_allclose(found, margin, atol=1e-12)


def test_abilities_tell_the_truth() -> None:
    found = {}
    for modality, make in DATA.items():
        for name in CLASSIFIERS:
            model = fit_estimator(name, make(), **FAST.get(name, {}))
            has = [p.__name__ for p in (Maskable, Trees, Linear) if isinstance(model, p)]
            found[modality, name] = " ".join(has)
    on_tables = ("Maskable Linear", "Trees", "Trees", "Trees", "")
    assert [found["table", name] for name in CLASSIFIERS] == list(on_tables)
    assert {found["text", name] for name in CLASSIFIERS} == {"Maskable"}
    assert {found[m, n] for m in ("image", "series") for n in CLASSIFIERS} == {""}


@pytest.mark.parametrize(("name", "n_classes"), [("logistic", 2), ("logistic", 3), ("ridge", 0)])
def test_terms_and_intercept_are_the_scores(name: str, n_classes: int) -> None:
    data = table(n_classes=n_classes) if n_classes else table("regression")
    model = fit_estimator(name, data)
    assert isinstance(model, Linear)
    x = np.stack(data.inputs("test"))
    terms = model.terms(x)
    assert terms.shape == (60, 3, max(n_classes, 1))
    np.testing.assert_allclose(
        model.linear_sum().intercept + terms.sum(axis=1), model.scores(x), atol=1e-12
    )
    changed = x.copy()
    changed[:, 1] += 50
    assert (model.terms(changed)[:, [0, 2]] == terms[:, [0, 2]]).all()


def ask_row(model: EstimatorModel, data: Dataset, space: str = "logit") -> Question:
    sample = data.test[0]
    return Question(
        model,
        sample,
        Segmentation(np.array([1, -1, 0]), ("c", "a"), "two of three columns"),
        Masker("rows", np.stack(data.inputs("train")[:9])),
        Target(1 if data.classes else 0, space=space),
    )


def unmasked(model: EstimatorModel) -> EstimatorModel:
    """The same model without its fast path."""
    return EstimatorModel(
        model.id, model.modality, model.classes, model.space, model.pipeline, model.background
    )


def test_masked_rows_of_a_linear_model_are_those_that_were_made() -> None:
    data = table()
    model = fit_estimator("logistic", data)
    masks = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=bool)
    fast, slow = (ask_row(m, data).value(masks) for m in (model, unmasked(model)))
    np.testing.assert_allclose(fast, slow, atol=1e-12)
    assert np.ptp(fast) > 0.1


@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("name", ["logistic", "boosting", "forest"])
def test_masked_texts_are_those_that_were_made(name: str, drops: bool) -> None:
    data = texts()
    model = fit_estimator(name, data, **FAST.get(name, {}))
    sample = data.test[0]
    n = len(sample.x)
    references = np.array([["[MASK]"] * n, ["superb", *["was"] * (n - 1)]])
    questions = [
        Question(
            m,
            sample,
            Segmentation(np.arange(n) // 2, tuple(map(str, range((n + 1) // 2))), "pairs"),
            Masker("words", references, drops=drops),
            Target(1, space=model.space),
        )
        for m in (model, unmasked(model))
    ]
    masks = np.random.default_rng(0).random((64, questions[0].n_features)) < 0.5
    fast, slow = (q.value(masks) for q in questions)
    np.testing.assert_allclose(fast, slow, atol=1e-12)
    assert len(set(fast.round(9))) > 1


@pytest.mark.parametrize(
    ("name", "space", "estimator"),
    [
        ("logistic", "logit", "linear"),
        ("tree", "prob", "tree"),
        ("forest", "prob", "tree"),
        ("boosting", "logit", "tree"),
        ("svm", "logit", "exact"),
    ],
)
def test_shap_takes_the_closed_form_that_there_is(name: str, space: str, estimator: str) -> None:
    data = table()
    model = fit_estimator(name, data, **FAST.get(name, {}))
    question = ask_row(model, data, space)
    assert model.space == space
    found = ask(make_method("shap"), [question])[0]
    assert found.extras["estimator"] == estimator
    exact = ask(make_method("exact_shapley"), [question])[0]
    np.testing.assert_allclose(found.values, exact.values, atol=1e-6)
    assert abs(exact.values).max() > 0.01


def test_a_contrast_of_three_classes_of_boosted_trees_is_read_off() -> None:
    data = table(n_classes=3)
    model = fit_estimator("boosting", data, max_iter=8)
    question = ask_row(model, data)
    target = Target(2, against=0)
    question = Question(
        model, question.sample, question.segmentation, question.masker, target, batch_size=64
    )
    found = ask(make_method("shap"), [question])[0]
    assert found.extras["estimator"] == "tree"
    exact = ask(make_method("exact_shapley"), [question])[0]
    np.testing.assert_allclose(found.values, exact.values, atol=1e-6)


def test_a_class_without_training_rows_is_never_likely() -> None:
    x = np.random.default_rng(4).normal(size=(60, 3))
    data = dataset(
        "table",
        list(x),
        2 * (x[:, 0] > 0),
        classes=("no", "never", "yes"),
        columns=table().columns[:1] * 3,
    )
    for name in ("logistic", "forest"):
        model = fit_estimator(name, data, **FAST.get(name, {}))
        scores = model.scores(x)
        assert (scores[:, 1] == np.log(1e-7)).all()
        assert (scores.argmax(axis=1) == 2 * (x[:, 0] > 0)).mean() > 0.9
        assert not isinstance(model, Linear)
    with pytest.raises(NotApplicable, match="saw no training row of some classes"):
        model.tree_sum()  # type: ignore[attr-defined]


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_generator() -> None:
    state = np.random.get_state()[1].tolist()
    data, made = table(), []
    for seed in (0, 0, 1):
        made.append(
            fit_estimator("forest", data, seed=seed, n_estimators=5).scores(data.inputs("test"))
        )
    assert made[0].tolist() == made[1].tolist() != made[2].tolist()
    assert np.random.get_state()[1].tolist() == state


def test_any_fitted_pipeline_can_be_wrapped() -> None:
    x = np.random.default_rng(5).normal(size=(80, 2))
    pipeline = make_pipeline(RandomForestClassifier(3, random_state=0)).fit(x, x[:, 0] > 0)
    model = wrap_estimator(pipeline, id="mine", modality="table", classes=("a", "b"))
    assert isinstance(model, Trees)
    assert model.scores(x).shape == (80, 2)
    named = make_pipeline(RandomForestClassifier(3)).fit(x, np.where(x[:, 0] > 0, "b", "a"))
    with pytest.raises(ModelError, match=r"are \['a', 'b'\]; fit it on the numbers 0 to 1"):
        wrap_estimator(named, id="mine", modality="table", classes=("a", "b"))


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("ridge", {}, "'ridge' does no classification and 'toy' is one; use 'logistic'"),
        ("forest", {"trees": 3}, "'forest' has no parameter 'trees'; it has bootstrap"),
        ("forest", {"n_estimators": -3}, "'forest' cannot be fitted on 'toy': .*n_estimators"),
        ("tree", {"features": "pixels"}, "'table' has no features 'pixels'; there is no choice"),
    ],
)
def test_wrong_wishes_are_named(name: str, params: dict[str, Any], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        fit_estimator(name, table(), **params)


def test_unknown_names_and_wrong_tasks_are_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'forest'"):
        fit_estimator("forrest", table())
    with pytest.raises(
        ModelError, match="'logistic' does no regression and 'toy' is one; use 'ridge'"
    ):
        fit_estimator("logistic", table("regression"))
    with pytest.raises(ModelError, match="no features 'edges'; there is gradients, pixels"):
        fit_estimator("tree", images(), features="edges")


def test_another_shape_is_refused() -> None:
    model = fit_estimator("tree", table())
    with pytest.raises(ModelError, match=r"reads inputs of shape \(3,\), not \(2,\)"):
        model.scores([np.zeros(2)])


def shared() -> Path:
    folder = os.environ.get("XAIKIT_SHARED")
    place = Path(folder) if folder else Path(__file__).parents[2].parent / "shared"
    if not (place / "data").is_dir():
        pytest.skip("the real data sets are not beside the repository (set XAIKIT_SHARED)")
    return place / "data"


@pytest.mark.shared
def test_adult_and_sst2_reach_what_is_known_of_them() -> None:
    from xaikit.data import load_data

    adult = load_data(shared() / "tabular_adult" / "train.csv.gz")
    assert fit_estimator("boosting", adult).info["metrics"]["test"]["accuracy"] > 0.86
    folder = shared() / "text_en_sst2"
    sst2 = load_data(folder / "train.csv.gz", test=folder / "dev.csv.gz", text_column="text")
    assert fit_estimator("logistic", sst2).info["metrics"]["test"]["accuracy"] > 0.785


def probabilities(scores: Floats) -> Floats:
    p: Floats = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
    return p


def test_probabilities_of_three_classes_sum_to_one() -> None:
    data = table(n_classes=3)
    for name in CLASSIFIERS:
        model = fit_estimator(name, data, **FAST.get(name, {}))
        x = np.stack(data.inputs("test"))
        np.testing.assert_allclose(
            probabilities(model.scores(x)), model.pipeline.predict_proba(x), atol=1e-6
        )
