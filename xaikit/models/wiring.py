"""Which column of a sample each number that an estimator reads is made of.

Steps that make every output of one input, by themselves or inside pipelines, unions and column
transformers, let exact methods speak of the sample's own columns. The rest are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from xaikit.core.errors import NotApplicable
from xaikit.core.types import Ints
from xaikit.models.features import Columns
from xaikit.models.frames import Frames

__all__ = ["owners_after", "width_of"]

ONE_TO_ONE = (
    *(StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Binarizer),
    *(QuantileTransformer, PowerTransformer, OrdinalEncoder),
)


def owners_after(steps: list[Any], n: int) -> Ints:
    """(F,) the column among n that each output of the last of the fitted steps is made of.

    `NotApplicable` names the step that mixes columns, or that nothing is known of.
    """
    owners = np.arange(n)
    for step in steps:
        owners = owners[_owners(step, len(owners))]
    return owners


def width_of(steps: list[Any]) -> int:
    """How many columns the first of the fitted steps reads."""
    first = steps[0]
    if isinstance(first, Columns):
        return len(first.n_categories)
    if isinstance(first, Frames):
        return len(first.names)
    n = getattr(first, "n_features_in_", None)
    if n is None:
        raise NotApplicable(f"a {type(first).__name__} does not say how many columns it reads")
    return int(n)


def _owners(step: Any, n: int) -> Ints:
    """(outputs,) the input that each output of one step is made of."""
    if isinstance(step, Frames):
        return np.arange(n)
    if isinstance(step, str) or step is None:
        return np.arange(0 if step == "drop" else n)
    if isinstance(step, Columns):
        return step.owners
    if isinstance(step, Pipeline):
        return owners_after([inner for _, inner in step.steps], n)
    if isinstance(step, FeatureUnion):
        return np.concatenate([_owners(inner, n) for _, inner in step.transformer_list])
    if isinstance(step, ColumnTransformer):
        return _by_columns(step, n)
    if type(step) in ONE_TO_ONE or (isinstance(step, FunctionTransformer) and step.func is None):
        return np.arange(n)
    if isinstance(step, SelectorMixin):
        return np.asarray(step.get_support(indices=True))
    if isinstance(step, SimpleImputer):
        return _imputed(step)
    counts = _counts(step)
    if counts is None:
        raise NotApplicable(f"a {type(step).__name__} may make one number of several columns")
    return np.repeat(np.arange(n), counts)


def _counts(step: Any) -> NDArray[Any] | None:
    """How many outputs each input becomes, one input after another."""
    if type(step) is OneHotEncoder:
        return np.asarray(step._n_features_outs)
    if type(step) is KBinsDiscretizer:
        one = np.ones_like(step.n_bins_)
        return np.asarray(one if step.encode == "ordinal" else step.n_bins_)
    if type(step) is TargetEncoder:
        return np.full(step.n_features_in_, len(step.encodings_) // step.n_features_in_)
    if type(step) is SplineTransformer:
        return np.full(step.n_features_in_, step.n_features_out_ // step.n_features_in_)
    return None


def _imputed(step: Any) -> Ints:
    """Columns that were empty are left out; those that had gaps may come again as marks."""
    known = step.statistics_
    empty = known.astype(object) != known.astype(object)  # NaN alone differs from itself
    kept = np.arange(len(known)) if step.keep_empty_features else np.flatnonzero(~empty)
    marks = step.indicator_.features_ if step.add_indicator else kept[:0]
    return np.concatenate([kept, marks])


def _by_columns(step: Any, n: int) -> Ints:
    """Of a column transformer, whose outputs stand where it says."""
    names = list(getattr(step, "feature_names_in_", range(n)))
    owners = np.full(max(s.stop for s in step.output_indices_.values()), -1)
    for name, inner, columns in step.transformers_:
        where = step.output_indices_[name]
        if where.stop > where.start:
            taken = _taken(columns, names)
            alone = len(taken) == 1 and inner != "drop"  # whatever it makes of one column is of it
            owners[where] = taken[0] if alone else taken[_owners(inner, len(taken))]
    return owners


def _taken(columns: Any, names: list[Any]) -> Ints:
    """The places of columns that were named by a place, a name, a slice or one bool each."""
    if callable(columns):
        raise NotApplicable("a ColumnTransformer chooses its columns by a function")
    if isinstance(columns, slice) and not isinstance(columns.start, str):
        return np.arange(len(names))[columns]
    listed: NDArray[Any] = np.atleast_1d(np.asarray(columns))
    if listed.dtype.kind == "b":
        return np.flatnonzero(listed)
    if listed.dtype.kind in "OU":
        return np.array([names.index(name) for name in listed.tolist()], dtype=np.int64)
    return np.asarray(np.arange(len(names))[listed])
