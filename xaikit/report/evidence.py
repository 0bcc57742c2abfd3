"""The tests behind the verdicts: who disagrees, who ranks ahead, how unreal the removals are."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from xaikit.core.stats import FEWEST, friedman_nemenyi
from xaikit.core.types import Floats
from xaikit.report.charts import dot_whisker
from xaikit.report.findings import RANDOM, Findings, estimate
from xaikit.report.formats import fixed, interval, p_value
from xaikit.report.rank_chart import joined, rank_diagram

__all__ = ["disagreement_block", "ranks_block", "shift_block"]

MOST_PAIRS = 5  # disagreements shown before the others are folded
FEWEST_METHODS = 3


def disagreement_block(findings: Findings) -> dict[str, Any]:
    """Pairs of real methods: first those that disagree, those that passed and the widest gaps first."""
    found = findings.disagreements
    order = sorted(found, key=lambda pair: _urgency(findings, pair))
    rows = [_pair(findings, pair) for pair in order]
    real = [r for r in rows if r["real"]]
    shown = real[:MOST_PAIRS] if real else []
    kinds = [d.real for d in found.values()]
    return {
        "count": findings.words(
            "differ.count",
            n=len(kinds),
            real=kinds.count(True),
            same=kinds.count(False),
            open=kinds.count(None),
        ),
        "shown": shown,
        "rest": rows[len(shown) :],
        "causes": any(r["cause"] for r in rows),
    }


def _urgency(findings: Findings, pair: tuple[str, str]) -> tuple[bool, int, float]:
    found = findings.disagreements[pair]
    n_passed = sum(m in findings.passed for m in pair)
    return found.real is not True, -n_passed, found.agreement - found.ceiling


def _pair(findings: Findings, pair: tuple[str, str]) -> dict[str, Any]:
    words, found = findings.words, findings.disagreements[pair]
    a, b = (findings.name(m) for m in pair)
    axis = (min(0.0, found.agreement), 1.0)
    return {
        "pair": words("differ.pair", a=a, b=b),
        "stopped": [s for m in pair if (s := findings.stopped(m))][:1],
        "real": found.real is True,
        "glyph": {True: "≠", False: "=", None: "?"}[found.real],
        "chart": dot_whisker(found.agreement, axis, zero=found.ceiling),
        "less": words(
            "differ.less",
            value=fixed(found.test.mean),
            interval=interval(found.test.interval, sign=False),
        ).strip(),
        "finding": words.told(found.found),
        "cause": " ".join(findings.causes.get(pair, ())),
    }


def ranks_block(findings: Findings) -> dict[str, Any]:
    """Friedman's test and the critical-difference diagram of the methods' "srg", controls included."""
    words = findings.words
    methods, table = _measured(findings)
    n, k = len(table), len(methods)
    if k < FEWEST_METHODS or n < FEWEST:
        return {"text": [words("ranks.few", k=k, n=n)]}
    found = friedman_nemenyi(table)
    place = np.argsort(found.mean_ranks, kind="stable")
    left = [
        findings.name(m) for m in findings.order if m not in methods and findings.values("srg", m)
    ]
    methods, ranks = [methods[i] for i in place], found.mean_ranks[place]
    differ, cd = found.p < 0.05, found.critical_difference
    runs = joined(ranks.tolist(), cd) if differ else [(0, k - 1)]
    key = "ranks.found" if differ else "ranks.not_found"
    text = words(key, n=n, k=k, value=fixed(found.statistic, 1), p=p_value(found.p))
    names = [findings.name(m) for m in methods]
    return {
        "text": [
            text,
            words("ranks.reading", cd=fixed(cd, 1)),
            *_ahead(findings, methods, ranks, cd, differ),
            *([words("ranks.left_out", names=words.listed(left))] if left else []),
        ],
        "chart": _diagram(findings, methods, ranks, cd, runs),
        "rows": [
            (findings.title(m), findings.stopped(m), fixed(r), _partners(names, runs, i))
            for i, (m, r) in enumerate(zip(methods, ranks, strict=True))
        ],
    }


def _measured(findings: Findings) -> tuple[list[str], Floats]:
    """The methods measured on most samples, and their "srg" (N, k) on the samples that all share."""
    found = {m: v for m in findings.order if (v := findings.values("srg", m))}
    most = max(map(len, found.values()), default=0)
    methods = [m for m, v in found.items() if len(v) == most]
    shared = [s.id for s in findings.run.samples if all(s.id in found[m] for m in methods)]
    table = np.array([[found[m][s] for m in methods] for s in shared], dtype=np.float64)
    return methods, table.reshape(len(shared), len(methods))


def _diagram(
    findings: Findings, methods: list[str], ranks: Floats, cd: float, runs: list[tuple[int, int]]
) -> Markup:
    words, names = findings.words, [findings.name(m) for m in methods]
    listed = "; ".join(f"{n} {fixed(r, 1)}" for n, r in zip(names, ranks, strict=True))
    return rank_diagram(
        names,
        ranks.tolist(),
        cd,
        runs,
        hollow=[findings.is_control(m) for m in methods],
        ruler=words("ranks.cd", cd=fixed(cd, 1)),
        label=words("ranks.label", ranks=listed),
    )


def _ahead(
    findings: Findings, methods: list[str], ranks: Floats, cd: float, differ: bool
) -> list[str]:
    """For each control, which methods are told apart from it and ahead."""
    words, found = findings.words, []
    for control in (m for m in methods if findings.is_control(m)):
        limit = ranks[methods.index(control)] - cd
        ahead = [m for m, r in zip(methods, ranks, strict=True) if differ and r < limit]
        names = [findings.name(m) for m in ahead if not findings.is_control(m)]
        listed = words.listed(names) or words("ranks.none")
        found.append(words("ranks.ahead", name=findings.title(control), names=listed))
    return found


def _partners(names: list[str], runs: list[tuple[int, int]], i: int) -> str:
    """Methods that share a bar with method i."""
    shared = {j for a, b in runs if a <= i <= b for j in range(a, b + 1)} - {i}
    return ", ".join(names[j] for j in sorted(shared)) or "–"


def shift_block(findings: Findings) -> dict[str, Any]:
    """How far inputs with removed parts lie from real data, for each way of removing, and what hangs on it."""
    words = findings.words
    by_masker: dict[str, list[float]] = {}
    for s in findings.run.scores:
        if s.metric == "shift" and s.of.get("method") == RANDOM:
            by_masker.setdefault(str(s.of.get("masker", "")), []).append(s.value)
    order = sorted(by_masker, key=lambda masker: masker != findings.masker)
    tau = findings.run.masker_tau()
    found = ((masker, estimate(by_masker[masker])) for masker in order)
    return {
        "sentences": [
            words(
                "shift.sentence",
                masker=masker,
                value=fixed(gauge.value),
                interval=f" {interval(gauge.interval, sign=False)}".rstrip(),
            )
            for masker, gauge in found
            if gauge
        ],
        "order": "" if tau is None else words("shift.order", value=fixed(tau)),
    }
