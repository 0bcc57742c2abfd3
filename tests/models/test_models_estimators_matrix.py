"""The estimators of docs/models.md: SHAP of each beside brute force, and what the table says of all methods."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from toy_estimators import CASES, Fitted, fitted
from toy_frames import on_frames

import xaikit

TEXT = (Path(xaikit.__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
PACKAGES = {"XGB": "xgboost", "LGBM": "lightgbm", "CatBoost": "catboost"}
MOST = {"LIME": 0.1, "change": 2e-4}  # of a probability of 0, which counts as 1e-7


def made(name: str) -> Fitted:
    for start, package in PACKAGES.items():
        if name.startswith(start):
            pytest.importorskip(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits so small
        return fitted(name)


@pytest.mark.parametrize("name", CASES)
def test_shap_of_each_is_brute_force_on_frames(name: str) -> None:
    case = made(name)
    background, row = case.frame[:8], case.frame[63:64]
    model = xaikit.wrap(case.estimator, background=background, **case.wrapped)
    found = xaikit.explain(model, row, ["shap"], target=case.target)[0]
    want = on_frames(lambda frame: case.ask(case.estimator, frame), row, background)
    assert found.names == tuple(row.columns)
    assert np.abs(found.values - want).max() <= 1e-6 * max(np.abs(want).max(), 1.0)


def test_the_table_tells_every_estimator_a_checked_number_or_a_reason() -> None:
    """Made by docs/make_estimators.py."""
    section = TEXT.partition("## Estimators on frames")[2]
    names = [*CASES, "ONNX, two layers"]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    head, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in rows] == names
    cells = [(h, cell) for row in rows for h, cell in zip(head[2:], row[2:], strict=True)]
    refused = [cell for _, cell in cells if cell.startswith("[")]
    assert all(f"* {cell} " in section for cell in refused)
    told = {(h, cell) for h, cell in cells if not cell.startswith("[")}
    assert not [(h, cell) for h, cell in told if float(cell) > MOST.get(h, 1e-6)]
    count = f"{len(cells) - len(refused)} cells hold a number that was checked and {len(refused)} a"
    assert count in section
