"""What a model's errors have in common, over a whole test split.

Everything that is looked at is a test of one question: are errors more frequent here than elsewhere (Fisher's
exact test, one-sided), or do errors lie higher in something (Fisher's sum of the logarithms of their ranks)?
Of many such tests some succeed by chance, so all are corrected together: errors are dealt out anew at random,
and a pattern is told when its p is below the least p of all tests in 95 % of the deals (step-down,
Westfall and Young 1993: Holm's correction, with how the tests hang together and how coarse they are).

Of values there are no errors, so the largest fifth of the distances from the truth are taken for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import chi2, rankdata

from xaikit.core.finding import Finding
from xaikit.core.stats import FEWEST
from xaikit.core.types import Bools, Floats, Ints
from xaikit.judge.overview import Overview
from xaikit.judge.shares import Shares, regions

__all__ = ["Search", "search"]

LEVEL = 0.05  # probability of any false alarm in all that is tried
N_DEALS = 1000
FIFTHS = 5
FEW_VALUES = 8  # up to so many different ones, each value of a column is asked for by itself
MOST_WORDS = 200  # the most frequent ones
WORTH = 1.5  # times as frequent as elsewhere, or it is not told
SURE = 0.9
UNLIKE = 0.95  # farther from the training rows than this share of them from each other
WEAKER = {"distance"}  # of these only the upper end is a reason to err


class Asked(NamedTuple):
    """One question: errors where it holds (bool), or how high errors lie (float, NaN where unknown)."""

    what: Finding
    of: Bools | Floats  # (N,)


@dataclass(frozen=True)
class Search:
    """What survives the correction, clearest first, and how many questions were tried."""

    found: tuple[Finding, ...] = ()
    tried: int = 0

    @property
    def told(self) -> Finding:
        return Finding(
            "warning.searched", {"n": self.tried, "tried": self.tried, "found": len(self.found)}
        )


def search(seen: Shares) -> Search:
    """Everything that is looked at, corrected together; nothing without ten labels or without errors."""
    known = np.array([label is not None for label in seen.overview.labels])
    wrong = _errors(seen.overview, known)
    if known.sum() < FEWEST or not 0 < wrong.sum() < len(wrong):
        return Search()
    asked = [Asked(what, of[known]) for what, of in _asked(seen)]
    asked = [question for question in asked if _answerable(question.of)]
    if not asked:
        return Search()
    adjusted = _adjusted(asked, wrong)
    order = [i for i in np.argsort(adjusted, kind="stable") if adjusted[i] <= LEVEL]
    value = not seen.overview.meaning.decides
    numbers = {i: {"tried": len(asked), "p": float(adjusted[i])} for i in order}
    told = (_told(asked[i], wrong, value, numbers[i]) for i in order)
    return Search(tuple(filter(None, told)), len(asked))


def _errors(overview: Overview, known: Bools) -> Bools:
    """Which of the samples with a label are errors; of values the largest fifth."""
    if overview.meaning.decides or not known.any():
        return overview.wrong[known]
    misses = overview.misses[known]
    return np.asarray(misses > np.quantile(misses, 1 - 1 / FIFTHS))


def _answerable(of: Bools | Floats) -> bool:
    """Enough samples on both sides, or enough that are known and differ."""
    if of.dtype == bool:
        return bool(FEWEST <= of.sum() <= len(of) - FEWEST)
    known = of[np.isfinite(of)]
    return len(known) >= FEWEST and float(np.ptp(known)) > 0


def _adjusted(asked: list[Asked], wrong: Bools) -> Floats:
    """(T,) p values corrected for all that was asked, by step-down over deals of the errors."""
    rng = np.random.default_rng(0)
    deals = rng.permuted(np.tile(wrong, (N_DEALS, 1)), axis=1).T  # (N, draws)
    p = _p_values(asked, np.column_stack([wrong, deals]))  # (T, 1 + draws)
    order = np.argsort(p[:, 0], kind="stable")
    least = np.minimum.accumulate(p[order[::-1]], axis=0)[::-1]  # of this test and the weaker ones
    reached = (least <= p[order, :1] + 1e-12).mean(axis=1)  # the errors as they are count too
    adjusted = np.empty(len(asked))
    adjusted[order] = np.maximum.accumulate(reached)
    return adjusted


def _p_values(asked: list[Asked], errors: Bools) -> Floats:
    """(T, m) p of each question for m ways (N, m) to deal out the same number of errors."""
    n, total = len(errors), int(errors[:, 0].sum())
    held = np.array([np.isfinite(of) if of.dtype != bool else of for _, of in asked])
    logs = np.array([_logs(of) for _, of in asked])
    dealt = errors.astype(np.float32)
    k = held.astype(np.float32) @ dealt  # (T, m)
    found = np.empty(k.shape)
    higher = np.array([of.dtype != bool for _, of in asked])
    if higher.any():
        sums, some = logs[higher] @ dealt, np.maximum(2 * k[higher], 1)
        found[higher] = np.where(k[higher] > 0, chi2.sf(sums, some), 1.0)
    tails = _tails(n, total, held[~higher].sum(axis=1))
    found[~higher] = np.take_along_axis(tails, k[~higher].astype(np.int64), axis=1)
    return found


def _tails(n: int, total: int, sizes: Ints) -> Floats:
    """(T, total + 1) probability of k or more of the errors among as many samples, for each size."""
    k, size = np.arange(total + 1), sizes[:, None]
    fits = (k <= size) & (total - k <= n - size)
    outside = np.where(fits, size - k, 0)
    ways = _ways(total, k) + _ways(n - total, outside) - _ways(n, size)
    return np.asarray(np.cumsum(np.where(fits, np.exp(ways), 0.0)[:, ::-1], axis=1)[:, ::-1])


def _ways(n: int, k: Ints) -> Floats:
    """Logarithm of the number of ways to choose k of n."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _logs(of: Bools | Floats) -> NDArray[np.float32]:
    """(N,) what each error adds: -2 ln of the share of samples that lie as high; 0 where unknown."""
    logs = np.zeros(len(of), dtype=np.float32)
    if of.dtype != bool:
        known = np.isfinite(of)
        logs[known] = -2 * np.log(rankdata(-of[known].astype(np.float64), "max") / known.sum())
    return logs


