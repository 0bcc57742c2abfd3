"""Every number of the estimator that no formula gives, and where it comes from.

The estimator is frozen: error and coverage were measured with these numbers together, and who changes
one measures both again. The origins are

    measured     compared with others on the reference games (`benchmarks/shapley_accuracy.py`)
    calibrated   set so that error bars hold there, with the small networks of docs/evidence.md in view
    timed        seconds on one core, within a factor of 2
    rounding     of float64
    chosen       no comparison is on record
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIXED", "Constants"]


@dataclass(frozen=True)
class Constants:
    """Sizes count pairs and seconds are nominal unless it says otherwise."""

    # what the process takes
    min_pairs: int = 3  # chosen
    max_features: int = 1000  # rounding: products of n factors up to 1.95 stay below 1e308
    max_pairs: int = 2000  # chosen: of one Cholesky factor
    min_process: int = 300  # chosen: it keeps so many, however short time is
    process_seconds: float = 5e-8  # timed: of the process, by the square of its pairs
    own_seconds: tuple[float, float] = (
        8e-3,
        8e-8,
    )  # timed: least, of two rungs, and by pairs squared
    linear_gap: float = 1e-9  # rounding: what a linear game may miss of its odd values

    # fit of the parameters
    fit_share: float = 0.03  # chosen: of the evaluations' time
    fit_seconds: float = 3e-7  # timed: of a fit, or the move after it, by the square of its pairs
    many_features: int = 50  # chosen: from here on fewer pairs are fitted and placed
    fitted: tuple[int, int] = (300, 200)  # chosen: at most, with few and with many features
    min_fitted: int = 60  # chosen: where time is short
    slow_rows: int = 128  # timed: caches are slow on rows of a multiple of this length
    warm_pairs: int = 64  # measured: fewer often end in another mode than more pairs
    steps: int = 5  # measured: of L-BFGS-B; as good as 15 and 50
    corrections: int = 8  # chosen: of L-BFGS-B, its maxcor
    calls: int = 60  # chosen: of the objective, at most
    polished: int = 1000  # measured: most pairs whose likelihood moves the parameters once more
    polish_relevance: float = 0.2  # chosen: such a move of all log relevances
    polish_nugget: float = 1.0  # chosen: such a move of all log nuggets
    polish_moves: int = 3  # chosen: in one direction

    # prior, widths are standard deviations of logs
    relevance: float = 0.2  # measured: half or three times as much costs a design 5 % at most
    relevance_width: float = 1.0  # chosen: of the features' mean
    relevance_spread: float = 0.5  # chosen: of a feature about the mean
    relevance_least: float = -7.0  # chosen: log
    relevance_most: float = 0.95  # chosen, see `max_features`
    linear_ratio: float = 20.0  # measured, as relevance: the linear part over the smooth part
    linear_width: float = 1.0  # chosen
    linear_start: float = 4.0  # chosen: log
    linear_bounds: tuple[float, float] = (-6.0, 14.0)  # chosen: logs
    nugget: float = -4.0  # chosen: log
    nugget_width: float = 4.0  # chosen: of the strata's mean, nearly free
    nugget_spread: float = 0.7  # chosen: of a stratum about the mean
    nugget_bounds: tuple[float, float] = (-14.0, 4.0)  # chosen: logs
    even_weight: float = 6.0  # measured, see `even_weight`: of the even part, by n / pairs
    even_bounds: tuple[float, float] = (0.5, 3.0)  # measured, see `even_weight`
    even_mean: float = 1e3  # chosen: prior variance of the even part's mean, flat
    jitter: float = 1e-8  # rounding: on the anchor, which has no nugget
    retries: int = 6  # chosen: tenfold nuggets where a covariance is not positive definite

    # error bars over the process's own
    width: float = 1.12  # calibrated
    width_missed: float = 1.16  # calibrated: by the share of the odd values that is missed

    # placement of pairs
    design_share: float = 0.1  # chosen: of the evaluations' time, as all samples share a design
    placed: tuple[int, int] = (300, 200)  # chosen: at most, with few and with many features
    candidates: tuple[int, int] = (2048, 512)  # measured: see `placement.py`; where time is short
    candidates_features: int = 64  # chosen: with more features there are few candidates
    placed_nugget: float = 0.1  # measured, as relevance: nugget over the smooth part
    variants: int = 8  # calibrated: of a design, lest one's luck decide how error bars hold
    size_least: int = 4  # measured on votes: a size gets this part of its share at least
    size_most: int = 2  # measured: and this many times its share, and so many more, at most
    pair_seconds: float = 5e-5  # timed: to place a pair
    candidate_seconds: float = 4e-10  # timed: and for each candidate, by 2 n + pairs
    least_variance: float = 1e-9  # rounding: left of a candidate, of its nugget


FIXED = Constants()
