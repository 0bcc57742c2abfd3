"""Small boxes evaluated on their region: the same numbers as the whole net, or the whole net itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toy_chains import bound, chain, drawn, every_sort, grid, leave_out, seeded, whole
from toy_zoo import fresh

from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.methods.removal import Occlusion
from xaikit.models import regions, trunk
from xaikit.models.regions import Regions
from xaikit.models.windows import Axis

EVERYTHING = slice(None)


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions are used wherever they can be, however little they save."""
    for cost in ("CLEAR", "_CALL", "_INDEX", "_MOVE"):
        monkeypatch.setattr(regions, cost, 0)


def assert_right(net: nn.Module, *, used: bool, k: int = 1) -> Any:
    """The scores are those of the definition, and regions were used, or not."""
    model, x, references, ids, scores = bound(net, k=k)
    masks = every_sort(ids.max() + 1)
    found = scores(masks, EVERYTHING)
    np.testing.assert_allclose(found, whole(model, x, references, ids, masks), atol=1e-5)
    assert isinstance(scores, Regions) == used
    if used:
        assert scores.regional > 0
    return scores


@pytest.mark.parametrize("seed", range(40))
def test_any_chain_gives_the_scores_of_the_whole_net(seed):
    k = 1 + seed % 3
    model, x, references, ids, scores = bound(drawn(seed), k=k)
    masks = every_sort(ids.max() + 1, seed)
    right = whole(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.regional >= 16 * k  # the small boxes were not evaluated in full
    moved = np.abs(right[masks.sum(1) == 29] - model.scores([x])).max()
    assert moved > 1e-3  # one feature counts far more than the tolerance
    some = scores(masks[3:], slice(k - 1, k))
    np.testing.assert_allclose(some, right[3:, k - 1 :], atol=1e-5)


@pytest.mark.parametrize("cut", range(1, 6))
def test_the_net_can_go_on_in_full_behind_any_stage(cut, monkeypatch):
    monkeypatch.setattr(regions._Plan, "best", lambda *_: (cut, 1.0))
    assert_right(seeded(chain), used=True, k=2)


@pytest.mark.parametrize("grain", [1, 2, 7])
def test_boxes_of_any_shape_anywhere(grain, monkeypatch):
    monkeypatch.setattr(regions, "_PARTS", (20 // grain,))
    model, x, references, _, _ = bound(seeded(chain), k=2)
    rng = np.random.default_rng(1)
    ids = np.full((24, 20), -1)
    for i in range(12):  # later rectangles lie over earlier ones; the rest is never removed
        top, left = rng.integers(0, 22), rng.integers(0, 18)
        ids[top : top + rng.integers(1, 9), left : left + rng.integers(1, 9)] = i
    _, ids_there = np.unique(ids, return_inverse=True)
    ids = ids_there.reshape(ids.shape) - 1
    scores = model.bind(x, references, ids, False)
    masks = every_sort(ids.max() + 1)
    kept = np.concatenate([masks, np.ones((len(masks), 1), bool)], axis=1)[:, ids][..., None]
    right = [model.scores(np.where(kept, x, r)) for r in references]
    np.testing.assert_allclose(scores(masks, EVERYTHING), np.stack(right, axis=1), atol=1e-5)
    assert scores.regional > 0


@pytest.mark.parametrize("layer", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 1, 1)])
def test_padding_of_a_pooling_over_values_below_0(layer):
    def make() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.LogSigmoid(), layer, nn.Flatten(), nn.LazyLinear(3)
        )

    assert_right(seeded(make), used=True)


