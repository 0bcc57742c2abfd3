"""Weighted lines: a matrix that is not positive definite, and masks in pairs."""

from __future__ import annotations

import numpy as np

from xaikit.methods import weighted_lines
from xaikit.methods.weighted_lines import Frame
from xaikit.shapley.pairs import both_of


def test_a_mask_is_followed_by_its_complement():
    masks = np.array([[True, False, False], [False, True, True]])
    found = [[1, 0, 0], [0, 1, 1], [0, 1, 1], [1, 0, 0]]
    np.testing.assert_array_equal(both_of(masks), np.array(found, dtype=bool))


def test_a_matrix_that_cholesky_refuses_is_inverted_all_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    masks, weights = rng.random((20, 6)) < 0.4, rng.random((20, 2))
    values, left_out = rng.normal(size=(20, 2)), np.full(20, 0.5)
    right = Frame(masks, weights, left_out).line(values, 0.3)

    def refused(matrix, *, overwrite):
        assert overwrite
        matrix[np.triu_indices(len(matrix))] = np.nan  # what lapack has worked on

    monkeypatch.setattr(weighted_lines, "positive_inverse", refused)
    found = Frame(masks, weights, left_out).line(values, 0.3)
    for one, other in zip(found, right, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
