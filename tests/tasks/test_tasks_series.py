"""Series with a number as label: what decides it, and the simple answers beside a net."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xaikit
from xaikit.data import pulses
from xaikit.data.pulses import make_pulses
from xaikit.models.baselines import baselines_of


@pytest.fixture(scope="module")
def data():
    return make_pulses(0, 120)


@pytest.mark.parametrize("planted", ["hump", "block"])
def test_the_value_is_the_area_of_what_is_planted(planted, monkeypatch) -> None:
    monkeypatch.setattr(pulses, "NOISE", 0.0)
    for s in make_pulses(0, 40, planted).train:
        x, marked, decoy = s.x[:, 0], s.rationale[:, 0], np.zeros(96, bool)
        decoy[slice(*s.meta["decoy"])] = True
        assert not (marked & decoy).any()
        assert not x[~marked & ~decoy].any()
        hump, block = (marked, decoy) if planted == "hump" else (decoy, marked)
        assert np.ptp(x[block]) == 0
        assert hump[x.argmax()] or x[block].max() == x.max()
        top = x[block].max() if planted == "block" else _crest(x[hump])
        assert s.label == pytest.approx(top * marked.sum(), abs=2e-3)


def _crest(x) -> float:
    """The height of a Hanning window of that many steps."""
    return float(x.max() / np.hanning(len(x) + 2).max())


def test_five_numbers_a_channel_on_a_straight_line(data) -> None:
    found = baselines_of(data)
    y = data.labels("train")
    assert np.array_equal(found["the mean"], np.full((len(data.test), 1), y.mean()))
    train, test = ([_five(x) for x in data.inputs(part)] for part in ("train", "test"))
    train, test = np.array(train), np.array(test)
    mean, wide = train.mean(axis=0), train.std(axis=0)
    z, off = (train - mean) / wide, y - y.mean()
    line = np.linalg.solve(z.T @ z + np.eye(5), z.T @ off)
    ridge = found["ridge on mean, sd, min, max and slope"][:, 0]
    assert np.allclose(ridge, y.mean() + (test - mean) / wide @ line)


def _five(x) -> list[float]:
    x = x[:, 0].astype(float)
    slope = np.polyfit(np.linspace(-1, 1, len(x)), x, 1)[0]
    return [x.mean(), x.std(), x.min(), x.max(), slope]


def test_tables_keep_the_mean_alone_and_series_stand_beside_ridge(data) -> None:
    assert baselines_of(xaikit.load_data("diabetes")) == {}
    model = xaikit.train("fcn_1d", data, epochs=1, width=4, progress=False)
    run = xaikit.study(model, data.test[:2], "occlusion", "none", data=data, overview=False)
    quality = run.context["model"]["quality"]
    assert quality["metric"] == "r2"
    assert set(quality["beside"]) == {"the mean", "ridge on mean, sd, min, max and slope"}
    assert quality["baseline"]["value"] == max(quality["beside"].values())


def test_the_same_seed_gives_the_same_series(data) -> None:
    assert make_pulses(0, 120).hash == data.hash
    assert make_pulses(1, 120).hash != data.hash
    assert replace(data, facts={}).hash == data.hash
