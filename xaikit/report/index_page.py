"""The page that links reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from xaikit.report.words import Words

__all__ = ["Entry", "index_page"]


class Entry(TypedDict, total=False):
    """One report. `title` and `href` are needed; href is relative to the index.

    modality : image, text, table, series or compare
    summary : one or two sentences
    facts : short facts, for example "digits-lenet" or "accuracy 98.1 %"
    """

    title: str
    href: str
    modality: str
    summary: str
    facts: list[str]


def index_page(entries: Sequence[Entry | Mapping[str, Any]], language: str = "en") -> dict[str, Any]:
    """What the index's template shows."""
    words = Words(language)
    return {
        "language": language,
        "title": words("index.title"),
        "kicker": words("index.kicker"),
        "brand": words("index.kind"),
        "nav": [],
        "entries": [
            {
                "title": str(e["title"]),
                "href": _local(str(e["href"])),
                "kicker": words.known(f"index.{e.get('modality')}", str(e.get("modality") or "")),
                "summary": str(e.get("summary") or ""),
                "facts": [str(f) for f in e.get("facts") or ()],
            }
            for e in entries
        ],
    }


def _local(href: str) -> str:
    """A link to a neighbouring file; anything with a scheme or another host is not one."""
    return href if ":" not in href and not href.startswith(("/", "\\")) else "./" + href.replace(":", "%3A").lstrip("/\\")
