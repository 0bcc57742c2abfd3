"""Attention weights: equal to the softmax worked by hand, whoever computes them, and nothing patched after."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import scaled_dot_product_attention as imported_by_name
from toy_zoo import fresh, toy_data

from xaikit.core.abilities import Attentive
from xaikit.core.errors import CheckFailed, NotApplicable
from xaikit.models.probe import Recorder
from xaikit.models.wrapping import wrap


def series_model(net, **params):
    return wrap(
        net,
        modality="series",
        layout="BLC",
        classes=("a", "b"),
        sample=np.ones((5, 4)),
        outputs="logits",
        **params,
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


@pytest.mark.parametrize("causal", [False, True])
def test_weights_equal_the_softmax_by_hand(causal):
    rng = np.random.default_rng(0)
    query, key, value = rng.normal(size=(3, 2, 3, 5, 4))
    tensors = [torch.tensor(a) for a in (query, key, value)]
    with Recorder() as recorder:
        given = F.scaled_dot_product_attention(*tensors, is_causal=causal)
    logits = query @ key.transpose(0, 1, 3, 2) / math.sqrt(4)
    if causal:
        logits = np.where(np.tril(np.ones((5, 5))), logits, -np.inf)
    np.testing.assert_allclose(recorder.weights[0].detach(), softmax(logits), atol=1e-12)
    np.testing.assert_allclose(given.detach(), softmax(logits) @ value, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"attn_mask": torch.tensor([[True, True, False, True, False]])},
        {"attn_mask": torch.linspace(-3, 3, 25, dtype=torch.float64).reshape(5, 5)},
        {"attn_mask": torch.zeros(5, 5, dtype=torch.bool)},  # a row that sees nothing gives 0
        {"scale": 0.1},
        {"enable_gqa": True},
    ],
    ids=["boolean mask", "additive mask", "all masked", "scale", "grouped heads"],
)
def test_open_attention_equals_fused_attention(options):
    generator = torch.Generator().manual_seed(0)
    heads = 2 if "enable_gqa" in options else 4
    query = torch.randn(2, 4, 5, 4, generator=generator, dtype=torch.float64)
    key, value = torch.randn(2, 2, heads, 5, 4, generator=generator, dtype=torch.float64)
    fused = F.scaled_dot_product_attention(query, key, value, **options)
    with Recorder() as recorder:
        opened = imported_by_name(query, key, value, **options)
    torch.testing.assert_close(opened, fused)
    assert recorder.weights[0].shape == (2, 4, 5, 5)


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("bert_small", "text"),
        ("gpt_small", "text"),
        ("vit_small", "image"),
        ("bert_small", "series"),
    ],
)
def test_weights_of_the_zoo(name, modality):
    model, data = fresh(name, modality), toy_data(modality)
    found = model.attention(data.inputs("test"))
    np.testing.assert_allclose(found.scores.detach(), model.scores(data.inputs("test")), atol=1e-5)
    assert len(found.weights) == 2
    n_special = 0 if name == "gpt_small" else 1
    n_places = 6 if modality == "image" else max(len(s.x) for s in data.test)
    for weights in found.weights:
        assert weights.shape == (6, 2, n_special + n_places, n_special + n_places)
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    assert found.special.sum(1).tolist() == [n_special] * 6
    if modality == "text":
        lengths = [len(s.x) for s in data.test]
        assert found.valid.sum(1).tolist() == [n_special + n for n in lengths]
        read = [n - 1 for n in lengths] if name == "gpt_small" else [0] * 6
        assert found.read.tolist() == read
    grads = torch.autograd.grad(found.scores[:, 1].sum(), found.weights)
    assert all(bool(g.abs().max() > 0) for g in grads)
    mass = found.fold(found.weights[0].mean(1)[:, 0].detach())
    assert [m.shape for m in mass] == [s.grid for s in data.test]


def test_no_weight_falls_on_padding_and_none_on_the_future():
    xs = [np.array(["good"]), np.array(["the", "film", "was", "bad"])]
    bert = fresh("bert_small", "text").attention(xs).weights[0]
    assert bert[0, :, :, 2:].abs().max() == 0  # the class token and one word
    assert bert[1].min() > 0
    gpt = fresh("gpt_small", "text").attention(xs).weights
    assert all(bool((w.triu(1) == 0).all()) for w in gpt)


def test_the_first_weights_of_the_zoo_by_hand():
    model = fresh("gpt_small", "series")
    batch = model.read(toy_data("series").inputs("test")[:1])
    net, block = model.net, model.net.blocks[0]
    with torch.no_grad():
        x = block.norm1(net.positions(net.entry(batch.at)))[0].double().numpy()
    weight, bias = (p.detach().double().numpy() for p in block.attention.qkv.parameters())
    query, key = (x @ weight[i : i + 4].T + bias[i : i + 4] for i in (0, 8))  # head 0 of two
    logits = np.where(np.tril(np.ones((20, 20))), query @ key.T / 2, -np.inf)
    found = model.attention(toy_data("series").inputs("test")[:1]).weights[0][0, 0]
    np.testing.assert_allclose(found.detach(), softmax(logits), atol=1e-6)


def test_an_image_token_is_spread_over_its_patch():
    found = fresh("vit_small", "image").attention(toy_data("image").inputs("test")[:1])
    share = torch.zeros(1, 7)
    share[0, 0], share[0, 2] = 5.0, 1.0  # the class token stands for no pixel
    (pixels,) = found.fold(share)
    assert pixels.sum() == pytest.approx(1.0)
    assert np.argwhere(pixels).min(0).tolist() == [0, 4]
    assert np.argwhere(pixels).max(0).tolist() == [3, 7]


class Encoder(nn.Module):
    """torch's own encoder layer, with its hidden fast path."""

    def __init__(self, norm_first: bool) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            4, 2, 8, batch_first=True, dropout=0.3, norm_first=norm_first
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1))


