"""One run on the index: its worst case in small, what was found, how good the model is, what to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.report.blocks.strip import groups_of
from xaikit.report.case import Case
from xaikit.report.facts import part, worth
from xaikit.report.findings import Findings
from xaikit.report.formats import count, fixed
from xaikit.report.told import finding, use, warning
from xaikit.report.views import view_of
from xaikit.report.words import Words
from xaikit.study.run import Run

__all__ = ["card_of", "errors_of", "small_case"]

MOST_ROWS = 5  # of a table's way
MOST_WORDS = 14  # of a text, around its strongest word


def card_of(run: Run, language: str) -> dict[str, Any]:
    """What a card shows of a run; its samples hold the case."""
    findings = Findings(run, Words(language))
    first = groups_of(findings, list(range(len(run.samples)))).order[0]
    return {
        "title": finding(findings),
        "warning": warning(findings),
        "view": findings.kind.view,
        "facts": _facts(findings),
        "errors": errors_of(run),
        "label": findings.words("card.case", id=run.samples[first].id),
        **small_case(Case(findings, first)),
    }


def errors_of(run: Run) -> int:
    """Wrong answers on the test rows, as far as anybody counted; 0 where answers are values."""
    quality = part(run, "model").get("quality") or {}
    if quality.get("metric") != "accuracy" or not quality.get("n"):
        return 0
    return round((1 - float(quality["value"])) * int(quality["n"]))


def _facts(findings: Findings) -> list[tuple[str, str, str]]:
    """Name, what is known, and what stands beside it in small."""
    run, words = findings.run, findings.words
    model, data = part(run, "model"), part(run, "data")
    name = str(model.get("id") or next((e.model_id for e in run.explanations), "–"))
    place = words("card.on", data=data["name"]) if data.get("name") else ""
    chosen = use(findings)
    others = len(chosen) - 1
    more = words("card.or", n=others, number=words.number(others)) if others > 0 else ""
    return [
        (words("card.run"), name, place),
        *_quality(findings, model.get("quality") or {}),
        (words("card.use"), chosen[0] if chosen else words("badge.none"), more),
    ]


def _quality(findings: Findings, quality: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    words = findings.words
    if quality.get("value") is None:
        return []
    told = worth(findings, quality)
    if quality.get("metric") != "accuracy":
        return [(told["metric"], told["value"], "")]
    ends = [fixed(100 * bound, 1) for bound in quality.get("interval") or ()]
    between = words("meta.interval", low=ends[0], high=ends[1]).strip() if ends else ""
    rows = [(words("card.right"), told["value"], between)]
    if quality.get("n"):
        rows.append(
            (
                words("card.errors"),
                f"{errors_of(findings.run)}",
                words("card.of", n=count(quality["n"])),
            )
        )
    return rows


def small_case(mine: Case) -> dict[str, Any]:
    """A case as its view draws it, cut to what a small drawing holds."""
    drawn = dict(view_of(mine.sample.kind).hero(mine))
    if drawn.get("words"):
        drawn["words"] = _around_strongest(drawn["words"])
    if drawn.get("waterfall"):
        drawn["waterfall"] = {
            **drawn["waterfall"],
            "rows": [r for r in drawn["waterfall"]["rows"] if not r.get("rest")][:MOST_ROWS],
        }
    if drawn.get("channels"):
        drawn["channels"] = drawn["channels"][:1]
    return {"case": drawn}


def _around_strongest(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A stretch of a text with its strongest word in the middle."""
    words = [w for w in found if "text" in w]
    strongest = max(range(len(words)), key=lambda i: abs(words[i]["bin"]), default=0)
    start = max(0, min(strongest - MOST_WORDS // 2, len(words) - MOST_WORDS))
    return words[start : start + MOST_WORDS]
