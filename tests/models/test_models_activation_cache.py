"""Masked images put together from a few: the same numbers as the whole net, or the whole net itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_chains import chain, drawn, every_sort, grid, seeded, shown, whole
from toy_zoo import fresh

from xaikit.core.types import Sample, Segmentation
from xaikit.methods.packing import prefetch
from xaikit.models import wrap
from xaikit.models.composing import Composed
from xaikit.models.shortcuts import Checked, activation_cache, local_coalitions
from xaikit.models.shortcuts.activation_cache import ActivationCache
from xaikit.models.shortcuts.local_coalitions import coloured, covering
from xaikit.models.shortcuts.receptive_field import (
    FieldTracker,
    PathChanged,
    ReceptiveField,
    ResumedPass,
)
from xaikit.models.shortcuts.windows import Axis
from xaikit.study.plan import Plan, make_question

EVERYTHING = slice(None)
SHAPE = (24, 20)


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cached activations are used wherever they can be, however little they save."""
    for cost in ("CALL", "_INDEX", "_MOVE"):
        monkeypatch.setattr(local_coalitions, cost, 0)
    monkeypatch.setattr(activation_cache, "CALL", 0)
    monkeypatch.setattr(local_coalitions, "_CLEAR", 100)


def bound(net: nn.Module, k: int = 1, ids: np.ndarray | None = None) -> Any:
    """A model, an image, references, ids, and the cached activations of them."""
    rng = np.random.default_rng(5)
    x = rng.random((*SHAPE, 3)).astype(np.float32)
    model = wrap(net, modality="image", classes=("a", "b", "c"), sample=x)
    ids = grid(SHAPE, 5) if ids is None else ids
    references = rng.random((k, *x.shape)).astype(np.float32)
    return model, x, references, ids, pieced(model, x, references, ids)


def pieced(model: Any, x: np.ndarray, references: np.ndarray, ids: np.ndarray) -> Checked:
    """Cached activations that were asked so often already that they pay."""
    whole_passes = Composed(model, x, references, ids)
    cached = ActivationCache(model, whole_passes, ids)
    cached._asked = 10_000
    return Checked(model.net, whole_passes, cached)


def own(ids: np.ndarray) -> Segmentation:
    return Segmentation(ids, tuple(map(str, range(ids.max() + 1))), "own")


def pays(scores: Checked) -> bool:
    return scores._shortcut._local is not None


def scattered(seed: int) -> np.ndarray:
    """(24, 20): patches around random places, some of them never removed."""
    rng = np.random.default_rng(seed)
    seeds = rng.random((14, 2)) * SHAPE
    places = np.stack(np.indices(SHAPE), axis=-1)[:, :, None]
    ids = np.square(places - seeds).sum(-1).argmin(-1) - 1
    _, there = np.unique(ids, return_inverse=True)
    return there.reshape(SHAPE) - 1


@pytest.mark.parametrize("seed", range(40))
def test_any_chain_gives_the_scores_of_the_whole_net(seed):
    k = 1 + seed % 3
    model, x, references, ids, scores = bound(drawn(seed), k, scattered(seed) if seed % 2 else None)
    masks = every_sort(ids.max() + 1, seed)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert np.ptp(right[:, 0], axis=0).max() > 1e-2
    some = scores(masks[3:], slice(k - 1, k))
    np.testing.assert_allclose(some, right[3:, k - 1 :], atol=1e-5)
    if pays(scores):
        assert scores.rows == len(masks) * k + len(masks) - 3


def test_most_chains_are_cut():
    assert sum(pays(bound(drawn(seed))[-1]) for seed in range(40)) >= 30


