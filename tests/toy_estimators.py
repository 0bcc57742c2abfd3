"""Estimators as people have them, fitted on one frame, each with the number that is explained, asked of itself.

`docs/make_estimators.py` writes what every method says of them into docs/models.md.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from toy_frames import people, worth

from xaikit.core.types import Target

__all__ = ["CASES", "Fitted", "fitted"]

WHOLE, GAPS = people(), people(gaps=True)
OWN = people(gaps=True, town="category")  # for estimators that read categories by themselves
WORDS = people(member="str")
TWO = (worth(WHOLE) > 1).astype(int)
THREE = np.digitize(worth(WHOLE), [0.5, 2])
BOTH = np.stack([TWO, (WHOLE.age > 42).astype(int)], axis=1)  # two labels
VALUES = np.stack([worth(WHOLE), WHOLE.rooms], axis=1)  # two numbers
NOTES = WHOLE.assign(
    town=[f"{a} and {b}" for a, b in zip(WHOLE.town, WHOLE.town[::-1], strict=True)]
)

Ask = Callable[[Any, Any], Any]


def odds(k: int) -> Ask:
    def ask(e: Any, frame: Any) -> Any:
        p = np.asarray(e.predict_proba(frame))[:, k]
        return np.log(p) - np.log1p(-p)

    return ask


def share(k: int) -> Ask:
    return lambda e, frame: e.predict_proba(frame)[:, k]


def value(k: int | None = None) -> Ask:
    return lambda e, frame: e.predict(frame) if k is None else e.predict(frame)[:, k]


def decision(e: Any, frame: Any) -> Any:
    return e.decision_function(frame)


def label(e: Any, frame: Any) -> Any:
    p = e.predict_proba(frame)[1]
    return np.log(p[:, 1]) - np.log1p(-p[:, 1])


def between(e: Any, frame: Any) -> Any:
    """Of three classes the second against the first."""
    p = e.predict_proba(frame)
    return np.log(p[:, 1]) - np.log(p[:, 0])


LOGIT, PROB, VALUE = (Target(1, space=space) for space in ("logit", "prob", "value"))
NUMBER = Target(0, space="value")
AGAINST = Target(1, 0, space="logit")


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted estimator with rows of its frame; ask(estimator, frame) is the number that `target` means."""

    estimator: Any
    frame: Any
    ask: Ask
    target: Target
    wrapped: dict[str, Any] = field(default_factory=dict)


def prepared(gaps: str = "numbers") -> ColumnTransformer:
    words = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer(
        [("words", words, ["town"]), (gaps, numbers, ["age", "rooms"])], remainder="passthrough"
    )


def behind(*steps: Any) -> Any:
    return make_pipeline(prepared(), *steps)


def of(package: str, name: str, **settings: Any) -> Any:
    return getattr(importlib.import_module(package), name)(**settings)


Make = Callable[[], Fitted]
LOGISTIC = LogisticRegression(max_iter=300)


def case(
    make: Callable[[], Any], frame: Any, y: Any, ask: Ask, target: Target, **wrapped: Any
) -> Make:
    return lambda: Fitted(make().fit(frame, y), frame, ask, target, wrapped)


