"""What the methods that passed agree on: an order that all share and a vote on signs, never a mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xaikit.core.types import Bools, Ints, Sample
from xaikit.report.case import quoted
from xaikit.report.findings import Findings
from xaikit.report.formats import count, isolated, percent

__all__ = ["consensus_block", "consensus_of", "levels"]

FEWEST_METHODS = 2
MOST_LEVELS = 4
MOST_NAMES = 4  # of a level
N_TOP = 3  # of each method: features whose sign is told,
MOST_VOTES = 6  # at most


def levels(above: Bools, most: int = MOST_LEVELS) -> list[Ints]:
    """Features in steps: nothing is agreed to be above the first, only the first above the second, ...

    above : (n, n) bool, above[i, j] when i is stronger than j by every method
    most : steps after which the rest is left out
    """
    left = np.ones(len(above), dtype=bool)
    found: list[Ints] = []
    while left.any() and len(found) < most:
        top = left & ~above[left].any(axis=0)
        found.append(np.flatnonzero(top))
        left &= ~top
    return found


def consensus_block(findings: Findings) -> dict[str, Any]:
    """Over all samples: how much of the order is shared, or why there is no consensus."""
    words, passed = findings.words, findings.passed
    if len(passed) < FEWEST_METHODS:
        key = "few" if findings.tested else "untested"
        return {"text": words(f"consensus.{key}", n=len(passed))}
    shares = [
        findings.run.consensus(s.id, methods).share
        for s in findings.run.samples
        if (methods := _given(findings, s)) is not None
    ]
    if not shares:
        return {"text": words("consensus.few", n=0)}
    return {
        "text": words(
            "consensus.over",
            names=words.listed([findings.name(m) for m in passed]),
            share=percent(float(np.mean(shares))),
            parts=findings.parts,
            n=len(shares),
        )
    }


def consensus_of(findings: Findings, sample: Sample) -> dict[str, Any] | None:
    """One sample: steps of the shared order and the vote on signs; None with fewer than two methods."""
    methods, words = _given(findings, sample), findings.words
    if methods is None:
        return None
    found = findings.run.consensus(sample.id, methods)
    steps = levels(found.above)
    names = [isolated(quoted(sample, name)) for name in found.names]
    text = [
        _order(findings, names, steps),
        words("consensus.share", share=percent(found.share)),
        *_signs(findings, sample, methods),
    ]
    return {"by": words.listed([findings.name(m) for m in methods]), "text": text}


def _given(findings: Findings, sample: Sample) -> list[str] | None:
    """The methods that passed and explain this sample, when there are two or more."""
    mine = findings.by_sample.get(sample.id, {})
    methods = [m for m in findings.passed if m in mine]
    return methods if len(methods) >= FEWEST_METHODS else None


def _order(findings: Findings, names: Sequence[str], steps: Sequence[Ints]) -> str:
    """The first steps in words; or that nothing is agreed to be strongest."""
    words = findings.words
    if len(steps[0]) > MOST_NAMES:
        n = count(len(steps[0]))
        return words("consensus.no_order", n=n, of=count(len(names)), parts=findings.parts)
    shown = [_listed(findings, names, step) for step in steps]
    rest = len(names) - sum(map(len, steps))
    if rest:
        shown.append(words("consensus.more", n=count(rest)))
    return words("consensus.order", levels=" → ".join(shown))


def _listed(findings: Findings, names: Sequence[str], step: Ints) -> str:
    """Names of one step, at most four."""
    few = step if len(step) <= MOST_NAMES else step[: MOST_NAMES - 1]
    shown = [names[i] for i in few]
    if len(step) > len(few):
        shown.append(findings.words("consensus.more", n=count(len(step) - len(few))))
    return " · ".join(shown)


def _signs(findings: Findings, sample: Sample, methods: Sequence[str]) -> list[str]:
    """On which side every method with a sign puts the features that any of them finds strongest."""
    words, mine = findings.words, findings.by_sample[sample.id]
    signed = [m for m in methods if _is_signed(findings, m)]
    if len(signed) < FEWEST_METHODS:
        return [words("consensus.no_vote")]
    found = findings.run.consensus(sample.id, signed)
    tops = [np.argsort(-np.abs(mine[m].values), kind="stable")[:N_TOP].tolist() for m in signed]
    chosen = list(dict.fromkeys(i for rank in zip(*tops, strict=True) for i in rank))[:MOST_VOTES]
    groups = (
        ("for", [i for i in chosen if found.votes[i] == 1]),
        ("against", [i for i in chosen if found.votes[i] == -1]),
        ("split", [i for i in chosen if abs(found.votes[i]) < 1]),
    )
    return [
        words(
            f"consensus.{key}",
            n=len(signed),
            names=" · ".join(isolated(quoted(sample, found.names[i])) for i in group),
        )
        for key, group in groups
        if group
    ]


def _is_signed(findings: Findings, method: str) -> bool:
    """Whether a method can speak against; one that never does has no vote on signs."""
    return any(e.unit != "relative" or (e.values < 0).any() for e in findings.run.of(method))
