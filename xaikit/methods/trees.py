"""TreeSHAP, made exact: Shapley values of a tree ensemble against given reference rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Ordered, Trees
from xaikit.core.errors import NotApplicable
from xaikit.core.question import Question
from xaikit.core.types import Bools, Floats, Ints, Space, Target

__all__ = ["tree_shapley"]

MAX_NODES = 2**15 - 1  # shap numbers the nodes of a tree in 16 bits


def tree_shapley(question: Question) -> tuple[Floats, str]:
    """Interventional Shapley values (n,) of a tree ensemble and the estimator's name.

    Needs a target in the space where the trees add up and features of one column each; a column of
    no feature is shown as in the sample. Raises `NotApplicable` with the reason otherwise.
    Source: Lundberg et al., Nature MI 2020, algorithm 3, in shap.TreeExplainer.

    shap compares columns with thresholds in float32, which sends some rows down the wrong branch.
    Only the order of a column's values and thresholds matters to a tree, so both are replaced by
    their ranks, small whole numbers that float32 holds exactly.
    """
    ids = question.segmentation.ids
    if ids.ndim != 1 or (ids >= 0).sum() != question.n_features:
        raise NotApplicable("TreeSHAP was not used: a feature holds more than one column")
    if not isinstance(question.model, Trees):
        raise NotApplicable(f"TreeSHAP needs a tree ensemble and '{question.model.id}' is none")
    ensemble, space = question.model.tree_model()
    x = question.sample.x
    references = np.where(ids >= 0, question.masker.references, x)
    by_output = _by_output(ensemble, x, references)  # (D, outputs)
    phi = by_output @ _mix(_own_target(question), space, by_output.shape[1])
    return question.segmentation.pool(phi), "tree"


def _own_target(question: Question) -> Target:
    """The target by the places of the ensemble's own outputs."""
    model, target = question.model, question.target
    if not isinstance(model, Ordered):
        return target
    against = None if target.against is None else model.places[target.against]
    return replace(target, index=model.places[target.index], against=against)


def _by_output(ensemble: Any, x: NDArray[Any], references: NDArray[Any]) -> Floats:
    """(D, outputs): Shapley values of each output of the ensemble."""
    import shap

    explainer = shap.TreeExplainer(ensemble, data=references, feature_perturbation="interventional")
    trees = explainer.model
    if trees.children_left.shape[1] > MAX_NODES:
        raise NotApplicable(
            f"TreeSHAP was not used: a tree has more than {MAX_NODES} nodes, which shap cannot number"
        )
    rows = np.vstack([x, references]).astype(trees.input_dtype)
    trees.thresholds, ranks = _ranked(
        trees.thresholds, trees.features, trees.children_left >= 0, rows
    )
    explainer.data = ranks[1:]
    values = explainer.shap_values(ranks[:1], check_additivity=False)
    return np.asarray(values, dtype=np.float64).reshape(x.size, -1)


def _ranked(
    thresholds: Floats, features: Ints, inner: Bools, rows: NDArray[Any]
) -> tuple[Floats, Floats]:
    """Thresholds and rows with every number replaced by its rank among its column's thresholds.

    v <= t_i, the i-th threshold in order, if and only if (number of thresholds < v) <= i.
    """
    ranked, ranks = np.zeros_like(thresholds), np.zeros(rows.shape)
    for column in range(rows.shape[1]):
        here = inner & (features == column)
        known, places = np.unique(thresholds[here], return_inverse=True)
        ranked[here] = places
        ranks[:, column] = np.searchsorted(known, rows[:, column].astype(np.float64), side="left")
    return ranked, ranks


def _mix(target: Target, space: Space, n_outputs: int) -> Floats:
    """(outputs,) weights that make the target out of what the trees add up to."""
    weights = np.zeros(n_outputs)
    if space == "logit" and n_outputs == 1 and target.space == "logit":
        weights[0] = 1.0 if target.index == 1 else -1.0  # one margin: class 1 against class 0
    elif space == target.space == "prob" or (space == target.space == "value"):
        weights[target.index] = 1.0
    elif space == "logit" and target.against is not None:
        weights[[target.index, target.against]] = 1.0, -1.0
    else:
        raise NotApplicable(
            f"TreeSHAP was not used: these trees add up in {Target(0, space=space).unit} and the "
            f"target is a {target.unit}"
        )
    return weights
