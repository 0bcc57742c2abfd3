"""The page that links reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from markupsafe import Markup

from xaikit.core.sample import MODALITIES
from xaikit.report.comparison import Told
from xaikit.report.formats import amount, percent
from xaikit.report.index_card import card_of
from xaikit.report.spoken import spoken
from xaikit.report.words import Words
from xaikit.study.run import Run

__all__ = ["Entry", "index_page"]


class Entry(TypedDict, total=False):
    """One report. `href`, relative to the index, is needed, and `run` or `title`.

    run : the run that the report is of, or its folder; the card is made from it, and the other keys are not asked for
    modality : name of one, or comparison
    summary : one or two sentences
    quality : {"metric", "value"} of the model; n, methods: how many of them
    facts : more short facts
    """

    run: Run | str | Path
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
    """What the index's template shows: runs first, those with most errors before the others."""
    words = Words(language)
    cards = [_card(e, language, words) for e in entries]
    cards.sort(key=lambda card: (not card["case"], -card["errors"]))
    n = sum(bool(card["case"]) for card in cards)
    return {
        "language": language,
        "title": words("index.models", n=n, number=_first(words.number(n)))
        if n
        else words("index.title"),
        "nav": [],
        "entries": cards,
        "sheets": ("around.css",),
        "runs": n,
        "diff": spoken(words, "index.diff", command=Markup("<code>xaikit diff RUN_A RUN_B</code>")),
    }


def _card(e: Entry | Mapping[str, Any], language: str, words: Words) -> dict[str, Any]:
    href = _local(str(e["href"]))
    if "run" in e:
        run = e["run"] if isinstance(e["run"], Run) else Run.load(e["run"])
        return {"href": href, **card_of(run, language)}
    return {
        "href": href,
        "case": None,
        "errors": 0,
        "title": words.told(e["title"]),
        "kicker": _kicker(str(e.get("modality") or ""), words),
        "summary": str(e.get("summary") or ""),
        "facts": _facts(e, words),
    }


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _kicker(modality: str, words: Words) -> str:
    """What the report is about."""
    if modality not in MODALITIES:
        return words.known(f"index.{modality}", modality)
    return _first(words.own(MODALITIES.get(modality).titles.samples))


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
