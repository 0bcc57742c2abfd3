"""Folders of scikit-learn models: replaced whole, and read only when they can be trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from xaikit.core.errors import ModelError
from xaikit.data import load_data
from xaikit.models.features import WordGrams
from xaikit.models.sklearn import fit_estimator, load_estimator, save_estimator


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_estimator(
        fit_estimator("forest", load_data("wine"), n_estimators=2), tmp_path / "model"
    )


def test_a_folder_is_replaced_whole_and_others_are_left_alone(saved: Path, tmp_path: Path) -> None:
    assert sorted(os.listdir(saved)) == ["background.npz", "config.json", "model.skops"]
    model = fit_estimator("tree", load_data("wine"))
    assert load_estimator(save_estimator(model, saved)).id == "wine-tree"
    assert os.listdir(tmp_path) == ["model"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("text")
    with pytest.raises(ModelError, match="mine' is not empty and holds no model that xaikit wrote"):
        save_estimator(model, tmp_path / "mine")
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_a_hostile_file_is_refused_and_runs_nothing(saved: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(tmp_path / "harm"),))

    forest = load_estimator(saved).pipeline
    forest.steps.append(("harm", Hostile()))
    skops.io.dump(forest, saved / "model.skops")
    with pytest.raises(ModelError, match=r"is not trusted: .*Hostile"):
        load_estimator(saved)
    assert not (tmp_path / "harm").exists()


def test_a_function_of_another_package_is_refused(saved: Path) -> None:
    grams = WordGrams()
    grams.analyse = os.getcwd
    skops.io.dump(make_pipeline(grams, LogisticRegression()), saved / "model.skops")
    with pytest.raises(ModelError, match=r"is not trusted: .*getcwd"):
        load_estimator(saved)


def test_trees_that_lead_nowhere_are_refused(saved: Path) -> None:
    model = load_estimator(saved)
    tree = model.estimator.estimators_[0].tree_
    tree.children_left[0] = 10**6
    save_estimator(model, saved)
    with pytest.raises(ModelError, match="a tree leads to nodes or columns that do not exist"):
        load_estimator(saved)


def test_what_is_wrong_with_a_folder_is_said(saved: Path, tmp_path: Path) -> None:
    def refused(text: str) -> None:
        with pytest.raises(ModelError, match=text):
            load_estimator(saved)

    with pytest.raises(ModelError, match=r"is no model folder: config.json is missing"):
        load_estimator(tmp_path / "nowhere")
    config = json.loads((saved / "config.json").read_text())
    for change, text in (
        ({"format": 9}, "format is 9; it must be a whole number from 1 to 1"),
        ({"family": "cnn"}, "family is 'cnn'; it must be one of sklearn"),
        ({"classes": "ab"}, "classes is 'ab'; it must be a list of texts"),
        ({"modality": "smell"}, "modality is 'smell'; it must be one of image"),
    ):
        (saved / "config.json").write_text(json.dumps({**config, **change}))
        refused(text)
    (saved / "config.json").write_text("{")
    refused("is no JSON")
    (saved / "config.json").write_text(json.dumps(config))
    (saved / "background.npz").write_bytes(b"noise")
    refused("background.npz' cannot be read")
    (saved / "background.npz").unlink()
    skops.io.dump(LogisticRegression(), saved / "model.skops")
    refused("holds a LogisticRegression, not a pipeline")
    (saved / "model.skops").write_bytes(b"noise")
    refused("model.skops' cannot be read: File is not a zip file")
    (saved / "model.skops").unlink()
    refused("model.skops is missing")
