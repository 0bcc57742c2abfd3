"""Every sample as a row that opens its card, with filters that need no script."""

from __future__ import annotations

import itertools
from typing import Any

from markupsafe import Markup

from xaikit.report.blocks.strip import Groups, thumb_of
from xaikit.report.case import Case
from xaikit.report.cases import sample_block
from xaikit.report.findings import Findings
from xaikit.report.predictions import asked_answer, likely, verb_of
from xaikit.report.spoken import lead
from xaikit.report.views import view_of

__all__ = ["rows_block"]

AGREE, PARTLY = 0.7, 0.4  # mean rank agreement of the methods on a sample
MOST_CLASSES = 12  # that have a filter each
N_NAMED = 3


def rows_block(findings: Findings, groups: Groups) -> dict[str, Any]:
    rows = [_row(findings, groups, i) for i in groups.order]
    said = [r["class"] for r in rows]
    classes = sorted(set(said)) if findings.classes and not findings.task.many else []
    filters = [f for f in ("w", "u", "d") if any(r[f] for r in rows)]
    kinds = (
        [(c, findings.class_name(c)) for c in classes] if 1 < len(classes) <= MOST_CLASSES else []
    )
    n_methods = len(findings.order)
    added = set(findings.run.context.get("added") or ())
    return {
        "rows": rows,
        "n": len(findings.run.samples),
        "filters": filters,
        "classes": kinds,
        "across": n_methods if n_methods <= 8 else -(-n_methods // -(-n_methods // 8)),
        "added": sum(findings.run.samples[i].id in added for i in groups.order),
        "shared": findings.kind.view == "picture",
        "style": Markup(_style(rows, filters, [c for c, _ in kinds])),
    }


def _row(findings: Findings, groups: Groups, i: int) -> dict[str, Any]:
    mine, words = Case(findings, i), findings.words
    agreement = findings.agreement_in(mine.sample)
    told = (
        ""
        if agreement is None
        else "agree"
        if agreement >= AGREE
        else "partly"
        if agreement >= PARTLY
        else "not"
    )
    return {
        "index": i,
        "id": mine.sample.id,
        "thumb": thumb_of(findings, i),
        "wrong": findings.is_wrong(i),
        "said": _said(mine),
        "sure": likely(float(findings.run.predictions[i].max()))
        if findings.classes and not findings.task.many
        else "",
        "parts": _parts(mine),
        "agree": words(f"rows.{told}") if told else "",
        "class": int(findings.run.predictions[i].argmax()),
        "w": i in groups.wrong,
        "u": i in groups.unsure,
        "d": told == "not",
        "lead": lead(mine, view_of(findings.kind).phrase),
        "card": sample_block(findings, i),
    }


def _said(mine: Case) -> str:
    findings, i, words = mine.findings, mine.index, mine.findings.words
    said, true = asked_answer(findings, i, mine.lead)
    verb = verb_of(findings)
    if not findings.task.decides:
        key = "rows.value" if true is not None else "rows.says"
    else:
        key = f"rows.wrong.{verb}" if findings.is_wrong(i) else f"rows.{verb}"
    return words(key, answer=said, true=true or "")


def _parts(mine: Case) -> list[str]:
    """The strongest features in words, each with its side where it is against."""
    e, words, phrase = mine.lead, mine.findings.words, view_of(mine.sample.kind).phrase
    if e is None:
        return []
    order = abs(e.values).argsort(kind="stable")[::-1].tolist()
    told: dict[str, bool] = {}
    for i in order:
        if e.values[i] == 0 or len(told) == N_NAMED:
            break
        text, against = phrase(mine, e, i).plain, bool(e.values[i] < 0)
        told.setdefault(words("rows.against", what=text) if against else text, against)
    return sorted(told, key=told.__getitem__)  # what speaks for the answer first


def _style(rows: list[dict[str, Any]], filters: list[str], classes: list[int]) -> str:
    """What each filter hides, and when nothing is left."""
    hide = [f":root:has(#f-{f}:checked) .rw:not(.{f}){{display:none}}" for f in filters]
    hide += [f':root:has(#g-{c}:checked) .rw:not([data-c="{c}"]){{display:none}}' for c in classes]
    empty = [
        f":root:has(#f-{f}:checked):has(#g-{c}:checked) .none{{display:block}}"
        for f, c in itertools.product(filters, classes)
        if not any(r[f] and r["class"] == c for r in rows)
    ]
    return "@media screen{" + "".join(hide + empty) + "}"
