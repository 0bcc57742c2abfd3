"""From a comparison to the plain dict that its page shows: the answer first, then the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.core.errors import DataError
from xaikit.report.comparison import Comparison
from xaikit.report.comparison_case import cases
from xaikit.report.comparison_charts import (
    LOWEST,
    curve_chart,
    decision_chart,
    gap_chart,
    interval_chart,
    reliability_chart,
)
from xaikit.report.comparison_folds import folds
from xaikit.report.comparison_told import Told
from xaikit.report.formats import count, duration, fixed, percent, signed
from xaikit.report.words import Words

__all__ = ["comparison_page"]

BADGES = {
    "held": ("use", "✓"),
    "part": ("weaker", "◐"),
    "no": ("no2", "≠"),
    "open": ("unsettled", "?"),
    "missing": ("none", "–"),
}
GLYPHS = {"better": "▲", "worse": "▼", "equal": "=", "cannot_tell": "?"}
CELLS = {"better": "up", "worse": "dn", "equal": "eq", "cannot_tell": "un"}
SHOWN = 3  # models whose strengths stand beside each other


def comparison_page(
    comparison: Comparison | Mapping[str, Any], language: str = "en"
) -> dict[str, Any]:
    """Everything the page says of two or more models."""
    models = [m for m in comparison.get("models") or () if m.get("family") != "baseline"]
    if len(models) < 2 or len(comparison.get("asked") or ()) != 2:
        raise DataError(
            f"the comparison holds {len(models)} models and asks about "
            f"{len(comparison.get('asked') or ())}; it needs two models or more, and a pair in 'asked'."
        )
    told = Told(Words(language), comparison)
    title = told.say(comparison["title"])
    warning = comparison.get("warning")
    return {
        "language": language,
        "title": title,
        "sheets": ("comparison.css",),
        "nav": [(f"#{s}", told.words(f"cmp.nav.{s}")) for s in ("claims", "pairs", "same", "more")],
        "warning": told.say(warning) if warning else "",
        "meta": _meta(told),
        "names": {
            "a": told.name(told.a),
            "b": told.name(told.b),
            "the_a": told.the(told.a),
            "the_b": told.the(told.b),
        },
        "unit": told.unit,
        "parts": told.parts,
        "shares": told.shares,
        "curve": curve_chart(told) if comparison.get("learning") else None,
        "scale": _scale(told),
        "gap": gap_chart(told) if comparison.get("gaps") else None,
        "bars": None if comparison.get("learning") else _bars(told),
        "use": _use(told),
        "pair": _pair(told),
        "why": _why(told),
        "claims": [_claim(told, c) for c in comparison.get("claims") or ()],
        "matrix": _matrix(told),
        "table": _table(told),
        "cases": cases(told),
        "agreement": _agreement(told),
        "together": _together(told),
        "method": (comparison.get("same") or {}).get("method", ""),
        "n_explained": (comparison.get("same") or {}).get("n", 0),
        "errors": _errors(told),
        "reliability": reliability_chart(told),
        "decision": decision_chart(told),
        "folds": folds(told),
    }


def _meta(told: Told) -> dict[str, str]:
    words, base = told.words, told.base
    va, vb = (told.quality(told.entry(n)["accuracy"]) for n in (told.b, told.a))
    guess = ""
    if base is not None:
        value = told.quality(base["accuracy"], 0 if told.shares else 1)
        guess = words(
            "cmp.meta.majority" if told.shares else "cmp.meta.mean",
            value=value,
        )
    return {
        "data": str((told.comparison.get("data") or {}).get("name") or ""),
        "said": words(
            "cmp.meta" if told.shares else "cmp.meta.r2", va=va, vb=vb, unit=told.unit, base=guess
        ),
    }


def _scale(told: Told) -> str:
    """What the learning curves' scale does to what is seen."""
    if told.shares:
        return told.words("cmp.stretched")
    points = [p for c in told.comparison.get("learning") or () for p in c["points"]]
    return told.words("cmp.cut") if any(p["value"] < LOWEST for p in points) else ""


def _bars(told: Told) -> dict[str, Any]:
    """Quality of every model as bars, best first, where there are no curves."""
    order = sorted(told.models, key=lambda m: -m["accuracy"])
    low = min(m["accuracy"] for m in order)
    start = max(0.0, low - 0.25 * (1 - low)) if told.shares else 0.0
    rows = [
        {
            "name": told.name(m["id"]),
            "tone": told.tone(m["id"]),
            "width": _share(m["accuracy"], start),
            "value": told.quality(m["accuracy"]),
            "on": m["id"] in told.asked,
        }
        for m in order
    ]
    note = told.words("cmp.bars.from", value=told.quality(start)) if start else ""
    return {"rows": rows, "note": note}


def _share(value: float, start: float) -> float:
    return max(1.0, 100 * (value - start) / (1 - start)) if value > start else 1.0


