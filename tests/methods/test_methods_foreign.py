"""Explainers of captum, shap and lime as methods: their numbers, on our features, judged like ours."""

from __future__ import annotations

import captum.attr
import numpy as np
import pytest
import shap
import torch
from lime.lime_image import LimeImageExplainer
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer
from sklearn.ensemble import RandomForestClassifier
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable, XaikitError
from xaikit.core.types import Sample
from xaikit.methods.foreign import brought
from xaikit.study.plan import explain

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(15, max_depth=4, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 3))


def wrapped(net, **facts):
    return xaikit.wrap(
        net, modality="table", background=X[:20], names=["a", "b", "c"], outputs="values", **facts
    )


def test_shap_trees_are_ours_and_known_to_answer_the_same_question(forest) -> None:
    model = xaikit.wrap(forest, modality="table", background=X[:30])
    theirs = shap.TreeExplainer(forest, X[:30], feature_perturbation="interventional")
    ours, found = explain(model, X[100], ["shap", theirs])
    np.testing.assert_allclose(found.values, ours.values, atol=1e-5)
    assert (found.method, found.additive, found.unit) == ("shap TreeExplainer", True, ours.unit)
    grouped = explain(model, X[100], theirs, features={"ab": [0, 1]})
    np.testing.assert_allclose(
        grouped.values[0], [ours.values[:2].sum(), *ours.values[2:]], atol=1e-5
    )


def test_another_background_is_said_to_be_another_question(forest) -> None:
    model = xaikit.wrap(forest, modality="table", background=X[:30])
    found = explain(model, X[100], shap.TreeExplainer(forest, X[60:63]))[0]
    assert (found.additive, found.unit) == (False, "relative")
    assert found.note.startswith("another question: its values sum to")


def test_shap_kernel_repeats_and_leaves_the_seeds_of_others_alone() -> None:
    def function(x):
        return np.asarray(x) @ np.array([1.0, -2.0, 3.0, 0.0])

    model = xaikit.wrap(function, modality="table", background=X[:5])
    theirs = shap.KernelExplainer(function, X[:5])
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    one, two = (explain(model, X[100], theirs, seed=1)[0] for _ in range(2))
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(np.random.get_state()[1], before)
    np.testing.assert_allclose(one.values, explain(model, X[100], "shap").values[0], atol=1e-6)
    assert one.additive


def test_captum_integrated_gradients_meet_our_references(net) -> None:
    net.train()
    model = wrapped(net)
    found = explain(model, X[100], captum.attr.IntegratedGradients(net), target="b")[0]
    ours = explain(model, X[100], "integrated_gradients", target="b").values[0]
    np.testing.assert_allclose(found.values, ours, atol=0.02 * np.abs(ours).max())
    assert found.additive
    assert net.training
    assert net[2].training
    saliency = explain(model, X[100], captum.attr.Saliency(net), target="b")[0]
    mine = explain(model, X[100], "saliency", target="b").values[0]
    np.testing.assert_allclose(saliency.values, mine, atol=1e-6)
    assert saliency.unit == "relative"


def test_captum_perturbs_our_features() -> None:
    linear = nn.Linear(4, 1)
    model = xaikit.wrap(linear, modality="table", background=X[:4])
    theirs = brought(captum.attr.FeatureAblation(linear), model)
    found = explain(model, X[100], theirs, features={"ab": [0, 1]})[0]
    ours = explain(model, X[100], "occlusion", features={"ab": [0, 1]})[0]
    np.testing.assert_allclose(found.values, ours.values, atol=1e-5)


