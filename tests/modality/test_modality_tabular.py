"""Columns and what stands for a missing one."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample
from xaikit.modalities import masker, segment
from xaikit.modalities.rows import nearest

ROW = Sample("r", [1.0, 5.0, 2.0], "table")
#                 measure, whole number of many values, code
ROWS = np.array([[0.5, 10, 1], [2.5, 20, 1], [4.5, 90, 0], [8.5, 40, 2], [9.5, 30, 1]])


def test_columns_are_features() -> None:
    assert segment(ROW).names == ("x0", "x1", "x2")
    assert segment(ROW, "columns", ["age", "pay", "job"]).names == ("age", "pay", "job")
    with pytest.raises(InvalidInput, match="2 column names were given for the 3 columns"):
        segment(ROW, names=["age", "pay"])


def test_rows_are_the_backgrounds_own_up_to_fifty() -> None:
    found = masker(ROW, segment(ROW), ROWS)
    assert found.references.tolist() == ROWS.tolist()
    many = np.arange(300.0).reshape(100, 3)
    some = masker(ROW, segment(ROW), many).references
    assert some.shape == (50, 3)
    assert some[0, 0] == 0.0
    assert some[-1, 0] == 297.0
    assert {tuple(r) for r in some} <= {tuple(r) for r in many}


def test_median_takes_the_middle_and_of_codes_the_most_frequent() -> None:
    cut = segment(ROW)
    stated = masker(ROW, cut, ROWS, "median", categorical=[False, False, True])
    assert stated.references.tolist() == [[4.5, 30, 1]]
    # without a word on it, whole numbers of few values count as codes: the first of the most frequent
    assert masker(ROW, cut, ROWS, "median").references.tolist() == [[4.5, 10, 1]]
    wide = np.column_stack([np.arange(21.0)] * 3)
    assert masker(ROW, cut, wide, "median").references.tolist() == [[10, 10, 10]]
    with pytest.raises(InvalidInput, match=r"categorical has shape \(2,\)"):
        masker(ROW, cut, ROWS, "median", categorical=[True, False])


def test_column_shuffle_keeps_each_column_and_breaks_the_rows() -> None:
    rows = np.repeat(np.arange(40.0)[:, None], 3, axis=1)
    found = masker(ROW, segment(ROW), rows, "column_shuffle").references
    assert all(sorted(found[:, c]) == sorted(rows[:, c]) for c in range(3))
    assert (found[:, 0] != found[:, 1]).mean() > 0.8
    again = masker(ROW, segment(ROW), rows, "column_shuffle").references
    assert np.array_equal(found, again)


def test_every_masker_of_a_table_needs_a_background() -> None:
    with pytest.raises(InvalidInput, match="the masker 'rows' needs background rows"):
        masker(ROW, segment(ROW))


GAPPY = np.array([[1.0, np.nan], [2.0, 0.0], [np.nan, 0.0], [6.0, 1.0]])


def test_medians_and_spreads_are_of_the_values_that_are_there() -> None:
    sample = Sample("a", np.array([3.0, np.nan]), "table")
    cut = segment(sample)
    typical = masker(sample, cut, GAPPY, "median", categorical=[False, True])
    assert typical.references.tolist() == [[2.0, 0.0]]
    wide = sample.kind.spread(sample.x, GAPPY, {})
    assert np.allclose(wide, [np.std([1, 2, 6]), np.std([0, 0, 1])])
    with pytest.raises(
        InvalidInput, match="2 of 4 background rows have missing values; use 'given_ne"
    ):
        masker(sample, cut, GAPPY, "given_gaussian", categorical=[False, False])
    with pytest.raises(InvalidInput, match="sample 'b' holds infinity at"):
        Sample("b", np.array([np.inf, 0.0]), "table")


def test_a_missing_value_is_near_a_missing_one() -> None:
    sample = Sample("a", np.array([3.0, np.nan]), "table")
    rows = np.repeat(GAPPY, [1, 10, 10, 10], axis=0)
    near = masker(sample, segment(sample), rows, "given_nearest", categorical=[False, True])
    stood = near.stand_ins(sample.x, np.array([[False, True]]))[0]
    assert 1.0 in stood[:, 0]  # of the only row without a second value


def test_the_nearest_rows_forgive_the_column_that_is_furthest_off() -> None:
    rows = np.array([[0.0, 0, 0], [3, 3, 3], [1, 1, 1], [9, 9, 9]])
    x = np.array([1.0, 99.0, 1.0])  # as the third, but for a broken column
    found, told = nearest(rows, x, 2, "rows")
    assert found.tolist() == [[1, 1, 1], [0, 0, 0]]
    assert told == "the 2 nearest of 4 rows"
    pairs, _ = nearest(rows[:, :2], x[:2], 1, "rows")  # of two columns both count
    assert pairs.tolist() == [[9, 9]]
