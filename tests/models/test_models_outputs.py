"""What a model's numbers are is found out on many rows, said, or asked; never guessed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import Sample, Target
from xaikit.methods.base import ask, make_method
from xaikit.models.wrapping import wrap
from xaikit.study.plan import Plan, make_question
from xaikit.study.study import probabilities, study
from xaikit.tasks import MultiLabel, Regression, task_of

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(30, 4))
W = RNG.normal(size=(4, 3)) * 2
ABC = ("a", "b", "c")
SAMPLES = [Sample(f"s{i}", x, "table") for i, x in enumerate(ROWS[20:25])]
XS = ROWS[20:25]


def logits(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, dtype=np.float64) @ W


def linear(*after: nn.Module) -> nn.Module:
    layer = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(W.T))
    return nn.Sequential(layer, *after)


def table(thing, **given):
    return wrap(thing, modality="table", **{"classes": ABC, "background": ROWS[:20], **given})


P = softmax(logits(XS), axis=1)


@pytest.mark.parametrize(
    ("thing", "outputs", "note"),
    [
        (linear(), "logits", ""),
        (linear(nn.Softmax(1)), "probabilities", "sum to 1: taken as probabilities"),
        (linear(nn.LogSoftmax(1)), "log_probabilities", "taken as log-probabilities"),
        (logits, "logits", ""),
        (lambda x: softmax(logits(x), axis=1), "probabilities", "taken as probabilities"),
        (lambda x: np.log(softmax(logits(x), axis=1)), "log_probabilities", "log-probabilities"),
        (lambda x: softmax(logits(x), axis=1).round(3), "probabilities", "taken as probabilities"),
    ],
)
def test_rows_tell_what_they_are(thing, outputs, note) -> None:
    model = table(thing)
    assert model.info["outputs"] == outputs
    assert note in model.info["outputs_note"]
    assert bool(note) == bool(model.info["outputs_note"])
    tolerance = 1.1e-3 if outputs == "probabilities" and callable(thing) else 1e-5
    np.testing.assert_allclose(probabilities(model, SAMPLES), P, atol=tolerance)
    assert model.space == ("prob" if outputs == "probabilities" else "logit")


@pytest.mark.parametrize("outputs", ["logits", "probabilities", "log_probabilities"])
def test_what_is_said_is_not_searched(outputs) -> None:
    things = {"logits": logits, "probabilities": lambda x: softmax(logits(x), axis=1)}
    things["log_probabilities"] = lambda x: np.log(softmax(logits(x), axis=1))
    model = table(things[outputs], outputs=outputs)
    assert model.info["outputs_note"] == ""
    np.testing.assert_allclose(probabilities(model, SAMPLES), P, atol=1e-9)


def test_one_row_that_sums_to_one_by_chance_decides_nothing() -> None:
    """Logits that are (0.2, 0.3, 0.5) on the sample and something else nearby."""
    lucky = lambda x: np.array([0.2, 0.3, 0.5]) + (np.asarray(x) - XS[0]) @ W  # noqa: E731
    for given in ({"sample": XS[0]}, {"sample": XS[0], "background": None}):
        model = table(lucky, **given)
        assert model.info["outputs"] == "logits"
        np.testing.assert_allclose(model.scores([XS[0]]), [[0.2, 0.3, 0.5]])


@pytest.mark.parametrize("thing", [linear(nn.Sigmoid()), lambda x: expit(logits(x))])
def test_rows_that_could_be_two_things_are_asked_about(thing) -> None:
    with pytest.raises(ModelError, match=r"rows sum to .*multilabel_probabilities.*'logits'") as at:
        table(thing)
    assert "no probabilities of one class" in str(at.value)
    model = table(thing, outputs="multilabel_probabilities")
    np.testing.assert_allclose(probabilities(model, SAMPLES), expit(logits(XS)), atol=1e-6)
    assert model.space == "prob"
    assert task_of(model) == MultiLabel(ABC)
    scores = table(thing, outputs="logits")
    np.testing.assert_allclose(scores.scores(XS), expit(logits(XS)), atol=1e-6)


class Small(nn.Module):
    """Logits that lie in [0, 1] on every row, as those of a net that was never trained may."""

    def __init__(self, last):
        super().__init__()
        self.body, self.last, self.norm = nn.Linear(4, 3), last, nn.LayerNorm(4)
        with torch.no_grad():
            self.body.weight.mul_(0.02)
            self.body.bias.copy_(torch.tensor([0.3, 0.5, 0.4]))

    def forward(self, x):
        return self.last(self.body(self.norm(x)))


def test_small_logits_of_a_module_are_no_probabilities() -> None:
    """Its last layer turned up leaves [0, 1]; that of a sigmoid does not."""
    net = Small(nn.Identity())
    model = table(net)
    assert model.info["outputs"] == "logits"
    with torch.no_grad():
        right = net(torch.tensor(XS, dtype=torch.float32)).numpy()
    assert 0 < right.min() < right.max() < 1
    np.testing.assert_allclose(model.scores(XS), right, atol=1e-6)
    assert not net.body._forward_hooks
    for bounded in (nn.Sigmoid(), nn.Hardtanh(0, 1)):
        with pytest.raises(ModelError, match="say outputs='multilabel_probabilities'"):
            table(Small(bounded))


def test_a_text_that_is_not_given_tells_nothing() -> None:
    """A function of known words gives 0 to masked ones: logits, and said so."""
    good = lambda xs: np.array([[0.0, 3.0 * sum(w == "good" for w in x)] for x in xs])  # noqa: E731
    model = wrap(good, modality="text", classes=("neg", "pos"))
    assert model.info["outputs_note"] == "every number is 0 on the inputs tried: taken as logits"
    np.testing.assert_allclose(model.scores([np.array(["good", "film"])]), [[0, 3]])


def test_text_pipelines_are_explained_in_log_odds_and_forests_of_them_in_probabilities() -> None:
    texts, y = ["good film", "bad film", "good", "bad"] * 3, [1, 0, 1, 0] * 3
    for last, space in (
        (LogisticRegression(), "logit"),
        (RandomForestClassifier(3, random_state=0), "prob"),
    ):
        fitted = make_pipeline(CountVectorizer(), last).fit(texts, y)
        assert wrap(fitted, modality="text").space == space


def one_column(x):
    return logits(x)[:, :1]


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("module", [True, False])
@pytest.mark.parametrize(
    ("outputs", "after"),
    [
        (None, nn.Identity()),
        ("logits", nn.Identity()),
        ("probabilities", nn.Sigmoid()),
        ("log_probabilities", nn.LogSigmoid()),
    ],
)
def test_one_column_is_about_the_second_of_two_classes(flat, module, outputs, after) -> None:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = linear()

        def forward(self, x):
            column = after(self.body(x)[:, :1])
            return column[:, 0] if flat else column

    def function(x):
        with torch.no_grad():
            return net(torch.tensor(x, dtype=torch.float32)).numpy()

    net = Net()
    model = table(net if module else function, classes=("no", "yes"), outputs=outputs)
    p = expit(one_column(XS)[:, 0])
    np.testing.assert_allclose(probabilities(model, SAMPLES), np.stack([1 - p, p], 1), atol=1e-5)
    np.testing.assert_allclose(
        Target(1)(model.scores(XS)), one_column(XS)[:, 0], rtol=1e-3, atol=1e-3
    )
    run = study(model, SAMPLES, methods=["occlusion", "shap"], metrics="none", target="yes")
    assert run.predictions.shape == (5, 2)
    assert not run.failures


def test_one_column_from_0_to_1_is_asked_about() -> None:
    with pytest.raises(ModelError, match="one number a row, from .*'probabilities' or 'logits'"):
        table(lambda x: expit(one_column(x)), classes=("no", "yes"))


def test_a_probability_near_1_keeps_what_float32_knows() -> None:
    shifted = nn.Sequential(linear(), nn.Sigmoid())
    with torch.no_grad():
        shifted[0][0].weight.mul_(30)
    model = table(shifted, outputs="multilabel_probabilities")
    scores = model.scores(XS)
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() > 15


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("module", [True, False])
def test_a_log_probability_of_nothing_is_that_of_the_least_probability(module) -> None:
    """One class never: its score is log 1e-12, and the others keep theirs."""
    p = expit(one_column(XS)[:, 0])

    def function(x):
        q = expit(one_column(x)[:, 0])
        return np.log(np.stack([0 * q, q, 1 - q], axis=1))

    class Net(nn.Module):
        def forward(self, x):
            return torch.from_numpy(function(x.numpy()))

    found = table(Net() if module else function).scores(XS)
    np.testing.assert_allclose(found, np.log(np.stack([0 * p + 1e-12, p, 1 - p], 1)), rtol=1e-4)


def test_labels_of_logits_are_explained_one_by_one() -> None:
    """A linear logit: every Shapley value is w (x - mean), which no softmax gives."""
    for thing in (linear(), logits):
        model = table(thing, outputs="multilabel_logits")
        for k, name in enumerate(ABC):
            plan = Plan(target=name, background=ROWS[:20])
            question = make_question(model, SAMPLES[0], plan)
            (found,) = ask(make_method("shap"), [question])
            want = W[:, k] * (XS[0] - ROWS[:20].mean(axis=0))
            np.testing.assert_allclose(found.values, want, atol=1e-4)
            assert found.unit == "log-odds"
            assert question.output == pytest.approx(logits(XS[:1])[0, k], abs=1e-5)
            if thing is not logits:
                (slope,) = ask(make_method("integrated_gradients"), [question])
                np.testing.assert_allclose(slope.values, want, atol=1e-4)


def labelled():
    x, y = make_multilabel_classification(120, 4, n_classes=3, n_labels=2, random_state=0)
    return x.astype(float), y


SEVERAL = [
    OneVsRestClassifier(LogisticRegression()),
    MultiOutputClassifier(LogisticRegression()),
    ClassifierChain(LogisticRegression(), random_state=0),
    KNeighborsClassifier(5),
    RandomForestClassifier(10, random_state=0),
    MLPClassifier((4,), max_iter=2000, random_state=0),
]


@pytest.mark.parametrize("estimator", SEVERAL, ids=lambda e: type(e).__name__)
def test_estimators_of_several_labels(estimator) -> None:
    x, y = labelled()
    estimator.fit(x, y)
    found = estimator.predict_proba(x[:6])
    if isinstance(found, list):  # of each label the probabilities of 0 and 1
        found = np.stack([p[:, 1] for p in found], axis=1)
    model = wrap(estimator, modality="table", classes=ABC, background=x[:20])
    assert task_of(model) == MultiLabel(ABC)
    samples = [
        Sample(f"s{i}", row, "table", label=set(np.flatnonzero(t)))
        for i, (row, t) in enumerate(zip(x[:6], y[:6], strict=True))
    ]
    run = study(model, samples, methods=["occlusion"], metrics="none")
    np.testing.assert_allclose(run.predictions, found, atol=1e-6)
    assert run.context["model"]["task"] == {"name": "multilabel", "outputs": list(ABC)}


def test_a_label_that_was_never_seen_and_an_output_that_is_no_label() -> None:
    x, y = labelled()
    y[:, 1] = 0
    forest = RandomForestClassifier(5, random_state=0).fit(x, y)
    model = wrap(forest, modality="table", classes=ABC, background=x[:20])
    found = task_of(model).predictions(model.scores(list(x[:4])))
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-9)
    forest.fit(x, np.stack([y[:, 0], np.arange(len(y)) % 3], axis=1))
    with pytest.raises(ModelError, match=r"the classes \[.*0.*1.*2.*\], which are no yes or no"):
        wrap(forest, modality="table", classes=("a", "b"), background=x[:20])


VALUES = ROWS @ W[:, :2]


@pytest.mark.parametrize(
    "thing",
    [
        MultiOutputRegressor(LinearRegression()).fit(ROWS, VALUES),
        LinearRegression().fit(ROWS, VALUES),
        lambda x: np.asarray(x) @ W[:, :2],
    ],
    ids=["meta", "linear", "function"],
)
def test_several_values_by_name(thing) -> None:
    model = table(thing, classes=(), names=("price", "area"))
    assert task_of(model) == Regression(("price", "area"))
    for k, name in enumerate(("price", "area")):
        plan = Plan(target=name, background=ROWS[:20])
        (found,) = ask(make_method("shap"), [make_question(model, SAMPLES[0], plan)])
        want = W[:, k] * (XS[0] - ROWS[:20].mean(axis=0))
        np.testing.assert_allclose(found.values, want, atol=1e-8)
    unnamed = table(thing, classes=())
    assert task_of(unnamed).outputs == ("output 0", "output 1")
    run = study(unnamed, SAMPLES, methods=["occlusion"], metrics="none")
    np.testing.assert_allclose(run.predictions, XS @ W[:, :2], atol=1e-8)


def test_a_forest_of_two_values_keeps_treeshap() -> None:
    forest = RandomForestRegressor(5, random_state=0).fit(ROWS, VALUES)
    model = table(forest, classes=(), names=("price", "area"))
    plan = Plan(target="area", background=ROWS[:20])
    (found,) = ask(make_method("shap"), [make_question(model, SAMPLES[0], plan)])
    assert found.extras["estimator"] == "tree"
    rows = forest.predict(np.vstack([XS[:1], ROWS[:20]]))[:, 1]
    assert found.values.sum() == pytest.approx(rows[0] - rows[1:].mean())


REFUSED = [
    (logits, {"classes": ("a",)}, InvalidInput, "'a' alone is no choice"),
    (logits, {"outputs": "scores"}, InvalidInput, "outputs is 'scores'; use logits, probabilities"),
    (logits, {"outputs": "values"}, InvalidInput, "outputs is 'values' with 3 classes"),
    (logits, {"classes": (), "outputs": "multilabel_logits"}, InvalidInput, "with 0 classes"),
    (logits, {"names": ("x",)}, InvalidInput, "names are for the values of a regressor"),
    (logits, {"classes": (), "names": ("x", "y")}, ModelError, r"shape \(16, 3\) for 16 input.* of 2"),
    (logits, {"outputs": "probabilities"}, ModelError, "which are no probabilities"),
    (logits, {"outputs": "multilabel_probabilities"}, ModelError, "which are no probabilities"),
    (logits, {"outputs": "log_probabilities"}, ModelError, "exponentials do not sum to 1"),
    (lambda x: expit(logits(x)), {"outputs": "probabilities"}, ModelError, "probabilities that sum to"),
    (lambda x: softmax(logits(x), 1), {"classes": ()}, ModelError, "sum to 1 and no class is named"),
    (LogisticRegression().fit(ROWS, ROWS[:, :3].argmax(1)), {"outputs": "logits"}, InvalidInput,
     "is asked for probabilities; leave outputs out"),
    (lambda x: {"a": 1}, {}, ModelError, "gave a dict that is no array of numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "given", "error", "text"), REFUSED)
def test_what_does_not_fit_is_refused(thing, given, error, text) -> None:
    with pytest.raises(error, match=text):
        table(thing, **given)


def test_one_label_that_holds_or_not() -> None:
    model = table(lambda x: one_column(x), classes=("spam",), outputs="multilabel_logits")
    np.testing.assert_allclose(probabilities(model, SAMPLES), expit(one_column(XS)))
