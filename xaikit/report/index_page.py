"""The page that links reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from xaikit.core.sample import MODALITIES
from xaikit.report.comparison import Told
from xaikit.report.formats import amount, percent
from xaikit.report.words import Words

__all__ = ["Entry", "index_page"]


class Entry(TypedDict, total=False):
    """One report. `title` and `href` are needed; href is relative to the index.

    modality : name of one, or comparison
    summary : one or two sentences
    quality : {"metric", "value"} of the model; n, methods: how many of them
    facts : more short facts
    """

    title: Told
    href: str
    modality: str
    summary: str
    model: str
    quality: Mapping[str, Any]
    n: int
    methods: int
    facts: list[str]


def index_page(
    entries: Sequence[Entry | Mapping[str, Any]], language: str = "en"
) -> dict[str, Any]:
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
                "title": words.told(e["title"]),
                "href": _local(str(e["href"])),
                "kicker": _kicker(str(e.get("modality") or ""), words),
                "summary": str(e.get("summary") or ""),
                "facts": _facts(e, words),
            }
            for e in entries
        ],
    }


def _kicker(modality: str, words: Words) -> str:
    """What the report is about."""
    if modality not in MODALITIES:
        return words.known(f"index.{modality}", modality)
    samples = words.own(MODALITIES.get(modality).titles.samples)
    return samples[:1].upper() + samples[1:]


def _facts(e: Entry | Mapping[str, Any], words: Words) -> list[str]:
    quality = e.get("quality") or {}
    found = [str(e["model"])] if e.get("model") else []
    if quality.get("value") is not None:
        metric, value = str(quality.get("metric")), float(quality["value"])
        shown = percent(value, 1) if metric == "accuracy" else amount(value)
        name = words.known(f"metric.{metric}", metric)
        found.append(words("index.quality", metric=name, value=shown))
    found += [words(f"index.{k}", n=int(e[k])) for k in ("n", "methods") if e.get(k)]
    return [*found, *(str(f) for f in e.get("facts") or ())]


def _local(href: str) -> str:
    """A link to a neighbouring file; anything with a scheme or another host is not one."""
    return (
        href
        if ":" not in href and not href.startswith(("/", "\\"))
        else "./" + href.replace(":", "%3A").lstrip("/\\")
    )
