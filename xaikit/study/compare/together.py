"""Which features a model uses together: interactions of the same questions, asked by the same coalitions.

Each side is asked twice, fitted on 80 % of the training rows and on another 80 %, so that a pair is called
one side's own only where both of its fits have it and none of the other's does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xaikit.core.question import Question
from xaikit.shapley.interactions import fewest_evaluations, usual_budget
from xaikit.study.interactions import interactions_of

__all__ = ["MOST_FEATURES", "only_one", "together", "used_together"]

Used = Mapping[tuple[str, str], tuple[float, float]]  # share of a pair, and its standard error

SAMPLES = 6
BUDGET = 4096
MOST_FEATURES = 64
STRONGEST = 5
LEAST = 0.01  # of all that features and pairs are worth
TIMES = 3.0  # as strong as on the other side, to be one side's own


def used_together(questions: Sequence[Question], seed: int) -> Used:
    """Of every pair of features, the mean absolute k-SII value over the samples that have both, as a share
    of all that features and pairs of a sample are worth, and its standard error."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for question in questions[:SAMPLES]:
        n = question.n_features
        if not 2 <= n <= MOST_FEATURES:
            continue
        budget = max(fewest_evaluations(n), min(BUDGET, usual_budget(n)))
        asked = interactions_of(question, budget=budget, seed=seed)
        whole = max(float(np.abs(asked.values).sum()), float(np.finfo(float).tiny))
        for one, value, error in zip(asked.sets, asked.values, asked.std, strict=True):
            if len(one) == 2:
                names = (asked.names[one[0]], asked.names[one[1]])
                found.setdefault(names, []).append((abs(value) / whole, error / whole))
    return {
        pair: (float(np.mean([v for v, _ in each])), float(np.mean([e for _, e in each])))
        for pair, each in found.items()
    }


def together(a: str, b: str, used: Mapping[str, tuple[Used, Used]]) -> list[dict[str, Any]]:
    """The strongest pairs of either side, by the weaker of its two fits: `pair`, `shares` of both, and
    `only`, the side that alone has it, or None.

    used : by model, those of its two fits
    """

    def share(name: str, pair: tuple[str, str]) -> float:
        return min(fit[pair][0] for fit in used[name])

    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for name in (a, b):
        order = sorted(used[name][0], key=lambda pair: -share(name, pair))
        for pair in order[:STRONGEST]:
            if share(name, pair) <= max(LEAST, 2 * max(fit[pair][1] for fit in used[name])):
                continue  # too little to name, or no more than the noise of its estimate
            rows[pair] = {
                "pair": list(pair),
                "shares": {n: share(n, pair) for n in (a, b)},
                "only": next((n for n in (a, b) if only_one(pair, n, a, b, used)), None),
            }
    return sorted(rows.values(), key=lambda r: -max(r["shares"].values()))


def only_one(
    pair: tuple[str, str], name: str, a: str, b: str, used: Mapping[str, tuple[Used, Used]]
) -> bool:
    """Whether both fits of a side have the pair several times as strongly as each of the other's."""
    other = a if name == b else b
    mine, theirs = ([fit[pair] for fit in used[n]] for n in (name, other))
    return min(v for v, _ in mine) > TIMES * max(v for v, _ in theirs)