def _told(question: Asked, wrong: Bools, value: bool, numbers: Mapping[str, Any]) -> Finding | None:
    """The pattern in numbers; None where it is too slight to be worth a sentence."""
    what, of = question
    if of.dtype == bool:
        return _frequent(what, of.astype(bool), wrong, value, numbers)
    if what.key == "warning.unlike":
        names = [
            name
            for name, far, error in zip(what.numbers["ids"], of, wrong, strict=True)
            if error and far >= UNLIKE
        ]
        return (
            Finding(what.key, {"n": len(names), "samples": tuple(names), **numbers})
            if names
            else None
        )
    known = np.isfinite(of)
    times = float(of[known & wrong].mean() / max(of[known & ~wrong].mean(), 1e-3))
    key = "warning.place.value" if value else "warning.place"
    told = {"place": what, "times": times, "k": int(wrong.sum())}
    return Finding(key, {**told, **numbers}) if times >= WORTH else None


def _frequent(
    where: Finding, of: Bools, wrong: Bools, value: bool, numbers: Mapping[str, Any]
) -> Finding | None:
    k, n, elsewhere = int(wrong[of].sum()), int(of.sum()), float(wrong[~of].mean())
    key = "warning.errors.value" if value else "warning.errors"
    told = {"where": where, "k": k, "n": n, "elsewhere": elsewhere}
    return Finding(key, {**told, **numbers}) if k / n >= WORTH * elsewhere else None


