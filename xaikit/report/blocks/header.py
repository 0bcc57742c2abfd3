"""The head of the page: the finding, a warning where there is one, and one line of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from xaikit.report.facts import part, worth
from xaikit.report.findings import Findings
from xaikit.report.formats import amount, fixed, percent
from xaikit.report.spoken import spoken
from xaikit.report.told import finding, warning

__all__ = ["header_block"]


def header_block(findings: Findings) -> dict[str, Any]:
    """Three lines; what they say is found elsewhere."""
    return {
        "finding": finding(findings),
        "warning": warning(findings),
        "meta": Markup(" · ").join(_meta(findings)),
    }


def _meta(findings: Findings) -> list[Markup]:
    """Model and data, how good it is, and what was looked at."""
    run, words = findings.run, findings.words
    model, data = part(run, "model"), part(run, "data")
    name = model.get("id") or next((e.model_id for e in run.explanations), "–")
    named = {"model": _bold(name), "data": _bold(data.get("name") or "–")}
    quality = model.get("quality") or {}
    lines = [spoken(words, "meta.model" if data.get("name") else "meta.alone", **named)]
    lines.append(_quality(findings, quality))
    return [*lines, _samples(findings)]


def _bold(text: object) -> Markup:
    return Markup("<b>{}</b>").format(text)


def _quality(findings: Findings, quality: Mapping[str, Any]) -> Markup:
    words = findings.words
    if quality.get("value") is None:
        return spoken(words, "fact.no_quality")
    told, rows = worth(findings, quality), words.own(findings.kind.titles.samples)
    bounds = quality.get("interval")
    shares = quality.get("metric") == "accuracy"
    ends: Sequence[float] = [100 * b for b in bounds] if bounds and shares else bounds or ()
    digits = 1 if shares else 2
    values = {
        "metric": told["metric"],
        "value": _bold(told["value"]),
        "n": f"{quality['n']:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        if quality.get("n")
        else "–",
        "rows": rows,
        "interval": words("meta.interval", low=fixed(ends[0], digits), high=fixed(ends[1], digits))
        if len(ends) == 2
        else "",
    }
    text = spoken(words, "meta.right" if shares else "meta.quality", **values)
    return Markup("{}{}").format(text, _guessing(findings, quality, shares))


def _guessing(findings: Findings, quality: Mapping[str, Any], shares: bool) -> Markup:
    """What an answer that never looks is worth."""
    base = quality.get("baseline") or {}
    if base.get("value") is None or not shares:
        return Markup("")
    value = percent(base["value"])
    return spoken(findings.words, "meta.guessing", says=base["says"], value=value)


def _samples(findings: Findings) -> Markup:
    run, words = findings.run, findings.words
    held = {s.id for s in run.samples}
    added = sum(i in held for i in run.context.get("added") or ())
    n = len(run.samples) - added
    text = words("meta.samples", n=n, number=amount(float(n)))
    return Markup("{}{}").format(
        text, words("meta.added", n=added, number=words.number(added)) if added else ""
    )
