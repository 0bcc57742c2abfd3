"""First layers summed over features: the same numbers as the whole net, or the whole net itself."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_chains import shown
from toy_zoo import fresh

from xaikit.core.batching import LARGEST
from xaikit.core.errors import CheckFailed
from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.methods.packing import Packable
from xaikit.models import leading, wrap
from xaikit.models.composing import Composed
from xaikit.models.leading import Leading
from xaikit.shapley.process.pairs import both_of

EVERYTHING = slice(None)
IDS = np.array([0, 0, 1, -1, 2, 3, 3])


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums are used however few rows there are, and a few at a time."""
    monkeypatch.setattr(leading, "_FEW", 0)
    monkeypatch.setattr(leading, "_ROWS", 12)
    monkeypatch.setattr(leading, "_MOST", 200)


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(7, 8), nn.Tanh(), nn.Linear(8, 3))


def bound(net: nn.Module, k: int = 2, ids: np.ndarray = IDS) -> Any:
    """A model of a table, a row, references, and the sums of them."""
    rng = np.random.default_rng(5)
    x, references = rng.normal(size=7), rng.normal(size=(k, 7))
    units = {"mean": (0.5,) * 7, "std": (2.0,) * 7}
    model = wrap(net, modality="table", classes=("a", "b", "c"), sample=x, **units)
    return model, x, references, Leading(model, Composed(model, x, references, ids))


def every_mask(n: int) -> np.ndarray:
    masks = np.arange(2**n)[:, None] >> np.arange(n) & 1 == 1
    return masks[np.random.default_rng(0).permutation(len(masks))]


def in_pairs(n: int) -> np.ndarray:
    return both_of(every_mask(n))


@pytest.mark.parametrize("masks", [every_mask(4), in_pairs(4), in_pairs(4)[:-1]])
@pytest.mark.parametrize("k", [1, 3])
def test_masks_of_a_table_give_the_scores_of_the_whole_net(masks, k):
    model, x, references, scores = bound(seeded(perceptron), k)
    right = shown(model, x, references, IDS, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-6)
    some = slice(k - 1, k)
    np.testing.assert_allclose(scores(masks, some), right[:, some], atol=1e-6)
    assert scores.pays()
    assert scores.rows == len(masks) * (k + 1)
    assert np.ptp(right[:, 0], axis=0).min() > 1e-2


def test_one_place_a_feature():
    model, x, references, scores = bound(seeded(perceptron), ids=np.arange(7))
    right = shown(model, x, references, np.arange(7), every_mask(7))
    np.testing.assert_allclose(scores(every_mask(7), EVERYTHING), right, atol=1e-6)
    assert scores.rows == 2 * 2**7


def test_an_image_that_is_laid_out_as_a_row():
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(4 * 5 * 3, 8, bias=False), nn.Linear(8, 3)

        def forward(self, at: Tensor) -> Tensor:
            return self.head(torch.relu(self.first(torch.flatten(at, 1))))

    rng = np.random.default_rng(0)
    x, references = rng.random((4, 5, 3)), rng.random((2, 4, 5, 3))
    ids = np.arange(20).reshape(4, 5) // 3 - 1
    model = wrap(seeded(Flat), modality="image", classes=("a", "b", "c"), sample=x)
    scores = model.bind(x, references, ids, False)
    assert isinstance(scores, Leading)
    assert isinstance(scores, Packable)
    masks = in_pairs(6)
    right = shown(model, x, references, ids, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-6)
    np.testing.assert_allclose(scores.together([scores], [masks[:3]])[0], right[:3], atol=1e-6)
    assert scores.rows == len(masks) * 2


def test_a_net_of_the_zoo_is_summed():
    assert fresh("mlp", "table").batch_rows == LARGEST
    assert Leading(*parts(fresh("mlp", "table"))).pays()
    assert not Leading(*parts(fresh("lenet", "image"))).pays()


