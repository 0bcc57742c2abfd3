"""What textbooks say of machine learning and deep learning, each claim as a measured row.

A row has bars (a label, whose it is, a number) and a verdict: held, part, no, open (cannot tell) or
missing (not measured). The sentences stand in `report/words`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from xaikit.core.finding import Finding
from xaikit.core.sample import MODALITIES
from xaikit.judge.rule import Judged, Word, judge_folds
from xaikit.study.compare.outer import Outer
from xaikit.study.compare.shift import SHIFTS

__all__ = ["CLAIMS", "Sides", "between", "claims", "processor_seconds", "seconds_alone", "sides_of"]

CLAIMS = ("features", "appetite", "compute", "fit", "other", "read")
RAW = {"columns": ("logistic", "ridge"), "pixels": ("linear",), "words": ("counts",), "steps": ()}
HAND = {
    "columns": (),
    "pixels": ("hog",),
    "words": ("tfidf", "words"),
    "steps": ("summary",),
    "sound": ("mel",),
}
DEARER = 1.5  # a ratio of costs from which one side is dearer


@dataclass(frozen=True)
class Sides:
    """The classical model and the net whose claims are measured."""

    ml: str
    dl: str


def sides_of(outer: Outer) -> Sides | None:
    """The pair that was asked about where it has one of each kind, else the best of each."""
    asked: dict[str, str] = {}
    best: dict[str, tuple[str, float]] = {}
    for i, family in enumerate(outer.families):
        if i < 2:
            asked[family.kind] = family.name
        mean = float(outer.quality(family.name).mean())
        if family.kind not in best or mean > best[family.kind][1]:
            best[family.kind] = (family.name, mean)
    if len(asked) == 2:
        return Sides(asked["ml"], asked["dl"])
    return Sides(best["ml"][0], best["dl"][0]) if len(best) == 2 else None


def claims(
    outer: Outer,
    judged: Mapping[tuple[str, str], Judged],
    curves: Sequence[Mapping[str, Any]],
    floors: Sequence[Mapping[str, Any]],
    rope: float,
) -> list[dict[str, Any]]:
    """One row a claim, in the order of `CLAIMS`; none when both sides are of one kind."""
    sides = sides_of(outer)
    if sides is None:
        return []
    return [
        _features(outer, sides, rope),
        _appetite(outer, sides, curves, rope),
        _compute(outer, sides),
        _fit(outer, judged),
        _other(outer, sides, rope),
        _read(sides, floors),
    ]


def _row(claim: str, verdict: str, bars: list[dict[str, Any]], **numbers: Any) -> dict[str, Any]:
    say = Finding(f"cmp.claim.{claim}.{verdict}", numbers)
    return {"id": claim, "verdict": verdict, "bars": bars, "say": asdict(say)}


def _bar(key: str, model: str | None, value: float, shown: str, **numbers: Any) -> dict[str, Any]:
    """shown : how the number is written: quality, ratio, gap or share"""
    label = Finding(f"cmp.bar.{key}", numbers)
    return {"label": asdict(label), "model": model, "value": value, "shown": shown}


def _missing(claim: str) -> dict[str, Any]:
    return _row(claim, "missing", [])


def _features(outer: Outer, sides: Sides, rope: float) -> dict[str, Any]:
    """The linear model on the raw input, on features made by hand, on what the net learned."""
    inputs = MODALITIES.get(outer.folds.data.modality).inputs
    names = [f.name for f in outer.families]
    raw = next((n for n in RAW.get(inputs, ()) if n in names), None)
    hand = next((n for n in HAND.get(inputs, ()) if n in names), None)
    made = hand or raw
    if made is None or "learned" not in outer.found[sides.dl, 0, 0]:
        return _missing("features")
    learned = outer.each(sides.dl, "learned")
    bars = [
        _bar(f"{key}.{inputs}", name, float(outer.each(name, "rows").mean()), "quality")
        for key, name in (("raw", raw), ("hand", hand))
        if name
    ]
    bars.append(_bar("learned", sides.dl, float(learned.mean()), "quality", name=sides.dl))
    found = _judge(learned - outer.each(made, "rows"), outer, rope)
    verdict = {"better": "held", "worse": "no", "equal": "no", "cannot_tell": "open"}
    return _row(
        "features", verdict[_plain(found.word)], bars, name=sides.dl, points=100 * found.difference
    )


def _appetite(
    outer: Outer, sides: Sides, curves: Sequence[Mapping[str, Any]], rope: float
) -> dict[str, Any]:
    points = {c["model"]: c["points"] for c in curves}
    if sides.ml not in points or sides.dl not in points:
        return _missing("appetite")
    few, all_ = ([_at(points, name, i) for name in (sides.ml, sides.dl)] for i in (0, -1))
    n = points[sides.dl][0]["n"]
    bars = [
        _bar("rows", name, float(np.mean(q)), "quality", name=name, n=n)
        for name, q in zip((sides.ml, sides.dl), few, strict=True)
    ]
    first = _plain(_judge(few[1] - few[0], outer, rope).word)
    last = _plain(_judge(all_[1] - all_[0], outer, rope).word)
    if first == "worse":
        verdict = "part" if last == "worse" else "held"
    else:
        verdict = "open" if first == "cannot_tell" else "no"
    return _row("appetite", verdict, bars, ml=sides.ml, dl=sides.dl, n=n)


def _at(points: Mapping[str, Any], name: str, i: int) -> Any:
    return np.array(points[name][i]["folds"])


def _compute(outer: Outer, sides: Sides) -> dict[str, Any]:
    fit, ask = (
        {name: of(outer, name) for name in (sides.ml, sides.dl)}
        for of in (processor_seconds, seconds_alone)
    )
    trained, asked = fit[sides.dl] / fit[sides.ml], ask[sides.dl] / ask[sides.ml]
    bars = [
        _bar("training", sides.dl, trained, "ratio", name=sides.dl),
        _bar("training", sides.ml, 1.0, "ratio", name=sides.ml),
        _bar("answer", sides.dl, asked, "ratio", name=sides.dl),
        _bar("answer", sides.ml, 1.0, "ratio", name=sides.ml),
    ]
    dear = (trained > DEARER) + (asked > DEARER)
    verdict = ("no", "part", "held")[dear]
    which = "training" if trained > DEARER else "answer"
    verdict = f"part.{which}" if verdict == "part" else verdict
    row = _row("compute", verdict, bars, dl=sides.dl, ml=sides.ml, training=trained, answer=asked)
    return row | {"verdict": verdict.partition(".")[0]}


def processor_seconds(outer: Outer, name: str) -> float:
    costs = [a["cost"] for (n, _, _), a in outer.found.items() if n == name]
    return float(np.mean(costs, axis=0)[1])  # processor seconds: other work beside does not count


def seconds_alone(outer: Outer, name: str) -> float:
    return float(outer.found[name, 0, 0]["alone"][0])


def _fit(outer: Outer, judged: Mapping[tuple[str, str], Judged]) -> dict[str, Any]:
    """Tables belong to classical models, all else to nets: the best of each kind."""
    kinds = {f.name: f.kind for f in outer.families}
    means = {name: float(outer.quality(name).mean()) for name in kinds}
    best = {
        k: max((n for n in kinds if kinds[n] == k), key=means.__getitem__) for k in ("ml", "dl")
    }
    order = sorted(means, key=means.__getitem__, reverse=True)
    bars = [_bar("model", name, means[name], "quality", name=name) for name in order[:5]]
    tabular = MODALITIES.get(outer.folds.data.modality).tabular
    mine, other = (best["ml"], best["dl"]) if tabular else (best["dl"], best["ml"])
    word = _plain(between(judged, other, mine))
    verdict = {"better": "held", "worse": "no", "equal": "no", "cannot_tell": "open"}[word]
    key = f"{verdict}.equal" if word == "equal" else verdict
    row = _row("fit", key, bars, mine=mine, other=other, first=order[0])
    return row | {"verdict": verdict}


def between(judged: Mapping[tuple[str, str], Judged], a: str, b: str) -> Word:
    """What is said of b against a."""
    if (a, b) in judged:
        return judged[a, b].word
    turned: dict[str, Word] = {
        "better": "worse",
        "worse": "better",
        "clearly_better": "clearly_worse",
        "clearly_worse": "clearly_better",
    }
    word = judged[b, a].word
    return turned.get(word, word)


def _other(outer: Outer, sides: Sides, rope: float) -> dict[str, Any]:
    """What is lost from own rows to held-out ones, and from those to shifted ones."""
    inputs = MODALITIES.get(outer.folds.data.modality).inputs
    both, changes = (sides.dl, sides.ml), ("own", *(f"shift.{s}" for s in SHIFTS.get(inputs, {})))
    gaps = {
        (name, change): outer.each(name, change) - outer.each(name, "rows")
        for change in changes
        for name in both
    }
    bars = [_bar(c, n, float(gap.mean()), "gap", name=n) for (n, c), gap in gaps.items()]
    more, less = [], []
    for change in changes:
        apart = gaps[sides.dl, change] - gaps[sides.ml, change]
        word = _plain(_judge(apart if change == "own" else -apart, outer, rope).word)
        more += [change] if word == "better" else []  # the net has the larger gap, or loses more
        less += [change] if word == "worse" else []
    key = _lost(more, less, len(changes))
    row = _row("other", key, bars, dl=sides.dl, ml=sides.ml)
    return row | {"verdict": key.partition(".")[0]}


def _lost(more: Sequence[str], less: Sequence[str], n: int) -> str:
    """The sentence for the changes under which the net is shown to lose more, and less, of n in all."""
    if not more and not less:
        return "open"
    if more:
        heart = "heart" if "own" in more else "shift" if "own" in less else "some"
        return "held" if len(more) == n else f"part.{heart}"
    if "own" not in less:
        return "no.shift"
    return "no" if len(less) > 1 else "no.heart"


def _read(sides: Sides, floors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How far each model gives the same reasons when it learns from other rows."""
    known = {f["a"]: f for f in floors if f["kind"] == "rows"}
    if sides.ml not in known or sides.dl not in known:
        return _missing("read")
    bars = [_bar("model", n, max(0.0, f["value"]), "share", name=n) for n, f in known.items()]
    gap = np.array(known[sides.ml]["each"]) - np.array(known[sides.dl]["each"])
    error = 1.96 * gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.inf
    verdict = "held" if gap.mean() > error else "no" if gap.mean() < -error else "open"
    return _row("read", verdict, bars, ml=sides.ml, dl=sides.dl)


def _judge(differences: Any, outer: Outer, rope: float) -> Judged:
    n = len(outer.folds.rows)
    return judge_folds(differences, n, ratio=outer.folds.ratio, rope=rope)


def _plain(word: str) -> str:
    return word.removeprefix("clearly_")
