"""From a sample to the interactions of its features: the question that the methods answer, asked of sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from xaikit.core.abilities import Model, output_names
from xaikit.core.errors import InvalidInput, NotApplicable, OutOfBudget
from xaikit.core.interactions import Interactions
from xaikit.core.question import Question, versions
from xaikit.methods.exact import has_closed_form, terms_of
from xaikit.shapley.api import check_memory
from xaikit.shapley.game import Game
from xaikit.shapley.interactions import (
    INDICES,
    enumerated_values,
    fewest_evaluations,
    index_values,
    sampled_values,
    sets_of,
    usual_budget,
)
from xaikit.shapley.result import Estimate
from xaikit.study.given import samples_of
from xaikit.study.plan import Plan, make_question

__all__ = ["interactions", "interactions_of"]


def interactions(
    model: Model,
    sample: Any,
    order: int = 2,
    index: str = "k-SII",
    *,
    budget: int | Literal["auto"] = "auto",
    plan: Plan | None = None,
    seed: int = 0,
    **changes: Any,
) -> Interactions:
    """What the features of a sample are worth together, beyond what they are worth apart.

    sample : one, as `explain` reads it
    order : of the largest sets that are looked at, 2 for pairs
    index : "k-SII" (n-Shapley values), "SII", "STII" (Shapley-Taylor) or "FSII" (faithful); all but SII
        sum to output - empty
    budget : most evaluations; "auto" asks all coalitions of up to 14 features and about 3 n^2 beyond.
        Models with a closed form (trees, linear) are not asked
    Keyword arguments are those of `Plan` (target, features, masker, background, ...).

    >>> forest = xaikit.train("forest", data, progress=False)
    >>> found = interactions(forest, sample)
    >>> found.estimator, len(found.sets), found.index
    ('tree', 91, 'k-SII')
    """
    given = samples_of(model, sample)
    if len(given) != 1:
        raise InvalidInput(f"{len(given)} samples were given; ask for the interactions of one.")
    question = make_question(model, given[0], replace(plan or Plan(), **changes))
    return interactions_of(question, order, index, budget=budget, seed=seed)


def interactions_of(
    question: Question,
    order: int = 2,
    index: str = "k-SII",
    *,
    budget: int | Literal["auto"] = "auto",
    seed: int = 0,
) -> Interactions:
    """The interactions of a question that is made already; see `interactions`."""
    if index not in INDICES:
        raise InvalidInput(f"index is {index!r}; use one of {', '.join(INDICES)}.")
    sets = sets_of(question.n_features, order)
    game = Game(question.value, question.n_features, batch_size=question.rows)
    found = _closed(question, index, order) or _asked(question, game, index, order, budget, seed)
    return Interactions(
        sets=tuple(sets),
        values=found.values,
        std=found.std,
        index=index,
        order=order,
        estimator=found.method,
        evaluations=game.evaluations,
        sample_id=question.sample.id,
        model_id=question.model.id,
        target=question.target,
        target_names=question.target.called(output_names(question.model)),
        segmentation=question.segmentation,
        masker=question.masker.name,
        output=question.output,
        empty=question.empty,
        unit=question.target.unit,
        note=found.note,
        seed=seed,
        versions=versions(),
    )


def _closed(question: Question, index: str, order: int) -> Estimate | None:
    """By the model's own form, where it has one that its answers confirm."""
    x = question.sample.x
    if not has_closed_form(question.model) or x.ndim != 1 or question.masker.given is not None:
        return None
    references, ids = question.masker.references, question.segmentation.ids
    gain = question.output - question.empty
    try:
        terms, name = terms_of(question.model, x, references, question.target, ids, gain)
    except NotApplicable:
        return None
    values = index_values(terms, index, order)
    return Estimate(values, np.zeros(len(values)), name, 0, exact=True)


def _asked(
    question: Question, game: Game, index: str, order: int, budget: int | str, seed: int
) -> Estimate:
    """By asking coalitions: all of them where the budget allows."""
    n, fewest = question.n_features, fewest_evaluations(question.n_features)
    if budget == "auto":
        budget = max(usual_budget(n), fewest)
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise InvalidInput(f"budget is {budget!r}; give 'auto' or a whole number.")
    if budget < fewest:
        raise OutOfBudget(
            f"budget is {budget} and interactions of {n} features need at least {fewest} evaluations; "
            "raise it."
        )
    check_memory(budget, n, question.room, "leverage")
    if n <= 20 and budget >= 2**n:
        return enumerated_values(game, index, order)
    draw = int(question.rng("interactions", seed).integers(2**32))
    return sampled_values(game, index, order, budget, draw)