def parts(model: Any) -> Any:
    x = model.example()
    ids = np.zeros(x.shape[: 2 if model.modality == "image" else 1], dtype=int)
    return model, Composed(model, x, x[None], ids)


class Odd(nn.Module):
    """Its first layer is no sum over features, or not all that reads the input."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.first, self.norm, self.head = nn.Linear(7, 7), nn.LayerNorm(7), nn.Linear(7, 3)
        self.weight = nn.Parameter(torch.eye(7))

    def forward(self, at: Tensor) -> Tensor:
        if self.how == "norm before":
            return self.head(torch.relu(self.first(self.norm(at))))
        if self.how == "short cut":
            return self.head(torch.relu(self.first(at)) + at)
        if self.how == "two layers":
            return self.head(torch.relu(self.first(at)) * torch.relu(self.head.weight.mean() * at))
        if self.how == "rows":
            return self.head(torch.relu(self.first(at)).view(at.size(0), -1))
        if self.how == "no layer":
            return self.head(torch.relu(at @ self.weight))
        return self.head(torch.relu(torch.nn.functional.linear(at, self.weight)))


@pytest.mark.parametrize(
    "how", ["norm before", "short cut", "two layers", "rows", "no layer", "a function"]
)
def test_other_beginnings_are_left_to_the_whole_net(how):
    model, x, references, scores = bound(seeded(lambda: Odd(how)))
    assert not scores.pays()
    right = shown(model, x, references, IDS, in_pairs(4))
    np.testing.assert_allclose(scores(in_pairs(4), EVERYTHING), right, atol=1e-6)


def test_many_vectors_are_not_held():
    *_, scores = bound(seeded(perceptron), k=6)
    assert scores.pays()
    *_, scores = bound(seeded(perceptron), k=7)
    assert not scores.pays()


@pytest.mark.parametrize("change", ["another layer", "another way", "a hook"])
def test_a_net_that_changed_is_evaluated_whole(change):
    model, x, references, scores = bound(seeded(perceptron))
    net = model.net
    masks, seen = in_pairs(4), []
    assert scores.pays()
    if change == "another layer":
        net[0] = nn.Linear(7, 8)
    elif change == "another way":
        net[1] = nn.Sequential(nn.Tanh(), nn.Flatten(0), nn.Unflatten(0, (-1, 8)))
        net.forward = lambda at: net[2](net[1](net[0](at))) + 0 * at.sum()
    else:
        net.register_forward_hook(lambda _net, args, out: seen.append(len(out)))
    found = scores(masks, EVERYTHING)
    np.testing.assert_allclose(found, shown(model, x, references, IDS, masks), atol=1e-6)
    assert scores.rows == 0
    assert "forward" not in net[0].__dict__
    assert bool(seen) == (change == "a hook")


def test_sums_that_are_wrong_are_found_out(monkeypatch):
    """Should a pass ever be misread, the scores are still those of the net."""
    model, x, references, scores = bound(seeded(perceptron))
    wrong = leading._Vectors.of

    def vectors(layer: nn.Linear, full: Composed) -> Any:
        found = wrong(layer, full)
        return found._replace(each=found.each * 1.01)

    monkeypatch.setattr(leading._Vectors, "of", vectors)
    found = scores(every_mask(4), EVERYTHING)
    right = shown(model, x, references, IDS, every_mask(4))
    np.testing.assert_allclose(found, right, atol=1e-6)
    assert scores.rows == 0
    assert not scores.pays()


def test_weights_are_read_anew_for_every_question():
    model, x, references, scores = bound(seeded(perceptron))
    scores(in_pairs(4), EVERYTHING)
    with torch.no_grad():
        model.net[0].weight *= -1.5
    again = Leading(model, Composed(model, x, references, IDS))
    right = shown(model, x, references, IDS, in_pairs(4))
    np.testing.assert_allclose(again(in_pairs(4), EVERYTHING), right, atol=1e-6)
    assert again.rows == 64


def test_nothing_is_left_behind_after_an_error(monkeypatch):
    model, _, _, scores = bound(seeded(perceptron))

    def fails(at: Tensor) -> Tensor:
        raise ZeroDivisionError

    model.net.train()
    monkeypatch.setattr(model.net[1], "forward", fails)
    with pytest.raises(ZeroDivisionError):
        scores(every_mask(4), EVERYTHING)
    assert "forward" not in model.net[0].__dict__
    assert model.net.training
    assert all(weight.requires_grad for weight in model.net.parameters())


def test_a_net_that_changed_since_is_looked_at_again():
    net = seeded(lambda: nn.Sequential(nn.Identity(), perceptron()))
    *_, scores = bound(net)
    scores(in_pairs(4), EVERYTHING)
    assert scores.rows == 64
    net[0] = nn.LayerNorm(7)
    model, x, references, scores = bound(net)
    found = scores(in_pairs(4), EVERYTHING)
    np.testing.assert_allclose(found, shown(model, x, references, IDS, in_pairs(4)), atol=1e-6)
    assert scores.rows == 0


def test_weights_that_change_between_two_calls_are_read_anew():
    model, x, references, scores = bound(seeded(perceptron))
    for change in (lambda: model.net[0].weight.mul_(3), lambda: replace(model.net[0], "weight")):
        scores(in_pairs(4), EVERYTHING)
        with torch.no_grad():
            change()
        right = shown(model, x, references, IDS, in_pairs(4))
        np.testing.assert_allclose(scores(in_pairs(4), EVERYTHING), right, atol=1e-6)
    assert scores.rows == 4 * 64


def replace(layer: nn.Module, name: str) -> None:
    setattr(layer, name, nn.Parameter(-getattr(layer, name).detach()))


@pytest.mark.parametrize("masks", [every_mask(4), in_pairs(4)])
@pytest.mark.parametrize("size", [1e3, 1e6])
def test_a_huge_feature_does_not_blur_the_others(masks, size):
    model, x, references, _ = bound(seeded(perceptron), 1)
    x = np.array([*x[:4], size, *x[5:]])
    scores = Leading(model, Composed(model, x, references, IDS))
    right = shown(model, x, references, IDS, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)


class Twice(nn.Module):
    """Calls its first layer again, on what it made of the input, to tiny scores."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(7, 7), nn.Linear(7, 3, bias=False)
        self.how = how

    def forward(self, at: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(at))
        if self.how == "the layer":
            hidden = torch.tanh(self.first(hidden))
        elif self.how == "its weight":
            hidden = torch.tanh(torch.nn.functional.linear(hidden, self.first.weight))
        return self.head(hidden) * 1e-5


