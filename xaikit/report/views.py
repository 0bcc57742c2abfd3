"""How the page draws each view that a modality may state: large, in small, and in a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from xaikit.core.errors import InvalidInput
from xaikit.core.sample import Modality
from xaikit.core.types import Explanation
from xaikit.report.case import Case, shares_scale, strongest
from xaikit.report.image_case import heat_map, picture, picture_hero, place_of
from xaikit.report.parts_case import cases_of, part_phrase, parts_hero
from xaikit.report.series_case import series_hero, series_parts, series_thumb, stretch_phrase
from xaikit.report.spoken import Phrase
from xaikit.report.table_case import table_end, table_parts
from xaikit.report.text_case import marked_words, text_hero, text_thumb, word_phrase
from xaikit.report.waterfall import column_phrase, row_thumb, waterfall

__all__ = ["VIEWS", "View", "view_of"]

Slots = list[dict[str, Any]]


@dataclass(frozen=True)
class View:
    """One way to draw samples; its template is `view_<name>.html.j2`.

    hero : what is drawn of the case that is shown large
    phrase : what a feature is called in a sentence
    thumb : the sample in small, or None where its picture stands for it
    parts : of a card, beside what all cards have; the slots of the methods may get more
    end : where the shared scale of a card is drawn to
    """

    hero: Callable[[Case], dict[str, Any]]
    phrase: Callable[[Case, Explanation, int], Phrase]
    thumb: Callable[[Case], Markup] | None
    parts: Callable[[Case, Slots], dict[str, Any]]
    end: Callable[[Case], float] = lambda mine: mine.end


def view_of(kind: Modality) -> View:
    """The view that a modality states."""
    if kind.view not in VIEWS:
        raise InvalidInput(
            f"modality '{kind.name}' says that a report draws its samples as '{kind.view}'; reports "
            f"draw {', '.join(VIEWS)}."
        )
    return VIEWS[kind.view]


def _picture(mine: Case, slots: Slots) -> dict[str, Any]:
    drawn = picture(mine.sample)
    for slot in slots:
        e = mine.explanations.get(slot["method"])
        if e is not None and not slot["empty"]:
            slot["map"] = heat_map(mine.shares(e), e.segmentation, drawn["height"])
            if shares_scale(e):
                slot["shared_map"] = heat_map(mine.shared(e), e.segmentation, drawn["height"])
    return {"picture": drawn, "strongest": strongest(mine)}


def _text(mine: Case, slots: Slots) -> dict[str, Any]:
    data = mine.findings.run.context.get("data") or {}
    for slot in slots:
        e = mine.explanations.get(slot["method"])
        if e is not None:
            slot["words"] = marked_words(
                mine.sample, e, mine.shown(e), mine.shares(e), mine.digits_of(e), mine.errors(e)
            )
    language = str(mine.sample.meta.get("language") or data.get("language") or "")
    return {"text_lang": language, "strongest": strongest(mine)}


def _bars(mine: Case, slots: Slots) -> dict[str, Any]:
    del slots
    return {"table": table_parts(mine)}


def _lines(mine: Case, slots: Slots) -> dict[str, Any]:
    del slots
    return {"series": series_parts(mine, mine.findings.columns), "strongest": strongest(mine)}


def _parts(mine: Case, slots: Slots) -> dict[str, Any]:
    """A block for each part: its own drawing, and slots of the methods that say something of it."""
    found = []
    for part in cases_of(mine):
        own = [dict(slot) for slot in slots]
        for slot in own:
            slot["empty"] = slot["empty"] or slot["method"] not in part.explanations
        found.append(
            {
                "name": part.slot.name,
                "view": part.slot.kind.view,
                "index": f"{mine.index}-{part.slot.name}-all",
                "id": mine.sample.id,
                "slots": own,
                **view_of(part.slot.kind).parts(part, own),
            }
        )
    return {"parts": found, "strongest": strongest(mine)}


VIEWS: dict[str, View] = {
    "picture": View(picture_hero, place_of, None, _picture),
    "text": View(text_hero, word_phrase, text_thumb, _text),
    "bars": View(
        waterfall,
        column_phrase,
        row_thumb,
        _bars,
        end=lambda mine: table_end(mine) if mine.end else mine.end,
    ),
    "lines": View(
        lambda mine: series_hero(mine, mine.findings.columns),
        stretch_phrase,
        series_thumb,
        _lines,
    ),
    "parts": View(
        lambda mine: parts_hero(mine, lambda slot: view_of(slot.kind).hero),
        lambda mine, e, i: part_phrase(mine, e, i, lambda slot: view_of(slot.kind).phrase),
        row_thumb,
        _parts,
    ),
}
