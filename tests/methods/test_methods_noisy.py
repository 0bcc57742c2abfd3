"""Noise around any method: worked by hand on a parabola, never on words, and other kinds as they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.methods.noisy import Noisy
from xaikit.study.plan import explain

X = np.random.default_rng(0).normal(size=(50, 3))


class Square(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x**2).sum(dim=1, keepdim=True)


def test_the_mean_over_noise_is_that_of_the_curve() -> None:
    """(x + e) 2 (x + e) around a reference of 0: 2 x^2 + 2 sd^2 on average."""
    model = xaikit.wrap(Square(), modality="table", background=X)
    noisy = Noisy(of="input_x_gradient", n_samples=4000, noise=0.5)
    found = explain(model, X[0], noisy, masker=np.zeros(3))[0]
    wanted = 2 * X[0] ** 2 + 2 * (0.5 * X.std(axis=0)) ** 2
    assert (np.abs(found.values - wanted) < 4 * found.std).all()
    assert found.std.max() < 0.05
    assert (found.unit, found.additive) == ("score", False)
    assert found.cost.backward == 4000


def test_without_noise_it_is_the_method_itself_and_a_seed_repeats() -> None:
    model = xaikit.wrap(Square(), modality="table", background=X)
    still = explain(model, X[0], Noisy(of="integrated_gradients", noise=0.0, n_samples=4))[0]
    plain = explain(model, X[0], "integrated_gradients")[0]
    np.testing.assert_allclose(still.values, plain.values, atol=1e-6)
    one, two, other = (explain(model, X[0], "noisy", seed=s).values for s in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_categories_stay_and_removal_methods_can_be_asked() -> None:
    seen = []

    def function(x):
        seen.append(np.asarray(x)[:, 2])
        return np.asarray(x)[:, 0]

    rows = X.copy()
    rows[:, 2] = np.arange(50) % 3
    model = xaikit.wrap(function, modality="table", background=rows[:4], categorical=[2])
    found = explain(model, rows[7], Noisy(of="occlusion", n_samples=4))[0]
    assert set(np.concatenate(seen[5:])) <= {0.0, 1.0, 2.0}
    assert found.values[1] == 0


def test_what_has_no_neighbours_or_no_method_is_refused() -> None:
    words = xaikit.wrap(lambda t: np.ones(len(t)), modality="text", sample=np.array(["a", "b"]))
    with pytest.raises(
        NotApplicable, match="'yours' reads words, which have no neighbours; try 'smoothg"
    ):
        explain(words, "a b", "noisy")
    function = xaikit.wrap(lambda x: x[:, 0], modality="table", background=X)
    with pytest.raises(
        NotApplicable, match="noisy: input_x_gradient needs gradients and 'yours' has none"
    ):
        explain(function, X[0], "noisy")
    with pytest.raises(InvalidInput, match="noisy has of='noisy', n_samples 16"):
        Noisy(of="noisy")
    with pytest.raises(
        InvalidInput, match="n_samples 5 and noise 0.1; name another method, an even numb"
    ):
        Noisy(n_samples=5)


def test_a_straight_line_has_no_error() -> None:
    model = xaikit.wrap(lambda x: x @ np.array([1.0, 2.0, -1.0]), modality="table", background=X)
    found = explain(model, X[0], Noisy(of="occlusion", noise=1.0, n_samples=4))[0]
    np.testing.assert_allclose(found.values, explain(model, X[0], "occlusion").values[0], atol=1e-9)
    assert found.std.max() < 1e-9
