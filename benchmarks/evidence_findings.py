"""Whether warnings are rare where nothing is planted, and planted patterns and shortcuts are named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shortcuts import CASES, sentences
from xaikit.core.stats import wilson
from xaikit.judge.findings import warnings
from xaikit.judge.overview import Overview

Made = Callable[[np.random.Generator], Overview]
NAMED = {"group": "town"}  # of the planted patterns; the others lie in the first column


def findings(n: int) -> str:
    """n test splits of each kind, and the planted shortcuts."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    import toy_overviews as toys

    lines = [
        f"{n} test splits of 500 samples of each kind, answers and evidence at random. Nothing planted: errors fall "
        "independently of everything. Planted: three times as often on a fifth of the rows. Named: the first "
        "warning is about that column or group. Everything that was looked at is corrected for at once.",
        "",
        "| 500 samples | errors elsewhere | questions tried | warned or named | bar |",
        "|---|---|---|---|---|",
    ]
    for what, rate, make in _nothing(toys):
        hits, tried = _counted(make, n, lambda found: bool(found))
        lines.append(_row(f"nothing planted, {what}", rate, tried, hits, n, most=0.05))
    for planted, rate, columns in _planted():
        name = NAMED.get(planted, "x0")
        hits, tried = _counted(
            lambda rng: toys.rows(rng, columns=columns, rate=rate, planted=planted),  # noqa: B023 - used at once
            n,
            lambda found: bool(found) and _about(found[0].numbers) == name,  # noqa: B023 - used at once
        )
        what = f"{WORDS[planted]}, {columns} columns"
        lines.append(_row(what, rate, tried, hits, n, least=0.8 if rate >= 0.1 else None))
    lines += [
        "",
        "Shortcuts, each planted in a data set of the package and learned by a model of it; the explanations "
        "are those of the whole test split:",
        "",
        "| planted | model | headline | warning | named |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_shortcut, CASES)])


WORDS = {
    "high": "the highest fifth of a column",
    "middle": "the middle fifth of a column",
    "group": "one of five groups",
}


def _planted() -> list[tuple[str, float, int]]:
    often = [(planted, 0.1, 12) for planted in WORDS]
    return [*often, ("high", 0.1, 30), ("high", 0.07, 12), ("high", 0.05, 12)]


def _nothing(toys: Any) -> list[tuple[str, float, Made]]:
    """What, share of errors, maker."""

    def words(rng: np.random.Generator) -> Overview:
        drawn = rng.zipf(1.5, size=(500, 12)) % 3000
        written = [[f"w{k}" for k in row] for row in drawn]
        return toys.texts(written, rng.normal(size=(500, 12)), wrong=rng.random(500) < 0.1)  # type: ignore[no-any-return]

    def pixels(rng: np.random.Generator) -> Overview:
        x = rng.random((500, 8, 8, 1)) * (rng.random((500, 8, 8, 1)) < 0.2)
        facts = {"brightness": x.mean(axis=(1, 2, 3)), "distance": rng.random(500)}
        mark = np.zeros((8, 8), dtype=bool)
        mark[2:6, 2:6] = True
        return toys.pictures(  # type: ignore[no-any-return]
            rng.normal(size=(500, 16)), wrong=rng.random(500) < 0.1, inputs=tuple(x), facts=facts,
            sure=rng.uniform(0.51, 0.999, 500), rationales=(mark,) * 500,
        )  # fmt: skip

    return [
        ("12 columns", 0.1, lambda rng: toys.rows(rng)),
        ("30 columns", 0.03, lambda rng: toys.rows(rng, columns=30, rate=0.03)),
        ("texts", 0.1, words),
        ("pictures", 0.1, pixels),
    ]


def _counted(make: Made, n: int, hit: Callable[[Any], bool]) -> tuple[int, int]:
    """In how many of n splits it was found, and how much was tried in the last with a warning."""
    from xaikit.judge.findings import searched

    hits = 0
    for seed in range(n):
        made = make(np.random.default_rng([seed, 41]))
        hits += hit(warnings(made))
    return hits, int(searched(made).numbers["tried"])


def _about(numbers: Any) -> object:
    where = numbers.get("where")
    return where.numbers.get("name") if where else None


def _row(
    what: str, rate: float, tried: int, hits: int, n: int,
    *, most: float | None = None, least: float | None = None,
) -> str:  # fmt: skip
    low, high = wilson(hits, n)
    bar = "–"
    if most is not None:
        bar = f"at most {most:.0%}: {'held' if hits <= most * n else 'missed'}"
    elif least is not None:
        bar = f"at least {least:.0%}: {'held' if hits >= least * n else 'missed'}"
    return f"| {what} | {rate:.0%} | {tried} | {hits / n:.1%} ({low:.1%}–{high:.1%}) | {bar} |"


def _shortcut(case: Any) -> str:
    told = sentences(case)
    head, warning = told[0], next(iter(told[1:]), "–")
    named = "yes" if any(case.names in sentence for sentence in told) else "no"
    return f"| {case.what} | `{case.architecture}` | {head} | {warning} | {named} |"
