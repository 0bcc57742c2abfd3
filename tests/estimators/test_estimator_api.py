"""The public function: budgets, choice of estimator, stopping, determinism, every refusal."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput, OutOfBudget
from xaikit.shapley import ShapleyResult, shapley
from xaikit.shapley import api as estimate_module
from xaikit.shapley.api import METHODS, minimum_budget
from xaikit.shapley.process import FIXED
from xaikit.shapley.process import estimator as process
from xaikit.shapley.result import Estimate, is_converged

ESTIMATORS = ("auto", "odd_gp", "kernel", "leverage", "permutation")


class Counter:
    """A rough game that remembers what it was asked."""

    def __init__(self, n):
        self.weights = np.random.default_rng(3).normal(size=(n, 6))
        self.asked = []
        self.largest = 0

    def __call__(self, masks):
        self.asked += [row.tobytes() for row in masks]
        self.largest = max(self.largest, len(masks))
        # rounded, because a matrix product may differ in its last bit with the batch size
        values = np.round(np.tanh(masks @ self.weights - 0.2).sum(axis=1), 9)
        masks[:] = False  # a rude game: what it is given is its own
        return values


@pytest.mark.parametrize("method", ESTIMATORS)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("extra", [0, 1, 15])
def test_budget_is_never_exceeded_and_nothing_is_asked_twice(method, n, extra):
    budget = minimum_budget(method, n) + extra
    game = Counter(n)
    result = shapley(game, n, budget=budget, method=method)
    assert result.evaluations == len(game.asked) == len(set(game.asked)) <= budget
    assert (result.method == "exact") == (2**n <= budget)
    assert abs(result.values.sum() - (result.output - result.empty)) <= 1e-12


@pytest.mark.parametrize("method", ESTIMATORS)
def test_the_ladder_keeps_to_its_cap(method):
    game = Counter(12)
    result = shapley(game, 12, method=method, max_budget=333, tolerance=1e-6)
    assert result.evaluations == len(game.asked) == len(set(game.asked)) <= 333
    assert not result.converged


def test_a_ladder_that_ends_at_its_cap_forecasts_the_budget():
    result = shapley(Counter(12), 12, max_budget=240, tolerance=0.01)
    forecast = int(result.note.removeprefix("not converged; about ").split()[0])
    assert result.note == f"not converged; about {forecast} evaluations would be needed"
    error = 2.5 * result.std.max() / np.ptp(result.values)
    # the error falls as a power between -0.5 and -1.25 of the evaluations
    assert 240 * (error / 0.01) ** 0.8 - 1 <= forecast <= 240 * (error / 0.01) ** 2 + 1


def test_the_ladder_stops_early_on_order_two():
    result = shapley(lambda m: m @ np.arange(40.0) + 3.0 * m[:, 1] * m[:, 2], 40)
    assert (result.evaluations, result.converged) == (
        400,
        True,
    )  # on fewer pairs no interaction that is seen is little evidence
    np.testing.assert_allclose(result.values[:4], [0, 2.5, 3.5, 3], atol=1e-10)


def test_the_ladder_stops_when_the_tolerance_is_met():
    loose, tight = (shapley(Counter(12), 12, tolerance=t) for t in (0.4, 0.1))
    assert loose.converged
    assert tight.converged
    assert loose.evaluations < tight.evaluations < 2048
    assert 2.5 * tight.std.max() < 0.1 * np.ptp(tight.values)


def test_rungs_that_cannot_converge_are_not_fitted(monkeypatch):
    budgets = []

    def one_rung(game, request, budget, before, last=True):
        budgets.append(budget)
        game.evaluations = budget
        std = np.full(10, 20 / budget)  # relative error 2.5 std / 10 = 5 / budget
        return Estimate(np.linspace(0, 10, 10), std, "odd_gp", budget // 2)

    monkeypatch.setattr(estimate_module, "_one_rung", one_rung)
    shapley(Counter(10), 10, max_budget=900, tolerance=0.015)
    # from .192 at 26: .192 (26 / 50)^2 is above the tolerance and .192 (26 / 100)^2 is below it
    assert budgets == [26, 100, 200, 400]


def test_one_fitted_rung_is_enough_for_a_forecast():
    result = shapley(Counter(12), 12, max_budget=60, tolerance=0.01)  # the rung of 30 is not fitted
    error = 2.5 * result.std.max() / np.ptp(result.values)
    assert result.note.startswith(f"not converged; about {60 * error / 0.01:.0f} evaluations")


def test_the_price_of_an_evaluation_reaches_the_design_and_the_fit(monkeypatch):
    rungs, seconds = [], []
    place, fit = process.placed_design, process.odd_gp

    def placed(n, asked, seed):
        rungs.append(asked)
        return place(n, asked, seed)

    def fitted(pairs, seed, start, **room):
        seconds.append(room["seconds"])
        return fit(pairs, seed, start, **room)

    monkeypatch.setattr(process, "placed_design", placed)
    monkeypatch.setattr(process, "odd_gp", fitted)
    shapley(Counter(12), 12, budget=102, seconds_per_evaluation=0.01)
    assert rungs == [((50, pytest.approx(0.1)),)]  # a tenth of 100 evaluations' time
    assert seconds == [pytest.approx(0.03)]


@pytest.mark.parametrize("method", ["leverage", "kernel", "odd_gp"])
def test_huge_values_do_not_overflow(method):
    one, huge = (
        shapley(lambda masks, s=s: s * Counter(8)(masks), 8, budget=60, method=method)
        for s in (1.0, 2.0**660)
    )
    np.testing.assert_allclose(huge.values, 2.0**660 * one.values, rtol=1e-9)
    np.testing.assert_allclose(huge.std, 2.0**660 * one.std, rtol=1e-9)


def test_pairs_that_no_error_bar_is_trusted_on_are_not_fitted(monkeypatch):
    fitted, fit = [], process.fit_parameters
    monkeypatch.setattr(
        process,
        "fit_parameters",
        lambda obs, start: fitted.append(len(obs.odd)) or fit(obs, start),
    )
    found = shapley(Counter(12), 12, max_budget=100, tolerance=1e-5)
    assert fitted == [30, 50]  # pairs and the anchor at 60 and 100, not at 30 evaluations
    assert (found.evaluations, found.converged) == (100, False)
    fitted.clear()
    assert shapley(Counter(12), 12, max_budget=30).evaluations == 30
    assert fitted == [15]


def test_the_last_rung_is_always_fitted():
    result = shapley(Counter(12), 12, max_budget=500, tolerance=1e-5, seed=1)
    plain = shapley(Counter(12), 12, budget=500, seed=1)
    assert result.evaluations == plain.evaluations == 500
    exact = shapley(Counter(12), 12, method="exact")
    np.testing.assert_allclose(result.values, exact.values, atol=2 * plain.std.max())
    assert np.linalg.norm(result.values - exact.values) < 1.5 * np.linalg.norm(plain.std)
    np.testing.assert_allclose(result.std, plain.std, rtol=0.5)


def test_a_small_game_ends_in_enumeration():
    result = shapley(Counter(7), 7, tolerance=1e-9)
    assert (result.method, result.evaluations, result.converged) == ("exact", 128, True)


@pytest.mark.parametrize(
    ("n", "asked", "method", "reason"),
    [
        (7, {"budget": 128}, "exact", "all 2^7 coalitions fit the budget of 128"),
        (
            7,
            {"budget": 128, "method": "kernel"},
            "exact",
            "all 2^7 coalitions fit the budget of 128",
        ),
        (12, {"budget": 100}, "odd_gp", "2^12 coalitions do not fit the budget of 100"),
        (10, {"tolerance": 0.5}, "odd_gp", "it converged before all 2^10 coalitions were asked"),
        (12, {"budget": 100, "method": "kernel"}, "kernel", "as asked"),
        (12, {"budget": 100, "method": "odd_gp"}, "odd_gp", "as asked"),
    ],
)
def test_the_result_says_why_its_estimator_was_taken(n, asked, method, reason):
    result = shapley(Counter(n), n, **asked)
    assert (result.method, result.reason) == (method, reason)


def test_a_fixed_budget_reports_convergence_too():
    assert shapley(Counter(12), 12, budget=300, tolerance=0.3).converged
    assert not shapley(Counter(12), 12, budget=300, tolerance=0.001).converged
    assert not shapley(Counter(12), 12, budget=30, tolerance=0.9).converged  # 14 pairs: too few


def test_convergence_needs_enough_pairs_and_a_small_error():
    values = np.arange(10.0)  # range 9; 14 pairs are 1.4 n
    error = 0.1 * 9 / 2.5
    enough = Estimate(values, np.full(10, 0.99 * error), "odd_gp", 14)
    assert is_converged(enough, 0.1)
    assert not is_converged(dataclasses.replace(enough, n_pairs=13), 0.1)
    assert not is_converged(dataclasses.replace(enough, std=np.full(10, 1.01 * error)), 0.1)
    assert not is_converged(dataclasses.replace(enough, std=np.full(10, 9 / 4.9)), 0.99)
    assert is_converged(dataclasses.replace(enough, n_pairs=2, exact=True), 0.1)


def test_cheap_games_take_more_evaluations_of_leverage():
    cheap = shapley(Counter(16), 16, seconds_per_evaluation=1e-6)
    assert cheap.method == "leverage"
    assert cheap.reason == "at 1e-06 s an evaluation, more evaluations are cheaper than odd_gp"
    assert shapley(Counter(16), 16, seconds_per_evaluation=1.0, max_budget=100).method == "odd_gp"


def test_beyond_a_thousand_features_leverage_is_taken(monkeypatch):
    ten = dataclasses.replace(FIXED, max_features=10)
    monkeypatch.setattr(estimate_module, "FIXED", ten)
    result = shapley(Counter(12), 12, budget=100)
    assert (result.method, result.reason) == ("leverage", "odd_gp takes at most 10 features")
    with pytest.raises(InvalidInput, match="odd_gp takes at most 10 features and the game has 12"):
        shapley(Counter(12), 12, budget=100, method="odd_gp")


@pytest.mark.parametrize("method", ESTIMATORS)
@pytest.mark.parametrize("budget", [90, "auto"])
def test_same_seed_same_numbers_at_any_batch_size(method, budget):
    def run(batch_size, seed=4):
        game = Counter(10)
        result = shapley(
            game, 10, budget=budget, max_budget=None if budget == 90 else 200,
            method=method, seed=seed, batch_size=batch_size,
        )  # fmt: skip
        assert game.largest <= batch_size
        return result

    first, second = run(256), run(7)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.std, second.std)
    if method != "border":  # which has no random part
        assert not np.array_equal(first.values, run(256, seed=5).values)


def test_global_generators_are_untouched():
    before = random.getstate(), np.random.get_state()[1].copy()
    for method in ESTIMATORS:
        shapley(Counter(9), 9, budget=60, method=method)
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


def test_the_result_is_frozen_and_read_only():
    result = shapley(Counter(5), 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.values = np.zeros(5)
    with pytest.raises(ValueError, match="read-only"):
        result.values[0] = 1
    assert isinstance(result, ShapleyResult)
    assert result.values.dtype == result.std.dtype == np.float64


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_names_its_coalition(bad):
    def value(masks):
        alone = masks[:, 2] & (masks.sum(axis=1) == 1)
        values = np.where(alone, bad, masks.sum(axis=1))
        masks[:] = True  # the message names what was asked, not what became of it
        return values

    text = rf"value is {bad} for the coalition of features \{{2\}} \(1 of 9 kept\); Shapley values"
    with pytest.raises(InvalidInput, match=text):
        shapley(value, 9, budget=50)


def test_a_bad_value_of_the_full_coalition_is_named():
    with pytest.raises(InvalidInput, match="value is nan for the full coalition of 9 features"):
        shapley(lambda m: np.where(m.all(axis=1), np.nan, 0.0), 9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda m: np.zeros((len(m), 2)), r"value returned shape \(18, 2\) for 18 coalitions; it"),
        (lambda _: 0.0, r"value returned shape \(\) for 18 coalitions"),
        (lambda m: ["a"] * len(m), "value returned a list that is not an array of numbers"),
        (lambda _: {}, "value returned a dict that is not an array of numbers"),
    ],
)  # fmt: skip
def test_a_wrong_return_is_refused(value, text):
    with pytest.raises(InvalidInput, match=text):
        shapley(value, 6)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"method": "shap"}, "method 'shap' is not an estimator of Shapley values; choose one of"),
        ({"budget": 1}, "budget is 1 and must be a whole number of at least 2"),
        ({"budget": 40.0}, "budget is 40.0 and must be a whole number"),
        ({"budget": "all"}, "budget is 'all' and must be a whole number"),
        ({"budget": True}, "budget is True and must be a whole number"),
        ({"max_budget": 0}, "max_budget is 0 and must be a whole number of at least 2"),
        ({"seed": -1}, "seed is -1 and must be a whole number of at least 0"),
        ({"batch_size": 0}, "batch_size is 0 and must be a whole number of at least 1"),
        ({"tolerance": 0.0}, r"tolerance is 0.0 and must lie in \(0, 1\)"),
        ({"tolerance": np.nan}, "tolerance is nan and must lie"),
        ({"seconds_per_evaluation": -1.0}, "seconds_per_evaluation is -1.0 and must not be"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_refused(arguments, text):
    with pytest.raises(InvalidInput, match=text):
        shapley(Counter(10), 10, **arguments)


def test_no_feature_is_refused():
    with pytest.raises(
        InvalidInput, match="n_features is 0 and must be a whole number of at least 1"
    ):
        shapley(Counter(1), 0)


@pytest.mark.parametrize(
    ("method", "least"),
    [
        ("auto", 8),
        ("odd_gp", 8),
        ("kernel", 22),
        ("leverage", 22),
        ("permutation", 20),
    ],
)
def test_a_budget_below_the_minimum_is_refused(method, least):
    text = (
        f"budget is {least - 1} and method '{method}' needs at least {least} evaluations for 10 "
        f"features; raise budget to {least}"
    )
    with pytest.raises(OutOfBudget, match=text):
        shapley(Counter(10), 10, budget=least - 1, method=method)


def test_exact_within_a_budget_too_small_names_the_way_out():
    with pytest.raises(OutOfBudget, match=r"needs at least 1024 .* to 1024 or use method='auto'"):
        shapley(Counter(10), 10, budget=100, method="exact")
    with pytest.raises(OutOfBudget, match="max_budget is 100 and method 'exact'"):
        shapley(Counter(10), 10, max_budget=100, method="exact")


def test_numpy_and_scipy_are_all_it_takes():
    code = (
        "import sys, xaikit.shapley; "
        "print(sorted({'torch', 'shap', 'lime', 'sklearn', 'scipy.stats'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_method_is_tried_here():
    assert {"exact", *ESTIMATORS} == set(METHODS)


@pytest.mark.parametrize("method", ["leverage", "odd_gp"])
def test_values_and_errors_belong_to_the_features_whose_names_were_changed(method, monkeypatch):
    weights = np.random.default_rng(3).normal(size=(9, 6))

    def rough(masks):
        return np.tanh(masks @ weights - 0.2).sum(axis=1)

    found = shapley(rough, 9, budget=80, method=method, seed=7)
    order = estimate_module.relabelling(9, 7)
    monkeypatch.setattr(estimate_module, "relabelling", lambda n, _: np.arange(n))
    renamed = shapley(
        lambda masks: rough(masks[:, np.argsort(order)]), 9, budget=80, method=method, seed=7
    )
    np.testing.assert_allclose(found.values[order], renamed.values, rtol=1e-6)
    np.testing.assert_allclose(found.std[order], renamed.std, rtol=1e-6)
    assert np.ptp(found.std) > 0.02 * found.std.mean()
