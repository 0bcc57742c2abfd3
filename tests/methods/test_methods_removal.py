"""Occlusion, worked by hand."""

from __future__ import annotations

import numpy as np
from toys import ask_table, linear, product

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
