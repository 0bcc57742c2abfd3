"""Estimators of scikit-learn as people bring them: which class is which, and what is explained."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.cluster import KMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, OneClassSVM

from xaikit.core.errors import DataError, InvalidInput, ModelError
from xaikit.core.labels import places_of
from xaikit.core.types import Sample, Target
from xaikit.data.load import load_data
from xaikit.models import load_model, save_model
from xaikit.models.wrapping import wrap
from xaikit.study.plan import explain

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
BACKGROUND, ROW = X[:20], X[40]
SIGN = X[:, 0] + 0.3 * RNG.normal(size=200) > 0
WORDS = np.where(SIGN, "yes", "no")
THREE = np.array(["red", "green", "blue"])[np.digitize(X[:, 0], [-0.5, 0.5])]
SAMPLE = Sample("a", ROW, "table")
MADE = {
    "logistic": LogisticRegression(),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "idle step": Pipeline([("nothing", "passthrough"), ("model", LogisticRegression())]),
    "forest": RandomForestClassifier(5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=5, random_state=0),
    "bayes": GaussianNB(),
    "search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
}
LABELS = {
    "words": WORDS,
    "three words": THREE,
    "numbers 0 to 2": np.digitize(X[:, 0], [-0.5, 0.5]),
    "-1 and 1": np.where(SIGN, 1, -1),
    "1 and 2": np.where(SIGN, 2, 1),
    "truth": SIGN,
    "floats": SIGN.astype(float),
    "numbers in words": np.where(SIGN, "1", "0"),
    "objects": WORDS.astype(object),
}
TABLE = {"modality": "table", "background": BACKGROUND}


def text_of(label) -> str:
    return str(int(label)) if isinstance(label, float) else str(label)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", ["logistic", "forest"])
def test_each_name_gets_the_probability_of_its_own_label_in_any_order(name, labels) -> None:
    fitted = MADE[name].fit(X, LABELS[labels])
    own = [text_of(label) for label in fitted.classes_.tolist()]
    by_name = dict(zip(own, fitted.predict_proba(ROW[None])[0], strict=True))
    for order in itertools.permutations(own):
        model = wrap(fitted, classes=order, **TABLE)
        assert model.classes == order
        found = np.exp(model.scores([ROW])[0])
        np.testing.assert_allclose(found / found.sum(), [by_name[n] for n in order], atol=1e-6)
    assert wrap(fitted, **TABLE).classes == tuple(own)


@pytest.mark.parametrize("name", MADE)
def test_values_of_a_class_are_the_same_in_any_order(name: str) -> None:
    fitted = MADE[name].fit(X, THREE)
    found = {}
    for order in (("blue", "green", "red"), ("red", "blue", "green")):
        model = wrap(fitted, classes=order, **TABLE)
        (e,) = explain(model, SAMPLE, methods=["shap"], target="red")
        (c,) = explain(
            model, SAMPLE, methods=["shap"], target=Target(order.index("red"), order.index("blue"))
        )
        found[order] = e, c
    (first, second), (other, turned) = found.values()
    np.testing.assert_allclose(first.values, other.values, atol=1e-9)
    np.testing.assert_allclose(second.values, turned.values, atol=1e-9)
    assert first.extras["estimator"] == other.extras["estimator"]
    assert np.abs(first.values).max() > 0.01


def test_the_closed_form_of_a_linear_model_with_its_classes_turned() -> None:
    for labels, classes in ((SIGN, ("True", "False")), (WORDS, ("yes", "no")), (SIGN * 1, (1, 0))):
        fitted = LogisticRegression().fit(X, labels)
        model = wrap(fitted, classes=classes, **TABLE)
        (found,) = explain(model, SAMPLE, methods=["shap"], target=str(classes[0]))
        right = fitted.coef_[0] * (ROW - BACKGROUND.mean(axis=0))
        np.testing.assert_allclose(found.values, right, atol=1e-9)


def test_trees_with_their_classes_turned_keep_treeshap() -> None:
    fitted = MADE["forest"].fit(X, WORDS)
    for order in (("no", "yes"), ("yes", "no")):
        (found,) = explain(
            wrap(fitted, classes=order, **TABLE), SAMPLE, methods=["shap"], target="yes"
        )
        assert found.extras["estimator"] == "tree"
        p = fitted.predict_proba(ROW[None])[0, 1] - fitted.predict_proba(BACKGROUND)[:, 1].mean()
        assert found.values.sum() == pytest.approx(p)


def test_numbers_from_0_take_other_names_in_their_order() -> None:
    fitted = LogisticRegression().fit(X, LABELS["numbers 0 to 2"])
    found = np.exp(wrap(fitted, classes=("low", "middle", "high"), **TABLE).scores([ROW]))
    np.testing.assert_allclose(found, fitted.predict_proba(ROW[None]), atol=1e-9)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("words", ("Yes", "No")),
        ("words", ("yes", "yes")),
        ("words", ("no", "perhaps", "yes")),
        ("-1 and 1", ("bad", "good")),
        ("1 and 2", ("0", "1")),
        ("truth", ("bad", "good")),
        ("floats", ("bad", "good")),
        ("numbers 0 to 2", ("a", "b")),
    ],
)
@pytest.mark.parametrize("modality", ["table", "series"])
def test_names_that_do_not_tell_which_class_is_which_are_refused(labels, names, modality) -> None:
    fitted = LogisticRegression().fit(X, LABELS[labels])
    own = ", ".join(text_of(label) for label in fitted.classes_.tolist())
    shape = (3,) if modality == "table" else (3, 1)
    with pytest.raises(ModelError) as caught:
        wrap(fitted, modality=modality, classes=names, sample=ROW.reshape(shape))
    assert f"the classes {', '.join(names)} were given" in str(caught.value)
    assert f"fitted on the labels {own};" in str(caught.value)


def test_texts_images_and_series_are_reordered_too() -> None:
    texts = ["good film", "bad film", "good", "bad"] * 3
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, ["pos", "neg"] * 6)
    model = wrap(pipeline, modality="text", classes=("pos", "neg"))
    found = np.exp(model.scores([np.array(["good", "film"])]))
    np.testing.assert_allclose(found, pipeline.predict_proba(["good film"])[:, ::-1], atol=1e-12)
    fitted = LogisticRegression().fit(X, WORDS)
    for modality, shape in (("image", (1, 3, 1)), ("series", (3, 1))):
        x = np.clip(ROW, 0, 1).reshape(shape).astype(np.float32)
        model = wrap(fitted, modality=modality, classes=("yes", "no"), sample=x)
        right = fitted.predict_proba(x.reshape(1, -1))[:, ::-1]
        np.testing.assert_allclose(np.exp(model.scores([x])), right, atol=1e-9)


def test_a_saved_model_keeps_its_order(tmp_path) -> None:
    model = wrap(MADE["scaled"].fit(X, WORDS), classes=("yes", "no"), **TABLE)
    folder = save_model(model, tmp_path / "m")
    again = load_model(folder)
    assert again.classes == ("yes", "no")
    assert again.scores(X[:5]).tolist() == model.scores(X[:5]).tolist()
    config = json.loads((folder / "config.json").read_text())
    for order in ([0, 0], [1, 2], [True, False], [0]):
        (folder / "config.json").write_text(json.dumps(config | {"order": order}))
        with pytest.raises(ModelError, match=r"config.json: order is .*; it must be (a list|each)"):
            load_model(folder)


def test_labels_of_a_file_are_mapped_or_refused(tmp_path) -> None:
    def written(low, high):
        rows = "\n".join(f"{i},{high if i % 2 else low}" for i in range(40))
        (tmp_path / "a.csv").write_text(f"a,b\n{rows}\n")
        return tmp_path / "a.csv"

    for low, high, classes in (("no", "yes", ("yes", "no")), (1, 2, ("2", "1"))):
        data = load_data(written(low, high), classes=classes)
        every = (*data.train, *data.val, *data.test)
        assert all(s.label == (0 if s.x[0] % 2 else 1) for s in every)  # odd rows hold `high`
    named = load_data(written(1, 2), classes=("low", "high"))  # numbers, in their order
    assert all(s.label == s.x[0] % 2 for s in named.train)
    with pytest.raises(
        DataError, match=r"classes names Yes, No and 'a.csv' holds the labels no, yes"
    ):
        load_data(written("no", "yes"), classes=("Yes", "No"))
    with pytest.raises(DataError, match=r"classes names 3 classes and 'a.csv' holds the 2 labels"):
        load_data(written("no", "yes"), classes=("yes", "no", "no"))


def test_places_are_none_where_it_cannot_be_known() -> None:
    assert places_of(("b", "a"), np.array(["a", "b"])) == (1, 0)
    assert places_of(("1", "0"), np.array([0, 1])) == (1, 0)
    assert places_of(("1.0", "0"), np.array([0.0, 1.0])) == (1, 0)
    assert places_of(("x", "y"), np.array([0, 1])) == (0, 1)
    assert places_of(("x", "y"), np.array([0.0, 1.0])) is None
    assert places_of(("1", "1.0"), np.array([1, 2])) is None


@pytest.mark.parametrize(
    ("detector", "name"),
    [
        (IsolationForest(n_estimators=10, random_state=0), "score_samples"),
        (OneClassSVM(), "score_samples"),
        (LocalOutlierFactor(novelty=True), "score_samples"),
        (EllipticEnvelope(random_state=0), "score_samples"),
        (make_pipeline(StandardScaler(), OneClassSVM()), "score_samples"),
    ],
)
def test_an_outlier_detector_is_explained_by_its_score(detector, name: str) -> None:
    detector.fit(X)
    model = wrap(detector, **TABLE)
    right = getattr(detector, name)
    np.testing.assert_allclose(model.scores(X[:5])[:, 0], right(X[:5]))
    assert (model.classes, model.space) == ((), "value")
    (found,) = explain(model, SAMPLE, methods=["shap"])
    assert found.values.sum() == pytest.approx(right(ROW[None])[0] - right(BACKGROUND).mean())
    with pytest.raises(ModelError, match=r"gives numbers and 2 classes were named; leave classes"):
        wrap(detector, classes=("in", "out"), **TABLE)


TWO = [("a", GaussianNB()), ("b", LogisticRegression())]
BOTH = np.stack([SIGN, X[:, 1] > 0], axis=1).astype(int)
REFUSED = [
    (SVC().fit(X, WORDS), {}, r"a SVC gives no probabilities; put it into CalibratedClassifierCV, or .* outputs='values'"),
    (SVC().fit(X, WORDS), {"classes": ("no", "yes")}, r"a SVC gives no probabilities"),
    (SGDClassifier().fit(X, SIGN * 1.0), {}, r"a SGDClassifier gives no probabilities"),
    (make_pipeline(StandardScaler(), LinearSVC()).fit(X, WORDS), {}, r"a Pipeline gives no probabilities"),
    (OneVsRestClassifier(LinearSVC()).fit(X, THREE), {}, r"a OneVsRestClassifier gives no probabilities"),
    (VotingClassifier(TWO).fit(X, WORDS), {}, r"a VotingClassifier gives no probabilities; .* voting='soft'"),
    (VotingClassifier(TWO).fit(X, WORDS), {"outputs": "values"}, r"a VotingClassifier has no decision_function"),
    (KMeans(2).fit(X), {}, r"a KMeans is no classifier, regressor or outlier detector"),
    (GaussianMixture(2).fit(X), {}, r"a GaussianMixture is no classifier, regressor or outlier"),
    (StandardScaler().fit(X), {}, r"a StandardScaler is no classifier, regressor or outlier"),
    (make_pipeline(StandardScaler(), PCA()).fit(X), {}, r"a Pipeline is no classifier, regressor or"),
    (MultiOutputClassifier(LogisticRegression()).fit(X, BOTH), {}, r"answers 2 labels at once and 0 were named; name each"),
    (RandomForestClassifier(2).fit(X, BOTH), {}, r"answers 2 labels at once and 0 were named; name each"),
    (LogisticRegression(), {}, r"a LogisticRegression has no classes_; fit it"),
    (LogisticRegression(), {"classes": ("a", "b")}, r"fails on one sample \(This LogisticRegression instance is not fitted"),
    (Ridge(), {}, r"predict of a Ridge fails on one sample \(This Ridge instance is not fitted"),
    (Ridge().fit(X, ROW[0] * X[:, 0]), {"classes": ("a", "b")}, r"predict of a Ridge gives numbers and 2 classes"),
    (GaussianNB().fit(X, [0] * 200), {}, r"a GaussianNB knows one class only, 0"),
    (LogisticRegression().fit(X[:, :2], WORDS), {}, r"fails on one sample \(X has 3 features, but"),
    (RandomForestRegressor, {}, r"a ABCMeta is no model; give a torch module"),
]  # fmt: skip


@pytest.mark.parametrize(("estimator", "changes", "text"), REFUSED)
def test_what_cannot_be_explained_is_refused_by_name(estimator, changes, text) -> None:
    with pytest.raises(InvalidInput, match=text):
        wrap(estimator, **TABLE, **changes)


def test_the_decision_function_is_a_value_when_asked_for() -> None:
    machine = SVC().fit(X, WORDS)
    model = wrap(machine, outputs="values", **TABLE)
    np.testing.assert_allclose(model.scores(X[:5])[:, 0], machine.decision_function(X[:5]))
    assert model.space == "value"


class Own:
    """Nothing of scikit-learn but its words."""

    classes_ = np.array(["down", "up"])

    def predict(self, x):
        return self.classes_[(x[:, 0] > 0).astype(int)]

    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-x[:, 0]))
        return np.stack([1 - p, p], axis=1)


def test_an_estimator_of_ones_own() -> None:
    model = wrap(Own(), classes=("up", "down"), **TABLE)
    np.testing.assert_allclose(np.exp(model.scores([ROW]))[0, 0], 1 / (1 + np.exp(-ROW[0])))


def test_a_space_that_is_named_is_used_on_tables() -> None:
    fitted = MADE["forest"].fit(X, WORDS)
    (found,) = explain(wrap(fitted, space="logit", **TABLE), SAMPLE, methods=["shap"], target="yes")
    assert found.unit == "log-odds"
    assert found.residual == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("sparse", [csr_matrix, csr_array])
def test_a_sparse_background_is_a_full_one(sparse) -> None:
    fitted = LogisticRegression().fit(X, WORDS)
    full = wrap(fitted, **TABLE)
    thin = wrap(fitted, modality="table", background=sparse(BACKGROUND))
    asked = [explain(m, SAMPLE, methods=["shap"])[0].values for m in (full, thin)]
    asked += [
        e.values for e in explain(full, SAMPLE, methods=["shap"], background=sparse(BACKGROUND))
    ]
    assert asked[0].tolist() == asked[1].tolist() == asked[2].tolist()
    assert wrap(fitted, modality="table", sample=sparse(ROW[None])).classes == ("no", "yes")
    with pytest.raises(
        InvalidInput, match=r"shape \(200000, 2000\) takes 2.98 GiB .* background\[:100\]"
    ):
        wrap(fitted, modality="table", background=sparse((200_000, 2000)))
    with pytest.raises(
        InvalidInput, match=r"sample 'a' is a sparse csr_\w+; call .toarray\(\)\[0\]"
    ):
        Sample("a", sparse(ROW[None]), "table")


def test_rows_of_words_are_refused_with_the_way_out() -> None:
    fitted = LogisticRegression().fit(X, WORDS)
    words = np.array([["red", 1, 2]], dtype=object)
    with pytest.raises(
        InvalidInput,
        match=r"the background holds object and numbers are needed; give a frame, or code",
    ):
        wrap(fitted, modality="table", background=words)
    with pytest.raises(
        InvalidInput, match=r"cannot be read as table .* code categories as numbers"
    ):
        Sample("a", words[0], "table")


WHOLE = np.round(X * 2)
WHOLE_ROW = Sample("a", WHOLE[40], "table")


@pytest.mark.parametrize(
    ("categorical", "coded", "told"),
    [
        (None, (0, 1, 2), " (most frequent value of x0, x1, x2, whole numbers taken for categories)"),
        ([], (), ""),
        ([1], (1,), " (most frequent value of x1, categories)"),
        ([True, False, True], (0, 2), " (most frequent value of x0, x2, categories)"),
        (np.array([2, 0]), (0, 2), " (most frequent value of x0, x2, categories)"),
    ],
)  # fmt: skip
def test_which_columns_are_categories_is_decided_and_told(categorical, coded, told) -> None:
    """The columns' means and most frequent values, worked out here, are what the model is shown."""
    fitted = Ridge().fit(WHOLE, X[:, 0])
    model = wrap(fitted, modality="table", background=WHOLE[:20], categorical=categorical)
    (found,) = explain(model, WHOLE_ROW, methods=["shap"], masker="median")
    typical = np.median(WHOLE[:20], axis=0)
    for column in coded:
        values, counts = np.unique(WHOLE[:20, column], return_counts=True)
        typical[column] = values[counts.argmax()]
    assert found.masker == f"column medians{told}"
    np.testing.assert_allclose(found.values, fitted.coef_ * (WHOLE[40] - typical), atol=1e-9)


class Named:
    """An estimator that was fitted on a table with names."""

    feature_names_in_ = np.array(["age", "town", "member"], dtype=object)

    def predict(self, x):
        return x.sum(axis=1)


def test_categories_are_found_by_name_or_refused() -> None:
    fitted = Named()
    model = wrap(fitted, modality="table", background=WHOLE[:20], categorical=["town"])
    assert model.info["categorical"] == (False, True, False)
    for wrong in (["Town"], [3], [-1], [1, 1], [True, False], [0.5], ["age", 1]):
        with pytest.raises(
            InvalidInput, match=r"give names, indices from 0 to 2 or one bool for each"
        ):
            wrap(fitted, modality="table", background=WHOLE[:20], categorical=wrong)
    with pytest.raises(InvalidInput, match=r"categorical is for tables and this is series"):
        wrap(fitted, modality="series", sample=np.zeros((3, 1)), categorical=[0])
