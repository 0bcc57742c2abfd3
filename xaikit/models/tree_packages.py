"""Fitted ensembles of XGBoost, LightGBM and CatBoost as plain arrays, read from what they save."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import NotApplicable
from xaikit.models.tree_nodes import Nodes, dense, of_output, single

__all__ = ["PACKAGES", "brand_of"]

_XGB_SUMS = ("binary:logistic", "multi:softprob", "multi:softmax", "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror")  # fmt: skip
_LGBM_SUMS = ("binary", "multiclass", "regression", "regression_l1", "huber", "fair", "quantile", "mape")  # fmt: skip
_CAT_SUMS = ("Logloss", "CrossEntropy", "MultiClass", "RMSE", "MAE", "Quantile", "MAPE", "Huber")
_NAMES = {"xgboost": ("XGB", "XGBRF"), "lightgbm": ("LGBM",), "catboost": ("CatBoost",)}


def brand_of(estimator: Any) -> str:
    """The package of a boosted estimator that is not scikit-learn's own, "" of others."""
    package, name = type(estimator).__module__.split(".")[0], type(estimator).__name__
    known = _NAMES.get(package, ())
    return package if name in [k + e for k in known for e in ("Classifier", "Regressor")] else ""


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
    found, n = Nodes(cast=single, single=True), max(model["tree_info"]) + 1
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
        of_output(output, n, conditions.astype(np.float64)), codes,
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
    known = estimator.booster_.pandas_categorical or ()
    found, n = Nodes(cast=lambda x: dense(x, known)), made["num_tree_per_iteration"]
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
    found.add(left, right, columns, threshold, missing, of_output(output, n, values), codes)


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


def _catboost(estimator: Any) -> Nodes:
    """A number goes left up to a border; splits on categories stand on counts of answers."""
    objective = str(estimator.get_all_params().get("loss_function", "")).split(":")[0]
    if objective not in _CAT_SUMS:
        raise NotApplicable(f"with CatBoost's loss '{objective}' its answer is no sum of trees")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        estimator.save_model(str(file), format="json")
        made = json.loads(file.read_text())
    if "oblivious_trees" not in made:
        raise NotApplicable("CatBoost's trees are grown by another policy than 'SymmetricTree'")
    if made["features_info"].get("categorical_features"):
        raise NotApplicable("CatBoost splits on categories by counts of the answers")
    gaps = {
        f["feature_index"]: f["nan_value_treatment"] == "AsTrue"
        for f in made["features_info"]["float_features"]
    }
    places = {
        f["feature_index"]: f["flat_feature_index"] for f in made["features_info"]["float_features"]
    }
    found, scale = Nodes(cast=single), made["scale_and_bias"][0]
    for tree in made["oblivious_trees"]:
        _add_catboost(found, tree, gaps, places, scale)
    return found


def _add_catboost(
    found: Nodes,
    tree: dict[str, Any],
    gaps: dict[int, bool],
    places: dict[int, int],
    scale: float,
) -> None:
    """All nodes of one level ask the same; the last split is the highest bit of a leaf's number."""
    splits = tree["splits"][::-1]
    inner = 2 ** len(splits) - 1
    level = np.array([int(i + 1).bit_length() - 1 for i in range(inner)], dtype=np.int64)
    asked = [split["float_feature_index"] for split in splits]
    leaves = np.array(tree["leaf_values"], dtype=np.float64).reshape(inner + 1, -1) * scale
    grown = np.arange(2 * inner + 1)
    children = np.where(grown < inner, 2 * grown + 1, -1)

    def each(values: Sequence[Any], leaf: Any) -> np.ndarray:
        return np.append(np.array(values, dtype=type(leaf))[level], [leaf] * (inner + 1))

    found.add(
        children,
        np.where(children < 0, -1, children + 1),
        each([places[j] for j in asked], 0),
        each([split["border"] for split in splits], 0.0),
        each([not gaps[j] for j in asked], False),
        np.concatenate([np.zeros((inner, leaves.shape[1])), leaves]),
    )


PACKAGES = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}
