"""One case, large: what was said, for which parts, and what would have changed it."""

from __future__ import annotations

from typing import Any

from xaikit.core.types import Explanation
from xaikit.report.answers import answer_drawn
from xaikit.report.badges import badge
from xaikit.report.blocks.change import change_of
from xaikit.report.case import Case
from xaikit.report.findings import Findings
from xaikit.report.members import members_of
from xaikit.report.predictions import asked_answer, bars, verb_of
from xaikit.report.spoken import lead
from xaikit.report.views import view_of

__all__ = ["case_block", "chip"]

MOST_BARS = 3


def case_block(findings: Findings, index: int) -> dict[str, Any]:
    """What the template draws of one case."""
    mine, view = Case(findings, index), view_of(findings.kind)
    words, e, drawn = findings.words, mine.lead, answer_drawn(mine)
    return {
        "index": index,
        "id": mine.sample.id,
        "chip": chip(findings, index, e),
        "lead": lead(mine, view.phrase),
        "badge": None if e is None else _badge(findings, e.method),
        "method": "" if e is None else findings.name(e.method),
        "bars": bars(findings, index, MOST_BARS) if (drawn or {}).get("bars", True) else [],
        "label": "" if e is None else words("hero.label", method=findings.name(e.method)),
        "sides": _sides(findings, mine),
        "change": change_of(mine),
        "answer": drawn,
        "members": members_of(mine),
        **view.hero(mine),
    }


def chip(findings: Findings, i: int, e: Explanation | None = None) -> dict[str, Any]:
    """What was said and what is true, in a few words; of several values the one that e explains."""
    words, (answer, true) = findings.words, asked_answer(findings, i, e)
    kind, verb = "class" if findings.task.decides else "value", verb_of(findings)
    if true is None:
        key = f"chip.{verb}"
    elif kind == "value":
        key = "chip.value"
    else:
        key = f"chip.wrong.{verb}" if findings.is_wrong(i) else "chip.right"
    return {
        "wrong": findings.is_wrong(i),
        "text": words(key, answer=answer, true=true or ""),
    }


def _badge(findings: Findings, method: str) -> dict[str, str]:
    """The method's name with what its verdict says of it."""
    found = badge(findings, findings.verdicts[method].status)
    return {
        **found,
        "text": findings.words("hero.badge", method=findings.name(method), verdict=found["text"]),
    }


def _sides(findings: Findings, mine: Case) -> tuple[str, str]:
    """What "against" and "for" are of."""
    words = findings.words
    if findings.task.words.startswith("value"):
        return words("waterfall.lower"), words("waterfall.higher")
    if findings.kind.view == "picture":
        return words("key.against"), words("key.answer")
    name = "" if mine.lead is None else findings.class_name(mine.lead.target.index)
    return words("key.side.against", name=name), words("key.side.for", name=name)