@pytest.mark.parametrize("how", ["the layer", "its weight"])
def test_a_layer_that_is_used_twice_is_left_to_the_whole_net(how):
    model, x, references, scores = bound(seeded(lambda: Twice(how)))
    right = shown(model, x, references, IDS, in_pairs(4))
    np.testing.assert_allclose(scores(in_pairs(4), EVERYTHING), right, rtol=0, atol=1e-11)
    assert scores.rows == 0


def test_a_layer_that_is_used_twice_later_on_is_left_to_the_whole_net():
    model, x, references, scores = bound(seeded(lambda: Twice("once")))
    scores(in_pairs(4), EVERYTHING)
    assert scores.rows == 64
    model.net.how = "the layer"  # and the sums were compared already
    right = shown(model, x, references, IDS, in_pairs(4))
    np.testing.assert_allclose(scores(in_pairs(4), EVERYTHING), right, rtol=0, atol=1e-11)
    assert scores.rows == 64


def many(at: Tensor) -> Tensor:
    return ((at > 0).sum(1, keepdim=True) > 3).float()


def test_a_scripted_reader_of_the_input_is_found_out():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(many)  # no mode of torch sees its calls

    class Scripted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(7, 8), nn.Linear(8, 3)

        def forward(self, at: Tensor) -> Tensor:
            return self.head(torch.relu(self.first(at))) + 5 * scripted(at)

    model, _, _, _ = bound(seeded(Scripted))
    x, references = np.ones(7), -np.ones((1, 7))
    scores = Leading(model, Composed(model, x, references, IDS))
    right = shown(model, x, references, IDS, in_pairs(4))
    np.testing.assert_allclose(scores(in_pairs(4), EVERYTHING), right, atol=1e-6)
    assert scores.rows == 0


