"""Why two explanations disagree, where the run itself can show it.

Only disagreements beyond noise are looked at. Each cause is shown by a number that was measured in the
run, with its 95 % interval on the right side of a limit; a disagreement may have several causes, and one
that none of them explains is said to be "not traced".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from xaikit.core.agreement import Disagreement, disagreements
from xaikit.core.finding import Finding
from xaikit.core.stats import bootstrap_interval, median_interval, spearman
from xaikit.core.types import Explanation, Floats, Ints
from xaikit.judge.evidence import Evidence

__all__ = ["Cause", "Kind", "causes"]

Kind = Literal[
    "other value function", "saturation", "resolution", "instability", "interactions", "not traced"
]

SATURATED = 0.5  # slope at the sample, as a share of the mean slope on the way to it
STEADY = 0.8  # agreement of a method with its own second run
COARSE = 1.5  # features under one cell
CLOSED = 0.5  # share of the disagreement that comparing cell by cell takes away
FEWEST_CELLS = 4
INTERACTING = 0.2  # share of the output that leaving features out one by one misses


@dataclass(frozen=True)
class Cause:
    """One reason why methods a and b disagree.

    value : the number that shows it
        other value function - share of samples on which the two measure different things
        saturation - slope at the sample over the mean slope on the way to it, median over samples
        resolution - share of the missing agreement that appears when cells are compared
        instability - agreement of the unsteadier method with its own second run
        interactions - share of output - empty that leaving one out misses, median over samples
        not traced - agreement that is missing, ceiling - agreement
    found : the finding; sentence : the same in English
    """

    a: str
    b: str
    cause: Kind
    value: float
    found: Finding

    @property
    def sentence(self) -> str:
        return str(self.found)


def causes(run: Evidence) -> tuple[Cause, ...]:
    """The causes of every disagreement beyond noise between two methods that are no controls.

    Disagreement as in `xaikit.metrics.disagreements`: in strength, over the samples on which both
    methods have a second run; it takes 10. In the order of the pairs.
    """
    cards: Mapping[str, Mapping[str, Any]] = run.context.get("methods") or {}
    found: list[Cause] = []
    for (a, b), test in disagreements(run.scores).items():
        if test.real and not any(_is_control(cards, m) for m in (a, b)):
            pair = _Pair(run, cards, a, b, test)
            shown = [cause for look in _LOOKS if (cause := look(pair)) is not None]
            found += shown or [_not_traced(pair)]
    return tuple(found)


@dataclass(frozen=True)
class _Pair:
    """Two methods that disagree, with what the run knows of them."""

    run: Evidence
    cards: Mapping[str, Mapping[str, Any]]
    a: str
    b: str
    test: Disagreement

    @property
    def both(self) -> list[tuple[Explanation, Explanation]]:
        """Their explanations of the samples that both explain."""
        theirs = {e.sample_id: e for e in self.run.of(self.b)}
        return [(e, theirs[e.sample_id]) for e in self.run.of(self.a) if e.sample_id in theirs]

    def title(self, method: str) -> str:
        return str(self.cards.get(method, {}).get("title", method))

    def declares(self, method: str, what: str) -> bool:
        """Whether the method said so of itself when it was asked."""
        return bool(self.cards.get(method, {}).get(what))

    def named(self, cause: Kind, value: float, key: str, a: str, **numbers: Any) -> Cause:
        """a : the method that the sentence is about"""
        b = self.a if a == self.b else self.b
        titles = {"a": self.title(a), "b": self.title(b)}
        found = Finding(f"cause.{key}", {"value": value, **titles, **numbers})
        return Cause(self.a, self.b, cause, value, found)


def _other_value_function(pair: _Pair) -> Cause | None:
    """They measure different things, by definition or because they were asked differently."""
    both = pair.both
    found = (
        ("targets", [x.target != y.target for x, y in both]),
        ("maskers", [x.masker != y.masker for x, y in both]),
        ("units", [_bare(x) != _bare(y) for x, y in both]),
    )
    share, key = max(((float(np.mean(d)), k) for k, d in found), key=lambda f: f[0])
    if share == 0:
        return None
    first, second = both[0]
    a = pair.b if key == "units" and not _bare(first) else pair.a
    unit = (second if _bare(first) else first).unit
    some = "" if share == 1 else ".some"
    return pair.named("other value function", share, key + some, a, share=share, unit=unit)


def _saturation(pair: _Pair) -> Cause | None:
    """A gradient at the sample is small against the mean gradient on the way to it.

    Input x gradient and integrated gradients multiply both with the same step, so the ratio of their
    total strengths is that of the slopes.
    """
    local = [m for m in (pair.a, pair.b) if pair.declares(m, "at_the_point")]
    other = [m for m in (pair.a, pair.b) if m not in local]
    if len(local) != 1 or any(map(_bare, pair.run.of(other[0]))):
        return None
    path = {e.sample_id: _strength(e) for e in pair.run.of("integrated_gradients")}
    ratios = [
        _strength(e) / path[e.sample_id]
        for e in pair.run.of("input_x_gradient")
        if path.get(e.sample_id, 0.0) > 0
    ]
    median, interval = _median(ratios)
    if interval is None or interval[1] >= SATURATED:
        return None
    return pair.named("saturation", median, "saturation", local[0])


def _resolution(pair: _Pair) -> Cause | None:
    """One method's cells cover several features; compared cell by cell, the two come together."""
    found, covers = [], []
    for a, b in pair.both:
        method, ids = _coarsest(a, b)
        n_cells = int(ids.max()) + 1
        if n_cells < FEWEST_CELLS or len(a.values) / n_cells < COARSE:
            return None
        covers.append(len(a.values) / n_cells)
        found.append((spearman(np.abs(a.values), np.abs(b.values)), _by_cell(a, b, ids)))
    fine, coarse = np.transpose(found)
    interval = bootstrap_interval(coarse - fine)
    gained, missing = float((coarse - fine).mean()), pair.test.ceiling - float(fine.mean())
    if interval is None or interval[0] <= 0 or not gained >= CLOSED * missing > 0:
        return None
    means = {"covers": np.mean(covers), "coarse": coarse.mean(), "fine": fine.mean()}
    numbers = {name: float(mean) for name, mean in means.items()}
    return pair.named("resolution", min(1.0, gained / missing), "resolution", method, **numbers)


