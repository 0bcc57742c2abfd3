"""What lies in a folder of Hugging Face, read as text and checked before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import safe_open

from xaikit.core.errors import ModelError, foreign
from xaikit.core.files import Origin, read_json, short

__all__ = ["check_files", "check_labels", "check_sizes", "json_of", "told", "transformers_of"]

MOST_CLASSES = 100_000


def transformers_of() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            "folders of Hugging Face are read by transformers, which is not installed; say "
            "pip install 'xaikit[hf]'."
        ) from error
    return transformers


def check_files(folder: Path) -> None:
    """Weights in safetensors, nothing that leads out of the folder, and no second model inside."""
    names = [p.name for p in folder.iterdir()]
    inside = folder.resolve()
    blobs = inside.parent.parent / "blobs"  # where the cache of the hub keeps its files
    for name in names:
        real = (folder / name).resolve()
        if not (real.is_relative_to(inside) or real.parent == blobs):
            raise ModelError(
                f"'{folder / name}' leads out of its folder; put the file itself there."
            )
    if "adapter_config.json" in names:
        raise ModelError(
            f"'{folder}' holds an adapter, whose base model lies elsewhere; merge them with "
            "merge_and_unload(), save the result and give that folder."
        )
    if not any(name.endswith(".safetensors") for name in names):
        held = next(
            (n for n in names if n.endswith((".bin", ".pt", ".pth", ".h5", ".msgpack"))), ""
        )
        raise ModelError(
            f"'{folder}' has no weights in safetensors{f' but {short(held)!r}, which is not read' if held else ''}; "
            "load the model where you trust it and say model.save_pretrained(folder)."
        )
    if "model.safetensors.index.json" in names:
        parts = json_of(folder, "model.safetensors.index.json").get("weight_map")
        for name in set(parts.values() if isinstance(parts, dict) else [""]):
            if name not in names:
                raise ModelError(
                    f"'{folder / 'model.safetensors.index.json'}' names the part {short(repr(name))}, which "
                    "is not in the folder; copy the whole folder again."
                )


def json_of(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise ModelError(f"'{folder}' has no {name}; give a folder that save_pretrained wrote.")
    found = read_json(path, Origin(f"'{path}'", ModelError, "save the model again"))
    if not isinstance(found, dict):
        raise ModelError(f"'{path}' holds no JSON object; save the model again.")
    return found


def check_sizes(folder: Path, facts: Mapping[str, Any]) -> int:
    """No more layers than there are weights, before any is made; how many numbers the weights hold."""
    n, held = 0, 0
    for path in folder.glob("*.safetensors"):
        with foreign(f"safetensors, reading '{path}',"), safe_open(path, framework="pt") as file:
            names = list(file.keys())
            n += len(names)
            held += sum(math.prod(file.get_slice(name).get_shape()) for name in names)
    for name, value in facts.items():
        many = value if isinstance(value, list) and name == "depths" else [value]
        counts = name == "depths" or ("layer" in name and name != "max_window_layers")
        if counts and any(type(v) is int and v > n for v in many):
            raise ModelError(
                f"'{folder}': {short(name)} is {short(value)} and the folder holds {n} weights; the two do "
                "not belong together."
            )
    return held


def check_labels(folder: Path, facts: Mapping[str, Any]) -> None:
    """One name for each class from 0, and no more classes than people tell apart."""
    n, named = facts.get("num_labels", 1), facts.get("id2label")
    if type(n) is not int or not 0 < n <= MOST_CLASSES:
        raise ModelError(
            f"'{folder}': num_labels is {short(n)}; give a whole number from 1 to {MOST_CLASSES} in its config.json."
        )
    if named is None:
        return
    ids = set(named) if isinstance(named, dict) else set()
    if ids != set(map(str, range(len(ids)))) or not 0 < len(ids) <= MOST_CLASSES:
        raise ModelError(
            f"'{folder}': id2label is {short(named)}; give each class from '0' its name in its config.json."
        )


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Inside, transformers is silent; what it raises names the folder."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with foreign(f"transformers, reading '{folder}',"):
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
