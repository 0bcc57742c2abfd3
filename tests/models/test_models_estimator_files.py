"""Folders of scikit-learn models: replaced whole, and read only when they can be trusted."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from xaikit.core.errors import ModelError
from xaikit.data import load_data
from xaikit.models.features import WordGrams
from xaikit.models.sklearn import fit_estimator, load_estimator, save_estimator, wrap_estimator
from xaikit.models.store import load_model


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


def rewritten(folder: Path, change: Callable[[Any], None]) -> None:
    """The skops file with another schema, every checksum right."""
    with zipfile.ZipFile(folder / "model.skops") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(held["schema.json"])
    change(schema)
    held["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, (dict, list)):
            yield from objects(item)


def first_tree(schema: Any) -> Any:
    return next(o for o in objects(schema) if o.get("__loader__") == "TreeNode")


def more_outputs(schema: Any) -> None:
    first_tree(schema)["__reduce__"]["args"]["content"][2].update(content="1000000", __id__=1)


def more_nodes(schema: Any) -> None:
    first_tree(schema)["content"]["content"]["node_count"].update(content="1000000", __id__=1)


def another_number(schema: Any) -> None:
    """Something that skops meets before the tree, and would make in the place of its state."""
    state = first_tree(schema)["content"]
    decoy = {**state, "content": {**state["content"], "node_count": {**state["content"]["max_depth"], "content": "1000000", "__id__": 1}}}  # fmt: skip
    schema["content"]["content"] = {"decoy": decoy, **schema["content"]["content"]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (more_outputs, "a tree is not as long as it says"),
        (more_nodes, "a tree is not as long as it says"),
        (another_number, "a part of a tree has the number of another object"),
    ],
)
def test_a_tree_that_would_end_the_process_is_refused(saved: Path, change: Any, told: str) -> None:
    """scikit-learn reads so many outputs and nodes in C, whatever the arrays hold."""
    rewritten(saved, change)
    with pytest.raises(ModelError, match=rf"model.skops' is damaged: {told}; save the model again"):
        load_estimator(saved)


def test_a_tree_whose_leaf_is_none_is_refused(saved: Path) -> None:
    """Only -1 is a leaf to scikit-learn; it goes on at any other number."""
    model = load_estimator(saved)
    model.estimator.estimators_[0].tree_.children_left[0] = -2
    save_estimator(model, saved)
    with pytest.raises(ModelError, match="a tree leads to nodes or columns that do not exist"):
        load_estimator(saved)


def test_a_tree_of_an_estimator_within_is_looked_at(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    inner = GradientBoostingRegressor(n_estimators=2).fit(x, x[:, 0])
    model = wrap_estimator(make_pipeline(inner), id="own", modality="table", background=x[:9])
    folder = save_estimator(model, tmp_path / "m")
    assert np.array_equal(load_estimator(folder).scores(x), model.scores(x))
    inner.estimators_[1, 0].tree_.feature[0] = 10**6
    save_estimator(model, folder)
    with pytest.raises(ModelError, match="a tree leads to nodes or columns that do not exist"):
        load_estimator(folder)


@pytest.mark.parametrize("name", ["_intercept_", "_dual_coef_", "support_", "_n_support"])
def test_a_machine_whose_arrays_are_short_is_refused(tmp_path: Path, name: str) -> None:
    model = fit_estimator("svm", load_data("wine"))
    machine = model.estimator.calibrated_classifiers_[0].estimator
    setattr(machine, name, getattr(machine, name)[..., :1].copy())
    folder = save_estimator(model, tmp_path / "m")
    with pytest.raises(
        ModelError, match=r"numbers of a support vector machine do not fit together"
    ):
        load_estimator(folder)


def test_a_pipeline_that_gives_no_answer_is_refused(saved: Path) -> None:
    model = load_estimator(saved)
    model.estimator.n_classes_ = "three"
    save_estimator(model, saved)
    with pytest.raises(
        ModelError, match=r"the model in '.*model' gives no answer \(\w+: .*; save it"
    ):
        load_estimator(saved)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers overflow on the way
def test_a_pipeline_that_fails_on_some_of_its_rows_is_refused(tmp_path: Path) -> None:
    model = fit_estimator("logistic", load_data("wine"))
    model.background = np.array([*model.background[:5], np.full(13, 1e300)])
    model.pipeline.steps[0][1].scale_[:] = 1e-300
    folder = save_estimator(model, tmp_path / "m")
    with pytest.raises(
        ModelError,
        match=r"the model in '.*m' gives no answer \(ValueError: Input X contains infinity",
    ):
        load_model(folder)


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
