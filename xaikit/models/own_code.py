"""Modules of people's own code as folders: everything but the code, which is named and never run by itself."""

from __future__ import annotations

import io
import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from xaikit.core.errors import ModelError, foreign
from xaikit.core.files import Origin, read_bytes, short, zip_members
from xaikit.core.sample import MODALITIES
from xaikit.models.background import FILE, read_background, write_background
from xaikit.models.config import read_inputs
from xaikit.models.fields import MODELS, Fields
from xaikit.models.neural import NeuralModel, Reads, SealedModel
from xaikit.models.outputs import SPACES, Part
from xaikit.models.training import pick_device
from xaikit.models.wrapping import adapted
from xaikit.tasks import TASKS

__all__ = ["FAMILY", "load_module", "put_weights", "save_module"]

FAMILY = "module"
_FORMAT, _WEIGHTS = 1, "model.safetensors"
_MOST_CLASSES = 100_000


def save_module(model: NeuralModel, folder: str | Path) -> Path:
    """Writes weights, preprocessing, classes and background of a module that was wrapped, and what its
    code is called; `ModelError` says why where that is not enough to have it again."""
    if isinstance(model, SealedModel):
        raise ModelError(
            f"'{model.id}' is scripted or quantised, whose files can run code when they are read; keep "
            "the file that it came from and wrap it again."
        )
    if not model.inputs.config():
        raise ModelError(
            f"'{model.id}' reads texts by an encode function, which is your code and is not saved; name a "
            "factory that wraps it, --model package.module:factory."
        )
    own = type(model.net)
    kinds = [name for name in TASKS if TASKS.get(name) is type(model.task)]
    config = {
        "format": _FORMAT,
        "family": FAMILY,
        "code": f"{own.__module__}:{own.__qualname__}",
        "id": model.id,
        "modality": model.modality,
        "classes": model.classes,
        "names": () if model.classes or model.task is None else model.task.outputs,
        "outputs": model.outputs,
        "output": model.part,
        "space": model.space,
        "task": kinds[0] if kinds else None,
        "single": model.single,
        "reads": model.reads,
        "inputs": model.inputs.config(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("xaikit", "torch", "numpy")},
        },
    }
    weights = {name: w.detach().cpu().clone() for name, w in model.net.state_dict().items()}
    files: dict[str, Callable[[Path], Any]] = {_WEIGHTS: partial(save_file, weights)}
    return MODELS.write(folder, config, files | write_background(model.background))


def load_module(fields: Fields, factory: Callable[[], Any] | None, device: str) -> NeuralModel:
    """The module that the factory makes, with all that the folder knows of it."""
    folder, code = fields.path.parent, fields.text("code")
    if factory is None:
        raise ModelError(
            f"'{folder}' was saved of your own code, '{code}', which no folder makes run; name a factory of "
            f"it: xaikit explain --model package.module:factory --weights {folder}, or "
            "load_model(folder, factory=make)."
        )
    with foreign(f"the factory of '{code}'"):
        net = factory()
    put_weights(net, MODELS.file(folder, _WEIGHTS))
    inputs = read_inputs(fields.path, fields.object("inputs"))
    known = (folder / FILE).exists()
    rows = read_background(folder, inputs.example().shape) if known else None
    classes = fields.texts("classes", _MOST_CLASSES)
    task = fields.values.get("task")
    model = adapted(
        net.to(pick_device(device)).eval().requires_grad_(False),
        inputs,
        id=fields.text("id"),
        modality=fields.choice("modality", MODALITIES),
        classes=classes,
        names=fields.texts("names", _MOST_CLASSES),
        outputs=fields.choice("outputs", SPACES),  # type: ignore[arg-type] # one of its names
        output=_part(fields),
        space=fields.choice("space", set(SPACES.values())),  # type: ignore[arg-type]
        task=None if task is None else fields.choice("task", TASKS),
        single=fields.values.get("single") is True,
        reads=fields.choice("reads", get_args(Reads)),  # type: ignore[arg-type]
        background=rows,
        x=inputs.example() if rows is None else rows[0],
    )
    MODELS.check_whole(folder, fields.values)
    return model


def _part(fields: Fields) -> Part:
    held = fields.values.get("output")
    if held is None or isinstance(held, (str, int)):
        return held
    raise fields.wrong("output", "a name, a place or null")


def put_weights(net: Any, path: Path, torch_load: bool = False) -> None:
    """Put the weights of a .safetensors file into a torch module of yours.

    torch_load : also of a .pt or .pth file, by torch.load(weights_only=True); no other pickle is ever read
    """
    if not isinstance(net, nn.Module):
        raise ModelError(
            f"'{path}' holds weights and a {type(net).__name__} takes none; leave it out."
        )
    if path.suffix != ".safetensors" and not torch_load:
        raise ModelError(
            f"'{path}' is not read, as such files can run code; where you trust it say "
            "safetensors.torch.save_file(torch.load(path, weights_only=True), 'weights.safetensors'), or add "
            "--torch-load, which reads weights of it and nothing else."
        )
    if not path.is_file():
        raise ModelError(f"there is no file '{path}'; check the path.")
    found = _stored(path) if path.suffix == ".safetensors" else _by_torch(path)
    asked = {name: tuple(w.shape) for name, w in net.state_dict().items()}
    held = {name: tuple(w.shape) for name, w in found.items()}
    odd = sorted(n for n in {*asked, *held} if asked.get(n) != held.get(n))
    if odd:
        raise ModelError(
            f"'{path}': '{short(odd[0])}' has shape {held.get(odd[0], 'none')} and the module asks for "
            f"{asked.get(odd[0], 'none')}; the two do not belong together."
        )
    bad = next(
        (n for n, w in found.items() if w.is_floating_point() and not torch.isfinite(w).all()), None
    )
    if bad is not None:
        raise ModelError(f"'{path}': '{short(bad)}' holds NaN or infinity; train the model again.")
    net.load_state_dict(found)


def _stored(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"'{path}' cannot be read: {short(error)}; save it again.") from error


def _by_torch(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of what torch.save wrote; whatever else it holds is refused by torch, and nothing is run."""
    origin = Origin(f"'{path}'", ModelError, "save the state_dict of the module as .safetensors")
    raw = read_bytes(path, origin)
    zip_members(raw, origin)  # no bomb, and no file of before the zips
    try:
        found = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever its restricted unpickler ends in
        told = " ".join(str(error).split()) or type(error).__name__
        raise origin.wrong(
            f"holds more than weights, or is damaged ({short(told, 160)})"
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(n, str) and isinstance(w, torch.Tensor) for n, w in found.items()
    ):
        raise origin.wrong("holds no state_dict, names and their tensors")
    return found
