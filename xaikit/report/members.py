"""How far the members of an ensemble agree on one case: a sentence, and their values beside the mean."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from xaikit.report.case import Case, quoted
from xaikit.report.charts import dot_whisker
from xaikit.report.formats import decimals, percent, signed

__all__ = ["members_of"]

MOST = 4


def members_of(mine: Case) -> dict[str, Any] | None:
    """The strongest features of the members' mean, each member a tick; None without members."""
    said = mine.findings.run.context.get("members") or {}
    e = mine.explanations.get(said.get("method", ""))
    rows = said.get("values", {}).get(mine.sample.id)
    if e is None or rows is None or len(rows) < 2:
        return None
    values, words = np.array(rows), mine.findings.words  # (M, n)
    mean = values.mean(axis=0)
    order = np.argsort(-np.abs(mean), kind="stable")[:MOST]
    firsts = np.abs(values).argmax(axis=1)
    shares = values / np.maximum(np.abs(values).sum(axis=1, keepdims=True), 1e-12)
    moved = np.mean([np.abs(a - b).sum() / 2 for a, b in combinations(shares, 2)])
    end = float(np.abs(values[:, order]).max()) or 1.0
    return {
        "title": words("members.title", n=len(values), method=mine.findings.name(e.method)),
        "said": words(
            "members.said", k=int((firsts == order[0]).sum()), n=len(values),
            feature=quoted(mine.sample, e.names[order[0]]), moved=percent(float(moved)),
        ),
        "rows": [
            {
                "name": quoted(mine.sample, e.names[i]),
                "chart": dot_whisker(
                    float(mean[i]), (-end, end), cases=values[:, i].tolist(),
                    tone="for" if mean[i] > 0 else "against", hollow=bool(mean[i] < 0),
                ),
                "text": signed(float(mean[i]), decimals(end)),
            }
            for i in order.tolist()
        ],
    }  # fmt: skip
