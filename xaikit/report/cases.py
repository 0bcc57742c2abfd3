"""One block a sample: the input, what the model said, what every method points at, all numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from xaikit.core.types import Explanation, Floats
from xaikit.report.badges import badge
from xaikit.report.case import Case, shares_scale
from xaikit.report.consensus import consensus_of
from xaikit.report.findings import Findings
from xaikit.report.flips import flip_of
from xaikit.report.formats import count, decimals, duration, fixed, signed
from xaikit.report.predictions import bars, explained, said
from xaikit.report.quality import figures
from xaikit.report.views import view_of

__all__ = ["sample_block"]

MOST_ROWS = 64  # of the table of all numbers


def sample_block(findings: Findings, index: int) -> dict[str, Any]:
    """What the template needs to draw one sample."""
    mine, view = Case(findings, index), view_of(findings.kind)
    end = view.end(mine)
    slots = [_slot(mine, m, end) for m in findings.order]
    return {
        "index": index,
        "view": findings.kind.view,
        **_common_parts(mine, end),
        "slots": slots,
        "flip": flip_of(findings, mine.sample),
        "consensus": consensus_of(findings, mine.sample),
        "numbers": _numbers(mine),
        **view.parts(mine, slots),
    }


def _common_parts(mine: Case, end: float) -> dict[str, Any]:
    """Id, prediction, agreement and probabilities; `end` is where the shared scale is drawn to."""
    findings, i = mine.findings, mine.index
    agreement = findings.agreement_in(mine.sample)
    words = findings.words
    first = next(iter(mine.explanations.values()), None)
    unit = words.known(f"unit.{first.target.unit}", first.target.unit) if first else ""
    return {
        "id": mine.sample.id,
        "wrong": findings.is_wrong(i),
        "said": said(findings, i),
        "agreement": words("sample.agree", value=fixed(agreement)) if agreement is not None else "",
        "order": agreement if agreement is not None else 2.0,
        "explained": explained(findings, i, first),
        "bars": bars(findings, i),
        "end": words("scale.end", end=fixed(end, decimals(end)), unit=unit) if end else "",
    }


def _slot(mine: Case, method: str, end: float) -> dict[str, Any]:
    """A method's place in the block: name, unit, badge, or why there is no result."""
    findings = mine.findings
    e, verdict = mine.explanations.get(method), findings.verdicts[method]
    slot: dict[str, Any] = {
        "method": method,
        "title": findings.title(method),
        "name": findings.name(method),
        "failed": verdict.status == "failed",
        "control": verdict.status == "control",
        "band": _band(findings, method) if e is not None else badge(findings, "error", short=True),
        "empty": e is None or not np.abs(e.values).max() > 0,
    }
    return slot | (_missing(mine, method) if e is None else _scaled(mine, e, end))


def _scaled(mine: Case, e: Explanation, end: float) -> dict[str, Any]:
    findings, words = mine.findings, mine.findings.words
    unit, own = words.unit(e.unit), mine.end_of(e)
    over = own if shares_scale(e) else 0.0
    top = ", ".join(f"{n} {signed(v, mine.digits_of(e))}" for n, v in _top(mine, e, 3))
    return {
        "scale": words("scale.end_own", end=fixed(own, mine.digits_of(e)), unit=unit)
        if shares_scale(e)
        else words("scale.own"),
        "shared_scale": words("scale.end_own", end=fixed(end, decimals(end or 1.0)), unit=unit),
        "clipped": (
            words("scale.clipped", value="±" + fixed(over, mine.digits))
            if over > end * (1 + 1e-9)
            else ""
        ),
        "not_converged": e.converged is False,
        "figures": figures(mine, e),
        "label": words("map.label", method=findings.title(e.method), features=top),
        "nothing": words("map.zero", part=findings.part),
    }


def _top(mine: Case, e: Explanation, k: int) -> list[tuple[str, float]]:
    values = mine.shown(e)
    order = np.argsort(-np.abs(values), kind="stable")[:k]
    return [(e.names[i], float(values[i])) for i in order]


def _missing(mine: Case, method: str) -> dict[str, Any]:
    """Why this sample has no result, from the run's failures."""
    words = mine.findings.words
    for f in mine.findings.run.failures:
        if f.method == method and f.sample_id in ("", mine.sample.id):
            return {
                "missing": words("map.stopped", reason=f.reason),
                "remedy": f.remedy,
                "scale": "",
            }
    return {"missing": words("map.none"), "remedy": "", "scale": ""}


def _band(findings: Findings, method: str) -> dict[str, str]:
    """The short badge under a map; a failed one names its check."""
    verdict = findings.verdicts[method]
    short = badge(findings, verdict.status, short=True)
    check = next((c for c in verdict.checks if c.passed is False), None)
    if verdict.status == "failed" and check is not None:
        short["check"] = findings.words.known(f"short_check.{check.name}", check.name)
        short["text"] += ": " + short["check"]
    return short


def _numbers(mine: Case) -> dict[str, Any] | None:
    """Every value of every method on this sample, strongest first, and each method's own account."""
    if mine.lead is None:
        return None
    words = mine.findings.words
    explanations = list(mine.explanations.values())
    order = np.argsort(-np.abs(mine.lead.values), kind="stable")
    kept, rest = order[:MOST_ROWS], order[MOST_ROWS:]
    columns = [(mine.shown(e), mine.errors(e), mine.digits_of(e)) for e in explanations]
    rows = [
        (mine.lead.names[i], [_number(values, errors, i, d) for values, errors, d in columns])
        for i in kept
    ]
    if len(rest):
        name = words("numbers.rest", n=count(len(rest)))
        rows.append((name, [signed(float(v[rest].sum()), d) for v, _, d in columns]))
    return {
        "heads": [mine.findings.name(e.method) for e in explanations],
        "rows": rows,
        "account": _account(mine, explanations),
    }


def _number(values: Floats, errors: Floats | None, i: int, digits: int) -> str:
    text = signed(float(values[i]), digits)
    return text if errors is None else f"{text} ±{fixed(float(errors[i]), digits)}"


def _account(mine: Case, explanations: list[Explanation]) -> list[tuple[str, list[str]]]:
    """Output, empty value, remainder, calls, time and notes of each method."""
    words, d = mine.findings.words, decimals(max(mine.end, 1e-6))
    sums = [e if e.additive else None for e in explanations]
    rows = [
        (words("numbers.output"), [fixed(e.output, d) for e in explanations]),
        (words("numbers.empty"), [fixed(e.empty, d) for e in explanations]),
        (words("numbers.residual"), [signed(e.residual, d) if e else "–" for e in sums]),
        (
            words("numbers.calls"),
            [count(max(e.cost.asked, e.cost.forward, e.cost.backward)) for e in explanations],
        ),
        (words("numbers.seconds"), [duration(e.cost.seconds) for e in explanations]),
    ]
    notes = [_note(mine, e) for e in explanations]
    return [*rows, (words("numbers.note"), notes)] if any(notes) else rows


def _note(mine: Case, e: Explanation) -> str:
    stopped = mine.findings.words("verdict.not_converged") if e.converged is False else ""
    return "; ".join(dict.fromkeys(n for n in (stopped, e.note) if n))
