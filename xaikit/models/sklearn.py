"""scikit-learn models: fitted on a data set of any modality, saved as a folder and read back."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from xaikit.core.errors import ModelError
from xaikit.core.types import Modality
from xaikit.data.dataset import Dataset
from xaikit.modalities import background
from xaikit.models import features
from xaikit.models.estimator_model import EstimatorModel, wrap_estimator
from xaikit.models.learners import ESTIMATORS, make_learner

__all__ = [
    "ESTIMATORS",
    "EstimatorModel",
    "fit_estimator",
    "load_estimator",
    "save_estimator",
    "wrap_estimator",
]

FORMAT = 1
TRUSTED = frozenset(
    {
        *(f"xaikit.models.features.{name}" for name in features.__all__),
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.tree._tree.Tree",
    }
)  # beside what skops trusts by itself


def fit_estimator(
    name: str, data: Dataset, *, seed: int = 0, balanced: bool = False, **params: Any
) -> EstimatorModel:
    """The scikit-learn model of that name, fitted on data.train and measured on data.test.

    balanced : whether every class weighs the same, however many rows it has
    params : parameters of the scikit-learn estimator, and `features` for images and series
    Raises `ModelError` when they do not fit the model or the data.
    """
    from xaikit.models.training import evaluate  # needs torch, which reading a model does not

    pipeline = make_learner(name, data, seed, params)
    start = time.perf_counter()
    try:
        xs = data.inputs("train")
        x = xs if data.modality == "text" else np.stack(xs)
        pipeline.fit(x, data.labels("train"), **_weights(pipeline, data, balanced))
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
    """Write the model as a folder: config.json, model.skops and background.npz.

    An existing model folder is replaced only once the new one is whole.
    """
    folder = Path(folder)
    model_or_new = not folder.exists() or (folder / "config.json").is_file()
    if not model_or_new and (folder.is_file() or any(folder.iterdir())):
        raise ModelError(f"'{folder}' is there already and holds no model; choose another name.")
    config = {
        "format": FORMAT,
        "family": "sklearn",
        "id": model.id,
        "modality": model.modality,
        "classes": list(model.classes),
        "info": dict(model.info),
        "versions": {name: version(name) for name in ("xaikit", "scikit-learn", "skops", "numpy")},
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (work / "model.skops").write_bytes(_dumped(model.pipeline))
        text = json.dumps(config, ensure_ascii=False, indent=1, allow_nan=False)
        (work / "config.json").write_text(text, encoding="utf-8")
        if model.background is not None:
            np.savez_compressed(work / "background.npz", background=model.background)
        os.chmod(work, 0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def load_estimator(folder: str | Path) -> EstimatorModel:
    """Read a saved model; nothing but scikit-learn, NumPy and the classes of features.py is made.

    `ModelError` says what is wrong with the folder.
    """
    folder = Path(folder)
    config = _config(folder)
    return wrap_estimator(
        _loaded(folder / "model.skops"),
        id=config["id"],
        modality=config["modality"],
        classes=config["classes"],
        background=_background(folder / "background.npz"),
        info=config["info"],
    )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"'{folder}' is no model folder: config.json is missing.") from error
    except ValueError as error:
        raise ModelError(f"'{folder}/config.json' is no JSON: {error}.") from error
    if not isinstance(config, dict) or config.get("family") != "sklearn":
        raise ModelError(f"'{folder}' holds no scikit-learn model.")
    if config.get("format") != FORMAT:
        raise ModelError(
            f"'{folder}' has format {config.get('format')}; this version reads {FORMAT}."
        )
    for name, kind in (("id", str), ("modality", str), ("classes", list), ("info", dict)):
        if not isinstance(config.get(name), kind):
            raise ModelError(f"'{folder}/config.json' has no usable '{name}'.")
    if config["modality"] not in get_args(Modality):
        raise ModelError(f"'{folder}/config.json' has the unknown modality '{config['modality']}'.")
    return config


def _loaded(file: Path) -> Pipeline:
    """The pipeline in a file, made of trusted types only."""
    try:
        pipeline = skops.io.load(file, trusted=sorted(TRUSTED))
    except FileNotFoundError as error:
        raise ModelError(f"'{file.parent}' is no model folder: {file.name} is missing.") from error
    except UntrustedTypesFoundException as error:
        raise ModelError(f"'{file}' is not trusted: {error}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        raise ModelError(f"'{file}' cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(pipeline, Pipeline):
        raise ModelError(f"'{file}' holds a {type(pipeline).__name__}, not a pipeline.")
    if not _trees_are_sound(pipeline.steps[-1][1]):
        raise ModelError(
            f"'{file}' is damaged: a tree leads to nodes or columns that do not exist."
        )
    return pipeline


def _trees_are_sound(estimator: Any) -> bool:
    """Whether each inner node leads to later nodes that exist and reads a column that exists;
    scikit-learn walks trees in C without looking."""
    columns = getattr(estimator, "n_features_in_", 0)
    for left, right, column, leaf in _nodes(estimator):
        here, n = np.arange(len(leaf)), len(leaf)
        leads = (left > here) & (left < n) & (right > here) & (right < n)
        if not np.all(leaf | (leads & (column >= 0) & (column < columns))):
            return False
    return True


def _nodes(estimator: Any) -> Iterator[tuple[NDArray[Any], ...]]:
    """For each tree: the nodes' left and right children, columns, and which are leaves."""
    for part in getattr(estimator, "estimators_", [estimator]):
        if hasattr(part, "tree_"):
            tree = part.tree_
            yield tree.children_left, tree.children_right, tree.feature, tree.children_left < 0
    for stage in getattr(estimator, "_predictors", ()):
        for tree in stage:
            nodes = tree.nodes
            yield nodes["left"], nodes["right"], nodes["feature_idx"], nodes["is_leaf"] == 1


def _background(file: Path) -> NDArray[Any] | None:
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            return np.asarray(stored["background"])
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ModelError(f"'{file}' cannot be read: {error}.") from error


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
    if nodes := sum(len(leaf) for *_, leaf in _nodes(estimator)):
        return nodes
    if hasattr(estimator, "support_vectors_"):
        return int(estimator.support_vectors_.size + estimator.dual_coef_.size)
    return int(np.size(estimator.coef_) + np.size(estimator.intercept_))
