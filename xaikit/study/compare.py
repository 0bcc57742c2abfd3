"""Machine learning against deep learning on one split: how good, how honest, how dear, and why.

Every model is trained on the same rows with the same weights, tested on the same rows, and asked the
same questions: same features, same removal, same class, same unit. An answer that never looks at the
input is measured beside them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput
from xaikit.core.finding import Finding
from xaikit.core.progress import Progress
from xaikit.core.sample import MODALITIES
from xaikit.core.stats import bootstrap_interval, spearman, wilson
from xaikit.core.types import Explanation, Floats, Sample, Space
from xaikit.data.dataset import Dataset
from xaikit.methods.base import ask, make_method
from xaikit.models import train
from xaikit.models.reading import reading_of
from xaikit.study.context import environment
from xaikit.study.plan import Plan, make_question
from xaikit.study.quality import blind, interval, paired, per_row
from xaikit.tasks import task_of

__all__ = ["compare"]

N_BINS = 8
N_FEATURES_SHOWN = 10
SIZES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A trained model, the same trained with another seed, and their answers on the test rows."""

    name: str
    model: Model
    twin: Model
    outputs: Floats  # (N, K) probabilities, or (N, 1) values
    quality: Floats  # (N,) per test row: its mean is the accuracy, or R2
    seconds: float  # of one answer


