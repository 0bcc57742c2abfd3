"""Words marked by their evidence; runs of words that carry none are folded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.core.types import Bools, Explanation, Floats, Ints, Sample
from xaikit.core.words import PART, Text
from xaikit.report.case import Case
from xaikit.report.charts import tag
from xaikit.report.colour import bin_of
from xaikit.report.formats import fixed, signed
from xaikit.report.spoken import Phrase
from xaikit.study.refining import FOUND

__all__ = ["marked_words", "struck_words", "text_hero", "text_thumb", "word_phrase"]

N_NUMBERED = 3
CLOSING = tuple(".,;:!?)]}%…’”\"'")
OPENING = tuple("([{“‘$")
SHORT = 40  # words that are set large
LONG = 60  # texts of more words are folded
FOLD_FROM = 12  # words in a row
FOLD_BELOW = 0.05  # share of the scale
EDGE = 5  # words that stay at the ends of a run


def marked_words(
    sample: Sample,
    explanation: Explanation,
    values: Floats,
    shares: Floats,
    digits: int,
    errors: Floats | None = None,
) -> list[dict[str, Any]]:
    """Words in order, each with what stands before it and its bin (-3..3); the three strongest
    features show their value.

    values : (n,) as they are printed; shares: (n,) the same as shares of the scale
    errors : (n,) half widths of their intervals; a word whose interval holds 0 is "faint"
    Words of a block that was not opened are a "block": what they say is said together.
    An item with the key "fold" stands for a run of words that carry next to nothing.
    """
    ids = explanation.segmentation.ids
    faint = np.zeros(len(values), dtype=bool) if errors is None else np.abs(values) < errors
    order = np.argsort(-np.abs(shares), kind="stable")[:N_NUMBERED]
    numbered = {int(np.flatnonzero(ids == i)[0]): i for i in order if bin_of(shares[i])}
    blocks, sizes = FOUND in explanation.segmentation.source, explanation.segmentation.sizes
    show = signed if values.min() < 0 or explanation.unit != "relative" else fixed
    words = [
        {
            **word,
            "bin": bin_of(shares[f]) if f >= 0 else 0,
            "faint": f >= 0 and bool(faint[f]),
            "block": blocks and f >= 0 and sizes[f] > 1,
            "value": show(float(values[numbered[i]]), digits) if i in numbered else "",
        }
        for i, (word, f) in enumerate(zip(_plain(sample), ids, strict=True))
    ]
    weak = np.abs(np.append(shares, 0.0)[ids]) < FOLD_BELOW
    weak &= [not (word["part"] or word["asked"]) for word in words]
    return _folded(words, weak, ids, values, digits) if len(words) > LONG else words


def _gaps(sample: Sample) -> list[str]:
    """What stands before each word: in the text as written, or by the rules of punctuation."""
    words = sample.x.tolist()
    if "text" in sample.meta:
        return list(Text(sample.x).gaps)
    return ["", *("" if _glued(a, b) else " " for a, b in pairwise(words))]


def _glued(before: str, word: str) -> bool:
    """Whether a word stands next to the one before it without a space."""
    return bool(word) and (all(c in CLOSING for c in word) or before in OPENING)


def _folded(
    words: list[dict[str, Any]], weak: Bools, ids: Ints, values: Floats, digits: int
) -> list[dict[str, Any]]:
    """Replace long runs of weak words by one item with their number and sum."""
    found: list[dict[str, Any]] = []
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and weak[end]:
            end += 1
        if end - start < FOLD_FROM:
            found += words[start : max(end, start + 1)]
            start = max(end, start + 1)
            continue
        inside = np.unique(ids[start:end])
        total = float(values[inside[inside >= 0]].sum())
        found.append(
            {
                "fold": words[start:end],
                "n": end - start,
                "limit": FOLD_BELOW,
                "sum": signed(total, digits),
            }
        )
        start = end
    return found


def text_hero(mine: Case) -> dict[str, Any]:
    """The words marked by the method shown, on its own scale, without numbers."""
    e = mine.lead
    found: dict[str, Any] = {
        "text_lang": _language(mine),
        "long": len(mine.sample.x) > SHORT,
    }
    if e is None:
        return found | {"words": [{**w, "bin": 0} for w in _plain(mine.sample)]}
    end = float(np.abs(e.values).max()) or 1.0
    marked = marked_words(mine.sample, e, e.values, e.values / end, 2)
    return found | {"words": marked}


def _plain(sample: Sample) -> list[dict[str, Any]]:
    """Words in order, each with what stands before it, whether it is asked about, and of the first word
    of each of two texts which one begins."""
    gaps = _gaps(sample)
    asked: tuple[int, ...] = getattr(sample.x, "asked", ())
    parts = _parts(sample, gaps)
    return [
        {
            "text": str(word),
            "before": "" if i in parts else gaps[i].replace("\0", " "),  # which no page may hold
            "part": parts.get(i),
            "asked": bool(asked) and asked[0] <= i <= asked[-1],
        }
        for i, word in enumerate(sample.x)
    ]


def _parts(sample: Sample, gaps: Sequence[str]) -> dict[int, dict[str, Any]]:
    """The first word of each of two texts -> its number and its name, where it has one."""
    second = next((i for i, gap in enumerate(gaps) if PART in gap), None)
    if second is None:
        return {}
    names = list(sample.meta.get("parts") or ["", ""])
    return {i: {"n": n + 1, "name": str(names[n])} for n, i in enumerate((0, second))}


def struck_words(sample: Sample, e: Explanation, removed: Sequence[int]) -> list[dict[str, Any]]:
    """The words, those of the removed features struck out; of a long text the inner words of long runs
    that are struck out, or are not, stand together as a "fold"."""
    struck = np.isin(e.segmentation.ids, np.asarray(removed))
    words = [{**w, "struck": bool(s)} for w, s in zip(_plain(sample), struck, strict=True)]
    if len(words) <= LONG:
        return words
    found: list[dict[str, Any]] = []
    runs = [0, *(np.flatnonzero(np.diff(struck)) + 1).tolist(), len(words)]
    for start, end in pairwise(runs):
        run = words[start:end]
        if len(run) < 2 * EDGE + FOLD_FROM:
            found += run
            continue
        first, last = (0 if start == 0 else EDGE), (0 if end == len(words) else EDGE)
        inner = run[first : len(run) - last]
        found += [*run[:first], {"fold": inner}, *run[len(run) - last :]]
    return found


def word_phrase(mine: Case, e: Explanation, i: int) -> Phrase:
    """A word in quotation marks, in the language that it is written in."""
    return Phrase(e.names[i], quoted=True, lang=_language(mine))


def _language(mine: Case) -> str:
    data = mine.findings.run.context.get("data") or {}
    return str(mine.sample.meta.get("language") or data.get("language") or "")


def text_thumb(mine: Case) -> Markup:
    """The words as small blocks, the strongest in colour."""
    e = mine.lead
    bins = (
        [0] * len(mine.sample.x)
        if e is None
        else [
            bin_of(float(v))
            for v in np.append(e.values / (np.abs(e.values).max() or 1.0), 0.0)[e.segmentation.ids]
        ]
    )
    blocks, x, y = [], 4.0, 5.0
    for word, strength in zip(mine.sample.x, bins, strict=True):
        width = min(1.6 + 1.7 * len(str(word)), 40.0)
        if x + width > 45:
            x, y = 4.0, y + 7.5
        if y > 40:
            break
        kind = "" if not strength else f"{'f' if strength > 0 else 'a'}{abs(strength)}"
        blocks.append(tag("rect", x=x, y=y, width=width, height=5.0, rx=1.0, class_=kind or None))
        x += width + 1.6
    return tag("svg", *blocks, viewBox="0 0 48 48", aria_hidden="true", class_="txt-t")
