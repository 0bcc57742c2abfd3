"""One net asked by several threads: the bits of one thread, and the net left as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from xaikit import Sample, explain, wrap
from xaikit.metrics import Randomisation
from xaikit.models.modes import differentiating, evaluating
from xaikit.study.plan import make_question

METHODS = ("gradcam", "integrated_gradients", "occlusion", "shap")


def picture_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(inplace=True), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


class SeriesNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.LSTM(2, 6, batch_first=True), nn.Linear(6, 3)
        self.drop = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.body(x)[0].mean(1)))


def table_net() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 12), nn.BatchNorm1d(12), nn.Tanh(), nn.Linear(12, 3))


KINDS: dict[
    str, tuple[Callable[[], nn.Module], tuple[int, ...], dict[str, Any], tuple[str, ...]]
] = {
    "image": (picture_net, (16, 16, 3), {}, METHODS),
    "series": (SeriesNet, (20, 2), {"layout": "BLC"}, METHODS),
    "table": (table_net, (5,), {}, ("integrated_gradients", "occlusion", "shap", "smoothgrad")),
}


def state(net: nn.Module) -> dict[str, Any]:
    """Everything of a net that asking must not change."""
    return {
        "weights": {k: v.clone() for k, v in net.state_dict().items()},
        "training": [m.training for m in net.modules()],
        "learning": [p.requires_grad for p in net.parameters()],
        "gradients": [p.grad for p in net.parameters()],
        "hooks": [len(m._forward_hooks) + len(m._backward_hooks) for m in net.modules()],
        "switches": (torch.backends.mha.get_fastpath_enabled(), torch.backends.cudnn.enabled),
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    weights = all(torch.equal(v, other["weights"][k]) for k, v in one["weights"].items())
    return weights and all(one[k] == other[k] for k in one if k != "weights")


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_four_threads_give_the_bits_of_one(kind: str, training: bool) -> None:
    make, shape, given, methods = KINDS[kind]
    rng = np.random.default_rng(0)
    xs = rng.random((12, *shape)).astype(np.float32)
    torch.manual_seed(0)
    net = make().train(training)
    model = wrap(
        net, modality=kind, classes=tuple("abc"), background=xs[:6], outputs="logits", **given
    )
    samples = [Sample(f"s{i}", x, kind) for i, x in enumerate(xs)]
    before = state(net)

    def values(sample: Sample) -> list[np.ndarray]:
        return [e.values for e in explain(model, sample, methods=methods, target=0)]

    alone = [values(s) for s in samples]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(values, samples))
    for right, found in zip(alone, together, strict=True):
        for one, other in zip(right, found, strict=True):
            np.testing.assert_array_equal(one, other)
    assert same(before, state(net))


def test_a_net_inside_another_is_alone_too() -> None:
    """Two models that share a body do not switch it under each other."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5)).train()
    rows = np.random.default_rng(1).normal(size=(20, 5))
    models = [
        wrap(
            nn.Sequential(body, nn.Linear(8, 2)),
            modality="table",
            classes=("a", "b"),
            background=rows,
            outputs="logits",
        )
        for _ in range(2)
    ]
    before, right = state(body), [m.scores(rows) for m in models]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda i: models[i % 2].scores(rows), range(400)))
    for i, scores in enumerate(found):
        np.testing.assert_array_equal(scores, right[i % 2])
    assert same(before, state(body))


def test_a_copy_of_random_weights_takes_no_hook_of_another_thread() -> None:
    torch.manual_seed(0)
    net = picture_net().eval()
    xs = np.random.default_rng(0).random((4, 16, 16, 3)).astype(np.float32)
    model = wrap(net, modality="image", classes=tuple("abc"), background=xs, outputs="logits")
    samples = [Sample(f"s{i}", x, "image") for i, x in enumerate(xs)]

    def drawn(_: int) -> int:
        copy = model.randomised(model.layers(), np.random.default_rng(0))
        return sum(len(m._forward_hooks) for m in copy.net.modules())

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(explain, model, s, ["gradcam"]) for s in samples * 8]
        hooks = list(threads.map(drawn, range(60)))
        [a.result() for a in asked]
    assert hooks == [0] * 60


@pytest.fixture(params=[True, False])
def _switched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fused attention as a person may have set it."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(request.param)
    yield
    torch.backends.mha.set_fastpath_enabled(was)


@pytest.mark.usefixtures("_switched")
@pytest.mark.parametrize("context", [evaluating, differentiating])
def test_an_error_inside_leaves_no_trace(context: Any) -> None:
    net = nn.Sequential(nn.LSTM(2, 3), nn.Dropout()).train()
    net[0].weight_ih_l0.requires_grad_(False)
    before = state(net)

    def fails() -> None:
        with context(net):
            assert not any(m.training for m in net.modules())
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fails()
    assert same(before, state(net))


def test_randomised_weights_are_measured_alike_in_threads() -> None:
    torch.manual_seed(0)
    rows = np.random.default_rng(1).normal(size=(20, 5))
    model = wrap(
        table_net().train(),
        modality="table",
        classes=tuple("abc"),
        background=rows,
        outputs="logits",
    )
    samples = [Sample(f"s{i}", x, "table") for i, x in enumerate(rows[:4])]

    def measured(sample: Sample) -> list[float]:
        question = make_question(model, sample)
        (found,) = explain(model, sample, ["saliency"])
        scores = Randomisation()(question, found, question.rng("randomisation", 0))
        return [s.value for s in scores]

    right = [measured(s) for s in samples]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(measured, samples)) == right
