"""The folds of a comparison's page: how it was decided, every pair, every measure, what was not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.judge.rule import LOOKS
from xaikit.report.comparison_told import Told
from xaikit.report.formats import count, duration, fixed, percent, size

__all__ = ["folds"]


def folds(told: Told) -> list[dict[str, Any]]:
    """Each with a title and either paragraphs or a table."""
    made = [_how(told), _pairs(told), _measures(told), _confusion(told), _tuning(told), _left(told)]
    return [fold for fold in (*made, _source(told)) if fold]


def _how(told: Told) -> dict[str, Any]:
    words, found = told.words, told.comparison
    protocol = found.get("protocol")
    said = [told.say(protocol)] if protocol else []
    in_time = isinstance(protocol, Mapping) and protocol["key"] == "cmp.protocol.time"
    said += [
        words("cmp.how.rule", rope=100 * found.get("rope", 0.01)),
        *([] if in_time else [words("cmp.how.looks", first=5 * LOOKS[0], all=5 * LOOKS[1])]),
        words("cmp.how.rows"),
        words("cmp.how.costs", watts=found.get("watts", 10)),
    ]
    return {"title": words("cmp.more.how"), "said": said}


def _pairs(told: Told) -> dict[str, Any]:
    words, found = told.words, told.comparison
    heads = ("pair", "difference", "interval", "chances", "differ", "needed")
    rows = []
    for p in (*found.get("against_baseline", ()), *found.get("pairs", ())):
        low, high = (told.points(b) for b in p["interval"])
        rows.append(
            [
                f"{told.name(p['a'])}, {told.name(p['b'])}",
                told.points(p["difference"]),
                f"{low} – {high}",
                " / ".join(fixed(c) for c in p["chances"]),
                "–" if p.get("differ") is None else percent(p["differ"], 1),
                count(p["needed"])
                if p.get("needed")
                else words("cmp.decided")
                if p["word"] != "cannot_tell"
                else "–",
            ]
        )
    caption = words("cmp.every.caption", rope=100 * found.get("rope", 0.01), unit=told.unit)
    return {
        "title": words("cmp.more.pairs"),
        "tables": [
            {"caption": caption, "heads": [words(f"cmp.col.{h}") for h in heads], "rows": rows}
        ],
    }


def _measures(told: Told) -> dict[str, Any]:
    words = told.words
    shifts = list(told.models[0].get("shift") or {})
    sure = any("ece" in m for m in told.models)
    right = "right" if told.shares else "r2"
    heads = [
        "model",
        right,
        "own",
        *shifts,
        *(["sure", "brier"] if sure else []),
        "training",
        "answer",
        "memory",
        "energy",
        "size",
    ]
    rows = [_measured(told, m, shifts, sure) for m in told.models]
    return {
        "title": words("cmp.more.measures"),
        "tables": [
            {
                "caption": words("cmp.measures.caption") if sure else "",
                "heads": [words(f"cmp.col.{h}") for h in heads],
                "rows": rows,
            }
        ],
    }


def _measured(told: Told, m: Mapping[str, Any], shifts: list[str], sure: bool) -> list[str]:
    honest = []
    if sure:
        honest = [
            f"{fixed(100 * m['ece'], 1)} → {fixed(100 * m['ece_after'], 1)}",
            f"{fixed(m['brier'], 3)} → {fixed(m['brier_after'], 3)}",
        ]
    return [
        told.name(m["id"]),
        told.quality(m["accuracy"]),
        told.quality(m["own"]),
        *(told.quality(m["shift"][s]) for s in shifts),
        *honest,
        duration(m["processor_seconds"]),
        duration(m["predict_ms"] / 1000),
        size(m["memory"]) if m["memory"] else "–",
        f"{fixed(m['joules'], 0 if m['joules'] >= 10 else 2)} J",
        size(m["bytes"]),
    ]


def _confusion(told: Told) -> dict[str, Any] | None:
    classes = (told.comparison.get("data") or {}).get("classes") or []
    if not classes or len(classes) > 20:
        return None
    tables = []
    for name in told.asked:
        found = told.entry(name).get("confusion") or []
        tables.append(
            {
                "caption": told.words("cmp.confusion.caption", name=told.name(name)),
                "heads": ["", *map(str, classes)],
                "rows": [[str(c), *map(count, row)] for c, row in zip(classes, found, strict=True)],
            }
        )
    return {"title": told.words("cmp.more.confusion"), "tables": tables}


def _tuning(told: Told) -> dict[str, Any] | None:
    found, words = told.comparison.get("tuning"), told.words
    if not found:
        return None
    low, high = (told.points(b) for b in found["interval"])
    word = words(f"cmp.word.{str(found['word']).removeprefix('clearly_')}")
    said = words(
        "cmp.tuning.said" if told.shares else "cmp.tuning.said.r2",
        word=word,
        difference=told.points(found["difference"]),
        low=low,
        high=high,
    )
    rows = [
        [
            told.name(m["id"]),
            told.quality(m["untuned"]),
            told.quality(m["tuned"]),
            count(m["trials"]),
            duration(m["seconds"]),
        ]
        for m in found["models"]
    ]
    heads = ("model", "untuned", "tuned", "trials", "training")
    table = {
        "caption": words("cmp.tuning.caption", trials=found["trials"])
        if found["trials"]
        else words("cmp.tuning.seconds", seconds=found["allowed"]),
        "heads": [words(f"cmp.col.{h}") for h in heads],
        "rows": rows,
    }
    return {"title": words("cmp.more.tuning"), "said": [said], "tables": [table]}


def _left(told: Told) -> dict[str, Any]:
    said = [told.say(s) for s in told.comparison.get("not_run") or ()]
    return {
        "title": told.words("cmp.more.left"),
        "said": said or [told.words("cmp.left.nothing")],
    }


def _source(told: Told) -> dict[str, Any]:
    found = told.comparison
    data = found.get("data") or {}
    versions = ", ".join(f"{k} {v}" for k, v in (found.get("environment") or {}).items())
    said = [str(s) for s in (data.get("source"), found.get("created"), versions) if s]
    return {
        "title": told.words("cmp.more.source"),
        "said": said,
        "command": str(found.get("command") or ""),
    }
