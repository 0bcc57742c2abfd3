"""One model fitted on one fold: what it answers there, and what that cost."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.utils.validation import has_fit_parameter

from xaikit.core.abilities import Model
from xaikit.core.errors import ModelError
from xaikit.core.types import Floats
from xaikit.data.dataset import Dataset
from xaikit.modalities import background
from xaikit.models import train
from xaikit.models.reading import reading_of
from xaikit.models.sklearn import wrap_estimator
from xaikit.study.compare.families import Family

__all__ = ["Cost", "Teacher", "answers", "one_answer"]

WATTS = 10.0  # of one busy core, by which processor seconds become energy
ONES = 20  # rows that are answered one by one


@dataclass(frozen=True)
class Cost:
    """What a fit cost: seconds on the clock, processor seconds, and the highest memory above that before
    (bytes; 0 where the system does not tell)."""

    seconds: float
    processor: float
    memory: int

    @property
    def joules(self) -> float:
        return WATTS * self.processor


@dataclass(frozen=True)
class Teacher:
    """Fits any family in the one way of a comparison.

    Nets learn from `train` and stop by `val`; what needs no stopping learns from both, so that all see
    the same rows.
    """

    device: str = "cpu"
    balanced: bool = False

    def __call__(
        self, family: Family, data: Dataset, seed: int, **params: Any
    ) -> tuple[Model, Cost]:
        with _Meter() as meter:
            fit = self._net if family.net else self._estimator
            model = fit(family, data, seed, params)
        return model, meter.cost

    def _net(self, family: Family, data: Dataset, seed: int, params: dict[str, Any]) -> Model:
        settings = {**family.params, **params}
        return train(
            family.of or family.name,
            data,
            seed=seed,
            device=self.device,
            balanced=self.balanced,
            progress=False,
            **settings,
        )

    def _estimator(self, family: Family, data: Dataset, seed: int, params: dict[str, Any]) -> Model:
        data = replace(data, train=(*data.train, *data.val))
        pipeline = family.pipeline(data, seed, params)
        weights = {}
        if self.balanced:
            if not has_fit_parameter(pipeline[-1], "sample_weight"):
                raise ModelError(
                    f"'{family.name}' cannot weigh classes; leave it out of the models, or leave balanced out."
                )
            each = data.class_weights[data.labels("train")]
            weights = {f"{pipeline.steps[-1][0]}__sample_weight": each}
        xs = reading_of(data.modality).stacked(data.inputs("train"))
        try:
            pipeline.fit(xs, data.labels("train"), **weights)
        except ModelError:
            raise
        except ValueError as error:  # how scikit-learn refuses parameters and data
            raise ModelError(
                f"'{family.name}' cannot be fitted on '{data.name}': {error}"
            ) from error
        return wrap_estimator(
            pipeline,
            id=f"{data.name}-{family.name}",
            modality=data.modality,
            classes=data.classes,
            background=background(data),
            info={
                "family": "sklearn",
                "architecture": family.name,
                "columns": [vars(column) for column in data.columns],
            },
        )


def answers(model: Model, xs: list[NDArray[Any]]) -> Floats:
    """(N, K) probabilities, or (N, 1) values."""
    scores = model.scores(xs)
    return np.asarray(softmax(scores, axis=1)) if model.classes else scores


def one_answer(model: Model, xs: list[NDArray[Any]]) -> float:
    """Seconds of one row asked alone, the median of 20."""
    model.scores(xs[:1])
    taken = []
    for x in xs[:ONES]:
        start = time.perf_counter()
        model.scores([x])
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


class _Meter:
    """`with _Meter() as meter`: then `meter.cost`."""

    cost: Cost

    def __enter__(self) -> _Meter:
        self._before = self._most = _resident()
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds, processor = (
            time.perf_counter() - self._start[0],
            time.process_time() - self._start[1],
        )
        self._done.set()
        self._watch.join()
        self.cost = Cost(seconds, processor, max(0, self._most - self._before))

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self._most = max(self._most, _resident())


def _resident() -> int:
    """Bytes of memory that this process holds, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
    except OSError:
        return 0
