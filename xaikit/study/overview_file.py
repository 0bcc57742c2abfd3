"""An overview as the arrays of one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.explanations import Explanations
from xaikit.core.explanations_file import pack, unpack
from xaikit.core.files import Origin, parse_json, short
from xaikit.core.sample import restored_label, stored_label
from xaikit.core.typed import fits, plain
from xaikit.judge.overview import Overview

__all__ = ["pack_overview", "unpack_overview"]

Arrays = Mapping[str, NDArray[Any]]
_OF = "explanations-"  # begins the names of their arrays
_WORDS = ("modality", "classes", "task", "of", "columns", "groups", "ids")


def pack_overview(overview: Overview) -> dict[str, NDArray[Any]]:
    """Arrays by name; words and labels are JSON in one of them."""
    about = {name: getattr(overview, name) for name in _WORDS}
    labels = [stored_label(y) for y in overview.labels]
    known = [inside for inside in overview.rationales if inside is not None]
    text = json.dumps(plain({**about, "labels": labels, "facts": list(overview.facts)}))
    return {
        "about": np.array(text),
        "predictions": overview.predictions,
        "facts": np.array(list(overview.facts.values())).reshape(
            len(overview.facts), len(overview)
        ),
        "inputs": np.concatenate([x.ravel() for x in overview.inputs] or [np.zeros(0)]),
        "shapes": np.array([x.shape for x in overview.inputs], dtype=np.int64),
        "marked": np.array([inside is not None for inside in overview.rationales]),
        "inside": np.packbits(np.concatenate([m.ravel() for m in known] or [np.zeros(0, bool)])),
        **{_OF + name: array for name, array in pack(overview.explanations).items()},
    }


def unpack_overview(arrays: Arrays, origin: Origin) -> Overview:
    """What `pack_overview` took apart; the origin's error where it is none."""
    try:
        about = parse_json(str(arrays["about"]), origin)
        return _restored(about, arrays, origin)
    except (KeyError, IndexError, OverflowError, TypeError, ValueError) as error:
        if isinstance(error, origin.error):
            raise
        raise origin.wrong(f"holds no overview ({short(error)})") from error


def _restored(about: Any, arrays: Arrays, origin: Origin) -> Overview:
    held = {n.removeprefix(_OF): a for n, a in arrays.items() if n.startswith(_OF)}
    block = Explanations(**unpack(held, origin))
    named = dict(zip(about["facts"], arrays["facts"], strict=True))
    if not fits(about["groups"], dict[str, list[str]]):
        raise ValueError("groups that are no words")
    return Overview(
        ids=tuple(map(str, about["ids"])),
        predictions=arrays["predictions"].astype(np.float64),
        labels=tuple(restored_label(y) for y in about["labels"]),
        explanations=block,
        inputs=_split(arrays["inputs"], arrays["shapes"]),
        rationales=_rationales(arrays["marked"], arrays["inside"], block),
        facts={str(name): values.astype(np.float64) for name, values in named.items()},
        groups={key: tuple(words) for key, words in about["groups"].items()},
        columns=tuple(map(str, about["columns"])),
        modality=str(about["modality"]),
        classes=tuple(map(str, about["classes"])),
        task=str(about["task"]),
        of=int(about["of"]),
    )


def _split(flat: NDArray[Any], shapes: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The arrays that lie one after the other."""
    if shapes.size == 0:
        return ()
    if shapes.ndim != 2 or shapes.dtype.kind != "i" or flat.ndim != 1 or (shapes < 0).any():
        raise ValueError(f"inputs of shapes {shapes.shape}")
    ends = np.cumsum(shapes.prod(axis=1))
    if ends[-1] != len(flat):
        raise ValueError(f"{len(flat)} numbers for inputs of {ends[-1]}")
    parts = np.split(flat, ends[:-1])
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes.tolist(), strict=True))


def _rationales(
    marked: NDArray[Any], inside: NDArray[Any], block: Explanations
) -> tuple[NDArray[np.bool_] | None, ...]:
    if marked.dtype != bool or marked.shape != (len(block),) or inside.dtype != np.uint8:
        raise ValueError(f"places of type {inside.dtype} for {marked.size} samples")
    grids = [block.segmentations[i].ids.shape for i in np.flatnonzero(marked).tolist()]
    size = int(sum(np.prod(grid) for grid in grids))
    bits = np.unpackbits(inside.ravel())[:size].astype(bool)
    shapes = np.array(grids, dtype=np.int64)
    parts = iter(_split(bits, shapes) if grids else ())
    return tuple(next(parts) if is_marked else None for is_marked in marked)
