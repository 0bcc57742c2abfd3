"""Which explanation to use: three lines, then a matrix of methods and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from xaikit.judge.checks import CHECKS
from xaikit.judge.verdict import Check, Verdict
from xaikit.report.badges import badge
from xaikit.report.charts import position
from xaikit.report.findings import RANDOM, Findings
from xaikit.report.formats import duration, percent, percent_interval
from xaikit.report.spoken import spoken

__all__ = ["choice_block"]

GLYPHS = {"pass": "✓", "fail": "✕", "open": "?", "unfit": "–"}


def choice_block(findings: Findings) -> dict[str, Any]:
    """Lines, the checks that any method was put to, and a row a method."""
    asked = {c.name for v in findings.verdicts.values() for c in v.checks if c.applies}
    checks = [c for c in CHECKS if c in asked] if asked else []
    shares = [s for v in findings.verdicts.values() if (s := v.share) is not None]
    end = max([1.0, *shares])
    added = findings.run.context.get("added") or ()
    n = sum(s.id not in added for s in findings.run.samples)
    return {
        "n": n,
        "lines": [line for line in _lines(findings) if line],
        "checks": [(c, findings.words(f"check.{c}")) for c in checks],
        "rows": [_row(findings, m, checks, 1.12 * end) for m in findings.order],
        "measured": bool(shares),
    }


def _lines(findings: Findings) -> list[dict[str, Any] | None]:
    return [_use(findings), _open(findings), _failed(findings)]


def _line(findings: Findings, status: str, text: str) -> dict[str, Any]:
    return {"badge": badge(findings, status), "text": text}


def _use(findings: Findings) -> dict[str, Any]:
    """Which to use, or why none can be named."""
    words, choice = findings.words, findings.choice
    shown = findings.name(choice.shown) if choice.shown else ""
    if not choice.use:
        return _none(findings, shown)
    names = _bold(findings, choice.use, "or")
    told = [spoken(words, "use.names", n=len(choice.use), names=names)]
    weaker = [m for m in findings.order if findings.verdicts[m].status == "weaker"]
    if weaker:
        than = findings.name(findings.verdicts[weaker[0]].than or choice.use[0])
        named = _bold(findings, weaker)
        told.append(spoken(words, "use.weaker", n=len(weaker), names=named, than=than))
    told.append(spoken(words, "use.shown", name=shown))
    if choice.input_alone:
        told.append(spoken(words, "use.input_alone"))
    return _line(findings, "use", Markup(" ").join(told))


def _none(findings: Findings, shown: str) -> dict[str, Any]:
    words = findings.words
    if not findings.run.explanations:
        return _line(findings, "none", spoken(words, "use.nothing"))
    if not findings.tested:
        return _line(findings, "not_tested", spoken(words, "use.untested", name=shown))
    return _line(findings, "none", spoken(words, "use.none", name=shown))


def _open(findings: Findings) -> dict[str, Any] | None:
    """Those that are not settled, by the check that is not."""
    found = [v for m in findings.order if (v := findings.verdicts[m]).status == "unsettled"]
    if not found:
        return None
    text = _reasons(findings, found, "open")
    needed = [v.needed for v in found if v.needed]
    if needed:
        key = "use.needed.all" if len(needed) == len(found) else "use.needed"
        k = findings.words.number(len(needed))
        text = Markup("{} {}").format(text, spoken(findings.words, key, needed=max(needed), k=k))
    return _line(findings, "unsettled", text)


def _failed(findings: Findings) -> dict[str, Any] | None:
    found = [v for m in findings.order if (v := findings.verdicts[m]).status == "failed"]
    return _line(findings, "failed", _reasons(findings, found, "fail")) if found else None


def _reasons(findings: Findings, found: Sequence[Verdict], mark: str) -> Markup:
    """The methods, those with the same reason together."""
    groups: dict[str, list[str]] = {}
    for verdict in found:
        groups.setdefault(_reason(verdict, mark), []).append(verdict.method)
    words = findings.words
    told = [
        spoken(
            words,
            "use.reason",
            names=_bold(findings, methods),
            reason=words.known(f"because.{reason}.{mark}", words("because.few")),
        )
        for reason, methods in groups.items()
    ]
    return Markup(" ").join(told)


def _reason(verdict: Verdict, mark: str) -> str:
    """The first check, in their order, that decides."""
    by = {c.name: _kind(c) for c in verdict.checks}
    return next((name for name in CHECKS if by.get(name) == mark), "few")


def _bold(findings: Findings, methods: Sequence[str], how: str = "and") -> Markup:
    names = [str(Markup("<b>{}</b>").format(findings.name(m))) for m in methods]
    return Markup(findings.words.listed(names, how))


def _row(findings: Findings, method: str, checks: Sequence[str], end: float) -> dict[str, Any]:
    verdict, e = findings.verdicts[method], findings.run.of(method)
    return {
        "method": method,
        "name": findings.name(method),
        "badge": badge(findings, verdict.status),
        "cells": [_cell(findings, verdict, c) for c in checks],
        "share": _share(verdict, end),
        "time": duration(sum(x.cost.seconds for x in e) / len(e))
        if e and method != RANDOM
        else "–",
        "stopped": findings.stopped(method),
        "why": _why(findings, verdict),
        "checks": [_told(findings, c) for name in CHECKS for c in verdict.checks if c.name == name],
        "gain": _gain(findings, verdict),
        "dim": verdict.status not in ("use", "weaker"),
        "misleads": str(findings.card(method).get("misleads") or ""),
    }


def _kind(check: Check | None) -> str:
    if check is None or not check.applies:
        return "unfit"
    return {True: "pass", False: "fail", None: "open"}[check.passed]


def _cell(findings: Findings, verdict: Verdict, name: str) -> dict[str, str]:
    kind = _kind(verdict.check(name))
    said = findings.words(
        "matrix.cell", check=findings.words(f"check.{name}"), mark=findings.words(f"mark.{kind}")
    )
    return {"kind": kind, "glyph": GLYPHS[kind], "said": said}


def _share(verdict: Verdict, end: float) -> dict[str, str] | None:
    """The bar of the gain, with its interval in per cent of the track."""
    if verdict.share is None:
        return None
    axis = (0.0, end)
    low, high = verdict.share_interval or (verdict.share, verdict.share)
    left, right = position(low, axis), position(high, axis)
    return {
        "width": f"{position(verdict.share, axis):.1f}",
        "left": f"{left:.1f}",
        "whisker": f"{right - left:.1f}" if verdict.share_interval else "",
        "text": percent(max(verdict.share, 0.0)),
    }


def _why(findings: Findings, verdict: Verdict) -> str:
    """What its verdict comes from, in a sentence."""
    words = findings.words
    if verdict.status == "control":
        return words("why.random" if verdict.method == RANDOM else "why.control")
    if verdict.status == "weaker":
        return words("why.weaker", than=findings.name(verdict.than or findings.choice.use[0]))
    if verdict.status in ("use", "not_tested"):
        return words(f"why.{verdict.status}")
    mark = "fail" if verdict.status == "failed" else "open"
    reason = words.known(f"because.{_reason(verdict, mark)}.{mark}", words("because.few"))
    return f"{reason[:1].upper()}{reason[1:]}."


def _told(findings: Findings, check: Check) -> dict[str, str]:
    words, kind = findings.words, _kind(check)
    return {
        "name": words(f"check.{check.name}"),
        "mark": words(f"mark.{kind}"),
        "glyph": GLYPHS[kind],
        "found": words.told(*check.found),
    }


def _gain(findings: Findings, verdict: Verdict) -> str:
    if verdict.share is None:
        return ""
    text = percent(verdict.share)
    return findings.words(
        "matrix.gain", share=text, interval=percent_interval(verdict.share_interval, 0)
    ).strip()
