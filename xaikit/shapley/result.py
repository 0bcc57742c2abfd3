"""What an estimator returns, and when it may be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xaikit.shapley.game import FloatArray

__all__ = ["INDICATIVE", "TRUSTED", "Estimate", "ShapleyResult", "is_converged", "relative_error"]

TRUSTED = 1.4  # pairs per feature below which error bars are indicative only
INDICATIVE = "few pairs: the error bars are indicative"

MARGIN = 2.5  # standard errors; keeps the largest of n errors below the tolerance in 95 % of games


@dataclass(frozen=True)
class Estimate:
    """One estimate from one design, before it becomes a `ShapleyResult`.

    values, std : (n,), std inf where nothing was fitted yet; method : the estimator that made it;
    n_pairs : evaluated pairs, on which the error bars rest; exact : the values carry no sampling error; counts : pairs per stratum,
    which a larger nested design must contain (empty where the design is not stratified); start :
    what the estimator of a larger design may start from, or None; rungs : of the placed design that a
    larger one begins with (see `placement.placed_design`); reason : why another estimator made it.
    """

    values: FloatArray
    std: FloatArray
    method: str
    n_pairs: int
    note: str = ""
    exact: bool = False
    counts: tuple[int, ...] = ()
    start: FloatArray | None = None
    rungs: tuple[tuple[int, float], ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class ShapleyResult:
    """Shapley values of one game with their standard errors.

    values : (n,) float64, in the units of the game; they sum to output - empty, to rounding.
    std : (n,) float64, such that values +- 1.96 std is meant to hold the true value 95 times in
        100, on average over features; 0 where values are exact.
    evaluations : different coalitions asked for, the empty and the full one included.
    method : the estimator that made the values; with method="auto" the one that was chosen.
    converged : whether 2.5 max(std) is below the tolerance times the range of the values.
    empty, output : value of the empty and of the full coalition.
    reason : in words, why this estimator.
    note : in words, what limits the numbers; may be empty.
    """

    values: FloatArray
    std: FloatArray
    evaluations: int
    method: str
    converged: bool
    empty: float
    output: float
    reason: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("values", "std"):
            own = np.array(getattr(self, name), dtype=np.float64)
            own.flags.writeable = False
            object.__setattr__(self, name, own)


def relative_error(estimate: Estimate) -> float:
    """Probable bound of the largest error, 2.5 max(std), over the range of the values.

    inf where the values do not differ by more than their errors.
    """
    spread, error = float(np.ptp(estimate.values)), float(estimate.std.max())
    return MARGIN * error / spread if spread > 5 * error else np.inf


def is_converged(estimate: Estimate, tolerance: float) -> bool:
    """Whether the largest error is probably below tolerance times (max phi - min phi).

    The criterion max std / range is Covert and Lee's (AISTATS 2021, arXiv 2012.01536). The factor
    2.5 is calibrated, and below 1.4 n pairs no standard error is trusted.
    """
    if estimate.exact:
        return True
    enough = estimate.n_pairs >= TRUSTED * len(estimate.values)
    return enough and relative_error(estimate) < tolerance
