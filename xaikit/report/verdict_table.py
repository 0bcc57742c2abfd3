"""The verdict table: one row a method, badge before number, every failed check named."""

from __future__ import annotations

from typing import Any

from xaikit.judge.checks import CHECKS
from xaikit.judge.verdict import Check, Verdict
from xaikit.report.charts import dot_whisker
from xaikit.report.findings import RANDOM, Estimate, Findings
from xaikit.report.formats import count, duration, fixed, interval, signed

__all__ = ["GLYPHS", "badge", "verdict_block"]

GLYPHS = {
    "use": "✓",
    "weaker": "↓",
    "unsettled": "?",
    "not_tested": "?",
    "failed": "✕",
    "control": "◇",
    "error": "–",
}
MARKS = {True: ("✓", "pass"), False: ("✕", "fail"), None: ("?", "open")}
UNFIT = ("–", "unfit")


def badge(findings: Findings, status: str, *, short: bool = False) -> dict[str, str]:
    """Glyph, words and kind of a verdict's badge."""
    key = f"short_badge.{status}" if short else f"badge.{status}"
    return {"glyph": GLYPHS[status], "text": findings.words(key), "kind": status.replace("/", "")}


def verdict_block(findings: Findings) -> dict[str, Any]:
    """Heads and rows of the verdict table."""
    gains = {m: findings.faithfulness(m) for m in findings.order if m != RANDOM}
    ends = [b for g in gains.values() if g for b in (g.interval or (g.value, g.value))]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    pad = 0.08 * (high - low) or 1.0
    axis = (low - pad, high + pad)
    return {
        "repeats": _limit(findings, "repeats"),
        "depends": _limit(findings, "depends_on_model"),
        "rows": [_row(findings, m, gains.get(m), axis) for m in findings.order],
        "n": len(findings.run.samples),
        "meanings": _meanings(findings),
    }


def _meanings(findings: Findings) -> list[tuple[str, str]]:
    """What each check and column asks, in one line each; checks that no method was put to are left out."""
    words = findings.words
    asked = {c.name for v in findings.verdicts.values() for c in v.checks if c.applies}
    checks = [(words(f"check.{c}"), words(f"asks.{c}")) for c in CHECKS if c in asked or not asked]
    columns = [(words(f"verdict.{c}"), words(f"meaning.{c}")) for c in ("agrees", "cost")]
    return [*checks, *columns]


def _row(
    findings: Findings, method: str, gain: Estimate | None, axis: tuple[float, float]
) -> dict[str, Any]:
    verdict = findings.verdicts[method]
    trivial, by_class = (
        _measured(verdict, g) for g in ("not_worse_than_input", "depends_on_class")
    )
    agrees = None if verdict.status == "control" else findings.agrees_with_passed(method)
    return {
        "title": findings.title(method),
        "control": verdict.status == "control",
        "failed": verdict.status == "failed",
        "badge": badge(findings, verdict.status),
        "reason": _reason(findings, verdict, gain),
        "checks": [_check(findings, c) for c in verdict.checks],
        "better": _better(findings, method, gain, axis),
        "trivial": trivial
        and {
            "text": signed(trivial.value),
            "interval": interval(trivial.interval),
            **_mark(findings, trivial),
        },
        "repeats": _cell(findings, verdict.check("repeats"), findings.repeats(method)),
        "depends": _cell(findings, verdict.check("depends_on_model"), _changed(findings, method)),
        "by_class": by_class and {"text": fixed(by_class.value), **_mark(findings, by_class)},
        "agrees": fixed(agrees.value if agrees else None),
        "ceiling": fixed(agrees.ceiling) if agrees and agrees.ceiling is not None else "",
        "cost": _cost(findings, method),
        "stopped": findings.stopped(method),
    }


def _measured(verdict: Verdict, name: str) -> Check | None:
    """The check of that name, if it was asked and measured."""
    check = verdict.check(name)
    return check if check is not None and check.value is not None else None


def _reason(findings: Findings, verdict: Verdict, gain: Estimate | None) -> str:
    words = findings.words
    if verdict.status == "control":
        beats = gain and gain.interval and gain.interval[0] > 0
        key = "control_beats" if beats else "control_reason"
        return words("verdict.random_reason" if verdict.method == RANDOM else f"verdict.{key}")
    if verdict.status == "not_tested":
        return words("verdict.untested_reason")
    if verdict.status == "failed":
        return " ".join(words.told(*c.found) for c in verdict.checks if c.passed is False)
    return words.told(*verdict.found)


def _better(
    findings: Findings, method: str, gain: Estimate | None, axis: tuple[float, float]
) -> dict[str, Any]:
    words = findings.words
    if method == RANDOM:
        return {"text": words("verdict.reference")}
    if gain is None:
        return {"text": words("not_tested"), "absent": True}
    check = findings.verdicts[method].check("beats_random")
    open_ = gain.interval is None or gain.interval[0] <= 0 <= gain.interval[1]
    chart = dot_whisker(
        gain.value, axis, interval=gain.interval, cases=_inside(gain.cases, axis), hollow=open_
    )
    return {
        "chart": chart,
        "text": signed(gain.value),
        "interval": interval(gain.interval),
        **(_mark(findings, check) if check else {}),
    }


def _inside(cases: tuple[float, ...], axis: tuple[float, float]) -> tuple[float, ...]:
    return tuple(c for c in cases if axis[0] <= c <= axis[1])


def _mark(findings: Findings, check: Check) -> dict[str, str]:
    glyph, kind = MARKS[check.passed] if check.applies else UNFIT
    return {"glyph": glyph, "mark": kind, "word": findings.words(f"mark.{kind}")}


def _cell(findings: Findings, check: Check | None, measured: float | None) -> dict[str, Any]:
    """A check's value with its mark, or the bare number when nobody judged it."""
    if check is not None and check.value is not None:
        return {"text": fixed(check.value), **_mark(findings, check)}
    if measured is not None:
        return {"text": fixed(measured)}
    return {"text": "–", "word": findings.words("not_tested")}


def _check(findings: Findings, check: Check) -> dict[str, Any]:
    words = findings.words
    return {
        "name": words.known(f"check.{check.name}", check.name),
        "asks": words.known(f"asks.{check.name}", ""),
        "finding": words.told(*check.found),
        **_mark(findings, check),
    }


def _changed(findings: Findings, method: str) -> float | None:
    found = findings.mean("randomisation", method)
    return found.value if found else None


def _limit(findings: Findings, name: str) -> str:
    """A check's threshold and the better direction, for the head of its column."""
    checks = (v.check(name) for v in findings.verdicts.values())
    check = next((g for g in checks if g is not None), None)
    if check is None:
        return ""
    return (
        (f"≥ {fixed(check.limit)} ↑")
        if check.direction == "higher"
        else f"≤ {fixed(check.limit)} ↓"
    )


def _cost(findings: Findings, method: str) -> str:
    costs = [e.cost for e in findings.run.of(method)]
    calls = sum(max(c.asked, c.forward, c.backward) for c in costs) / len(costs)
    seconds = sum(c.seconds for c in costs) / len(costs)
    return f"{count(calls)} · {duration(seconds)}" if calls else "0"