ENCODED = ColumnTransformer(
    [("coded", OrdinalEncoder(), ["town", "member"]), ("rest", "passthrough", ["age", "rooms"])]
)
TARGETED = ColumnTransformer(
    [
        ("seen", TargetEncoder(cv=3), ["town", "rooms"]),
        ("shift", FunctionTransformer(np.abs), ["age"]),
    ],
    remainder="passthrough",
)
NOTED = ColumnTransformer(
    [("text", TfidfVectorizer(), "town"), ("rest", "passthrough", ["age", "member", "rooms"])]
)
CASES: dict[str, Make] = {
    "LogisticRegression": case(lambda: behind(LOGISTIC), GAPS, TWO, odds(1), LOGIT),
    "Ridge, target encoder": case(lambda: make_pipeline(TARGETED, Ridge()), WHOLE, worth(WHOLE), value(), NUMBER),
    "LinearRegression, text column": case(lambda: make_pipeline(NOTED, LinearRegression()), NOTES, worth(WHOLE), value(), NUMBER),
    "LinearSVC": case(lambda: behind(LinearSVC()), GAPS, TWO, decision, NUMBER, outputs="values"),
    "GaussianNB": case(lambda: behind(GaussianNB()), WHOLE, TWO, share(1), PROB),
    "KNeighborsClassifier": case(lambda: behind(KNeighborsClassifier()), WHOLE, TWO, share(1), PROB),
    "MLPClassifier": case(lambda: behind(MLPClassifier((4,), solver="lbfgs", random_state=0, max_iter=50, alpha=20.0)), WHOLE, THREE, between, AGAINST),
    "CalibratedClassifierCV(SVC)": case(lambda: behind(CalibratedClassifierCV(SVC(), cv=2)), WHOLE, TWO, odds(1), LOGIT),
    "DecisionTreeClassifier": case(lambda: behind(DecisionTreeClassifier(max_depth=4, random_state=0)), GAPS, TWO, share(1), PROB),
    "RandomForestClassifier": case(lambda: behind(RandomForestClassifier(5, random_state=0)), GAPS, TWO, share(1), PROB),
    "ExtraTreesRegressor": case(lambda: behind(ExtraTreesRegressor(5, random_state=0)), GAPS, VALUES, value(1), VALUE),
    "GradientBoostingClassifier": case(lambda: behind(GradientBoostingClassifier(n_estimators=4, random_state=0)), GAPS, THREE, between, AGAINST),
    "HistGradientBoostingClassifier": case(lambda: HistGradientBoostingClassifier(max_iter=4, categorical_features="from_dtype"), OWN, THREE, between, AGAINST),
    "HistGradientBoostingRegressor": case(lambda: make_pipeline(ENCODED, HistGradientBoostingRegressor(max_iter=4)), GAPS, worth(WHOLE), value(), NUMBER),
    "XGBClassifier": case(lambda: of("xgboost", "XGBClassifier", n_estimators=4, max_depth=3, enable_categorical=True), OWN, TWO, odds(1), LOGIT),
    "LGBMClassifier": case(lambda: of("lightgbm", "LGBMClassifier", n_estimators=4, min_child_samples=4, min_data_per_group=4, cat_smooth=1, verbose=-1), OWN, THREE, between, AGAINST),
    "CatBoostClassifier": case(lambda: of("catboost", "CatBoostClassifier", iterations=4, depth=3, verbose=0, allow_writing_files=False, cat_features=["town", "member"]), WORDS, TWO, odds(1), LOGIT),
    "CatBoostRegressor, one-hot": case(lambda: behind(of("catboost", "CatBoostRegressor", iterations=4, depth=3, verbose=0, allow_writing_files=False)), GAPS, worth(WHOLE), value(), NUMBER),
    "VotingClassifier": case(lambda: VotingClassifier([("a", behind(LOGISTIC)), ("b", behind(RandomForestClassifier(5, random_state=0)))], voting="soft"), GAPS, TWO, odds(1), LOGIT),
    "StackingClassifier": case(lambda: StackingClassifier([("a", behind(LOGISTIC)), ("b", behind(DecisionTreeClassifier(max_depth=2)))], cv=2), GAPS, TWO, odds(1), LOGIT),
    "GridSearchCV": case(lambda: GridSearchCV(behind(LOGISTIC), {"logisticregression__C": [0.1, 1.0]}, cv=2), GAPS, TWO, odds(1), LOGIT),
    "OneVsRestClassifier": case(lambda: behind(OneVsRestClassifier(LOGISTIC)), GAPS, THREE, odds(1), LOGIT),
    "TransformedTargetRegressor": case(lambda: TransformedTargetRegressor(behind(Ridge()), transformer=StandardScaler()), GAPS, worth(WHOLE), value(), NUMBER),
    "MultiOutputRegressor": case(lambda: behind(MultiOutputRegressor(Ridge())), GAPS, VALUES, value(1), VALUE),
    "RegressorChain": case(lambda: behind(RegressorChain(Ridge())), GAPS, VALUES, value(1), VALUE),
    "MultiOutputClassifier": case(lambda: behind(MultiOutputClassifier(LOGISTIC)), GAPS, BOTH, label, LOGIT, classes=["well off", "over 42"]),
    "ClassifierChain": case(lambda: behind(ClassifierChain(LOGISTIC)), GAPS, BOTH, odds(1), LOGIT, classes=["well off", "over 42"]),
    "IsolationForest": case(lambda: behind(IsolationForest(n_estimators=5, random_state=0)), WHOLE, None, lambda e, frame: e.score_samples(frame), NUMBER),
}  # fmt: skip


def fitted(name: str) -> Fitted:
    return CASES[name]()


def onnx_net(folder: Path) -> Fitted:
    """A net of two layers over three numbers, as a file; its estimator is the runtime's own session."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    held = {"a": rng.normal(size=(3, 5)) / 10, "b": rng.normal(size=(5, 2))}
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["p"]),
        helper.make_node("Tanh", ["p"], ["q"]),
        helper.make_node("MatMul", ["q", "b"], ["y"]),
    ]
    ends = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["B", k])]
        for n, k in (("x", 3), ("y", 2))
    ]
    kept = [numpy_helper.from_array(v.astype(np.float32), n) for n, v in held.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "g", *ends, kept),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.save(made, folder / "net.onnx")
    session = onnxruntime.InferenceSession(folder / "net.onnx")
    frame = pd.DataFrame(WHOLE[["age", "rooms"]].assign(member=WHOLE.member.astype(float)))

    def ask(session: Any, rows: pd.DataFrame) -> Any:
        return session.run(None, {"x": rows.to_numpy(dtype=np.float32)})[0][:, 1].astype(np.float64)

    return Fitted(session, frame, ask, VALUE, {"file": folder / "net.onnx"})
