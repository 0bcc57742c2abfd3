"""Nets of every make: scores, gradients and maps are the net's own, and it is left as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.core.errors import ModelError
from xaikit.methods.gradient import Saliency

X = np.random.default_rng(0).random((4, 6, 6, 1)).astype(np.float32)
TARGET = xaikit.Target(1, against=0, space="logit")


def plain() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 4, 3, padding=1), nn.Tanh(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
        )  # fmt: skip


class Holding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = plain()


@dataclass
class Told:
    loss: Any
    logits: torch.Tensor


class InDataclass(Holding):
    def forward(self, x):
        return Told(None, self.net(x))


class WithOptions(Holding):
    def forward(self, pixel_values, *, temperature=2.0, labels=None):
        del labels
        return self.net(pixel_values) / temperature


class Needing(Holding):
    def forward(self, x, *, scale):
        return scale * self.net(x)


class Twice(Holding):
    def forward(self, x):
        first, tanh, again, _, *head = self.net
        x = tanh(again(tanh(again(tanh(first(x))))))
        for layer in head:
            x = layer(x)
        return x


class Dense(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.map(x)


def hooked() -> nn.Module:
    net = plain()
    net[0].register_forward_hook(lambda _m, _a, out: 1.5 * out)
    net[2].register_forward_pre_hook(lambda _m, args: (args[0] + 0.1,))
    net[2].register_full_backward_hook(lambda _m, _gi, _go: None)
    return net


def normed() -> nn.Module:
    net = plain()
    nn.utils.parametrizations.weight_norm(net[2])
    nn.utils.parametrizations.spectral_norm(net[6])
    return net


MAKES = {
    "a dataclass": InDataclass,
    "options": WithOptions,
    "a layer twice": Twice,
    "hooks": hooked,
    "parametrisations": normed,
    "DataParallel": lambda: nn.DataParallel(plain()),
    "slices": lambda: nn.Sequential(plain()[:4], *plain()[4:]),
    "frozen": lambda: plain().requires_grad_(False),
    "training": lambda: plain().train(),
    "traced by fx": lambda: torch.fx.symbolic_trace(plain()),
    "compiled": lambda: torch.compile(plain(), backend="eager"),
    "double": lambda: plain().double(),
}


def state_of(net: nn.Module) -> list[Any]:
    modules = [
        (m.training, len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
        for m in net.modules()
    ]
    return [*modules, *((p.requires_grad, p.grad, p.tolist()) for p in net.parameters())]


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_numbers_are_the_nets_own_and_it_is_left_as_it_was(make) -> None:
    net = make()
    before = state_of(net)
    about = {"modality": "image", "classes": ("a", "b"), "outputs": "logits", "background": X}
    model = xaikit.wrap(net, **about)
    sample = xaikit.Sample("s", X[0], "image")

    def score(x):
        out = model.scores([x])[0]
        return out[1] - out[0]

    asked = {"features": "patches:3", "target": TARGET}
    gone, cam = xaikit.explain(model, sample, ["occlusion", "gradcam"], **asked)
    grey = np.full_like(X[0], X.mean(dtype=np.float64))
    for i in (0, 4):
        left = np.where((gone.segmentation.ids == i)[..., None], grey, X[0])
        assert gone.values[i] == pytest.approx(score(X[0]) - score(left), abs=1e-6)
    assert np.ptp(cam.values) > 0
    (slope,) = xaikit.explain(model, sample, [Saliency()], features="pixels", target=TARGET)
    row, column = np.unravel_index(int(slope.elements.argmax()), (6, 6))
    step = np.zeros_like(X[0])
    step[row, column] = 0.02
    found = abs(score(X[0] + step) - score(X[0] - step)) / 0.04
    assert slope.elements[row, column] == pytest.approx(found, rel=0.02)
    assert state_of(net) == before


def test_what_cannot_be_called_or_read_is_refused() -> None:
    with pytest.raises(ModelError, match="missing 1 required keyword-only argument: 'scale'"):
        xaikit.wrap(Needing(), modality="image", classes=("a", "b"), background=X)
    with pytest.raises(ModelError, match=r"gave scores of shape \(13, 2, 4, 4\)"):
        xaikit.wrap(Dense(), modality="image", classes=("a", "b"), background=X, outputs="logits")


class Cells(nn.Module):
    """Reads the lower right of four cells, behind a normalisation whose channels are then put last."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv, self.norm = nn.Conv2d(1, 7, 3, stride=3), norm

    def forward(self, x):
        cells = (
            self.norm(self.conv(x.clone(memory_format=torch.contiguous_format)))
            .flatten(2)
            .transpose(1, 2)
        )  # (B, 4, 7)
        return cells.softmax(2)[:, 3, :2] * torch.tensor([-9.0, 9.0])


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(7), nn.InstanceNorm2d(7)])
def test_the_gradient_of_a_single_input_behind_a_normalisation_is_that_of_finite_differences(norm):
    model = xaikit.wrap(Cells(norm), modality="image", classes=["a", "b"], sample=X[0])
    (e,) = xaikit.explain(
        model, xaikit.Sample("x", X[0], "image"), ["saliency"], target=TARGET, features="pixels"
    )  # fmt: skip
    for place in ((0, 0), (2, 4), (4, 1), (4, 4)):
        step = np.zeros_like(X[0])
        step[place] = 1e-2
        up, down = (TARGET(model.scores([X[0] + sign * step]))[0] for sign in (1, -1))
        assert e.elements[place] == pytest.approx(abs(up - down) / 2e-2, abs=2e-3)
