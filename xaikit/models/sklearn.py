"""scikit-learn models: fitted on a data set of any modality, saved as a folder and read back."""

from __future__ import annotations

import dataclasses
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from xaikit.core.errors import ModelError
from xaikit.core.files import (
    read_bytes,
    read_zip,
    short,
)
from xaikit.core.sample import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.modalities import background
from xaikit.models import features
from xaikit.models.background import FILE, read_background, write_background
from xaikit.models.estimator_model import EstimatorModel, wrap_estimator
from xaikit.models.evaluation import evaluate
from xaikit.models.fields import MODELS, Fields, read_config
from xaikit.models.learners import ESTIMATORS
from xaikit.models.pipelines import make_learner
from xaikit.models.reading import reading_of
from xaikit.models.sound import check_members, nodes, what_is_unsound

__all__ = [
    "ESTIMATORS",
    "EstimatorModel",
    "fit_estimator",
    "load_estimator",
    "save_estimator",
    "wrap_estimator",
]

FORMAT = 1
PIPELINE = "model.skops"
MOST_CLASSES = 100_000
ASKED = 100  # background rows that a loaded model answers
TRUSTED = frozenset(
    {
        *(f"xaikit.models.features.{name}" for name in features.__all__),
        "xaikit.models.frames.Frames",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.tree._tree.Tree",
    }
)  # beside what skops trusts by itself
BROKEN = (
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError, OSError, ImportError),
    *(RuntimeError, AssertionError),
)  # what damaged parts of a pipeline end in


def fit_estimator(
    name: str, data: Dataset, *, seed: int = 0, balanced: bool = False, **params: Any
) -> EstimatorModel:
    """The scikit-learn model of that name, fitted on data.train and measured on data.test.

    balanced : whether every class weighs the same, however many rows it has
    params : parameters of the scikit-learn estimator, and `features` for images and series
    Raises `ModelError` when they do not fit the model or the data.
    """

    pipeline = make_learner(name, data, seed, params)
    start = time.perf_counter()
    try:
        xs = data.inputs("train")
        pipeline.fit(
            reading_of(data.modality).stacked(xs),
            data.labels("train"),
            **_weights(pipeline, data, balanced),
        )
    except ModelError:
        raise
    except ValueError as error:  # how scikit-learn refuses parameters and data
        raise ModelError(f"'{name}' cannot be fitted on '{data.name}': {error}") from error
    seconds = time.perf_counter() - start
    model = wrap_estimator(
        pipeline,
        id=f"{data.name}-{name}",
        modality=data.modality,
        classes=data.classes,
        background=background(data),
    )
    model.info = {
        "family": "sklearn",
        "architecture": name,
        "params": params,
        "balanced": balanced,
        "n_parameters": _n_parameters(model.estimator),
        "bytes": len(_dumped(pipeline)),
        "task": data.task,
        "data": data.name,
        "data_hash": data.hash,
        "group": data.facts.get("group"),
        "columns": [dataclasses.asdict(column) for column in data.columns],
        "seed": seed,
        "fit_seconds": seconds,
        "metrics": {split: evaluate(model, data, split) for split in ("test", "val")},
    }
    return model


def _weights(pipeline: Pipeline, data: Dataset, balanced: bool) -> dict[str, NDArray[Any]]:
    """The argument of `fit` that gives each training row the weight of its class."""
    if not balanced:
        return {}
    each = data.class_weights[data.labels("train")]
    return {f"{pipeline.steps[-1][0]}__sample_weight": each}


def save_estimator(model: EstimatorModel, folder: str | Path) -> Path:
    """Write the model as a folder: config.json, model.skops and, where there is one, background.npz.

    All of it or nothing; a model that was there is replaced, and what a person laid beside stays.
    """
    config = {
        "format": FORMAT,
        "family": "sklearn",
        "id": model.id,
        "modality": model.modality,
        "classes": [str(name) for name in model.classes],
        "order": list(model.order),
        "asks": model.asks,
        "info": dict(model.info),
        "versions": {name: version(name) for name in ("xaikit", "scikit-learn", "skops", "numpy")},
    }
    pipeline = _dumped(model.pipeline)
    if beyond := sorted(set(skops.io.get_untrusted_types(data=pipeline)) - TRUSTED):
        raise ModelError(
            f"'{model.id}' holds {short(', '.join(beyond), 200)}, which no file holds safely; save the code that "
            "fits it, and wrap what it returns."
        )
    files = {PIPELINE: lambda path: path.write_bytes(pipeline)}
    return MODELS.write(folder, config, files | write_background(model.background))


