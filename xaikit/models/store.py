"""A model as a folder: config.json, model.safetensors and background.npz. No pickle is ever read.

The weights are compared with the architecture on paper before memory is taken for them, so a
hostile or incomplete folder ends in one sentence.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.files import short
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Floats
from xaikit.models.assembly import KINDS, assemble, reads_of, settable
from xaikit.models.background import read_background, write_background
from xaikit.models.compress import emptied, flat, put_flat
from xaikit.models.config import read_inputs
from xaikit.models.fields import MODELS, Fields, read_config
from xaikit.models.inputs import Inputs
from xaikit.models.neural import NeuralModel, SealedModel
from xaikit.models.training import pick_device
from xaikit.models.trial import require_independent_model
from xaikit.models.zoo import ZOO, Architecture
from xaikit.tasks import TASKS, Task

__all__ = ["load", "load_model", "save_model"]

HUGGINGFACE = "hf:"  # before the path of such a folder
_FORMAT = 1
_WEIGHTS = "model.safetensors"
_MOST_CLASSES = 100_000
_MOST_OUTPUTS = 100_000

M = TypeVar("M", bound=Model)


def save_model(model: Model, folder: str | Path) -> Path:
    """Writes the model as a folder, all of it or nothing; a model that was there is replaced, and
    what a person laid beside its files stays.

    Of a module of your own it holds all but the code (see `load_model`), and a model out of a folder of
    Hugging Face becomes such a folder. `ModelError` when the folder holds something that xaikit did not
    write, or when a folder cannot hold the model: a function, a scripted net, an encode function.

    >>> save_model(model, "models/wine").name
    'wine'
    """
    from xaikit.models.sklearn import EstimatorModel, save_estimator

    if model.info.get("family") == "ensemble":
        raise ModelError(
            f"'{model.id}' is its members; save each of them, and name their folders together: A,B,C."
        )
    if isinstance(model, EstimatorModel):
        return save_estimator(model, folder)
    if not isinstance(model, NeuralModel):
        raise ModelError(
            f"'{model.id}' is a function, whose code is your own and is not saved; name a factory that "
            "wraps it, --model package.module:factory."
        )
    if model.info.get("family") == "huggingface":
        from xaikit.models.huggingface import save_folder

        return save_folder(model, Path(folder))
    if model.info.get("architecture") not in ZOO:
        from xaikit.models.own_code import save_module

        return save_module(model, folder)
    return MODELS.write(folder, _config(model), _files(model))


def load_model(
    path: str | Path,
    device: str = "auto",
    factory: Callable[[], Any] | None = None,
    **facts: Any,
) -> Model:
    """The model of a folder, ready to be asked; it gives the very scores of the model that was saved.

    path : a folder that xaikit wrote, or "hf:" and one that Hugging Face's `save_pretrained` wrote (`xaikit[hf]`)

    Of an .onnx file (which needs `xaikit[onnx]`) scores are all that is known, so the methods that remove
    apply; what `wrap` asks of a function is given as `facts`: modality=, classes=, background=, ... and mean=,
    std=, layout=, output= (see `xaikit.models.onnx.load_onnx`).

    factory : makes the module of a folder that was saved of your own code, which holds its weights and
        not its code

    `ModelError` names what is missing, unknown, out of bounds or of the wrong shape, and refuses a
    model whose score of an input depends on what else is in its batch.

    >>> load_model(xaikit.save_model(model, "models/wine")).id
    'wine-logistic'
    """
    folder = Path(path)
    if folder.suffix.lower() == ".onnx" and not folder.is_dir():
        from xaikit.models.onnx import load_onnx

        if "modality" not in facts:
            raise InvalidInput(
                f"'{path}' does not say what it reads; give modality=, one of {', '.join(MODALITIES)}."
            )
        return load_onnx(path, **facts)
    if facts:
        raise InvalidInput(
            f"{', '.join(facts)} is told of .onnx files and '{path}' is a folder, which knows; leave it out."
        )
    if str(path).startswith(HUGGINGFACE):
        from xaikit.models.huggingface import load_folder

        return load_folder(str(path).removeprefix(HUGGINGFACE), device)
    fields = read_config(folder)
    if "architectures" in fields.values and "family" not in fields.values:
        raise ModelError(f"'{folder}' is a folder of Hugging Face; load it as 'hf:{folder}'.")
    if fields.values.get("family") == "sklearn":
        from xaikit.models.sklearn import BROKEN, load_estimator

        return _tried(load_estimator(folder), folder, BROKEN)
    fields.whole("format", _FORMAT, _FORMAT)
    if fields.values.get("family") == "module":
        from xaikit.models.own_code import load_module

        return load_module(fields, factory, device)
    model = _on_paper(fields)
    if fields.values.get("int8") is True:
        model = _int8(model, MODELS.file(folder, _WEIGHTS), device)
    else:
        _load_weights(model, MODELS.file(folder, _WEIGHTS))
        model.net = model.net.to(pick_device(device)).eval().requires_grad_(False)
    if MODALITIES.get(model.modality).typical:
        model.background = read_background(folder, model.example().shape)
    MODELS.check_whole(folder, fields.values)
    broken = (InvalidInput, RuntimeError) if isinstance(model, SealedModel) else (InvalidInput,)
    return _tried(model, folder, broken)


load = load_model
"""As in `xaikit.load("hf:my-bert")`."""


def _tried(model: M, folder: Path, broken: tuple[type[Exception], ...] = (InvalidInput,)) -> M:
    """The model, which answers typical inputs, alone as in a batch.

    broken : what it may end in where its folder is damaged
    """
    try:
        require_independent_model(model)
    except broken as error:
        raise ModelError(f"the model in '{folder}' cannot be asked: {short(error, 400)}") from error
    return model


def _config(model: NeuralModel) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "family": model.info["family"],
        "id": model.id,
        "modality": model.modality,
        "architecture": model.info["architecture"],
        "parameters": model.info["params"],
        "classes": model.classes,
        "centre": np.asarray(model.centre).tolist(),
        "scale": np.asarray(model.scale).tolist(),
        **_task(model),
        **({"int8": True} if isinstance(model, SealedModel) else {}),
        "inputs": model.inputs.config(),
        "info": dict(model.info),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("xaikit", "torch", "numpy")},
        },
    }


def _task(model: NeuralModel) -> dict[str, Any]:
    """What the numbers mean, where the classes do not say it."""
    if model.task is None:
        return {}
    return {"task": model.task.name, "outputs": list(model.task.outputs)}


def _files(model: NeuralModel) -> dict[str, Callable[[Path], Any]]:
    """For each file beside the config what writes it."""
    held = flat(model.net) if isinstance(model, SealedModel) else model.net.state_dict()
    weights = {name: value.cpu().contiguous() for name, value in held.items()}
    files: dict[str, Callable[[Path], Any]] = {_WEIGHTS: partial(save_file, weights)}
    return files | write_background(model.background)


def _on_paper(fields: Fields) -> NeuralModel:
    """The model with a net that has shapes and no memory."""
    architecture = ZOO.get(fields.choice("architecture", ZOO))
    inputs = read_inputs(fields.path, fields.object("inputs"))
    modality = _modality(fields, inputs)
    if inputs.kind not in architecture.recipes:
        raise fields.wrong("architecture", f"one that reads {modality or inputs.kind}")
    classes = fields.texts("classes", _MOST_CLASSES)
    settings = fields.object("parameters")
    unknown = set(settings) - set(settable(architecture, inputs.kind))
    if unknown or len(classes) == 1:
        raise fields.wrong("parameters" if unknown else "classes", _rule(architecture, inputs.kind))
    try:
        with torch.device("meta"):
            task = _task_in(fields)
            width = max(1, len(classes)) if task is None else task.width
            net = assemble(architecture, inputs, width, settings)
    except ModelError as error:
        raise ModelError(f"{fields.path}: {error}") from error
    return KINDS[architecture.family](
        id=fields.text("id"),
        net=net,
        inputs=inputs,
        classes=classes,
        space="logit" if classes else "value",
        info=fields.object("info"),
        centre=_scaling(fields, "centre", width),
        scale=_scaling(fields, "scale", width, above=0),
        reads=reads_of(net),
        modality=modality,
        task=task,
    )


def _task_in(fields: Fields) -> Task | None:
    if "task" not in fields.values:
        return None
    kind = TASKS.get(fields.choice("task", TASKS))
    try:
        return kind(fields.texts("outputs", _MOST_OUTPUTS))
    except InvalidInput as error:
        raise fields.wrong("outputs", f"names of a {kind.name}: {error}") from error


def _scaling(fields: Fields, name: str, n: int, above: float = -math.inf) -> float | Floats:
    """One number, or one for each of n values."""
    if isinstance(fields.values.get(name), list):
        return np.array(fields.numbers(name, n, above))
    return fields.number(name, above)


def _modality(fields: Fields, inputs: Inputs) -> str:
    """Of the samples; folders of earlier versions say it by their inputs only."""
    if "modality" not in fields.values:
        return ""
    fitting = [name for name in MODALITIES if MODALITIES.get(name).inputs == inputs.kind]
    return fields.choice("modality", fitting)


def _int8(model: NeuralModel, path: Path, device: str) -> SealedModel:
    """The twin with the numbers of the file, whose weights are compared with the net on paper first."""
    if pick_device(device if device != "auto" else "cpu").type != "cpu":
        raise ModelError(
            f"'{model.id}' computes in int8, on the CPU alone; leave device={device} out."
        )
    large = {n: tuple(w.shape) for n, w in model.net.named_parameters() if w.ndim > 1}
    _checked_file(path, large, part=True)
    twin = emptied(model)
    own = flat(twin.net)
    weights = _checked_file(path, {n: tuple(w.shape) for n, w in own.items()})
    _check_numbers(path, weights, {n: w.dtype for n, w in own.items()})
    put_flat(twin.net, {name: value.clone() for name, value in weights.items()})
    return twin


def _load_weights(model: NeuralModel, path: Path) -> None:
    own = model.net.state_dict()
    weights = _checked_file(path, {n: tuple(v.shape) for n, v in own.items()})
    _check_numbers(path, weights, {n: v.dtype for n, v in own.items()})
    # a mapped file is not aligned as torch's own memory is, and sums would round another way
    model.net.load_state_dict({n: value.clone() for n, value in weights.items()}, assign=True)


def _checked_file(
    path: Path, expected: dict[str, tuple[int, ...]], part: bool = False
) -> dict[str, torch.Tensor]:
    """The tensors of the file, which are those of such shapes; part : and others, and none is read."""
    try:
        _compare(path, expected, part)
        return {} if part else load_file(path)
    except SafetensorError as error:
        raise MODELS.origin(path).wrong(f"cannot be read: {error}") from error


def _check_numbers(
    path: Path, weights: dict[str, torch.Tensor], expected: dict[str, torch.dtype]
) -> None:
    for name, value in weights.items():
        if value.dtype != expected[name]:
            raise ModelError(f"{path}: '{name}' is {value.dtype}; it must be {expected[name]}.")
        if not torch.isfinite(value).all():
            raise ModelError(f"{path}: '{name}' holds NaN or infinity; train the model again.")


def _compare(path: Path, expected: dict[str, tuple[int, ...]], part: bool = False) -> None:
    """The names and shapes of the file's header against those of the net."""
    with safe_open(path, framework="pt") as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    found = {n: shape for n, shape in found.items() if n in expected or not part}
    if found == expected:
        return
    name = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))[0]
    raise ModelError(
        f"{path}: '{name}' has shape {found.get(name, 'none')} and {MODELS.cover} asks for "
        f"{expected.get(name, 'none')}; the two files do not belong together."
    )


def _rule(architecture: Architecture, inputs: str) -> str:
    return f"settings out of {', '.join(settable(architecture, inputs))}; a classifier has two classes or more"
