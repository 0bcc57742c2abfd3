"""The benchmarks' own arithmetic, against games with known answers."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no part of the package

pytest.importorskip("captum")
pytest.importorskip("shapiq")

from benchmarks.evaluations import Curve, reach
from benchmarks.oddshap import _walsh, oddshap
from benchmarks.shapley_accuracy import Table
from benchmarks.shapley_peers import OURS, PACKAGES, RESEARCH, Counted
from xaikit.shapley.exact import coalition_masks

MASKS = coalition_masks(8, 0, 2**8)
LINEAR = np.array([3.0, -1, 0.5, 0, 2, 1, -4, 1])


def test_oddshap_finds_a_product_of_three():
    signs = np.where(MASKS, 1.0, -1.0)
    game = Table(MASKS @ LINEAR + 2 * signs[:, 1] * signs[:, 4] * signs[:, 6])
    expected = LINEAR + 4 / 3 * np.isin(np.arange(8), [1, 4, 6])  # phi_i = 2 c / |T|
    np.testing.assert_allclose(game.shapley(), expected, atol=1e-12)
    np.testing.assert_allclose(oddshap(game, 8, 130, 0), expected, atol=5e-3)  # a small ridge


def test_walsh_coefficients_are_means_over_all_coalitions():
    values = np.random.default_rng(0).normal(size=2**8)
    for subset in ([], [0], [2, 7], [1, 3, 5]):
        parity = np.prod(np.where(MASKS[:, subset], 1.0, -1.0), axis=1)
        number = sum(1 << i for i in subset)
        assert abs(_walsh(values)[number]) == pytest.approx(abs(np.mean(values * parity)))


PEERS = sorted({*OURS, *PACKAGES, *RESEARCH} - {"shap.Permutation"})  # which compiles for 30 s


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_is_asked_rightly(name):
    game = Counted(Table(MASKS @ LINEAR + 7.0))
    before = np.random.get_state()[1].copy()
    values = (OURS | PACKAGES | RESEARCH)[name](game, 120, 0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    rough = name in ("shapiq.SVARM", "captum.KernelShap")
    np.testing.assert_allclose(values, LINEAR, atol=2.5 if rough else 1e-3)
    assert 100 <= game.rows <= 122


def test_reach_interpolates_between_budgets():
    evaluations = np.array([10.0, 100.0, 1000.0])[:, None, None] * np.ones((3, 5, 1))
    error = np.array([1e-1, 1e-3, 1e-5])[:, None, None] * np.ones((3, 5, 1))
    curve = Curve(evaluations, error, error, evaluations / 8)
    assert reach(curve, 1e-2)[1] == pytest.approx(10**1.5)
    assert reach(curve, 1e-1) == pytest.approx((10, 10, 10))
    assert reach(curve, 1e-6) == (math.inf,) * 3