def load_estimator(folder: str | Path) -> EstimatorModel:
    """Read a saved model; nothing but scikit-learn, NumPy and the classes of features.py is made.

    `ModelError` says what is wrong with the folder.
    """
    folder = Path(folder)
    fields = read_config(folder)
    fields.choice("family", ("sklearn",))
    fields.whole("format", FORMAT, FORMAT)
    id, classes = fields.text("id"), fields.texts("classes", MOST_CLASSES)
    modality = fields.choice("modality", MODALITIES)
    rows = read_background(folder) if (folder / FILE).exists() else None
    info, order = fields.object("info"), _order(fields, len(classes))
    old = "asks" not in fields.values  # saved before there was a choice
    asks = "predict" if old else fields.choice("asks", ("predict", "decision_function"))
    pipeline = _loaded(MODELS.file(folder, PIPELINE))
    MODELS.check_whole(folder, fields.values)
    try:
        model = wrap_estimator(
            pipeline,
            id=id,
            modality=modality,
            classes=classes,
            background=rows,
            info=info,
            order=order,
            asks=asks,
        )
        _ask(model)
    except BROKEN as error:
        raise ModelError(
            f"the model in '{folder}' gives no answer ({type(error).__name__}: {short(error, 300)}); "
            "save it again."
        ) from error
    return model


def _order(fields: Fields, n: int) -> tuple[int, ...]:
    """The places of the classes among the estimator's own; () for its own order."""
    if not fields.values.get("order"):  # of models saved before there was one
        return ()
    order = fields.wholes("order", 0, n - 1, n)
    if len(set(order)) < n:
        raise fields.wrong("order", f"each of the numbers 0 to {n - 1} once")
    return order


def _ask(model: EstimatorModel) -> None:
    """Answers of rows it was saved with, which a pipeline of damaged parts does not give."""
    blank = MODALITIES.get(model.modality).blank()
    rows = model.background if blank is None else [blank]
    if rows is not None and not np.isfinite(model.scores(rows[:ASKED])).all():
        raise ValueError("NaN or infinity")


def _loaded(file: Path) -> Pipeline:
    """The pipeline in a file, made of trusted types only."""
    origin = MODELS.origin(file)
    whole = read_bytes(file, origin)
    check_members(read_zip(whole, origin), origin)
    try:
        pipeline = skops.io.loads(whole, trusted=sorted(TRUSTED))
        unsound = what_is_unsound(pipeline)
    except UntrustedTypesFoundException as error:
        raise ModelError(f"'{file}' is not trusted: {short(error, 300)}") from error
    except BROKEN as error:
        raise origin.wrong(f"cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(pipeline, Pipeline):
        raise ModelError(f"'{file}' holds a {type(pipeline).__name__}, not a pipeline.")
    if unsound:
        raise origin.wrong(f"is damaged: {unsound}")
    return pipeline


def _dumped(pipeline: Pipeline) -> bytes:
    saved: bytes = skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED)
    return saved


def _n_parameters(estimator: Any) -> int:
    """Numbers learned: coefficients, the nodes of all trees, or support vectors."""
    if isinstance(estimator, CalibratedClassifierCV):
        estimator = estimator.calibrated_classifiers_[0].estimator
    if isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    if isinstance(estimator, TransformedTargetRegressor):
        estimator = estimator.regressor_
    trees = [estimator, *getattr(estimator, "estimators_", ())]
    if n_nodes := sum(len(leaf) for tree in trees for *_, leaf in nodes(tree)):
        return n_nodes
    if hasattr(estimator, "support_vectors_"):
        return int(estimator.support_vectors_.size + estimator.dual_coef_.size)
    return int(np.size(estimator.coef_) + np.size(estimator.intercept_))
