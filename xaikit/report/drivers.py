"""Where the evidence lies over all samples: shares per region, beside the share of its size alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from xaikit.core.types import Explanation, Floats, Sample
from xaikit.report.badges import badge
from xaikit.report.charts import dot_whisker
from xaikit.report.findings import RANDOM, Estimate, Findings, estimate
from xaikit.report.formats import fixed, percent, percent_interval
from xaikit.report.views import view_of

__all__ = ["Share", "drivers_block", "lead_share", "place_block", "rationale_name"]

MOST_METHODS = 3
MOST_REGIONS = 8
Share = tuple[str, Estimate, float]  # region, share of the evidence, share that its size explains


def drivers_block(findings: Findings) -> dict[str, Any]:
    """One block a method that passed (of all real ones when nothing was tested yet)."""
    methods = (findings.passed if findings.tested else findings.real)[:MOST_METHODS]
    blocks = [_block(findings, m) for m in methods]
    n = len(findings.run.samples)
    return {
        "blocks": [c for c in blocks if c["rows"]],
        "tested": findings.tested,
        "lead": findings.words("drivers.lead" if n >= 10 else "drivers.lead_few"),
        "place": place_block(findings),
    }


def lead_share(findings: Findings) -> Share | None:
    """The region that the first passed method puts most evidence on, for the short answer."""
    if not findings.passed:
        return None
    shares = _shares(findings, findings.passed[0])
    named = [s for s in shares if s[0] != findings.words("drivers.elsewhere")]
    return max(named, key=lambda s: s[1].value, default=None)


def rationale_name(findings: Findings) -> str | None:
    """What the samples' known places are called, None when no sample has any."""
    if all(s.rationale is None for s in findings.run.samples):
        return None
    given = str(findings.run.context.get("rationale") or "rationale.marked")
    return findings.words.known(given, given)


def _block(findings: Findings, method: str) -> dict[str, Any]:
    shares = _shares(findings, method)[:MOST_REGIONS]
    end = max([1e-9, *(max(s.value, x, *(s.interval or (0,)), *s.cases) for _, s, x in shares)])
    axis = (0.0, 1.0 if end > 0.5 else 1.1 * end)
    return {
        "title": findings.title(method),
        "badge": badge(findings, findings.verdicts[method].status),
        "stopped": findings.stopped(method),
        "n": max((s.n for _, s, _ in shares), default=0),
        "rows": [
            {
                "name": name[:1].upper() + name[1:] if name == rationale_name(findings) else name,
                "chart": dot_whisker(s.value, axis, interval=s.interval, cases=s.cases, zero=size),
                "text": percent(s.value),
                "interval": percent_interval(s.interval),
                "expected": percent(size),
            }
            for name, s, size in shares
        ],
    }


def _shares(findings: Findings, method: str) -> list[Share]:
    """Regions with the mean share of evidence on them: strongest first, or in their own order."""
    found: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, list[float]] = defaultdict(list)
    measured = findings.values("relevance_mass", method)
    for sample in findings.run.samples:
        explanation = findings.by_sample.get(sample.id, {}).get(method)
        if explanation is None:
            continue
        for name, weight in _regions(findings, sample, explanation).items():
            places = explanation.segmentation.ids >= 0
            share = _share(explanation, weight, positive=sample.rationale is not None)
            if sample.rationale is not None and sample.id in measured:
                inside = measured[sample.id]
                share = inside if name == rationale_name(findings) else 1 - inside
            if share is not None:
                found[name].append(share)
                sizes[name].append(float(weight[places].mean()))
    shares = [(n, s, float(np.mean(sizes[n]))) for n, v in found.items() if (s := estimate(v))]
    elsewhere = findings.words("drivers.elsewhere")
    if _in_order(findings):
        return shares
    return sorted(shares, key=lambda s: (s[0] == elsewhere, -s[1].value))


def _in_order(findings: Findings) -> bool:
    """Whether regions are places with an order of their own, which is kept: parts of the time."""
    return view_of(findings.kind).in_order and findings.run.samples[0].rationale is None


def _share(explanation: Explanation, weight: Floats, *, positive: bool) -> float | None:
    """Share of the evidence on places, spread evenly over each feature; None when there is none."""
    seg = explanation.segmentation
    values = np.maximum(explanation.values, 0) if positive else np.abs(explanation.values)
    per_place = seg.scatter(values / seg.sizes)
    total = float(per_place.sum())
    return float((per_place * weight).sum() / total) if total > 0 else None


def _regions(findings: Findings, sample: Sample, explanation: Explanation) -> dict[str, Floats]:
    """Region -> (*grid) 0 or 1: known places, columns, words, channels or parts."""
    words = findings.words
    if sample.rationale is not None:
        inside = sample.rationale.astype(np.float64)
        return {rationale_name(findings) or "": inside, words("drivers.elsewhere"): 1 - inside}
    return view_of(findings.kind).regions(findings, sample, explanation)


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