class Residual(nn.Module):
    """Two blocks with short cuts, one of them in place, behind a strided convolution."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.down, self.short = nn.Conv2d(4, 6, 3, 2, 1), nn.Conv2d(4, 6, 1, 2)
        self.relu, self.norm = nn.ReLU(inplace=inplace), nn.BatchNorm2d(4)
        self.head = nn.Linear(6, 3)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.stem(x)))
        y = self.two(torch.relu(self.one(x)))
        if self.inplace:
            y += x
        else:
            y = torch.add(y, x)
        x = self.relu(y)
        return self.head((self.down(x) + self.short(x)).mean((2, 3)))


@pytest.mark.parametrize("inplace", [False, True])
def test_a_net_may_be_cut_behind_a_short_cut(inplace):
    model, x, references, ids, scores = bound(seeded(lambda: Residual(inplace)), k=2)
    masks = every_sort(ids.max() + 1)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    with torch.inference_mode(), FieldTracker(at := torch.rand(1, 3, *SHAPE)) as tracker:
        model.net(at)
    shapes = [tracker.calls[n - 1].shape for n in tracker.cuts()]
    assert shapes == [(4, 12, 10), (4, 12, 10), (6, 6, 5)]  # the stem, the block, the second block
    assert tracker.calls[tracker.cuts()[2] - 1].sides[0] == ReceptiveField(-7, 8, 4)


@pytest.mark.parametrize("name", ["lenet", "vgg_small", "resnet_small"])
def test_the_zoo_is_cut(name):
    model = fresh(name, "image")
    x = np.random.default_rng(2).random((8, 12, 2))
    ids = grid((8, 12), 4)
    scores = pieced(model, x, 1 - x[None], ids)
    masks = every_sort(6)
    right = whole(model, x, 1 - x[None], ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.rows == len(masks)


@pytest.mark.parametrize("side", [0, 1])
def test_what_a_place_has_seen_is_what_moves_it(side):
    net = nn.Sequential(
        nn.Conv2d(3, 2, (3, 5), padding=(1, 0)), nn.Tanh(), nn.AvgPool2d(3, 2, 1),
        nn.Conv2d(2, 2, 2, stride=(1, 2), padding=1),
    )  # fmt: skip
    at = torch.rand(1, 3, *SHAPE, requires_grad=True)
    with FieldTracker(at) as tracker:
        out = seeded(lambda: net)(at)
    reach = tracker.calls[-1].sides[side]
    for place in range(out.shape[2 + side]):
        (slope,) = torch.autograd.grad(out.select(2 + side, place).sum(), at, retain_graph=True)
        moved = np.flatnonzero(slope.abs().sum((0, 1, 3 - side)).numpy())
        first, end = place * reach.step + reach.first, place * reach.step + reach.end
        assert (moved[0], moved[-1] + 1) == (max(first, 0), min(end, SHAPE[side]))


def test_reach_through_a_window_by_hand():
    assert ReceptiveField().through(Axis(3, 2, 1)) == ReceptiveField(-1, 2, 2)
    assert ReceptiveField(-1, 2, 2).through(Axis(3, 1, 1)) == ReceptiveField(-3, 4, 2)
    assert ReceptiveField(-3, 4, 2).joined(ReceptiveField(-5, 2, 2)) == ReceptiveField(-5, 4, 2)
    assert ReceptiveField(-3, 4, 2).joined(ReceptiveField(-3, 4, 1)) is None


def test_four_colours_are_enough_for_cells_that_see_their_neighbours():
    cells = np.arange(30).reshape(6, 5)
    seen = np.zeros((30, 20), dtype=bool)
    for place, (i, j) in enumerate(np.ndindex(5, 4)):
        seen[cells[i : i + 2, j : j + 2], place] = True
    colours = coloured(seen)
    assert colours.max() == 3
    for place in seen.T:
        assert len(set(colours[place])) == 4


@pytest.mark.parametrize("seed", range(5))
def test_no_place_has_seen_a_colour_twice(seed):
    seen = np.random.default_rng(seed).random((20, 40)) < 0.1
    colours = coloured(seen)
    for place in seen.T:
        assert len(set(colours[place])) == place.sum()


@pytest.mark.parametrize("seed", range(5))
def test_every_choice_of_every_subset_is_covered(seed):
    rng = np.random.default_rng(seed)
    subsets = np.unique(np.bitwise_or.reduce(1 << rng.integers(0, 8, (30, 4)), axis=1))
    found = covering(subsets, 8)
    for subset in subsets:
        choices = [number for number in range(256) if number & subset == number]
        assert set(choices) <= set((found & subset).tolist())
    assert len(found) < 48  # of 256


def test_all_choices_of_all_colours_need_all_images():
    assert sorted(covering(np.array([15, 3, 8]), 4)) == list(range(16))


class Reads(nn.Module):
    """What comes behind two convolutions reads something else as well."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.GroupNorm(1, 3)
        self.head = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x) if self.how == "norm" else x
        y = self.two(torch.relu(self.one(y)))
        if self.how == "mean":
            y = y + x.mean((1, 2, 3), keepdim=True)
        if self.how == "number of rows":
            y = y.reshape(x.shape[0], 3, -1, 1)
        if self.how == "input":
            y = y * x
        if self.how == "smaller":
            y = y + x[:, :, :1]
        if self.how == "hidden":
            y = y + Hidden.apply(x)
        return self.head(y.mean((2, 3)))


