"""Two runs on the same samples: where the answers differ, and where the reasons do.

The runs must have asked the same: the same samples, cut into the same features, about outputs of the same
names, and share a method. What cannot be compared is refused by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Explanation, Floats, Sample
from xaikit.study.run import Run
from xaikit.tasks import Task, restored_task

__all__ = ["Difference", "Floor", "Shift", "Split", "Turn", "difference"]

MOST_SHIFTS = 8
HALF = 0.5  # of the spread of values
LEVEL = 0.05  # over all features together


@dataclass(frozen=True)
class Turn:
    """One sample in both runs.

    a, b : its places in the runs
    answers : whether the answers differ, of values by more than half of their spread; by : how far, 0 to
        1: the share of the probability that lies on other classes; of values over their spread
    moved : the share of the evidence that lies on other features or on the other side, 0 to 1; None where
        the two explain different outputs of more than two
    noise : how large `moved` is expected to be from the estimates' own errors alone
    """

    sample: str
    a: int
    b: int
    answers: bool
    by: float
    moved: float | None
    noise: float


@dataclass(frozen=True)
class Shift:
    """A feature's mean share of the evidence in each run; interval : of the difference, over all features."""

    feature: str
    a: float
    b: float
    interval: tuple[float, float] | None

    @property
    def clear(self) -> bool:
        return self.interval is not None and self.interval[0] * self.interval[1] > 0


@dataclass(frozen=True)
class Split:
    """Both models on the labelled test samples that both runs know.

    only_a, only_b : right answers of one alone; p : of the two being as good (sign test)
    """

    n: int
    differ: int
    only_a: int
    only_b: int
    p: float


@dataclass(frozen=True)
class Floor:
    """A third model beside which a difference is read: "seed", another seed of the first one's recipe, or
    "untrained", a net that learned nothing.

    moved : as of a difference, from the first run to this one; None where the two share no explained output
    beyond : 95 % interval of how much more that is than from the first run to the second, on the samples that
        both compare; None with too few
    """

    kind: str
    moved: float | None
    beyond: tuple[float, float] | None


@dataclass(frozen=True)
class Difference:
    """What two runs say of the same samples; turns : the strongest change first."""

    names: tuple[str, str]
    method: str
    turns: tuple[Turn, ...]
    shifts: tuple[Shift, ...]
    split: Split | None
    left_out: int = 0  # samples of one run alone
    floors: tuple[Floor, ...] = ()

    def floor(self, kind: str) -> Floor | None:
        return next((f for f in self.floors if f.kind == kind and f.moved is not None), None)

    @property
    def beside_seed(self) -> str | None:
        """How the second run lies beside another seed of the first: "closer", "farther" or "open" by the interval;
        "noise" where it is closer, and moves no more than the estimates' errors; None without such a run."""
        seed = self.floor("seed")
        if seed is None or self.moved is None:
            return None
        low, high = seed.beyond or (-np.inf, np.inf)
        if low > 0:
            return "noise" if self.moved <= self.noise else "closer"
        return "farther" if high < 0 else "open"

    @property
    def n_answers(self) -> int:
        """How many samples are answered differently."""
        return sum(turn.answers for turn in self.turns)

    @property
    def moved(self) -> float | None:
        """Mean share of the evidence that lies elsewhere, None where nothing can be compared."""
        return _mean([t.moved for t in self.turns if t.moved is not None])

    @property
    def noise(self) -> float:
        """Mean of what the estimates' own errors would move."""
        return _mean([t.noise for t in self.turns if t.moved is not None]) or 0.0

    def facts(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "n": len(self.turns), "moved": self.moved, "noise": self.noise}


def difference(
    a: Run,
    b: Run,
    names: tuple[str, str] | None = None,
    floors: Mapping[str, Run] | None = None,
) -> Difference:
    """Where two runs differ; names : what the runs are called, their models' where nobody says.

    floors : runs of other models on the same samples, by what they are: "seed", "untrained"

    `InvalidInput` names what differs in the question: samples, features or outputs.

    >>> found = difference(old, new)
    >>> found.turns[0].sample, found.n_answers
    ('test-7', 2)
    """
    places = _places(a, b)
    task, method = _task(a, b), _method(a, b)
    turns = [_turn(a, b, i, j, task, method) for i, j in places]
    found = {t.sample: t.moved for t in turns}
    turns.sort(key=lambda t: (-t.answers, -(t.by if t.answers else _beyond(t)), -t.by))
    return Difference(
        names or _names(a, b),
        method,
        tuple(turns),
        tuple(_shifts(a, b, method, [t.sample for t in turns if t.moved is not None])),
        _split(a, b, task),
        len({s.id for s in a.samples} ^ {s.id for s in b.samples}),
        tuple(_floor(kind, a, run, method, found) for kind, run in (floors or {}).items()),
    )


