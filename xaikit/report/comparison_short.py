"""The short answer of a comparison: who is better, whether both look at the same, what it costs."""

from __future__ import annotations

import numpy as np

from xaikit.report.comparison_told import Told
from xaikit.report.formats import duration, fixed

__all__ = ["short_answer"]

NEAR = 1.5  # answers that differ by less than this factor cost the same,
CHEAP = 1.0  # and so do answers that all take less than this many milliseconds
SIMILAR = 0.8  # share of the ceiling from which two models look at similar features


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
