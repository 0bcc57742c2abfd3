"""`shapley`: Shapley values of any game, by the estimator that its size and budget call for."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import Literal, SupportsIndex

import numpy as np

from xaikit.core.errors import InvalidInput, OutOfBudget
from xaikit.shapley import exact
from xaikit.shapley.design import base_design, relabelling
from xaikit.shapley.game import Game, ValueFunction
from xaikit.shapley.pairs import evaluate_pairs
from xaikit.shapley.permutation import permutation_estimate
from xaikit.shapley.process import FIXED, process_estimate
from xaikit.shapley.regression import (
    kernel_design,
    kernel_fit,
    leverage_design,
)
from xaikit.shapley.result import (
    Estimate,
    ShapleyResult,
    is_converged,
    relative_error,
)

__all__ = [
    "METHODS",
    "check_memory",
    "largest_budget",
    "masks_that_fit",
    "minimum_budget",
    "shapley",
]

METHODS = ("auto", "exact", "odd_gp", "kernel", "leverage", "permutation")
WORTH_A_FIT = 4  # a rung's evaluations cost at least as much as that many fits
EXTRA_EVALUATIONS = 1.2  # leverage needs at least 2.2 times the evaluations for the same error


def shapley(
    value: ValueFunction,
    n_features: int,
    *,
    budget: int | Literal["auto"] = "auto",
    method: str = "auto",
    seed: int = 0,
    tolerance: float = 0.05,
    max_budget: int | None = None,
    batch_size: int = 256,
    seconds_per_evaluation: float | None = None,
    memory: float = np.inf,
) -> ShapleyResult:
    """Shapley values of a game, with standard errors, in the units of `value`.

    value : masks, bool (m, n_features), True = kept, to one finite float per mask, (m,).
    budget : most evaluations to make, those of the empty and the full coalition included; never
        exceeded. "auto" doubles a nested design until the largest error is probably below
        `tolerance` times the range of the values, or `max_budget` is reached.
    method : "auto" enumerates when 2^n evaluations are allowed, else takes the odd Gaussian
        process. The others: "exact", "odd_gp", "kernel", "leverage", "permutation". Whenever the budget
        allows all 2^n coalitions the values are exact, whatever the method.
    seed : same seed, same numbers, at any batch_size; no global generator is touched.
    tolerance : in (0, 1), relative to max(values) - min(values); also decides `converged`.
    max_budget : cap of budget="auto"; by default the larger of 2048 and 60 n.
    batch_size : most masks in one call of `value`.
    seconds_per_evaluation : if given, the Gaussian process designs and fits with less care where
        evaluations cost hardly more than that, and budget="auto" takes paired leverage regression
        where its additional evaluations cost less time than the process's own arithmetic.
    memory : bytes that masks and matrices may take, about; the Gaussian process is conditioned on
        fewer pairs where it is short.

    Raises InvalidInput for a bad argument or a bad value, OutOfBudget for a budget below the
    method's minimum or beyond what the memory holds. Sources: see the module of each method.

    >>> shapley(lambda kept: 3.0 * kept[:, 0] - kept[:, 1], 2).values.tolist()
    [3.0, -1.0]
    """
    request = _Request(
        n=_whole("n_features", n_features, 1),
        method=method,
        seed=_whole("seed", seed, 0),
        tolerance=tolerance,
        seconds=seconds_per_evaluation,
        memory=memory,
    )
    _check_size(request)
    batch_size = _whole("batch_size", batch_size, 1)
    auto = isinstance(budget, str) and budget == "auto"
    cap = _cap(request, max_budget) if auto else _whole("budget", budget, 2)
    _check_budget(request, cap, "max_budget" if auto else "budget")
    if not auto:
        check_memory(cap, request.n, request.memory, request.method)
    order = relabelling(request.n, request.seed)
    game = Game(value, request.n, batch_size=batch_size, order=order)
    estimate = _ladder(game, request, cap) if auto else _one_rung(game, request, cap, None)
    place = np.argsort(order)
    return ShapleyResult(
        values=estimate.values[place],
        std=estimate.std[place],
        evaluations=game.evaluations,
        method=estimate.method,
        converged=is_converged(estimate, tolerance),
        empty=game.empty,
        output=game.output,
        reason=_reason(request, cap, estimate),
        note=estimate.note,
    )


def largest_budget(n: int, memory: float = np.inf) -> int:
    """Most evaluations that budget="auto" makes for n features, unless told.

    memory : bytes that masks and matrices may take; a few evaluations are always made
    """
    most = min(max(2048, 60 * n), masks_that_fit(n, memory))
    if memory < np.inf:
        most = min(most, int(np.sqrt(memory / 10)))  # five matrices over the pairs of a process
    return max(most, minimum_budget("leverage", n))


def masks_that_fit(n: int, memory: float, method: str = "leverage") -> int:
    """Masks that can be evaluated at once in that many bytes: about six copies of each are held, and
    by a Gaussian process five more of one of each pair as floats."""
    copies = 26 if method in ("auto", "odd_gp") else 6
    return int(min(memory / (copies * n), 2**62))


def check_memory(budget: int, n: int, memory: float, method: str) -> None:
    """OutOfBudget for a budget whose evaluations are held at once and do not fit.

    Those that enumerate all coalitions are not held.
    """
    most = masks_that_fit(n, memory, method)
    if most < budget < 2**n:
        raise OutOfBudget(
            f"budget is {budget} and {memory / 2**20:.3g} MiB for masks and matrices hold {most} "
            f"evaluations of {n} features; lower the budget or allow more memory."
        )


def minimum_budget(method: str, n: int) -> int:
    """Fewest evaluations that the method can work with; never more than 2^n, which is exact."""
    every: int = 2**n
    needs = {
        "auto": 2 * FIXED.min_pairs + 2,
        "odd_gp": 2 * FIXED.min_pairs + 2,
        "kernel": 2 * n + 2,
        "leverage": 2 * n + 2,
        "permutation": 2 * n,
    }
    return min(needs.get(method, every), every)


@dataclass(frozen=True)
class _Request:
    """What was asked for, checked."""

    n: int
    method: str
    seed: int
    tolerance: float
    seconds: float | None
    memory: float

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidInput(
                f"method {self.method!r} is not an estimator of Shapley values; "
                f"choose one of {', '.join(METHODS)}."
            )
        if not 0 < self.tolerance < 1:
            raise InvalidInput(
                f"tolerance is {self.tolerance} and must lie in (0, 1); "
                "it is relative to the range of the values, for example 0.05."
            )
        if self.seconds is not None and not self.seconds >= 0:
            raise InvalidInput(
                f"seconds_per_evaluation is {self.seconds} and must not be negative; "
                "leave it out if it is not known."
            )


def _whole(name: str, number: object, least: int) -> int:
    """The argument as an int; a bool or a float is a mistake."""
    if isinstance(number, bool) or not isinstance(number, SupportsIndex):
        raise InvalidInput(f"{name} is {number!r} and must be a whole number of at least {least}.")
    whole = int(operator.index(number))
    if whole < least:
        raise InvalidInput(f"{name} is {whole} and must be a whole number of at least {least}.")
    return whole


def _check_size(request: _Request) -> None:
    if request.method == "exact":
        exact.check_size(request.n)
    if request.method == "odd_gp" and request.n > FIXED.max_features:
        raise InvalidInput(
            f"{request.method} takes at most {FIXED.max_features} features and the game has "
            f"{request.n}; group features or use method='leverage'."
        )


def _cap(request: _Request, max_budget: int | None) -> int:
    if max_budget is not None:
        return _whole("max_budget", max_budget, 2)
    return 2**request.n if request.method == "exact" else largest_budget(request.n)


def _check_budget(request: _Request, budget: int, name: str) -> None:
    least = minimum_budget(request.method, request.n)
    if budget >= least:
        return
    other = minimum_budget("auto", request.n)
    way_out = f"raise {name} to {least}"
    if other <= budget and request.method != "auto":
        way_out += " or use method='auto'"
    raise OutOfBudget(
        f"{name} is {budget} and method {request.method!r} needs at least {least} evaluations "
        f"for {request.n} features; {way_out}."
    )


def _reason(request: _Request, cap: int, estimate: Estimate) -> str:
    """Why this estimator made the values."""
    n, found = request.n, estimate.method
    if found == request.method:
        return "as asked"
    if found == "exact":
        return f"all 2^{n} coalitions fit the budget of {cap}"
    if estimate.reason:
        return estimate.reason
    if n > FIXED.max_features:
        return f"odd_gp takes at most {FIXED.max_features} features"
    if 2**n <= cap:
        return f"it converged before all 2^{n} coalitions were asked"
    return f"2^{n} coalitions do not fit the budget of {cap}"


def _ladder(game: Game, request: _Request, cap: int) -> Estimate:
    """Double a nested design until the estimate has converged or the cap is reached."""
    request, reason = _by_cost(request)
    first, *more = _rungs(request, cap)
    estimate = _one_rung(game, request, first, None, last=not more)
    errors = [(game.evaluations, relative_error(estimate))]
    for budget in more:
        if is_converged(estimate, request.tolerance):
            break
        if budget < cap and _hopeless(errors[-1], budget, request.tolerance):
            continue
        estimate = _one_rung(game, request, budget, estimate)
        errors.append((game.evaluations, relative_error(estimate)))
    converged = is_converged(estimate, request.tolerance)
    forecast = "" if converged else _forecast(errors, request.tolerance)
    notes = filter(None, [estimate.note, forecast])
    return replace(estimate, reason=reason or estimate.reason, note="; ".join(notes))


def _hopeless(error: tuple[int, float], budget: int, tolerance: float) -> bool:
    """Whether the error cannot fall below the tolerance at this budget, even if it falls twice as
    fast as on the reference games, so that a fit would only cost time."""
    evaluations, relative = error
    return np.isfinite(relative) and relative * (evaluations / budget) ** 2 > tolerance


def _forecast(errors: list[tuple[int, float]], tolerance: float) -> str:
    """How many evaluations convergence may take, from the slope of the last two rungs.

    The relative error falls as a power of the evaluations, -0.75 to -1.15 on the reference games; by
    -1 where the rung before was not fitted.
    """
    if len(errors) < 2:
        return ""
    (few, before), (many, after) = errors[-2:]
    if many == few or not 0 < after < np.inf or not before > 0:
        return ""
    slope = 1.0
    if before < np.inf:
        slope = float(np.clip(np.log(before / after) / np.log(many / few), 0.5, 1.25))
    needed = many * max(after / tolerance, 1) ** (1 / slope)
    return f"not converged; about {needed:.0f} evaluations would be needed"


def _rungs(request: _Request, cap: int) -> list[int]:
    """Budgets 5 n, 10 n, 20 n, ... up to the cap, and 2 n + 6 before them.

    The first rung solves games of order 2 exactly and cannot converge on others. Where a pass costs
    next to nothing, rungs that cost more to fit than to evaluate are left out, but of the Gaussian
    process only that first one.
    """
    n, least = request.n, minimum_budget(request.method, request.n)
    if request.method == "exact":
        return [cap]
    rungs = [2 * n + 6, *(5 * n * 2**k for k in range(cap.bit_length()))]
    if request.seconds is not None:
        fit = _fit_seconds(n) if request.method == "leverage" else _solver_seconds(n)
        worth = int(WORTH_A_FIT * fit / max(request.seconds, 1e-12))
        least = max(least, worth if request.method == "leverage" else min(worth, rungs[1]))
    return [*(m for m in rungs if least <= m < cap), cap]


def _by_cost(request: _Request) -> tuple[_Request, str]:
    """Leverage regression for "auto" where its additional evaluations are the cheaper way."""
    if request.method != "auto" or request.seconds is None:
        return request, ""
    evaluations = 10 * request.n
    extra = EXTRA_EVALUATIONS * evaluations * request.seconds
    if extra >= _solver_seconds(evaluations // 2):
        return request, ""
    reason = f"at {request.seconds:.2g} s an evaluation, more evaluations are cheaper than odd_gp"
    return replace(request, method="leverage"), reason


def _solver_seconds(n_pairs: int) -> float:
    """Least own time of the odd Gaussian process on two rungs, on one core, within a factor of 2."""
    least, by_pairs = FIXED.own_seconds
    return least + by_pairs * n_pairs**2


def _fit_seconds(n: int) -> float:
    """Own time of a small regression on one core, within a factor of 2 for n = 14..60."""
    return 5e-4 + 2e-5 * n


def _one_rung(
    game: Game, request: _Request, budget: int, before: Estimate | None, *, last: bool = True
) -> Estimate:
    """The method's estimate from one design of at most `budget` evaluations.

    before : the estimate of the rung below, whose design this one contains.
    last : whether nothing follows if it has not converged.
    """
    n, seed, method = request.n, request.seed, request.method
    if n <= exact.MAX_FEATURES and budget >= 2**n:
        return exact.exact_estimate(game)
    if method == "permutation":
        return permutation_estimate(game, (budget - 2) // (2 * (n - 1)), seed)
    n_pairs, counts = (budget - 2) // 2, before.counts if before else ()
    if method == "kernel":
        return _kernel(game, budget, seed)
    if method == "leverage" or (method == "auto" and n > FIXED.max_features):
        _, counts = base_design(n, n_pairs, seed, border=False, keep=counts)
        design = leverage_design(n, counts)
        return design.fit(evaluate_pairs(game, design.masks, distinct=True))
    return process_estimate(
        game, n_pairs, seed, before, last=last, seconds=request.seconds, memory=request.memory
    )


def _kernel(game: Game, budget: int, seed: int) -> Estimate:
    """KernelSHAP. Its designs are only nearly nested, so a later rung may have to be smaller."""
    n_pairs = (budget - 2) // 2
    while True:
        design = kernel_design(game.n_features, n_pairs, seed)
        cost = game.cost(np.concatenate([design.masks, ~design.masks]))
        excess = game.evaluations + cost - budget
        if excess <= 0:
            return kernel_fit(evaluate_pairs(game, design.masks), design)
        n_pairs -= (excess + 1) // 2