def _floor(kind: str, a: Run, run: Run, method: str, found: Mapping[str, float | None]) -> Floor:
    if method not in run.methods:
        raise InvalidInput(
            f"the run beside ({kind}) has {', '.join(run.methods)} and the two are compared by {method}; give "
            "all the same --methods."
        )
    places, task = _places(a, run), _task(a, run)
    turns = [_turn(a, run, i, j, task, method) for i, j in places]
    moved = {t.sample: t.moved for t in turns if t.moved is not None}
    gaps = [m - own for s, m in moved.items() if (own := found.get(s)) is not None]
    beyond = bootstrap_interval(np.array(gaps)) if gaps else None
    return Floor(kind, _mean(list(moved.values())), beyond)


def _beyond(turn: Turn) -> float:
    return (turn.moved or 0.0) - turn.noise


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _names(a: Run, b: Run) -> tuple[str, str]:
    first, second = (str((run.context.get("model") or {}).get("id") or "model") for run in (a, b))
    return (first, second) if first != second else (f"{first} (A)", f"{second} (B)")


def _places(a: Run, b: Run) -> list[tuple[int, int]]:
    """Where each shared sample lies; the same sample must be the same in both."""
    other = {s.id: j for j, s in enumerate(b.samples)}
    found = [(i, other[s.id]) for i, s in enumerate(a.samples) if s.id in other]
    if not found:
        raise InvalidInput(
            f"the runs share no sample: one has {_some(a.samples)}, the other {_some(b.samples)}; "
            "explain both with the same --data, --n, --draw and --seed."
        )
    for i, j in found:
        if not np.array_equal(a.samples[i].x, b.samples[j].x):
            raise InvalidInput(
                f"sample '{a.samples[i].id}' holds other data in each run; explain both on the same data."
            )
    return found


def _some(samples: Sequence[Sample]) -> str:
    return ", ".join(f"'{s.id}'" for s in samples[:3]) + (", ..." if len(samples) > 3 else "")


def _task(a: Run, b: Run) -> Task:
    first, second = (
        restored_task(run.context.get("model") or {}, run.predictions.shape[1]) for run in (a, b)
    )
    if (first.words, first.outputs) != (second.words, second.outputs):
        raise InvalidInput(
            f"the runs are of other outputs, {', '.join(first.outputs)} and "
            f"{', '.join(second.outputs)}; compare models that answer the same question."
        )
    asked = [(run.context.get("question") or {}).get("target") for run in (a, b)]
    if asked[0] != asked[1]:
        raise InvalidInput(
            f"the runs have other targets, {asked[0]} and {asked[1]}; give both the same --target."
        )
    return first


def _method(a: Run, b: Run) -> str:
    """The method that both are compared by: one that holds in both, else one that both show, else any."""
    shared = [m for m in a.methods if m in b.methods]
    choices = [run.choice() for run in (a, b)]
    controls = {v.method for run in (a, b) for v in run.verdicts() if v.status == "control"}
    both = [m for m in choices[0].use if m in choices[1].use]
    shown = [c.shown for c in choices if c.shown in shared]
    real = [m for m in shared if m not in controls]
    found = next(iter([*both, *shown, *real]), None)
    if found is None:
        raise InvalidInput(
            f"no method explains both runs: {', '.join(a.methods)} and {', '.join(b.methods)}; give both "
            "the same --methods."
        )
    return found


def _turn(a: Run, b: Run, i: int, j: int, task: Task, method: str) -> Turn:
    sample = a.samples[i].id
    pair = a.predictions[[i]], b.predictions[[j]]
    own, other = (
        next((e for e in run.of(method) if e.sample_id == sample), None) for run in (a, b)
    )
    mirrored = pair[0].shape[1] == 2 and not task.many and not task.words.startswith("value")
    moved, noise = (None, 0.0) if own is None or other is None else _moved(own, other, mirrored)
    answers, by = _answers(task, *pair, np.concatenate([a.predictions, b.predictions]))
    return Turn(sample, i, j, answers, by, moved, noise)