class OwnWeights(nn.Module):
    """Multi-head attention that asks for weights, which never reaches fused attention by itself."""

    def __init__(self, average: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 2)
        self.average = average
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed, weights = self.attention(x, x, x, average_attn_weights=self.average)
        self.seen.append(weights.detach())
        return self.head(mixed.mean(1))


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_torch_encoder_is_seen_through(norm_first):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = series_model(Encoder(norm_first), reads="mean")
    assert isinstance(model, Attentive)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    found = model.attention([x, x + 1])
    assert [w.shape for w in found.weights] == [(2, 2, 5, 5)] * 2
    assert found.read.tolist() == [-1, -1]
    np.testing.assert_allclose(found.scores.detach(), model.scores([x, x + 1]), atol=1e-5)
    assert model.cam_layer() == ("encoder.layers.1.norm1" if norm_first else "encoder.layers.0.norm2")  # fmt: skip
    assert torch.autograd.grad(found.scores[:, 0].sum(), found.weights)[0].abs().max() > 0


@pytest.mark.parametrize("average", [True, False])
def test_weights_equal_those_that_torch_reports(average):
    with torch.random.fork_rng():
        torch.manual_seed(2)
        net = OwnWeights(average)
    model = series_model(net, reads="mean")
    assert len(model.events) > 2  # the layout is known before, so that no other pass comes between
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    found = model.attention([x]).weights[0].detach()
    reported = net.seen[-2]  # of the ordinary pass that the capture is checked against
    torch.testing.assert_close(found.mean(1) if average else found, reported)
    torch.testing.assert_close(net.seen[-1], reported)  # the module is handed the same


def test_a_net_that_changes_between_passes_fails_the_check():
    class Moody(Encoder):
        calls, drift = 0, 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += self.drift
            return super().forward(x) + self.calls

    net = Moody(norm_first=True)
    model = series_model(net)
    net.drift = 1  # from now on
    fused = F.scaled_dot_product_attention
    with pytest.raises(CheckFailed, match=r"computed openly 'yours' gives scores that differ by 1"):
        model.attention([np.ones((5, 4))])
    assert F.scaled_dot_product_attention is fused
    assert torch.backends.mha.get_fastpath_enabled()


def test_everything_is_restored_after_an_error_inside_attention():
    fused = F.scaled_dot_product_attention
    query = torch.zeros(1, 1, 2, 2)
    with pytest.raises(RuntimeError), Recorder():
        F.scaled_dot_product_attention(query, torch.zeros(1, 1, 2, 3), query)
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    with pytest.raises((RuntimeError, AssertionError)), Recorder():
        layer(torch.zeros(1, 2, 4), torch.zeros(1, 3, 4), torch.zeros(1, 5, 4))
    assert F.scaled_dot_product_attention is fused
    with Recorder() as recorder:
        pass
    F.scaled_dot_product_attention(query, query, query)
    assert recorder.weights == []


def test_attention_to_another_sequence_is_refused():
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.head = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.attention(x[:, :2], x, x)[0].mean(1))

    with pytest.raises(NotApplicable, match=r"'yours' attends to windows or to another sequence"):
        series_model(Cross()).attention([np.ones((5, 4))])


def test_a_net_without_attention_has_not_the_ability():
    assert not isinstance(fresh("lstm", "text"), Attentive)
    assert not isinstance(fresh("lenet", "image"), Attentive)
