"""Models that came with the comparison, each beside its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from xaikit.models.warping import Warped
from xaikit.models.zoo.cnn import Inception1d
from xaikit.models.zoo.mlp import MeanOfWords, TabM
from xaikit.study.compare.pipelines import Catch22


def warped(a: np.ndarray, b: np.ndarray, reach: int) -> float:
    """As the recursion is written, one pair at a time."""
    best = {(-1, -1): 0.0}
    for i in range(len(a)):
        for j in range(len(b)):
            if abs(i - j) <= reach:
                least = min(best.get(p, np.inf) for p in ((i - 1, j), (i, j - 1), (i - 1, j - 1)))
                best[i, j] = least + float(((a[i] - b[j]) ** 2).sum())
    return float(np.sqrt(best[len(a) - 1, len(b) - 1]))


@pytest.mark.parametrize(("window", "reach"), [(0.1, 1), (0.3, 3), (1.0, 10)])
def test_distances_under_warping_are_those_of_the_recursion(window, reach) -> None:
    rng = np.random.default_rng(0)
    known, x = rng.normal(size=(4, 10, 2)), rng.normal(size=(3, 10, 2))
    found = Warped(window).fit(known).transform(x)
    assert found == pytest.approx(np.array([[warped(a, b, reach) for b in known] for a in x]))
    bump = np.zeros((1, 10, 1))
    bump[0, 4] = 1
    assert Warped(0.2).fit(bump).transform(np.roll(bump, 1, axis=1)) == pytest.approx(0)
    assert Warped(0.1).fit(bump).transform(np.roll(bump, 3, axis=1)) > 0.9


def test_the_features_of_a_series_are_those_of_the_package_and_never_undefined() -> None:
    pycatch22 = pytest.importorskip("pycatch22")
    x = np.random.default_rng(0).normal(size=(2, 40, 2))
    x[1, :, 1] = 3.0
    found = Catch22().fit(x).transform(x)
    assert found.shape == (2, 48)
    told = pycatch22.catch22_all(x[0, :, 1].tolist(), catch24=True)
    assert found[0, 24:] == pytest.approx(told["values"])
    assert found[0, 24 + told["names"].index("DN_mean")] == pytest.approx(x[0, :, 1].mean())
    assert np.isfinite(found).all()


def test_the_mean_of_words_leaves_padding_out() -> None:
    net = MeanOfWords((0, 3), 2).eval()
    x = torch.randn(1, 4, 3)
    valid = torch.tensor([[True, True, True, False]])
    head = net.head[-1]
    by_hand = x[0, :3].mean(0) @ head.weight.T + head.bias
    assert torch.allclose(net(x, valid)[0], by_hand, atol=1e-6)
    assert torch.allclose(net(x[:, :3])[0], by_hand, atol=1e-6)


def test_many_nets_in_one_answer_the_mean_of_their_members() -> None:
    torch.manual_seed(0)
    net = TabM((3,), 2, width=5, members=4, dropout=0.0)
    x = torch.randn(6, 3)
    told = []
    for m in range(4):
        hidden = F.relu(net.shared(x * net.scale.weight[m]))
        told.append(hidden @ net.head.weight[:, 5 * m : 5 * m + 5].T + net.head.bias)
    assert set(net.scale.weight.detach().ravel().tolist()) == {-1.0, 1.0}
    assert torch.allclose(net.eval()(x), torch.stack(told).mean(0), atol=1e-6)
    one = net.train()(x.repeat(200, 1)).reshape(200, 6, 2)  # a member a row, all of them in turn
    near = torch.stack([(one - t).abs().amax(2) < 1e-5 for t in told])
    assert near.any(0).all()
    assert near.any(1).all()
    assert torch.allclose(one.mean(0), torch.stack(told).mean(0), atol=0.3)


def test_a_block_of_three_lengths_is_their_convolutions_side_by_side() -> None:
    torch.manual_seed(0)
    net = Inception1d((50, 2), 3, width=2, depth=1).eval()
    x = torch.randn(1, 50, 2)
    block, steps = net.blocks[0], x.transpose(1, 2)
    narrow = block.narrow(steps)
    parts = [F.conv1d(narrow, b.weight, padding=b.kernel_size[0] // 2) for b in block.branches]
    assert [b.kernel_size[0] for b in block.branches] == [39, 19, 9]
    high = torch.stack([steps.roll(k, 2) for k in (-1, 0, 1)]).amax(0)
    high[..., 0], high[..., -1] = steps[..., :2].amax(-1), steps[..., -2:].amax(-1)
    parts.append(block.highest[1](high))
    scale = nn.BatchNorm1d(8).eval()
    told = F.relu(scale(torch.cat(parts, 1)) + net.shortcut(steps)).mean(2)
    assert torch.allclose(net(x), net.head(told), atol=1e-5)
