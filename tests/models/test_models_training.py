"""Training: seeded, honest about what it cannot do, and it learns."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch
from toy_zoo import CELLS, SMALL, line_data, toy_data

from xaikit.core.errors import DataError, InvalidInput, ModelError, TrainingFailed, UnknownName
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.data.lookup import make_lookup
from xaikit.models.evaluation import evaluate
from xaikit.models.training import _fresh, _Loop, _split, pick_device, train
from xaikit.models.zoo import ZOO, Recipe


def quick(name, data, **params):
    return train(name, data, progress=False, device="cpu", batch_size=6, **params)


@pytest.mark.parametrize(("name", "modality"), CELLS)
def test_every_net_trains_and_says_what_it_is(name, modality):
    data = toy_data(modality)
    model = quick(name, data, epochs=2, **SMALL[name])
    scores = model.scores(data.inputs("test"))
    assert scores.shape == (6, 3)
    assert model.id == f"toy-{name}"
    assert not model.net.training
    assert not any(p.requires_grad for p in model.net.parameters())
    info = model.info
    assert info["architecture"] == name
    assert info["params"].items() >= SMALL[name].items()
    assert info["n_parameters"] == sum(p.numel() for p in model.net.parameters())
    assert info["data_hash"] == data.hash
    assert info["metrics"]["test"]["correct"] == (scores.argmax(1) == data.labels("test")).sum()
    assert (info["seed"], info["epochs"], info["task"]) == (0, 2, "classification")
    if modality == "text":
        assert model.background is None
    else:
        assert model.background.shape == (12, *data.test[0].x.shape)


def test_the_same_seed_gives_the_same_weights_and_global_randomness_stays():
    data = toy_data("text")
    before = (torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    first, again, other = (
        quick("lstm", data, epochs=2, seed=seed, **SMALL["lstm"]) for seed in (7, 7, 8)
    )
    after = (torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2] == after[2]
    xs = data.inputs("test")
    assert np.array_equal(first.scores(xs), again.scores(xs))
    assert np.abs(first.scores(xs) - other.scores(xs)).max() > 1e-3


@pytest.mark.parametrize("name", ["lenet", "mlp"])
def test_it_learns_what_is_easy(name):
    data = toy_data("image" if name == "lenet" else "table", n=120)
    model = quick(name, data, epochs=25)
    assert evaluate(model, data)["accuracy"] >= 0.9


def test_a_regressor_answers_in_the_units_of_the_data():
    data = line_data()
    model = quick("mlp", data, epochs=80, dropout=0.0)
    found = evaluate(model, data)
    assert found["r2"] > 0.9
    assert found["mae"] < 100  # of a spread of about 300
    assert model.space == "value"
    assert model.classes == ()
    assert 500 < model.scores([np.zeros(2)])[0, 0] < 1500
    leaf = model.leaf(data.inputs("test"))
    scores = leaf.forward(leaf.at, torch.arange(10))
    np.testing.assert_allclose(scores.detach(), model.scores(data.inputs("test")), rtol=1e-5)


def test_the_best_epoch_on_val_is_kept():
    data = toy_data("table")
    seen = []

    class Watched(_Loop):
        def _val_loss(self):
            seen.append(super()._val_loss())
            return seen[-1]

    model = quick("mlp", data, epochs=1)
    model.net.requires_grad_(True)
    loop = Watched(model, data, Recipe(lr=1.0, batch_size=6, patience=1.0), 12)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert loop.run(np.random.default_rng(0), progress=False) == 12
    assert len(seen) == 12
    assert seen[-1] > min(seen)  # a learning rate of 1 does not end at its best
    assert super(Watched, loop)._val_loss() == pytest.approx(min(seen))


def test_training_stops_when_val_no_longer_gets_better():
    data = toy_data("table")
    worse = quick("mlp", data, epochs=50, lr=30.0, patience=0.1)
    assert worse.info["epochs"] < 50


def test_rare_classes_weigh_more_when_that_is_asked_for():
    rows = [Sample(f"r{i}", [float(i)], "table", int(i % 10 == 0)) for i in range(60)]
    data = Dataset("rare", "table", "classification", ("no", "yes"), *(tuple(rows),) * 3)
    loop = _Loop(quick("mlp", data, epochs=1), data, Recipe(), None, data.class_weights)
    # N / (K n_c) = 60 / (2 * 54) and 60 / (2 * 6)
    assert loop.weights.tolist() == pytest.approx([60 / 108, 5.0])
    assert _Loop(loop.model, data, Recipe(), None).weights is None  # unless asked for, nobody does


def test_epochs_follow_from_steps():
    data = toy_data("table")
    model = quick("mlp", data, epochs=1)
    assert _Loop(model, data, Recipe(steps=20, batch_size=6), None).n_epochs == 10
    assert _Loop(model, data, Recipe(steps=10**6, batch_size=6), None).n_epochs == 200
    assert _Loop(model, data, Recipe(steps=1, batch_size=6), None).n_epochs == 3


def test_a_loss_that_turns_nan_ends_in_one_sentence():
    data = toy_data("table")
    with pytest.raises(TrainingFailed, match=r"the loss of 'toy-mlp' turned nan in epoch \d+; lower lr \(now 1e\+30\)"):  # fmt: skip
        quick("mlp", data, epochs=20, lr=1e30)


@pytest.mark.parametrize(
    ("name", "params", "error", "text"),
    [
        ("lenett", {}, UnknownName, r"no model is called 'lenett'; known: lenet, .*logistic"),
        ("lenet", {}, InvalidInput, r"'lenet' reads image and 'toy' is table; use mlp"),
        ("mlp", {"widht": 3}, InvalidInput, r"no parameter 'widht'; its net has width, depth, dropout; its training has steps"),
        ("mlp", {"width": 0}, ModelError, r"width is 0; it must be from 1 to 8192"),
        ("mlp", {"width": 2.5}, ModelError, r"width is 2.5; it must be of type int"),
        ("mlp", {"depth": 10**9}, ModelError, r"depth is 1000000000; it must be from 1 to 64"),
        ("mlp", {"dropout": 1.0}, ModelError, r"dropout is 1.0; it must be a number from 0 to below 1"),
        ("mlp", {"epochs": -1}, InvalidInput, r"epochs is -1; it must be 0 or more"),
        ("mlp", {"lr": -1.0}, InvalidInput, r"lr is -1.0; it must be above 0"),
        ("mlp", {"batch_size": 1}, InvalidInput, r"batch_size is 1; it must be 2 or more"),
        ("mlp", {"flip": 1}, InvalidInput, r"flip is 1; it must be of type bool"),
        ("mlp", {"device": "gpu9"}, InvalidInput, r"device 'gpu9' is unknown; use auto, cpu or cuda"),
        ("logistic", {"epochs": 3}, InvalidInput, r"'logistic' is not trained in epochs"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused(name, params, error, text):
    with pytest.raises(error, match=text):
        train(name, toy_data("table"), progress=False, **params)


def test_other_refusals():
    with pytest.raises(ModelError, match=r"pool is 'first'; use one of last, mean, max"):
        quick("lstm", toy_data("text"), pool="first")
    with pytest.raises(ModelError, match=r"width 8 is no multiple of heads 3"):
        quick("bert_small", toy_data("text"), width=8, heads=3)
    with pytest.raises(ModelError, match=r"8 x 12 px do not divide into patches of 5 px"):
        quick("vit_small", toy_data("image"), patch=5)
    data = toy_data("table")
    bare = dataclasses.replace(data.val[0], label=None)
    with pytest.raises(DataError, match=rf"sample '{bare.id}' of 'toy' has no label; drop it"):
        quick("mlp", dataclasses.replace(data, val=(bare,)))
    with pytest.raises(DataError, match=r"labels from 0 to 2 and 2 class names; labels are 0 to 1"):
        quick("mlp", dataclasses.replace(data, classes=("a", "b")))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_where_there_is_none():
    assert pick_device("auto") == torch.device("cpu")
    with pytest.raises(InvalidInput, match=r"no 'cuda' that torch can use; use auto or cpu"):
        pick_device("cuda")


def test_a_scikit_learn_name_fits_a_scikit_learn_model():
    model = train("logistic", toy_data("table"), progress=False)
    assert model.info["family"] == "sklearn"
    assert evaluate(model, toy_data("table"))["accuracy"] == 1.0


def test_a_decoder_learns_the_next_word_by_its_own_recipe():
    """No dropout, and longer: a look-up is learned suddenly and late."""
    data = make_lookup(0, (64, 8, 8))
    recipe, settings = _split(ZOO.get("gpt_small"), data, {})
    assert (recipe.steps, recipe.mask_words, settings["dropout"]) == (3000, 0.1, 0.0)
    assert _split(ZOO.get("gpt_small"), data, {"dropout": 0.3})[1]["dropout"] == 0.3
    assert _split(ZOO.get("gpt_small"), toy_data("text"), {})[1]["dropout"] == 0.2


def test_a_word_enters_a_transformer_as_large_as_its_place():
    """Places have a length of sqrt(width / 2) each, and drowned words of a tenth of that."""
    torch.manual_seed(0)
    data = make_lookup(0, (8, 8, 8))
    net = _fresh(ZOO.get("gpt_small"), data, {"embedding": 64, "width": 64}, torch.device("cpu"))
    words = net.inputs.read(net.net, data.inputs("test"), torch.device("cpu")).at
    entered = net.net["body"].entry(words)
    place = (net.net["body"].positions(entered) - entered).norm(dim=2).mean().item()
    assert place == pytest.approx(np.sqrt(32), rel=1e-3)
    assert entered.norm(dim=2).mean().item() > place
