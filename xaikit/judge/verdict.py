"""Which explanation can be believed here: gates, and what follows from them.

A gate passes when its evidence lies wholly on the right side of the limit, fails when it lies wholly
on the wrong side, and is not settled otherwise. A method is faithful here when every gate passes,
failed when one fails. Everything is computed from the scores of a run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from xaikit.core.display import display
from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST, Paired, bootstrap_interval, holm, median_interval, paired_test
from xaikit.judge.evidence import Evidence
from xaikit.tasks import restored_task

__all__ = ["Gate", "Status", "Verdict", "verdicts"]

Status = Literal["faithful", "unsettled", "failed", "control", "not_tested"]
Direction = Literal["higher", "lower"]

LEVEL = 0.05  # of the paired tests, over all methods and maskers together
N_MASKERS = 2  # ways of removing under which a method must win


@dataclass(frozen=True)
class Gate:
    """One check that an explanation method must pass.

    name : "beats_random", "beats_trivial", "depends_on_model", "depends_on_class", "adds_up" or
        "repeats"
    passed : True, False, or None when the evidence does not settle it (the interval crosses the
        limit, too few samples, not measured)
    value, interval, limit : what was measured, its 95 % interval, and what is needed
    direction : "higher" when value must be at least the limit, "lower" when at most
    found : the finding, in one or two sentences; sentence : the same in English, for example
        "Two runs agree 0.26; 0.80 is needed."
    """

    name: str
    passed: bool | None
    value: float | None
    limit: float
    direction: Direction
    found: tuple[Finding, ...]
    interval: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        return " ".join(map(str, self.found))


@dataclass(frozen=True)
class Verdict:
    """What the gates say of one method in one run; reason : why, in English."""

    method: str
    status: Status
    found: tuple[Finding, ...]
    gates: tuple[Gate, ...] = ()

    @property
    def reason(self) -> str:
        return " ".join(map(str, self.found))

    def _repr_html_(self) -> str:
        return display("html", self)  # type: ignore[no-any-return]

    def gate(self, name: str) -> Gate | None:
        """The gate of that name, or None when it was not asked of this method."""
        return next((g for g in self.gates if g.name == name), None)


class _Limit(NamedTuple):
    """A gate on one number over samples."""

    gate: str
    metric: str
    limit: float
    direction: Direction


_LIMITS = (
    _Limit("depends_on_model", "randomisation", 0.3, "lower"),
    _Limit("depends_on_class", "random_logit", 0.9, "lower"),
    _Limit("adds_up", "completeness_gap", 0.05, "lower"),
    _Limit("repeats", "seed_agreement", 0.8, "higher"),
)


def verdicts(run: Evidence) -> tuple[Verdict, ...]:
    """One verdict a method, in the order of the run.

    beats_random : mean "srg" above 0, which is what a random order scores in expectation
    beats_trivial : mean "srg" above that of each control that never asks the model
    Both by Wilcoxon's signed-rank test over samples, Holm-corrected over methods and maskers, with
    a 95 % interval of the mean on the same side, under two maskers or more. depends_on_model,
    depends_on_class, repeats : 95 % interval of the mean. adds_up : that of the median, because a
    share of an output near 0 can be of any size; only for methods that claim to be additive.
    depends_on_class is asked of three classes or more and of two labels or more that hold together;
    elsewhere it has no meaning.
    """
    evidence = _Evidence(run)
    return tuple(_verdict(evidence, method) for method in run.methods)


class _Evidence:
    """The scores of a run, sorted, with every paired test of every method."""

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

    def is_control(self, method: str) -> bool:
        return method == "random" or bool(self.cards.get(method, {}).get("control"))

    def is_additive(self, method: str) -> bool:
        stated = self.cards.get(method, {}).get("additive")
        return bool(stated) if stated is not None else any(e.additive for e in self.run.of(method))

    @cached_property
    def has_rivals(self) -> bool:
        """Whether another output can be asked about."""
        model = self.run.context.get("model") or {}
        return restored_task(model, int(self.run.predictions.shape[1])).rivals

    @cached_property
    def judged(self) -> tuple[str, ...]:
        return tuple(m for m in self.run.methods if not self.is_control(m))

    @cached_property
    def trivial(self) -> tuple[str, ...]:
        """Controls that were measured, other than the random one."""
        controls = [m for m in self.run.methods if self.is_control(m) and m != "random"]
        return tuple(m for m in controls if self.values.get(("srg", m)))

    @cached_property
    def against_random(self) -> dict[str, list[tuple[Paired, float]]]:
        """Method -> a test and its corrected p for each masker."""
        return self._corrected(
            {
                m: [list(found.values()) for found in self.values[("srg", m)].values()]
                for m in self.judged
            }
        )

    @cached_property
    def against_trivial(self) -> dict[str, list[tuple[Paired, float]]]:
        """The same for each masker and trivial control."""
        return self._corrected({m: self._over_controls(m) for m in self.judged})

    def _over_controls(self, method: str) -> list[list[float]]:
        found = []
        for masker, mine in self.values[("srg", method)].items():
            for control in self.trivial:
                theirs = self.values[("srg", control)].get(masker, {})
                found.append([mine[s] - theirs[s] for s in mine if s in theirs])
        return found

    def _corrected(
        self, differences: Mapping[str, Sequence[list[float]]]
    ) -> dict[str, list[tuple[Paired, float]]]:
        tests = {m: [paired_test(d) for d in rows if d] for m, rows in differences.items()}
        adjusted = iter(holm([t.p for rows in tests.values() for t in rows]).tolist())
        return {m: [(t, next(adjusted)) for t in rows] for m, rows in tests.items()}


def _verdict(evidence: _Evidence, method: str) -> Verdict:
    if evidence.is_control(method):
        return Verdict(method, "control", (Finding("reason.control"),))
    if not any(m == method for _, m in evidence.values):
        return Verdict(method, "not_tested", (Finding("reason.not_tested"),))
    gates = [_beats_random(evidence, method), _beats_trivial(evidence, method)]
    for limit in _LIMITS:
        if limit.gate == "depends_on_class" and not evidence.has_rivals:
            continue
        if limit.gate == "adds_up" and not evidence.is_additive(method):
            continue
        gates.append(_limited(evidence, method, limit))
    return _from_gates(method, tuple(gates), len(evidence.run.of(method)))


def _from_gates(method: str, gates: tuple[Gate, ...], n: int) -> Verdict:
    failed = [g for g in gates if g.passed is False]
    unsettled = [g for g in gates if g.passed is None]
    if failed:
        return Verdict(method, "failed", failed[0].found, gates)
    if n < FEWEST:
        few = Finding("reason.few", {"n": n, "needed": FEWEST})
        return Verdict(method, "unsettled", (few,), gates)
    if unsettled:
        return Verdict(method, "unsettled", unsettled[0].found, gates)
    passed = Finding("reason.faithful", {"checks": len(gates), "n": n})
    return Verdict(method, "faithful", (passed,), gates)


def _beats_random(evidence: _Evidence, method: str) -> Gate:
    found = evidence.against_random[method]
    return _beats("beats_random", found, len(found), Finding("rival.random"))


def _beats_trivial(evidence: _Evidence, method: str) -> Gate:
    if not evidence.trivial:
        missing = Finding("found.beats.no_control")
        return Gate("beats_trivial", None, None, 0.0, "higher", (missing,))
    found = evidence.against_trivial[method]
    rival = Finding("rival.control", {"names": evidence.trivial})
    return _beats("beats_trivial", found, len(found) // len(evidence.trivial), rival)


def _beats(name: str, found: list[tuple[Paired, float]], n_maskers: int, rival: Finding) -> Gate:
    """Judged by the weakest of the comparisons: all must be won, one clear loss is enough to fail."""
    if not found:
        missing = Finding("found.beats.unmeasured", {"rival": rival})
        return Gate(name, None, None, 0.0, "higher", (missing,))
    sides = [_side(test, p) for test, p in found]
    (weakest, p), _ = min(zip(found, sides, strict=True), key=lambda f: (f[1], f[0][0].mean))
    lost, won = -1 in sides, set(sides) == {1}
    passed = False if lost else True if won and n_maskers >= N_MASKERS else None
    mean, bounds = weakest.mean, weakest.interval
    known = {"rival": rival, "ways": Finding("ways", {"n": n_maskers})}
    if lost:
        finding = Finding("found.beats.less", {**known, "value": -mean})
    elif passed:
        finding = Finding("found.beats.more", {**known, "value": mean})
    elif bounds is None:
        finding = Finding("found.beats.few", {"rival": rival, "n": weakest.n, "needed": FEWEST})
    elif won:
        finding = Finding("found.beats.narrow", {**known, "needed": N_MASKERS})
    else:
        ends = {"low": bounds[0], "high": bounds[1]}
        finding = Finding("found.beats.open", {**known, "value": mean, **ends, "p": p})
    return Gate(name, passed, mean, 0.0, "higher", (finding,), bounds)


def _side(test: Paired, p: float) -> int:
    """1 for clearly better, -1 for clearly worse, 0 for not settled."""
    if test.interval is None or p >= LEVEL:
        return 0
    return int(test.interval[0] > 0) - int(test.interval[1] < 0)


def _limited(evidence: _Evidence, method: str, limit: _Limit) -> Gate:
    by_masker = evidence.values.get((limit.metric, method), {})
    values = np.array([v for found in by_masker.values() for v in found.values()])
    key = f"found.{limit.gate}"
    if not len(values):
        missing = Finding(f"{key}.unmeasured")
        return Gate(limit.gate, None, None, limit.limit, limit.direction, (missing,))
    if limit.gate == "adds_up":
        value, interval = float(np.median(values)), median_interval(values)
    else:
        value, interval = float(values.mean()), bootstrap_interval(values)
    passed = _passes(interval, limit)
    found = [Finding(key, {"value": value, "limit": limit.limit})]
    if interval is None:
        found.append(Finding("found.few", {"n": len(values), "needed": FEWEST}))
    elif passed is None:
        open_ = "found.open.share" if limit.gate == "adds_up" else "found.open"
        found.append(Finding(open_, {"low": interval[0], "high": interval[1]}))
    return Gate(limit.gate, passed, value, limit.limit, limit.direction, tuple(found), interval)


def _passes(interval: tuple[float, float] | None, limit: _Limit) -> bool | None:
    if interval is None:
        return None
    low, high = interval
    if limit.direction == "higher":
        return True if low >= limit.limit else False if high < limit.limit else None
    return True if high <= limit.limit else False if low > limit.limit else None
