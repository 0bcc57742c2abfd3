"""Where the model goes wrong over all test samples: what is taken for what, the worst errors, groups."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

from xaikit.core.stats import bootstrap_interval, wilson
from xaikit.core.types import Ints
from xaikit.core.words import PART
from xaikit.report.blocks.overview_seen import Seen
from xaikit.report.columns import value_of
from xaikit.report.formats import amount, count, percent, percent_interval
from xaikit.report.png import photo_uri
from xaikit.report.sheet import sheet_of_pixels
from xaikit.report.strips import signal

__all__ = ["groups_cards", "taken_card", "worst_card"]

MOST_CLASSES = 12  # in a matrix; of more the commonest confusions are listed
MOST_CONFUSED = 10
MOST_ERRORS = 12
MOST_ROWS = 5  # of errors that are told in lines, before a fold
MOST_GROUPINGS = 3
PEOPLE = (
    "sex",
    "gender",
    "race",
    "ethnic",
    "foreign",
    "nation",
    "religio",
    "language",
    "age",
    "disab",
)
"""Parts of the names of columns that come first, because they may name groups of people."""
FEW = 20  # samples below which a group is called small
MOST_PARTS = 3  # columns named beside an error
LONGEST = 160  # letters of a text
Card = dict[str, Any]


def taken_card(seen: Seen) -> Card | None:
    """The confusion matrix with errors in bold; right and wrong of each label; values beside the truth."""
    if not seen.known.any():
        return {
            "kind": "said",
            "title": seen.words("over.taken"),
            "note": seen.words("over.no_labels"),
        }
    makers = {"class": _matrix, "labels": _labels}
    return makers.get(seen.overview.meaning.words, _scatter)(seen)


def confusion(seen: Seen) -> Ints:
    """(K, K) how often the class of a row was said to be that of a column."""
    k = len(seen.overview.meaning.outputs)
    said = seen.overview.predictions.argmax(axis=1)
    found = np.zeros((k, k), dtype=np.int64)
    np.add.at(found, (seen.true[seen.known], said[seen.known]), 1)
    return found


def _matrix(seen: Seen) -> Card:
    table, names = confusion(seen), seen.overview.meaning.outputs
    words = seen.words
    card: Card = {"title": words("over.taken"), "note": words("over.taken.note") + seen.among}
    if len(names) > MOST_CLASSES:
        return {
            **card,
            "kind": "confused",
            "rows": _confused(table, names),
            "note": seen.among.strip(),
        }
    rows = [
        {"name": names[i], "cells": [_cell(int(v), i == j) for j, v in enumerate(line)]}
        for i, line in enumerate(table)
    ]
    return {
        **card,
        "kind": "matrix",
        "names": names,
        "rows": rows,
        "big": len(names) <= 4,
        "tall": len(names) > 10 or (len(names) > 4 and max(map(len, names)) > 3),
    }


def _cell(n: int, right: bool) -> dict[str, str]:
    return {"text": count(n) if n else "", "kind": "" if n == 0 else "d" if right else "e"}


def _confused(table: Ints, names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """What is most often taken for what else: true, said, and how often of how many."""
    wrong = table.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong.ravel(), kind="stable")[:MOST_CONFUSED]
    pairs = [(int(at) // len(names), int(at) % len(names)) for at in order]
    return [
        (names[i], names[j], f"{wrong[i, j]}/{table[i].sum()}") for i, j in pairs if wrong[i, j]
    ]


def _labels(seen: Seen) -> Card:
    """Each label: right, missed, and named though it does not hold."""
    overview, words = seen.overview, seen.words
    rows = np.flatnonzero(seen.known)
    truth = np.stack([overview.meaning.truth(overview.labels[i]) for i in rows]) > 0
    said = overview.meaning.chosen(overview.predictions[rows])
    return {
        "kind": "labels",
        "title": words("over.labels"),
        "rows": [
            (
                name,
                *(
                    count(int(n.sum()))
                    for n in (
                        truth[:, k] & said[:, k],
                        truth[:, k] & ~said[:, k],
                        ~truth[:, k] & said[:, k],
                    )
                ),
            )
            for k, name in enumerate(overview.classes)
        ],
        "note": words("over.labels.note", n=len(rows)),
    }


def _scatter(seen: Seen) -> Card:
    """Predicted against true values of the first output."""
    overview, words = seen.overview, seen.words
    rows = np.flatnonzero(seen.known)
    truth = np.array([overview.meaning.truth(overview.labels[i])[0] for i in rows])
    said = overview.predictions[rows, 0]
    low, high = float(min(truth.min(), said.min())), float(max(truth.max(), said.max()))
    span = (high - low) or 1.0
    shown = np.isin(rows, seen.dots)
    x, y = (100 * (v[shown] - low) / span for v in (truth, said))
    errors = np.abs(said - truth)
    return {
        "kind": "scatter",
        "title": words("over.values"),
        "dots": "".join(f"M{a:.1f} {100 - b:.1f}h0" for a, b in zip(x, y, strict=True)),
        "ends": (amount(low), amount(high)),
        "label": words(
            "over.values.label",
            half=amount(float(np.median(errors))),
            mean=amount(float(errors.mean())),
        ),
        "note": words("over.values.note"),
    }


def worst_card(seen: Seen) -> Card | None:
    """The errors, the worst first; of values the largest."""
    overview, words = seen.overview, seen.words
    value = not overview.meaning.decides
    order = np.argsort(-overview.misses, kind="stable")
    wrong = [int(i) for i in order if overview.misses[i] > 0]
    if not wrong or not overview.inputs:
        return None
    shown = wrong[:MOST_ERRORS]
    key = (
        "over.worst.values"
        if value
        else "over.worst.all"
        if len(shown) == len(wrong)
        else "over.worst"
    )
    view = seen.shares.kind.view
    rows = [{**_answer(seen, i), **_drawn(seen, i, view)} for i in shown]
    in_rows = view in ("bars", "text")
    first = MOST_ROWS if in_rows else MOST_ERRORS
    return {
        "kind": "worst",
        "view": "rows" if in_rows else view,
        "title": words(key, n=len(wrong), shown=len(shown)),
        "note": words("over.worst.note.value" if value else "over.worst.note") + seen.among,
        "rows": rows[:first],
        "more": rows[first:],
    }


def _answer(seen: Seen, i: int) -> Card:
    """What is true, what was said, and how sure."""
    overview = seen.overview
    p, label = overview.predictions[i], overview.labels[i]
    if found := overview.meaning.texts(p, label):
        return {"id": overview.ids[i], "true": found[1], "said": found[0], "sure": ""}
    if overview.meaning.words.startswith("value"):
        k = int(np.argmax(np.abs(p - overview.meaning.truth(label))))
        true = float(overview.meaning.truth(label)[k])
        return {
            "id": overview.ids[i],
            "true": amount(true),
            "said": amount(float(p[k])),
            "sure": "",
        }
    names = overview.meaning.outputs
    truth = overview.meaning.truth(label) > 0
    said = overview.meaning.chosen(p[None])[0]
    sure = seen.sure(overview.misses[i]) if overview.meaning.words == "class" else ""
    listed = (
        ", ".join(n for n, held in zip(names, which, strict=True) if held) or "–"
        for which in (truth, said)
    )
    true_names, said_names = listed
    return {"id": overview.ids[i], "true": true_names, "said": said_names, "sure": sure}


def _drawn(seen: Seen, i: int, view: str) -> Card:
    """The sample itself, small: a picture, a signal, the text or the strongest columns."""
    x = seen.overview.inputs[i]
    if view == "picture":
        return {"photo": photo_uri(sheet_of_pixels(x)), "smooth": max(x.shape[:2]) > 32}
    if view == "lines":
        return {"signal": signal(seen.sample(i), 0)}
    if view == "text":
        sample = seen.sample(i)
        text = str(
            sample.meta.get("text") or re.sub(r" (?=[^\w\s]+( |$))", "", " ".join(map(str, x)))
        ).replace(PART, " | ")
        cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
        return {"text": cut, "lang": seen.language(i)}
    return {"text": _columns(seen, i), "lang": ""}


def _columns(seen: Seen, i: int) -> str:
    """The strongest columns with their values."""
    names = seen.overview.explanations.segmentations[i].names
    order = np.argsort(-seen.shares.mass[i], kind="stable")[:MOST_PARTS]
    return " · ".join(f"{names[j]} {_value(seen, i, int(j))}" for j in order if j < len(names))


def _value(seen: Seen, i: int, j: int) -> str:
    columns = (seen.findings.run.context.get("data") or {}).get("columns") or []
    x = float(seen.overview.inputs[i][j])
    return value_of(x, columns[j] if j < len(columns) else {}, seen.words)


def groups_cards(seen: Seen) -> list[Card]:
    """How often the model is right in each group: of columns that name people, then of the first others."""
    if not seen.known.any():
        return []
    held = {name: groups for name, groups in seen.overview.groups.items() if _counts(seen, groups)}
    order = sorted(held, key=lambda name: not any(part in name.casefold() for part in PEOPLE))
    cards = [_grouped(seen, name) for name in order[:MOST_GROUPINGS]]
    if len(held) > len(cards) and cards:
        more = order[MOST_GROUPINGS:]
        cards[-1]["note"] += " " + seen.words(
            "over.groups.more", n=len(more), names=", ".join(more)
        )
    return cards


def _counts(seen: Seen, groups: tuple[str, ...]) -> Counter[str]:
    """Labelled samples of each group; none where all are in one."""
    found = Counter(g for g, known in zip(groups, seen.known, strict=True) if known)
    return found if len(found) > 1 else Counter()


def _grouped(seen: Seen, name: str) -> Card:
    groups = np.array(seen.overview.groups[name])
    value = not seen.overview.meaning.decides
    rows = []
    for group, n in sorted(
        _counts(seen, seen.overview.groups[name]).items(), key=lambda g: (-g[1], g[0])
    ):
        mine = (groups == group) & seen.known
        rows.append(
            {
                "name": seen.words.known(f"over.{name}.{group}", group),
                "small": n < FEW,
                **(_error if value else _accuracy)(seen, mine),
            }
        )
    end = max([1e-12, *(r["high"] for r in rows)]) if value else 1.0
    for r in rows:
        r["width"] = f"{100 * r['value'] / end:.1f}"
        r["whisker"] = r["bounds"] and (
            f"{100 * r['bounds'][0] / end:.1f}",
            f"{100 * (min(r['bounds'][1], end) - r['bounds'][0]) / end:.1f}",
        )
    words = seen.words
    return {
        "kind": "groups",
        "title": words("over.groups", name=words.known(f"over.group.{name}", name)),
        "rows": rows,
        "note": words("over.groups.note.value" if value else "over.groups.note")
        + (f" {words('over.groups.small', n=FEW)}" if any(r["small"] for r in rows) else ""),
    }


def _accuracy(seen: Seen, mine: Any) -> Card:
    right, n = int((mine & ~seen.overview.wrong).sum()), int(mine.sum())
    bounds = wilson(right, n)
    said = seen.words("over.groups.of", right=count(right), n=count(n))
    return {
        "value": right / n,
        "high": 1.0,
        "bounds": bounds,
        "text": percent(right / n),
        "said": said,
        "interval": percent_interval(bounds),
    }


def _error(seen: Seen, mine: Any) -> Card:
    errors = seen.overview.misses[mine]
    bounds, mean = bootstrap_interval(errors, n=1000), float(errors.mean())
    said = seen.words("over.groups.n", n=count(len(errors)))
    shown = f"[{amount(bounds[0])}, {amount(bounds[1])}]" if bounds else ""
    return {
        "value": mean,
        "high": bounds[1] if bounds else mean,
        "bounds": bounds,
        "text": amount(mean),
        "said": said,
        "interval": shown,
    }
