"""Class activation maps against hand-worked nets, captum and the identities that define them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam, LayerIntegratedGradients
from torch import nn
from toy_nets import Conv, ConvModel, LastState, NetModel, WordModel, ask_net, whole_weights

import xaikit
from xaikit.core.abilities import Activations
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.types import Target
from xaikit.methods.base import ask, make_method, reason_against

NAMES = ("gradcam", "hirescam")


def image_model(reading: str = "gap") -> ConvModel:
    return ConvModel(Conv(reading), "image", ("a", "b"), "value")


def images(model: ConvModel, n: int = 1, **changes) -> list:
    rng = np.random.default_rng(5)
    changes.setdefault("target", Target(1, space="value"))
    return [ask_net(model, rng.random((4, 4, 1)), name=str(i), **changes) for i in range(n)]


def explain(name: str, *questions, **params):
    return ask(make_method(name, **params), questions)


class Given(nn.Module):
    """Activations (B, 2, 1, 2) = x and 2 - x of a 1 x 2 image; a head that sees places apart."""

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, 2 - x], dim=1)

    def head(self, at: torch.Tensor) -> torch.Tensor:
        weights = torch.tensor([[[1.0, 3.0]], [[-1.0, 0.0]]], dtype=torch.float64)  # (C, 1, 2)
        return (at * weights).sum((1, 2, 3))[:, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def test_maps_worked_by_hand() -> None:
    question = ask_net(ConvModel(Given(), "image"), np.array([[[0.0], [1.0]]]))
    # A = [0, 1], [2, 1]; g = [1, 3], [-1, 0]; mean g = 2, -0.5
    assert explain("gradcam", question)[0].elements.tolist() == [[-1.0, 1.5]]
    assert explain("hirescam", question)[0].elements.tolist() == [[-2.0, 3.0]]


@pytest.mark.parametrize("reading", ["gap", "flatten"])
def test_gradcam_equals_captum_with_its_sign(reading) -> None:
    model = image_model(reading)
    (question,) = images(model)
    layer = LayerGradCam(model.net.forward, model.net.features)
    expected = layer.attribute(model.encode([question.sample.x]), target=1, relu_attributions=False)
    (found,) = explain("gradcam", question)
    np.testing.assert_allclose(found.elements, expected[0, 0].detach(), rtol=1e-12, atol=1e-14)
    assert found.elements.min() < 0  # no ReLU


def test_a_linear_head_on_flat_maps_is_explained_completely_by_hirescam() -> None:
    model = image_model("flatten")
    (question,) = images(model)
    (found,) = explain("hirescam", question)
    bias = model.net.head[-1].bias[1].item()
    assert found.elements.sum() == pytest.approx(question.output - bias, abs=1e-12)
    (averaged,) = explain("gradcam", question)
    assert abs(averaged.elements.sum() - (question.output - bias)) > 0.1


def test_with_average_pooling_and_a_linear_head_all_maps_are_cam() -> None:
    model = image_model("gap")
    (question,) = images(model)
    activations = model.net.features(model.encode([question.sample.x]))[0].detach()
    weights = model.net.head[-1].weight[1].detach()
    cam = torch.einsum("c,chw->hw", weights, activations) / 16
    assert float(cam.abs().max()) > 0.01
    for name in NAMES:
        np.testing.assert_allclose(explain(name, question)[0].elements, cam, rtol=1e-12)


def test_series_have_maps_too() -> None:
    net = nn.Module()
    net.features = nn.Sequential(nn.Conv1d(2, 3, 3, stride=2, padding=1), nn.ReLU())
    net.head = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(3, 1))
    whole_weights(net)

    class Series(ConvModel):
        def encode(self, xs) -> torch.Tensor:
            return super().encode(xs).movedim(-1, 1)

    net.forward = lambda x: net.head(net.features(x))
    model = Series(net, "series")
    x = np.random.default_rng(2).normal(size=(8, 2))
    (found,) = explain("gradcam", ask_net(model, x))
    assert found.elements.shape == (8, 2)
    assert found.extras["cell"] == (2.0,)
    assert np.array_equal(found.elements[:, 0], found.elements[:, 1])
    activations = net.features(model.encode([np.float32(x)]))[0].detach()
    cells = (net.head[-1].weight[0, :, None] * activations).sum(0).detach() / 4
    # linear upsampling by two: the first place is the first cell, then a quarter of the next
    assert found.elements[0, 0] == pytest.approx(float(cells[0]))
    assert found.elements[1, 0] == pytest.approx(float(0.75 * cells[0] + 0.25 * cells[1]))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_do_not_depend_on_batch_size(name) -> None:
    model = image_model("flatten")
    many = explain(name, *images(model, 5))
    few = explain(name, *images(model, 5, batch_size=2)[::-1])[::-1]
    for question, a, b in zip(images(model, 5), many, few, strict=True):
        alone = explain(name, question)[0]
        np.testing.assert_allclose(a.elements, alone.elements, rtol=1e-12)
        np.testing.assert_allclose(b.elements, alone.elements, rtol=1e-12)


class MeanState(WordModel):
    """The states of an LSTM, (B, 4, T), whose mean over the real words is read."""

    def cam_layer(self, layer: str | None = None) -> str:
        return "lstm"

    def activations(self, xs, layer: str | None = None) -> Activations:
        at, lengths = self.encode(xs)
        states = self.net.lstm(at)[0].mT.detach().requires_grad_()
        inside = torch.arange(at.shape[1]) < lengths[:, None]
        mean = (states * inside[:, None]).sum(2) / lengths[:, None]

        def fold(maps: torch.Tensor) -> list[np.ndarray]:
            return [row[:n].numpy() for row, n in zip(maps, lengths, strict=True)]

        return Activations(states, self.net.head(mean), fold, layer or "lstm", (1.0,))


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing(name) -> None:
    model = MeanState(LastState())
    texts = (["good"], ["not", "very", "good", "film"], ["bad", "film"])
    questions = [ask_net(model, t, name=str(i)) for i, t in enumerate(texts)]
    for question, found in zip(questions, explain(name, *questions), strict=True):
        (alone,) = explain(name, question)
        np.testing.assert_allclose(found.values, alone.values, rtol=1e-12)
        assert found.extras["flat"] == alone.extras["flat"] == (len(found.values) == 1)


@pytest.mark.parametrize("name", NAMES)
def test_each_row_has_its_own_target(name) -> None:
    model = image_model("flatten")
    targets = [Target(0, space="value"), Target(1, space="prob"), Target(0, against=1)]
    questions = [images(model, 1, target=t)[0] for t in targets]
    for question, found in zip(questions, explain(name, *questions), strict=True):
        np.testing.assert_allclose(found.elements, explain(name, question)[0].elements, rtol=1e-12)
    assert not np.allclose(*(e.elements for e in explain(name, *questions)[:2]))


@pytest.mark.parametrize("name", NAMES)
def test_a_flat_map_is_called_flat(name) -> None:
    model = image_model()
    with torch.no_grad():
        model.net.features[0].bias.fill_(-100)  # every ReLU is closed
    (found,) = explain(name, images(model)[0])
    assert found.extras["flat"]
    assert found.note == "flat map: layer 'features' tells no places apart"
    (found,) = explain(name, images(image_model())[0])
    assert not found.extras["flat"]
    assert found.note == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_layer_can_be_chosen(name) -> None:
    (found,) = explain(name, images(image_model())[0], layer="deeper")
    assert found.extras["layer"] == "deeper"
    assert found.params == {"layer": "deeper"}
    assert found.extras["cell"] == (1.0, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_changed_and_work_is_counted(name) -> None:
    model = image_model()
    model.net.train()
    questions = images(model, 3)
    for q in questions:
        _ = q.output, q.empty
    with torch.inference_mode():
        found = explain(name, *questions)
        assert torch.is_inference_mode_enabled()
    assert model.net.training
    assert all(p.grad is None and p.requires_grad for p in model.net.parameters())
    assert {(e.cost.asked, e.cost.forward, e.cost.backward) for e in found} == {(1, 1, 1)}
    assert {(e.unit, e.additive, e.std) for e in found} == {("relative", False, None)}


@pytest.mark.parametrize("name", NAMES)
def test_refusals(name) -> None:
    expected = f"{name} needs a spatial layer and 'net' has none; try integrated_gradients or lime."
    assert reason_against(make_method(name), NetModel(lambda at: at)) == expected

    class LastState(ConvModel):
        def cam_layer(self, layer: str | None = None) -> str:
            raise NotApplicable("the head of 'net' reads the last state only; try occlusion.")

    reason = reason_against(make_method(name), LastState(Conv(), "image"))
    assert reason == "the head of 'net' reads the last state only; try occlusion."
    assert reason_against(make_method(name), image_model()) is None


class Stack(nn.Module):
    """Two convolutions, and a head that is no straight line."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4 * 36, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        at = torch.tanh(self.second(torch.tanh(self.first(x))))
        return torch.tanh(self.head(at.flatten(1)))


