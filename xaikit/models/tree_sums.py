"""Fitted tree ensembles of scikit-learn, XGBoost and LightGBM as plain arrays.

Only differences of answers are explained, so what is added to all of them alike is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
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
from xaikit.core.types import Bools, Floats, Ints

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
_XGB_SUMS = ("binary:logistic", "multi:softprob", "multi:softmax", "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror")  # fmt: skip
_LGBM_SUMS = ("binary", "multiclass", "regression", "regression_l1", "huber", "fair", "quantile", "mape")  # fmt: skip


@dataclass(eq=False)
class Nodes:
    """One tree after another; the arrays are those of `TreeSum`, with nodes numbered by tree."""

    left: list[Array] = field(default_factory=list)
    right: list[Array] = field(default_factory=list)
    column: list[Array] = field(default_factory=list)
    threshold: list[Array] = field(default_factory=list)
    missing_left: list[Array] = field(default_factory=list)
    codes: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)  # (nodes, outputs)
    code_left: list[NDArray[np.int8]] = field(default_factory=list)
    cast: Callable[[Any], Array] = lambda x: dense(x)
    owners: Ints | None = None  # where the estimator rearranges what it reads
    single: bool = False  # whether the estimator adds up in float32

    def add(
        self,
        left: Array,
        right: Array,
        column: Array,
        threshold: Array,
        missing_left: Array,
        values: Array,
        codes: Array | None = None,
    ) -> None:
        start = sum(map(len, self.left))
        leaf = np.asarray(left) < 0
        self.left.append(np.where(leaf, -1, np.asarray(left, np.int64) + start))
        self.right.append(np.where(leaf, -1, np.asarray(right, np.int64) + start))
        self.column.append(np.where(leaf, 0, column).astype(np.int64))
        self.threshold.append(np.asarray(threshold, np.float64))
        self.missing_left.append(np.asarray(missing_left, bool))
        self.values.append(np.where(leaf[:, None], values, 0.0))
        self.codes.append(np.full(len(leaf), -1) if codes is None else np.asarray(codes))

    def arrays(self) -> dict[str, Any]:
        """The fields of a `TreeSum`."""
        sizes = [len(left) for left in self.left]
        joined: dict[str, Any] = {
            name: np.concatenate(getattr(self, name))
            for name in ("left", "right", "column", "threshold", "missing_left", "codes", "values")
        }
        width = max(map(len, self.code_left), default=0)
        table = np.zeros((len(self.code_left), width), dtype=np.int8)
        for row, own in zip(table, self.code_left, strict=True):
            row[:] = own[-1]
            row[: len(own)] = own
        rounding = len(sizes) * 2.0**-24 if self.single else 0.0
        roots = np.cumsum([0, *sizes[:-1]])
        return {**joined, "roots": roots, "code_left": table, "rounding": rounding}


def is_tree_ensemble(estimator: Any) -> bool:
    """Whether `nodes_of` knows its kind."""
    return type(estimator) in (*TREES, *AVERAGED, *BOOSTED, *BINNED) or _brand(estimator) != ""


def fitted_part(estimator: Any) -> Any:
    """What another `fit` puts something else in the place of."""
    names = ("estimators_", "_predictors", "tree_", "_Booster")
    return next(found for name in names if (found := getattr(estimator, name, None)) is not None)


def nodes_of(estimator: Any, *, odds: bool) -> Nodes:
    """The nodes of its trees, whose leaves add up to its probabilities, margins or values.

    odds : boosted trees add up to log-odds, not to what `decision_function` gives
    `NotApplicable` with the reason for an ensemble whose answer is another function of its trees.
    """
    brand = _brand(estimator)
    if brand == "xgboost":
        return _xgboost(estimator)
    if brand == "lightgbm":
        return _lightgbm(estimator)
    if type(estimator) in BINNED:
        return _binned(estimator)
    if type(estimator) in BOOSTED:
        return _boosted(estimator, odds)
    found = Nodes(cast=_single)
    trees = [estimator] if type(estimator) in TREES else list(estimator.estimators_)
    for tree in trees:
        values = tree.tree_.value  # (nodes, outputs, classes)
        if hasattr(tree, "classes_"):
            values = values / values.sum(axis=2, keepdims=True)
        _add(found, tree.tree_, values.reshape(len(values), -1) / len(trees))
    return found


def _brand(estimator: Any) -> str:
    """The package of a boosted estimator that is not scikit-learn's own."""
    package, name = type(estimator).__module__.split(".")[0], type(estimator).__name__
    known = {"xgboost": ("XGB", "XGBRF"), "lightgbm": ("LGBM",)}.get(package, ())
    return package if name in [k + e for k in known for e in ("Classifier", "Regressor")] else ""


def dense(x: Any) -> Floats:
    """What an estimator reads, (B, F) sparse or a frame of numbers, as float64."""
    if hasattr(x, "iloc"):
        return np.asarray(x.to_numpy(dtype=np.float64, na_value=np.nan))
    full = x.toarray() if hasattr(x, "toarray") else x
    return np.asarray(full, dtype=np.float64)