def test_captum_layers_are_brought_to_the_pictures_grid() -> None:
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2)
    ).eval()
    x = RNG.random((8, 8, 1)).astype(np.float32)
    model = xaikit.wrap(
        net, modality="image", classes=["a", "b"], outputs="logits", background=x[None]
    )
    layer = brought(captum.attr.LayerGradCam(net, net[0]), model)
    found = explain(model, x, layer, target=0)[0]
    wide = torch.nn.functional.interpolate(
        captum.attr.LayerGradCam(net, net[0]).attribute(torch.tensor(x)[None, None, ..., 0], target=0),
        size=(8, 8), mode="bilinear",
    )  # fmt: skip
    wanted = found.segmentation.pool(wide[0, 0].detach().numpy())
    np.testing.assert_allclose(found.values, wanted, atol=1e-6)


def test_lime_of_tables_texts_and_pictures(forest) -> None:
    model = xaikit.wrap(forest, modality="table", background=X[:30])
    theirs = LimeTabularExplainer(
        X, mode="classification", discretize_continuous=False, random_state=0
    )
    one, two = (explain(model, X[100], theirs, target=1)[0] for _ in range(2))
    assert np.array_equal(one.values, two.values), "asked twice it gives one answer"
    assert one.values[3] == pytest.approx(0, abs=0.5 * np.abs(one.values).max())

    def score(texts):
        good = np.array([1.0 * ("good" in list(t)) for t in texts])
        return np.stack([-good, 2 * good], 1)

    words = xaikit.wrap(
        score,
        modality="text",
        classes=["no", "yes"],
        outputs="logits",
        sample=np.array(["a", "good"]),
    )
    found = explain(words, "a good day", LimeTextExplainer(random_state=0), target=1)[0]
    assert found.top(1)[0][0] == "good"
    assert found.values[1] > 5 * np.abs(found.values[[0, 2]]).max()

    bright = xaikit.wrap(
        lambda xs: np.stack([0 * xs[:, 0, 0, 0], 4 * xs[:, :4, :4, 0].mean((1, 2))], 1),
        modality="image", classes=["no", "yes"], outputs="logits", background=np.zeros((1, 8, 8, 3)),
    )  # fmt: skip
    theirs = brought(
        LimeImageExplainer(random_state=0),
        bright,
        hide_color=0,
        num_samples=200,
    )
    found = explain(bright, np.ones((1, 8, 8, 3)), theirs, features="patches:2", target=1)[0]
    assert found.top(1)[0][0] == "row 1, col 1"


def test_a_study_holds_them_beside_ours_and_gives_a_verdict(forest) -> None:
    model = xaikit.wrap(forest, modality="table", background=X[:30])
    samples = [Sample(f"s{i}", X[90 + i], "table") for i in range(6)]
    theirs = shap.TreeExplainer(forest, X[:30])
    run = xaikit.study(model, samples, ["shap", theirs, "random"], "auto")
    verdicts = {v.method: v for v in run.verdicts()}
    assert verdicts["shap TreeExplainer"].status == verdicts["shap"].status
    gain = verdicts["shap TreeExplainer"].check("beats_random")
    assert gain.value == pytest.approx(verdicts["shap"].check("beats_random").value, abs=1e-6)
    assert run.context["methods"]["shap TreeExplainer"]["title"] == "shap TreeExplainer"


def test_another_model_and_other_things_are_refused(forest, net) -> None:
    model, other = wrapped(net), wrapped(net, id="other")
    method = brought(captum.attr.Saliency(net), model, name="mine")
    assert explain(model, X[100], method, target="a")[0].method == "mine"
    with pytest.raises(
        NotApplicable, match="mine explains the model that it was made for and 'other' is an"
    ):
        explain(other, X[100], method)
    with pytest.raises(
        InvalidInput, match="a dict is no method; give a name, a configured method, or an"
    ):
        explain(model, X[100], [{}])
    trees = xaikit.wrap(forest, modality="table", background=X[:30])
    with pytest.raises(NotApplicable, match="captum Saliency needs gradients and 'yours' has none"):
        explain(trees, X[100], captum.attr.Saliency(net))
    with pytest.raises(XaikitError, match="'captum Occlusion' on sample 'row 0' raised TypeError"):
        explain(model, X[100], captum.attr.Occlusion(net), target="a")
