"""Estimators of Shapley values in xaikit and in other packages, all asked the same way.

`estimate(table, budget, seed)` gives values (n,) from about `budget` evaluations of the table, which
counts the rows it was really asked for. Settings are the packages' own defaults but for the budget,
unless the name says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import captum.attr
import numpy as np
import shap
import shapiq
import torch

from benchmarks.oddshap import oddshap
from benchmarks.peers import global_seed
from benchmarks.shapley_accuracy import Table
from xaikit.shapley import shapley
from xaikit.shapley.design import paired_design
from xaikit.shapley.game import Game
from xaikit.shapley.pairs import evaluate_pairs
from xaikit.shapley.regression import leverage_fit

__all__ = ["DEFAULTS", "OURS", "PACKAGES", "RESEARCH", "Counted", "Estimator"]


class Counted:
    """A table that counts the rows it is asked for, and the seconds it takes."""

    def __init__(self, table: Table) -> None:
        self.table, self.n, self.rows, self.seconds = table, table.n, 0, 0.0

    def __call__(self, masks: Any) -> np.ndarray:
        masks = np.atleast_2d(np.asarray(masks) > 0.5)  # shapiq also asks for one, (n,)
        start = time.process_time()
        self.rows += len(masks)
        values = self.table(masks)
        self.seconds += time.process_time() - start
        return values

    def tensor(self, masks: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self(masks))

    def centred(self, masks: Any) -> np.ndarray:
        return self(masks) - self.table.values[0]


Estimator = Callable[[Counted, int, int], np.ndarray]


def _auto(game: Counted, budget: int, seed: int) -> np.ndarray:
    return shapley(game, game.n, budget=budget, seed=seed, batch_size=budget).values


def _leverage(game: Counted, budget: int, seed: int) -> np.ndarray:
    masks, _ = paired_design(game.n, (budget - 2) // 2, seed, border=False)
    return leverage_fit(evaluate_pairs(Game(game, game.n, batch_size=budget), masks)).values


def _oddshap(game: Counted, budget: int, seed: int) -> np.ndarray:
    return oddshap(game, game.n, budget, seed)


def _shap_kernel(l1_reg: Any) -> Estimator:
    def estimate(game: Counted, budget: int, seed: int) -> np.ndarray:
        explainer = shap.KernelExplainer(game, np.zeros((1, game.n)))
        with global_seed(seed):
            found = explainer.shap_values(
                np.ones((1, game.n)), nsamples=budget - 2, l1_reg=l1_reg, silent=True
            )
        return np.asarray(found).reshape(-1)

    return estimate


def _shap_permutation(game: Counted, budget: int, seed: int) -> np.ndarray:
    with global_seed(seed):
        explainer = shap.PermutationExplainer(game, np.zeros((1, game.n)), seed=seed)
        return explainer(np.ones((1, game.n)), max_evals=budget, silent=True).values[0]


def _captum_kernel(game: Counted, budget: int, seed: int) -> np.ndarray:
    with global_seed(seed):
        found = captum.attr.KernelShap(game.tensor).attribute(
            torch.ones(1, game.n), n_samples=budget, perturbations_per_eval=budget
        )
    return found.numpy()[0].astype(float)


def _captum_sampling(game: Counted, budget: int, seed: int) -> np.ndarray:
    with global_seed(seed):
        found = captum.attr.ShapleyValueSampling(game.tensor).attribute(
            torch.ones(1, game.n), n_samples=budget // game.n, perturbations_per_eval=game.n
        )
    return found.numpy()[0].astype(float)


def _shapiq(name: str, **settings: Any) -> Estimator:
    def estimate(game: Counted, budget: int, seed: int) -> np.ndarray:
        approximator = getattr(shapiq, name)(n=game.n, random_state=seed, **settings)
        with global_seed(seed):
            found = approximator.approximate(budget, game.centred)
        values: np.ndarray = found.get_n_order_values(1)
        return values

    return estimate


OURS: dict[str, Estimator] = {"xaikit": _auto}

# left out: shapiq.ProxySPEX takes 1 to 2 s a run, raises IndexError at 2 n + 2, and was at 7e-2 on
# CNN-16 with 160 evaluations, where shapiq.KernelSHAP was at 5e-2
PACKAGES: dict[str, Estimator] = {
    "shap.Kernel": _shap_kernel("num_features(10)"),
    "shap.Kernel l1_reg=0": _shap_kernel(0),
    "shap.Permutation": _shap_permutation,
    "captum.KernelShap": _captum_kernel,
    "captum.ShapleyValueSampling": _captum_sampling,
    "shapiq.KernelSHAP paired": _shapiq("KernelSHAP", pairing_trick=True),
    "shapiq.kADDSHAP 2 paired": _shapiq("kADDSHAP", max_order=2, pairing_trick=True),
    "shapiq.KernelSHAPIQ 2 paired": _shapiq(
        "KernelSHAPIQ", max_order=2, index="SII", pairing_trick=True
    ),
    "shapiq.PermutationSamplingSV": _shapiq("PermutationSamplingSV"),
    "shapiq.SVARM": _shapiq("SVARM"),
}
DEFAULTS = ("shap.Kernel", "shap.Permutation", "captum.KernelShap", "captum.ShapleyValueSampling")

RESEARCH: dict[str, Estimator] = {
    "paired leverage (ours)": _leverage,
    "OddSHAP (our implementation)": _oddshap,
}