def _single(x: Any) -> Array:
    return dense(x).astype(np.float32).astype(np.float64)


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
    found, n = Nodes(cast=_single), estimator.estimators_.shape[1]
    for stage in estimator.estimators_:
        for output, tree in enumerate(stage):
            _add(found, tree.tree_, _of(output, n, rate * tree.tree_.value[:, 0, 0]))
    return found


def _of(output: int, n: int, values: Array) -> Floats:
    """(nodes, n) values of one output among n."""
    spread = np.zeros((len(values), n))
    spread[:, output] = values
    return spread


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
                _of(output, n, nodes["value"]),
                codes,
            )
    return found


def _bits(words: Array) -> Bools:
    """(8,) uint32 -> (256,) bool"""
    return ((words[:, None] >> np.arange(32, dtype=np.uint32)) & 1).astype(bool).ravel()


def _xgboost(estimator: Any) -> Nodes:
    booster = estimator.get_booster()
    best = getattr(booster, "best_iteration", None) if booster.attr("best_iteration") else None
    used = booster if best is None else booster[: best + 1]
    learner = json.loads(bytes(used.save_raw("json")))["learner"]
    kind, objective = learner["gradient_booster"]["name"], learner["objective"]["name"]
    if kind != "gbtree":
        raise NotApplicable(f"XGBoost's '{kind}' is read another way")
    if objective not in _XGB_SUMS:
        raise NotApplicable(f"with XGBoost's objective '{objective}' its answer is no sum of trees")
    gap = estimator.get_params().get("missing")
    if gap is not None and not np.isnan(gap):
        raise NotApplicable(f"it takes {gap} for missing")
    model = learner["gradient_booster"]["model"]
    found, n = Nodes(cast=_single, single=True), max(model["tree_info"]) + 1
    for output, tree in zip(model["tree_info"], model["trees"], strict=True):
        _add_xgboost(found, tree, output, n)
    return found


def _add_xgboost(found: Nodes, tree: dict[str, Any], output: int, n: int) -> None:
    """A number goes left below its condition; a category right if it stands in the set."""
    left = np.array(tree["left_children"])
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    if len(tree["base_weights"]) != len(left):
        raise NotApplicable("its leaves hold several numbers")
    codes = np.full(len(left), -1)
    starts, sizes = tree["categories_segments"], tree["categories_sizes"]
    for node, start, size in zip(tree["categories_nodes"], starts, sizes, strict=True):
        codes[node] = len(found.code_left)
        right = tree["categories"][start : start + size]
        table = np.ones(max(right) + 2, dtype=np.int8)
        table[right] = 0
        found.code_left.append(table)
    below = np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64)
    missing = np.array(tree["default_left"], bool)
    found.add(
        left, tree["right_children"], tree["split_indices"], below, missing,
        _of(output, n, conditions.astype(np.float64)), codes,
    )  # fmt: skip


def _lightgbm(estimator: Any) -> Nodes:
    made = estimator.booster_.dump_model()
    objective = made.get("objective", "")
    if objective.split(" ")[0] not in _LGBM_SUMS:
        raise NotApplicable(
            f"with LightGBM's objective '{objective}' its answer is no sum of trees"
        )
    if made.get("average_output"):
        raise NotApplicable("LightGBM averages its trees")
    found, n = Nodes(), made["num_tree_per_iteration"]
    for number, tree in enumerate(made["tree_info"]):
        _add_lightgbm(found, tree["tree_structure"], number % n, n)
    return found


def _add_lightgbm(found: Nodes, root: dict[str, Any], output: int, n: int) -> None:
    listed, below = [root], []
    for node in listed:  # which grows
        inner = "split_index" in node
        below.append((len(listed), len(listed) + 1) if inner else (-1, -1))
        listed += [node["left_child"], node["right_child"]] if inner else []
    if any("leaf_coeff" in node for node in listed):
        raise NotApplicable("LightGBM's leaves are linear")
    left, right = np.array(below).T
    asked = [_lightgbm_split(found, node) for node in listed]
    threshold, missing, codes = map(np.array, zip(*asked, strict=True))
    values = np.array([node.get("leaf_value", 0.0) for node in listed])
    columns = np.array([node.get("split_feature", 0) for node in listed])
    found.add(left, right, columns, threshold, missing, _of(output, n, values), codes)


def _lightgbm_split(found: Nodes, node: dict[str, Any]) -> tuple[float, bool, int]:
    """Threshold, where NaN goes, and the row of its categories."""
    if "split_index" not in node:
        return 0.0, False, -1
    if node["decision_type"] == "==":
        left = [int(code) for code in node["threshold"].split("||")]
        table = np.zeros(max(left) + 2, dtype=np.int8)
        table[left] = 1
        found.code_left.append(table)
        return 0.0, False, len(found.code_left) - 1
    if node["missing_type"] == "Zero":
        raise NotApplicable("LightGBM takes zero for missing")
    gap = bool(node["default_left"]) if node["missing_type"] == "NaN" else node["threshold"] >= 0
    return float(node["threshold"]), gap, -1