def _use(told: Told) -> dict[str, Any]:
    use = told.comparison.get("recommended") or {}
    if not use:
        return {}
    known = use["id"] in told.ids
    chip = (
        told.words("cmp.use", name=told.name(use["id"])) if known else told.words("cmp.use.guess")
    )
    return {"chip": chip, "why": " ".join(told.say(w) for w in use["why"])}


def _pair(told: Told) -> dict[str, Any]:
    pair = told.pair(told.a, told.b) or {}
    low, high = (told.points(b) if told.shares else signed(b) for b in pair["interval"])
    words, name = told.words, told.name
    return {
        "title": words("cmp.versus", a=name(told.a), b=name(told.b)),
        "chart": interval_chart(told),
        "label": f"{words('cmp.minus', a=name(told.a), b=name(told.b))}: {told.points(pair['difference'])}",
        "may": words("cmp.may" if told.shares else "cmp.may.r2", low=low, high=high),
        "left": words("cmp.better", name=name(told.a)),
        "right": words("cmp.better", name=name(told.b)),
        "ahead": [words("cmp.ahead", name=name(n)) for n in (told.b, told.a)],
        "minus": words("cmp.minus", a=name(told.a), b=name(told.b)),
        "small": words(
            "cmp.small" if told.shares else "cmp.small.r2",
            a=name(told.a),
            b=name(told.b),
            n=f"{100 * pair['rope'] if told.shares else pair['rope']:g}",
        ),
    }


def _why(told: Told) -> dict[str, Any]:
    """The model to use and the pair, by four strengths as bars without digits."""
    use = (told.comparison.get("recommended") or {}).get("id")
    order = list(dict.fromkeys([*([use] if use in told.ids else []), told.b, told.a]))[:SHOWN]
    entries = [told.entry(n) for n in order]
    floors = {
        f["a"]: f["value"]
        for f in (told.comparison.get("same") or {}).get("floors", ())
        if f["kind"] == "rows"
    }
    best = max(m["accuracy"] for m in entries)
    cheap = min(m["processor_seconds"] for m in entries)
    rows = [
        (
            "cmp.why.quality" if told.shares else "cmp.why.quality.r2",
            [
                (m["accuracy"] / best if best > 0 else 0.0, told.quality(m["accuracy"]))
                for m in entries
            ],
        ),
        (
            "cmp.why.cost",
            [
                (
                    (cheap / m["processor_seconds"]) ** 0.5 if m["processor_seconds"] else 1.0,
                    duration(m["processor_seconds"]),
                )
                for m in entries
            ],
        ),
    ]
    if all("ece" in m for m in entries):
        off = [
            (max(0.0, 1 - 10 * m["ece"]), told.words("cmp.off", value=fixed(100 * m["ece"], 1)))
            for m in entries
        ]
        rows.append(("cmp.why.sure", off))
    if all(n in floors for n in order):
        rows.append(("cmp.why.steady", [(max(0.0, floors[n]), fixed(floors[n])) for n in order]))
    return {
        "names": [told.name(n) for n in order],
        "rows": [
            {
                "name": told.words(key),
                "cells": [
                    {"width": max(4.0, 100 * min(1.0, share)), "text": text, "tone": told.tone(n)}
                    for (share, text), n in zip(cells, order, strict=True)
                ],
            }
            for key, cells in rows
        ],
    }


def _claim(told: Told, claim: Mapping[str, Any]) -> dict[str, Any]:
    words, verdict = told.words, claim["verdict"]
    shape, glyph = BADGES[verdict]
    return {
        "title": words(f"cmp.claim.{claim['id']}.title"),
        "book": words(f"cmp.claim.{claim['id']}.book"),
        "badge": {"shape": shape, "glyph": glyph, "text": words(f"cmp.verdict.{verdict}")},
        "bars": _claim_bars(told, claim["bars"]),
        "say": told.say(claim["say"]),
    }


