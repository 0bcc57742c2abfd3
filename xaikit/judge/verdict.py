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
from typing import Literal

import numpy as np

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
    sentence : the finding for people, for example "Two runs agree 0.26; 0.80 is needed."
    """

    name: str
    passed: bool | None
    value: float | None
    limit: float
    direction: Direction
    sentence: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """What the gates say of one method in one run."""

    method: str
    status: Status
    reason: str
    gates: tuple[Gate, ...] = ()

    def gate(self, name: str) -> Gate | None:
        """The gate of that name, or None when it was not asked of this method."""
        return next((g for g in self.gates if g.name == name), None)


@dataclass(frozen=True)
class _Limit:
    """A gate on one number over samples.

    finding : a sentence with {value} and {limit}; missing : why it may not have been measured
    """

    gate: str
    metric: str
    limit: float
    direction: Direction
    finding: str
    missing: str
    percent: bool = False


_LIMITS = (
    _Limit(
        "depends_on_model",
        "randomisation",
        0.3,
        "lower",
        "With the model's weights drawn anew, {value} of the picture is left; less than {limit} is needed.",
        "Not measured: whether the picture changes when the model's weights are drawn anew.",
    ),
    _Limit(
        "depends_on_class",
        "random_logit",
        0.9,
        "lower",
        "The pictures of two different classes are {value} alike; less than {limit} is needed.",
        "Not measured: whether another class gets another picture.",
    ),
    _Limit(
        "adds_up",
        "completeness_gap",
        0.05,
        "lower",
        "In half of the samples the parts miss the output by {value} or more; at most {limit} is allowed.",
        "Not measured: whether the parts add up to the output.",
        percent=True,
    ),
    _Limit(
        "repeats",
        "seed_agreement",
        0.8,
        "higher",
        "Two runs agree {value}; {limit} is needed.",
        "Not measured: whether a second run gives the same picture.",
    ),
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
        return Verdict(
            method, "control", "A control: it explains nothing and sets the level to beat."
        )
    if not any(m == method for _, m in evidence.values):
        return Verdict(method, "not_tested", "Nothing was measured.")
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
        return Verdict(method, "failed", failed[0].sentence, gates)
    if n < FEWEST:
        reason = f"{_samples(n)}: verdict at most not shown; {FEWEST} samples are needed."
        return Verdict(method, "unsettled", reason, gates)
    if unsettled:
        return Verdict(method, "unsettled", unsettled[0].sentence, gates)
    return Verdict(method, "faithful", f"All {len(gates)} checks passed on {n} samples.", gates)


def _beats_random(evidence: _Evidence, method: str) -> Gate:
    found = evidence.against_random[method]
    return _beats("beats_random", found, len(found), "removing at random")


def _beats_trivial(evidence: _Evidence, method: str) -> Gate:
    if not evidence.trivial:
        sentence = "Not measured: no control that only looks at the input was in the study."
        return Gate("beats_trivial", None, None, 0.0, "higher", sentence)
    found = evidence.against_trivial[method]
    name = " or ".join(evidence.trivial)
    return _beats("beats_trivial", found, len(found) // len(evidence.trivial), f"'{name}' alone")


def _beats(name: str, found: list[tuple[Paired, float]], n_maskers: int, rival: str) -> Gate:
    """Judged by the weakest of the comparisons: all must be won, one clear loss is enough to fail."""
    if not found:
        sentence = f"Not measured: the removal test against {rival}."
        return Gate(name, None, None, 0.0, "higher", sentence)
    sides = [_side(test, p) for test, p in found]
    (weakest, p), _ = min(zip(found, sides, strict=True), key=lambda f: (f[1], f[0][0].mean))
    lost, won = -1 in sides, set(sides) == {1}
    passed = False if lost else True if won and n_maskers >= N_MASKERS else None
    ways = f"weakest of {n_maskers} ways of removing" if n_maskers > 1 else "one way of removing"
    if lost:
        words = f"What it marks matters {-weakest.mean:.2f} less than {rival} ({ways})."
    elif passed:
        words = f"What it marks matters {weakest.mean:.2f} more than {rival} ({ways})."
    elif weakest.interval is None:
        words = f"{_samples(weakest.n)} against {rival}; {FEWEST} are needed for a test."
    elif won:
        words = f"Better than {rival} under {ways} only; {N_MASKERS} are needed."
    else:
        low, high = map(_signed, weakest.interval)
        words = (
            f"No clear gain over {rival}: {_signed(weakest.mean)}, 95 % interval {low} to {high}, "
            f"corrected p = {p:.2f} ({ways})."
        )
    return Gate(name, passed, weakest.mean, 0.0, "higher", words, weakest.interval)


def _side(test: Paired, p: float) -> int:
    """1 for clearly better, -1 for clearly worse, 0 for not settled."""
    if test.interval is None or p >= LEVEL:
        return 0
    return int(test.interval[0] > 0) - int(test.interval[1] < 0)


def _limited(evidence: _Evidence, method: str, limit: _Limit) -> Gate:
    by_masker = evidence.values.get((limit.metric, method), {})
    values = np.array([v for found in by_masker.values() for v in found.values()])
    if not len(values):
        return Gate(limit.gate, None, None, limit.limit, limit.direction, limit.missing)
    if limit.gate == "adds_up":
        value, interval = float(np.median(values)), median_interval(values)
    else:
        value, interval = float(values.mean()), bootstrap_interval(values)
    passed = _passes(interval, limit)
    shown = {"value": _number(value, limit.percent), "limit": _number(limit.limit, limit.percent)}
    sentence = limit.finding.format(**shown)
    if interval is None:
        sentence += f" {_samples(len(values))}; {FEWEST} are needed to settle it."
    elif passed is None:
        low, high = (_number(v, limit.percent) for v in interval)
        sentence += f" Not settled: the 95 % interval is {low} to {high}."
    return Gate(limit.gate, passed, value, limit.limit, limit.direction, sentence, interval)


def _passes(interval: tuple[float, float] | None, limit: _Limit) -> bool | None:
    if interval is None:
        return None
    low, high = interval
    if limit.direction == "higher":
        return True if low >= limit.limit else False if high < limit.limit else None
    return True if high <= limit.limit else False if low > limit.limit else None


def _number(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.2f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _samples(n: int) -> str:
    return "One sample" if n == 1 else f"{n} samples"
