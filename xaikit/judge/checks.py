"""The checks that an explanation method must pass to hold, each from the scores of a run.

A check passes when its evidence lies wholly on the right side of its limit, fails when it lies wholly on the
wrong side, and is not settled otherwise. Each is one-sided at 5 %: all must pass under every way of removing,
so that nothing is corrected for (an intersection-union test; Berger 1982), and a method's checks do not hang
on what else was asked.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST, bootstrap_interval, median_interval
from xaikit.core.types import Floats
from xaikit.judge.evidence import Evidence
from xaikit.tasks import restored_task

__all__ = ["CHECKS", "Check", "Measured", "checks_of", "interval_of"]

CHECKS = (
    "beats_random", "not_worse_than_input", "depends_on_sample", "depends_on_model",
    "depends_on_class", "adds_up", "repeats",
)  # fmt: skip

Direction = Literal["higher", "lower"]
Interval = tuple[float, float]

LEVEL = 0.05  # of each end of an interval
N_MASKERS = 2  # ways of removing under which a method must win
MARGIN = 0.1  # share of its own gain by which a method may stay behind the input alone
MOST_NEEDED = 10_000  # samples that nobody will ask for


@dataclass(frozen=True)
class Check:
    """One check that an explanation method must pass.

    name : one of `CHECKS`
    passed : True, False, or None when the evidence does not settle it (the interval crosses the
        limit, too few samples, not measured)
    value, interval, limit : what was measured, its 90 % interval (5 % at each end), and what is needed
    direction : "higher" when value must be at least the limit, "lower" when at most
    found : the finding, in one or two sentences; sentence : the same in English, for example
        "Two runs agree 0.26; 0.80 is needed."
    applies : False where the check has no meaning; passed is None then
    n : samples that it was measured on
    """

    name: str
    passed: bool | None
    value: float | None
    limit: float
    direction: Direction
    found: tuple[Finding, ...]
    interval: Interval | None = None
    applies: bool = True
    n: int = 0

    @property
    def sentence(self) -> str:
        return " ".join(map(str, self.found))

    def facts(self) -> dict[str, Any]:
        """What it says, JSON-able: its fields, with the finding as an English sentence."""
        names = (field.name for field in fields(self) if field.name != "found")
        return {name: getattr(self, name) for name in names} | {"sentence": self.sentence}

    @property
    def needed(self) -> int | None:
        """About how many samples would settle it, to one digit; None where more would not, or nobody knows.

        An interval narrows with the root of the number of samples.
        """
        if self.passed is not None or not self.applies:
            return None
        if self.value is None or self.interval is None:
            return FEWEST if 0 < self.n < FEWEST else None
        gap = self.value - self.limit
        half = self.value - self.interval[0] if gap > 0 else self.interval[1] - self.value
        wanted = self.n * (half / gap) ** 2 if gap else math.inf
        return _one_digit(wanted) if self.n < wanted <= MOST_NEEDED else None


def _one_digit(n: float) -> int:
    """The next number of one digit and zeros."""
    unit = int(10 ** math.floor(math.log10(n)))
    return math.ceil(n / unit) * unit


class _Limit(NamedTuple):
    """A check of one number over samples."""

    check: str
    metric: str
    limit: float
    direction: Direction


_LIMITS = (
    _Limit("depends_on_model", "randomisation", 0.3, "lower"),
    _Limit("depends_on_class", "random_logit", 0.9, "lower"),
    _Limit("adds_up", "completeness_gap", 0.05, "lower"),
    _Limit("repeats", "variance_share", 0.9, "higher"),
)


class Measured:
    """The scores of a run, sorted."""

    def __init__(self, run: Evidence) -> None:
        self.run = run
        self.cards: Mapping[str, Mapping[str, object]] = run.context.get("methods") or {}
        self.values: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(
            lambda: defaultdict(dict)
        )  # (metric, method) -> masker -> sample -> value
        for score in run.scores:
            if "method" in score.of and np.isfinite(score.value):
                of = {k: str(score.of.get(k, "")) for k in ("method", "masker", "sample")}
                self.values[score.metric, of["method"]][of["masker"]][of["sample"]] = score.value
        self.measured = {method for _, method in self.values}

    def is_control(self, method: str) -> bool:
        return method == "random" or bool(self.cards.get(method, {}).get("control"))

    def is_additive(self, method: str) -> bool:
        stated = self.cards.get(method, {}).get("additive")
        return bool(stated) if stated is not None else any(e.additive for e in self.run.of(method))

    def title(self, method: str) -> str:
        return str(self.cards.get(method, {}).get("title", method))

    @cached_property
    def has_twin(self) -> bool:
        """Whether the model can be asked with its knowledge erased; True where an older run does not say."""
        return (self.run.context.get("model") or {}).get("twin") is not False

    @cached_property
    def has_rivals(self) -> bool:
        """Whether another output can be asked about."""
        model = self.run.context.get("model") or {}
        return restored_task(model, int(self.run.predictions.shape[1])).rivals

    @cached_property
    def trivial(self) -> tuple[str, ...]:
        """Controls that were measured, other than the random one."""
        controls = [m for m in self.run.methods if self.is_control(m) and m != "random"]
        return tuple(m for m in controls if self.gains(m))

    def has_neighbours(self, method: str) -> bool:
        """Whether most samples are cut into features that another sample has too."""
        cuts = [(e.names, e.segmentation.ids.tobytes()) for e in self.run.of(method)]
        return 2 * sum(n for n in Counter(cuts).values() if n > 1) > len(cuts)

    def gains(self, method: str) -> Mapping[str, Mapping[str, float]]:
        """Masker -> sample -> what the removal test measured above a random order."""
        return self.values.get(("srg", method), {})

    def paired(self, a: str, b: str) -> dict[str, tuple[Floats, Floats]]:
        """Masker -> gains of a and of b on the samples that both have."""
        found = {}
        for masker, mine in self.gains(a).items():
            theirs = self.gains(b).get(masker, {})
            both = [s for s in mine if s in theirs]
            if both:
                found[masker] = (
                    np.array([mine[s] for s in both]),
                    np.array([theirs[s] for s in both]),
                )
        return found


def checks_of(measured: Measured, method: str) -> tuple[Check, ...]:
    """Every check of one method, in the order of `CHECKS`; those without meaning say so.

    beats_random : mean gain of the removal test above 0, which is what a random order has in expectation
    depends_on_sample : mean gain less that of the map of another sample above 0; where samples are cut
        into the same features; open where all maps put the features in one order
    not_worse_than_input : mean gain less that of each control that never asks the model, above
        -10 % of the method's own; above 0 where the model has no twin to depend on
    These under each of two maskers or more. depends_on_model, depends_on_class, repeats : the mean.
    adds_up : the median, because a share of an output near 0 can be of any size; asked of methods
    that claim to be additive. depends_on_class is asked of three classes or more and of two labels or more
    that hold together.
    """
    unfit = {
        "depends_on_model": not measured.has_twin,
        "depends_on_class": not measured.has_rivals,
        "adds_up": not measured.is_additive(method),
    }
    limited = [
        _unfit(limit) if unfit.get(limit.check) else _limited(measured, method, limit)
        for limit in _LIMITS
    ]
    return (
        _beats_random(measured, method),
        _not_worse(measured, method),
        _own_sample(measured, method),
        *limited,
    )


def interval_of(values: ArrayLike) -> Interval | None:
    """Where the mean lies, 5 % at each end; None below 10 values."""
    return bootstrap_interval(values, level=1 - 2 * LEVEL)


class _Beaten(NamedTuple):
    """A comparison of the removal test: by how much (mean), and what it must be above."""

    n: int
    value: float
    limit: float
    interval: Interval | None

    @property
    def side(self) -> int:
        """1 for clearly above the limit, -1 for clearly below, 0 for not settled."""
        if self.interval is None:
            return 0
        low, high = self.interval
        return bool(low > self.limit) - bool(high <= self.limit)


def _beaten(differences: Floats, slack: Floats) -> _Beaten:
    """slack : by how much each difference may be below 0."""
    limit, bounds = 0.0 - float(slack.mean()), interval_of(differences + slack)
    ends = None if bounds is None else (bounds[0] + limit, bounds[1] + limit)
    return _Beaten(len(differences), float(differences.mean()), limit, ends)


def _beats_random(measured: Measured, method: str) -> Check:
    rows = [np.array(list(found.values())) for found in measured.gains(method).values()]
    found = [_beaten(d, np.zeros(len(d))) for d in rows if len(d)]
    return _beats("beats_random", found, len(found), Finding("rival.random"))


def _not_worse(measured: Measured, method: str) -> Check:
    name, controls = "not_worse_than_input", measured.trivial
    if not controls:
        missing = Finding("found.beats.no_control")
        return Check(name, None, None, 0.0, "higher", (missing,))
    margin = MARGIN if measured.has_twin else 0.0
    found = [
        _beaten(mine - theirs, margin * mine * (mine.mean() > 0))
        for control in controls
        for mine, theirs in measured.paired(method, control).values()
    ]
    rival = Finding("rival.control", {"names": controls})
    return _beats(name, found, len(found) // len(controls), rival)


def _own_sample(measured: Measured, method: str) -> Check:
    name, by_masker = "depends_on_sample", measured.values.get(("own_sample", method), {})
    if not measured.has_neighbours(method):
        why = Finding(f"found.{name}.unfit")
        return Check(name, None, None, 0.0, "higher", (why,), applies=False)
    rows = [np.array(list(found.values())) for found in by_masker.values()]
    if rows and not any(
        d.any() for d in rows
    ):  # the model may be so, or the map may not look at the sample
        same = Finding(f"found.{name}.same")
        return Check(name, None, 0.0, 0.0, "higher", (same,), n=len(rows[0]))
    found = [_beaten(d, np.zeros(len(d))) for d in rows if len(d)]
    return _beats(name, found, len(found), Finding("rival.sample"))


def _beats(name: str, found: list[_Beaten], n_maskers: int, rival: Finding) -> Check:
    """Judged by the weakest of the comparisons: all must be won, one clear loss is enough to fail."""
    if not found:
        missing = Finding("found.beats.unmeasured", {"rival": rival})
        return Check(name, None, None, 0.0, "higher", (missing,))
    weakest = min(found, key=lambda f: (f.side, f.value - f.limit))
    won = weakest.side == 1
    passed = False if weakest.side == -1 else True if won and n_maskers >= N_MASKERS else None
    finding = _told(weakest, n_maskers, rival)
    value, limit, bounds = weakest.value, weakest.limit, weakest.interval
    return Check(name, passed, value, limit, "higher", (finding,), bounds, n=weakest.n)


def _told(weakest: _Beaten, n_maskers: int, rival: Finding) -> Finding:
    known = {"rival": rival, "ways": Finding("ways", {"n": n_maskers}), "value": weakest.value}
    if weakest.interval is None:
        return Finding("found.beats.few", {"rival": rival, "n": weakest.n, "needed": FEWEST})
    if weakest.side == -1:
        key = "found.beats.less" if weakest.value < 0 else "found.beats.same"
        return Finding(key, {**known, "value": -weakest.value})
    if weakest.side == 0:
        ends = dict(zip(("low", "high"), weakest.interval, strict=True))
        key = "found.beats.open" if weakest.limit == 0 else "found.beats.open.margin"
        return Finding(key, {**known, **ends, "limit": weakest.limit})
    if n_maskers < N_MASKERS:
        return Finding("found.beats.narrow", {**known, "needed": N_MASKERS})
    return Finding("found.beats.more" if weakest.value >= 0 else "found.beats.level", known)


def _unfit(limit: _Limit) -> Check:
    why = Finding(f"found.{limit.check}.unfit")
    return Check(limit.check, None, None, limit.limit, limit.direction, (why,), applies=False)


def _limited(measured: Measured, method: str, limit: _Limit) -> Check:
    by_masker = measured.values.get((limit.metric, method), {})
    values = np.array([v for found in by_masker.values() for v in found.values()])
    key = f"found.{limit.check}"
    if not len(values):
        missing = Finding(f"{key}.unmeasured")
        return Check(limit.check, None, None, limit.limit, limit.direction, (missing,))
    if limit.check == "adds_up":
        value, interval = float(np.median(values)), median_interval(values, level=1 - 2 * LEVEL)
    else:
        value, interval = float(values.mean()), interval_of(values)
    passed = _passes(value, interval, limit)
    found = [Finding(key, {"value": value, "limit": limit.limit})]
    if interval is None:
        found.append(Finding("found.few", {"n": len(values), "needed": FEWEST}))
    elif passed is None:
        open_ = "found.open.share" if limit.check == "adds_up" else "found.open"
        found.append(Finding(open_, {"low": interval[0], "high": interval[1]}))
    return Check(
        limit.check,
        passed,
        value,
        limit.limit,
        limit.direction,
        tuple(found),
        interval,
        n=len(values),
    )


def _passes(value: float, interval: Interval | None, limit: _Limit) -> bool | None:
    """By the whole interval; what shall be high, by its value."""
    if interval is None:
        return None
    low, high = interval
    if limit.direction == "higher":
        return True if value >= limit.limit else False if high < limit.limit else None
    return True if high <= limit.limit else False if low > limit.limit else None
