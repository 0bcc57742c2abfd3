"""Whether one model is better than another, decided over the folds of repeated cross-validation.

Folds share training rows, so their differences are no independent draws: their spread is corrected
for the overlap (Nadeau & Bengio, Machine Learning 52, 2003), and the same law, read as a posterior
(Corani & Benavoli, Machine Learning 100, 2015), says how likely a difference is too small to matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import holm

__all__ = [
    "LOOKS",
    "ROPE",
    "Judged",
    "Word",
    "in_company",
    "judge_folds",
    "judge_looks",
    "one_digit",
]

ROPE = 0.01  # a point of accuracy (or of R2): less is too small to matter
LEVEL = 0.95
LOOKS = (2, 10)  # repeats of the folds: the second look only while undecided, never a third
EQUAL_AT = 1.03  # standard errors that a half width must stay below the region for "equal"

Word = Literal["worse", "clearly_worse", "equal", "better", "clearly_better", "cannot_tell"]


@dataclass(frozen=True)
class Judged:
    """How much better b is than a (positive: b is better).

    interval : 95 %, corrected for the overlap of the folds; error : its standard error
    p : two-sided, of no difference
    chances : that b is worse by more than the region, equal within it, better by more; sum 1
    rows : about how many rows would settle it, one digit; None where it is settled
    """

    difference: float
    interval: tuple[float, float]
    error: float
    p: float
    chances: tuple[float, float, float]
    word: Word
    rope: float
    n_folds: int
    rows: int | None = None

    @property
    def settled(self) -> bool:
        return self.word != "cannot_tell"


def judge_folds(differences: ArrayLike, n_rows: int, *, ratio: float, rope: float = ROPE) -> Judged:
    """What the differences of two models over the same folds say.

    differences : (J,) mean quality of b minus that of a on the held-out rows of each fold
    n_rows : of the whole data set
    ratio : held-out rows over training rows of a fold, 1 / (k - 1) for k folds
    rope : the region of differences that are too small to matter
    Raises `InvalidInput` for fewer than 2 folds, or a ratio or region that is not above 0.

    >>> judge_folds([0.02, 0.03, 0.02, 0.03, 0.02], 500, ratio=0.25).word
    'clearly_better'
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or len(d) < 2 or not np.isfinite(d).all():
        raise InvalidInput(
            f"differences of shape {d.shape} cannot be judged; give 2 or more finite numbers in a row."
        )
    if not (ratio > 0 and rope > 0):
        raise InvalidInput(f"ratio is {ratio} and rope {rope}; both must be above 0.")
    mean, n = float(d.mean()), len(d)
    error = math.sqrt((1 / n + ratio) * float(d.var(ddof=1)))
    half = float(student.ppf((1 + LEVEL) / 2, n - 1)) * error
    chances = _chances(mean, error, n - 1, rope)
    p = 2 * float(student.sf(abs(mean) / error, n - 1)) if error else float(mean == 0)
    word = _word(mean, p, chances)
    rows = _rows(n_rows, half, error, rope) if word == "cannot_tell" else None
    return Judged(mean, (mean - half, mean + half), error, p, chances, word, rope, n, rows)


def judge_looks(
    differences: ArrayLike, n_rows: int, *, folds: int, ratio: float, rope: float = ROPE
) -> Judged:
    """The two looks at folds that are all known: the first repeats, then all while undecided.

    differences : (repeats x folds,), repeat after repeat
    """
    d = np.asarray(differences, dtype=np.float64)
    first = judge_folds(d[: LOOKS[0] * folds], n_rows, ratio=ratio, rope=rope)
    last = d[: LOOKS[1] * folds]
    return first if first.settled else judge_folds(last, n_rows, ratio=ratio, rope=rope)


def in_company(judged: Sequence[Judged]) -> list[Judged]:
    """The same with "better" and "worse" corrected for the number of pairs (Holm 1979); of a pair that
    only its company unsettles no rows are forecast."""
    if not judged:
        return []
    adjusted = holm([j.p for j in judged])
    return [
        replace(j, p=float(p), word=_word(j.difference, float(p), j.chances))
        for j, p in zip(judged, adjusted, strict=True)
    ]


def one_digit(value: float) -> int:
    """Rounded to one digit, which is all that a forecast of rows holds."""
    scale = 10.0 ** math.floor(math.log10(value))
    return int(round(value / scale) * scale)


def _chances(mean: float, error: float, freedom: int, rope: float) -> tuple[float, float, float]:
    """Of a difference below the region, in it and above it; a spread of 0 leaves no doubt."""
    if error == 0:
        return float(mean < -rope), float(-rope <= mean <= rope), float(mean > rope)
    below = float(student.cdf((-rope - mean) / error, freedom))
    above = float(student.sf((rope - mean) / error, freedom))
    return below, 1.0 - below - above, above


def _word(mean: float, p: float, chances: tuple[float, float, float]) -> Word:
    below, equal, above = chances
    if equal > LEVEL:
        return "equal"
    if p < 1 - LEVEL:
        if mean > 0:
            return "clearly_better" if above > LEVEL else "better"
        return "clearly_worse" if below > LEVEL else "worse"
    return "cannot_tell"


def _rows(n_rows: int, half: float, error: float, rope: float) -> int:
    """An error shrinks with the root of the rows; "equal" needs half width + 1.03 errors <= region."""
    rows = one_digit(n_rows * ((half + EQUAL_AT * error) / rope) ** 2)
    scale = int(10 ** (len(str(n_rows)) - 1))
    return max(rows, (n_rows // scale + 1) * scale)  # more than those that did not do