class Hidden(torch.autograd.Function):
    """A function that torch runs without telling anyone of its argument."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.detach().clone()


@pytest.mark.parametrize("how", ["norm", "mean", "number of rows", "input", "smaller", "hidden"])
def test_a_net_that_cannot_be_cut_is_evaluated_in_full(how):
    model, x, references, ids, scores = bound(seeded(lambda: Reads(how)), k=2)
    masks = every_sort(ids.max() + 1)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.rows == 0


def test_a_net_that_reads_a_skipped_map_is_found_out():
    """The map of the cut is handed on in place, and read under its old name."""

    class Old(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.one(x)
            torch.relu_(x)
            return self.head(x.mean((2, 3)))

    model, x, references, ids, scores = bound(seeded(Old))
    masks = every_sort(ids.max() + 1)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.rows == 0


def test_a_pass_that_goes_another_way_is_lost():
    net = seeded(chain)
    at = torch.rand(1, 3, *SHAPE)
    with torch.inference_mode(), FieldTracker(at) as tracker:
        net(at)
    (n, *_) = tracker.cuts()
    cut = torch.zeros(2, *tracker.calls[n - 1].shape)
    with torch.inference_mode(), pytest.raises(PathChanged), ResumedPass(tracker, n, cut):
        net[1:](tracker.tokens[0])  # its first call is left out
    with torch.inference_mode(), ResumedPass(tracker, n, cut) as resumed:
        torch.zeros(2).sum()
    with pytest.raises(PathChanged):
        resumed.arrived()


def test_a_net_that_changes_between_questions_is_evaluated_in_full():
    net = seeded(chain)
    model, x, references, ids, first = bound(net)
    masks = every_sort(ids.max() + 1)
    first(masks, EVERYTHING)
    assert first.rows == len(masks)
    net[2] = nn.Identity()
    second = pieced(model, x, references, ids)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(second(masks, EVERYTHING), right, atol=1e-5)
    assert second.rows == 0


def test_weights_changed_between_questions_count():
    net = seeded(chain)
    model, x, references, ids, first = bound(net)
    masks = every_sort(ids.max() + 1)
    before = first(masks, EVERYTHING)
    with torch.no_grad():
        net[1].weight.data.mul_(-1.0)
    second = pieced(model, x, references, ids)
    right = shown(model, x, references, ids, masks)
    assert np.abs(before - right).max() > 1e-3
    np.testing.assert_allclose(second(masks, EVERYTHING), right, atol=1e-5)
    assert second.rows == len(masks)


def test_a_net_with_hooks_is_evaluated_in_full():
    net = seeded(chain)
    *_, ids, scores = bound(net)
    masks = every_sort(ids.max() + 1)
    before = scores(masks, EVERYTHING)
    seen: list[int] = []
    handle = net[1].register_forward_hook(lambda _m, _args, out: seen.append(len(out)))
    np.testing.assert_allclose(scores(masks, EVERYTHING), before, atol=1e-5)
    assert seen == [len(masks)]
    handle.remove()
    assert scores.rows == len(masks)


def test_few_masks_are_evaluated_in_full():
    *_, ids, scores = bound(seeded(chain))
    n_bases = len(scores._shortcut._local.bases)
    scores._shortcut._asked = 0
    masks = np.random.default_rng(0).random((n_bases - 1, ids.max() + 1)) < 0.5
    scores(masks, EVERYTHING)
    assert scores.rows == 0
    scores(masks, EVERYTHING)
    assert scores.rows == len(masks)  # by now they would have paid


def test_a_table_that_is_too_large_is_not_made(monkeypatch):
    monkeypatch.setattr(local_coalitions, "_BYTES", 200)
    assert not pays(bound(seeded(chain))[-1])


def test_features_too_small_for_the_first_layer_are_left_alone():
    net = seeded(lambda: nn.Sequential(*list(chain())[1:]))
    assert not pays(bound(net, ids=np.arange(480).reshape(SHAPE))[-1])


def test_every_gathered_place_is_that_of_its_image(monkeypatch):
    """Places with the wrong image are seen by the scores."""
    *_, ids, scores = bound(seeded(chain), k=2)
    masks = every_sort(ids.max() + 1)
    right = scores(masks, EVERYTHING)
    scores._shortcut._codes[:, 7] = 0
    assert np.abs(scores(masks, EVERYTHING) - right).max() > 1e-4


def test_the_first_gathered_map_is_compared_with_the_whole_net(monkeypatch):
    monkeypatch.setattr(
        ReceptiveField,
        "through",
        lambda reach, axis: ReceptiveField(0, 1, reach.step * axis.stride),
    )
    model, x, references, ids, scores = bound(seeded(chain))
    masks = every_sort(ids.max() + 1)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.rows == 0
    assert scores._shortcut.saves == 0  # nor is it tried again


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_small_requests_share_a_pass_whether_or_not_a_sample_has_a_shortcut(order):
    model, x, references, ids, _ = bound(seeded(chain))
    scattered_ids = np.random.default_rng(0).permutation(np.arange(ids.size) % 10)
    asked = [Plan(features=own(ids)), Plan(features=own(scattered_ids.reshape(SHAPE)))]
    pictures = [Sample("s", x, "image"), Sample("t", references[0], "image")]
    questions = [make_question(model, s, p) for s, p in zip(pictures, asked, strict=True)]
    assert [type(q.bound) for q in questions] == [Checked, Composed]
    masks = [np.eye(q.n_features, dtype=bool)[:4] for q in questions]
    prefetch([questions[i] for i in order], [masks[i] for i in order])
    for question, own_masks in zip(questions, masks, strict=True):
        passes = question.meter.forward
        found = question.value(own_masks)
        assert question.meter.forward == passes > 0  # all were known
        alone = dataclasses.replace(question, cache=None, shortcuts=False)
        np.testing.assert_allclose(found, alone.value(own_masks), atol=1e-5)


def test_nothing_is_left_behind():
    net = seeded(chain).train()
    net[2].eval()
    weights = {k: v.clone() for k, v in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    drawn_before = torch.random.get_rng_state()
    *_, ids, scores = bound(net)
    masks = every_sort(ids.max() + 1)
    scores(masks, EVERYTHING)
    assert scores.rows == len(masks)

    def fails(*_: Any) -> Any:
        raise ValueError("the head fails")

    net[-1].forward = fails
    with pytest.raises(ValueError, match="the head fails"):
        scores(masks, EVERYTHING)
    assert all(torch.equal(v, weights[k]) for k, v in net.state_dict().items())
    assert [m.training for m in net.modules()] == modes
    assert all(w.requires_grad and w.grad is None for w in net.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert torch.equal(torch.random.get_rng_state(), drawn_before)
    assert torch.overrides._get_current_function_mode() is None
