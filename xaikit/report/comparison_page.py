"""From a comparison to the plain dict that its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.errors import DataError
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
from xaikit.report.formats import (
    amount,
    count,
    duration,
    fixed,
    interval,
    percent,
    percent_interval,
    signed,
    size,
)
from xaikit.report.words import Words

__all__ = ["comparison_page"]

SECTIONS = ("accuracy", "calibration", "cost", "same")
KINDS = {
    "a_better": "faithful",
    "b_better": "faithful",
    "equal": "control",
    "not_settled": "unsettled",
}
GLYPHS = {"faithful": "✓", "control": "=", "unsettled": "?"}
NEAR = 1.5  # answers that differ by less than this factor cost the same,
CHEAP = 1.0  # and so do answers that all take less than this many milliseconds
SIMILAR = 0.8  # share of the ceiling from which two models look at similar features


def comparison_page(
    comparison: Comparison | Mapping[str, Any], language: str = "en"
) -> dict[str, Any]:
    """Everything the page says of two or more models; missing parts stay empty."""
    words = Words(language)
    models = list(comparison.get("models") or ())
    if len(models) < 2:
        raise DataError(f"the comparison holds {len(models)} model(s); two or more are needed.")
    studied = comparison.get("data") or {}
    told = _Told(words, comparison, models)
    return {
        "language": language,
        "title": str(comparison.get("title") or words("title")),
        "kicker": words("compare.kicker"),
        "brand": f"{studied.get('name', '')} · {words('compare.kind')}".strip(" ·"),
        "nav": [(f"#{s}", told.nav(s)) for s in SECTIONS],
        "facts": told.facts(),
        "short": told.short(),
        "accuracy": told.accuracy(),
        "calibration": told.calibration(),
        "learning": told.learning(),
        "cost": told.cost(),
        "same": told.same(),
        "agreement": told.agreement(),
        "legend": told.legend(),
        "command": str(comparison.get("command") or ""),
    }


class _Told:
    """One comparison in one language."""

    def __init__(self, words: Words, comparison: Mapping[str, Any], models: list[Any]) -> None:
        self.words, self.comparison, self.models = words, comparison, models
        self.ids = [str(m["id"]) for m in models]
        self.names = {str(m["id"]): str(m.get("title") or m["id"]) for m in models}
        self.metric = str(comparison.get("metric") or "accuracy")
        self.shares = self.metric == "accuracy"
        name = words.known(f"metric.{self.metric}", self.metric)
        self.metric_name = name[:1].upper() + name[1:]

    def nav(self, section: str) -> str:
        key = "quality" if section == "accuracy" and not self.shares else section
        return self.words(f"compare.{key}.nav")

    def legend(self) -> list[dict[str, Any]]:
        return [{"mark": marker(i), "name": self.names[k]} for i, k in enumerate(self.ids)]

    def facts(self) -> list[dict[str, str]]:
        words, data = self.words, self.comparison.get("data") or {}
        cells = [
            {
                "label": words("compare.model", letter="ABCDEFGH"[i] if i < 8 else str(i + 1)),
                "value": self.names[str(m["id"])],
                "detail": str(m.get("detail") or ""),
            }
            for i, m in enumerate(self.models)
        ]
        things = str(data.get("things") or words("fact.samples")).lower()
        sizes = [f"{count(data['n_test'])} {things}"] if data.get("n_test") else []
        if data.get("n_features"):
            sizes.append(f"{count(data['n_features'])} {words('fact.features').lower()}")
        return [
            *cells,
            {
                "label": words("fact.data"),
                "value": str(data.get("name") or "–"),
                "detail": ", ".join(sizes),
            },
            {
                "label": words("compare.protocol"),
                "value": str(self.comparison.get("protocol") or "–"),
                "detail": str(self.comparison.get("protocol_detail") or ""),
            },
        ]

    def quality(self, value: float | None) -> str:
        if value is None:
            return self.words("not_tested")
        return percent(value, 1) if self.shares else fixed(value, 3)

    def _points(self, value: float) -> str:
        return signed(100 * value, 2) if self.shares else signed(value, 3)

    def _bounds(self, bounds: Any) -> str:
        if not bounds:
            return ""
        return interval([100 * b for b in bounds]) if self.shares else interval(bounds, 3)

    def short(self) -> list[dict[str, str]]:
        return [s for s in (self._short_accuracy(), self._short_same(), self._short_cost()) if s]

    def _short_accuracy(self) -> dict[str, str] | None:
        pairs = self.comparison.get("pairs") or []
        if not pairs:
            return None
        pair = max(pairs, key=lambda p: self._value(p["b"]))
        a, b = self.names[pair["a"]], self.names[pair["b"]]
        rope = pair.get("rope", 0.01)
        text = self.words(
            "compare.short.body",
            a=a,
            b=b,
            difference=self._points(pair["difference"]),
            interval=self._bounds(pair.get("interval")),
            rope=fixed(100 * rope, 1) if self.shares else fixed(rope, 3),
        )
        verdict = pair.get("verdict", "not_settled")
        title = self.words(f"compare.short.{verdict}", a=a, b=b, metric=self.metric_name)
        return {
            "title": title,
            "text": text.replace(" .", "."),
            "href": "#accuracy",
            "link": self.words("short.details"),
        }

    def _value(self, model: str) -> float:
        found = [m for m in self.models if str(m["id"]) == model]
        return float(found[0].get("accuracy") or 0.0) if found else 0.0

    def _agreements(self) -> tuple[list[Any], list[Any]]:
        rows = self.comparison.get("agreement") or []
        return [r for r in rows if r["a"] != r["b"]], [r for r in rows if r["a"] == r["b"]]

    def _short_same(self) -> dict[str, str] | None:
        between, own = self._agreements()
        if not between or not own:
            return None
        value = float(np.mean([r["value"] for r in between]))
        ceilings = [float(r["value"]) for r in own]
        alike = value >= SIMILAR * float(np.mean(ceilings))
        title = self.words("compare.short.same" if alike else "compare.short.differ")
        ends = " – ".join(dict.fromkeys(fixed(c) for c in (min(ceilings), max(ceilings))))
        text = self.words("compare.short.agree_body", value=fixed(value), ceiling=ends)
        return {"title": title, "text": text, "href": "#same", "link": self.words("short.details")}

    def _short_cost(self) -> dict[str, str] | None:
        timed = [m for m in self.models if m.get("predict_ms")]
        if len(timed) < 2:
            return None
        cheap, dear = (f(timed, key=lambda m: m["predict_ms"]) for f in (min, max))
        equal = dear["predict_ms"] < max(NEAR * cheap["predict_ms"], CHEAP)
        names = {"cheap": self.names[str(cheap["id"])], "dear": self.names[str(dear["id"])]}
        text = self.words(
            "compare.short.cost_body",
            fast=duration(cheap["predict_ms"] / 1000),
            slow=duration(dear["predict_ms"] / 1000),
            **names,
        )
        title = self.words("compare.short.cost_equal" if equal else "compare.short.cost", **names)
        return {"title": title, "text": text, "href": "#cost", "link": self.words("short.details")}

    def accuracy(self) -> dict[str, Any]:
        key = "compare.accuracy.title" if self.shares else "compare.quality.title"
        return {
            "title": self.words(key),
            "kicker": self.nav("accuracy"),
            "pairs": [self._pair(p) for p in self.comparison.get("pairs") or ()],
        }

    def _pair(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        words, factor = self.words, 100 if self.shares else 1
        a, b = self.names[pair["a"]], self.names[pair["b"]]
        bounds, rope = pair.get("interval"), float(pair.get("rope", 0.01))
        shown = f"{self._points(pair['difference'])} {self._bounds(bounds)}".strip()
        status = str(pair.get("verdict") or "not_settled")
        kind = KINDS[status]
        text = words(
            "compare.each",
            a=a,
            b=b,
            va=self.quality(self._value(pair["a"])),
            vb=self.quality(self._value(pair["b"])),
        )
        text += " " + words("compare.bootstrap" if bounds else "compare.no_interval")
        if pair.get("needed"):
            text += " " + words("compare.needed", n=count(pair["needed"]))
        return {
            "left": words("compare.better", name=a),
            "right": words("compare.better", name=b),
            "axis": words("compare.points")
            if self.shares
            else words("compare.units", metric=self.metric_name),
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

    def calibration(self) -> dict[str, Any] | None:
        models = [m for m in self.models if m.get("calibration")]
        if not models:
            return None
        words = self.words
        rows = [
            {
                "bins": m.get("calibration") or [],
                "name": self.names[str(m["id"])],
                "ece": m.get("ece"),
            }
            for m in self.models
        ]
        chart = calibration_chart(
            rows,
            words("compare.calibration.chart"),
            (words("compare.perfect"), words("compare.calibration.x")),
        )
        legend = [
            {
                "mark": marker(i),
                "name": words(
                    "compare.calibration.gap", name=r["name"], gap=fixed(100 * r["ece"], 1)
                )
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

    def learning(self) -> dict[str, Any] | None:
        curves = [c for c in self.comparison.get("learning") or () if c.get("points")]
        if not curves:
            return None
        words = self.words
        title = words("compare.learning.chart", metric=self.metric_name)
        drawn = [{**c, "index": self.ids.index(str(c["model"]))} for c in curves]
        table = [
            (self.names[str(c["model"])], count(p["n"]), self.quality(p["value"]))
            for c in curves
            for p in c["points"]
        ]
        return {
            "title": title,
            "chart": learning_chart(drawn, title, words("compare.learning.x"), shares=self.shares),
            "table": table,
        }

    def cost(self) -> dict[str, Any]:
        explained = [m["explained"] for m in self.models if m.get("explained")]
        return {
            "method": str(explained[0].get("method", "")) if explained else "",
            "rows": [self._cost_row(i, m) for i, m in enumerate(self.models)],
        }

    def _cost_row(self, i: int, m: Mapping[str, Any]) -> dict[str, Any]:
        bounds, once = m.get("interval"), m.get("explained") or {}
        shown = percent_interval(bounds) if self.shares else interval(bounds, 3, sign=False)
        calls, answer = once.get("calls"), m.get("predict_ms")
        key = "compare.cost.calls" if calls else "compare.cost.exact"
        learned = m.get("n_parameters")
        return {
            "mark": marker(i),
            "name": self.names[str(m["id"])],
            "quality": f"{self.quality(m.get('accuracy'))} {shown if bounds else ''}".strip(),
            "fit": duration(m.get("fit_seconds")),
            "answer": duration(answer / 1000 if answer is not None else None),
            "size": size(m.get("bytes")) if m.get("bytes") else "–",
            "learned": count(learned) if learned else "–",
            "explained": self.words(key, n=count(calls), time=duration(once.get("seconds")))
            if once
            else "–",
        }

    def same(self) -> dict[str, Any] | None:
        evidence = self.comparison.get("evidence") or {}
        rows = evidence.get("rows") or []
        if not rows:
            return None
        words = self.words
        end = nice_end(max(v for r in rows for v in r["shares"].values()) or 1.0)
        unit = str(evidence.get("unit", ""))
        return {
            "title": words("compare.same.chart", n=len(rows)),
            "sub": words(
                "compare.same.sub",
                method=evidence.get("method", ""),
                unit=words.known(f"unit.{unit}", unit),
            ),
            "rows": [
                {
                    "name": str(r["feature"]),
                    "chart": dumbbell([r["shares"].get(k) for k in self.ids], end),
                    "gap": words(
                        "compare.same.points",
                        n=fixed(100 * float(np.ptp(list(r["shares"].values()))), 0),
                    ),
                    "shares": ", ".join(
                        f"{self.names[k]} {percent(v)}"
                        for k, v in r["shares"].items()
                        if k in self.names
                    ),
                }
                for r in rows
            ],
            "low": percent(0.0),
            "high": words("compare.same.axis", share=percent(end)),
        }

    def agreement(self) -> dict[str, Any] | None:
        between, own = self._agreements()
        if not between and not own:
            return None
        words = self.words
        rows = []
        for r in [*own, *between]:
            a, b = self.names.get(r["a"], r["a"]), self.names.get(r["b"], r["b"])
            ceiling = r["a"] == r["b"]
            note = words("compare.agree.ceiling" if ceiling else "compare.agree.compared")
            rows.append(
                {
                    "name": words(
                        "compare.agree.self" if ceiling else "compare.agree.pair", a=a, b=b
                    ),
                    "note": f"{note}; {r['note']}" if r.get("note") else note,
                    "chart": dot_whisker(
                        r["value"], (min(0.0, r["value"]), 1.0), interval=r.get("interval")
                    ),
                    "text": amount(round(r["value"], 2)) if r["value"] == 0 else fixed(r["value"]),
                    "interval": interval(r.get("interval"), sign=False),
                    "compared": not ceiling,
                }
            )
        return {"rows": rows, "reading": self._reading(between, own)}

    def _reading(self, between: list[Any], own: list[Any]) -> str:
        """What the ceilings say of the disagreement."""
        if not between or not own:
            return ""
        lowest = min(own, key=lambda r: r["value"])
        real = min(r["value"] for r in between) < lowest["value"]
        text = self.words("compare.reading.real" if real else "compare.reading.noise")
        if lowest["value"] < 0.7:
            name = self.names.get(lowest["a"], lowest["a"])
            text += " " + self.words("compare.reading.unstable", name=name)
        return text
