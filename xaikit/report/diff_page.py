"""Two runs on the same samples as one page: the strongest change first, then every sample, then features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from xaikit.report.blocks.hero import chip
from xaikit.report.case import Case
from xaikit.report.findings import Findings
from xaikit.report.formats import count, percent, percent_interval
from xaikit.report.index_card import small_case
from xaikit.report.predictions import answer, bars, true_answer
from xaikit.report.spoken import lead
from xaikit.report.views import view_of
from xaikit.report.words import Words
from xaikit.study.difference import Difference, Split, Turn
from xaikit.study.run import Run

__all__ = ["diff_lines", "diff_page", "diff_rows"]

MOST_BARS = 3
MOST_ROWS = 24
CLEAR = 0.1  # share of the evidence beyond noise from which reasons are said to differ


@dataclass(frozen=True)
class Both:
    """Two runs by one method, and what they differ in."""

    found: Difference
    runs: tuple[Run, Run]
    words: Words

    @cached_property
    def sides(self) -> tuple[Findings, Findings]:
        """Each run with the explanations of the one method."""
        one, two = (
            Findings(replace(run, explanations=run.of(self.found.method)), self.words)
            for run in self.runs
        )
        return one, two

    @property
    def method(self) -> str:
        return self.sides[0].name(self.found.method)


def diff_page(found: Difference, a: Run, b: Run, language: str = "en") -> dict[str, Any]:
    """Everything the page says of two runs."""
    both = Both(found, (a, b), Words(language))
    words = both.words
    rows = [_row(both, turn, k) for k, turn in enumerate(found.turns[:MOST_ROWS])]
    return {
        "language": language,
        "title": f"{found.names[0]} · {found.names[1]}",
        "nav": [],
        "sheets": ("around.css",),
        "names": found.names,
        "headline": headline(both),
        "meta": " · ".join(_meta(both)),
        "split": _split(words, found),
        "floor": floor_told(both),
        "floors": _floors(both),
        "view": both.sides[0].kind.view,
        "first": _first(both, found.turns[0]),
        "rows": rows,
        "left": max(0, len(found.turns) - MOST_ROWS),
        "shifts": _shifts(both),
        "method": both.method,
    }


def headline(both: Both) -> str:
    """The one sentence: whether answers differ, or reasons, or nothing."""
    found, words = both.found, both.words
    a, b, n = *found.names, len(found.turns)
    if found.n_answers:
        key = "diff.answers"
    elif (found.moved or 0.0) > found.noise + CLEAR:
        key = "diff.reasons"
    else:
        key = "diff.same"
    return words(key, a=a, b=b, n=n, k=count(found.n_answers), of=count(n))


def floor_told(both: Both) -> str:
    """How far the second lies from the first, beside another seed and an untrained net; "" without."""
    found, words, told = both.found, both.words, []
    seed, untrained, (a, b) = found.floor("seed"), found.floor("untrained"), found.names
    moved = percent(found.moved or 0.0)
    if seed is not None and found.beside_seed:
        key, far = f"diff.floor.{found.beside_seed}", percent(seed.moved or 0.0)
        told.append(words(key, a=a, b=b, moved=moved, seed=far, noise=percent(found.noise)))
    if untrained is not None:
        told.append(words("diff.floor.untrained", moved=percent(untrained.moved or 0.0)))
    lost = [words(f"diff.floor.{f.kind}.name") for f in found.floors if f.moved is None]
    return " ".join([*told, *(words("diff.floor.lost", name=name) for name in lost)])


def _floors(both: Both) -> list[dict[str, str]]:
    """What a share of moved evidence is held against, each a bar."""
    found, words = both.found, both.words
    if not floor_told(both):
        return []
    rows = [(words("diff.floor.own"), found.noise), (found.names[1], found.moved or 0.0)]
    rows += [
        (words(f"diff.floor.{f.kind}.name"), f.moved) for f in found.floors if f.moved is not None
    ]
    return [{"name": n, "text": percent(v), "bar": f"{100 * v:.1f}"} for n, v in rows]


def _meta(both: Both) -> list[str]:
    """What was compared, and how far reasons lie apart."""
    found, words, data = both.found, both.words, both.runs[0].context.get("data") or {}
    told = [str(data["name"])] if data.get("name") else []
    told.append(words("diff.by", method=both.method))
    if found.moved is not None and not floor_told(both):
        told.append(
            words("diff.moved", moved=percent(found.moved), noise=percent(found.noise))
            if found.noise
            else words("diff.moved.exact", moved=percent(found.moved))
        )
    if found.left_out:
        told.append(words("diff.left_out", n=found.left_out))
    return told


def _split(words: Words, found: Difference) -> str:
    """Both models over the whole test split, as far as both runs know it."""
    if found.split is None:
        return ""
    return _split_told(words, found.names, found.split)


def _split_told(words: Words, names: tuple[str, str], split: Split) -> str:
    if not split.differ:
        return words("diff.split.same", of=count(split.n))
    return words(
        "diff.split" if split.p < 0.05 else "diff.split.open",
        differ=count(split.differ),
        of=count(split.n),
        a=names[0],
        b=names[1],
        only_a=count(split.only_a),
        only_b=count(split.only_b),
    )


def _first(both: Both, turn: Turn) -> dict[str, Any]:
    """The strongest change, each side with its sentence."""
    return {
        "id": turn.sample,
        "what": _what(both, turn),
        "true": true_answer(both.sides[0], turn.a),
        "sides": [_side(both, k, index) for k, index in enumerate((turn.a, turn.b))],
    }


def _side(both: Both, k: int, index: int) -> dict[str, Any]:
    findings = both.sides[k]
    mine, name = Case(findings, index), both.found.names[k]
    return {
        "key": f"d{'ab'[k]}{index}",
        "name": name,
        "chip": chip(findings, index),
        "lead": lead(mine, view_of(findings.kind).phrase),
        "bars": bars(findings, index, MOST_BARS),
        "colours": _colours(mine),
        "label": both.words("diff.label", name=name, id=mine.sample.id),
        **small_case(mine),
    }


def _colours(mine: Case) -> str:
    """What the colours speak for."""
    if mine.lead is None:
        return ""
    words, findings = mine.findings.words, mine.findings
    if not findings.classes:
        return words("diff.colours.value")
    return words("diff.colours", name=findings.class_name(mine.lead.target.index))


def _what(both: Both, turn: Turn) -> str:
    """What changed, in a few words."""
    words = both.words
    if turn.moved is None:
        return words("diff.row.answer")
    key = "diff.row.both" if turn.answers else "diff.row.reasons"
    return words(key, moved=percent(turn.moved))


def _row(both: Both, turn: Turn, k: int) -> dict[str, Any]:
    answers = [answer(f, i) for f, i in zip(both.sides, (turn.a, turn.b), strict=True)]
    return {
        "key": f"r{k}",
        "id": turn.sample,
        "answers": answers,
        "turned": turn.answers,
        "true": true_answer(both.sides[0], turn.a) or "",
        "moved": "" if turn.moved is None else percent(turn.moved),
        "bar": "" if turn.moved is None else f"{100 * turn.moved:.1f}",
        "noise": f"{100 * turn.noise:.1f}" if turn.noise else "",
    }


def _shifts(both: Both) -> list[dict[str, Any]]:
    """Features whose share of the evidence differs, each run a dot on one axis from 0."""
    shifts = both.found.shifts
    end = max((max(s.a, s.b) for s in shifts), default=1.0) or 1.0
    return [
        {
            "name": s.feature,
            "a": f"{100 * s.a / end:.1f}",
            "b": f"{100 * s.b / end:.1f}",
            "left": f"{100 * min(s.a, s.b) / end:.1f}",
            "width": f"{100 * abs(s.a - s.b) / end:.1f}",
            "text": f"{percent(s.a)} → {percent(s.b)}",
            "clear": s.clear,
            "interval": percent_interval(s.interval, 0),
        }
        for s in shifts
    ]


def diff_lines(found: Difference, a: Run, b: Run) -> list[str]:
    """The same for a terminal: headline, how far reasons lie apart, the whole test split."""
    both = Both(found, (a, b), Words())
    return [
        line
        for line in (
            headline(both),
            floor_told(both),
            " · ".join(_meta(both)),
            _split(both.words, found),
        )
        if line
    ]


def diff_rows(found: Difference, a: Run, b: Run) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of a terminal's table."""
    both = Both(found, (a, b), Words())
    rows = [_row(both, turn, k) for k, turn in enumerate(found.turns)]
    return ["sample", *found.names, "true", "evidence elsewhere"], [
        [("≠ " if r["turned"] else "  ") + r["id"], *r["answers"], r["true"], r["moved"] or "–"]
        for r in rows
    ]
