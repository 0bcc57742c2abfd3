"""Over all test samples: where the evidence of one method lies, and where the model goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xaikit.judge.findings import searched
from xaikit.judge.shares import Shares
from xaikit.report.badges import badge
from xaikit.report.blocks.overview_columns import bees_card, curves_card
from xaikit.report.blocks.overview_errors import groups_cards, taken_card, worst_card
from xaikit.report.blocks.overview_places import places_card, typical_card
from xaikit.report.blocks.overview_seen import Seen
from xaikit.report.blocks.overview_words import words_card
from xaikit.report.findings import Findings
from xaikit.report.formats import count

__all__ = ["overview_block"]

MOST_FOUND = 5
Card = dict[str, Any]
Maker = Callable[[Seen], Card | None]

# view -> the cards of the main column, of the side column (groups follow), and below both
CARDS: dict[str, tuple[tuple[Maker, ...], tuple[Maker, ...], tuple[Maker, ...]]] = {
    "picture": ((places_card, typical_card), (taken_card, worst_card), ()),
    "lines": ((places_card, typical_card), (taken_card, worst_card), ()),
    "bars": ((bees_card, curves_card), (taken_card,), (worst_card,)),
    "parts": ((), (taken_card,), ()),
    "text": ((words_card, places_card), (taken_card,), (worst_card,)),
}


def overview_block(findings: Findings) -> dict[str, Any] | None:
    """The section as a plain dict, or None where the run has no overview."""
    found = findings.run.overview
    if found is None:
        return None
    seen, words, tried = Seen(findings, Shares(found)), findings.words, searched(found)
    main, side, below = CARDS[findings.kind.view]
    status = findings.verdicts[found.method].status
    samples = words.own(findings.kind.titles.samples)
    n, of = count(len(found)), count(found.of)
    more, lower = [*groups_cards(seen), *_found(seen)], _cards(below, seen)
    beside = findings.kind.tabular and not more  # the side column has room
    key = "over.all" if found.of == len(found) else "over.draw"
    return {
        "title": words("over.title", samples=samples),
        "lead": words(f"over.lead.{findings.kind.view}"),
        "badge": badge(findings, status, short=True),
        "method": words(key, method=findings.name(found.method), n=n, of=of, samples=samples),
        "main": _cards(main, seen),
        "side": [*_cards(side, seen), *more, *(lower if beside else [])],
        "below": [] if beside else lower,
        "tried": words.told(tried) if tried.numbers["tried"] else "",
    }


def _found(seen: Seen) -> list[Card]:
    """What errors have in common beside the page's warning."""
    words, found = seen.words, seen.findings.run.warnings()[1:]
    if not found:
        return []
    left = len(found) - MOST_FOUND
    return [
        {
            "kind": "found",
            "title": words("over.found"),
            "sentences": [words.told(f) for f in found[:MOST_FOUND]],
            "note": words("over.found.more", n=left) if left > 0 else "",
        }
    ]


def _cards(makers: tuple[Maker, ...], seen: Seen) -> list[Card]:
    return [card for make in makers if (card := make(seen)) is not None]
