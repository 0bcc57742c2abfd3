"""Series with a number as label: whether the part that decides it is named; see `benchmarks.tasks`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
from xaikit.core.types import Explanation, Sample
from xaikit.data.pulses import make_pulses
from xaikit.models.baselines import baselines_of
from xaikit.tasks import Regression

__all__ = ["series_regression"]


@part
def series_regression(asked: Asked) -> Iterator[Line]:
    """The area of a hump is the value, a block means nothing; in the twin it is the other way round."""
    task = Regression()
    for planted, bars in (("hump", (">= .9", "")), ("block", ("", "<= .05"))):
        data = make_pulses(asked.seed, asked.n(2400, 200), planted)  # type: ignore[arg-type]
        model, seconds = trained("fcn_1d", data, asked)
        test = model.info["metrics"]["test"]
        yield Line(f"{planted}: R2 of fcn_1d", "", [test["r2"]], test["interval"])
        yield Line(f"{planted}: seconds of a core to train", "", [seconds])
        labels = [s.label for s in data.test]
        for name, scores in baselines_of(data).items():
            yield Line(f"{planted}: R2 of {name}", "", [task.measures(scores, labels)["r2"]])
        samples = data.test[: asked.n(60, 3)]
        found = xaikit.explain(model, samples, "shap", seed=asked.seed)
        rows = [_hump(s, e, planted) for s, e in zip(samples, found, strict=True)]
        first, share = np.array(rows).T
        yield Line(
            f"{planted}: the strongest window is in the hump", bars[0] or bars[1], first.tolist()
        )
        yield Line(f"{planted}: share of the evidence in the hump", "", share.tolist())


def _hump(sample: Sample, e: Explanation, planted: str) -> tuple[float, float]:
    """Whether the strongest window touches the hump, and the share of |values| of those that do."""
    where = np.asarray(sample.rationale, dtype=float)
    if planted == "block":
        first, end = sample.meta["decoy"]
        where = ((np.arange(len(where)) >= first) & (np.arange(len(where)) < end)).astype(float)[
            :, None
        ]
    touched = e.segmentation.pool(where, "sum") > 0
    size = np.abs(e.values)
    return float(touched[size.argmax()]), float(size[touched].sum() / size.sum())
