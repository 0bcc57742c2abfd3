"""The short answer: three sentences that follow from verdicts and intervals alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.report.drivers import lead_share, rationale_name
from xaikit.report.findings import Findings
from xaikit.report.formats import count, fixed, percent, percent_interval
from xaikit.report.header import part, worth

__all__ = ["short_answer"]


def short_answer(findings: Findings, chosen: list[int]) -> list[dict[str, str]]:
    return [_short_use(findings), _short_where(findings), _short_answers(findings, chosen)]


def _short_use(findings: Findings) -> dict[str, str]:
    """Which methods can be used here."""
    words, real = findings.words, findings.real
    link = {"href": "#verdict", "link": words("short.why")}
    if not findings.run.explanations:
        return {
            "title": words("short.use_none"),
            "text": words("short.no_explanation"),
            "href": "#missing",
            "link": words("short.why"),
        }
    if not findings.tested:
        return {"title": words("short.untested"), "text": words("short.untested_body"), **link}
    n, of = len(findings.passed), len(real)
    key = "use_none" if n == 0 else "use_all" if n == of else "use"
    groups = (
        ("passed", findings.passed),
        *((s, _with(findings, s)) for s in ("unsettled", "failed")),
    )
    text = [
        words(f"short.{k}", names=words.listed([findings.name(m) for m in g]))
        for k, g in groups
        if g
    ]
    title = words("short.use", n=n, of=of) if key == "use" else words(f"short.{key}", of=of)
    return {"title": title, "text": " ".join(text), **link}


def _with(findings: Findings, status: str) -> tuple[str, ...]:
    return tuple(m for m in findings.order if findings.verdicts[m].status == status)


def _short_where(findings: Findings) -> dict[str, str]:
    """Where the first passed method puts its evidence."""
    words, share = findings.words, lead_share(findings)
    link = {"href": "#drivers", "link": words("short.details")}
    if share is None:
        return {"title": words("short.where_open"), "text": words("short.where_none"), **link}
    region, found, size = share
    if rationale_name(findings) != region:
        title = words("short.top_feature", region=region)
    elif found.interval is None or found.interval[0] <= size <= found.interval[1]:
        title = words("short.where_open")
    else:
        title = words("short.where" if found.value > size else "short.where_not", region=region)
    text = words(
        "short.where_body",
        name=findings.name(findings.passed[0]),
        share=percent(found.value),
        interval=percent_interval(found.interval, 0),
        expected=percent(size),
    )
    return {"title": title, "text": text.replace("  ", " "), **link}


def _short_answers(findings: Findings, chosen: list[int]) -> dict[str, str]:
    """How good the model's own answers are."""
    words, n = findings.words, len(findings.run.samples)
    quality = part(findings.run, "model").get("quality") or {}
    wrong = [i for i in range(n) if findings.is_wrong(i)]
    shown = [i for i in chosen if i in wrong]
    link = {"href": "#samples", "link": words("short.gallery")}
    if shown:
        link = {"href": f"#sample-{shown[0]}", "link": words("short.case")}
    text = words("short.unknown_quality")
    if quality.get("value") is not None:
        text = _quality_sentence(findings, quality)
    if not findings.classes:
        return {"title": words("short.quality"), "text": text, **link}
    if wrong:
        title = words("short.wrong", wrong=len(wrong), n=n)
        return {"title": title, "text": f"{text} {words('short.wrong_body')}", **link}
    return {"title": words("short.right", n=n), "text": text, **link}


def _quality_sentence(findings: Findings, quality: Mapping[str, Any]) -> str:
    """How good the model is, and whether that is more than an answer that never looks is worth."""
    return f"{_worth(findings, quality)} {_not_better(findings, quality)}".strip()


def _not_better(findings: Findings, quality: Mapping[str, Any]) -> str:
    base = quality.get("baseline") or {}
    if not base or base["verdict"] == "b_better":
        return ""
    words, shares = findings.words, quality.get("metric") == "accuracy"
    return words(
        f"short.blind.{base['verdict']}",
        name=words(f"compare.baseline.{'majority' if shares else 'mean'}", says=base["says"]),
        value=percent(base["value"], 1) if shares else f"R² {fixed(base['value'], 3)}",
    )


def _worth(findings: Findings, quality: Mapping[str, Any]) -> str:
    words, n = findings.words, count(quality.get("n"))
    key = "short.accuracy" if quality.get("metric") == "accuracy" else "short.quality_body"
    text = words(key, n=n, **worth(findings, quality)).replace(" .", ".")
    return (text[0].upper() + text[1:]).replace("  ", " ")
