"""The one sentence a page begins with, and the warning under it: found by rules that were fixed before looking.

Candidates stand in a fixed order, each with a test of its own; the first that holds is the headline, the others
that hold follow. What cannot be said is said too: too few samples, no explanation that holds, nothing found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST, bootstrap_interval, spearman
from xaikit.judge.errors import search
from xaikit.judge.overview import Overview
from xaikit.judge.shares import N_DRAWS, Part, Shares, low, outstanding, regions
from xaikit.judge.shortcuts import shortcut

__all__ = ["findings", "searched", "warnings"]

MARKED = "rationale.marked"
MOST_NAMED = 3
STANDS_OUT = 0.1  # least share of the evidence of a column that is named,
OVER_EVEN = 1.5  # and times what it had if all had the same
MOST_WORDS = 4
OFTEN_ENOUGH = 0.25  # share of a text's evidence that a named word has at least
DIRECTED = 0.5  # least rank correlation of a column's value with what it speaks for
FEW_VALUES = 8  # codes of categories have no direction
MANY = 0.15  # share of the features that half of the evidence takes: above it these are many,
FEW = 0.1  # below it few
HALF = 0.5


def findings(
    overview: Overview,
    choice_holds: bool = True,
    region: str = MARKED,
    *,
    beats_guessing: bool | None = None,
) -> tuple[Finding, ...]:
    """The headline first, then what holds too; never empty.

    choice_holds : whether the method of the explanations holds; otherwise nothing is said by them
    region : what the places are called that the data mark: a key ("rationale." ...) or words
    beats_guessing : whether the model is known to beat one answer for all, from more samples than these
    """
    seen = Shares(overview)
    guessing = None if beats_guessing else _guessing(overview)
    first = tuple(filter(None, (guessing, _shortcut(seen))))
    refused = _refused(overview, choice_holds)
    if refused is not None:
        return (*first, refused)
    marked, columns = _region(seen, region), _features(seen)
    words = None if marked and marked.numbers["names"] else _words(seen)
    spread = _concentration(seen, one_stands_out=bool(columns or words))
    found = filter(None, (marked, columns, words, spread, _place(seen)))
    return (*first, *found) or (_says("nothing", overview),)


def warnings(overview: Overview) -> tuple[Finding, ...]:
    """A shortcut, then what the errors have in common; () where nothing was found."""
    seen = Shares(overview)
    found = shortcut(seen)
    return (*((found.told("warning"),) if found else ()), *search(seen).found)


def searched(overview: Overview) -> Finding:
    """How much was tried to find what the errors have in common, and how much was found."""
    return search(Shares(overview)).told


def _says(key: str, overview: Overview, **numbers: Any) -> Finding:
    return Finding(f"finding.{key}", {"model": overview.explanations.model_id, **numbers})


def _refused(overview: Overview, choice_holds: bool) -> Finding | None:
    """Why nothing is said of what the model looks at."""
    if len(overview) < FEWEST:
        return _says("few", overview, n=len(overview), needed=FEWEST)
    return None if choice_holds else _says("unheld", overview)


def _guessing(overview: Overview) -> Finding | None:
    """The model is not shown to be better than the one answer that is best without looking."""
    labels = [label for label in overview.labels if label is not None]
    if len(labels) < FEWEST or len(set(labels)) < 2:
        return None
    known = np.array([label is not None for label in overview.labels])
    gains, often = overview.meaning.gains(overview.predictions[known], labels)
    answer = None if often is None else _named(overview, often)
    if low(gains) > 0:
        return None
    key = "guessing" if gains.mean() <= 0 else "guessing.open"
    value = ".value" if answer is None else ""
    return _says(key + value, overview, answer=answer, n=len(labels))


def _named(overview: Overview, label: Any) -> Any:
    """A label as people call it: one name or several."""
    names = overview.meaning.outputs
    if isinstance(label, frozenset):
        return tuple(names[i] for i in sorted(label)) or "–"
    return names[int(label)]


def _shortcut(seen: Shares) -> Finding | None:
    found = shortcut(seen)
    if found is None:
        return None
    told = found.told("finding")
    return Finding(told.key, {"model": seen.overview.explanations.model_id, **told.numbers})


def _region(seen: Shares, region: str) -> Finding | None:
    """(a) The places that the data mark, by their share of the evidence against their size."""
    part = seen.inside
    if part.gain is None or part.gain[0] <= 0 <= part.gain[1]:
        return None
    words = _strong_words(seen)
    key = "region.less" if part.gain[1] < 0 else "region.more"
    if part.holds:
        key = "region.words" if words else "region"
    named = Finding(region) if region.startswith("rationale.") else region
    return _says(key, seen.overview, region=named, **_sizes(part), names=words)


def _sizes(part: Part) -> dict[str, float]:
    return {"share": part.mean, "size": part.expected}


def _features(seen: Shares) -> Finding | None:
    """(b) Columns or channels that stand out, and what the strongest speaks for."""
    names, shares = seen.columns
    if len(names) < 2:
        return None
    limit = max(STANDS_OUT, OVER_EVEN / len(names))
    top = outstanding(shares, limit, min(MOST_NAMED, len(names) - 1))
    if not top:
        return None
    said = tuple(names[j] for j in top)
    numbers = {"names": said, "share": float(shares[:, top].sum(axis=1).mean())}
    signed = _direction(seen, top[0]) if seen.kind.tabular else None
    if signed is None:
        return _says("features", seen.overview, **numbers)
    return _says("features.signed", seen.overview, **numbers, signed=signed)


def _direction(seen: Shares, j: int) -> Finding | None:
    """Whether high values of a column speak for one of two classes, or raise the value."""
    overview, words = seen.overview, seen.overview.meaning.words
    if not overview.inputs or not (words == "value" or len(overview.classes) == 2):
        return None
    x = np.array([row[j] for row in overview.inputs], dtype=np.float64)
    known = ~np.isnan(x)  # a missing value is neither high nor low
    if words == "labels" or len(np.unique(x[known])) <= FEW_VALUES or known.sum() < FEWEST:
        return None
    sign = np.where(seen.answers == 1, 1.0, -1.0) if words == "class" else 1.0
    x, value = x[known], (seen.values[:, j] * sign)[known]
    draws = np.random.default_rng(0).integers(len(x), size=(200, len(x)))
    found = np.quantile([spearman(x[d], value[d]) for d in draws], [0.025, 0.975])
    if found[0] < DIRECTED and found[1] > -DIRECTED:
        return None
    up = bool(found[0] >= DIRECTED)
    name = seen.columns[0][j]
    if words == "value":
        return Finding("direction.raises" if up else "direction.lowers", {"name": name})
    return Finding("direction.for", {"name": name, "answer": overview.classes[up]})


def _words(seen: Shares) -> Finding | None:
    """(b) Words that have much of the evidence wherever they stand."""
    names = _strong_words(seen)
    return _says("words", seen.overview, names=names) if names else None


def _strong_words(seen: Shares) -> tuple[str, ...]:
    """Words of ten texts or more whose share is clearly above the limit, strongest first."""
    found = {word: share[np.isfinite(share)] for word, share in seen.words.items()}
    strong = [(float(s.mean()), w) for w, s in found.items() if s.mean() >= OFTEN_ENOUGH]
    strong = [(mean, word) for mean, word in strong if low(found[word]) >= OFTEN_ENOUGH]
    return tuple(word for _, word in sorted(strong, reverse=True)[:MOST_WORDS])


def _concentration(seen: Shares, one_stands_out: bool) -> Finding | None:
    """(c) How many features carry half of the evidence."""
    held = seen.mass.sum(axis=1) > 0
    if held.sum() < FEWEST:
        return None
    running = np.cumsum(-np.sort(-seen.mass[held], axis=1), axis=1)
    half = (running < HALF).sum(axis=1) + 1
    shares = half / seen.counts[held]
    of, n = float(np.median(seen.counts[held])), float(np.median(half))
    bounds = bootstrap_interval(shares, n=N_DRAWS)
    numbers = {"half": n, "of": of, "parts": seen.kind.titles.parts}
    if bounds is None or of < 4:
        return None
    if bounds[0] >= MANY and n >= MOST_NAMED and not one_stands_out:
        return _says("many", seen.overview, **numbers)
    return _says("concentrated", seen.overview, **numbers) if bounds[1] <= FEW else None


def _place(seen: Shares) -> Finding | None:
    """(d) What stands out from the ground of a picture, its middle or edge; start, middle or end."""
    asked = {"ink": seen.ink} if seen.overview.inputs else {}
    shown = ("centre", "edge", "start", "middle", "end")
    fixed = regions(seen)
    asked |= {name: seen.everywhere(fixed[name]) for name in shown if name in fixed}
    most = 0.9 * len(seen.overview)
    found = {name: part for name, part in asked.items() if part.holds and part.known.sum() >= most}
    if not found:
        return None
    name = max(found, key=lambda key: found[key].mean / found[key].expected)
    return _says("place", seen.overview, place=Finding(f"where.{name}"), **_sizes(found[name]))
