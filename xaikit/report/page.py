"""From a run to the plain dict that the report's template shows. Pure: no files, no clock."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from xaikit.report.blocks.overview import overview_block
from xaikit.report.cases import sample_block
from xaikit.report.drivers import drivers_block
from xaikit.report.findings import Findings
from xaikit.report.header import facts, part, title
from xaikit.report.measures import measures_block
from xaikit.report.short import short_answer
from xaikit.report.story import agreement_block, removal_block
from xaikit.report.verdict_table import badge, verdict_block
from xaikit.report.views import view_of
from xaikit.report.words import Words
from xaikit.study.run import Failure, Run

__all__ = ["report_page"]

MOST_BLOCKS = 16
MOST_IDS = 8
MACHINE = {"python": "Python ", "platform": "", "device": ""}
TERMS = ("fit", "gap", "error", "converged", "rho")  # small figures on blocks and charts
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
    findings, words = Findings(run.measured, Words(language)), Words(language)
    titles = findings.kind.titles
    chosen = [*_chosen(findings), *range(len(findings.run.samples), len(run.samples))]
    return {
        "language": language,
        "title": title(findings),
        "kicker": words("kicker", samples=words.own(titles.samples)),
        "brand": f"{part(run, 'data').get('name') or ''} · {words.own(titles.study)}".strip(" ·"),
        "nav": [(f"#{s}", words(f"{s}.nav")) for s in SECTIONS],
        "view": findings.kind.view,
        "key": view_of(findings.kind).key,
        "part": findings.part,
        "parts": findings.parts,
        "facts": facts(findings, len(chosen)),
        "short": short_answer(findings, chosen),
        "verdict": verdict_block(findings),
        "measures": measures_block(findings),
        "drivers": drivers_block(findings),
        "overview": overview_block(findings),
        "samples": _samples(Findings(run, words), chosen),
        "agreement": agreement_block(findings),
        "removal": removal_block(findings),
        "missing": _missing(findings),
        "glossary": _glossary(findings),
        "provenance": _provenance(findings, folder),
    }


def _chosen(findings: Findings) -> list[int]:
    """At most 16 samples: up to half of them wrong predictions, the others the first in order."""
    n = len(findings.run.samples)
    if n <= MOST_BLOCKS:
        return list(range(n))
    wrong = [i for i in range(n) if findings.is_wrong(i)][: MOST_BLOCKS // 2]
    right = [i for i in range(n) if not findings.is_wrong(i)][: MOST_BLOCKS - len(wrong)]
    return sorted(wrong + right)


def _samples(findings: Findings, chosen: list[int]) -> dict[str, Any]:
    blocks = [sample_block(findings, i) for i in chosen]
    compared = [c for c in blocks if c["agreement"]]
    least = sorted(compared, key=lambda c: c["order"])[: max(1, len(blocks) // 3)]
    for c in blocks:
        c["disagrees"] = len(blocks) >= 3 and any(c is x for x in least)
    n_methods = len(findings.order)
    return {
        "blocks": blocks,
        "n": len(findings.run.samples),
        "across": n_methods if n_methods <= 8 else -(-n_methods // -(-n_methods // 8)),
        "n_wrong": sum(c["wrong"] for c in blocks),
        "n_disagree": sum(c["disagrees"] for c in blocks),
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
        name = findings.words.known(f"missing.of.{method}", findings.name(method))
        item = name
        if ids:
            listed = ", ".join(ids[:MOST_IDS]) + (" …" if len(ids) > MOST_IDS else "")
            item = findings.words("missing.on_samples", method=name, ids=listed, n=len(ids))
        stopped = badge(findings, "error") if kind == "error" else None
        rows.append({"item": item, "badge": stopped, "reason": reason, "remedy": remedy or "–"})
    return rows


def _glossary(findings: Findings) -> dict[str, Any]:
    words = findings.words
    methods = [{**findings.card(m), "title": findings.title(m)} for m in findings.order]
    terms = [(words(f"terms.{t}"), words(f"terms.{t}.means")) for t in TERMS]
    return {"methods": [m for m in methods if m.get("asks")], "terms": terms}


def _provenance(findings: Findings, folder: str) -> dict[str, Any]:
    run, words = findings.run, findings.words
    model, data = part(run, "model"), part(run, "data")
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