class Rows(nn.Module):
    """Its first layer reads parts of the input one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(7, 8), nn.Linear(16, 3)

    def forward(self, at: Tensor) -> Tensor:
        return self.head(torch.relu(self.first(at.view(-1, 7))).view(-1, 16))


def test_a_layer_that_reads_parts_of_the_input_is_left_to_the_whole_net():
    rng = np.random.default_rng(0)
    x, references = rng.normal(size=14), rng.normal(size=(2, 14))
    model = wrap(seeded(Rows), modality="table", classes=("a", "b", "c"), sample=x)
    scores = Leading(model, Composed(model, x, references, np.arange(14) // 4))
    assert not scores.pays()


def test_pixels_of_many_channels():
    rng = np.random.default_rng(0)
    x, references = rng.random((2, 3, 16)), rng.random((1, 2, 3, 16))
    net = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(96, 8), nn.ReLU(), nn.Linear(8, 3)))
    model = wrap(net, modality="image", classes=("a", "b", "c"), sample=x)
    ids = np.arange(6).reshape(2, 3)
    scores = Leading(model, Composed(model, x, references, ids))
    right = shown(model, x, references, ids, in_pairs(6))
    np.testing.assert_allclose(scores(in_pairs(6), EVERYTHING), right, atol=1e-6)
    assert scores.rows == 128


class Named(nn.Module):
    """Names the argument of its layer, and answers in another type."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(7, 8), nn.Linear(8, 3)

    def forward(self, at: Tensor) -> Tensor:
        return self.head(torch.tanh(self.first(input=at))).bfloat16()


def test_a_named_argument_another_type_and_another_default_type():
    *_, scores = bound(seeded(Named))
    torch.set_default_dtype(torch.float64)
    try:
        found = scores(in_pairs(4), EVERYTHING)
        np.testing.assert_array_equal(found, scores.full(in_pairs(4), EVERYTHING))
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_layer_with_a_forward_of_its_own_keeps_it():
    model, x, references, scores = bound(seeded(perceptron))
    own = model.net[0].forward = lambda at: 2 * nn.Linear.forward(model.net[0], at)
    masks = in_pairs(4)
    found = scores(masks, EVERYTHING)
    np.testing.assert_allclose(found, shown(model, x, references, IDS, masks), atol=1e-6)
    assert scores.rows == 0
    assert model.net[0].forward is own


def test_other_threads_get_what_the_layer_gives():
    layer, at, out, seen = nn.Linear(2, 3), torch.ones(1, 2), torch.zeros(5, 3), []
    expected = layer(at)
    with leading._giving(layer, out) as given:
        other = threading.Thread(target=lambda: seen.append(layer(at)))
        other.start()
        other.join()
        assert not given
        assert layer(at) is out
    assert len(given) == 1
    torch.testing.assert_close(seen[0], expected)
    torch.testing.assert_close(layer(at), expected)


def test_a_net_that_gives_nan_is_named():
    net = seeded(perceptron)
    with torch.no_grad():
        net[0].bias[0] = torch.inf
        net[2].weight[0, 0] = 0
    x = np.ones(7)
    model = wrap(seeded(perceptron), modality="table", classes=("a", "b", "c"), sample=x)
    model.net.load_state_dict(net.state_dict())
    model.net[1] = nn.Identity()
    question = Question(
        model, Sample("s", x, "table"), Segmentation(np.arange(7), tuple("abcdefg"), "columns"),
        Masker("0", np.zeros((1, 7))), Target(0),
    )  # fmt: skip
    with pytest.raises(CheckFailed, match="the model must give finite scores on masked inputs"):
        question.value(every_mask(7))
