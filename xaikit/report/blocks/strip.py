"""The cases in small, in three groups; the worst error is shown first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xaikit.report.blocks.hero import chip
from xaikit.report.case import Case
from xaikit.report.findings import Findings
from xaikit.report.predictions import texts
from xaikit.report.views import view_of

__all__ = ["Groups", "groups_of", "strip_block", "thumb_of"]

MOST_UNSURE = 4


@dataclass(frozen=True)
class Groups:
    """Indices of samples: wrong ones, surest first among those of which it is known what would have
    turned them; the least sure, or furthest off; all others."""

    wrong: tuple[int, ...]
    unsure: tuple[int, ...]
    rest: tuple[int, ...]

    @property
    def order(self) -> tuple[int, ...]:
        return (*self.wrong, *self.unsure, *self.rest)


def groups_of(findings: Findings, chosen: list[int]) -> Groups:
    """The samples shown, sorted into groups."""
    sureness = {i: _sureness(findings, i) for i in chosen}
    turned = {f.get("sample") for f in findings.run.context.get("flips") or () if f.get("told")}
    ids = [s.id for s in findings.run.samples]
    wrong = sorted(
        (i for i in chosen if findings.is_wrong(i)),
        key=lambda i: (ids[i] not in turned, -sureness[i]),
    )
    right = [i for i in chosen if i not in wrong]
    told = bool(findings.classes) or _labelled(findings)
    n = min(MOST_UNSURE, max(1, len(right) // 3)) if len(right) > 2 and told else 0
    unsure = sorted(right, key=lambda i: sureness[i])[:n]
    return Groups(tuple(wrong), tuple(unsure), tuple(i for i in right if i not in unsure))


def _labelled(findings: Findings) -> bool:
    """Whether it is known of any sample what is true."""
    return any(sample.label is not None for sample in findings.run.samples)


def _sureness(findings: Findings, i: int) -> float:
    """How sure the answer is: its probability, of a text the logarithm; of a value how near it is to the true
    one."""
    p = findings.run.predictions[i]
    if texts(findings, i):
        return float(p[0])
    if not findings.classes:
        label = findings.run.samples[i].label
        return 0.0 if label is None else -float(np.abs(findings.task.truth(label) - p).max())
    return float(np.abs(p - 0.5).min()) if findings.task.many else float(p.max())


def strip_block(findings: Findings, groups: Groups) -> dict[str, Any]:
    """A radio a case; the groups by name."""
    kind = "class" if findings.task.decides else "value"
    kind = kind if _labelled(findings) else "open"
    named = (("wrong", groups.wrong), ("unsure", groups.unsure), ("rest", groups.rest))
    return {
        "first": groups.order[0],
        "legend": findings.words("strip.legend" if groups.wrong else "strip.legend.unsure")
        if groups.unsure or groups.wrong
        else "",
        "groups": [
            {
                "kind": name,
                "title": findings.words(f"strip.{kind}.{name}"),
                "cases": [_case(findings, i) for i in members],
            }
            for name, members in named
            if members
        ],
    }


def _case(findings: Findings, i: int) -> dict[str, Any]:
    said = chip(findings, i)["text"]
    label = findings.words("strip.case", id=findings.run.samples[i].id, said=said)
    return {"index": i, "label": label, "thumb": thumb_of(findings, i)}


def thumb_of(findings: Findings, i: int) -> Any:
    """The sample in small; None where its picture is drawn."""
    draw = view_of(findings.kind).thumb
    return draw(Case(findings, i)) if draw else None
