"""Class activation maps of nets that work in place or use a module several times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xaikit import Sample, Target, explain, wrap
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.methods.base import make_method
from xaikit.study.study import study

X = np.random.default_rng(0).random((12, 14, 3)).astype(np.float32)
SAMPLE = Sample("s", X, "image")


class Tail(nn.Module):
    """Two convolutions; what stands behind the second works on its map in place, or on a copy."""

    def __init__(self, how: str, inplace: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.norm, self.head = nn.BatchNorm2d(6), nn.Linear(6, 3)
        self.how, self.inplace = how, inplace

    def forward(self, x: Tensor) -> Tensor:
        a = torch.relu(self.one(x))
        y = self.two(a)
        if self.how == "relu":
            y = F.relu(y, inplace=self.inplace)
        if self.how == "dense":  # as DenseNet ends
            y = F.relu(self.norm(y), inplace=self.inplace)
        if self.how == "skip":
            y = y.add_(a) if self.inplace else y + a
        if self.how == "scale":
            y = y.mul_(2.0) if self.inplace else y * 2.0
        if self.how == "mask":
            y = y.clamp_(min=0.1) if self.inplace else y.clamp(min=0.1)
        return self.head(y.mean((2, 3)))


def twins(how: str) -> list[Any]:
    nets = []
    for inplace in (True, False):
        torch.manual_seed(1)
        nets.append(wrap(Tail(how, inplace), modality="image", classes=tuple("abc"), sample=X))
    return nets


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
@pytest.mark.parametrize("layer", [None, "two", "one"])
@pytest.mark.parametrize("how", ["relu", "dense", "skip", "scale", "mask"])
def test_a_step_in_place_behind_the_layer_changes_nothing(how, layer, method) -> None:
    asked = make_method(method, layer=layer)
    found = [explain(m, SAMPLE, [asked], target=1, features="pixels")[0].values for m in twins(how)]
    np.testing.assert_array_equal(*found)
    assert np.ptp(found[0]) > 1e-5


def test_a_study_goes_through_a_step_in_place() -> None:
    model = twins("dense")[0]
    run = study(model, [SAMPLE], methods=["gradcam", "occlusion"], metrics="auto")
    assert run.methods == ("gradcam", "occlusion")
    assert not [f for f in run.failures if f.kind == "error"]


class Shared(nn.Module):
    """conv, relu, pool, conv, relu, pool with one ReLU and one pool used twice, or two of each."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(2)
        self.relu2 = self.relu if shared else nn.ReLU()
        self.pool2 = self.pool if shared else nn.MaxPool2d(2)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.one(x)))
        return self.head(self.pool2(self.relu2(self.two(x))).mean((2, 3)))


def shared_twins() -> list[Any]:
    nets = []
    for shared in (True, False):
        torch.manual_seed(2)
        nets.append(wrap(Shared(shared), modality="image", classes=tuple("abc"), sample=X))
    return nets


@pytest.mark.parametrize("layer", [None, "two", "one"])
def test_modules_used_twice_elsewhere_change_nothing(layer) -> None:
    asked = make_method("gradcam", layer=layer)
    target = Target(2, space="value")
    found = [
        explain(m, SAMPLE, [asked], target=target, features="pixels")[0].values
        for m in shared_twins()
    ]
    np.testing.assert_array_equal(*found)


def test_the_last_use_is_what_the_automatic_choice_explains() -> None:
    """By hand: a mean of the last maps and a linear head weigh each map by the head's weight."""
    model = shared_twins()[0]
    net = model.net
    with torch.no_grad():
        x = torch.from_numpy(X).permute(2, 0, 1)[None]
        maps = net.pool(net.relu(net.two(net.pool(net.relu(net.one(x))))))[0]
    n_cells = maps[0].numel()
    expected = torch.einsum("c,chw->hw", net.head.weight[2].detach() / n_cells, maps).numpy()
    assert model.cam_layer() == "pool"
    seen = model.activations([X])
    (slopes,) = torch.autograd.grad(seen.scores[:, 2].sum(), seen.at)
    found = torch.einsum("bc,bchw->hw", slopes.mean((2, 3)), seen.at.detach()).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_naming_a_layer_that_is_used_twice_is_refused_with_the_way_out() -> None:
    model = shared_twins()[0]
    expected = (
        "layer 'relu' of 'yours' is used 2 times in one pass; name a layer that is used once, or "
        "leave it out to take its last use."
    )
    with pytest.raises(NotApplicable) as refusal:
        explain(model, SAMPLE, [make_method("gradcam", layer="relu")])
    assert str(refusal.value) == expected


def test_the_layer_that_was_named_is_the_one_that_is_looked_at() -> None:
    model = shared_twins()[0]
    with pytest.raises(InvalidInput, match="has no layer 'three'"):
        explain(model, SAMPLE, [make_method("gradcam", layer="three")])
    with pytest.raises(NotApplicable, match="layer 'head' of 'yours' gives .* which has no places"):
        explain(model, SAMPLE, [make_method("gradcam", layer="head")])