def _asked(seen: Shares) -> Iterator[Asked]:
    """Every question that is put, each of all samples; which they are never hangs on the errors."""
    overview = seen.overview
    for name, words in overview.groups.items():
        for word in sorted(set(words)):
            where = Finding("where.group", {"name": name, "value": word})
            yield Asked(where, np.array(words) == word)
    if seen.kind.tabular and overview.inputs:
        table = np.array(overview.inputs, dtype=np.float64)
        for name, column in zip(overview.columns or seen.names, table.T, strict=False):
            if name not in overview.groups:
                yield from _bins(name, column)
    for name, fact in overview.facts.items():
        yield from _ends(name, np.asarray(fact, dtype=np.float64))
    if seen.kind.words:
        yield from _words(overview)
    yield from _sure(overview)
    yield from _places(seen)


def _bins(name: str, column: Floats) -> Iterator[Asked]:
    """Each of few values, else fifths."""
    gone = np.isnan(column)
    if gone.any():
        yield Asked(Finding("where.missing", {"name": name}), gone)
    values = np.unique(column[~gone])
    if len(values) <= FEW_VALUES:
        for value in values if len(values) + gone.any() > 1 else ():
            yield Asked(
                Finding("where.equal", {"name": name, "value": float(value)}), column == value
            )
        return
    ends = np.unique(np.quantile(column[~gone], np.arange(1, FIFTHS) / FIFTHS))
    which = np.where(gone, -1, np.searchsorted(ends, column, side="left"))
    for i in range(len(ends) + 1):
        mask = which == i
        if mask.any():
            key = "low" if i == 0 else "high" if i == len(ends) else "between"
            numbers = {"low": float(column[mask].min()), "high": float(column[mask].max())}
            yield Asked(Finding(f"where.{key}", {"name": name, **numbers}), mask)


def _ends(name: str, fact: Floats) -> Iterator[Asked]:
    yield Asked(Finding("where.fact.high", {"fact": name}), _above(fact))
    if name not in WEAKER:
        yield Asked(Finding("where.fact.low", {"fact": name}), _above(-fact))


def _above(values: Floats) -> Bools:
    """The highest fifth; of many equal values perhaps fewer."""
    return np.asarray(values > np.quantile(values, 1 - 1 / FIFTHS))


def _words(overview: Overview) -> Iterator[Asked]:
    """Words that stand in ten texts or more and in at most half of them."""
    texts = [{str(word).casefold() for word in x} for x in overview.inputs]
    counts = Counter(word for text in texts for word in text if any(c.isalnum() for c in word))
    often = [w for w, n in counts.items() if FEWEST <= n <= len(texts) / 2]
    for word in sorted(often, key=lambda w: (-counts[w], w))[:MOST_WORDS]:
        yield Asked(
            Finding("where.word", {"word": word}), np.array([word in text for text in texts])
        )


def _sure(overview: Overview) -> Iterator[Asked]:
    """The surest answers, which should err least, and how far sure answers lie from training rows."""
    sure, far = _sureness(overview), overview.facts.get("distance")
    if sure is None:
        return
    yield Asked(Finding("where.sure"), _above(sure))
    if far is not None:
        known = [label is not None for label in overview.labels]
        ids = tuple(i for i, labelled in zip(overview.ids, known, strict=True) if labelled)
        unlike = Finding("warning.unlike", {"ids": ids})
        yield Asked(unlike, np.where(sure >= SURE, far, np.nan))


def _sureness(overview: Overview) -> Floats | None:
    """(N,) probability of the answer; None of values."""
    p, words = overview.predictions, overview.meaning.words
    if words == "labels":
        return np.asarray(np.maximum(p, 1 - p).min(axis=1))
    return np.asarray(p.max(axis=1)) if words == "class" else None


def _places(seen: Shares) -> Iterator[Asked]:
    """Places that may count more in errors than in right answers."""
    yield Asked(Finding("where.outside"), 1 - seen.inside.share)
    yield Asked(Finding("where.ground"), 1 - seen.ink.share)
    for name, region in regions(seen).items():
        if name in ("edge", "start", "middle", "end"):
            yield Asked(Finding(f"where.{name}"), seen.everywhere(region).share)
