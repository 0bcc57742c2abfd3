"""The small figures beside an explanation: how well it fits, adds up and is pinned down."""

from __future__ import annotations

from typing import Any

from xaikit.core.types import Explanation
from xaikit.report.case import Case, shares_scale
from xaikit.report.formats import fixed, percent

__all__ = ["figures", "gap"]

POOR_FIT = 0.3  # weighted R2 below which a surrogate's weights say little
GAP_LIMIT = 0.05  # of the output that an additive method may miss


def figures(mine: Case, e: Explanation) -> list[dict[str, Any]]:
    """Fit of a surrogate, completeness gap of an additive method, widest error bar of a sampled one."""
    words, found = mine.findings.words, []
    r2, missed, errors = e.extras.get("r2"), gap(mine, e), mine.errors(e)
    if r2 is not None:
        poor = float(r2) < POOR_FIT
        key = "poor_fit" if poor else "fit"
        found.append({"text": words(f"quality.{key}", value=fixed(float(r2))), "poor": poor})
    if missed is not None:
        text = words("quality.gap", value=percent(missed, 1))
        found.append({"text": text, "poor": missed > GAP_LIMIT})
    if errors is not None:
        digits = mine.digits if shares_scale(e) else 2
        found.append({"text": words("quality.error", value=fixed(float(errors.max()), digits))})
    return found


def gap(mine: Case, e: Explanation) -> float | None:
    """Share of the output that the parts of an additive explanation miss; None where it has no meaning."""
    measured = mine.findings.values("completeness_gap", e.method)
    if mine.sample.id in measured:
        return measured[mine.sample.id]
    span = abs(e.output - e.empty)
    return abs(e.residual) / span if e.additive and span > 1e-9 else None
