"""A block of explanations as one file: `.npz`, or a table for other programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.files import Origin, parse_json, read_arrays, short, write_arrays
from xaikit.core.folders import write_file
from xaikit.core.many import Same, stacked
from xaikit.core.target import Target, Targets
from xaikit.core.typed import build, plain
from xaikit.core.types import PerSample, Segmentation

__all__ = ["from_plain", "load_explanations", "pack", "save_explanations", "to_plain", "unpack"]

FORMAT = 1
_PLAIN = ("method", "model_id", "additive", "unit", "seed")
Arrays = Mapping[str, NDArray[Any]]


def save_explanations(block: Any, path: str | Path, force: bool = False) -> Path:
    """Write a block, at once or not at all; an existing file stays unless `force`.

    path : .npz, which `load_explanations` reads: values, standard errors, ends, targets and features,
        without maps before pooling, costs and extras; or .parquet, a table of the values for other
        programs, which needs pyarrow
    """
    path = Path(path)
    if path.suffix == ".npz":
        return write_file(path, lambda to: write_arrays(to, pack(block)), force)
    if path.suffix == ".parquet":
        return write_file(path, lambda to: _write_table(block, to), force)
    raise InvalidInput(
        f"'{path}' ends with '{path.suffix}'; name it .npz or .parquet, or .png, .svg or .html for a "
        "picture."
    )


def load_explanations(path: str | Path) -> dict[str, Any]:
    """The fields of the block in a file that `save_explanations` wrote; `DataError` says what is wrong."""
    path = Path(path)
    origin = Origin(f"'{path}'", DataError, "save the explanations again")
    if path.suffix == ".parquet":
        raise InvalidInput(
            f"'{path}' is a table for other programs; read it with pandas.read_parquet, and save as "
            ".npz what is to be loaded."
        )
    return unpack(read_arrays(path, origin), origin)


def unpack(arrays: Arrays, origin: Origin) -> dict[str, Any]:
    """The fields of the block that `pack` took apart; the origin's error says what is wrong."""
    return _read(lambda: (parse_json(str(arrays["about"]), origin), arrays), origin)


def to_plain(block: Any) -> dict[str, Any]:
    """What `save_explanations` writes, JSON-able; arrays are lists."""
    arrays = pack(block)
    return {"about": json.loads(str(arrays.pop("about"))), **plain(arrays)}


def from_plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the block that `to_plain` took apart; `DataError` says what is wrong."""
    origin = Origin("this dict", DataError, "give what to_json() gave")

    def parts() -> tuple[Any, Arrays]:
        return record["about"], {k: np.array(v) for k, v in record.items() if k != "about"}

    return _read(parts, origin)


def _read(parts: Callable[[], tuple[Any, Arrays]], origin: Origin) -> dict[str, Any]:
    try:
        record, arrays = parts()
        if record["format"] != FORMAT:
            raise origin.wrong(f"has format {short(record['format'])} and {FORMAT} is read")
        _check(arrays, len(record["targets"]))
        return _restored(record, arrays)
    except (KeyError, IndexError, OverflowError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise origin.wrong(f"holds no explanations ({short(error)})") from error


_KINDS = {
    **dict.fromkeys(("values", "output", "empty", "std"), "fi"),
    **dict.fromkeys(("target", "cut", "places", "converged"), "i"),
    **dict.fromkeys(("maskers", "notes", "target_names"), "i"),
    "samples": "U",
    "drawn": "b",
}
"""Type of each array by NumPy's letter, as a file must hold it."""


def _check(arrays: Arrays, n_targets: int) -> None:
    """`ValueError` for arrays of other types than were written, and targets that are none."""
    for name, kinds in _KINDS.items():
        held = arrays.get(name)
        if held is not None and (held.ndim != 1 or held.dtype.kind not in kinds):
            raise ValueError(f"{name} of type {held.dtype} and shape {held.shape}")
    if not all(np.isfinite(arrays[name]).all() for name in ("output", "empty")):
        raise ValueError("outputs that are no numbers")
    if not ((arrays["target"] >= 0) & (arrays["target"] < n_targets)).all():
        raise ValueError(f"targets beyond the {n_targets} that it names")


def _about(block: Any) -> dict[str, Any]:
    """What all rows have in common, JSON-able."""
    return {
        "format": FORMAT,
        **{name: getattr(block, name) for name in _PLAIN},
        "params": {k: v if _is_plain(v) else str(v) for k, v in block.params.items()},
        "versions": dict(block.versions),
        "targets": [dataclasses.asdict(target) for target in block.targets.distinct],
    }


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _cuts(block: Any) -> tuple[list[Segmentation], NDArray[np.int64]]:
    """The different segmentations, and (N,) which one each sample has."""
    if isinstance(block.segmentations, Same):
        return [block.segmentations[0]], np.zeros(len(block), dtype=np.int64)
    places: dict[int, int] = {}
    distinct: list[Segmentation] = []
    for cut in block.segmentations:
        if id(cut) not in places:
            places[id(cut)] = len(distinct)
            distinct.append(cut)
    return distinct, np.array([places[id(cut)] for cut in block.segmentations], dtype=np.int64)


