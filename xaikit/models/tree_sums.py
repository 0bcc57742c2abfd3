"""Fitted tree ensembles of scikit-learn, XGBoost and LightGBM as plain arrays.

Only differences of answers are explained, so what is added to all of them alike is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from xaikit.core.errors import NotApplicable
from xaikit.core.types import Bools
from xaikit.models.tree_nodes import Nodes, dense, of_output, single
from xaikit.models.tree_packages import PACKAGES, brand_of

__all__ = ["FORESTS", "Nodes", "dense", "fitted_part", "is_tree_ensemble", "nodes_of"]

Array = NDArray[Any]

TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)
FORESTS = (
    *(DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier),
)  # whose probabilities take few values
AVERAGED = (
    *(RandomForestClassifier, RandomForestRegressor),
    *(ExtraTreesClassifier, ExtraTreesRegressor),
)
BOOSTED = (GradientBoostingClassifier, GradientBoostingRegressor)
BINNED = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def is_tree_ensemble(estimator: Any) -> bool:
    """Whether `nodes_of` knows its kind."""
    return type(estimator) in (*TREES, *AVERAGED, *BOOSTED, *BINNED) or brand_of(estimator) != ""


def fitted_part(estimator: Any) -> Any:
    """What another `fit` puts something else in the place of."""
    names = ("estimators_", "_predictors", "tree_", "_Booster", "_object")
    return next(found for name in names if (found := getattr(estimator, name, None)) is not None)


def nodes_of(estimator: Any, *, odds: bool) -> Nodes:
    """The nodes of its trees, whose leaves add up to its probabilities, margins or values.

    odds : boosted trees add up to log-odds, not to what `decision_function` gives
    `NotApplicable` with the reason for an ensemble whose answer is another function of its trees.
    """
    brand = brand_of(estimator)
    if brand:
        return PACKAGES[brand](estimator)
    if type(estimator) in BINNED:
        return _binned(estimator)
    if type(estimator) in BOOSTED:
        return _boosted(estimator, odds)
    found = Nodes(cast=single)
    trees = [estimator] if type(estimator) in TREES else list(estimator.estimators_)
    for tree in trees:
        values = tree.tree_.value  # (nodes, outputs, classes)
        if hasattr(tree, "classes_"):
            values = values / values.sum(axis=2, keepdims=True)
        _add(found, tree.tree_, values.reshape(len(values), -1) / len(trees))
    return found


def _add(found: Nodes, tree: Any, values: Array) -> None:
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count, bool))
    found.add(
        tree.children_left, tree.children_right, tree.feature, tree.threshold, missing, values
    )


def _boosted(estimator: Any, odds: bool) -> Nodes:
    init = estimator.init_
    if not (isinstance(init, (DummyClassifier, DummyRegressor)) or init == "zero"):
        raise NotApplicable(f"its boosting starts from a {type(init).__name__}")
    rate = estimator.learning_rate
    if odds and getattr(estimator, "loss", "") == "exponential":
        rate = 2 * rate  # half the log-odds
    found, n = Nodes(cast=single), estimator.estimators_.shape[1]
    for stage in estimator.estimators_:
        for output, tree in enumerate(stage):
            _add(found, tree.tree_, of_output(output, n, rate * tree.tree_.value[:, 0, 0]))
    return found


def _binned(estimator: Any) -> Nodes:
    if type(estimator) is HistGradientBoostingRegressor and estimator.loss in ("poisson", "gamma"):
        raise NotApplicable("its answer is the exponential of what its trees add up to")
    found, n = Nodes(), estimator.n_trees_per_iteration_
    if estimator._preprocessor is not None:
        found.cast = lambda x: np.asarray(estimator._preprocessor.transform(x))
        found.owners = np.argsort(~estimator.is_categorical_, kind="stable")
    known, place = estimator._bin_mapper.make_known_categories_bitsets()
    for stage in estimator._predictors:
        for output, tree in enumerate(stage):
            nodes = tree.nodes
            leaf = nodes["is_leaf"].astype(bool)
            codes = np.full(len(nodes), -1)
            for i in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf):
                codes[i] = len(found.code_left)
                went = _bits(tree.raw_left_cat_bitsets[nodes["bitset_idx"][i]])
                seen = _bits(known[place[nodes["feature_idx"][i]]])
                found.code_left.append(
                    np.append(np.where(went, 1, np.where(seen, 0, -1)), -1).astype(np.int8)
                )
            found.add(
                np.where(leaf, -1, nodes["left"].astype(np.int64)),
                np.where(leaf, -1, nodes["right"].astype(np.int64)),
                nodes["feature_idx"],
                nodes["num_threshold"],
                nodes["missing_go_to_left"],
                of_output(output, n, nodes["value"]),
                codes,
            )
    return found


def _bits(words: Array) -> Bools:
    """(8,) uint32 -> (256,) bool"""
    return ((words[:, None] >> np.arange(32, dtype=np.uint32)) & 1).astype(bool).ravel()
