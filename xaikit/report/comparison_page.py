"""From a comparison to the plain dict that its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.core.errors import DataError
from xaikit.report.charts import dot_whisker
from xaikit.report.comparison import Comparison
from xaikit.report.comparison_charts import (
    calibration_chart,
    difference_chart,
    dumbbell,
    learning_chart,
    marker,
    nice_end,
)
from xaikit.report.comparison_told import Told, short_answer
from xaikit.report.formats import (
    amount,
    count,
    duration,
    fixed,
    interval,
    percent,
    percent_interval,
    size,
    tick_digits,
)
from xaikit.report.words import Words

__all__ = ["comparison_page"]

SECTIONS = ("accuracy", "calibration", "cost", "same")
KINDS = {
    "a_better": "use",
    "b_better": "use",
    "equal": "control",
    "not_settled": "unsettled",
}
GLYPHS = {"use": "✓", "control": "=", "unsettled": "?"}


def comparison_page(
    comparison: Comparison | Mapping[str, Any], language: str = "en"
) -> dict[str, Any]:
    """Everything the page says of two or more models; missing parts stay empty."""
    words = Words(language)
    rows = list(comparison.get("models") or ())
    models = [m for m in rows if m.get("family") != "baseline"]
    if len(models) < 2:
        raise DataError(f"the comparison holds {len(models)} model(s); two or more are needed.")
    studied = comparison.get("data") or {}
    told = Told(words, comparison, models, [m for m in rows if m not in models])
    return {
        "language": language,
        "title": words.told(comparison.get("title") or words("title")),
        "kicker": words("compare.kicker"),
        "brand": f"{studied.get('name', '')} · {words('compare.kind')}".strip(" ·"),
        "nav": [(f"#{s}", told.nav(s)) for s in SECTIONS],
        "facts": told.facts(),
        "short": short_answer(told),
        "accuracy": _accuracy(told),
        "calibration": _calibration(told),
        "learning": _learning(told),
        "cost": _cost(told),
        "same": _same(told),
        "agreement": _agreement(told),
        "legend": told.legend(),
        "command": str(comparison.get("command") or ""),
    }


def _accuracy(told: Told) -> dict[str, Any]:
    key = "compare.accuracy.title" if told.shares else "compare.quality.title"
    weights = told.comparison.get("weights") if told.shares else None
    return {
        "title": told.words(key),
        "kicker": told.nav("accuracy"),
        "pairs": [_pair(told, p) for p in told.comparison.get("pairs") or ()],
        "baseline": told.baseline(),
        "weights": told.words(f"compare.weights.{weights}") if weights else "",
    }


def _pair(told: Told, pair: Mapping[str, Any]) -> dict[str, Any]:
    words, factor = told.words, 100 if told.shares else 1
    a, b = told.names[pair["a"]], told.names[pair["b"]]
    bounds, rope = pair.get("interval"), float(pair.get("rope", 0.01))
    shown = f"{told.points(pair['difference'])} {told.bounds(bounds)}".strip()
    status = str(pair.get("verdict") or "not_settled")
    kind = KINDS[status]
    text = words(
        "compare.each",
        a=a,
        b=b,
        va=told.quality(told.value(pair["a"])),
        vb=told.quality(told.value(pair["b"])),
    )
    text += " " + words("compare.bootstrap" if bounds else "compare.no_interval")
    if pair.get("needed"):
        text += " " + words("compare.needed", n=count(pair["needed"]))
    return {
        "left": words("compare.better", name=a),
        "right": words("compare.better", name=b),
        "axis": words("compare.points")
        if told.shares
        else words("compare.units", metric=told.metric_name),
        "chart": difference_chart(
            factor * float(pair["difference"]),
            [factor * x for x in bounds] if bounds else None,
            factor * rope,
            label=shown,
        ),
        "shown": shown,
        "badge": {
            "kind": kind,
            "glyph": GLYPHS[kind],
            "text": words(f"compare.verdict.{status}", a=a, b=b),
        },
        "text": text,
    }


def _calibration(told: Told) -> dict[str, Any] | None:
    models = [m for m in told.models if m.get("calibration")]
    if not models:
        return None
    words = told.words
    rows = [
        {
            "bins": m.get("calibration") or [],
            "name": told.names[str(m["id"])],
            "ece": m.get("ece"),
        }
        for m in told.models
    ]
    chart = calibration_chart(
        rows,
        words("compare.calibration.chart"),
        (words("compare.perfect"), words("compare.calibration.x")),
    )
    legend = [
        {
            "mark": marker(i),
            "name": words("compare.calibration.gap", name=r["name"], gap=fixed(100 * r["ece"], 1))
            if r["ece"] is not None
            else r["name"],
        }
        for i, r in enumerate(rows)
        if r["bins"]
    ]
    table = [
        (
            r["name"],
            percent(b["p"]),
            percent(b["observed"]),
            percent_interval((b["lo"], b["hi"]), 0),
            count(b["n"]),
        )
        for r in rows
        for b in r["bins"]
    ]
    return {"chart": chart, "legend": legend, "table": table}


def _learning(told: Told) -> dict[str, Any] | None:
    curves = [c for c in told.comparison.get("learning") or () if c.get("points")]
    if not curves:
        return None
    words = told.words
    title = words("compare.learning.chart", metric=told.metric_name)
    drawn = [{**c, "index": told.ids.index(str(c["model"]))} for c in curves]
    table = [
        (told.names[str(c["model"])], count(p["n"]), told.quality(p["value"]))
        for c in curves
        for p in c["points"]
    ]
    return {
        "title": title,
        "chart": learning_chart(drawn, title, words("compare.learning.x"), shares=told.shares),
        "table": table,
    }


def _cost(told: Told) -> dict[str, Any]:
    explained = [m["explained"] for m in told.models if m.get("explained")]
    return {
        "method": str(explained[0].get("method", "")) if explained else "",
        "rows": [
            *(_cost_row(told, Markup(""), m) for m in told.baselines),
            *(_cost_row(told, marker(i), m) for i, m in enumerate(told.models)),
        ],
    }


def _cost_row(told: Told, mark: Markup, m: Mapping[str, Any]) -> dict[str, Any]:
    bounds, once = m.get("interval"), m.get("explained") or {}
    shown = percent_interval(bounds) if told.shares else interval(bounds, 3, sign=False)
    calls, answer = once.get("calls"), m.get("predict_ms")
    key = "compare.cost.calls" if calls else "compare.cost.exact"
    learned = m.get("n_parameters")
    return {
        "mark": mark,
        "name": told.names[str(m["id"])],
        "quality": f"{told.quality(m.get('accuracy'))} {shown if bounds else ''}".strip(),
        "fit": duration(m.get("fit_seconds")),
        "answer": duration(answer / 1000 if answer is not None else None),
        "size": size(m.get("bytes")) if m.get("bytes") else "–",
        "learned": count(learned) if learned else "–",
        "explained": told.words(key, n=count(calls), time=duration(once.get("seconds")))
        if once
        else "–",
    }


def _same(told: Told) -> dict[str, Any] | None:
    evidence = told.comparison.get("evidence") or {}
    rows = evidence.get("rows") or []
    if not rows:
        return None
    words = told.words
    end = nice_end(max(v for r in rows for v in r["shares"].values()) or 1.0)
    unit = str(evidence.get("unit", ""))
    return {
        "title": words("compare.same.chart", n=len(rows)),
        "sub": words(
            "compare.same.sub",
            method=evidence.get("method", ""),
            unit=words.unit(unit),
        ),
        "rows": [
            {
                "name": str(r["feature"]),
                "chart": dumbbell([r["shares"].get(k) for k in told.ids], end),
                "gap": words(
                    "compare.same.points",
                    n=fixed(100 * float(np.ptp(list(r["shares"].values()))), 0),
                ),
                "shares": ", ".join(
                    f"{told.names[k]} {percent(v)}"
                    for k, v in r["shares"].items()
                    if k in told.names
                ),
            }
            for r in rows
        ],
        "low": percent(0.0),
        "high": words("compare.same.axis", share=percent(end, tick_digits([0, 100 * end]))),
    }


def _agreement(told: Told) -> dict[str, Any] | None:
    between, own = told.agreements()
    if not between and not own:
        return None
    words = told.words
    rows = []
    for r in [*own, *between]:
        a, b = told.names.get(r["a"], r["a"]), told.names.get(r["b"], r["b"])
        ceiling = r["a"] == r["b"]
        note = words("compare.agree.ceiling" if ceiling else "compare.agree.compared")
        rows.append(
            {
                "name": words("compare.agree.self" if ceiling else "compare.agree.pair", a=a, b=b),
                "note": f"{note}; {words.told(r['note'])}" if r.get("note") else note,
                "chart": dot_whisker(
                    r["value"], (min(0.0, r["value"]), 1.0), interval=r.get("interval")
                ),
                "text": amount(round(r["value"], 2)) if r["value"] == 0 else fixed(r["value"]),
                "interval": interval(r.get("interval"), sign=False),
                "compared": not ceiling,
            }
        )
    return {"rows": rows, "reading": _reading(told, between, own)}


def _reading(told: Told, between: list[Any], own: list[Any]) -> str:
    """What the ceilings say of the disagreement."""
    if not between or not own:
        return ""
    lowest = min(own, key=lambda r: r["value"])
    real = min(r["value"] for r in between) < lowest["value"]
    text = told.words("compare.reading.real" if real else "compare.reading.noise")
    if lowest["value"] < 0.7:
        name = told.names.get(lowest["a"], lowest["a"])
        text += " " + told.words("compare.reading.unstable", name=name)
    return text