def compare(
    data: Dataset,
    *,
    models: str | Sequence[str] = "auto",
    n: int = 24,
    seed: int = 0,
    device: str = "auto",
    learning: bool | None = None,
    balanced: bool = False,
    draw: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """What sets the models apart, as the dict described in `report/comparison.py`.

    models : names from the zoo; the first is what the others are held against
    n : test samples to explain, the first in their order
    learning : also train on smaller shares of the data; by default for small tables only
    balanced : every class weighs the same in training, for all models alike
    draw : explain n test samples drawn at random by the seed instead

    The first of "models" is no model: it says the most frequent class of the training rows, or their
    mean, whatever the input. "against_baseline" holds every model against it.

    >>> found = compare(data, models="logistic,forest", n=2, learning=False)
    >>> [row["id"] for row in found["models"]]
    ['majority', 'logistic', 'forest']
    """
    names = _names(data, models)
    if learning is None:
        learning = MODALITIES.get(data.modality).tabular and len(data.train) <= 2000
    steps = 2 * len(names) + len(names) * 2 + (len(names) * len(SIZES) if learning else 0)
    with Progress(steps, f"comparing {len(names)} models", show=progress) as bar:
        teach = _Teacher(seed, device, balanced)
        fitted = [_fit(name, data, teach, bar.tick) for name in names]
        samples = data.take(n, seed if draw else None)
        space = _shared_space(fitted)
        asked = {f.name: _explain(f, samples, space, seed, bar.tick) for f in fitted}
        curves = _learning(names, data, teach, bar.tick) if learning else []
    base, known = fitted[0], _baseline(data)
    return {
        "title": _title(fitted),
        "metric": "accuracy" if data.classes else "r2",
        "data": _studied(data),
        "protocol": _told("compare.protocol.split"),
        "protocol_detail": _protocol(seed, balanced, draw, len(samples), len(data.test)),
        "weights": "balanced" if balanced else "none",
        "models": [known["entry"], *(_entry(f, data, asked[f.name][0]) for f in fitted)],
        "pairs": [_pair(base.name, base.quality, other) for other in fitted[1:]],
        "against_baseline": [_pair(known["entry"]["id"], known["quality"], f) for f in fitted],
        "learning": curves,
        "evidence": _evidence(fitted, asked),
        "agreement": _agreement(fitted, asked),
        "environment": environment()["versions"],
        "created": environment()["created"],
    }


def _names(data: Dataset, models: str | Sequence[str]) -> list[str]:
    if models == "auto":
        chosen = reading_of(data.modality).compared
        return [m for m in chosen if data.classes or m != "logistic"]
    names = [m.strip() for m in models.split(",")] if isinstance(models, str) else list(models)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InvalidInput(
            f"'{', '.join(names)}' is no comparison; name two different models or more."
        )
    return names


@dataclass(frozen=True)
class _Teacher:
    """Trains any model in the one way of a comparison."""

    seed: int
    device: str
    balanced: bool

    def __call__(self, name: str, data: Dataset, draw: int = 0) -> Model:
        """draw : 0 for the model itself, 1 for its twin, and so on: as many seeds further"""
        return train(
            name,
            data,
            seed=self.seed + draw,
            device=self.device,
            balanced=self.balanced,
            progress=False,
        )


def _fit(name: str, data: Dataset, teach: _Teacher, tick: Callable[[int], None]) -> _Fitted:
    model = teach(name, data)
    tick(1)
    twin = teach(name, data, 1)
    tick(1)
    xs = data.inputs("test")
    start = time.perf_counter()
    scores = model.scores(xs)
    seconds = (time.perf_counter() - start) / len(xs)
    outputs = np.asarray(softmax(scores, axis=1)) if data.classes else scores
    return _Fitted(name, model, twin, outputs, per_row(outputs, data), seconds)


def _told(key: str, **numbers: Any) -> dict[str, Any]:
    """A finding as JSON keeps it."""
    return asdict(Finding(key, numbers))


def _protocol(seed: int, balanced: bool, draw: bool, n: int, of: int) -> dict[str, Any]:
    """How the models were trained and which samples are explained."""
    weights = _told(f"compare.protocol.{'balanced' if balanced else 'none'}")
    how = "all" if n >= of else "drawn" if draw else "first"
    return _told(f"compare.protocol.{how}", seed=seed, weights=weights, n=n, of=of)


def _baseline(data: Dataset) -> dict[str, Any]:
    """The row of the answer that never looks at the input, and its quality (N,)."""
    says, outputs = blind(data)
    quality = per_row(outputs, data)
    entry: dict[str, Any] = {
        "id": "majority" if data.classes else "mean",
        "says": says,
        "family": "baseline",
        "accuracy": float(quality.mean()),
        "interval": interval(quality, data),
    }
    if data.classes:
        entry["correct"] = int(quality.sum())
    return {"entry": entry, "quality": quality}


def _explain(
    fitted: _Fitted,
    samples: Sequence[Sample],
    space: Space,
    seed: int,
    tick: Callable[[int], None],
) -> tuple[Sequence[Explanation], Sequence[Explanation]]:
    """SHAP of the model and of its twin, for the true class, in the unit that all models share."""
    task = task_of(fitted.model)
    targets = [task.target(task.named("label", s), space) for s in samples]
    found = []
    for model in (fitted.model, fitted.twin):
        every = samples[0].kind.segmenters[0]  # however many: the same for both models
        questions = [
            make_question(model, s, Plan(target=t, features=every))
            for s, t in zip(samples, targets, strict=True)
        ]
        found.append(ask(make_method("shap"), questions, seed=seed))
        tick(1)
    return found[0], found[1]


def _shared_space(fitted: Sequence[_Fitted]) -> Space:
    """Log-odds, unless a model only has coarse probabilities, whose log-odds are mostly clipped."""
    spaces: set[Space] = {f.model.space for f in fitted}
    return "value" if "value" in spaces else "prob" if "prob" in spaces else "logit"


def _entry(fitted: _Fitted, data: Dataset, explained: Sequence[Explanation]) -> dict[str, Any]:
    info = fitted.model.info
    family = "ml" if info.get("family") == "sklearn" else "dl"
    entry: dict[str, Any] = {
        "id": fitted.name,
        "title": fitted.name,
        "family": family,
        "detail": _told("compare.learned", n=int(info.get("n_parameters", 0))),
        "accuracy": float(fitted.quality.mean()),
        "interval": interval(fitted.quality, data),
        "fit_seconds": float(info.get("fit_seconds", 0.0)),
        "predict_ms": 1000 * fitted.seconds,
        "bytes": int(info.get("bytes", 0)),
        "n_parameters": int(info.get("n_parameters", 0)),
        "explained": {
            "method": "SHAP",
            "calls": int(np.mean([e.cost.asked for e in explained])),
            "seconds": float(np.mean([e.cost.seconds for e in explained])),
        },
    }
    if data.classes:
        entry["correct"] = int(fitted.quality.sum())
        entry["calibration"], entry["ece"] = _calibration(fitted.outputs, data.labels("test"))
    return entry


def _calibration(p: Floats, labels: NDArray[Any]) -> tuple[list[dict[str, Any]], float]:
    """Stated probability against the share that was right, in groups of equal size, and the ECE.

    Two classes: the probability of the second. More: of the class that was chosen.
    """
    if p.shape[1] == 2:
        stated, right = p[:, 1], labels == 1
    else:
        stated, right = p.max(axis=1), p.argmax(axis=1) == labels
    bins, gap = [], 0.0
    for group in np.array_split(np.argsort(stated, kind="stable"), min(N_BINS, len(stated))):
        mean, share = float(stated[group].mean()), float(right[group].mean())
        low, high = wilson(int(right[group].sum()), len(group))
        bins.append({"p": mean, "observed": share, "lo": low, "hi": high, "n": len(group)})
        gap += abs(mean - share) * len(group) / len(stated)
    return bins, gap


def _pair(base: str, quality: Floats, other: _Fitted) -> dict[str, Any]:
    return {"a": base, "b": other.name, **paired(quality, other.quality)}


def _learning(
    names: Sequence[str], data: Dataset, teach: _Teacher, tick: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Quality by number of training rows, on the same test rows: mean and extremes of 3 draws."""
    curves = []
    for name in names:
        points = []
        for share in SIZES:
            values = []
            for draw in range(1 if share == 1.0 else 3):
                part = _subset(data, share, teach.seed + draw)
                scores = teach(name, part, draw).scores(data.inputs("test"))
                values.append(float(per_row(scores, data).mean()))
            points.append(
                {
                    "n": len(part.train),
                    "value": float(np.mean(values)),
                    "low": min(values),
                    "high": max(values),
                }
            )
            tick(1)
        curves.append({"model": name, "points": points})
    return curves


def _subset(data: Dataset, share: float, seed: int) -> Dataset:
    """The data set with a share of its training rows, every class kept."""
    if share == 1.0:
        return data
    order = np.random.default_rng(seed).permutation(len(data.train))
    if data.classes:  # two of every class first, whatever the share
        labels = data.labels("train")[order]
        first = np.concatenate([np.flatnonzero(labels == c)[:2] for c in np.unique(labels)])
        order = np.concatenate([order[first], np.delete(order, first)])
    kept = order[: max(int(share * len(order)), 4 * max(len(data.classes), 2))]
    return replace(data, train=tuple(data.train[i] for i in np.sort(kept)))


def _evidence(fitted: Sequence[_Fitted], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Share of all |SHAP| on each feature, where the samples share their features."""
    first, explained = asked[fitted[0].name][0], MODALITIES.get(fitted[0].model.modality)
    names = first[0].names
    if any(e.names != names for e in first) or explained.words:
        return {}
    shares = {}
    for f in fitted:
        total = np.mean([np.abs(e.values) for e in asked[f.name][0]], axis=0)
        shares[f.name] = total / max(total.sum(), np.finfo(float).tiny)
    order = np.argsort(-np.max(list(shares.values()), axis=0), kind="stable")[:N_FEATURES_SHOWN]
    return {
        "method": "SHAP",
        "unit": first[0].unit,
        "n_features": len(names),
        "rows": [
            {"feature": names[i], "shares": {k: float(v[i]) for k, v in shares.items()}}
            for i in order
        ],
    }


def _agreement(fitted: Sequence[_Fitted], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rank agreement of |SHAP|: each model with its twin (the ceiling), then with the first."""
    rows = []
    for f in fitted:
        mine, twin = asked[f.name]
        fixed = all(np.array_equal(a.values, b.values) for a, b in zip(mine, twin, strict=True))
        note = _told("compare.agree.fixed") if fixed else ""
        rows.append(_agree(f.name, f.name, mine, twin, note))
    base = fitted[0].name
    rows += [_agree(base, f.name, asked[base][0], asked[f.name][0], "") for f in fitted[1:]]
    return rows


def _agree(
    a: str, b: str, left: Sequence[Explanation], right: Sequence[Explanation], note: Any
) -> dict[str, Any]:
    values = [
        spearman(np.abs(x.values), np.abs(y.values)) for x, y in zip(left, right, strict=True)
    ]
    row: dict[str, Any] = {"a": a, "b": b, "value": float(np.mean(values)), "note": note}
    bounds = bootstrap_interval(values)
    return row | ({"interval": bounds} if bounds else {})


def _title(fitted: Sequence[_Fitted]) -> dict[str, Any]:
    nets = [f.name for f in fitted if f.model.info.get("family") != "sklearn"]
    others = [f.name for f in fitted if f.model.info.get("family") == "sklearn"]
    if nets and others:
        return _told("compare.title", net=nets[0], other=others[0])
    return _told("compare.title.several", names=[f.name for f in fitted])


def _studied(data: Dataset) -> dict[str, Any]:
    return {
        "name": data.name,
        "modality": data.modality,
        "source": data.source,
        "n_train": len(data.train),
        "n_test": len(data.test),
        "n_features": len(data.columns) if MODALITIES.get(data.modality).tabular else 0,
    }
