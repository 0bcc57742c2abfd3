"""From a run to the plain dict that the report's template shows. Pure: no files, no clock."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.report.cards import card
from xaikit.report.drivers import drivers_block, lead_share, rationale_name
from xaikit.report.findings import Findings
from xaikit.report.formats import amount, count, interval, percent, percent_interval
from xaikit.report.story import agreement_block, removal_block
from xaikit.report.verdict_table import badge, verdict_block
from xaikit.report.words import Words
from xaikit.run import Failure, Run

__all__ = ["report_page"]

MOST_CARDS = 16
MOST_IDS = 8
MACHINE = {"python": "Python ", "platform": "", "device": ""}
SECTIONS = (
    "verdict",
    "drivers",
    "samples",
    "agreement",
    "removal",
    "missing",
    "glossary",
    "provenance",
)


def report_page(run: Run, language: str = "en", folder: str = "") -> dict[str, Any]:
    """Everything the page says of a run; `folder` is the name of the run's folder, if it was saved."""
    findings = Findings(run, Words(language))
    words = findings.words
    modality = run.samples[0].modality
    chosen = _chosen(findings)
    return {
        "language": language,
        "title": _title(findings),
        "kicker": words(f"kicker.{modality}"),
        "brand": f"{_facts_of(run, 'data').get('name') or ''} · {words(f'kind.{modality}')}".strip(
            " ·"
        ),
        "nav": [(f"#{s}", words(f"{s}.nav")) for s in SECTIONS],
        "modality": modality,
        "parts": words(f"parts.{modality}"),
        "facts": _facts(findings, len(chosen)),
        "short": _short(findings, chosen),
        "verdict": verdict_block(findings),
        "drivers": drivers_block(findings),
        "samples": _samples(findings, chosen),
        "agreement": agreement_block(findings),
        "removal": removal_block(findings),
        "missing": _missing(findings),
        "glossary": _glossary(findings),
        "provenance": _provenance(findings, folder),
    }


def _facts_of(run: Run, part: str) -> Mapping[str, Any]:
    return dict(run.context.get(part) or {})


def _title(findings: Findings) -> str:
    """The question; in other languages than English built from the model's name."""
    given, words = findings.run.context.get("title"), findings.words
    if given and words.language == "en":
        return str(given)
    model = _facts_of(findings.run, "model").get("id")
    key = f"title.{findings.run.samples[0].modality}"
    return words(key, model=model) if model else words("title")


def _facts(findings: Findings, n_shown: int) -> list[dict[str, str]]:
    """The eight cells under the question."""
    run, words = findings.run, findings.words
    model, data, question = (_facts_of(run, p) for p in ("model", "data", "question"))
    n, n_wrong = len(run.samples), sum(findings.is_wrong(i) for i in range(len(run.samples)))
    second = findings.second_masker
    unit = str(question.get("unit") or next((e.target.unit for e in run.explanations), ""))
    shown_unit = words.known(f"unit.{unit}", unit)
    environment = run.environment
    weights = model.get("n_parameters")
    architecture = [str(model["architecture"])] if model.get("architecture") else []
    cells = (
        (
            "model",
            model.get("id") or next((e.model_id for e in run.explanations), "–"),
            " · ".join(
                [*architecture, *([words("fact.weights", n=count(weights))] if weights else [])]
            ),
        ),
        ("data", data.get("name") or "–", _quality(findings)),
        (
            "output",
            _target(findings, question),
            words("fact.even", unit=shown_unit) if unit == "log-odds" else shown_unit,
        ),
        (
            "features",
            _features(findings),
            words("fact.same"),
        ),
        (
            "removal",
            words("fact.replace", masker=question.get("masker_words") or findings.masker or "–"),
            words("fact.second", masker=second) if second else words("fact.one_masker"),
        ),
        (
            "samples",
            words("fact.n_samples", n=n, shown=n_shown),
            words("fact.wrong", wrong=n_wrong, n=n) if findings.classes else "",
        ),
        (
            "seeds",
            str(run.config.get("seed", "–")),
            words("fact.intervals" if n >= 10 else "fact.no_intervals"),
        ),
        (
            "run",
            _created(run),
            " · ".join(
                x
                for x in (
                    words("fact.run_id", id=fingerprint(run)),
                    str(environment.get("device") or environment.get("platform") or ""),
                )
                if x
            ),
        ),
    )
    return [
        {"label": words(f"fact.{key}"), "value": str(value), "detail": detail}
        for key, value, detail in cells
    ]


def _features(findings: Findings) -> str:
    """What the samples were cut into; where they differ, between how many."""
    run = findings.run
    sources = {e.segmentation.source for e in run.explanations}
    if len(sources) > 1:
        counts = [e.segmentation.n_features for e in run.explanations]
        parts = findings.words(f"parts.{run.samples[0].modality}")
        return f"{min(counts)} – {max(counts)} {parts}"
    asked = (run.context.get("question") or {}).get("features")
    return re.sub(r"(\d) x (\d)", r"\1 × \2", str(asked or next(iter(sources), "–")))


def _created(run: Run) -> str:
    created = str(run.config.get("created") or run.environment.get("created") or "–")
    return created[:16].replace("T", " ")


def _target(findings: Findings, question: Mapping[str, Any]) -> str:
    words, asked = findings.words, str(question.get("target") or "")
    if not findings.classes:
        return words("target.value")
    return words.known(f"target.{asked}", asked) if asked else words("target.mixed")