def _instability(pair: _Pair) -> Cause | None:
    """One of them does not even agree with its own second run."""
    own: dict[str, list[float]] = {m: [] for m in (pair.a, pair.b)}
    for score in pair.run.scores:
        a, b = score.of.get("a"), score.of.get("b")
        if score.metric == "spearman" and a == b and a in own and math.isfinite(score.value):
            own[str(a)].append(score.value)
    method = min(own, key=lambda m: float(np.mean(own[m] or [1.0])))
    interval = bootstrap_interval(own[method]) if own[method] else None
    if interval is None or interval[1] >= STEADY:
        return None
    value = float(np.mean(own[method]))
    return pair.named("instability", value, "instability", method)


def _interactions(pair: _Pair) -> Cause | None:
    """Features act together; in a sum of one term a feature each of these methods gives the terms."""
    if not all(pair.declares(m, "splits_sums") for m in (pair.a, pair.b)):
        return None
    gaps = [
        abs(e.residual / (e.output - e.empty))
        for e in pair.run.of("occlusion")
        if abs(e.output - e.empty) > 1e-9
    ]
    median, interval = _median(gaps)
    if interval is None or interval[0] <= INTERACTING:
        return None
    return pair.named("interactions", median, "interactions", pair.a)


def _not_traced(pair: _Pair) -> Cause:
    missing = pair.test.ceiling - pair.test.agreement
    return pair.named("not traced", missing, "not_traced", pair.a)


_LOOKS: Sequence[Callable[[_Pair], Cause | None]] = (
    _other_value_function, _saturation, _resolution, _instability, _interactions
)  # fmt: skip


def _coarsest(a: Explanation, b: Explanation) -> tuple[str, Ints]:
    """The method of fewer cells, and the cell of each place (*grid)."""
    found = [(e.method, _cells(e)) for e in (a, b)]
    return min(found, key=lambda f: int(f[1].max()))


def _cells(explanation: Explanation) -> Ints:
    """(*grid) the cell of each place; a method without cells sees every place by itself."""
    shape = explanation.segmentation.ids.shape
    cell = [float(c) for c in explanation.extras.get("cell") or [1.0] * len(shape)]
    sides = [*cell, *shape[len(cell) :]]  # one cell holds all channels of a series
    ids = np.zeros(shape, dtype=np.int64)
    for axis, (n, side) in enumerate(zip(shape, sides, strict=True)):
        steps = (np.arange(n) / side).astype(np.int64)
        ids = ids * (int(steps[-1]) + 1)
        ids += steps.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return ids


def _by_cell(a: Explanation, b: Explanation, ids: Ints) -> float:
    """Agreement in strength of the two maps, summed over each cell."""
    n = int(ids.max()) + 1
    sums = [np.bincount(ids.ravel(), e.places.ravel(), n) for e in (a, b)]
    return spearman(*(np.abs(s) for s in sums))


def _bare(explanation: Explanation) -> bool:
    """Whether only the order and the sign of the values carry meaning."""
    return explanation.unit == "relative"


def _strength(explanation: Explanation) -> float:
    return float(np.abs(explanation.values).sum())


def _median(values: Sequence[float] | Floats) -> tuple[float, tuple[float, float] | None]:
    if not len(values):
        return math.nan, None
    return float(np.median(values)), median_interval(values)


def _is_control(cards: Mapping[str, Mapping[str, Any]], method: str) -> bool:
    return method == "random" or bool(cards.get(method, {}).get("control"))