@pytest.mark.parametrize("extent", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_readers_and_reach_are_what_a_look_at_every_window_gives(extent, stride):
    before, size = extent // 2, 17
    axis, n_out = Axis(extent, stride, before), (size + 2 * before - extent) // stride + 1
    for n in (1, 2, 5):
        widest = 0
        for first in range(size - n + 1):
            changed = set(range(first, first + n))
            read = [
                o
                for o in range(n_out)
                if changed & set(range(o * stride - before, o * stride - before + extent))
            ]
            low, high = axis.readers(np.array([first]), np.array([first + n]), n_out)
            assert list(range(low[0], high[0])) == read
            widest = max(widest, len(read))
        assert axis.reach(n, n_out) == widest


class Functional(nn.Module):
    """Calls of functions between its layers, and an average over places by `mean`."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, padding=1, dilation=1), nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.one(x)), 2)
        x = F.dropout(torch.tanh(self.two(self.two(x))), 0.5, self.training)
        return self.head(x.mean(dim=(-2, -1)))


def test_functions_count_as_layers():
    scores = assert_right(seeded(Functional), used=True)
    assert [s.macs for s in scores._plan.stages] == [108, 0, 144, 144]
    assert scores._plan.mean


@pytest.mark.parametrize("name", ["lenet", "vgg_small"])
def test_the_zoo_begins_with_a_chain(name):
    model = fresh(name, "image")
    x = np.random.default_rng(2).random((8, 12, 2))
    ids = grid((8, 12), 2)
    scores = model.bind(x, 1 - x[None], ids, False)
    masks = every_sort(24)
    right = whole(model, x, 1 - x[None], ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.regional >= 16
    n_stages = {"lenet": 4, "vgg_small": 9}[name]
    assert len(scores._plan.stages) == n_stages


class Reads(nn.Module):
    """Two convolutions; what comes after them reads an earlier map too, or a map as a whole."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.norm = {"group": nn.GroupNorm(1, 3), "instance": nn.InstanceNorm2d(3)}.get(how)
        self.head = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "rows":
            x = x.view(x.size(0), 3, 24, 20)
        if self.how == "gate":  # squeeze and excitation
            x = x * torch.sigmoid(x.mean((2, 3), keepdim=True))
        if self.norm is not None:
            x = self.norm(x)
        y = self.two(torch.relu(self.one(x)))
        if self.how == "residual":
            y = y + x
        if self.how == "hidden":
            y = y + Hidden.apply(x)
        if self.how == "branch":
            y = y if x.mean() > 0 else -y
        return self.head(y.mean((2, 3)))


class Hidden(torch.autograd.Function):
    """A function that torch runs without telling anyone of its argument."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.detach().clone()


@pytest.mark.parametrize(
    "how", ["residual", "gate", "group", "instance", "rows", "hidden", "branch"]
)
def test_what_is_no_chain_is_evaluated_in_full(how):
    assert_right(seeded(lambda: Reads(how)), used=False, k=2)


def test_only_what_comes_before_a_short_cut_is_a_chain():
    model = fresh("resnet_small", "image")
    x = np.random.default_rng(2).random((8, 12, 2))
    scores = model.bind(x, 1 - x[None], grid((8, 12), 2), False)
    masks = every_sort(24)
    right = whole(model, x, 1 - x[None], grid((8, 12), 2), masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert len(scores._plan.stages) == 1  # the stem


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"),
        nn.BatchNorm2d(3, track_running_stats=False),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Softmax2d(),
        nn.LayerNorm([3, 24, 20]),
        nn.ConvTranspose2d(3, 4, 3),
    ],
    ids=lambda layer: str(layer).split("(")[0],
)
def test_other_layers_are_evaluated_in_full(layer):
    if isinstance(layer, nn.BatchNorm2d):  # depends on the batch, so only that it is refused
        at = torch.rand(2, 3, 24, 20)
        with torch.inference_mode(), trunk.Trace(at) as trace:
            layer.eval()(at)
        assert trace.stages() == []
        return
    assert_right(seeded(lambda: nn.Sequential(layer, nn.Flatten(), nn.LazyLinear(3))), used=False)


def test_a_net_with_hooks_is_evaluated_in_full():
    net = seeded(chain)
    *_, scores = bound(net)
    masks = leave_out(30)
    before = scores(masks, EVERYTHING)
    used = scores.regional
    seen: list[int] = []
    handle = net[1].register_forward_hook(lambda _m, _args, out: seen.append(len(out)))
    np.testing.assert_allclose(scores(masks, EVERYTHING), before, atol=1e-5)
    assert seen == [30]
    assert scores.regional == used
    handle.remove()
    scores(masks, EVERYTHING)
    assert scores.regional == 2 * used


def test_small_savings_are_left_alone(monkeypatch):
    *_, scores = bound(net := seeded(chain))
    monkeypatch.undo()
    scores(leave_out(30), EVERYTHING)
    assert scores.regional == 0
    assert not isinstance(bound(net)[-1], Regions)


def test_random_masks_are_evaluated_in_full_in_one_call():
    *_, scores = bound(seeded(chain))
    calls: list[int] = []
    full = scores.full
    scores.full = lambda masks, rows: calls.append(len(masks)) or full(masks, rows)
    masks = np.random.default_rng(0).random((50, 30)) < 0.5
    scores(masks, EVERYTHING)
    assert calls == [50]


def test_weights_changed_between_two_calls_count():
    net = seeded(chain)
    model, x, references, ids, scores = bound(net)
    masks = leave_out(30)
    first = scores(masks, EVERYTHING)
    with torch.no_grad():
        net[4].weight.data.mul_(-1.0)
    second = scores(masks, EVERYTHING)
    np.testing.assert_allclose(second, whole(model, x, references, ids, masks), atol=1e-5)
    assert np.abs(first - second).max() > 1e-3
    net[5] = nn.AvgPool2d(2)  # another chain
    third = scores(masks, EVERYTHING)
    np.testing.assert_allclose(third, whole(model, x, references, ids, masks), atol=1e-5)


def test_nothing_is_left_behind():
    net = seeded(chain).train()
    net[2].eval()
    weights = {k: v.clone() for k, v in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    drawn_before = torch.random.get_rng_state()
    *_, scores = bound(net)
    scores(leave_out(30), EVERYTHING)
    assert scores.regional == 30

    def fails(*_: Any) -> Any:
        raise ValueError("the head fails")

    net[-1].forward = fails
    with pytest.raises(ValueError, match="the head fails"):
        scores(leave_out(30), EVERYTHING)
    assert all(torch.equal(v, weights[k]) for k, v in net.state_dict().items())
    assert [m.training for m in net.modules()] == modes
    assert all(w.requires_grad and w.grad is None for w in net.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert torch.equal(torch.random.get_rng_state(), drawn_before)
    assert torch.overrides._get_current_function_mode() is None


@pytest.mark.parametrize("what", ["low", "high", "fill", "base"])
def test_a_planted_error_is_seen(what, monkeypatch):
    """Without the guard the numbers are off; with it the whole net is asked."""
    net = seeded(chain)
    model, x, references, ids, scores = bound(net, k=2)
    masks = np.concatenate([leave_out(30), np.eye(30, dtype=bool)])
    right = whole(model, x, references, ids, masks)
    readers, read = Axis.readers, trunk._read
    off = {"low": (1, 0), "high": (0, -1)}.get(what, (0, 0))

    def shifted(*given: Any) -> Any:
        first, end = readers(*given)
        return first + off[0], end + off[1]

    monkeypatch.setattr(Axis, "readers", shifted)
    if what == "fill":
        monkeypatch.setattr(trunk, "_read", lambda *args: read(*args[:-1], 1.0))
    if what == "base":
        monkeypatch.setattr(
            trunk,
            "_read",
            lambda maps, patch, *args: read(maps, patch._replace(base=patch.base * 0), *args),
        )
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.regional == 0
    monkeypatch.setattr(Regions, "_agree", lambda *_: True)
    regions._PLANS.clear()
    assert np.abs(scores(masks, EVERYTHING) - right).max() > 1e-2


def test_occlusion_asks_the_same_numbers():
    model, x, references, ids, _ = bound(seeded(chain), k=2)
    names = tuple(f"p{i}" for i in range(30))

    def explain() -> np.ndarray:
        question = Question(
            model=model,
            sample=Sample("s", x, "image"),
            segmentation=Segmentation(ids, names, "cells"),
            masker=Masker("two", references),
            target=Target(1),
        )
        return Occlusion()(question, np.random.default_rng(0)).values

    right = whole(model, x, references, ids, np.vstack([np.ones((1, 30), bool), leave_out(30)]))
    right = Target(1)(right.reshape(-1, 3)).reshape(31, 2).mean(axis=1)
    np.testing.assert_allclose(explain(), right[0] - right[1:], atol=1e-5)
