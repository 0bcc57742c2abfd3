"""A sheet for the person that an answer is about: what was decided, mainly why, what would have changed it.

It keeps to plain words and to the data's own names, and says what the model cannot know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.types import Explanation, Floats
from xaikit.report.case import Case
from xaikit.report.columns import column_of, said_of
from xaikit.report.facts import part
from xaikit.report.findings import Findings
from xaikit.report.index_card import small_case
from xaikit.report.predictions import answer, answer_of
from xaikit.report.views import view_of
from xaikit.report.words import Words
from xaikit.study.run import Run

__all__ = ["letter_page"]

MOST_FOR, MOST_AGAINST = 4, 2
NAMED = 0.1  # share of the strongest value from which a reason is named
SURENESS = ((0.95, "sure"), (0.75, "fairly"), (0.0, "close"))
MOST_OF = 20  # errors are said as one of so many at most


def letter_page(run: Run, language: str = "en", sample: str = "") -> dict[str, Any]:
    """A sheet a sample, or of that sample alone."""
    findings = Findings(run, Words(language))
    ids = [s.id for s in run.samples]
    if sample and sample not in ids:
        raise InvalidInput(
            f"the run has no sample '{sample}'; it holds {', '.join(ids[:3])}{', ...' * (len(ids) > 3)}."
        )
    chosen = [ids.index(sample)] if sample else range(len(ids))
    words = findings.words
    return {
        "language": language,
        "title": words("letter.title"),
        "nav": [],
        "sheets": ("around.css",),
        "view": findings.kind.view,
        "letters": [_letter(Case(findings, i)) for i in chosen],
        "model": str(part(run, "model").get("id") or "–"),
        "created": str(run.config.get("created") or run.environment.get("created") or "")[:10],
    }


def _letter(mine: Case) -> dict[str, Any]:
    findings, words = mine.findings, mine.findings.words
    towards, against = _reasons(mine)
    return {
        "key": f"l{mine.index}",
        "id": mine.sample.id,
        "decided": words("letter.decided", answer=answer(findings, mine.index)),
        "sure": _sure(findings, mine.index),
        "for": towards,
        "against": against,
        "trust": "" if _holds(mine) else words("letter.unproved"),
        "change": _change(mine),
        "limits": _limits(findings),
        "label": words("card.case", id=mine.sample.id),
        "case": small_case(mine)["case"] if _drawn(mine) else None,
    }


def _drawn(mine: Case) -> bool:
    """Whether a drawing says more than the list, and its colours are of the answer."""
    e = mine.lead
    return mine.sample.kind.view != "bars" and e is not None and _of_answer(mine, e) is e.values


def _sure(findings: Findings, i: int) -> str:
    """How sure, in a word; of labels and values nothing is said."""
    if not findings.classes or findings.task.many:
        return ""
    p = float(findings.run.predictions[i].max())
    return findings.words(f"letter.{next(word for least, word in SURENESS if p >= least)}")


def _holds(mine: Case) -> bool:
    """Whether the explanation passed every check that applies."""
    return mine.lead is not None and mine.findings.verdicts[mine.lead.method].holds


def _reasons(mine: Case) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """What spoke for the answer, and what against it, strongest first."""
    e = mine.lead
    if e is None or not np.abs(e.values).max() > 0:
        return [], []
    values = _of_answer(mine, e)
    if values is None:
        return [], []
    order = [
        i
        for i in np.argsort(-np.abs(values), kind="stable").tolist()
        if abs(values[i]) >= NAMED * np.abs(values).max()
    ]
    towards = [_reason(mine, e, i) for i in order if values[i] > 0]
    against = [_reason(mine, e, i) for i in order if values[i] < 0]
    return _different(towards)[:MOST_FOR], _different(against)[:MOST_AGAINST]


def _of_answer(mine: Case, e: Explanation) -> Floats | None:
    """(n,) what speaks for the answer that was given; None where another output was explained."""
    task, chosen = mine.findings.task, np.flatnonzero(mine.findings.chosen[mine.index])
    if task.words.startswith("value") or e.target.index in chosen:
        return e.values
    two = mine.findings.run.predictions.shape[1] == 2 and not task.many
    return -e.values if two and e.target.against is None else None


def _different(found: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each reason once."""
    return list({r["text"]: r for r in found}.values())


def _reason(mine: Case, e: Explanation, i: int) -> dict[str, str]:
    """A feature as people call it; of a table with its value, where that lies, and the column's number."""
    if mine.sample.kind.view != "bars":
        return {"text": view_of(mine.sample.kind).phrase(mine, e, i).plain, "code": "", "where": ""}
    words, column = mine.findings.words, column_of(mine, e, i)
    places = np.flatnonzero(e.segmentation.ids == i)
    return {
        "text": words("letter.value", name=column.name, value=column.value),
        "code": f"{int(places[0]) + 1:02d}" if len(places) == 1 else "",
        "where": words(f"level.{column.level}.where") if column.level else "",
    }


def _change(mine: Case) -> list[str]:
    """What would have led to another answer, a sentence a way."""
    words = mine.findings.words
    flips = mine.findings.run.context.get("flips") or ()
    flip = next((f for f in flips if f.get("sample") == mine.sample.id), None)
    if flip is None:
        return [words("letter.change.unasked")]
    if not flip.get("told"):
        return [words("letter.change.none")]
    try:
        return [_turned(mine, way) for way in (flip, *flip.get("others", ()))]
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            f"the run's 'flips' hold what has no words ({error}); make it again with --flip."
        ) from error


def _turned(mine: Case, flip: Mapping[str, Any]) -> str:
    findings, words = mine.findings, mine.findings.words
    after = answer_of(findings, np.array(flip["after"]))
    if flip["kind"] == "change":
        changes = [
            words(
                "letter.instead",
                name=c["name"],
                after=said_of(c["after"], words),
                before=said_of(c["before"], words),
            )
            for c in flip["changes"]
        ]
        return words("letter.change.columns", changes=words.listed(changes), after=after)
    return words("letter.change.without", names=words.listed(_named(mine, flip)), after=after)


def _named(mine: Case, flip: Mapping[str, Any]) -> list[str]:
    """What was taken away, as people call it."""
    e = next(iter(mine.explanations.values()), None)
    if e is None or len(e.names) <= max(flip["removed"], default=0) or flip["kind"] == "deletion":
        return [f"“{name}”" if mine.sample.kind.words else str(name) for name in flip["features"]]
    phrase = view_of(mine.sample.kind).phrase
    return list(dict.fromkeys(phrase(mine, e, i).plain for i in flip["removed"]))


def _limits(findings: Findings) -> list[str]:
    """What the model cannot know."""
    words = findings.words
    told = [words("letter.limits.only", parts=findings.parts), words("letter.limits.past")]
    quality = part(findings.run, "model").get("quality") or {}
    if quality.get("metric") == "accuracy":
        told.append(_wrong(words, float(quality["value"])))
    return [*told, words("letter.limits.world")]


def _wrong(words: Words, right: float) -> str:
    """How often it is wrong, as one of so many."""
    of = round(1 / (1 - right)) if right < 1 else MOST_OF + 1
    if of > MOST_OF:
        return words("letter.wrong.rarely")
    return words("letter.wrong", of=words.number(max(of, 2)))
