"""The answer: what is said of the pair that was asked about, of all pairs, and which model to use."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from xaikit.core.finding import Finding
from xaikit.judge.rule import LOOKS, Judged, in_company, judge_looks
from xaikit.study.compare.claims import between, processor_seconds
from xaikit.study.compare.outer import BASE, Outer

__all__ = ["answer", "judge_all", "pairs", "recommended", "told", "warning"]

VERDICTS = {
    "better": "b_better",
    "clearly_better": "b_better",
    "worse": "a_better",
    "clearly_worse": "a_better",
    "equal": "equal",
    "cannot_tell": "not_settled",
}
LEAK, FLAWLESS = 0.5, 0.99  # share of evidence on one feature, and quality, that look like a leak
FAR = 1000  # times as many rows, beyond which no number is told
APART, UNSTABLE = 0.1, 0.7  # of correlations: below the floors, and a floor that is low


def told(key: str, **numbers: Any) -> dict[str, Any]:
    """A finding as JSON keeps it."""
    return asdict(Finding(key, numbers))


def judge_pair(outer: Outer, a: str, b: str, rope: float) -> Judged:
    """b against a, by the looks that both had."""
    one, two = outer.quality(a), outer.quality(b)
    n = min(len(one), len(two))
    folds = (
        n if outer.folds.in_time else outer.folds.count
    )  # in time there is one look, at all folds
    ratio, rows = outer.folds.ratio, len(outer.folds.rows)
    return judge_looks(two[:n] - one[:n], rows, folds=folds, ratio=ratio, rope=rope)


def judge_all(outer: Outer, rope: float) -> dict[tuple[str, str], Judged]:
    """Every pair, the baseline first; the pair that was asked about stands alone, the others between
    models are corrected for their number, and so are those against the baseline."""
    names = [f.name for f in outer.families]
    asked = (names[0], names[1])
    alone = {asked: judge_pair(outer, asked[0], asked[1], rope)}
    others = [p for p in itertools.combinations(names, 2) if p != asked]
    for group in (others, [(BASE, name) for name in names]):
        judged = in_company([judge_pair(outer, a, b, rope) for a, b in group])
        alone |= dict(zip(group, judged, strict=True))
    return alone


def pairs(
    outer: Outer, judged: Mapping[tuple[str, str], Judged], base: str
) -> list[dict[str, Any]]:
    """Each pair as JSON keeps it."""
    names = [f.name for f in outer.families]
    found = []
    for (a, b), j in judged.items():
        entry: dict[str, Any] = {
            "a": base if a == BASE else a,
            "b": b,
            "difference": j.difference,
            "interval": j.interval,
            "rope": j.rope,
            "word": j.word,
            "verdict": VERDICTS[j.word],
            "chances": j.chances,
            "p": j.p,
            "n_folds": j.n_folds,
            "differ": _differ(outer, a, b),
            "asked": (a, b) == (names[0], names[1]),
        }
        found.append(entry if j.rows is None else entry | {"needed": j.rows})
    return found


def _differ(outer: Outer, a: str, b: str) -> float | None:
    """The share of held-out rows that two answer differently; None for numbers."""
    one, two = outer.held(a), outer.held(b)
    return None if one.shape[1] == 1 else float(np.mean(one.argmax(1) != two.argmax(1)))


def answer(outer: Outer, j: Judged, things: str) -> dict[str, Any]:
    """The h1: a sentence that answers the question that was asked."""
    a, b = (f.name for f in outer.families[:2])
    if j.word in ("worse", "clearly_worse"):
        a, b = b, a
    word = j.word.replace("worse", "better")
    if word == "cannot_tell":
        n, unit = len(outer.folds.rows), told(f"cmp.unit.{things}")
        far = (j.rows or 0) > FAR * n
        key = "cmp.h1.cannot_tell.far" if far else "cmp.h1.cannot_tell"
        return told(key, a=a, b=b, n=n, rows=j.rows, unit=unit)
    where = told(f"cmp.where.{things}")
    if word == "equal":
        return told("cmp.h1.equal", a=a, b=b, where=where)
    return told("cmp.h1.better", a=a, b=b, where=where, size=_size(outer, j.difference))


def recommended(
    outer: Outer,
    judged: Mapping[tuple[str, str], Judged],
    floors: Sequence[Mapping[str, Any]],
    base: str,
    things: str,
) -> dict[str, Any]:
    """Of the models that are better than guessing, too little behind the best to matter, and not shown to be
    behind any, the cheapest to train; and why."""
    names = [f.name for f in outer.families]
    means = {n: float(outer.quality(n).mean()) for n in names}
    sound = [n for n in names if _beats_base(judged, n)]
    best = max(sound or names, key=means.__getitem__)
    if not sound:
        return {"id": base, "why": [told("cmp.use.none", best=best)]}
    rope = judged[BASE, best].rope
    near = [n for n in sound if means[best] - means[n] < rope + 1e-9]
    level = [n for n in near if n == best or not any(_loses(judged, n, m) for m in names)]
    cost = {n: processor_seconds(outer, n) for n in names}
    chosen = min(level, key=lambda n: cost[n] if n != best else cost[n] / 1.5)
    dearest = max(level, key=cost.__getitem__)
    why = [_why_quality(judged, names, chosen, best)]
    if len(level) > 1 and cost[dearest] > 1.5 * cost[chosen]:
        why.append(told("cmp.use.cheap", other=dearest))
    if floor := next((f for f in floors if f["a"] == chosen and f["kind"] == "rows"), None):
        steady = (
            "steady"
            if floor["value"] >= 0.9
            else "mostly"
            if floor["value"] >= UNSTABLE
            else "unsteady"
        )
        why.append(told(f"cmp.use.{steady}", unit=told(f"cmp.unit.{things}")))
    return {"id": chosen, "why": why}


def _beats_base(judged: Mapping[tuple[str, str], Judged], name: str) -> bool:
    return judged[BASE, name].word in ("better", "clearly_better")


def _loses(judged: Mapping[tuple[str, str], Judged], name: str, best: str) -> bool:
    return name != best and between(judged, best, name) in ("worse", "clearly_worse")


def _why_quality(
    judged: Mapping[tuple[str, str], Judged], names: Sequence[str], chosen: str, best: str
) -> dict[str, Any]:
    if chosen != best:
        return told("cmp.use.as_good", name=chosen, best=best)
    alone = all(_loses(judged, n, best) for n in names if n != best)
    return told("cmp.use.best" if alone else "cmp.use.none_better", name=best)


def _size(outer: Outer, difference: float) -> dict[str, Any]:
    """How large a difference is, in points or in parts of R2."""
    if not outer.folds.classed:
        value = abs(round(difference, 2))
        return told("cmp.size.r2", value=value) if value else told("cmp.size.r2.small")
    points = abs(100 * difference)
    size = "small" if points < 0.75 else "about" if points < 1.5 else "many"
    return told(f"cmp.size.{size}", points=round(points))


def warning(
    outer: Outer,
    judged: Mapping[tuple[str, str], Judged],
    same: Mapping[str, Any] | None,
    chosen: str,
    things: str,
    skipped: bool,
) -> dict[str, Any] | None:
    """At most one line under the answer: the first of these that holds."""
    a, b = (f.name for f in outer.families[:2])
    bad = [n for n in (a, b) if not _beats_base(judged, n)]
    if bad:
        key = "cmp.watch.base" + ("" if outer.folds.classed else ".r2")
        return told(key if len(bad) == 1 else f"{key}.both", name=bad[0])
    if chosen not in (a, b) and all(_loses(judged, n, chosen) for n in (a, b)):
        return told("cmp.watch.third", name=chosen)
    if same and (line := _leak(outer, same, a, b) or _about_reasons(same, a, b, things)):
        return line
    if chosen not in (a, b):
        return told("cmp.watch.also", name=chosen)
    return told("cmp.watch.one_look", n=LOOKS[0] * outer.folds.count) if skipped else None


def _leak(outer: Outer, same: Mapping[str, Any], a: str, b: str) -> dict[str, Any] | None:
    """One feature that carries most of the evidence of two models that make hardly an error."""
    rows = (same.get("evidence") or {}).get("rows") or ()
    holds = [r["feature"] for r in rows if min(r["shares"].get(n, 0.0) for n in (a, b)) > LEAK]
    right = min(float(outer.quality(n).mean()) for n in (a, b))
    if len(rows) < 2 or not holds or right < FLAWLESS:
        return None
    return told("cmp.watch.leak", feature=holds[0])


def _about_reasons(same: Mapping[str, Any], a: str, b: str, things: str) -> dict[str, Any] | None:
    pair = next((p for p in same["pairs"] if {p["a"], p["b"]} == {a, b}), None)
    floors = {f["a"]: f["value"] for f in same["floors"] if f["kind"] == "rows"}
    if pair is None or a not in floors or b not in floors:
        return None
    unsteady = min((a, b), key=floors.__getitem__)
    apart = pair["value"] < min(floors[a], floors[b]) - APART
    low = floors[unsteady] < UNSTABLE
    if not (apart or low):
        return None
    key = "both" if apart and low else "apart" if apart else "unsteady"
    unit, parts = told(f"cmp.unit.{things}"), told(f"cmp.parts.{things}")
    return told(f"cmp.watch.{key}", name=unsteady, unit=unit, parts=parts)
