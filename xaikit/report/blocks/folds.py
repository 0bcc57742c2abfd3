"""What stands in folds at the end: the evidence, what was not run, what methods do, how to repeat it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from xaikit.core.interactions import Interactions
from xaikit.judge.checks import CHECKS
from xaikit.report.badges import badge
from xaikit.report.drivers import place_block
from xaikit.report.facts import facts, part
from xaikit.report.findings import Findings
from xaikit.report.measures import measures_block
from xaikit.report.pairs import card_of_pairs
from xaikit.report.story import agreement_block, removal_block
from xaikit.study.run import Failure

__all__ = ["folds_block"]

MOST_IDS = 8
MACHINE = {"python": "Python ", "platform": "", "device": ""}
TERMS = ("fit", "gap", "error", "converged", "rho")  # small figures on blocks and charts


def folds_block(findings: Findings, n_shown: int, folder: str) -> dict[str, Any]:
    """One entry a fold."""
    return {
        "agreement": agreement_block(findings),
        "removal": removal_block(findings),
        "measures": measures_block(findings),
        "place": place_block(findings),
        "pairs": _pairs(findings),
        "missing": _missing(findings),
        "glossary": _glossary(findings),
        "provenance": _provenance(findings, n_shown, folder),
    }


def _pairs(findings: Findings) -> list[dict[str, Any]]:
    """A map of pairs for each sample of which they were asked."""
    held = findings.run.context.get("interactions") or ()
    return [card_of_pairs(Interactions.from_json(one), findings.words) for one in held]


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
    checks = [(words(f"check.{c}"), words(f"asks.{c}")) for c in CHECKS]
    return {"methods": [m for m in methods if m.get("asks")], "checks": checks, "terms": terms}


def _provenance(findings: Findings, n_shown: int, folder: str) -> dict[str, Any]:
    run, words = findings.run, findings.words
    model, data = part(run, "model"), part(run, "data")
    info = dict(model.get("info") or {})
    versions = run.environment.get("versions") or {}
    software = ", ".join(f"{k} {v}" for k, v in sorted(versions.items()) if v)
    told = (f"{p}{run.environment[k]}" for k, p in MACHINE.items() if run.environment.get(k))
    machine = ", ".join(told)
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
        "facts": facts(findings, n_shown),
    }


def _spaced(digest: str) -> str:
    return " ".join(digest[i : i + 4] for i in range(0, min(len(digest), 16), 4))
