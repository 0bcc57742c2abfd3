"""What skops and scikit-learn follow in C without looking, held against what a file holds.

A damaged or hostile file would end the process there; no error can be caught.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._forest import BaseForest

from xaikit.core.files import Origin, check_array, parse_json, read_arrays

__all__ = ["check_members", "nodes", "what_is_unsound"]

_LEAF = -1  # scikit-learn's left child of a leaf


def check_members(held: Mapping[str, bytes], origin: Origin) -> None:
    """Refuse a .skops whose members would take memory, depth or a walk beyond the end of an array."""
    lengths = {n: check_array(d, n, origin) for n, d in held.items() if n.endswith(".npy")}
    for name, data in held.items():
        if name.endswith(".npz"):  # a sparse matrix
            read_arrays(data, origin)
    found = list(_objects(parse_json(held.get("schema.json", b""), origin)))
    trees = [node for node in found if node.get("__loader__") == "TreeNode"]
    if not all(_tree_fits(node, lengths) for node in trees):
        raise origin.wrong("is damaged: a tree is not as long as it says")
    # of two objects with one number skops makes the first only, so that the second says nothing
    bound = {part["__id__"]: part for node in trees for part in _made_of(node)}
    if any(bound.get(n, node) != node for node in found if (n := _id(node)) is not None):
        raise origin.wrong("is damaged: a part of a tree has the number of another object")


def what_is_unsound(pipeline: Any) -> str:
    """In words, the first part of a pipeline whose numbers do not fit together; "" for none."""
    for part in _parts(pipeline, set()):
        for left, right, column, leaf in nodes(part):
            if not _leads(left, right, column, leaf, getattr(part, "n_features_in_", None)):
                return "a tree leads to nodes or columns that do not exist"
        if not (_forest_fits(part) and _categories_fit(part)):
            return "a tree leads to nodes or columns that do not exist"
        if not _machine_fits(part):
            return "the numbers of a support vector machine do not fit together"
    return ""


def nodes(estimator: Any) -> Iterator[tuple[NDArray[Any], ...]]:
    """For each tree of its own: the nodes' left and right children, columns, and which are leaves."""
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        leaf = tree.children_left == _LEAF
        yield tree.children_left, tree.children_right, tree.feature, leaf
    for stage in getattr(estimator, "_predictors", ()):
        for tree in stage:
            found = tree.nodes
            yield found["left"], found["right"], found["feature_idx"], found["is_leaf"] == 1


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value, depth first."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _objects(item)


def _made_of(tree: Mapping[str, Any]) -> list[Any]:
    """The objects that a tree's node is made of, containers first."""
    args, state = tree["__reduce__"]["args"], tree["content"]
    return [args, state, *args["content"], *state["content"].values()]


def _id(node: Mapping[str, Any]) -> float | None:
    number = node.get("__id__")
    return number if isinstance(number, (int, float)) else None


def _tree_fits(node: Mapping[str, Any], lengths: Mapping[str, int]) -> bool:
    """Whether the counts that a tree is made with are the lengths of its arrays."""
    try:
        loaders = [part["__loader__"] for part in _made_of(node) if type(part["__id__"]) is int]
        _, classes, outputs = node["__reduce__"]["args"]["content"]
        state = node["content"]["content"]
        count = _number(state["node_count"])
        return (
            loaders[:2] == ["TupleNode", "DictNode"]
            and len(loaders) == len(_made_of(node))
            and 1 <= _number(outputs) <= _length(classes, lengths)
            and 1 <= count == _length(state["nodes"], lengths)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _number(node: Mapping[str, Any]) -> int:
    if node["__loader__"] != "JsonNode":
        raise ValueError("no number")
    return int(json.loads(node["content"]))


def _length(node: Mapping[str, Any], lengths: Mapping[str, int]) -> int:
    if node["__loader__"] != "NdArrayNode" or node["type"] != "numpy":
        raise ValueError("no array")
    return lengths[node["file"]]


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Every object of scikit-learn or xaikit that a pipeline is made of."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, (list, tuple)) or (
        isinstance(value, np.ndarray) and value.dtype == object
    ):
        held = list(np.ravel(value)) if isinstance(value, np.ndarray) else list(value)
    elif isinstance(value, dict):
        held = list(value.values())
    elif type(value).__module__.split(".")[0] in ("sklearn", "xaikit"):
        yield value
        held = list(getattr(value, "__dict__", {}).values())
    else:
        held = []
    for item in held:
        yield from _parts(item, seen)


def _leads(
    left: NDArray[Any], right: NDArray[Any], column: NDArray[Any], leaf: NDArray[Any], columns: Any
) -> bool:
    """Whether each inner node leads to later nodes that exist and reads a column that exists."""
    here, n = np.arange(len(leaf)), len(leaf)
    ahead = (left > here) & (left < n) & (right > here) & (right < n)
    whole = isinstance(columns, Integral)
    return whole and bool(np.all(leaf | (ahead & (column >= 0) & (column < columns))))


def _forest_fits(part: Any) -> bool:
    """Whether all trees of a forest read the columns that its first one checks."""
    if not isinstance(part, BaseForest) or not hasattr(part, "estimators_"):
        return True
    return {tree.n_features_in_ for tree in part.estimators_} == {part.n_features_in_}


def _categories_fit(part: Any) -> bool:
    """Whether boosted trees that split by category have the categories they look up."""
    for tree in (tree for stage in getattr(part, "_predictors", ()) for tree in stage):
        split = (tree.nodes["is_categorical"] != 0) & (tree.nodes["is_leaf"] == 0)
        at = tree.nodes["bitset_idx"][split]
        if len(at) and (part.is_categorical_ is None or at.max() >= len(tree.raw_left_cat_bitsets)):
            return False
    return True


def _machine_fits(part: Any) -> bool:
    """Whether the arrays of a support vector machine (libsvm) have the lengths it walks."""
    if not hasattr(part, "_dual_coef_") or not hasattr(part, "_n_support"):
        return True
    counts, n = np.asarray(part.n_support_), part.support_vectors_.shape[0]
    classes = len(part.classes_) if hasattr(part, "classes_") else 2
    pairs = classes * (classes - 1) // 2
    return (
        len(part._n_support) == classes
        and bool((np.asarray(part._n_support) >= 0).all())
        and int(counts.sum()) == n == len(part.support_)
        and part._dual_coef_.shape == (max(classes - 1, 1), n)
        and len(part._intercept_) == pairs
        and all(len(p) in (0, pairs, 1) for p in (part._probA, part._probB))
    )
