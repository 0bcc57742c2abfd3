"""How many evaluations, and how much time beside them, it takes to come near the exact Shapley values.

Every estimator is given growing budgets on games whose 2^n values are all known. The error of a run
is ||phi - exact||^2 / ||exact||^2; the evaluations that reach 1e-2 or 1e-3 lie where the median over
inputs and seeds does, interpolated between budgets on log scales. Ratios are ours over theirs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.enumerated import GAMES
from benchmarks.harness import Options, Row, Triple, spread
from benchmarks.shapley_accuracy import Table, reference_games
from benchmarks.shapley_peers import DEFAULTS, OURS, PACKAGES, RESEARCH, Counted, Estimator

__all__ = ["Curve", "reach", "rows"]

GOALS = (1e-2, 1e-3)
FOLDS = (2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160)  # budgets in n, but 2 n + 2 first
LONG = 56  # fold above which only defaults go on, and only to the first goal, for the second bar
PART = "evaluations"


@dataclass(frozen=True)
class Curve:
    """One estimator on several games: evaluations really made, error and own seconds of each run,
    evaluations per feature, all (budgets, games, seeds). Budgets end where the goals are reached."""

    evaluations: np.ndarray
    error: np.ndarray
    seconds: np.ndarray
    per_feature: np.ndarray


def rows(options: Options) -> Iterator[Row]:
    """Lines for each of our games, each family of reference games that is at hand, and all these."""
    if options.quick:
        yield from _lines("RF-12", _curves(GAMES["RF-12"](2), 1, FOLDS[:5]), barred=False)
        return
    for name, make in GAMES.items():
        yield from _lines(name, _curves(make(20), 2, FOLDS))
    families = [_curves(tables, 1, FOLDS) for tables in reference_games().values()]
    for name, curves in zip(reference_games(), families, strict=True):
        yield from _lines(name, curves)
    if families:
        yield _evaluations("all reference games, by n", _pooled(families), GOALS[0], barred=True)


Curves = dict[str, Curve | str]
"""By estimator; the name of the error where one was raised."""


def _lines(name: str, curves: Curves, *, barred: bool = True) -> Iterator[Row]:
    yield _evaluations(name, curves, GOALS[0], barred=barred)
    yield _time(name, curves)
    yield _evaluations(name, curves, GOALS[1], barred=False)


def _curves(tables: Sequence[Table], seeds: int, folds: Sequence[int]) -> Curves:
    exact, curves = [table.shapley() for table in tables], Curves()
    for peer, estimator in (OURS | PACKAGES | RESEARCH).items():
        mine = [fold for fold in folds if fold <= LONG or peer in DEFAULTS]
        try:
            curves[peer] = _curve(tables, exact, estimator, seeds, mine)
        except (IndexError, ValueError, TypeError, np.linalg.LinAlgError) as error:
            curves[peer] = type(error).__name__
    return curves


def _pooled(families: Sequence[Curves]) -> Curves:
    """All families as one: evaluations divided by n, the last budget standing for larger ones."""
    pooled = Curves()
    for peer in families[0]:
        parts = [curves[peer] for curves in families]
        curves = [part for part in parts if isinstance(part, Curve)]
        if len(curves) == len(parts):
            longest = max(len(curve.error) for curve in curves)
            joined = [
                np.concatenate([_stretched(getattr(c, name), longest) for c in curves], axis=1)
                for name in ("per_feature", "error", "seconds", "per_feature")
            ]
            pooled[peer] = Curve(*joined)
    return pooled


def _stretched(runs: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([runs, np.repeat(runs[-1:], length - len(runs), axis=0)])


def _curve(
    tables: Sequence[Table],
    exact: Sequence[np.ndarray],
    estimator: Estimator,
    seeds: int,
    folds: Sequence[int],
) -> Curve:
    runs: list[np.ndarray] = []
    for fold in folds:
        if fold * tables[0].n >= 2 ** tables[0].n:
            break
        found = [
            [_run(table, phi, estimator, fold, seed) for seed in range(seeds)]
            for table, phi in zip(tables, exact, strict=True)
        ]
        runs.append(np.moveaxis(np.array(found), 2, 0))  # (4, games, seeds)
        if np.median(runs[-1][1]) <= GOALS[fold < LONG]:
            break
    return Curve(*np.stack(runs, axis=1))


def _run(
    table: Table, exact: np.ndarray, estimator: Estimator, fold: int, seed: int
) -> tuple[float, float, float, float]:
    """Evaluations, error, own seconds (all but the table's), evaluations per feature."""
    game = Counted(table)
    start = time.process_time()
    values = estimator(game, max(fold * table.n, 2 * table.n + 2), seed)
    own = time.process_time() - start - game.seconds
    error = float(np.sum((values - exact) ** 2) / np.sum(exact**2))
    return game.rows, error, own, game.rows / game.n


def reach(curve: Curve, goal: float) -> Triple:
    """Evaluations at which the median error falls to the goal: over inputs for the best seed, over
    inputs and seeds, over inputs for the worst seed; inf where no budget was enough."""
    seeds = [_crossing(curve, goal, slice(s, s + 1)) for s in range(curve.error.shape[2])]
    return min(seeds), _crossing(curve, goal, slice(None)), max(seeds)


def _crossing(curve: Curve, goal: float, seeds: slice) -> float:
    x = np.log([np.median(m[:, seeds]) for m in curve.evaluations])
    y = np.log([np.median(e[:, seeds]) for e in curve.error])
    below = np.flatnonzero(y <= np.log(goal))
    if not below.size:
        return math.inf
    i = int(below[0])
    if i == 0:
        return float(np.exp(x[0]))
    share = (y[i - 1] - np.log(goal)) / (y[i - 1] - y[i])
    return float(np.exp(x[i - 1] + share * (x[i] - x[i - 1])))


def _evaluations(name: str, curves: Curves, goal: float, *, barred: bool) -> Row:
    """Where the error is not reached, the ratio takes the largest budget, which flatters the peer."""
    whole = {peer: curve for peer, curve in curves.items() if isinstance(curve, Curve)}
    found = {peer: reach(curve, goal) for peer, curve in whole.items()}
    ours = found.pop(next(iter(OURS)))
    least = {
        peer: min(triple[1], float(np.median(whole[peer].evaluations[-1])))
        for peer, triple in found.items()
    }
    notes, ratios = [], []
    for among, words in ((PACKAGES, "package"), (DEFAULTS, "default")):
        best = min((peer for peer in among if peer in least), key=lambda peer: least[peer])
        ratios.append(ours[1] / least[best])
        notes.append(f"{ratios[-1]:.2f} of the best {words} ({best})")
    notes += [f"{peer} raised {error}" for peer, error in curves.items() if isinstance(error, str)]
    return Row(
        part=PART,
        what=f"{name}: evaluations to an error of {goal:g}",
        bar="<= 0.5 of the best package, <= 0.25 of the defaults" if barred else "",
        ours=ours,
        peers=found,
        unit="evaluations",
        holds=bool(ratios[0] <= 0.5 and ratios[1] <= 0.25) if barred else None,
        note="; ".join([*notes, "inf: not with the largest budget"]),
    )


def _time(name: str, curves: Curves) -> Row:
    found = {}
    for peer, curve in curves.items():
        if isinstance(curve, Curve):
            below = np.flatnonzero(np.median(curve.error, axis=(1, 2)) <= GOALS[0])
            if below.size:
                found[peer] = spread(1e3 * curve.seconds[below[0]].ravel())
    return Row(
        part=PART,
        what=f"{name}: own time at the first budget with an error of {GOALS[0]:g}",
        bar="",
        ours=found.pop(next(iter(OURS)), (math.inf,) * 3),
        peers=found,
        unit="ms a run, the model's time not counted",
        note="CPU time, one thread; estimators that do not reach the error are left out",
    )
