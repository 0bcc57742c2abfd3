"""Many rows at once: exact SHAP of trees and of linear models beside shap's own explainers.

Both explain the same rows against the same 50 references, from the fitted estimator on: reading it,
trying it and asking it are part of the time. Once a process numba makes machine code, about a second
that no line holds.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import shap
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import xaikit
from benchmarks import bulk_nets
from benchmarks.harness import Options, Row, clock, ratios, turns, within
from xaikit.core.types import Target
from xaikit.methods.base import make_method
from xaikit.methods.exact import shapley_rows

N_COLUMNS, N_REFERENCES = 30, 50
TREE_ROWS, LINEAR_ROWS = 2000, 10_000


def rows(options: Options) -> Iterator[Row]:
    """Ratios to shap, with the largest difference as a share of the range of the values."""
    few = options.quick
    x, y = make_classification(LINEAR_ROWS, N_COLUMNS, n_informative=10, random_state=options.seed)
    for name, made in _linear().items():
        made.fit(x, y)
        yield _row(name, made, x, x[-N_REFERENCES:], Target(1), 1.5, _linear_values, options)
    for name, estimator in _trees(5 if few else 100).items():
        estimator.fit(x[-3000:], y[-3000:])
        target = Target(1, space="logit" if "boosting" in name else "prob")
        some = x[: 50 if few else TREE_ROWS]
        yield _row(name, estimator, some, x[-N_REFERENCES:], target, 1.15, _tree_values, options)
    yield from _plain(x, y, 4 if few else 64, options)
    yield from bulk_nets.rows(options)


def _plain(x: np.ndarray, y: np.ndarray, n: int, options: Options) -> Iterator[Row]:
    """Estimators that only answer: rows x masks of a block, against one row at a time."""
    few, asked, background = x[:600, :12], x[600 : 600 + n, :12], x[-N_REFERENCES:, :12]
    for estimator in (SVC(), KNeighborsClassifier(15), MLPClassifier((64, 64), max_iter=60)):
        name, outputs = type(estimator).__name__, "values" if isinstance(estimator, SVC) else None
        estimator.fit(few, y[:600])
        model = xaikit.wrap(estimator, modality="table", background=background, outputs=outputs)
        for method in (make_method("occlusion"), make_method("shap", budget=256)):
            work = {
                "block": lambda m=model, by=method: xaikit.explain(m, asked, by),
                "one": lambda m=model, by=method: [xaikit.explain(m, a[None], by) for a in asked],
            }
            seconds = turns(work, options.repeats, clock("cpu"))
            ratio = ratios(seconds["block"], seconds["one"])
            yield Row(
                "bulk", f"{method.name}, {name}, {n} rows of 12 columns", "", ratio, {},
                "times one row at a time", None, f"{np.median(seconds['block']):.3g} s",
            )  # fmt: skip


def _trees(n: int) -> dict[str, Any]:
    """Those of XGBoost and LightGBM where they are installed."""
    found: dict[str, Any] = {
        "gradient boosting": GradientBoostingClassifier(n_estimators=n, random_state=0),
        "histogram boosting": HistGradientBoostingClassifier(max_iter=n, random_state=0),
    }
    with contextlib.suppress(ImportError):
        from lightgbm import LGBMClassifier
        from xgboost import XGBClassifier

        found["XGBoost boosting"] = XGBClassifier(n_estimators=n, n_jobs=1)
        found["LightGBM boosting"] = LGBMClassifier(n_estimators=n, n_jobs=1, verbose=-1)
    found["random forest"] = RandomForestClassifier(n, random_state=0)
    found["extra trees"] = ExtraTreesClassifier(n, random_state=0)
    return found


def _linear() -> dict[str, Any]:
    return {
        "logistic regression": LogisticRegression(),
        "logistic regression behind a scaler": make_pipeline(
            StandardScaler(), LogisticRegression()
        ),
    }


def _tree_values(estimator: Any, x: np.ndarray, references: np.ndarray) -> np.ndarray:
    explainer = shap.TreeExplainer(estimator, references, feature_perturbation="interventional")
    values = explainer.shap_values(x, check_additivity=False)
    return values if values.ndim == 2 else values[..., 1]


def _linear_values(estimator: Any, x: np.ndarray, references: np.ndarray) -> np.ndarray:
    if isinstance(estimator, Pipeline):
        scaler, estimator = estimator[0], estimator[1]
        x, references = scaler.transform(x), scaler.transform(references)
    masker = shap.maskers.Independent(references, max_samples=len(references))
    return shap.LinearExplainer(estimator, masker).shap_values(x)


def _row(
    name: str,
    estimator: Any,
    x: np.ndarray,
    references: np.ndarray,
    target: Target,
    bar: float,
    theirs: Callable[..., np.ndarray],
    options: Options,
) -> Row:
    model = xaikit.wrap(estimator, modality="table", background=references)

    def ours() -> Any:
        return shapley_rows(dataclasses.replace(model), x, references, target)  # nothing kept

    def peer() -> np.ndarray:
        return theirs(estimator, x, references)

    found, known = ours(), peer()
    assert not found.reasons
    off = np.abs(found.values - known).max() / np.ptp(known)
    seconds = turns({"ours": ours, "shap": peer}, options.repeats, clock("cpu"), warm=True)
    ratio = ratios(seconds["ours"], seconds["shap"])
    took = " and ".join(f"{np.median(seconds[who]):.3g} s" for who in ("ours", "shap"))
    return Row(
        "bulk", f"SHAP, {name}, {len(x)} rows of {N_COLUMNS} columns", f"<= {bar:g}", ratio, {},
        "times shap's explainer", within(ratio, bar),
        f"{took}; differs by {off:.1e} of the range",
    )  # fmt: skip


if __name__ == "__main__":
    from benchmarks.command import main

    raise SystemExit(main(["bulk"]))
