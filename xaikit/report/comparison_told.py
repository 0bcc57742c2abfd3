"""A comparison in one language: names, numbers as text, the facts under the title, the short answer:
who is better, whether both look at the same, what it costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xaikit.report.comparison_charts import marker
from xaikit.report.formats import (
    count,
    duration,
    fixed,
    interval,
    percent,
    percent_interval,
    signed,
)
from xaikit.report.words import Words

__all__ = ["Told", "short_answer"]

NEAR = 1.5  # answers that differ by less than this factor cost the same,
CHEAP = 1.0  # and so do answers that all take less than this many milliseconds
SIMILAR = 0.8  # share of the ceiling from which two models look at similar features


class Told:
    """One comparison in one language."""

    def __init__(
        self,
        words: Words,
        comparison: Mapping[str, Any],
        models: list[Any],
        baselines: Sequence[Any] = (),
    ) -> None:
        self.words, self.comparison, self.models = words, comparison, models
        self.baselines = baselines
        self.ids = [str(m["id"]) for m in models]
        self.names = {str(m["id"]): str(m.get("title") or m["id"]) for m in models}
        self.metric = str(comparison.get("metric") or "accuracy")
        self.shares = self.metric == "accuracy"
        kind = "majority" if self.shares else "mean"
        self.names |= {
            str(m["id"]): words(f"compare.baseline.{kind}", says=m.get("says", ""))
            for m in baselines
        }
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
                "detail": words.told(m.get("detail") or ""),
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
                "value": words.told(self.comparison.get("protocol") or "–"),
                "detail": words.told(self.comparison.get("protocol_detail") or ""),
            },
        ]

    def quality(self, value: float | None) -> str:
        if value is None:
            return self.words("not_tested")
        return percent(value, 1) if self.shares else fixed(value, 3)

    def baseline(self) -> list[str]:
        """What the answer that never looks is worth, and which models are not better than it."""
        return [self._worth(m) for m in self.baselines] + self.not_better()

    def _worth(self, m: Mapping[str, Any]) -> str:
        bounds = m.get("interval")
        shown = percent_interval(bounds) if self.shares else interval(bounds, 3, sign=False)
        return self.words(
            "compare.baseline",
            name=self.names[str(m["id"])],
            metric=self.words.known(f"metric.{self.metric}", self.metric),
            value=f"{self.quality(m.get('accuracy'))} {shown}".strip(),
        )

    def not_better(self) -> list[str]:
        """One sentence a model that is not better than the answer that never looks."""
        pairs = self.comparison.get("against_baseline") or []
        return [
            self.words(
                f"compare.baseline.{p['verdict']}",
                name=self.names[p["b"]],
                base=self.names[p["a"]],
                difference=f"{self.points(p['difference'])} {self.bounds(p.get('interval'))}".strip(),
            )
            for p in pairs
            if p["verdict"] != "b_better"
        ]

    def points(self, value: float) -> str:
        return signed(100 * value, 2) if self.shares else signed(value, 3)

    def bounds(self, bounds: Any) -> str:
        if not bounds:
            return ""
        return interval([100 * b for b in bounds]) if self.shares else interval(bounds, 3)

    def value(self, model: str) -> float:
        found = [m for m in (*self.baselines, *self.models) if str(m["id"]) == model]
        return float(found[0].get("accuracy") or 0.0) if found else 0.0

    def agreements(self) -> tuple[list[Any], list[Any]]:
        rows = self.comparison.get("agreement") or []
        return [r for r in rows if r["a"] != r["b"]], [r for r in rows if r["a"] == r["b"]]


def short_answer(told: Told) -> list[dict[str, str]]:
    return [s for s in (_short_accuracy(told), _short_same(told), _short_cost(told)) if s]


def _short_accuracy(told: Told) -> dict[str, str] | None:
    pairs = told.comparison.get("pairs") or []
    if not pairs:
        return None
    pair = max(pairs, key=lambda p: told.value(p["b"]))
    a, b = told.names[pair["a"]], told.names[pair["b"]]
    rope = pair.get("rope", 0.01)
    text = told.words(
        "compare.short.body",
        a=a,
        b=b,
        difference=told.points(pair["difference"]),
        interval=told.bounds(pair.get("interval")),
        rope=fixed(100 * rope, 1) if told.shares else fixed(rope, 3),
    )
    text = " ".join([text, *told.not_better()])
    verdict = pair.get("verdict", "not_settled")
    title = told.words(f"compare.short.{verdict}", a=a, b=b, metric=told.metric_name)
    return {
        "title": title,
        "text": text.replace(" .", "."),
        "href": "#accuracy",
        "link": told.words("short.details"),
    }


def _short_same(told: Told) -> dict[str, str] | None:
    between, own = told.agreements()
    if not between or not own:
        return None
    value = float(np.mean([r["value"] for r in between]))
    ceilings = [float(r["value"]) for r in own]
    alike = value >= SIMILAR * float(np.mean(ceilings))
    title = told.words("compare.short.same" if alike else "compare.short.differ")
    ends = " – ".join(dict.fromkeys(fixed(c) for c in (min(ceilings), max(ceilings))))
    text = told.words("compare.short.agree_body", value=fixed(value), ceiling=ends)
    return {"title": title, "text": text, "href": "#same", "link": told.words("short.details")}


def _short_cost(told: Told) -> dict[str, str] | None:
    timed = [m for m in told.models if m.get("predict_ms")]
    if len(timed) < 2:
        return None
    cheap, dear = (f(timed, key=lambda m: m["predict_ms"]) for f in (min, max))
    equal = dear["predict_ms"] < max(NEAR * cheap["predict_ms"], CHEAP)
    names = {"cheap": told.names[str(cheap["id"])], "dear": told.names[str(dear["id"])]}
    text = told.words(
        "compare.short.cost_body",
        fast=duration(cheap["predict_ms"] / 1000),
        slow=duration(dear["predict_ms"] / 1000),
        **names,
    )
    title = told.words("compare.short.cost_equal" if equal else "compare.short.cost", **names)
    return {"title": title, "text": text, "href": "#cost", "link": told.words("short.details")}
