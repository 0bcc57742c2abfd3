"""The head of the page: the finding, a warning where there is one, and one line of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from xaikit.report.facts import part, worth
from xaikit.report.findings import Findings
from xaikit.report.formats import amount, count, fixed, percent
from xaikit.report.spoken import spoken
from xaikit.report.told import finding, more, warning

__all__ = ["header_block"]


def header_block(findings: Findings) -> dict[str, Any]:
    """Three lines; what they say is found elsewhere."""
    return {
        "finding": finding(findings),
        "warning": warning(findings),
        "more": more(findings),
        "meta": Markup(" · ").join(_meta(findings)),
    }


def _meta(findings: Findings) -> list[Markup]:
    """Model and data, how good it is, and what was looked at."""
    run, words = findings.run, findings.words
    model, data = part(run, "model"), part(run, "data")
    named = {"model": _bold(findings.model), "data": _bold(data.get("name") or "–")}
    quality = model.get("quality") or {}
    lines = [spoken(words, "meta.model" if data.get("name") else "meta.alone", **named)]
    said, group = _quality(findings, quality), data.get("group")
    if group:
        held = {"name": group["name"], "groups": ", ".join(group["test"]), "said": said}
        return [spoken(words, "meta.group", **held), *lines, _samples(findings)]
    return [*lines, said, _samples(findings)]


def _bold(text: object) -> Markup:
    return Markup("<b>{}</b>").format(text)


def _quality(findings: Findings, quality: Mapping[str, Any]) -> Markup:
    words = findings.words
    if quality.get("value") is None:
        return spoken(words, "fact.no_quality")
    told, rows = worth(findings, quality), words.own(findings.kind.titles.samples)
    shares = quality.get("metric") == "accuracy"
    values = {
        "metric": told["metric"],
        "value": _bold(told["value"]),
        "n": count(quality["n"]) if quality.get("n") else "–",
        "rows": rows,
        "interval": _interval(findings, quality.get("interval"), shares),
    }
    text = spoken(words, "meta.right" if shares else "meta.quality", **values)
    return Markup("{}{}").format(text, _guessing(findings, quality, shares))


def _interval(findings: Findings, bounds: Sequence[float] | None, shares: bool) -> str:
    if not bounds:
        return ""
    low, high = (fixed(100 * b, 1) if shares else fixed(b, 3) for b in bounds)
    return findings.words("meta.interval", low=low, high=high)


def _guessing(findings: Findings, quality: Mapping[str, Any], shares: bool) -> Markup:
    """What an answer that never looks is worth."""
    base = quality.get("baseline") or {}
    if base.get("named"):
        told = worth(findings, {**quality, **base})["value"]
        name = findings.words.known(f"baseline.{base['says']}", base["says"])
        return spoken(findings.words, "meta.beside", name=name, value=told)
    if base.get("value") is None or not shares:
        return Markup("")
    return spoken(findings.words, "meta.guessing", value=percent(base["value"]))


def _samples(findings: Findings) -> Markup:
    run, words = findings.run, findings.words
    held = {s.id for s in run.samples}
    added = sum(i in held for i in run.context.get("added") or ())
    n = len(run.samples) - added
    text = words("meta.samples", n=n, number=amount(float(n)))
    return Markup("{}{}").format(
        text, words("meta.added", n=added, number=words.number(added)) if added else ""
    )
