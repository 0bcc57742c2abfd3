"""Removal given what is kept: normal laws worked by hand, neighbours by a plain search, never mixed."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestRegressor
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.types import Sample
from xaikit.modalities.given import Gaussian, Nearest
from xaikit.study.plan import explain, make_question

RNG = np.random.default_rng(0)
MIX = np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.3], [0.0, 0.0, 1.0]])
ROWS = RNG.normal(size=(400, 3)) @ MIX + np.array([1.0, -2.0, 0.0])
W = np.array([2.0, 1.0, -1.0])
X = np.array([2.0, 0.5, -1.0])


def linear():
    return xaikit.wrap(lambda x: x @ W, modality="table", background=ROWS)


def conditional(kept: tuple[int, ...]) -> float:
    """E[w x | x_kept] under the normal law of the rows."""
    mean, cov = ROWS.mean(0), np.cov(ROWS, rowvar=False)
    k, r = list(kept), [i for i in range(3) if i not in kept]
    full = X.copy()
    full[r] = mean[r]
    if k:
        full[r] += cov[np.ix_(r, k)] @ np.linalg.solve(cov[np.ix_(k, k)], X[k] - mean[k])
    return float(W @ full)


def shapley(v, n: int = 3) -> np.ndarray:
    phi = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            for rest in combinations(others, size):
                step = v(tuple(sorted((*rest, i)))) - v(rest)
                phi[i] += step / (n * comb(n - 1, size))
    return phi


def test_a_linear_model_under_a_normal_law_is_worked_by_hand() -> None:
    question = make_question(
        linear(), Sample("x", X, "table"), xaikit.Plan(masker="given_gaussian")
    )
    for size in range(4):
        for kept in combinations(range(3), size):
            mask = np.isin(np.arange(3), kept)[None]
            assert question.value(mask)[0] == pytest.approx(conditional(kept), abs=1e-6)
    found = explain(linear(), X, "shap", masker="given_gaussian")
    np.testing.assert_allclose(found.values[0], shapley(conditional), atol=1e-6)
    assert found[0].masker == "given what is kept: normal law of 400 training rows"
    other = explain(linear(), X, "shap").values[0]
    assert np.abs(found.values[0] - other).max() > 0.3, "it is another question"


def test_a_column_that_says_the_same_as_another_shares_its_worth() -> None:
    rows = np.repeat(RNG.normal(size=(200, 1)), 2, axis=1) + 0.001 * RNG.normal(size=(200, 2))
    model = xaikit.wrap(lambda x: x[:, 0], modality="table", background=rows)
    found = explain(model, np.array([1.0, 1.0]), "shap", masker="given_gaussian").values[0]
    assert found[0] == pytest.approx(found[1], abs=0.01)
    alone = explain(model, np.array([1.0, 1.0]), "shap").values[0]
    assert alone[1] == 0.0


def test_draws_given_what_is_kept_have_the_spread_that_is_left() -> None:
    law = Gaussian(ROWS, n=4000)
    cov = np.cov(ROWS, rowvar=False)
    (drawn,) = law(X, np.array([[True, False, False]]))
    left = cov[1:, 1:] - np.outer(cov[1:, 0], cov[0, 1:]) / cov[0, 0]
    np.testing.assert_allclose(np.cov(drawn[:, 1:], rowvar=False), left, atol=0.08)
    assert (drawn[:, 0] == X[0]).all()
    assert np.array_equal(law(X, np.zeros((1, 3), dtype=bool))[0], law.draws)


def test_the_nearest_rows_are_those_of_a_plain_search() -> None:
    rows = ROWS[:50].copy()
    rows[:, 2] = RNG.integers(0, 3, 50)
    x = np.array([1.0, -2.0, 0.0])
    near = Nearest(rows, 30, np.array([False, False, True]))
    masks = np.array([[True, True, False], [False, True, True], [True, True, True]])
    for mask, found in zip(masks, near(x, masks), strict=True):
        far = np.zeros(50)
        for c in np.flatnonzero(mask):
            step = (rows[:, c] != x[c]) if c == 2 else (rows[:, c] - x[c]) / rows[:, c].std()
            far += step**2
        wanted = rows[np.argsort(far)[:30]]
        assert sorted(map(tuple, found[:, ~mask])) == sorted(map(tuple, wanted[:, ~mask]))
        assert (found[:, mask] == x[mask]).all()


@pytest.mark.parametrize("masker", ["given_gaussian", "given_nearest"])
def test_trees_are_asked_and_not_read_off(masker) -> None:
    forest = RandomForestRegressor(20, max_depth=4, random_state=0).fit(ROWS, ROWS @ W)
    model = xaikit.wrap(forest, modality="table", background=ROWS[:60])
    found = explain(model, X, "shap", masker=masker)
    assert found[0].extras["estimator"] == "exact"
    question = make_question(model, Sample("x", X, "table"), xaikit.Plan(masker=masker))
    v = lambda kept: question.value(np.isin(np.arange(3), kept)[None])[0]  # noqa: E731
    np.testing.assert_allclose(found.values[0], shapley(v), atol=1e-9)
    pairs = xaikit.interactions(model, X, masker=masker)
    assert pairs.estimator == "exact"
    assert pairs.values.sum() == pytest.approx(question.output - question.empty)


def test_many_rows_are_each_alone() -> None:
    many = explain(linear(), ROWS[:6], "shap", masker="given_gaussian").values
    for row, got in zip(ROWS[:6], many, strict=True):
        alone = explain(linear(), row, "shap", masker="given_gaussian").values[0]
        np.testing.assert_allclose(got, alone, atol=1e-9)


def test_a_net_is_asked_in_data_space() -> None:
    net = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor(W)[None])
    model = xaikit.wrap(net, modality="table", background=ROWS)
    found = explain(model, X, "shap", masker="given_gaussian")
    np.testing.assert_allclose(found.values[0], shapley(conditional), atol=1e-4)


def test_methods_that_ask_otherwise_refuse_and_a_study_never_mixes() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    model = xaikit.wrap(net, modality="table", background=ROWS[:30])
    for method in ("integrated_gradients", "gradient_shap", "input_x_gradient"):
        with pytest.raises(
            NotApplicable, match=f"{method} needs references that do not depend on what"
        ):
            explain(model, X, method, masker="given_gaussian")
    samples = [Sample(f"s{i}", ROWS[i], "table") for i in range(2)]
    run = xaikit.study(
        model, samples, "shap,random,integrated_gradients", "fast", masker="given_nearest"
    )
    assert {f.method for f in run.failures} >= {"integrated_gradients"}
    names = {score.of["masker"] for score in run.scores if "masker" in score.of}
    assert names
    assert all(name.startswith("given what is kept") for name in names)
    plain = xaikit.study(model, samples, "shap,random", "fast")
    names = {score.of["masker"] for score in plain.scores if "masker" in score.of}
    assert not any(name.startswith("given") for name in names)


def test_what_cannot_be_asked_is_a_sentence() -> None:
    coded = xaikit.wrap(lambda x: x @ W, modality="table", background=ROWS, categorical=[2])
    with pytest.raises(
        InvalidInput, match="needs numbers and 1 columns hold categories; use 'given_nea"
    ):
        explain(coded, X, "shap", masker="given_gaussian")
    assert explain(coded, X, "occlusion", masker="given_nearest")[0].method == "occlusion"
    with pytest.raises(
        InvalidInput, match="a normal law was asked for and there is 1 background row"
    ):
        explain(linear(), X, "shap", masker="given_gaussian", background=ROWS[:1])
    picture = xaikit.wrap(
        lambda x: x.sum((1, 2, 3)), modality="image", background=np.zeros((1, 4, 4, 1))
    )
    with pytest.raises(
        InvalidInput, match="a image sample has no masker 'given_gaussian'; use auto, mean"
    ):
        explain(picture, np.ones((1, 4, 4, 1)), "occlusion", masker="given_gaussian")


def test_seeds_of_others_are_left_alone() -> None:
    torch.manual_seed(3), np.random.seed(3)
    before = np.random.get_state()[1].copy()
    explain(linear(), X, "shap", masker="given_nearest")
    assert np.array_equal(before, np.random.get_state()[1])
