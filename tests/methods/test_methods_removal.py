"""Occlusion, worked by hand."""

from __future__ import annotations

import captum.attr
import numpy as np
import pytest
import torch
from torch import nn
from toys import ask_table, linear, product

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.methods.base import ask
from xaikit.methods.removal import Occlusion


def test_occlusion_of_a_linear_model_is_weight_times_change() -> None:
    question = ask_table(linear([1.0, 2.0, -3.0], 0.5), [1.0, 2.0, 3.0], [[0.0, 1.0, 1.0]])
    found = ask(Occlusion(), [question])[0]
    assert found.values.tolist() == [1.0, 2.0, -6.0]
    assert (found.unit, found.additive, found.std) == ("score", False, None)


def test_occlusion_gives_each_factor_the_whole_product() -> None:
    found = ask(Occlusion(), [ask_table(product(), [2.0, 3.0])])[0]
    assert found.values.tolist() == [6.0, 6.0]
    assert found.residual == -6.0


def test_occlusion_is_the_mean_over_the_references() -> None:
    found = ask(Occlusion(), [ask_table(product(), [2.0, 3.0], [[0.0, 0.0], [1.0, 1.0]])])[0]
    assert found.values.tolist() == [6 - 1.5, 6 - 1.0]


def test_occlusion_asks_both_ends_and_each_feature_at_any_batch_size() -> None:
    x = np.random.default_rng(0).normal(size=7)
    weights = np.arange(7.0)
    found = [
        ask(Occlusion(), [ask_table(linear(weights), x, batch_size=size)])[0] for size in (1, 3, 99)
    ]
    assert {f.cost.asked for f in found} == {9}
    for other in found[1:]:  # a matrix product rounds differently in other batches
        np.testing.assert_allclose(other.values, found[0].values, rtol=1e-12, atol=1e-14)


def picture(function, size: int = 8):
    background = np.zeros((1, size, size, 1))
    return xaikit.wrap(function, modality="image", background=background)


def test_windows_that_overlap_are_those_of_captum() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(108, 1)).eval()
    x = np.random.default_rng(0).random((8, 8, 1))
    model = xaikit.wrap(net, modality="image", background=np.zeros((1, 8, 8, 1)))
    found = xaikit.explain(model, x, Occlusion(window=4, stride=2), masker="black")[0]
    theirs = captum.attr.Occlusion(net).attribute(
        torch.tensor(x[None, ..., 0], dtype=torch.float32)[None], (1, 4, 4), strides=(1, 2, 2)
    )
    np.testing.assert_allclose(found.elements, theirs[0, 0].detach().numpy(), atol=1e-6)
    ids = found.segmentation.ids
    means = [found.elements[ids == i].mean() for i in range(found.segmentation.n_features)]
    np.testing.assert_allclose(found.values, means, atol=1e-12)
    assert found.cost.asked == 9
    assert found.note == "9 windows"


def test_each_place_of_a_sum_has_the_mean_of_its_windows() -> None:
    x = np.arange(6.0)[:, None]
    model = xaikit.wrap(lambda s: s.sum((1, 2)), modality="series", background=np.zeros((1, 6, 1)))
    sliding = Occlusion(window=3, stride=2)
    found = xaikit.explain(model, x, sliding, features="windows:6", masker="mean")[0]
    sums = {0: 3.0, 2: 9.0, 3: 12.0}  # the last window ends at the edge
    wanted = [np.mean([s for a, s in sums.items() if a <= i < a + 3]) for i in range(6)]
    assert found.values.tolist() == wanted


def test_what_is_never_removed_stays_under_a_window() -> None:
    labels = np.zeros((8, 8), dtype=int)
    labels[:, 4:] = -1
    model = picture(lambda x: x.sum((1, 2, 3)))
    found = xaikit.explain(
        model, np.ones((8, 8, 1)), Occlusion(window=8), features=labels, masker="black"
    )[0]
    assert found.values.tolist() == [32.0]
    assert (found.elements[:, 4:] == 0).all()


def test_a_window_over_words_removes_neighbours_together() -> None:
    model = xaikit.wrap(
        lambda texts: np.array([1.0 * ("not" in t or "never" in t) for t in texts]),
        modality="text", sample=np.array(["a", "b"]),
    )  # fmt: skip
    alone = xaikit.explain(model, "not never ever", "occlusion", masker="delete")[0]
    pairs = xaikit.explain(model, "not never ever", Occlusion(window=2, stride=1), masker="delete")
    assert alone.values.tolist() == [0.0, 0.0, 0.0]
    assert pairs[0].values.tolist() == [1.0, 0.5, 0.0]


def test_windows_that_cannot_be_are_refused() -> None:
    model = picture(lambda x: x.sum((1, 2, 3)))
    for sliding, said in (
        (Occlusion(window=9), r"has window 9 and the sample has the grid \(8, 8\); give a whole"),
        (Occlusion(window=(2, 2, 2)), "has window"),
        (Occlusion(window=2, stride=0), "has stride 0 and the sample"),
    ):
        with pytest.raises(InvalidInput, match=said):
            xaikit.explain(model, np.ones((8, 8, 1)), sliding)
    with pytest.raises(InvalidInput, match="occlusion has stride 2 and no window; give both."):
        Occlusion(stride=2)
    with pytest.raises(NotApplicable, match="columns of a table have none; leave window out."):
        ask(Occlusion(window=1), [ask_table(product(), [2.0, 3.0])])
