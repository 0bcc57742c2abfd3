"""What was wrapped, saved: the very scores come back, and what a folder cannot hold is told by reason."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import xaikit
from xaikit.core.errors import ModelError
from xaikit.models.own_code import put_weights

ROWS = np.random.default_rng(0).normal(size=(20, 3))


class Own(nn.Module):
    """Code of somebody: two numbers a row, in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.tied = self.layer  # one weight under two names

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"aux": x, "out": self.tied(x)}


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Own()
    return xaikit.wrap(
        net, modality="table", classes=("no", "yes"), background=ROWS, mean=(1, 2, 3),
        std=(1, 2, 4), output="out", id="own",
    )  # fmt: skip


def test_a_module_of_your_own_comes_back_by_its_factory(model, tmp_path):
    place = model.save(tmp_path / "own")
    again = xaikit.load_model(place, factory=Own)
    np.testing.assert_array_equal(again.scores(list(ROWS)), model.scores(list(ROWS)))
    for name in ("id", "classes", "outputs", "space", "part", "modality"):
        assert getattr(again, name) == getattr(model, name)
    np.testing.assert_array_equal(again.background, model.background)
    assert again.inputs.config() == model.inputs.config()


def test_the_values_of_a_regressor_keep_their_names(tmp_path):
    net = nn.Linear(3, 2)
    model = xaikit.wrap(net, modality="table", names=("price", "area"), background=ROWS)
    again = xaikit.load(model.save(tmp_path / "two"), factory=lambda: nn.Linear(3, 2))
    assert again.task.outputs == ("price", "area")
    np.testing.assert_array_equal(again.scores(list(ROWS)), model.scores(list(ROWS)))


def test_code_that_a_folder_names_is_not_run(model, tmp_path):
    place = model.save(tmp_path / "own")
    config = json.loads((place / "config.json").read_text())
    assert config["code"].endswith("test_models_saved:Own")
    with pytest.raises(
        ModelError, match="saved of your own code, '.*:Own', which no folder makes run"
    ):
        xaikit.load_model(place)
    with pytest.raises(
        ModelError, match="'layer.bias' has shape .2,. and the module asks for .5,."
    ):
        xaikit.load_model(
            place,
            factory=lambda: nn.ModuleDict({"layer": nn.Linear(3, 5), "tied": nn.Linear(3, 5)}),
        )


def test_a_fitted_pipeline_comes_back_by_itself(tmp_path):
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, ROWS[:, 0] > 0)
    model = xaikit.wrap(fitted, modality="table", background=ROWS)
    again = xaikit.load_model(model.save(tmp_path / "fitted"))
    np.testing.assert_array_equal(again.scores(ROWS), model.scores(ROWS))


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_what_a_folder_cannot_hold_is_told(tmp_path):
    function = xaikit.wrap(lambda x: x[:, 0], modality="table", background=ROWS)
    scripted = torch.jit.trace(nn.Linear(3, 2), torch.zeros(1, 3))
    sealed = xaikit.wrap(scripted, modality="table", classes=("a", "b"), background=ROWS)
    texts = xaikit.wrap(
        Bag(), modality="text", classes=("a", "b"),
        encode=lambda words: ([1] * len(words), list(range(len(words)))),
    )  # fmt: skip
    for model, match in (
        (function, "is a function, whose code is your own"),
        (sealed, "is scripted or quantised, whose files can run code"),
        (texts, "reads texts by an encode function, which is your code"),
    ):
        with pytest.raises(ModelError, match=match):
            model.save(tmp_path / "refused")
    assert list(tmp_path.iterdir()) == []


class Bag(nn.Module):
    """The mean of word vectors, blind to padding."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 2)

    def forward(self, ids: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        return (self.words(ids) * valid[..., None]).sum(1) / valid.sum(1, keepdim=True)


def test_weights_are_read_from_safetensors_only(tmp_path):
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "w.pt")
    (tmp_path / "torn.safetensors").write_bytes(b"\xff" * 64)
    for name, match in (
        ("w.pt", "is not read, as such files can run code.*save_file"),
        ("none.safetensors", "there is no file"),
        ("torn.safetensors", "cannot be read"),
    ):
        with pytest.raises(ModelError, match=match):
            put_weights(nn.Linear(3, 2), tmp_path / name)


def test_a_folder_of_hugging_face_is_one_again(tmp_path):
    toy = pytest.importorskip("toy_folders")
    for name, made, x in (
        ("bert", toy.text_folder, np.array(["a", "tiny", "film"])),
        ("vit", toy.image_folder, toy.picture()),
    ):
        model = xaikit.load(f"hf:{made(name, tmp_path / name)}", device="cpu")
        place = model.save(tmp_path / f"{name}-again")
        again = xaikit.load(f"hf:{place}", device="cpu")
        np.testing.assert_array_equal(again.scores([x]), model.scores([x]))
        with pytest.raises(ModelError, match="is a folder of Hugging Face; load it as 'hf:"):
            xaikit.load(place)
        with pytest.raises(ModelError, match="is not empty"):
            model.save(place)
