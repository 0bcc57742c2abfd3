"""A model in an .onnx file, asked through onnxruntime: it gives scores, and nothing of it is run but its graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.files import short
from xaikit.core.sample import MODALITIES
from xaikit.models.wrapping import wrap

__all__ = ["Graph", "load_onnx"]

Array = NDArray[Any]
TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
         "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8}  # fmt: skip
SCORES = ("tensor(float)", "tensor(double)", "tensor(float16)", "seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")  # fmt: skip
LAYOUTS = {("H", "W", "C"): ("BCHW", "BHWC"), ("L", "C"): ("BCL", "BLC")}


def load_onnx(
    path: str | Path,
    *,
    modality: str,
    id: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    layout: str | None = None,
    output: str | None = None,
    **facts: Any,
) -> Model:
    """The model of an .onnx file, of which only the scores are known; see `wrap` for the other facts.

    mean, std : subtracted and divided by, a channel or column each
    layout : "BCHW" or "BHWC" of pictures, "BCL" or "BLC" of series; told from the shapes when None
    output : the output that holds the scores; the first that can when None
    """
    graph = Graph(Path(path), modality, output, layout, mean, std)
    model = wrap(graph, modality=modality, id=id or Path(path).stem, **facts)
    model.info = {**model.info, "family": "onnx", "output": graph.output.name}
    return model


class Graph:
    """B samples in data space -> (B, K), by the graph of a file.

    A graph of a fixed number of rows is given so many at a time, the last ones repeated.
    """

    def __init__(
        self,
        path: Path,
        modality: str,
        output: str | None = None,
        layout: str | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        self.path, self.mean, self.std = path, mean, std
        self._kind = MODALITIES.get(modality)
        if self._kind.words:
            raise InvalidInput(
                f"'{path}' reads numbers and text is words; wrap a function of texts that encodes them "
                "and runs the graph."
            )
        self._session = _session(path)
        self.input = self._only_input()
        self.output = self._scores(output)
        self.layout = layout
        known = LAYOUTS.get(self._kind.axes, ())
        if layout is not None and layout not in known:
            raise InvalidInput(
                f"layout is {layout!r}; leave it out{' or use ' * bool(known)}{' or '.join(known)}."
            )

    def _only_input(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in TYPES:
            told = ", ".join(f"'{i.name}' {i.type}" for i in inputs) or "none"
            raise ModelError(
                f"'{self.path}' has the inputs {short(told, 300)} and one of numbers is read; wrap a function that "
                "gives it all that it reads."
            )
        return inputs[0]

    def _scores(self, wanted: str | None) -> Any:
        outputs = self._session.get_outputs()
        fit = [o for o in outputs if o.type in SCORES and wanted in (None, o.name)]
        if not fit:
            told = ", ".join(f"'{o.name}' {o.type}" for o in outputs)
            raise ModelError(
                f"'{self.path}' has the outputs {short(told, 300)} and "
                f"{'none' if wanted is None else repr(wanted) + ' is none that'} holds scores; name one "
                "with output=."
            )
        return fit[0]

    def __call__(self, xs: Any) -> Array:
        rows = self._encoded(np.asarray(xs))
        size = self.input.shape[0] if self.input.shape else None
        if not isinstance(size, int) or size == len(rows):
            return self._run(rows)
        parts = []
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            full = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
            parts.append(self._run(full)[: len(part)])
        return np.concatenate(parts)

    def _encoded(self, x: Array) -> Array:
        """In the graph's own layout and type."""
        x = x.astype(np.float64)
        x = x if self.mean is None else x - np.asarray(self.mean)
        x = x if self.std is None else x / np.asarray(self.std)
        if x.ndim == len(self.input.shape) + 1 and x.shape[-1] == 1:
            x = x[..., 0]  # series of one channel, by a graph that reads (B, L)
        elif x.ndim > 2 and self._channels_first(x.shape):
            x = np.moveaxis(x, -1, 1)
        return np.ascontiguousarray(x, dtype=TYPES[self.input.type])

    def _channels_first(self, shape: tuple[int, ...]) -> bool:
        """Whether samples (B, *places, C) are read as (B, C, *places)."""
        if self.layout is not None:
            return self.layout.startswith("BC")
        declared, n = list(self.input.shape), shape[-1]
        if len(declared) != len(shape) or declared[1] == declared[-1]:
            return self._kind.channels  # as nets of pictures are used to
        if declared[1] == n or declared[-1] == n:
            return bool(declared[1] == n)
        return self._kind.channels

    def _run(self, rows: Array) -> Array:
        try:
            (found,) = self._session.run([self.output.name], {self.input.name: rows})
        except Exception as error:
            raise ModelError(
                f"'{self.path}' fails on inputs of shape {rows.shape} ({_told(error)}); it reads "
                f"{self.input.shape}: check modality and layout."
            ) from error
        if isinstance(found, list):  # a label -> probability table for each row
            return np.array([[row[key] for key in sorted(row)] for row in found])
        return np.asarray(found, dtype=np.float64)


def _told(error: Exception) -> str:
    return short(" ".join(str(error).split()), 200)


def _session(path: Path) -> Any:
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError as error:
        raise ModelError(
            f"'{path}' is read by onnxruntime, which is not installed; pip install 'xaikit[onnx]'."
        ) from error
    if not path.is_file():
        raise ModelError(f"there is no file '{path}'; give the path of an .onnx file.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # the same bits whatever else runs
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(
            f"'{path}' is no graph that onnxruntime reads ({_told(error)}); export it again."
        ) from error
