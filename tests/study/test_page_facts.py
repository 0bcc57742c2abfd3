"""What a study keeps for its page: maps on shifted grids, and the answer along one column."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import xaikit
from xaikit.core.types import Sample
from xaikit.models import wrap
from xaikit.study.run import Run
from xaikit.study.smooth import side_of
from xaikit.study.study import study

rng = np.random.default_rng(0)
WEIGHTS = rng.normal(size=(8, 8))


def picture_run(**asked: object) -> tuple[Run, Sample]:
    """A linear model of 8 x 8 pixels whose ground is black, cut into four patches of 4 x 4."""
    model = wrap(
        lambda x: np.stack([0 * x.sum(axis=(1, 2, 3)), (x[..., 0] * WEIGHTS).sum(axis=(1, 2))], axis=1),
        modality="image", classes=("no", "yes"), outputs="logits", background=rng.uniform(size=(4, 8, 8, 1)),
    )  # fmt: skip
    sample = Sample("s", rng.uniform(size=(8, 8, 1)), "image")
    run = study(
        model, [sample], ["shap", "random"], "fast", features="patches:2", masker="black",
        target="yes", overview=False, **asked,
    )  # fmt: skip
    return run, sample


def test_a_smooth_map_is_the_mean_over_shifted_patches() -> None:
    """Of a linear model a patch says the mean of weight times value over its pixels."""
    run, sample = picture_run()
    (found,) = run.context["smooth"]
    assert (found["sample"], found["method"], found["shifts"]) == ("s", "shap", 16)
    part = (sample.x[..., 0] * WEIGHTS).astype(float)
    expected = np.zeros((8, 8))
    for dy in range(4):
        for dx in range(4):
            for y in range(8):
                for x in range(8):
                    top, left = (y + dy) // 4 * 4 - dy, (x + dx) // 4 * 4 - dx
                    inside = part[max(top, 0) : top + 4, max(left, 0) : left + 4]
                    expected[y, x] += inside.mean() / 16
    assert np.array(found["map"]) == pytest.approx(expected, abs=2e-3 * np.abs(expected).max())


def test_only_equal_patches_have_shifted_grids() -> None:
    even = (np.arange(7) // 2)[:, None] * 4 + np.arange(7) // 2
    assert side_of(even) == 2
    assert side_of(even[:, ::-1]) == 0
    assert side_of(np.where(even == 3, -1, even)) == 0
    assert side_of(np.arange(5)) == 0


def test_a_smooth_map_comes_back_from_its_folder(tmp_path) -> None:
    run, _ = picture_run()
    assert Run.load(run.save(tmp_path / "run")).context["smooth"] == run.context["smooth"]


def rows_model():
    """The second class when 2 a + b is above 3."""
    rows = rng.uniform(0, 4, size=(60, 2))
    return wrap(
        lambda x: np.stack([0 * x[:, 0], 4 * (2 * x[:, 0] + x[:, 1] - 3)], axis=1),
        modality="table", classes=("low", "high"), outputs="logits", background=rows,
    )  # fmt: skip


def test_the_answer_along_a_column_turns_where_the_model_does() -> None:
    sample = Sample("s", np.array([0.5, 1.0]), "table")
    found = xaikit.counterfactual(rows_model(), sample)
    line = found.along
    assert line is not None
    assert [c.name for c in found.changes] == [line.column] == ["x0"]
    other = sample.x[1]
    at, share = np.array(line.at), np.array(line.share)
    assert share == pytest.approx(1 - expit(4 * (2 * at + other - 3)), abs=2e-4)
    assert line.row == 0.5
    assert line.turn == pytest.approx((3 - other) / 2, abs=0.03)
    assert np.abs(at - found.changes[0].after).min() < 1e-4
    assert found.facts()["curve"]["turn"] == line.turn


def test_a_study_asks_what_would_have_changed_each_answer_when_told_to() -> None:
    samples = [
        Sample("a", np.array([0.5, 1.0]), "table"),
        Sample("b", np.array([3.0, 3.0]), "table"),
    ]
    asked = study(rows_model(), samples, "occlusion", "none", flips="auto", overview=False)
    assert [f["sample"] for f in asked.context["flips"]] == ["a", "b"]
    assert all(f["kind"] == "change" for f in asked.context["flips"])
    assert "flips" not in study(rows_model(), samples, "occlusion", "none", overview=False).context


def test_what_stands_in_for_a_removed_patch_is_told_as_a_colour() -> None:
    run, _ = picture_run(flips="auto")
    (flip,) = run.context["flips"]
    assert len(flip["fills"]) == len(flip["removed"])
    assert np.array(flip["fills"]) == pytest.approx(np.zeros((len(flip["removed"]), 1)))  # black
