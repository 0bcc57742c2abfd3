"""Models that people bring to the command line: a folder of Hugging Face, or a factory in their own code."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from xaikit.core.errors import InvalidInput, ModelError, foreign

__all__ = ["HUGGINGFACE", "chosen", "fitting", "is_factory", "made"]

HUGGINGFACE = "hf:"
USUAL = ("classification", "multilabel", "regression")  # tasks that follow from what a model gives
N_ROWS = 256  # training rows that stand in for what is removed
_FACTORY = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)")


def chosen(model: str | None, option: str | None) -> str:
    """The model that was named, as the argument or by --model."""
    if (model is None) == (option is None):
        raise InvalidInput("name one model: a folder, hf:FOLDER, package.module:factory or a name.")
    return str(model or option)


def is_factory(name: str) -> bool:
    """Whether it names code: package.module:factory."""
    return not name.startswith(HUGGINGFACE) and _FACTORY.fullmatch(name) is not None


def fitting(model: Any, data: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """How a file is read for a model that is known before its data: options of `load_data` that were
    not given."""
    from xaikit.data import DATASETS

    if model is None or data in DATASETS:
        return {}
    trained = "data_hash" in model.info  # here: its files are read now as they were then
    found = _of_task(model) or ({} if trained else _of_classes(model))
    if "size" in model.info:
        found["size"] = getattr(model.inputs, "resized", model.info["size"])
    if model.info.get("about") == "words":  # which labels of texts say nothing about
        found["label_column"] = ""
    return {name: value for name, value in found.items() if given.get(name) is None}


def _of_task(model: Any) -> dict[str, Any]:
    """How data are read whose labels are those of a task of its own."""
    from xaikit.data.annotated import ANNOTATED
    from xaikit.data.load import OF_TASKS
    from xaikit.tasks import Forecasting, task_of

    task = task_of(model)
    if isinstance(task, Forecasting) and model.background is not None:
        alone = {"label_column": task.channels[0]} if len(task.channels) == 1 else {}
        return {"horizon": task.horizon, "lags": len(model.background[0]), **alone}
    if task.name not in OF_TASKS:
        return {}
    if task.name in ANNOTATED:
        return {"task": task.name}
    return {"task": task.name, "classes": getattr(task, "tokens", model.classes)}


def _of_classes(model: Any) -> dict[str, Any]:
    numbered = tuple(map(str, range(len(model.classes)))) == tuple(model.classes)
    found: dict[str, Any] = {"modality": model.modality}
    if model.classes and not numbered:
        found["classes"] = model.classes
    elif not model.classes:
        found["task"] = "regression"
    return found


def made(name: str, weights: Path | None, data: Any, device: str, torch_load: bool = False) -> Any:
    """The model that a factory of the user's makes, with the weights of a file: a torch module, a
    fitted estimator or a function is wrapped as the data are; what `xaikit.wrap` gave stays.

    The code is imported because its name was typed, from the working directory too.
    """
    from xaikit.core.abilities import Model

    if weights is not None and weights.is_dir():  # all that is known but the code
        from xaikit.models import load_model

        return load_model(weights, device, partial(_called, name))
    found = _called(name)
    if weights is not None:
        from xaikit.models.own_code import put_weights

        put_weights(found, weights, torch_load)
    if isinstance(found, Model):
        return found
    from xaikit.core.sample import MODALITIES
    from xaikit.models import wrap

    rows = data.inputs("train")[:N_ROWS]
    options: dict[str, Any] = {"device": device} if hasattr(found, "parameters") else {}
    options |= _meant(data)
    typical = MODALITIES.get(data.modality).typical
    framed = _as_frame(found, data, rows)
    return wrap(
        found,
        modality=data.modality,
        background=(rows if framed is None else framed) if typical else None,
        sample=rows[0] if framed is None else None,
        id=name.rpartition(":")[2],
        **options,
    )


def _meant(data: Any) -> dict[str, Any]:
    """What `wrap` is told of the numbers, by the task of the data."""
    from xaikit.tasks import TASKS

    kind = TASKS.get(data.task)
    if data.task in USUAL:
        return {"classes": data.classes}
    names = kind(data.classes or data.outputs).given
    return {"task": data.task, "classes" if data.classes or kind.tells else "names": names}


def _as_frame(found: Any, data: Any, rows: Any) -> Any:
    """The rows as the frame that an estimator was fitted on, where the data have its columns; else None."""
    names = getattr(found, "feature_names_in_", None)
    known = {column.name: column.categories for column in data.columns}
    if names is None or not set(map(str, names)) <= set(known):
        return None
    import numpy as np

    from xaikit.models.frames import Frames

    return Frames.of_codes(known).transform(np.stack(rows))


def _called(name: str) -> Any:
    match = _FACTORY.fullmatch(name)
    assert match is not None
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    with foreign(f"importing '{match['module']}'"):
        module = importlib.import_module(match["module"])
    factory = getattr(module, match["name"], None)
    if not callable(factory):
        raise ModelError(
            f"'{match['module']}' has no function '{match['name']}'; name one that takes no argument and "
            "gives the model."
        )
    with foreign(f"'{name}'"):
        return factory()
