"""The one sentence on a case: for which parts the model answers so, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup, escape

from xaikit.core.types import Explanation
from xaikit.report.case import Case
from xaikit.report.predictions import asked_answer, explained, likely, texts
from xaikit.report.words import Words

__all__ = ["Phrase", "lead", "said_of", "spoken", "strong"]

STRONG = 0.3  # share of the strongest value from which a feature is named
HOLE = "\0"  # which no page may hold, for names in a frame
MOST_FOR, MOST_AGAINST = 3, 1


@dataclass(frozen=True)
class Phrase:
    """What a feature is called in a sentence; names that share a frame are listed in it.

    frame : takes the names and gives the phrase; short : the phrase where room is small; quoted : a word of a text, in the language `lang`
    """

    name: str
    frame: Callable[[str], str] = str
    key: str = ""
    short: str = ""
    quoted: bool = False
    lang: str = ""

    @property
    def plain(self) -> str:
        """The phrase in a list, without marks and not escaped."""
        return self.short or self.frame(f"“{self.name}”" if self.quoted else self.name)

    @property
    def marked(self) -> Phrase:
        """The same with its name and its frame escaped; words of a text are bold."""
        name = escape(self.name)
        if self.quoted:
            name = Markup('<b lang="{}">“{}”</b>').format(self.lang, name)
        around = str(escape(self.frame(HOLE)))
        return replace(self, name=str(name), frame=lambda names: around.replace(HOLE, names))


def spoken(words: Words, key: str, /, **values: object) -> Markup:
    """A sentence of ours with fields that are escaped; what is safe already stays."""
    return Markup(words(key, **{k: str(escape(v)) for k, v in values.items()}))


def strong(e: Explanation) -> tuple[list[int], list[int]]:
    """The features that speak most for and most against, strongest first."""
    end = float(np.abs(e.values).max())
    order = np.argsort(-np.abs(e.values), kind="stable")
    kept = [i for i in order.tolist() if end > 0 and abs(e.values[i]) >= STRONG * end]
    return [i for i in kept if e.values[i] > 0], [i for i in kept if e.values[i] < 0]


def said_of(words: Words, phrases: Sequence[Phrase]) -> str:
    """Phrases in a list, names in one frame together: "high a and b and low c"."""
    groups: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        groups.setdefault(phrase.key or phrase.name, []).append(phrase)
    told = [g[0].frame(words.listed([p.name for p in g])) for g in groups.values()]
    return words.listed(told)


def lead(mine: Case, named: Callable[[Case, Explanation, int], Phrase]) -> Markup:
    """The sentence; `named` says what a feature is called."""
    words, e = mine.findings.words, mine.lead
    if e is None:
        return spoken(words, "lead.missing", answer=_answer(mine))
    towards, against = strong(e)
    told = _phrases(mine, e, towards, named, MOST_FOR, ())
    other = _phrases(mine, e, against, named, MOST_AGAINST, told)
    kind, what = _kind(mine, e)
    parts = {
        "answer": Markup("<b>{}</b>").format(what)
        if kind in ("target", "values")
        else _answer(mine),
        "fors": Markup(said_of(words, told)),
        "against": Markup(said_of(words, other)),
    }
    outweighed = bool(e.additive and e.values.sum() < 0)
    side = (
        "less"
        if told and other and outweighed
        else "both"
        if told and other
        else "fors"
        if told
        else "against"
        if other
        else "none"
    )
    return spoken(words, f"lead.{kind}.{side}", **parts)


def _kind(mine: Case, e: Explanation) -> tuple[str, str]:
    """Which sentence is said: of the answer, of a value, of one of several, or of an output that was asked
    about; and what is spoken of where that is not the answer."""
    findings, number = mine.findings, e.target.index > 0 or e.target.against is not None
    if texts(findings, mine.index):
        return ("target" if number else "says"), findings.task.describe(e.target)
    if findings.task.words.startswith("value"):
        if e.target.against is not None:
            return "target", findings.task.describe(e.target)
        several = findings.task.words == "values"
        return ("values", findings.task.outputs[e.target.index]) if several else ("value", "")
    if findings.task.words == "labels" or explained(findings, mine.index, e):
        return "target", findings.task.describe(e.target)
    return ("reads" if mine.sample.kind.is_read else "says"), ""


def _answer(mine: Case) -> Markup:
    """The answer in bold; where no bars show it, with its probability."""
    name = Markup("<b>{}</b>").format(asked_answer(mine.findings, mine.index, mine.lead)[0])
    if mine.findings.classes and mine.sample.kind.view == "bars":
        p = float(mine.findings.run.predictions[mine.index].max())
        return Markup("{} ({})").format(name, likely(p))
    return name


def _phrases(
    mine: Case,
    e: Explanation,
    chosen: Sequence[int],
    named: Callable[[Case, Explanation, int], Phrase],
    most: int,
    taken: Sequence[Phrase],
) -> list[Phrase]:
    """The first different phrases, escaped; what is said on one side is not said on the other."""
    seen = {(p.key, p.name) for p in taken}
    found: list[Phrase] = []
    for i in chosen:
        phrase = named(mine, e, i).marked
        if (phrase.key, phrase.name) not in seen and len(found) < most:
            seen.add((phrase.key, phrase.name))
            found.append(phrase)
    return found
