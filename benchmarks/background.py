"""The error of few evaluations against many background rows, beside shap with the same model rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import shap
import torch
from sklearn.datasets import make_classification

from benchmarks.enumerated import train
from benchmarks.harness import Options, Row, spread
from benchmarks.nets import table_model
from benchmarks.overhead import fresh
from benchmarks.peers import global_seed
from benchmarks.shapley_accuracy import Table
from xaikit import shapley
from xaikit.core.question import Cache, Masker, Question
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.methods.base import ask, make_method
from xaikit.models.neural import NeuralModel
from xaikit.shapley.exact import coalition_masks

N, K = 14, 32
FOLDS = (1.2, 1.6, 2.0, 2.3, 3.0, 5.0)
"""Budgets in n; 2 n + 2 lies between the third and the fourth."""


def rows(options: Options) -> Iterator[Row]:
    """One line a budget: the median error over inputs and seeds."""
    model, x = _trained()
    inputs, seeds = (2, 1) if options.quick else (10, 3)
    tables = [_question(model, row, x[:K]) for row in x[2000 : 2000 + inputs]]
    known = [(question, _exact(question)) for question in tables]
    for fold in FOLDS[1:4:2] if options.quick else FOLDS:
        yield _row(known, int(fold * N), seeds)


def _row(known: list[tuple[Question, np.ndarray]], budget: int, seeds: int) -> Row:
    def errors(estimate: Callable[[Question, int, int], np.ndarray]) -> tuple[float, float, float]:
        return spread(
            np.median([_error(estimate(q, budget, seed), exact) for q, exact in known])
            for seed in range(seeds)
        )

    return Row(
        "background", f"shap, {budget} evaluations ({budget / N:.1f} n), {K} background rows", "",
        errors(_ours), {"all rows a pair (ours)": errors(_all), "shap.Kernel": errors(_kernel)},
        "normalised squared error", None, f"{budget * K} model rows at most, {N} columns",
    )  # fmt: skip


def _ours(question: Question, budget: int, seed: int) -> np.ndarray:
    (found,) = ask(make_method("shap", budget=budget), [fresh(question)], seed=seed)
    return found.values


def _all(question: Question, budget: int, seed: int) -> np.ndarray:
    return shapley(fresh(question).value, N, budget=budget, seed=seed).values


def _kernel(question: Question, budget: int, seed: int) -> np.ndarray:
    model, target = question.model, question.target
    with global_seed(seed):
        explainer = shap.KernelExplainer(
            lambda xs: target(model.scores(xs)), question.masker.references, silent=True
        )
        return explainer.shap_values(question.sample.x, nsamples=budget - 2, silent=True)


def _error(values: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sum((values - exact) ** 2) / np.sum(exact**2))


def _exact(question: Question) -> np.ndarray:
    """From all coalitions against all rows."""
    return Table(replace(question, cache=None).value(coalition_masks(N, 0, 2**N))).shapley()


def _trained() -> tuple[NeuralModel, np.ndarray]:
    """A perceptron with two layers on made-up classes with four clusters each."""
    x, y = make_classification(
        2400, N, n_informative=10, n_redundant=2, n_clusters_per_class=4, random_state=0
    )
    model = table_model(N)
    model.net.requires_grad_(True)
    train(model.net, torch.tensor(x[:2000], dtype=torch.float32), y[:2000], epochs=40)
    model.net.requires_grad_(False)
    return model, x


def _question(model: NeuralModel, row: np.ndarray, references: np.ndarray) -> Question:
    shown = int(model.scores([row])[0].argmax())
    return Question(
        model=model,
        sample=Sample("row", row, "table"),
        segmentation=Segmentation(np.arange(N), tuple(f"x{i}" for i in range(N)), f"{N} columns"),
        masker=Masker(f"{K} rows", references),
        target=Target(shown, space="logit"),
        cache=Cache(),
    )
