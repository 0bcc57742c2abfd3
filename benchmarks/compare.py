"""What the comparison of models is held to: the tables of docs/results.md.

    python -m benchmarks.compare rule       the rule on planted truths, refitted in every fold

It prints its table and writes it between its markers in docs/results.md; about two minutes on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import ttest_1samp

from xaikit.core.types import Floats
from xaikit.judge.rule import LOOKS, Judged, judge_folds, judge_looks

PAGE = Path(__file__).parent.parent / "docs" / "results.md"
REPEATS, FOLDS, COLUMNS = 400, 5, 10
RATIO = 1 / (FOLDS - 1)


@dataclass(frozen=True)
class Planted:
    """Two sides with known errors that answer a known share of the rows differently."""

    n: int
    differ: float
    errors: tuple[float, float] = (0.15, 0.15)

    def draw(self, rng: np.random.Generator) -> tuple[list[Floats], Floats]:
        """Columns of each side (n, 10) and labels (n,) of -1 and 1.

        The score of each side and that behind the label are normal; two signs of correlation r
        differ in arccos(r) / pi of the rows. A side sees its score turned into ten columns.
        """
        a, b, r = (np.cos(np.pi * share) for share in (*self.errors, self.differ))
        law = np.array([[1, r, a], [r, 1, b], [a, b, 1]])
        scores = rng.multivariate_normal(np.zeros(3), law, self.n, method="cholesky")
        sides = []
        for score in scores.T[:2]:
            turn = np.linalg.qr(rng.normal(size=(COLUMNS, COLUMNS)))[0]
            sides.append(np.column_stack([score, rng.normal(size=(self.n, COLUMNS - 1))]) @ turn)
        return sides, np.sign(scores[:, 2])

    def folds(self, seed: int) -> tuple[Floats, float]:
        """(50,) differences in accuracy of least squares refitted in every fold, and the share of
        held-out rows of the first repeat on which the two answer differently."""
        rng = np.random.default_rng(seed)
        sides, y = self.draw(rng)
        found, apart = [], []
        for repeat in range(LOOKS[1]):
            for held in np.array_split(rng.permutation(self.n), FOLDS):
                told = [_told(x, y, held) for x in sides]
                found.append(np.mean(told[1] == y[held]) - np.mean(told[0] == y[held]))
                if not repeat:
                    apart.append(np.mean(told[0] != told[1]))
        return np.array(found), float(np.mean(apart))


def _told(x: Floats, y: Floats, held: Floats) -> Floats:
    """Signs on the held-out rows of a fit on all others."""
    gram = x.T @ x - x[held].T @ x[held]
    return np.sign(x[held] @ np.linalg.solve(gram, x.T @ y - x[held].T @ y[held]))


ROWS = (
    *(Planted(2000, differ) for differ in (0.05, 0.17, 0.25)),
    *(Planted(2000, differ, (0.15, 0.12)) for differ in (0.05, 0.17, 0.25)),
    *(Planted(5000, differ) for differ in (0.04, 0.05)),
)


def rule() -> str:
    """A row a planted truth: how often each word is said, and how often the interval holds it."""
    lines = [
        "| planted | rows | differ | better | worse | equal | cannot tell | interval holds | folds | naive t, 50 folds: a difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for planted in ROWS:
        drawn = [planted.folds(seed) for seed in range(REPEATS)]
        differences = [d for d, _ in drawn]
        lines.append(_line(planted, differences, float(np.mean([apart for _, apart in drawn]))))
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _line(planted: Planted, differences: Sequence[Floats], apart: float) -> str:
    gain = planted.errors[0] - planted.errors[1]
    truth = 0.0 if not gain else float(np.mean(differences))
    judged = [judge_looks(d, planted.n, folds=FOLDS, ratio=RATIO) for d in differences]
    words = [j.word.removeprefix("clearly_") for j in judged]
    whole = [judge_folds(d, planted.n, ratio=RATIO) for d in differences]
    said = [
        f"{100 * words.count(w) / len(words):.1f} %"
        for w in ("better", "worse", "equal", "cannot_tell")
    ]
    naive = np.mean([ttest_1samp(d, 0.0).pvalue < 0.05 for d in differences])
    cells = [
        f"+{100 * gain:.0f} points" if gain else "equal",
        f"{planted.n:,}",
        f"{100 * apart:.0f} %",
        *said,
        f"{100 * min(_held(judged, truth), _held(whole, truth)):.1f} %",
        f"{np.mean([j.n_folds for j in judged]):.0f}",
        f"{100 * naive:.0f} %",
    ]
    return "| " + " | ".join(cells) + " |"


def _held(judged: Sequence[Judged], truth: float) -> float:
    return float(np.mean([j.interval[0] <= truth <= j.interval[1] for j in judged]))


def write(name: str, table: str) -> None:
    """Puts a table between its markers."""
    start, end = f"<!-- compare {name} -->", f"<!-- end of compare {name} -->"
    text = PAGE.read_text("utf-8")
    head, rest = text.split(start)
    PAGE.write_text(f"{head}{start}\n{table}\n{end}{rest.split(end)[1]}", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["rule"]:
        sys.exit(__doc__)
    write("rule", rule())