@pytest.mark.parametrize("layer", ["first", "second"])
def test_integrated_gradients_of_a_layer_are_those_of_captum(layer) -> None:
    torch.manual_seed(0)
    net = Stack().eval()
    x = np.random.default_rng(0).random((6, 6, 1)).astype(np.float32)
    model = xaikit.wrap(
        net, modality="image", names=["a", "b"], outputs="values", background=x[None]
    )
    method = make_method("layer_ig", layer=layer, n_steps=20)
    found = xaikit.explain(model, x, method, target="b", masker="black", features="patches:3")[0]
    theirs = LayerIntegratedGradients(net, getattr(net, layer)).attribute(
        torch.tensor(x[None, ..., 0])[None], target=1, n_steps=20, method="gausslegendre"
    )
    np.testing.assert_allclose(found.elements, theirs.sum(1)[0].detach().numpy(), atol=1e-5)
    assert found.extras["layer"] == layer
    assert abs(found.extras["missed"]) < 1e-4


def test_a_layer_is_averaged_over_the_references_and_leaves_no_hook() -> None:
    torch.manual_seed(0)
    net = Stack().eval()
    rows = np.random.default_rng(1).random((3, 6, 6, 1)).astype(np.float32)
    model = xaikit.wrap(net, modality="image", names=["a", "b"], outputs="values", background=rows)
    method = make_method("layer_ig", layer="second", n_steps=8)
    each = [
        xaikit.explain(model, rows[0], method, target="a", masker=r).values[0] for r in rows[1:]
    ]
    both = xaikit.explain(model, rows[0], method, target="a", masker=rows[1:]).values[0]
    np.testing.assert_allclose(both, np.mean(each, axis=0), atol=1e-6)
    assert not any(m._forward_hooks for m in net.modules())
    with pytest.raises(InvalidInput, match="layer_ig has n_steps 0; 1 or more are needed."):
        make_method("layer_ig", n_steps=0)
