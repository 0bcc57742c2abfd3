"""The words that count most over all texts, with how often they stand there."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from xaikit.report.blocks.overview_seen import Seen
from xaikit.report.formats import amount

__all__ = ["words_card"]

MOST = 10  # words a side
MOST_CLASSES, A_CLASS = 8, 5  # of more than two classes, and words of each
SHARE_OF_TEXTS = 150  # a word is listed that stands in one of so many texts,
FEWEST = 3  # and in as many at least
Card = dict[str, Any]
Found = list[tuple[str, float, int, str]]  # word, mean evidence, texts, language


def words_card(seen: Seen) -> Card | None:
    """The words with most evidence to either side, or for each of several classes."""
    overview, words = seen.overview, seen.words
    if not seen.shares.kind.words or not overview.inputs:
        return None
    least = max(FEWEST, round(len(overview) / SHARE_OF_TEXTS))
    several = len(overview.classes) > 2 or overview.meaning.words == "labels"
    card: Card = {
        "title": words("over.words"),
        "note": words("over.words.note", least=least),
    }
    if several:
        classes = _by_class(seen, least)
        return {**card, "kind": "class_words", "classes": classes} if classes else None
    found = _evidence(seen, np.arange(len(overview)), least)
    right = [w for w in found if w[1] > 0][:MOST]
    left = [w for w in reversed(found) if w[1] < 0][:MOST]
    if not (left or right):
        return None
    end = max(abs(w[1]) for w in (*left, *right))
    return {
        **card,
        "kind": "words",
        "sides": seen.sides,
        "left": [_row(w, end) for w in left],
        "right": [_row(w, end) for w in right],
    }


def _row(found: tuple[str, float, int, str], end: float) -> Card:
    word, mean, n, language = found
    share = 100 * abs(mean) / end
    return {"word": word, "n": n, "lang": language, "width": f"{share:.1f}", "mean": amount(mean)}


def _by_class(seen: Seen, least: int) -> list[Card]:
    found = []
    for k, name in enumerate(seen.overview.classes[:MOST_CLASSES]):
        rows = np.flatnonzero(seen.shares.answers == k)
        strong = [w for w in _evidence(seen, rows, min(least, max(2, len(rows) // 10))) if w[1] > 0]
        if strong:
            found.append({"name": name, "words": [_row(w, 1.0) for w in strong[:A_CLASS]]})
    return found


def _evidence(seen: Seen, rows: Any, least: int) -> Found:
    """Words of `least` texts or more by their mean evidence where they stand, the largest first."""
    sums: dict[str, list[float]] = defaultdict(list)
    spoken: dict[str, Counter[str]] = defaultdict(Counter)
    told = seen.overview.explanations
    for i in rows:
        cut = told.segmentations[i]
        places = cut.scatter(seen.towards[i, : cut.n_features] / cut.sizes)
        mine: dict[str, float] = defaultdict(float)
        for word, value in zip(seen.overview.inputs[i], places, strict=True):
            mine[str(word).casefold()] += float(value)
        for word, value in mine.items():
            sums[word].append(value)
            spoken[word][seen.language(i)] += 1
    found = [
        (word, float(np.mean(values)), len(values), spoken[word].most_common(1)[0][0])
        for word, values in sums.items()
        if len(values) >= least and any(c.isalnum() for c in word)
    ]
    return sorted(found, key=lambda w: (-w[1], w[0]))
