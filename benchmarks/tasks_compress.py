"""Whether smaller twins of a net look at the same things, beside another seed, the estimate's own repeat and an
untrained net; see `benchmarks.tasks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from scipy.stats import spearmanr

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
from xaikit.core.types import Explanation, Sample
from xaikit.methods.shap import Shap
from xaikit.models import evaluate
from xaikit.models.compress import pruned, quantised

__all__ = ["compress"]

TEACHER = {"width": 8, "hidden": 64}
STUDENT = {"width": 2, "hidden": 16}
BUDGET = 1000  # evaluations a picture


@part
def compress(asked: Asked) -> Iterator[Line]:
    """Digits: a teacher, its int8 and pruned twins, a second seed, students with and without a teacher."""
    data = xaikit.load_data(str(asked.files.get("mnist", "digits")))
    if asked.quick:
        data = replace(data, train=data.train[:200], val=data.val[:50], test=data.test[:50])
    teacher, _ = trained("lenet", data, asked, **TEACHER)
    other, _ = trained("lenet", data, replace(asked, seed=asked.seed + 100), **TEACHER)
    untrained = xaikit.train(
        "lenet", data, epochs=0, seed=asked.seed + 200, progress=False, **TEACHER
    )
    alone, _ = trained("lenet", data, asked, **STUDENT)
    taught, _ = trained("lenet", data, asked, **STUDENT, teacher=teacher)
    twins = {
        "int8": quantised(teacher),
        "half pruned": pruned(teacher, 0.5),
        "90 % pruned": pruned(teacher, 0.9),
    }
    nets = {**twins, "another seed": other, "student, distilled": taught, "student alone": alone}
    right = {name: _accuracy(net, data) for name, net in {"teacher": teacher, **nets}.items()}
    for name, share in right.items():
        yield Line(f"{name}: accuracy", "", [share])
    yield Line("int8: points lost", "<= .5", [100 * (right["teacher"] - right["int8"])])
    samples = data.test[: asked.n(40, 3)]
    own = _explained(teacher, samples, asked.seed)
    bars = {"int8": ">= .97", "untrained": "<= .1"}
    again = _agreements(own, _explained(teacher, samples, asked.seed + 1), samples)
    yield Line("rank agreement with the teacher: its own repeat", "", again)
    for name, net in {**nets, "untrained": untrained}.items():
        found = _agreements(own, _explained(net, samples, asked.seed), samples)
        yield Line(f"rank agreement with the teacher: {name}", bars.get(name, ""), found)


def _accuracy(model: Any, data: Any) -> float:
    return float(evaluate(model, data)["accuracy"])


def _explained(model: Any, samples: Sequence[Sample], seed: int) -> Sequence[Explanation]:
    """SHAP of the true class over 7 x 7 cells, which become black."""
    how: dict[str, Any] = {"features": "patches:7", "masker": "black", "target": "label"}
    return xaikit.explain(model, samples, Shap(budget=BUDGET), seed=seed, **how)


def _agreements(
    first: Sequence[Explanation], second: Sequence[Explanation], samples: Sequence[Sample]
) -> list[float]:
    """Spearman's over cells that hold ink: the others are black already, and worth nothing to any net."""
    found = []
    for a, b, sample in zip(first, second, samples, strict=True):
        ink = a.segmentation.pool(sample.x[..., 0] > 0, "sum") > 0
        found.append(float(spearmanr(a.values[ink], b.values[ink]).statistic))
    return found