def _quality(findings: Findings) -> str:
    words = findings.words
    quality = _facts_of(findings.run, "model").get("quality") or {}
    if quality.get("value") is None:
        return words("fact.no_quality")
    n = count(quality.get("n")) if quality.get("n") else "–"
    bounds = quality.get("interval")
    if quality.get("metric") == "accuracy":
        value = percent(quality["value"], 1)
        return words("fact.accuracy", n=n, value=value, interval=percent_interval(bounds)).strip()
    metric = words.known(f"metric.{quality.get('metric')}", str(quality.get("metric")))
    value = amount(float(quality["value"]))
    shown = interval(bounds, 3, sign=False)
    return words("fact.quality", n=n, metric=metric, value=value, interval=shown).strip()


def _short(findings: Findings, chosen: list[int]) -> list[dict[str, str]]:
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
    quality = _facts_of(findings.run, "model").get("quality") or {}
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
    words, n = findings.words, count(quality.get("n"))
    bounds = quality.get("interval")
    if quality.get("metric") == "accuracy":
        value, shown = percent(quality["value"], 1), percent_interval(bounds)
        return words("short.accuracy", n=n, value=value, interval=shown).replace(" .", ".")
    metric = words.known(f"metric.{quality.get('metric')}", str(quality.get("metric")))
    value, shown = amount(float(quality["value"])), interval(bounds, 3, sign=False)
    text = words("short.quality_body", metric=metric, value=value, interval=shown, n=n)
    return (text[0].upper() + text[1:]).replace("  ", " ")


def _chosen(findings: Findings) -> list[int]:
    """At most 16 samples: up to half of them wrong predictions, the others the first in order."""
    n = len(findings.run.samples)
    if n <= MOST_CARDS:
        return list(range(n))
    wrong = [i for i in range(n) if findings.is_wrong(i)][: MOST_CARDS // 2]
    right = [i for i in range(n) if not findings.is_wrong(i)][: MOST_CARDS - len(wrong)]
    return sorted(wrong + right)


def _samples(findings: Findings, chosen: list[int]) -> dict[str, Any]:
    columns = _facts_of(findings.run, "data").get("columns") or []
    names = [str(c["name"]) for c in columns]
    cards = [card(findings, i, names) for i in chosen]
    compared = [c for c in cards if c["agreement"]]
    least = sorted(compared, key=lambda c: c["order"])[: max(1, len(cards) // 3)]
    for c in cards:
        c["disagrees"] = len(cards) >= 3 and any(c is x for x in least)
    n_methods = len(findings.order)
    return {
        "cards": cards,
        "n": len(findings.run.samples),
        "across": n_methods if n_methods <= 8 else -(-n_methods // -(-n_methods // 8)),
        "n_wrong": sum(c["wrong"] for c in cards),
        "n_disagree": sum(c["disagrees"] for c in cards),
        "classified": bool(findings.classes),
        "any_failed": any(v.status == "failed" for v in findings.verdicts.values()),
    }


def _missing(findings: Findings) -> list[dict[str, Any]]:
    """What was not run: failures of the same kind and reason in one row."""
    groups: dict[tuple[str, str, str, str], list[Failure]] = defaultdict(list)
    for f in findings.run.failures:
        groups[f.method, f.kind, f.reason, f.remedy].append(f)
    rows = []
    for (method, kind, reason, remedy), failures in groups.items():
        ids = [f.sample_id for f in failures if f.sample_id]
        name, item = findings.name(method), findings.name(method)
        if ids:
            listed = ", ".join(ids[:MOST_IDS]) + (" …" if len(ids) > MOST_IDS else "")
            item = findings.words("missing.on_samples", method=name, ids=listed, n=len(ids))
        stopped = badge(findings, "error") if kind == "error" else None
        rows.append({"item": item, "badge": stopped, "reason": reason, "remedy": remedy or "–"})
    return rows


def _glossary(findings: Findings) -> dict[str, Any]:
    methods = [{**findings.card(m), "title": findings.title(m)} for m in findings.order]
    gates = (
        "beats_random",
        "beats_trivial",
        "depends_on_model",
        "depends_on_class",
        "adds_up",
        "repeats",
    )
    return {
        "methods": [m for m in methods if m.get("asks")],
        "checks": [(findings.words(f"gate.{g}"), findings.words(f"asks.{g}")) for g in gates],
    }


def _provenance(findings: Findings, folder: str) -> dict[str, Any]:
    run, words = findings.run, findings.words
    model, data = _facts_of(run, "model"), _facts_of(run, "data")
    info = dict(model.get("info") or {})
    versions = run.environment.get("versions") or {}
    software = ", ".join(f"{k} {v}" for k, v in sorted(versions.items()) if v)
    facts = (f"{p}{run.environment[k]}" for k, p in MACHINE.items() if run.environment.get(k))
    machine = ", ".join(facts)
    hashes = {"model": info.get("hash") or info.get("sha256"), "data": data.get("hash")}
    rows = [
        (words(f"provenance.{k}"), f"sha256 {_spaced(str(v))}", True)
        for k, v in hashes.items()
        if v
    ]
    plain = (
        ("source", data.get("source")),
        ("software", software),
        ("machine", machine),
        (
            "numbers",
            words("provenance.every", folder=folder) if folder else words("provenance.in_memory"),
        ),
    )
    rows += [(words(f"provenance.{k}"), str(v), False) for k, v in plain if v]
    return {
        "command": str(run.context.get("command") or run.config.get("command") or ""),
        "rows": rows,
    }


def _spaced(digest: str) -> str:
    return " ".join(digest[i : i + 4] for i in range(0, min(len(digest), 16), 4))


def fingerprint(run: Run) -> str:
    """Seven digits that two runs share only when they hold the same explanations."""
    digest = hashlib.sha256()
    for e in run.explanations:
        digest.update(f"{e.method}|{e.sample_id}|{e.model_id}|{e.seed}".encode())
        digest.update(np.ascontiguousarray(e.values).tobytes())
    digest.update(json.dumps(run.config, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:7]