def _coded(items: Sequence[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """The different items, and (N,) which one each row has."""
    if isinstance(items, Same):
        return [items.thing], np.zeros(len(items), dtype=np.int64)
    places = {item: i for i, item in enumerate(dict.fromkeys(items))}
    return list(places), np.array([places[item] for item in items], dtype=np.int64)


def pack(block: Any) -> dict[str, NDArray[Any]]:
    """What a file of a block holds: arrays by name, one of them JSON."""
    cuts, which = _cuts(block)
    about = _about(block) | {
        "cuts": [{"names": cut.names, "source": cut.source, "shape": cut.ids.shape} for cut in cuts]
    }
    found: dict[str, NDArray[Any]] = {
        "values": _flat(block.rows),
        "output": np.asarray(block.output),
        "empty": np.asarray(block.empty),
        "samples": np.array(list(block.sample_ids), dtype=np.str_),
        "target": block.targets.which,
        "cut": which,
        "places": np.concatenate([cut.ids.ravel() for cut in cuts]),
        "drawn": np.array(list(block.drawn), dtype=bool),
        "converged": np.array([-1 if c is None else int(c) for c in block.converged]),
    }
    if block.std is not None:
        found["std"] = _flat(block.std)
    for name in ("maskers", "notes", "target_names"):
        about[name], found[name] = _coded(getattr(block, name))
    return {**found, "about": np.array(json.dumps(about, ensure_ascii=False))}


def _flat(rows: PerSample) -> NDArray[np.float64]:
    return rows.ravel() if isinstance(rows, np.ndarray) else np.concatenate(list(rows))


def _restored(record: Mapping[str, Any], arrays: Arrays) -> dict[str, Any]:
    cuts, start = [], 0
    for cut in record["cuts"]:
        size = math.prod(map(int, cut["shape"]))
        ids = arrays["places"][start : start + size].reshape(cut["shape"])
        cuts.append(Segmentation(ids, tuple(map(str, cut["names"])), str(cut["source"])))
        start += size
    n = len(arrays["samples"])
    which = arrays["cut"].astype(np.int64)
    each: Any = [cuts[i] for i in which.tolist()] if len(cuts) > 1 else Same(cuts[0], n)
    targets = tuple(build(Target, target) for target in record["targets"])
    std = arrays.get("std")
    return dict(
        rows=_rows(arrays["values"], each),
        std=None if std is None else _rows(std, each),
        sample_ids=arrays["samples"].tolist(),
        targets=Targets(targets, arrays["target"].astype(np.int64)),
        segmentations=each,
        maskers=[str(record["maskers"][i]) for i in arrays["maskers"].tolist()],
        output=arrays["output"].astype(np.float64),
        empty=arrays["empty"].astype(np.float64),
        converged=[None if c < 0 else bool(c) for c in arrays["converged"].tolist()],
        notes=[str(record["notes"][i]) for i in arrays["notes"].tolist()],
        target_names=_names(record, arrays),
        drawn=arrays["drawn"].astype(bool).tolist(),
        params=dict(record["params"]),
        versions=dict(record["versions"]),
        **{name: record[name] for name in _PLAIN},
    )


def _names(record: Mapping[str, Any], arrays: Arrays) -> list[tuple[str, ...]]:
    """What the explained outputs are called; nobody knows it of older files."""
    if "target_names" not in record:
        return []
    return [tuple(map(str, record["target_names"][i])) for i in arrays["target_names"].tolist()]


def _rows(flat: NDArray[Any], cuts: Sequence[Segmentation]) -> Any:
    ends = np.cumsum([cut.n_features for cut in cuts])
    if len(flat) != (ends[-1] if len(ends) else 0):
        raise ValueError(f"{len(flat)} values for {ends[-1]} features")
    return stacked(np.split(flat.astype(np.float64), ends[:-1]))


def _write_table(block: Any, path: Path) -> None:
    """A row a sample and a column a feature, or a row for each feature of each sample."""
    frame = block.to_frame()
    if "sample" not in frame.columns:
        frame = frame.rename_axis("sample").reset_index()
        frame.insert(1, "output", np.asarray(block.output))
        frame.insert(2, "empty", np.asarray(block.empty))
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        raise InvalidInput(
            "Parquet files need pyarrow; install it (pip install 'xaikit[parquet]'), or name the "
            "file .npz."
        ) from error
