"""How much of each method's evidence lies in the places that the data mark; counts in no verdict."""

from __future__ import annotations

from typing import Any

import numpy as np

from xaikit.report.badges import badge
from xaikit.report.charts import dot_whisker
from xaikit.report.findings import RANDOM, Findings
from xaikit.report.formats import fixed, percent, percent_interval

__all__ = ["place_block", "rationale_name"]


def rationale_name(findings: Findings) -> str | None:
    """What the samples' known places are called, None when no sample has any."""
    if all(s.rationale is None for s in findings.run.samples):
        return None
    given = str(findings.run.context.get("rationale") or "rationale.marked")
    return findings.words.known(given, given)


def place_block(findings: Findings) -> dict[str, Any] | None:
    """Every method's share of evidence in the known places, controls included; no verdict."""
    name = rationale_name(findings)
    methods = [m for m in findings.order if findings.values("relevance_mass", m)]
    if name is None or not methods:
        return None
    size = float(
        np.mean([s.rationale.mean() for s in findings.run.samples if s.rationale is not None])
    )
    return {
        "name": name,
        "size": percent(size),
        "rows": [_placed(findings, m, size) for m in methods],
    }


def _placed(findings: Findings, method: str, size: float) -> dict[str, Any]:
    mass = findings.mean("relevance_mass", method)
    pointing, auprc = (findings.mean(m, method) for m in ("pointing_game", "auprc"))
    status = findings.verdicts[method].status
    row: dict[str, Any] = {
        "title": findings.title(method),
        "badge": badge(findings, status, short=True),
        "stopped": findings.stopped(method),
        "control": status == "control" or method == RANDOM,
        "pointing": percent(pointing.value) if pointing else "–",
        "auprc": fixed(auprc.value) if auprc else "–",
    }
    if mass is not None:
        row["chart"] = dot_whisker(
            mass.value, (0.0, 1.0), interval=mass.interval, cases=mass.cases, zero=size
        )
        row |= {"text": percent(mass.value), "interval": percent_interval(mass.interval)}
    return row