def _claim_bars(told: Told, bars: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Qualities from a level below the worst on, all else from 0 to the largest."""
    qualities = [b["value"] for b in bars if b["shown"] == "quality"]
    start = max(0.0, min(qualities) - 0.5 * (1 - min(qualities))) if qualities else 0.0
    most = max((abs(b["value"]) for b in bars), default=1.0) or 1.0
    found = []
    for b in bars:
        width = (
            _share(b["value"], start)
            if b["shown"] == "quality"
            else 100 * abs(b["value"]) / (1.0 if b["shown"] == "share" else most)
        )
        found.append(
            {
                "label": told.say(b["label"], bare=True),
                "tone": told.tone(b["model"]),
                "width": max(1.0, min(100.0, width)),
                "text": _bar_text(told, b),
            }
        )
    return found


def _bar_text(told: Told, bar: Mapping[str, Any]) -> str:
    value = float(bar["value"])
    if bar["shown"] == "quality":
        return told.quality(value)
    if bar["shown"] == "ratio":
        return f"{fixed(value, 0 if value >= 10 else 1)} ×"
    return told.points(value) if bar["shown"] == "gap" else fixed(value)


def _matrix(told: Told) -> dict[str, Any]:
    """Rows and columns from the worst to the best; a cell is the row against the column."""
    base = [] if told.base is None else [str(told.base["id"])]
    order = [*base, *sorted(told.ids, key=lambda n: told.entry(n)["accuracy"])]
    rows = []
    for i, row in enumerate(order[1:], 1):
        cells = [_cell(told, column, row) if j < i else None for j, column in enumerate(order[:-1])]
        rows.append({"name": told.name(row), "cells": cells})
    return {"columns": [told.name(n) for n in order[:-1]], "rows": rows}


def _cell(told: Told, column: str, row: str) -> dict[str, Any] | None:
    pair = told.pair(column, row)
    if pair is None:
        return None
    word = str(pair["word"]).removeprefix("clearly_")
    asked = {column, row} == set(told.asked)
    said = told.words(f"cmp.word.{word}")
    return {
        "tone": CELLS[word],
        "glyph": GLYPHS[word],
        "said": f"{said}, {told.words('cmp.word.asked')}" if asked else said,
        "asked": asked,
        "text": told.points(pair["difference"]),
    }


def _table(told: Told) -> dict[str, Any]:
    order = sorted(told.models, key=lambda m: -m["accuracy"])
    sure = any("ece" in m for m in order)
    rows = [
        {
            "name": told.name(m["id"]),
            "on": m["id"] in told.asked,
            "cells": [
                told.quality(m["accuracy"]),
                duration(m["processor_seconds"]),
                duration(m["predict_ms"] / 1000),
                *([told.words("cmp.off", value=fixed(100 * m["ece"], 1))] if sure else []),
            ],
        }
        for m in order
    ]
    if told.base is not None:
        dashes = ["–"] * (2 + sure)
        rows.append(
            {
                "name": told.name(told.base["id"]),
                "on": False,
                "cells": [told.quality(told.base["accuracy"]), *dashes],
            }
        )
    heads = ["right" if told.shares else "r2", "training", "answer", *(["sure"] if sure else [])]
    n = max(int(m["n_folds"]) for m in order)
    return {
        "caption": told.words("cmp.table", n=n),
        "heads": [told.words(f"cmp.col.{h}") for h in heads],
        "rows": rows,
    }


def _agreement(told: Told) -> list[dict[str, Any]]:
    """The pair first, its floors, then all others."""
    same = told.comparison.get("same")
    if not same:
        return []
    rows = [*same["pairs"], *same["floors"]]
    rows.sort(key=lambda r: _nearness(told, r))
    return [_agreement_row(told, r) for r in rows]


def _nearness(told: Told, row: Mapping[str, Any]) -> tuple[int, int, float]:
    inside = {row["a"], row["b"]} <= set(told.asked)
    kind = ("pair", "rows", "seed").index(row["kind"])
    return (0 if inside else 1), kind, -float(row["value"])


def _agreement_row(told: Told, row: Mapping[str, Any]) -> dict[str, Any]:
    kind = "fixed" if row["kind"] == "seed" and row.get("fixed") else row["kind"]
    bounds = [max(0.0, float(b)) for b in row.get("interval") or ()]
    me = row["kind"] == "pair" and {row["a"], row["b"]} == set(told.asked)
    name = told.words(
        f"cmp.agree.{kind}",
        a=told.name(row["a"]),
        **({"b": told.name(row["b"])} if kind == "pair" else {}),
        **({"unit": told.unit} if kind == "rows" else {}),
    )
    return {
        "tone": "me" if me else "fl",
        "name": name,
        "at": 100 * max(0.0, float(row["value"])),
        "left": 100 * bounds[0] if bounds else 0.0,
        "width": 100 * (bounds[1] - bounds[0]) if bounds else 0.0,
        "text": fixed(row["value"]),
    }


def _together(told: Told) -> dict[str, Any] | None:
    """Pairs of features that a side uses together; one that only one side has is marked."""
    found = (told.comparison.get("same") or {}).get("together") or []
    if not found:
        return None
    rows = [
        {
            "name": " × ".join(r["pair"]),
            "on": r["only"] is not None,
            "cells": [percent(r["shares"][n], 1) for n in told.asked],
            "only": told.words("cmp.together.only", name=told.name(r["only"])) if r["only"] else "",
        }
        for r in found
    ]
    return {"heads": [told.name(n) for n in told.asked], "rows": rows}


def _errors(told: Told) -> dict[str, Any] | None:
    found = told.comparison.get("errors")
    if not found:
        return None
    words = told.words
    rows = [
        ("sa", words("cmp.errors.only", name=told.name(told.a)), found["only_a"]),
        ("sb", words("cmp.errors.both"), found["both"]),
        ("sc", words("cmp.errors.only", name=told.name(told.b)), found["only_b"]),
    ]
    return {"rows": [{"tone": t, "name": n, "n": v, "text": count(v)} for t, n, v in rows]}
