"""Accuracy of `xaikit.shapley.shapley` on fully enumerated games of real networks.

    python benchmarks/shapley_accuracy.py --seeds 5 --families vit9 resnet14 --json out.json

Prints one row per family and published budget: mean squared error over games, seeds and features of
the automatic estimator, of paired leverage regression and of antithetic permutation sampling at the
same budget (one walk at least); the ratio to leverage; the share of our 95 % intervals that hold
the exact value; and our time a run.
The games are those of PolySHAP (Fumagalli, Witter, Musco, ICLR 2026, arXiv 2601.18608), read from
$XAIKIT_SHARED/data/reference_shapley_games or from the folder `shared` beside the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from xaikit.shapley import ShapleyResult, shapley
from xaikit.shapley.design import paired_design
from xaikit.shapley.exact import shapley_weights
from xaikit.shapley.game import Game
from xaikit.shapley.pairs import evaluate_pairs
from xaikit.shapley.permutation import permutation_estimate
from xaikit.shapley.regression import leverage_fit
from xaikit.shapley.result import Estimate

BUDGETS = {
    "sentiment14": (33, 71, 154, 336, 731, 1591, 3461),
    "resnet14": (33, 71, 154, 336, 731, 1591, 3461),
    "vit16": (37, 82, 179, 394, 864, 1895, 4156),
    "vit9": (15, 24, 37, 58, 89, 138, 214),
}
METHODS = ("auto", "leverage", "permutation")
HEADER = "family           m      ours  leverage   permut.  ratio  cover     ms"


class Table:
    """A game given by the value of every coalition; bit i of the index is feature i."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.n = int(values.size).bit_length() - 1

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        return self.values[masks @ (1 << np.arange(self.n))]

    def shapley(self) -> np.ndarray:
        weights = shapley_weights(self.n)
        numbers = np.arange(self.values.size)
        phi = np.empty(self.n)
        for i in range(self.n):
            without = numbers[(numbers >> i) & 1 == 0]
            gain = self.values[without | (1 << i)] - self.values[without]
            phi[i] = weights[np.bitwise_count(without)] @ gain
        return phi


def main() -> int:
    options = _options()
    folder = _folder()
    if not folder.is_dir():
        print(f"the reference games are not at {folder}; set XAIKIT_SHARED.", file=sys.stderr)
        return 2
    print(HEADER)
    cells = []
    for family in options.families:
        for cell in _family(family, options):
            cells.append(cell)
            print(_row(cell), flush=True)
    ratios = [cell["ratio"] for cell in cells]
    mean = np.exp(np.mean(np.log(ratios)))
    print(f"geometric mean of the ratio {mean:.3f}, largest {max(ratios):.2f}")
    if options.json:
        options.json.write_text(json.dumps(cells, indent=1), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--seeds",
        type=int,
        default=16,
        help="seeds 0 .. SEEDS-1 (default 16: fewer leave coverages uncertain by 2 points)",
    )
    parser.add_argument("--families", nargs="+", choices=tuple(BUDGETS), default=tuple(BUDGETS))
    parser.add_argument("--least", type=int, default=0, help="leave out budgets below this")
    parser.add_argument("--most", type=int, default=10**9, help="leave out budgets above this")
    parser.add_argument("--json", type=Path, help="also write the cells to this file")
    return parser.parse_args()


def _folder() -> Path:
    shared = os.environ.get("XAIKIT_SHARED")
    root = Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared"
    return root / "data" / "reference_shapley_games"


def reference_games(families: Sequence[str] = tuple(BUDGETS)) -> dict[str, list[Table]]:
    """The games of each family, as far as they are on this machine."""
    games = {}
    for family in families:
        path = _folder() / f"{family}.npz"
        if path.is_file():
            with np.load(path) as file:
                games[family] = [Table(values) for values in file["values"]]
    return games


def _family(family: str, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    games = reference_games([family])[family]
    exact = [game.shapley() for game in games]
    for budget in (m for m in BUDGETS[family] if options.least <= m <= options.most):
        cell: dict[str, object] = {"family": family, "budget": budget}
        for method in METHODS:
            cell |= _score(games, exact, budget, method, options.seeds)
        cell["ratio"] = cell["auto_mse"] / cell["leverage_mse"]
        yield cell


def _score(
    games: list[Table], exact: list[np.ndarray], budget: int, method: str, seeds: int
) -> dict[str, object]:
    """Mean squared error, coverage and time of one method."""
    squares, inside, started = [], [], time.perf_counter()
    for game, truth in zip(games, exact, strict=True):
        for seed in range(seeds):
            estimate = _estimate(game, budget, method, seed)
            error = estimate.values - truth
            squares.append(float(np.mean(error**2)))
            inside.append(float(np.mean(np.abs(error) <= 1.96 * estimate.std)))
    elapsed = time.perf_counter() - started
    return {
        f"{method}_mse": float(np.mean(squares)),
        f"{method}_coverage": float(np.mean(inside)),
        f"{method}_ms": 1e3 * elapsed / len(squares),
    }


def _estimate(game: Table, budget: int, method: str, seed: int) -> ShapleyResult | Estimate:
    """`shapley`, or the peers themselves, also below the budget where `shapley` refuses them."""
    if method == "auto":
        return shapley(game, game.n, budget=budget, seed=seed)
    counted = Game(game, game.n)
    if method == "permutation":
        return permutation_estimate(counted, max(1, (budget - 2) // (2 * game.n - 2)), seed)
    masks, _ = paired_design(game.n, (budget - 2) // 2, seed, border=False)
    return leverage_fit(evaluate_pairs(counted, masks))


def _row(cell: dict[str, object]) -> str:
    return (
        f"{cell['family']:<12} {cell['budget']:>5} {cell['auto_mse']:9.2e} "
        f"{cell['leverage_mse']:9.2e} {cell['permutation_mse']:9.2e} {cell['ratio']:6.2f} "
        f"{cell['auto_coverage']:6.3f} {cell['auto_ms']:6.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
