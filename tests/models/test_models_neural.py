"""Every net of the zoo: masks on the device, derivatives, weights drawn anew, and nothing left behind."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from toy_zoo import CELLS, fresh, toy_data

from xaikit.core.abilities import Attentive, Spatial, abilities_of
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Masker, Question
from xaikit.core.types import Segmentation, Target
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import ColumnEncoder, StepEncoder
from xaikit.models.probe import has_strided_point
from xaikit.models.text import WordEncoder

VARIANTS = [
    *[(name, modality, {}) for name, modality in CELLS],
    ("lstm", "text", {"bidirectional": True}),
    ("gru", "text", {"pool": "mean", "bidirectional": True}),
    ("rnn", "text", {"pool": "max", "depth": 2}),
    ("lstm", "series", {"pool": "mean"}),
]


@pytest.fixture(params=VARIANTS, ids=lambda v: "-".join(map(str, (v[0], v[1], *v[2].values()))))
def model(request):
    name, modality, params = request.param
    return fresh(name, modality, **params)


class OnlyScores:
    """The same model without its abilities, so that masks are applied in data space."""

    def __init__(self, model: Any) -> None:
        self.id, self.modality, self.classes = model.id, model.modality, model.classes
        self.space, self.background, self.info = model.space, None, {}
        self.scores = model.scores


def test_masks_on_the_device_equal_masks_in_data_space(model):
    assert_masks_agree(model, drops=False)
    if model.modality == "text":
        assert_masks_agree(model, drops=True)


def assert_masks_agree(model: Any, drops: bool) -> None:
    samples = toy_data(model.modality).train
    sample, rng = samples[0], np.random.default_rng(3)
    ids = rng.integers(-1, 3, sample.grid)
    ids.flat[:4] = [0, 1, 2, -1]
    references = (
        np.full((1, len(sample.x)), "[MASK]")
        if model.modality == "text"
        else np.stack([samples[1].x, samples[2].x, samples[3].x])
    )
    masks = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=bool)
    values = [
        Question(
            model=asked,
            sample=sample,
            segmentation=Segmentation(ids, ("a", "b", "c"), "random"),
            masker=Masker("given", references, drops),
            target=Target(1),
            batch_size=batch_size,
        ).value(masks)
        for asked, batch_size in ((model, 128), (model, 2), (OnlyScores(model), 128))
    ]
    np.testing.assert_allclose(values[0], values[2], atol=1e-5)
    np.testing.assert_allclose(values[1], values[2], atol=1e-5)
    assert np.ptp(values[0]) > 1e-4  # removal changes something


def test_words_all_left_out_are_one_blank():
    model = fresh("lstm", "text")
    x = np.array(["good", "film"])
    bound = model.bind(x, np.full((1, 2), "[MASK]"), np.array([0, 1]), True)
    nothing = bound(np.zeros((1, 2), dtype=bool), slice(0, 1))[0]
    np.testing.assert_allclose(nothing, model.scores([x[:0]]), atol=1e-6)


def test_the_leaf_gives_the_scores_and_folds_to_the_grid(model):
    xs = toy_data(model.modality).inputs("test")
    leaf = model.leaf(xs)
    rows = torch.tensor([3, 0, 0, 5])
    at = leaf.at[rows].clone().requires_grad_()
    scores = leaf.forward(at, rows)
    np.testing.assert_allclose(
        scores.detach().numpy(), model.scores([xs[i] for i in rows]), atol=1e-5
    )
    (slope,) = torch.autograd.grad(scores[:, 1].sum(), at)
    product = (slope * at).detach()
    folded = leaf.fold(product, rows)
    for part, i, whole in zip(folded, rows, product, strict=True):
        assert part.shape == toy_data(model.modality).test[i].grid
        assert part.sum() == pytest.approx(float(whole.sum()), abs=1e-5)
    assert all(np.abs(part).max() > 0 for part in folded)


def test_leaves_of_a_sample_and_its_reference_have_one_shape(model):
    sample = toy_data(model.modality).test[0]
    other = np.full(len(sample.x), "[MASK]") if model.modality == "text" else sample.x * 0
    assert model.leaf([sample.x]).at.shape == model.leaf([other]).at.shape


def test_scores_do_not_depend_on_the_batch(model):
    xs = toy_data(model.modality).inputs("test")
    together = model.scores(xs)
    assert together.dtype == np.float64
    assert together.shape == (6, 3)
    alone = np.concatenate([model.scores([x]) for x in xs])
    np.testing.assert_allclose(together, alone, atol=1e-5)  # float32 sums of another order


def snapshot(model: Any) -> list[Any]:
    net = model.net
    return [
        {k: v.clone() for k, v in net.state_dict().items()},
        [m.training for m in net.modules()],
        [p.requires_grad for p in net.parameters()],
        [p.grad for p in net.parameters()],
        [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()],
        torch.backends.mha.get_fastpath_enabled(),
        torch.nn.functional.scaled_dot_product_attention,
        torch.random.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
    ]


def assert_same(before: list[Any], after: list[Any]) -> None:
    assert all(torch.equal(before[0][k], after[0][k]) for k in before[0])
    assert before[1:] == after[1:]


def use_everything(model: Any) -> None:
    data = toy_data(model.modality)
    xs, ids = data.inputs("test"), np.zeros(data.test[0].grid, dtype=np.int64)
    model.scores(xs)
    references = np.stack([xs[0], xs[0]])
    model.bind(xs[0], references, ids, False)(np.array([[True], [False]]), slice(0, 2))
    leaf = model.leaf(xs)
    at = leaf.at.clone().requires_grad_()
    leaf.forward(at, torch.arange(len(xs))).sum().backward()  # even by the door that leaves grads
    if isinstance(model, Attentive):
        torch.autograd.grad(model.attention(xs).scores.sum(), model.attention(xs).weights, allow_unused=True)  # fmt: skip
    if isinstance(model, Spatial):
        try:
            found = model.activations(xs)
        except NotApplicable:
            return
        torch.autograd.grad(found.scores.sum(), found.at)


@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_left_changed(model, training):
    model.net.train(training)
    before = snapshot(model)
    use_everything(model)
    assert_same(before, snapshot(model))


def test_nothing_is_left_changed_after_an_error(model):
    model.net.train()
    last = [m for m in model.net.modules() if isinstance(m, torch.nn.Linear)][-1]

    def fail(*_: Any) -> None:
        raise RuntimeError("broken on purpose")

    xs = toy_data(model.modality).inputs("test")
    leaf = model.leaf(xs)
    name = {m: n for n, m in model.net.named_modules()}[last]
    handle = last.register_forward_hook(fail)
    before = snapshot(model)
    calls = [lambda: model.scores(xs), lambda: leaf.forward(leaf.at, torch.arange(len(xs)))]
    if isinstance(model, Spatial):
        calls.append(lambda: model.activations(xs, name))
    if isinstance(model, Attentive):
        calls.append(lambda: model.attention(xs))
    for call in calls:
        with pytest.raises((RuntimeError, NotApplicable), match=r"on purpose|no places"):
            call()
    assert_same(before, snapshot(model))
    handle.remove()


def test_every_weight_of_the_chosen_layers_is_drawn_anew(model):
    original = copy.deepcopy(model.net.state_dict())
    assert sum(1 for _ in model.layers()) == len(set(model.layers()))
    for layers in (model.layers()[:1], model.layers()):
        found = model.randomised(layers, np.random.default_rng(0))
        again = model.randomised(layers, np.random.default_rng(0))
        chosen = {
            f"{layer}.{name}"
            for layer in layers
            for name, _ in model.net.get_submodule(layer).named_parameters(recurse=False)
        }
        new, twice = found.net.state_dict(), again.net.state_dict()
        for name, _ in model.net.named_parameters():
            assert torch.equal(new[name], original[name]) == (name not in chosen), name
            assert torch.equal(new[name], twice[name])
    assert len(chosen) == len(list(model.net.parameters()))
    assert type(found) is type(model)
    xs = toy_data(model.modality).inputs("test")
    assert np.abs(found.scores(xs) - model.scores(xs)).max() > 1e-3
    assert all(torch.equal(model.net.state_dict()[k], v) for k, v in original.items())


def test_layers_run_from_the_output_to_the_input():
    assert fresh("mlp", "table").layers() == ("layers.7", "layers.4", "layers.1")
    layers = fresh("bert_small", "text").layers()
    assert layers[0] == "body.head"
    assert layers[-2:] == ("words.grams", "words.word")
    assert "body.prefix" in layers  # the class token is a layer too


def test_padding_stays_the_zero_vector_when_drawn_anew():
    model = fresh("lstm", "text")
    words = model.randomised(model.layers(), np.random.default_rng(0)).net["words"]
    assert not words.word.weight[0].any()
    assert not words.grams.weight[0].any()


def test_a_layer_that_does_not_exist_is_refused():
    with pytest.raises(InvalidInput, match=r"'toy-mlp' has no layer 'conv'; it has layers.7"):
        fresh("mlp", "table").randomised(["conv"], np.random.default_rng(0))


def test_a_text_scores_alone_as_beside_a_longer_one():
    for name in ("lstm", "bert_small", "gpt_small"):
        model = fresh(name, "text")
        short, long = np.array(["good"]), np.array(["the", "film", "was", "so", "bad"])
        np.testing.assert_allclose(
            model.scores([short, long])[0], model.scores([short])[0], atol=1e-5
        )


def test_a_causal_net_reads_its_last_word():
    model = fresh("gpt_small", "text")
    leaf = model.leaf([np.array(["the", "film", "was"]), np.array(["good"])])
    at = leaf.at.clone()
    at[1, 1:] = 7.0  # whatever stands on padding
    same = leaf.forward(at, torch.arange(2))
    torch.testing.assert_close(same, leaf.forward(leaf.at, torch.arange(2)))
    at[0, 2] += 1.0
    assert not torch.allclose(leaf.forward(at, torch.arange(2))[0], same[0], atol=1e-3)


def test_abilities_by_family():
    common = {"Maskable", "Differentiable", "Resettable"}
    assert set(abilities_of(fresh("mlp", "table"))) == common
    assert set(abilities_of(fresh("lenet", "image"))) == common | {"Spatial"}
    assert set(abilities_of(fresh("vit_small", "image"))) == common | {"Spatial", "Attentive"}


def test_pixels_are_scaled_by_channel():
    x = np.zeros((2, 2, 2), dtype=np.float32)
    x[..., 1] = [[0.2, 0.4], [0.6, 0.8]]
    inputs = PixelEncoder.fit([x])
    assert inputs.mean == pytest.approx((0.0, 0.5))
    assert inputs.std == pytest.approx((1.0, np.sqrt(0.05)))  # a constant channel is not divided
    at = inputs.read(torch.nn.Identity(), [x], torch.device("cpu")).at
    assert at.shape == (1, 2, 2, 2)
    np.testing.assert_allclose(at[0, 1], (x[..., 1] - 0.5) / np.sqrt(0.05), rtol=1e-5)


def test_columns_are_scaled_or_one_hot():
    inputs = ColumnEncoder((10.0, 0.0), (2.0, 1.0), (0, 3))
    at = inputs.read(torch.nn.Identity(), [np.array([14.0, 2.0])], torch.device("cpu")).at
    assert at.tolist() == [[2.0, 0.0, 0.0, 1.0]]
    assert inputs.owners.tolist() == [0, 1, 1, 1]
    (folded,) = inputs.fold(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), None)
    assert folded.tolist() == [1.0, 9.0]


@pytest.mark.parametrize("code", [3.0, -1.0, 0.5])
def test_a_code_that_is_no_category_is_refused(code):
    inputs = ColumnEncoder((10.0, 0.0), (2.0, 1.0), (0, 3))
    with pytest.raises(
        InvalidInput, match=rf"column 1 is a category and holds {code:g}; .* 0 to 2"
    ):
        inputs.read(torch.nn.Identity(), [np.array([14.0, code])], torch.device("cpu"))


def test_an_input_of_another_shape_is_refused():
    with pytest.raises(InvalidInput, match=r"input 1 has shape \(7, 12, 2\) and this model reads \(8, 12, 2\)"):  # fmt: skip
        fresh("lenet", "image").scores([np.zeros((8, 12, 2)), np.zeros((7, 12, 2))])


def test_unknown_words_differ_by_their_letters():
    inputs = WordEncoder.fit([np.array(["Good", "good", "bad"])])
    assert inputs.vocabulary == ("good",)  # once is not often enough
    assert inputs.codes("GOOD") == inputs.codes("good")
    assert inputs.codes("[MASK]") == [2]
    assert inputs.codes("재미있다")[0] == inputs.codes("재미없다")[0] == 1
    one, other = set(inputs.codes("재미있다")[1:]), set(inputs.codes("재미없다")[1:])
    assert one & other  # the stem is shared
    assert one - other
    assert max(map(len, ["x" * 500])) == 500
    assert len(inputs.codes("x" * 500)) == 41


def test_word_vectors_are_a_word_and_the_mean_of_its_grams():
    model = fresh("rnn", "text")
    words, inputs = model.net["words"], model.inputs
    code, *grams = inputs.codes("good")
    expected = words.word.weight[code] + words.grams.weight[grams].mean(0)
    torch.testing.assert_close(model.read([np.array(["good"])]).at[0, 0], expected)


def test_maps_over_cells_are_spread_by_their_kind():
    pixels = PixelEncoder((4, 4, 1), (0.0,), (1.0,))
    cells = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    (shares,) = pixels.spread(cells, None)
    assert shares[:2, :2].tolist() == [[0.25, 0.25], [0.25, 0.25]]
    assert shares.sum() == 10
    (fine,) = pixels.upsample(cells, None)
    assert fine[0].tolist() == [1.0, 1.25, 1.75, 2.0]  # linear between the centres of cells
    steps = StepEncoder((4, 2), (0.0, 0.0), (1.0, 1.0))
    (shares,) = steps.spread(torch.tensor([[1.0, 3.0]]), None)
    assert shares.tolist() == [[0.25, 0.25], [0.25, 0.25], [0.75, 0.75], [0.75, 0.75]]
    (fine,) = steps.upsample(torch.tensor([[1.0, 3.0]]), None)
    assert fine.tolist() == [[1.0, 1.0], [1.5, 1.5], [2.5, 2.5], [3.0, 3.0]]


def test_a_strided_point_convolution_is_seen_in_modules_and_in_plain_calls() -> None:
    x, weight = torch.ones(1, 3, 8, 8), torch.ones(4, 3, 1, 1)
    found = [
        has_strided_point(run)
        for run in (
            lambda: nn.Conv2d(3, 4, 1, stride=2)(x),
            lambda: F.conv2d(x, weight, stride=2),
            lambda: F.conv2d(x, weight, None, (1, 2)),
            lambda: nn.Conv2d(3, 4, 1)(x),
            lambda: nn.Conv2d(3, 4, 3, stride=2)(x),
        )
    ]
    assert found == [True, True, True, False, False]


@pytest.mark.parametrize("many", [np.array, list], ids=["an array", "a list"])
def test_pixels_are_scaled_channel_by_channel_on_a_copy(many) -> None:
    pixels = PixelEncoder((2, 3, 2), (0.5, 0.25), (0.5, 2.0))
    images = np.random.default_rng(0).random((4, 2, 3, 2)).astype(np.float32)
    xs, before = many(images), images.copy()
    at = pixels.read(nn.Identity(), xs, torch.device("cpu")).at
    scaled = (before - np.float32([0.5, 0.25])) / np.float32([0.5, 2.0])
    assert at.numpy().tolist() == scaled.transpose(0, 3, 1, 2).tolist()
    assert np.array_equal(np.array(xs), before)
    assert at.is_contiguous(memory_format=torch.channels_last)
