"""One sample of a run and the scales of its explanations: each its own, and one that can be shared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from xaikit.core.types import Explanation, Floats, Sample
from xaikit.report.charts import dot_whisker
from xaikit.report.findings import Findings
from xaikit.report.formats import decimals, fixed, signed

__all__ = ["Case", "dot", "probability", "quoted", "shares_scale", "strongest"]

N_STRONGEST = 4
Z = 1.96  # standard errors in half a 95 % interval


@dataclass(frozen=True, eq=False)
class Case:
    """One sample of a run; each explanation fills its own scale."""

    findings: Findings
    index: int

    @property
    def sample(self) -> Sample:
        return self.findings.run.samples[self.index]

    @cached_property
    def explanations(self) -> dict[str, Explanation]:
        """Method -> explanation, in the order of the verdicts."""
        found = self.findings.by_sample.get(self.sample.id, {})
        return {m: found[m] for m in self.findings.order if m in found}

    @cached_property
    def lead(self) -> Explanation | None:
        """The explanation that is shown: of the method to use, where it has one."""
        shown = [m for m in (self.findings.lead, *self.findings.trusted) if m in self.explanations]
        first = next(iter(shown or self.explanations), None)
        return self.explanations[first] if first else None

    @cached_property
    def end(self) -> float:
        """Where the shared scale ends: the largest |value| of methods that hold, in their unit."""
        sharing = {m: e for m, e in self.explanations.items() if shares_scale(e)}
        trusted = [e for m, e in sharing.items() if m in self.findings.trusted]
        values = [np.abs(e.values).max() for e in trusted or sharing.values()]
        return float(max(values, default=0.0))

    @property
    def digits(self) -> int:
        return decimals(self.end)

    def end_of(self, e: Explanation) -> float:
        """Where the scale of this explanation ends: at its own maximum."""
        return float(np.abs(e.values).max())

    def digits_of(self, e: Explanation) -> int:
        return decimals(self.end_of(e)) if shares_scale(e) else 2

    def shares(self, e: Explanation) -> Floats:
        """(n,) values as shares of its own scale; an empty map stays empty."""
        end = self.end_of(e)
        return e.values / end if end > 0 else np.zeros_like(e.values)

    def shared(self, e: Explanation) -> Floats:
        """(n,) values as shares of the scale that methods in the output's unit have in common."""
        return e.values / self.end if self.end > 0 else np.zeros_like(e.values)

    def shown(self, e: Explanation) -> Floats:
        """(n,) values as they are printed: in their unit, or relative to their own maximum."""
        return e.values if shares_scale(e) else self.shares(e)

    def errors(self, e: Explanation) -> Floats | None:
        """(n,) half widths of the 95 % intervals as printed, or None when nothing was sampled."""
        if e.std is None:
            return None
        end = self.end_of(e)
        return Z * (e.std if shares_scale(e) else e.std / end if end > 0 else e.std)


def shares_scale(e: Explanation) -> bool:
    """Whether the values are in the unit of the explained output."""
    return e.unit != "relative"


def strongest(mine: Case) -> dict[str, Any] | None:
    """The strongest features of the first method that passed, as dots with their intervals."""
    e = mine.lead
    if e is None or not np.abs(e.values).max() > 0:
        return None
    words = mine.findings.words
    values, errors = mine.shown(e), mine.errors(e)
    order = np.argsort(-np.abs(values), kind="stable")[:N_STRONGEST]
    end = float(np.abs(values[order]).max())
    if errors is not None:
        end = max(end, float((np.abs(values[order]) + errors[order]).max()))
    title = words(
        "strongest",
        parts=mine.findings.parts,
        method=mine.findings.name(e.method),
        unit=words.known(f"unit.{e.unit}", e.unit),
        end=fixed(end, decimals(end)),
    )
    if errors is not None:
        title += words("strongest.whisker") + words("strongest.faint")
    axis = (-end, end)
    return {
        "title": title,
        "not_converged": e.converged is False,
        "rows": [
            {
                "name": quoted(mine.sample, e.names[i]),
                **dot(float(values[i]), errors, i, axis, mine.digits_of(e)),
            }
            for i in order
        ],
    }


def dot(
    value: float, errors: Floats | None, i: int, axis: tuple[float, float], digits: int
) -> dict[str, Any]:
    """One value as a dot with its whisker and its number; faint when its interval holds 0."""
    half = None if errors is None else float(errors[i])
    chart = dot_whisker(
        value,
        axis,
        interval=None if half is None else (value - half, value + half),
        tone="for" if value > 0 else "against" if value < 0 else "",
        hollow=value < 0,
        faint=half is not None and half > 0 and abs(value) < half,
    )
    over = "›" if value > axis[1] else "‹" if value < axis[0] else ""
    error = "" if half is None else f"±{fixed(half, digits)}"
    return {"chart": chart, "text": signed(value, digits) + over, "error": error}


def quoted(sample: Sample, name: str) -> str:
    """Words stand in quotation marks, so that a full stop can be seen."""
    return f"“{name}”" if sample.kind.words else name


def probability(log_odds: float) -> float:
    """The probability of a log-odds."""
    return 0.5 * (1 + math.tanh(log_odds / 2))
