"""The layer of a class activation map: found by watching, cut out of the pass, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from toy_zoo import fresh, toy_data

from xaikit.core.abilities import Spatial
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.models.wrapping import wrap

LAYERS = [
    ("lenet", "image", {}, "features.4", (4, 6)),  # the 2 x 3 cells after it are too few
    ("vgg_small", "image", {}, "features.12", (4, 6)),
    ("resnet_small", "image", {}, "stages.1", (4, 6)),
    ("fcn_1d", "series", {}, "features", (20,)),
    ("vit_small", "image", {}, "blocks.1.norm1", (2, 3)),
    ("bert_small", "text", {}, "body.blocks.1.norm1", (8,)),
    ("gpt_small", "text", {}, "body.blocks.1.norm1", (8,)),
    ("gpt_small", "series", {}, "blocks.1.norm1", (20,)),
    ("gru", "series", {"pool": "mean"}, "states", (20,)),
    ("lstm", "text", {"pool": "max"}, "body.states", (8,)),
]


@pytest.mark.parametrize(("name", "modality", "params", "layer", "cells"), LAYERS)
def test_the_pass_is_cut_at_the_layer(name, modality, params, layer, cells):
    model, data = fresh(name, modality, **params), toy_data(modality)
    longest = [*data.train, *data.test]
    longest = sorted(longest, key=lambda s: -len(s.x))[:4]
    found = model.activations([s.x for s in longest])
    assert model.cam_layer() == found.layer == layer
    assert found.at.shape[2:] == (cells if modality != "text" else (len(longest[0].x),))
    np.testing.assert_allclose(
        found.scores.detach(), model.scores([s.x for s in longest]), atol=1e-5
    )
    (slope,) = torch.autograd.grad(found.scores[:, 0].sum(), found.at)
    assert bool((slope.abs().sum((0, 1)) > 0).all())  # each cell can move the score
    folded = found.fold((slope * found.at).sum(1))
    assert [f.shape for f in folded] == [s.grid for s in longest]


def test_after_a_global_average_the_scores_are_a_sum_over_cells():
    model = fresh("resnet_small", "image")
    found = model.activations(toy_data("image").inputs("test"), "stages.2")
    head = model.net.head[2]
    by_hand = torch.einsum("bchw,kc->bk", found.at, head.weight) / 6 + head.bias  # 2 x 3 cells
    torch.testing.assert_close(found.scores, by_hand)
    assert found.cell == (4.0, 4.0)


def test_a_fine_enough_last_map_is_taken_with_its_outermost_module():
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    model = wrap(
        net, modality="image", classes=("a", "b"), sample=np.zeros((12, 12, 1)), outputs="logits"
    )
    assert model.cam_layer() == "0"
    found = model.activations([np.zeros((12, 12, 1), dtype=np.float32)])
    assert found.at.shape == (1, 2, 6, 6)
    assert found.cell == (2.0, 2.0)


def test_a_hot_cell_is_warmest_at_its_own_place():
    model = fresh("lenet", "image")
    found = model.activations(toy_data("image").inputs("test")[:1])
    hot = torch.zeros(1, 4, 6)
    hot[0, 1, 4] = 1.0
    (warm,) = found.fold(hot)
    assert np.argwhere(warm == warm.max()).tolist() == [[2, 8], [2, 9], [3, 8], [3, 9]]


class LastStep(nn.Module):
    """Reads the output of the last step, as many modules in the wild do."""

    def __init__(self, bidirectional: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.GRU(2, 3, batch_first=True, bidirectional=bidirectional)
        self.head = nn.Linear(6 if bidirectional else 3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][:, -1])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_brought_rnn_that_reads_its_last_output_is_refused(bidirectional):
    with torch.random.fork_rng():
        net = LastStep(bidirectional)
    model = wrap(
        net,
        modality="series",
        layout="BLC",
        classes=("a", "b"),
        sample=np.ones((9, 2)),
        outputs="logits",
    )
    assert isinstance(model, Spatial)
    with pytest.raises(NotApplicable, match=r"'yours' reads only the final state, .* layer 'rnn'; try 'integrated"):  # fmt: skip
        model.cam_layer()


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("modality", ["text", "series"])
def test_a_zoo_rnn_that_reads_its_last_state_is_refused(modality, bidirectional):
    model = fresh("lstm", modality, bidirectional=bidirectional)
    xs = toy_data(modality).inputs("test")
    layer = "body.states" if modality == "text" else "states"
    for call in (model.cam_layer, lambda: model.activations(xs), lambda: model.activations(xs, layer)):  # fmt: skip
        with pytest.raises(NotApplicable, match=r"reads only the final state, so no gradient"):
            call()


def test_layers_without_places_are_refused():
    model = fresh("lenet", "image")
    xs = toy_data("image").inputs("test")
    with pytest.raises(InvalidInput, match=r"'toy-lenet' has no layer 'conv9'; leave it out"):
        model.activations(xs, "conv9")
    with pytest.raises(NotApplicable, match=r"layer 'head.2' of 'toy-lenet' gives \(6, 8\), which"):
        model.activations(xs, "head.2")


def test_a_layer_that_is_used_twice_is_refused():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)
            self.head = nn.Linear(1, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.conv(self.conv(x)).mean((2, 3)))

    model = wrap(
        Twice(), modality="image", classes=("a", "b"), sample=np.zeros((6, 6, 1)), outputs="logits"
    )
    with pytest.raises(NotApplicable, match=r"layer 'conv' of 'yours' is used 2 times in one pass"):
        model.activations([np.zeros((6, 6, 1))], "conv")


def test_vit_tokens_are_matched_with_patches_by_the_patch_size():
    model = fresh("vit_small", "image")
    found = model.activations(toy_data("image").inputs("test")[:1])
    whole: list[torch.Tensor] = []
    norm = model.net.blocks[1].norm1
    handle = norm.register_forward_hook(lambda *call: whole.append(call[2]))
    model.scores(toy_data("image").inputs("test")[:1])
    handle.remove()
    tokens = whole[0][0, 1:]  # without the class token
    torch.testing.assert_close(found.at[0, :, 1, 2].detach(), tokens[5].clone())