def _answers(task: Task, first: Floats, second: Floats, every: Floats) -> tuple[bool, float]:
    """Whether two answers differ, and how far."""
    if task.words.startswith("value"):
        spread = float(every.std(axis=0).max()) or 1.0
        by = float(np.abs(first - second).max()) / spread
        return by > HALF, min(by, 1.0)
    by = float(np.abs(first - second).max() if task.many else np.abs(first - second).sum() / 2)
    return bool((task.chosen(first) != task.chosen(second)).any()), by


def _moved(first: Explanation, second: Explanation, mirrored: bool) -> tuple[float | None, float]:
    """Half of the distance between shares of the evidence, and what errors alone would make of it.

    mirrored : what speaks for one of two classes speaks against the other
    """
    if first.segmentation.names != second.segmentation.names or not np.array_equal(
        first.segmentation.ids, second.segmentation.ids
    ):
        raise InvalidInput(
            f"sample '{first.sample_id}' has other features in each run, {first.segmentation.source} "
            f"({len(first.values)}) and {second.segmentation.source} ({len(second.values)}); give both "
            "the same --features."
        )
    asked = [(e.target.index, e.target.against) for e in (first, second)]
    if asked[0] != asked[1] and not mirrored:
        return None, 0.0
    shares, errors = zip(*(_shares(e) for e in (first, second)), strict=True)
    noise = np.sqrt(2 / np.pi) * np.hypot(*errors).sum() / 2  # mean size of a normal error
    turned = -shares[1] if asked[0] != asked[1] else shares[1]
    return float(np.abs(shares[0] - turned).sum() / 2), float(min(noise, 1.0))


def _shares(e: Explanation) -> tuple[Floats, Floats]:
    """(n,) the values, and (n,) their errors, as shares of all evidence."""
    whole = float(np.abs(e.values).sum()) or 1.0
    errors = np.zeros_like(e.values) if e.std is None else e.std
    return e.values / whole, errors / whole


def _shifts(a: Run, b: Run, method: str, samples: Sequence[str]) -> list[Shift]:
    """Features by how much more of the evidence one run has on them, where all samples share them."""
    held = [{e.sample_id: e for e in run.of(method)} for run in (a, b)]
    pairs = [(held[0][s], held[1][s]) for s in samples]
    names = Counter(tuple(first.segmentation.names) for first, _ in pairs)
    if len(names) != 1 or pairs[0][0].segmentation.source == "words":
        return []
    rows = np.array([[np.abs(_shares(e)[0]) for e in pair] for pair in pairs])  # (N, 2, n)
    means, gaps = rows.mean(axis=0), rows[:, 1] - rows[:, 0]
    order = np.argsort(-np.abs(gaps.mean(axis=0)), kind="stable")[:MOST_SHIFTS].tolist()
    level = 1 - LEVEL / rows.shape[2]
    return [
        Shift(
            next(iter(names))[k],
            float(means[0, k]),
            float(means[1, k]),
            bootstrap_interval(gaps[:, k], level=level),
        )
        for k in order
        if gaps[:, k].any()
    ]


def _split(a: Run, b: Run, task: Task) -> Split | None:
    """Both on the test samples of their overviews; None for values, or where one has none."""
    if a.overview is None or b.overview is None or task.words.startswith("value"):
        return None
    answers: list[Mapping[str, Any]] = [
        dict(zip(o.ids, zip(o.predictions, o.labels, strict=True), strict=True))
        for o in (a.overview, b.overview)
    ]
    ids = [s for s in answers[0] if s in answers[1]]
    if not ids:
        return None
    first, second = (np.array([held[s][0] for s in ids]) for held in answers)
    differ = (task.chosen(first) != task.chosen(second)).any(axis=1)
    right = np.array(
        [
            [label is not None and task.right(p, label) for p, label in (held[s] for s in ids)]
            for held in answers
        ]
    )
    only_a, only_b = (int((right[k] & ~right[1 - k]).sum()) for k in (0, 1))
    p = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return Split(len(ids), int(differ.sum()), only_a, only_b, float(p))
