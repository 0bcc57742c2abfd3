"""Do both look at the same things? Same features, same removal, same target, for all models.

Every family is fitted three times: on 80 % of the training rows, on another 80 %, and with another seed
on the first. How far it agrees with itself is the floor that its agreement with others is read against.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.question import Question
from xaikit.core.sample import MODALITIES
from xaikit.core.stats import bootstrap_interval, pearson
from xaikit.core.types import Explanation, Floats, Ints, Sample, Space
from xaikit.methods.base import ask, make_method
from xaikit.study.compare.families import Family
from xaikit.study.compare.fitting import answers
from xaikit.study.compare.folds import Fold, Folds, spared
from xaikit.study.compare.outer import Outer
from xaikit.study.compare.together import together, used_together
from xaikit.study.plan import Plan, make_question
from xaikit.tasks import task_of

__all__ = ["Reasons", "reasons"]

SHARE = 0.8
STRONGEST = 6
MOST_SHOWN = 3
N_FEATURES_SHOWN = 10


@dataclass(frozen=True, eq=False)
class _Asked:
    """One fit of a family, asked about all samples."""

    model: Model
    told: Floats  # (n, K)
    explained: Sequence[Explanation]
    questions: Sequence[Question]

    @property
    def values(self) -> list[Floats]:
        return [e.values for e in self.explained]


@dataclass(frozen=True, eq=False)
class Reasons:
    """The explanations of each family: on 80 % of the rows, on another 80 %, with another seed."""

    samples: Sequence[Sample]
    asked: dict[str, tuple[_Asked, _Asked, _Asked]]
    space: Space

    def floors(self) -> list[dict[str, Any]]:
        """How far each family agrees with itself: trained on other rows, with another seed."""
        return [
            {
                "a": name,
                "b": name,
                "kind": kind,
                **_agreed([(first.values, other.values)]),
                "fixed": all(map(np.array_equal, first.values, other.values)),
            }
            for name, (first, rows, seed) in self.asked.items()
            for kind, other in (("rows", rows), ("seed", seed))
        ]

    def pairs(self) -> list[dict[str, Any]]:
        """How far two families agree, each trained on other rows than the other."""
        found = []
        for a, b in itertools.combinations(self.asked, 2):
            (a1, a2, _), (b1, b2, _) = self.asked[a], self.asked[b]
            both = [(a1.values, b2.values), (a2.values, b1.values)]
            found.append({"a": a, "b": b, "kind": "pair", **_agreed(both)})
        return found

    def shown(self, a: str, b: str) -> list[dict[str, Any]]:
        """Samples that the two answer differently, the wrong ones first, side by side; where there are
        none, the one whose reasons lie furthest apart."""
        one, two = self.asked[a][0], self.asked[b][0]
        order = sorted(range(len(self.samples)), key=lambda i: self._rank(one, two, i))
        differ = [i for i in order if _differ(one.told[i], two.told[i])]
        return [self._case(i, a, b) for i in (differ or order)[:MOST_SHOWN]]

    def _rank(self, one: _Asked, two: _Asked, i: int) -> tuple[int, float]:
        classed = one.told.shape[1] > 1
        wrong = [classed and t.told[i].argmax() != self.samples[i].label for t in (one, two)]
        return -sum(wrong), pearson(one.values[i], two.values[i])

    def _case(self, i: int, a: str, b: str) -> dict[str, Any]:
        sample, sides = self.samples[i], {name: self.asked[name][0] for name in (a, b)}
        names = sides[a].explained[i].names
        parts = {name: _shares(side.values[i]) for name, side in sides.items()}
        order = np.argsort(-np.max(np.abs(list(parts.values())), axis=0), kind="stable")
        rows = [_row(i, names[j], sample, j, parts) for j in order[:STRONGEST]]
        rest = {n: float(np.delete(v, order[:STRONGEST]).sum()) for n, v in parts.items()}
        classes = sides[a].model.classes
        return {
            "id": sample.id,
            "label": classes[int(sample.label)] if classes else float(sample.label),  # type: ignore[arg-type]
            "target": classes[sides[a].explained[i].target.index] if classes else "",
            "sides": [_side(n, s.told[i], classes, sample) for n, s in sides.items()],
            "differ": _differ(sides[a].told[i], sides[b].told[i]),
            "rows": rows,
            "rest": rest,
            "n_rest": max(0, len(names) - STRONGEST),
            **_drawn(sample, sides, i),
        }

    def evidence(self) -> dict[str, Any]:
        """Share of all evidence on each feature, where the samples share their features."""
        first = next(iter(self.asked.values()))[0].explained
        words = MODALITIES.get(self.samples[0].modality).inputs == "words"
        if words or any(e.names != first[0].names for e in first):
            return {}
        shares = {
            name: np.mean([np.abs(_shares(v)) for v in fits[0].values], axis=0)
            for name, fits in self.asked.items()
        }
        order = np.argsort(-np.max(list(shares.values()), axis=0), kind="stable")
        rows = [
            {"feature": first[0].names[i], "shares": {k: float(v[i]) for k, v in shares.items()}}
            for i in order[:N_FEATURES_SHOWN]
        ]
        return {"method": "SHAP", "n_features": len(first[0].names), "rows": rows}

    def together(self, a: str, b: str, seed: int) -> list[dict[str, Any]]:
        """The strongest pairs of features that either of two uses together."""
        used = {
            name: tuple(used_together(fit.questions, seed) for fit in self.asked[name][:2])
            for name in (a, b)
        }
        return together(a, b, used)  # type: ignore[arg-type] # two fits each


def reasons(outer: Outer, families: Sequence[Family], n: int, draw: bool) -> Reasons:
    """Explanations of n held-out rows of the first fold by every family."""
    fold = outer.splits[0, 0]
    data = outer.folds.dataset(fold)
    samples = data.take(n, outer.seed if draw else None)
    fits = {f.name: _fits(outer, f, fold) for f in families}
    models = [m for three in fits.values() for m in three]
    space = _shared_space(models)
    ground = next(iter(fits.values()))[0].background
    asked = {}
    for name, three in fits.items():
        asked[name] = tuple(_ask(m, samples, space, ground, outer.seed) for m in three)
        outer.tick(1)
    return Reasons(samples, asked, space)  # type: ignore[arg-type] # three of them


def _fits(outer: Outer, family: Family, fold: Fold) -> list[Model]:
    """The family on 80 % of the training rows, on another 80 %, and on the first with another seed."""
    rng = np.random.default_rng(outer.seed)
    n = len(fold.train)
    found = []
    draws = [_drawn_rows(rng.permutation(n), outer.folds, fold) for _ in range(2)]
    for kept, seed in ((draws[0], 0), (draws[1], 0), (draws[0], 1)):
        data = outer.folds.dataset(fold, kept)
        found.append(outer.teach(family, data, outer.seed + seed)[0])
    return found


def _drawn_rows(order: Ints, folds: Folds, fold: Fold) -> Ints:
    """The first 80 % of the training rows in a random order, and a row of each class that has none there."""
    left = np.isin(np.arange(len(order)), order[round(SHARE * len(order)) :])
    return np.flatnonzero(~(spared(left, folds.labels[fold.train]) if folds.classed else left))


def _ask(model: Model, samples: Sequence[Sample], space: Space, ground: Any, seed: int) -> _Asked:
    task = task_of(model)
    every = samples[0].kind.segmenters[0]  # however many: the same for all models
    plans = [
        Plan(target=task.target(task.named("label", s), space), features=every, background=ground)
        for s in samples
    ]
    questions = [make_question(model, s, p) for s, p in zip(samples, plans, strict=True)]
    explained = ask(make_method("shap"), questions, seed=seed)
    return _Asked(model, answers(model, [s.x for s in samples]), explained, questions)


def _shared_space(models: Sequence[Model]) -> Space:
    """Log-odds, unless a model only has coarse probabilities, whose log-odds are mostly clipped."""
    spaces: set[Space] = {m.space for m in models}
    return "value" if "value" in spaces else "prob" if "prob" in spaces else "logit"


def _agreed(sides: Sequence[tuple[Sequence[Floats], Sequence[Floats]]]) -> dict[str, Any]:
    """Mean correlation over the samples, with its bootstrap interval over them."""
    each = np.mean([[pearson(x, y) for x, y in zip(a, b, strict=True)] for a, b in sides], axis=0)
    bounds = bootstrap_interval(each)
    found: dict[str, Any] = {"value": float(each.mean()), "each": each.tolist()}
    return found | ({"interval": bounds} if bounds else {})


def _shares(values: Floats) -> Floats:
    return values / max(float(np.abs(values).sum()), float(np.finfo(float).tiny))


def _differ(a: Floats, b: Floats) -> bool:
    return len(a) > 1 and bool(a.argmax() != b.argmax())


def _row(i: int, name: str, sample: Sample, j: int, parts: dict[str, Floats]) -> dict[str, Any]:
    del i
    flat = np.ravel(sample.x)
    value = flat[j] if MODALITIES.get(sample.modality).tabular and j < len(flat) else None
    shares = {k: float(v[j]) for k, v in parts.items()}
    row: dict[str, Any] = {"feature": name, "shares": shares}
    return row if value is None else row | {"value": float(value)}


def _side(name: str, told: Floats, classes: Sequence[str], sample: Sample) -> dict[str, Any]:
    if not classes:
        return {"model": name, "says": float(told[0])}
    best = int(told.argmax())
    return {
        "model": name,
        "says": classes[best],
        "sure": float(told[best]),
        "right": bool(best == sample.label),
    }


def _drawn(sample: Sample, sides: dict[str, _Asked], i: int) -> dict[str, Any]:
    """What a picture, a text or a series looks like, with each side's evidence on its grid."""
    inputs = MODALITIES.get(sample.modality).inputs
    if inputs == "columns":
        return {}
    maps = {
        name: np.round(side.explained[i].segmentation.scatter(_shares(side.values[i])), 5).tolist()
        for name, side in sides.items()
    }
    x = [str(w) for w in sample.x] if inputs == "words" else np.round(sample.x, 4).tolist()
    return {"inputs": inputs, "x": x, "maps": maps}
