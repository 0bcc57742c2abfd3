"""Nets that compute in other types than float32, and nets that only give scores."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from xaikit import Sample, Target, explain, wrap
from xaikit.core.errors import NotApplicable
from xaikit.study.study import study

# rounding of each type, for values of about 1
TYPES = {torch.float64: 1e-6, torch.bfloat16: 2e-2, torch.float16: 3e-3}
CHEAP = ("integrated_gradients", "saliency", "occlusion", "shap", "lime", "gradcam", "attention")


class Reader(nn.Module):
    """Token ids -> scores, through an embedding, attention and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        self.head = nn.Linear(8, 3)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.block(self.words(ids)).mean(1))


def encode(words: list[str]) -> tuple[list[int], list[int]]:
    return [sum(map(ord, w)) % 50 for w in words], list(range(len(words)))


def picture() -> tuple[nn.Module, dict[str, Any], np.ndarray]:
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Tanh(), nn.Conv2d(6, 6, 3),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 3),
    )  # fmt: skip
    xs = np.random.default_rng(0).random((5, 8, 8, 3)).astype(np.float32)
    return net, {"background": xs[1:]}, xs[0]


def table() -> tuple[nn.Module, dict[str, Any], np.ndarray]:
    xs = np.random.default_rng(0).normal(size=(9, 4))
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), {"background": xs[1:]}, xs[0]


def series() -> tuple[nn.Module, dict[str, Any], np.ndarray]:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.GRU(2, 6, batch_first=True), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x)[0].mean(1))

    xs = np.random.default_rng(0).normal(size=(6, 16, 2)).astype(np.float32)
    return Net(), {"background": xs[1:], "layout": "BLC"}, xs[0]


def text() -> tuple[nn.Module, dict[str, Any], np.ndarray]:
    return Reader(), {"encode": encode}, np.array(["a", "small", "film", "of", "great", "charm"])


KINDS = {"image": picture, "table": table, "series": series, "text": text}


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_every_method_answers_as_in_float32(kind: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net, given, x = KINDS[kind]()
    net = net.eval()
    sample, target = Sample("s", x, kind), Target(1, space="value")
    answers = []
    for own in (net, copy.deepcopy(net).to(dtype)):
        model = wrap(own, modality=kind, classes=tuple("abc"), **given)
        run = study(model, [sample], methods=CHEAP, metrics="none", target=target)
        answers.append({e.method: e for e in run.explanations})
        assert model.scores([x]).dtype == np.float64
    assert answers[0].keys() == answers[1].keys() >= {"integrated_gradients", "shap", "lime"}
    for method, right in answers[0].items():
        found = answers[1][method]
        scale = np.abs(right.values).max() + abs(right.output) * (right.unit != "relative")
        np.testing.assert_allclose(
            found.values, right.values, atol=TYPES[dtype] * max(1.0, scale), rtol=0, err_msg=method
        )


def test_a_process_whose_default_type_is_float64_gets_the_same_answer() -> None:
    torch.manual_seed(0)
    net, given, x = table()
    right = wrap(net, modality="table", classes=tuple("abc"), **given).scores([x])
    torch.set_default_dtype(torch.float64)
    try:
        found = wrap(net.double(), modality="table", classes=tuple("abc"), **given).scores([x])
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(found, right, atol=1e-6)


def sealed(how: str, net: nn.Module) -> nn.Module:
    if how == "script":
        return torch.jit.script(net)
    if how == "trace":
        return torch.jit.trace(net, torch.zeros(1, 4))
    return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("how", ["script", "trace", "quantised"])
def test_sealed_nets_answer_removal_and_refuse_derivatives_by_name(how: str) -> None:
    torch.manual_seed(0)
    net, given, x = table()
    module = sealed(how, net.eval())
    sample, target = Sample("s", x, "table"), Target(1, space="value")
    model = wrap(module, modality="table", classes=tuple("abc"), **given)
    plain = wrap(net, modality="table", classes=tuple("abc"), **given)
    tolerance = 0.02 if how == "quantised" else 1e-5
    for method in ("occlusion", "shap"):
        found, right = (
            explain(m, sample, [method], target=target)[0].values for m in (model, plain)
        )
        np.testing.assert_allclose(found, right, atol=tolerance)
    for method in ("saliency", "integrated_gradients"):
        with pytest.raises(NotApplicable, match=f"{method} needs gradients and 'yours' has none"):
            explain(model, sample, [method])
    run = study(model, [sample])
    assert {"shap", "lime", "occlusion"} <= set(run.methods)
    assert not [f for f in run.failures if f.kind == "error"]


class Broken(nn.Module):
    """A step that passes no gradient on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).detach()


def test_a_net_that_detaches_is_refused_by_reason() -> None:
    _, given, x = table()
    model = wrap(Broken(), modality="table", classes=tuple("abc"), **given)
    with pytest.raises(NotApplicable, match="a step of the net passes no gradient on"):
        explain(model, Sample("s", x, "table"), ["saliency"])
