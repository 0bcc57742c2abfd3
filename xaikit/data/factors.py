"""`factors`: twelve columns made of three hidden factors, and rows of which one column breaks the rule."""

from __future__ import annotations

import numpy as np

from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Column, Dataset

__all__ = ["make_factors"]

N_TRAIN, N_VAL, N_TEST = 1600, 300, 300
N_COLUMNS, N_FACTORS = 12, 3


def make_factors(seed: int) -> Dataset:
    """Normal rows to learn from; half of the test rows are anomalies: one column took the value that it has
    in another row, so that it is inside its range and against the others. The column is known."""
    rng = np.random.default_rng([seed, 4])
    load = rng.normal(size=(N_FACTORS, N_COLUMNS))
    bend = rng.normal(size=(N_FACTORS, N_COLUMNS))
    n = N_TRAIN + N_VAL + N_TEST
    hidden = rng.normal(size=(n, N_FACTORS))
    rows = 2 * np.tanh(hidden @ load) + hidden**2 @ bend + rng.normal(0, 0.1, (n, N_COLUMNS))
    odd = np.zeros(n, dtype=bool)
    odd[N_TRAIN + N_VAL :: 2] = True
    marks = np.zeros((n, N_COLUMNS), dtype=bool)
    spread = rows.std(axis=0)
    for i in np.flatnonzero(odd):
        marks[i, _broken(rows, spread, int(i), rng)] = True
    samples = [
        Sample(
            id=f"row-{i + 1}",
            x=rows[i],
            modality="table",
            label=int(odd[i]),
            rationale=marks[i] if odd[i] else None,
            meta={"rationale": "the column that breaks the rule"} if odd[i] else {},
        )
        for i in range(n)
    ]
    names = tuple(f"sensor {letter}" for letter in "ABCDEFGHIJKL")
    return Dataset(
        name="factors",
        modality="table",
        task="reconstruction",
        classes=(),
        outputs=("anomaly score", *(f"error of {name}" for name in names)),
        train=tuple(samples[:N_TRAIN]),
        val=tuple(samples[N_TRAIN : N_TRAIN + N_VAL]),
        test=tuple(samples[N_TRAIN + N_VAL :]),
        columns=tuple(map(Column, names)),
        source="Composed: twelve sensors that follow three hidden factors; in anomalies one of them does not.",
        facts={"rows": n, "split": "as composed; every row to learn from is normal"},
    )


def _broken(rows: Floats, spread: Floats, i: int, rng: np.random.Generator) -> int:
    """Gives one column of row i a value that it has in another row, at least 1.5 deviations off."""
    column = int(rng.integers(N_COLUMNS))
    far = np.flatnonzero(np.abs(rows[:N_TRAIN, column] - rows[i, column]) > 1.5 * spread[column])
    rows[i, column] = rows[int(rng.choice(far)), column]
    return column
