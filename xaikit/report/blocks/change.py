"""What would have changed the answer of a case: drawn, in a sentence, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.core.errors import DataError
from xaikit.core.types import Bools
from xaikit.report.answer_curve import curve_of
from xaikit.report.case import Case
from xaikit.report.columns import said_of
from xaikit.report.formats import amount
from xaikit.report.image_case import picture, taken_away
from xaikit.report.predictions import answer_of, is_right, texts
from xaikit.report.spoken import spoken
from xaikit.report.strips import shares_of, signal
from xaikit.report.text_case import struck_words

__all__ = ["change_of"]

MOST_NAMED = 6


def change_of(mine: Case) -> dict[str, Any] | None:
    """None where nobody asked."""
    flips = mine.findings.run.context.get("flips") or ()
    flip = next((f for f in flips if f.get("sample") == mine.sample.id), None)
    if flip is None:
        task = mine.findings.task
        number = task.finds or task.words.startswith("value")
        number = number and texts(mine.findings, mine.index) is None
        return {"text": [mine.findings.words("change.number")], "how": ""} if number else None
    if not flip.get("told"):
        return {"text": [mine.findings.words("flip.none")], "how": ""}
    try:
        return _told(mine, flip)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            f"the run's 'flips' hold what has no words ({error}); make it again with --flip."
        ) from error


def _told(mine: Case, flip: Mapping[str, Any]) -> dict[str, Any]:
    words = mine.findings.words
    found = {"how": words("change.smallest" if flip["smallest"] else "change.open"), "text": []}
    others = [words.told(*other["told"][:1]) for other in flip.get("others", ())]
    if not mine.findings.classes or mine.findings.task.many:
        return found | {"text": [words.told(*flip["told"][:1]), *others]}
    after = _after(mine, flip)
    if flip["kind"] == "change":
        text = spoken(words, "change.columns", changes=_changes(mine, flip), **after)
        return found | {"text": [text], "others": others, "curve": curve_of(mine, flip)}
    n = len(flip["removed"])
    kind = "words" if flip["kind"] == "deletion" else "parts"
    parts = words.own(mine.findings.kind.titles.parts if n > 1 else mine.findings.kind.titles.part)
    key = f"change.{kind}"
    text = spoken(words, key, n=n, number=words.number(n), parts=parts, **after)
    return found | {"text": [text], **_drawn(mine, flip)}


def _after(mine: Case, flip: Mapping[str, Any]) -> dict[str, object]:
    """What the model says then, and whether that is right."""
    words, said = mine.findings.words, np.array(flip["after"])
    right = is_right(mine.findings, mine.index, said)
    name = Markup("<b>{}</b>").format(answer_of(mine.findings, said))
    return {"after": name, "right": words("change.right") if right else ""}


def _changes(mine: Case, flip: Mapping[str, Any]) -> Markup:
    """The columns with the value that each takes instead."""
    words = mine.findings.words
    told = []
    for change in flip["changes"]:
        before, after = change["before"], change["after"]
        name = Markup("<b>{}</b>").format(change["name"])
        if not (isinstance(after, (int, float)) and isinstance(before, (int, float))):
            both = {"after": said_of(after, words), "before": said_of(before, words)}
            told.append(spoken(words, "change.category", name=name, **both))
            continue
        key = "change.raised" if after > before else "change.lowered"
        told.append(spoken(words, key, name=name, after=amount(after)))
    return Markup(words.listed([str(t) for t in told]))


def _drawn(mine: Case, flip: Mapping[str, Any]) -> dict[str, Any]:
    """The input without what was taken away."""
    e = next(iter(mine.explanations.values()), None)
    if e is None or len(e.segmentation.names) <= max(flip["removed"], default=0):
        return {}
    view, removed = mine.sample.kind.view, list(flip["removed"])
    if view == "picture":
        height = picture(mine.sample)["height"]
        fills = flip.get("fills") or [None] * len(removed)
        areas = [
            {"path": taken_away(e, [i], height)["area"], "fill": fill}
            for i, fill in zip(removed, fills, strict=True)
        ]
        return {"areas": areas, "border": taken_away(e, removed, height)["border"]}
    if view == "text":
        return {"struck": struck_words(mine.sample, e, removed)}
    if view == "lines":
        return {"wave": _wave(mine, np.isin(e.segmentation.ids, removed))}
    return {"names": [e.names[i] for i in removed[:MOST_NAMED]]}


def _wave(mine: Case, away: Bools) -> dict[str, Any]:
    """The channel that most was taken from, and its stretches (L, C) that are gone."""
    channel = int(away.sum(axis=0).argmax())
    return {
        "path": signal(mine.sample, channel)["path"],
        "gone": [
            {"x": f"{x:.2f}", "width": f"{width:.2f}"} for x, width in shares_of(away[:, channel])
        ],
    }
