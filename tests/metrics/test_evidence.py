"""The scripts behind docs/evidence.md: small, on one case."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import evidence


@pytest.fixture
def game() -> evidence.Game:
    """v = 2 of the first feature, 1 of the second, 4 of both together; a third that does nothing."""
    pair = np.array([0.0, 2.0, 1.0, 7.0])
    return evidence.Game(np.concatenate([pair, pair]), "small")


def test_the_exact_answers_are_those_of_a_game_by_hand(game) -> None:
    assert game.shapley() == pytest.approx([4.0, 3.0, 0.0])
    model = evidence.GameModel(game)
    assert model.scores([np.array([1.0, 1.0, 0.0]), np.zeros(3)]).tolist() == [[7.0], [0.0]]
    additive = evidence.Game(np.array([0.0, 2.0, 1.0, 3.0]), "small")
    assert additive.lime() == pytest.approx([2.0, 1.0])


def test_lime_s_least_squares_weights_masks_as_its_kernel_does(game) -> None:
    rows = game.masks()
    weight = np.exp(-((1 - np.sqrt(rows.mean(axis=1))) ** 2) / (2 * 0.25**2))
    design = np.column_stack([np.ones(8), rows])
    slopes = np.linalg.solve(design.T * weight @ design, design.T * weight @ game.values)[1:]
    assert game.lime() == pytest.approx(slopes)


def test_the_share_of_intervals_that_hold() -> None:
    values, std = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.1, 0.1])
    assert evidence._share(values, std, np.array([1.1, 2.3, 3.19])) == pytest.approx(2 / 3)
    assert np.isnan(evidence._share(values, np.zeros(3), values))


def test_a_section_is_put_between_its_markers_and_the_rest_is_kept(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(evidence, "PAGE", tmp_path / "evidence.md")
    for section, text in (("coverage", "one"), ("trials", "two"), ("coverage", "three")):
        evidence.write(section, text)
    page = (tmp_path / "evidence.md").read_text(encoding="utf-8")
    assert page == (
        "# Evidence\n\n<!-- coverage -->\nthree\n<!-- end of coverage -->\n"
        "\n<!-- trials -->\ntwo\n<!-- end of trials -->\n"
    )


def test_the_trials_print_a_row_an_explainer(capsys) -> None:
    assert evidence.main(["trials", "--n", "1", "--dry"]) == 0
    text = capsys.readouterr().out
    assert "| exact Shapley values | sound | 0 of 1 | 0.0% (0.0%–79.3%) |" in text
    assert "python -m benchmarks.evidence trials --n 1" in text
