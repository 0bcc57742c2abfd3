"""What the verdicts of a run say to the page: a status and checks a method, and which one to use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST
from xaikit.judge.verdict import Gate, Verdict
from xaikit.study.run import Run

__all__ = ["Check", "Choice", "Judged", "choice_of", "judged"]

STATUSES = {"faithful": "use"}
NAMES = {"beats_trivial": "not_worse_than_input"}
DRAWS = 999


@dataclass(frozen=True)
class Check:
    """One check of a method; applies is False where it has no meaning, and passed is None then."""

    name: str
    passed: bool | None
    value: float | None
    limit: float
    direction: str
    found: tuple[Finding, ...]
    interval: tuple[float, float] | None = None
    applies: bool = True


@dataclass(frozen=True)
class Judged:
    """What the checks say of one method."""

    method: str
    status: str
    found: tuple[Finding, ...]
    checks: tuple[Check, ...] = ()
    than: str = ""
    share: float | None = None
    share_interval: tuple[float, float] | None = None
    needed: int | None = None

    def check(self, name: str) -> Check | None:
        return next((c for c in self.checks if c.name == name), None)


@dataclass(frozen=True)
class Choice:
    """Which method to use; shown : the one that the page draws; holds : whether it holds."""

    use: tuple[str, ...]
    shown: str | None
    holds: bool
    input_alone: bool = False


def judged(run: Run) -> tuple[Judged, ...]:
    """One a method, in the order of the run."""
    gains = _Gains(run)
    return tuple(_judged(verdict, gains) for verdict in run.verdicts())


def _judged(verdict: Verdict, gains: _Gains) -> Judged:
    share, interval = gains.share(verdict.method)
    return Judged(
        method=verdict.method,
        status=STATUSES.get(verdict.status, verdict.status),
        found=verdict.found,
        checks=tuple(map(_check, verdict.gates)),
        share=share,
        share_interval=interval,
    )


def _check(gate: Gate) -> Check:
    return Check(**{**vars(gate), "name": NAMES.get(gate.name, gate.name)})


@dataclass(frozen=True, eq=False)
class _Gains:
    """How much the removal test gains by a method, sample by sample."""

    run: Run

    @cached_property
    def of(self) -> dict[str, dict[str, float]]:
        """Method -> sample -> mean gain over the ways of removing."""
        found: dict[str, dict[str, list[float]]] = {}
        for s in self.run.scores:
            if s.metric == "srg" and "method" in s.of and np.isfinite(s.value):
                mine = found.setdefault(str(s.of["method"]), {})
                mine.setdefault(str(s.of.get("sample", "")), []).append(s.value)
        return {m: {k: float(np.mean(v)) for k, v in mine.items()} for m, mine in found.items()}

    @cached_property
    def best(self) -> str | None:
        means = {m: np.mean(list(v.values())) for m, v in self.of.items()}
        return max(means, key=lambda m: means[m]) if means else None

    def share(self, method: str) -> tuple[float | None, tuple[float, float] | None]:
        """Share of the best method's gain with its 95 % interval, over the samples that both have."""
        if self.best is None or method not in self.of:
            return None, None
        mine, best = self.of[method], self.of[self.best]
        pairs = np.array([(mine[k], best[k]) for k in mine if k in best])
        mean = pairs.mean(axis=0)
        if mean[1] <= 0:
            return None, None
        share = float(mean[0] / mean[1])
        if len(pairs) < FEWEST:
            return share, None
        draws = np.random.default_rng(0).integers(len(pairs), size=(DRAWS, len(pairs)))
        means = pairs[draws].mean(axis=1)
        low, high = np.percentile(means[:, 0] / np.maximum(means[:, 1], 1e-12), [2.5, 97.5])
        return share, (float(low), float(high))


def choice_of(run: Run, found: tuple[Judged, ...]) -> Choice:
    """Of the methods to use the additive one, since its parts add up to the answer."""
    gains = _Gains(run).of
    order = sorted(found, key=lambda j: -np.mean(list(gains.get(j.method, {"": -9.0}).values())))
    by = {s: [j.method for j in order if j.status == s] for s in {j.status for j in found}}
    use = tuple(by.get("use", ()))
    candidates = use or (*by.get("unsettled", ()), *by.get("not_tested", ()), *by.get("failed", ()))
    additive = [m for m in candidates if all(e.additive for e in run.of(m))]
    first = (additive if use else []) or candidates
    return Choice(use, next(iter(first), None), bool(use))
