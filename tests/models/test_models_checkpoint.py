"""Model folders: what is saved comes back to the bit, and a bad folder ends in one sentence."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_zoo import CELLS, SMALL, line_data, toy_data

from xaikit.core.errors import ModelError
from xaikit.models.store import load_model, save_model
from xaikit.models.training import train
from xaikit.models.wrapping import wrap


def quick(name, data, **params):
    return train(name, data, progress=False, device="cpu", epochs=1, batch_size=6, **params)


@pytest.mark.parametrize(("name", "modality"), CELLS)
def test_what_is_saved_comes_back_to_the_bit(name, modality, tmp_path):
    data = toy_data(modality)
    model = quick(name, data, **SMALL[name])
    state = torch.random.get_rng_state()
    found = load_model(save_model(model, tmp_path / "model"), device="cpu")
    assert torch.equal(torch.random.get_rng_state(), state)
    xs = data.inputs("test")
    assert np.array_equal(found.scores(xs), model.scores(xs))
    assert type(found) is type(model)
    for field in ("id", "classes", "space", "modality", "reads", "centre", "scale"):
        assert getattr(found, field) == getattr(model, field)
    assert found.info == json.loads(json.dumps(model.info))
    assert found.layers() == model.layers()
    assert not any(p.requires_grad for p in found.net.parameters())
    if modality != "text":
        assert np.array_equal(found.background, model.background)
    names = {p.name for p in (tmp_path / "model").iterdir()}
    assert names == {"config.json", "model.safetensors"} | (
        set() if modality == "text" else {"background.npz"}
    )


def test_a_regressor_comes_back_in_its_units(tmp_path):
    model = quick("mlp", line_data())
    found = load_model(save_model(model, tmp_path / "m"))
    xs = line_data().inputs("test")
    assert np.array_equal(found.scores(xs), model.scores(xs))
    assert (found.classes, found.space) == ((), "value")


def test_a_scikit_learn_model_comes_back(tmp_path):
    model = train("logistic", toy_data("table"), progress=False)
    found = load_model(save_model(model, tmp_path / "m"))
    xs = toy_data("table").inputs("test")
    assert np.array_equal(found.scores(xs), model.scores(xs))


def test_a_model_is_replaced_and_nothing_else_is(tmp_path):
    data = toy_data("table")
    save_model(quick("mlp", data), tmp_path / "m")
    model = quick("mlp", data, seed=3)
    save_model(model, tmp_path / "m")
    xs = data.inputs("test")
    assert np.array_equal(load_model(tmp_path / "m").scores(xs), model.scores(xs))
    assert [p.name for p in tmp_path.iterdir()] == ["m"]  # no temporary folder is left
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"")
    with pytest.raises(
        ModelError, match=r"photos' is not empty and holds no model that xaikit wrote"
    ):
        save_model(model, tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.png").exists()


def test_a_save_that_fails_leaves_the_old_model(tmp_path):
    data = toy_data("table")
    old = quick("mlp", data)
    save_model(old, tmp_path / "m")
    broken = quick("mlp", data, seed=1)
    broken.info = {**broken.info, "note": float("nan")}
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_model(broken, tmp_path / "m")
    assert [p.name for p in tmp_path.iterdir()] == ["m"]
    xs = data.inputs("test")
    assert np.array_equal(load_model(tmp_path / "m").scores(xs), old.scores(xs))


def test_code_of_your_own_is_not_saved(tmp_path):
    model = wrap(
        torch.nn.Linear(2, 2), modality="table", classes=("a", "b"), sample=np.zeros(2), id="mine"
    )
    place = save_model(model, tmp_path / "m")
    assert {p.name for p in place.iterdir()} == {"config.json", "model.safetensors"}
    with pytest.raises(ModelError, match=r"saved of your own code, .*, which no folder makes run"):
        load_model(place)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    for modality, name in (("image", "resnet_small"), ("table", "mlp"), ("text", "lstm"), ("series", "fcn_1d")):  # fmt: skip
        save_model(quick(name, toy_data(modality), **SMALL[name]), folder / modality)
    return folder


@pytest.fixture
def copied(saved, tmp_path):
    def copy(modality: str) -> Path:
        target = tmp_path / modality
        target.mkdir()
        for file in (saved / modality).iterdir():
            (target / file.name).write_bytes(file.read_bytes())
        return target

    return copy


def edit(folder: Path, path: str, value: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    *parents, last = path.split(".")
    inner = config
    for name in parents:
        inner = inner[name]
    inner[last] = value
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("modality", "path", "value", "text"),
    [
        ("table", "format", 2, r"format is 2; it must be a whole number from 1 to 1"),
        ("table", "architecture", "gpt9", r"architecture is 'gpt9'; it must be one of lenet"),
        ("table", "architecture", "lenet", r"architecture is 'lenet'; it must be one that reads table"),
        ("table", "architecture", ["mlp"], r"architecture is \['mlp'\]; it must be one of lenet"),
        ("table", "classes", ["a", "a", "b"], r"classes is .*; it must be a list of at most 100000 different"),
        ("table", "classes", ["a"], r"classes is \['a'\]; it must be"),
        ("table", "classes", ["a", "b"], r"'layers.7.bias' has shape \(3,\) and config.json asks for \(2,\)"),
        ("table", "parameters.width", 10**12, r"width is 1000000000000; it must be from 1 to 8192"),
        ("table", "parameters.width", 9, r"do not belong together"),
        ("table", "parameters.depth", 10**9, r"depth is 1000000000; it must be from 1 to 64"),
        ("table", "parameters.__class__", 1, r"parameters is .*; it must be settings out of width, depth"),
        ("table", "parameters", 7, r"parameters is 7; it must be an object"),
        ("table", "scale", 0, r"scale is 0; it must be a finite number above 0"),
        ("table", "centre", float("nan"), r"centre is nan; it must be a finite number"),
        ("table", "inputs.kind", "pickle", r"kind is 'pickle'; it must be one of pixels, columns"),
        ("table", "inputs.categories", [0, 0, 10**9, 2], r"categories is .*; it must be a list of whole numbers from 0 to 10000"),
        ("table", "inputs.std", [1.0, 1.0, 0.0, 1.0], r"std is .*; it must be finite numbers above 0"),
        ("table", "inputs.mean", [1.0], r"mean is \[1.0\]; it must be a list of 4 numbers"),
        ("image", "inputs.shape", [100000, 100000, 2], r"shape is .*; it must be at most 16777216 values"),
        ("image", "inputs.shape", [8, 12], r"shape is \[8, 12\]; it must be a list of 3"),
        ("image", "inputs.shape", [8, 16, 2], r"background.npz holds \(12, 8, 12, 2\); the model reads"),
        ("image", "inputs.shape", [8, True, 2], r"it must be a list of whole numbers"),
        ("text", "inputs.vocabulary", "words", r"vocabulary is 'words'; it must be a list of texts"),
        ("text", "inputs.n_buckets", 10**15, r"n_buckets is 1000000000000000; it must be a whole"),
        ("text", "inputs.vocabulary", ["a"], r"'words.word.weight' has shape .* asks for \(4, "),
        ("text", "parameters.embedding", 10**9, r"embedding is 1000000000; it must be a whole"),
        ("text", "parameters.pool", "first", r"pool is 'first'; use one of last"),
        ("series", "inputs.shape", [0, 2], r"it must be a list of whole numbers from 1"),
    ],
)  # fmt: skip
def test_a_config_that_breaks_a_rule_is_refused(copied, modality, path, value, text):
    folder = copied(modality)
    edit(folder, path, value)
    with pytest.raises(ModelError, match=text):
        load_model(folder)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "background.npz"])
def test_a_missing_or_broken_file_is_named(copied, file):
    folder = copied("image")
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=rf"{file}' (is no JSON|cannot be read)"):
        load_model(folder)
    (folder / file).write_bytes(b"")
    with pytest.raises(ModelError, match=rf"{file}' (is no JSON|cannot be read)"):
        load_model(folder)
    (folder / file).unlink()
    with pytest.raises(ModelError, match=rf"is no model folder: {file} is missing"):
        load_model(folder)


def test_other_json_and_other_folders_are_refused(copied, tmp_path):
    folder = copied("table")
    (folder / "config.json").write_text("[1]")
    with pytest.raises(ModelError, match=r"holds no JSON object"):
        load_model(folder)
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(ModelError, match=r"is no JSON"):
        load_model(folder)
    with pytest.raises(ModelError, match=r"nowhere' is no model folder: config.json is missing"):
        load_model(tmp_path / "nowhere")


def test_weights_that_cannot_be_are_refused(copied):
    folder = copied("table")
    weights = load_file(folder / "model.safetensors")
    for change, text in (
        ({"layers.7.bias": torch.tensor([0.0, torch.nan, 0.0])}, r"'layers.7.bias' holds NaN"),
        (
            {"layers.7.bias": torch.zeros(3, dtype=torch.float64)},
            r"'layers.7.bias' is torch.float64",
        ),
        ({"layers.7.bias": torch.zeros(4)}, r"'layers.7.bias' has shape \(4,\)"),
        ({"extra": torch.zeros(1)}, r"'extra' has shape \(1,\) and config.json asks for none"),
    ):
        save_file({**weights, **change}, folder / "model.safetensors")
        with pytest.raises(ModelError, match=text):
            load_model(folder)


def test_no_pickle_is_read(copied):
    folder = copied("table")

    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('a pickle was run')",))

    trap = pickle.dumps(Trap())
    (folder / "model.safetensors").write_bytes(trap)
    with pytest.raises(ModelError, match=r"model.safetensors' cannot be read"):
        load_model(folder)
    folder = copied("image")
    np.savez(folder / "background.npz", background=np.array([None, 1], dtype=object))
    with pytest.raises(
        ModelError, match=r"background.npz' cannot be read: .* holds Python objects"
    ):
        load_model(folder)
    with zipfile.ZipFile(folder / "background.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other.npy", b"")
    with pytest.raises(ModelError, match=r"background.npz' cannot be read"):
        load_model(folder)


@pytest.mark.parametrize(("kind", "bad"), [("table", np.inf), ("series", np.nan)])
def test_a_background_that_is_not_finite_is_refused(copied, kind, bad):
    folder = copied(kind)
    with np.load(folder / "background.npz") as held:
        rows = np.full_like(held["background"], bad)
    np.savez(folder / "background.npz", background=rows)
    with pytest.raises(ModelError, match=r"background.npz holds NaN or infinity"):
        load_model(folder)
