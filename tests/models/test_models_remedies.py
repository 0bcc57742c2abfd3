"""Remedies of training with known answers: weights that stay, means of models, cut weights, soft targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from scipy.special import log_softmax, softmax
from sklearn.ensemble import RandomForestClassifier
from torch import nn
from toy_zoo import CELLS, SMALL, toy_data

import xaikit
from xaikit.core.errors import InvalidInput, ModelError, NotApplicable
from xaikit.core.sample import Sample
from xaikit.models.compress import pruned, quantised
from xaikit.models.distillation import SOFT, distilled
from xaikit.models.objectives import OBJECTIVES
from xaikit.models.training import train

ROWS = np.random.default_rng(3).normal(size=(30, 4))
COLUMNS = {"modality": "table", "background": ROWS, "classes": ("a", "b", "c")}


def quick(name, data, **params):
    settings = {"epochs": 1, **SMALL[name], **params}
    return train(name, data, progress=False, device="cpu", batch_size=6, **settings)


def two_classes(data):
    """The same samples with the first two classes alone, under other names."""
    kept = {s: tuple(x for x in getattr(data, s) if x.label < 2) for s in ("train", "val", "test")}
    return replace(data, name="two", classes=("cold", "warm"), **kept)


@pytest.fixture(scope="module")
def pictures():
    return toy_data("image")


@pytest.fixture(scope="module")
def net(pictures):
    return quick("resnet_small", pictures, epochs=4)


# transfer


def test_a_frozen_net_keeps_every_number_but_those_of_its_new_head(pictures, net):
    model = quick("resnet_small", two_classes(pictures), start=net, freeze=True, epochs=3)
    own, held = model.net.state_dict(), net.net.state_dict()
    head = {"head.2.weight", "head.2.bias"}
    assert all(torch.equal(own[n], held[n]) for n in held if n not in head)
    assert own["head.2.weight"].shape[0] == 2
    assert (model.info["from"], model.info["frozen"]) == (net.id, True)
    tuned = quick("resnet_small", two_classes(pictures), start=net, epochs=3).net.state_dict()
    assert not torch.equal(tuned["stem.0.weight"], held["stem.0.weight"])


def test_a_net_that_begins_with_another_of_the_same_classes_answers_as_it_does(pictures, net):
    again = quick("resnet_small", pictures, start=net, epochs=0, seed=5)
    xs = pictures.inputs("test")
    np.testing.assert_array_equal(again.scores(xs), net.scores(xs))
    assert again.inputs.config() == net.inputs.config()
    other = quick("resnet_small", two_classes(pictures), start=net, epochs=0)
    assert other.inputs.config() == net.inputs.config()  # what the weights were learned with


@pytest.mark.parametrize(("name", "modality"), CELLS)
def test_the_last_layer_of_every_net_is_the_one_that_gives_the_classes(name, modality):
    data = toy_data(modality)
    model = quick(name, data, epochs=0)
    head = model.net.get_submodule(model.layers()[0])
    assert isinstance(head, nn.Linear)
    assert head.out_features == 3


def test_what_does_not_fit_is_refused_by_name(pictures, net):
    with pytest.raises(InvalidInput, match="'toy-resnet_small' is cnn resnet_small and 'lenet' is"):
        quick("lenet", pictures, start=net)
    with pytest.raises(
        InvalidInput, match=r"'stem.0.weight' of 'toy-resnet_small' has shape \(4, 2"
    ):
        quick("resnet_small", pictures, start=net, width=8)
    with pytest.raises(InvalidInput, match="freeze keeps the weights of a model"):
        quick("resnet_small", pictures, freeze=True)
    table = toy_data("table")
    model = quick("mlp", table)
    renamed = replace(table, columns=(*table.columns[:3], replace(table.columns[3], name="house")))
    with pytest.raises(
        InvalidInput, match="reads the columns age, pay, job, home and 'toy' has age"
    ):
        quick("mlp", renamed, start=model)
    with pytest.raises(InvalidInput, match="'toy-mlp' reads table and 'toy' is image"):
        quick("mlp", pictures, start=model)
    with pytest.raises(InvalidInput, match="'logistic' has no weights to begin with"):
        train("logistic", table, start=model)


# distillation


def test_the_loss_of_a_student_is_that_of_the_paper(pictures):
    table, t = toy_data("table"), 3.0
    teacher = xaikit.wrap(
        lambda xs: 2.0 * np.asarray(xs)[:, :3], **COLUMNS | {"classes": table.classes}
    )
    aim = distilled(OBJECTIVES["classification"], teacher, table, t)
    student = quick("mlp", table)
    truth = aim.truth(student, table, "val")
    raw = torch.from_numpy(student.scores(table.inputs("val"))).float()
    wanted = softmax(teacher.scores(table.inputs("val")) / t, axis=1)
    np.testing.assert_allclose(truth[:, 1:].numpy(), wanted, rtol=1e-5)
    z = raw.double().numpy()
    near = (wanted * (np.log(wanted) - log_softmax(z / t, axis=1))).sum(1).mean()
    hard = -log_softmax(z, axis=1)[np.arange(6), table.labels("val")].mean()
    loss = aim.loss(raw, truth, raw, None).item()
    assert loss == pytest.approx(SOFT * t**2 * near + (1 - SOFT) * hard, rel=1e-5)


def test_a_student_learns_answers_that_no_label_holds():
    """The labels of the rows are turned; the teacher answers as they were."""
    table = toy_data("table", 48)
    teacher = quick("mlp", table, epochs=60, lr=0.01)
    turned = {
        s: tuple(replace(x, label=(x.label + 1) % 3) for x in getattr(table, s))
        for s in ("train", "val")
    }
    student = quick("mlp", replace(table, **turned), teacher=teacher, epochs=60, lr=0.01)
    assert (student.scores(table.inputs("test")).argmax(1) == table.labels("test")).mean() > 0.8
    with pytest.raises(
        InvalidInput, match=r"the teacher 'toy-mlp' answers red, green, blue and 'two' asks"
    ):
        quick("mlp", two_classes(table), teacher=teacher)
    with pytest.raises(InvalidInput, match="temperature is 0; it must be a finite number above 0"):
        quick("mlp", table, teacher=teacher, temperature=0)


# compression


def test_a_pruned_net_has_exactly_that_share_of_zeros_and_keeps_the_largest(net):
    half = pruned(net, 0.5)
    own, cut = (
        torch.cat([w.flatten() for w in m.net.parameters() if w.ndim > 1]) for m in (net, half)
    )
    gone = cut == 0
    assert int(gone.sum()) == round(0.5 * len(own))
    assert own[gone].abs().max() <= own[~gone].abs().min()
    assert torch.equal(own[~gone], cut[~gone])
    assert half.info["pruned"] == 0.5
    assert "metrics" not in half.info  # which are those of the other
    with pytest.raises(
        InvalidInput, match=r"--prune is 1.0; it must be a share above 0 and below 1"
    ):
        pruned(net, 1.0)


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("resnet_small", "image"),
        ("inception_1d", "series"),
        ("mlp", "table"),
    ],
)
def test_int8_twins_answer_alike_and_come_back_from_a_folder_bit_for_bit(name, modality, tmp_path):
    data = toy_data(modality)
    own = quick(name, data, epochs=15)
    twin, xs = quantised(own), data.inputs("test")
    spread = own.scores(xs).std()
    assert 0 < np.abs(twin.scores(xs) - own.scores(xs)).max() < 0.5 * spread
    back = xaikit.load_model(twin.save(tmp_path / "twin"))
    np.testing.assert_array_equal(back.scores(xs), twin.scores(xs))
    assert back.info["bytes"] < own.info["bytes"]


def test_int8_weights_are_the_float_ones_rounded_to_their_step(tmp_path):
    own = quick("mlp", toy_data("table"), epochs=5)
    held = load_file(quantised(own).save(tmp_path / "twin") / "model.safetensors")
    for name, weight in own.net.named_parameters():
        if weight.ndim > 1:
            whole, step = held[name], held[f"{name}.scales"][:, None]
            assert whole.dtype == torch.int8
            assert ((whole * step - weight).abs() <= 0.501 * step).all()


def test_int8_refuses_gradients_texts_and_damage_by_name(tmp_path, pictures):
    own = quick("lenet", pictures)
    twin = quantised(own)
    with pytest.raises(NotApplicable, match="saliency needs gradients and 'toy-lenet' has none"):
        xaikit.explain(twin, pictures.test[0], "saliency")
    with pytest.raises(NotApplicable, match="'toy-lstm' has no int8 twin"):
        quantised(quick("lstm", toy_data("text"), epochs=0))
    with pytest.raises(ModelError, match="'toy-tabm' cannot be traced into int8"):
        quantised(quick("tabm", toy_data("table"), epochs=0))
    wide = nn.Sequential(nn.ConvTranspose2d(2, 2, 2, stride=2), nn.Flatten(), nn.Linear(768, 3))
    with pytest.raises(NotApplicable, match="'0.weight' has no step of its own for each output"):
        quantised(replace(own, net=wide))
    with pytest.raises(InvalidInput, match="is no net whose weights can be made smaller"):
        quantised(twin)
    with pytest.raises(InvalidInput, match="holds int8 weights, which learn nothing"):
        quick("lenet", pictures, start=twin)
    folder, other = (
        twin.save(tmp_path / "a"),
        quantised(quick("lenet", pictures, width=2)).save(tmp_path / "b"),
    )
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(
        ModelError, match=r"'features.0.weight' has shape \(2, 2, 5, 5\) and config"
    ):
        xaikit.load_model(folder)
    twin.net.get_submodule("features.3").zero_point = -999
    with pytest.raises(ModelError, match="cannot be asked"):
        xaikit.load_model(twin.save(tmp_path / "odd"))


# ensembles


def linear(seed: int, n_outputs: int = 3, **facts):
    torch.manual_seed(seed)
    layer = nn.Linear(4, n_outputs).double()
    return xaikit.wrap(layer, id=f"linear{seed}", sample=ROWS[0], **{**COLUMNS, **facts})


def test_one_model_is_its_own_ensemble():
    one = linear(0)
    np.testing.assert_array_equal(xaikit.ensemble([one]).scores(ROWS), one.scores(ROWS))
    told = xaikit.ensemble([one], "probabilities").scores(ROWS)
    np.testing.assert_allclose(softmax(told, axis=1), softmax(one.scores(ROWS), axis=1), rtol=1e-6)


def test_linear_models_are_the_model_of_their_mean_weights():
    three = [linear(seed) for seed in range(3)]
    mean = nn.Linear(4, 3).double()
    with torch.no_grad():
        mean.weight.copy_(torch.stack([m.net.weight for m in three]).mean(0))
        mean.bias.copy_(torch.stack([m.net.bias for m in three]).mean(0))
    one = xaikit.wrap(mean, id="mean", sample=ROWS[0], **COLUMNS)
    both = xaikit.ensemble(three)
    assert both.info["average"] == "logits"
    np.testing.assert_allclose(both.scores(ROWS), one.scores(ROWS), rtol=1e-6)
    sample = Sample("s", ROWS[1], "table")
    for method in ("saliency", "integrated_gradients", "occlusion", "shap"):
        ask = {"target": xaikit.Target(1, against=0)}
        found, right, *each = (
            xaikit.explain(m, sample, method, **ask)[0].values for m in (both, one, *three)
        )
        np.testing.assert_allclose(found, right, atol=1e-6)
        if method != "saliency":  # a size, which is not linear
            np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-6)


def test_probabilities_are_averaged_where_it_is_asked_or_a_forest_is_in():
    a, b = linear(0), linear(1)
    found = softmax(xaikit.ensemble([a, b], "probabilities").scores(ROWS), axis=1)
    wanted = (softmax(a.scores(ROWS), axis=1) + softmax(b.scores(ROWS), axis=1)) / 2
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    forest = RandomForestClassifier(5, random_state=0).fit(ROWS, np.arange(30) % 3)
    mixed = xaikit.ensemble([a, xaikit.wrap(forest, **COLUMNS)])
    assert mixed.info["average"] == "probabilities"
    wanted = (softmax(a.scores(ROWS), axis=1) + forest.predict_proba(ROWS)) / 2
    np.testing.assert_allclose(softmax(mixed.scores(ROWS), axis=1), wanted, rtol=1e-5)
    with pytest.raises(NotApplicable, match="saliency needs gradients"):
        xaikit.explain(mixed, Sample("s", ROWS[0], "table"), "saliency")
    values = xaikit.ensemble([linear(s, 1, classes=(), outputs="values") for s in (0, 1)])
    each = [linear(s, 1, classes=(), outputs="values").scores(ROWS) for s in (0, 1)]
    np.testing.assert_allclose(values.scores(ROWS), np.mean(each, axis=0), rtol=1e-6)


def test_nets_of_pictures_mask_as_one_and_shortcuts_change_nothing(pictures, net):
    both = xaikit.ensemble([net, quick("resnet_small", pictures, seed=1)])
    for shortcuts in (True, False):
        (e,) = xaikit.explain(
            both, pictures.test[0], "occlusion", features="patches:4", target=1, shortcuts=shortcuts
        )
        each = [
            xaikit.explain(
                m,
                pictures.test[0],
                "occlusion",
                features="patches:4",
                target=xaikit.Target(1, space="value"),
            )[0]
            for m in both.members
        ]
    (mean,) = xaikit.explain(
        both,
        pictures.test[0],
        "occlusion",
        features="patches:4",
        target=xaikit.Target(1, space="value"),
    )
    np.testing.assert_allclose(mean.values, np.mean([m.values for m in each], axis=0), atol=1e-5)
    assert F.cosine_similarity(torch.tensor(e.values), torch.tensor(mean.values), dim=0) > 0


def test_the_study_of_an_ensemble_keeps_what_each_member_says():
    both = xaikit.ensemble([linear(0), linear(1)])
    sample = Sample("s", ROWS[1], "table")
    run = xaikit.study(both, [sample], "shap", "none")
    said = run.context["members"]
    assert (said["method"], said["names"]) == ("shap", ["linear0", "linear1"])
    e = run.explanations[0]
    each = [xaikit.explain(m, sample, "shap", target=e.target)[0].values for m in both.members]
    np.testing.assert_allclose(said["values"]["s"], each, atol=1e-9)
    assert "members" not in xaikit.study(linear(0), [sample], "shap", "none").context


def test_what_is_no_ensemble_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidInput, match="an ensemble has one model or more"):
        xaikit.ensemble([])
    with pytest.raises(
        InvalidInput, match=r"'linear0' \(classification of table, a, b, c\) and 'linear1'"
    ):
        xaikit.ensemble([linear(0), linear(1, classes=("x", "y", "z"))])
    with pytest.raises(InvalidInput, match="average is 'median'; use logits or probabilities"):
        xaikit.ensemble([linear(0)], "median")
    with pytest.raises(ModelError, match="is its members; save each of them"):
        xaikit.ensemble([linear(0)]).save(tmp_path / "e")
