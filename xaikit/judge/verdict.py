"""Which explanation to use: what the checks say of each method, and which of those that hold is best.

A method holds when every check that applies passes (`xaikit.judge.checks`). Among those that hold the gain
of the removal test decides, paired by sample: what is clearly behind the best is weaker, and ties stay ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from xaikit.core.display import display
from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST, bootstrap_interval
from xaikit.judge.checks import MARGIN, Check, Measured, checks_of, interval_of
from xaikit.judge.evidence import Evidence

__all__ = ["HOLDS", "Check", "Choice", "Status", "Verdict", "choice", "verdicts"]

Status = Literal["use", "weaker", "unsettled", "failed", "control", "not_tested"]
HOLDS = ("use", "weaker")
"""The statuses of methods whose every check passed."""
LEAST = 0.01  # of the best gain, by which something must be behind it to be weaker


@dataclass(frozen=True)
class Verdict:
    """What the checks say of one method in one run; reason : why, in English.

    status : "use" (holds, and none that holds is clearly better), "weaker" (holds, and clearly behind the
        best), "unsettled" (a check is not settled), "failed" (one clearly failed), "control", "not_tested"
    than : for "weaker" the method that is clearly better
    share, share_interval : its gain in the removal test as a share of the best method's, with its 95 %
        interval; the best is that of those that hold, or of all where none does
    needed : for "unsettled" about how many samples would settle every check, None where nobody knows
    """

    method: str
    status: Status
    found: tuple[Finding, ...]
    checks: tuple[Check, ...] = ()
    than: str = ""
    share: float | None = None
    share_interval: tuple[float, float] | None = None
    needed: int | None = None

    @property
    def reason(self) -> str:
        return " ".join(map(str, self.found))

    def facts(self) -> dict[str, Any]:
        """What it says, JSON-able: its fields, with the findings as an English reason."""
        names = ("method", "status", "reason", "than", "share", "share_interval", "needed")
        checks = [check.facts() for check in self.checks]
        return {name: getattr(self, name) for name in names} | {"checks": checks}

    @property
    def holds(self) -> bool:
        return self.status in HOLDS

    def _repr_html_(self) -> str:
        return display("html", self)  # type: ignore[no-any-return]

    def check(self, name: str) -> Check | None:
        """The check of that name, or None when nothing was checked."""
        return next((c for c in self.checks if c.name == name), None)


@dataclass(frozen=True)
class Choice:
    """Which explanation to use.

    use : the methods that hold and that none is clearly better than; the shown one first
    shown : the one to show: of `use` an additive one, because its parts can be added and compared; where
        none holds the unsettled one of the largest gain, else the first that is no control
    holds : whether `shown` holds
    input_alone : whether a control that never asks the model is level with the best: what stands out in
        the input would have told as much
    """

    use: tuple[str, ...]
    shown: str | None
    holds: bool
    input_alone: bool


def verdicts(run: Evidence) -> tuple[Verdict, ...]:
    """One verdict a method, in the order of the run."""
    return _judged(Measured(run))


def choice(run: Evidence) -> Choice:
    """Which method to use here, and which to show where none can be named."""
    measured = Measured(run)
    found = _judged(measured)
    level = _best_first(measured, [v.method for v in found if v.status == "use"])
    additive = [m for m in level if measured.is_additive(m)]
    real = [v.method for v in found if v.status != "control"]
    unsettled = [v.method for v in found if v.status == "unsettled"]
    shown = next(iter([*additive, *level, *_best_first(measured, unsettled), *real]), None)
    use = tuple(sorted(level, key=lambda m: m != shown))
    alone = bool(level) and _input_alone(measured, level[0])
    return Choice(use, shown, bool(level), alone)


def _judged(measured: Measured) -> tuple[Verdict, ...]:
    found = [_alone(measured, method) for method in measured.run.methods]
    holding = [v.method for v in found if v.holds]
    real = [v.method for v in found if v.checks]
    best = next(iter(_best_first(measured, holding or real)), None)
    return tuple(_beside(measured, v, best) if best and v.checks else v for v in found)


def _alone(measured: Measured, method: str) -> Verdict:
    """What its own checks say."""
    if measured.is_control(method):
        return Verdict(method, "control", (Finding("reason.control"),))
    if method not in measured.measured:
        return Verdict(method, "not_tested", (Finding("reason.not_tested"),))
    return _from_checks(method, checks_of(measured, method), len(measured.run.of(method)))


def _from_checks(method: str, checks: tuple[Check, ...], n: int) -> Verdict:
    asked = [c for c in checks if c.applies]
    failed = [c for c in asked if c.passed is False]
    unsettled = [c for c in asked if c.passed is None]
    if failed:
        return Verdict(method, "failed", failed[0].found, checks)
    if n < FEWEST:
        few = Finding("reason.few", {"n": n, "needed": FEWEST})
        return Verdict(method, "unsettled", (few,), checks, needed=FEWEST)
    if unsettled:
        needed = _most([c.needed for c in unsettled])
        more = () if needed is None else (Finding("reason.needed", {"needed": needed}),)
        return Verdict(method, "unsettled", (*unsettled[0].found, *more), checks, needed=needed)
    passed = Finding("reason.use", {"checks": len(asked), "n": n})
    return Verdict(method, "use", (passed,), checks)


def _most(needed: Sequence[int | None]) -> int | None:
    known = [n for n in needed if n is not None]
    return max(known) if len(known) == len(needed) else None


def _beside(measured: Measured, verdict: Verdict, best: str) -> Verdict:
    """The verdict with its share of the best gain; "weaker" where the best is clearly better."""
    share, interval = _share(measured, verdict.method, best)
    verdict = replace(verdict, share=share, share_interval=interval)
    if verdict.status != "use" or not _clearly_better(measured, best, verdict.method):
        return verdict
    told = Finding("reason.weaker", {"than": measured.title(best), "share": share})
    return replace(verdict, status="weaker", than=best, found=(told,))


def _best_first(measured: Measured, methods: Sequence[str]) -> list[str]:
    """By the mean gain over maskers, largest first; those that were not measured come last."""

    def gain(method: str) -> float:
        rows = [np.mean(list(found.values())) for found in measured.gains(method).values()]
        return float(np.mean(rows)) if rows else -np.inf

    return sorted(methods, key=gain, reverse=True)


def _clearly_better(measured: Measured, a: str, b: str) -> bool:
    """Whether a gains more than b on the same samples, under every masker, by more than a percent."""
    found = [interval_of((1 - LEAST) * x - y) for x, y in measured.paired(a, b).values()]
    return bool(found) and all(i is not None and i[0] > 0 for i in found)


def _share(
    measured: Measured, method: str, best: str
) -> tuple[float | None, tuple[float, float] | None]:
    """The gain as a share of the best one's, both as means over maskers, and its 95 % interval.

    The interval is that of the mean of (mine - share * best) / mean of best: a ratio of means, linearised.
    """
    pairs = list(measured.paired(method, best).values())
    n = min((len(mine) for mine, _ in pairs), default=0)
    if not n:
        return None, None
    mine, theirs = np.mean([[a[:n], b[:n]] for a, b in pairs], axis=0)
    whole = float(theirs.mean())
    if whole <= 0:
        return None, None
    share = float(mine.mean()) / whole
    return share, bootstrap_interval(share + (mine - share * theirs) / whole)


def _input_alone(measured: Measured, best: str) -> bool:
    """Whether a trivial control is no more than 10 % of the best gain behind it, under every masker."""

    def level(control: str) -> bool:
        pairs = measured.paired(best, control).values()
        found = [interval_of(theirs - (1 - MARGIN) * mine) for mine, theirs in pairs]
        return bool(found) and all(i is not None and i[0] > 0 for i in found)

    return any(level(control) for control in measured.trivial)
