"""Data in memory: what is given is what is read, labels and all, and nothing is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, WeightedRandomSampler

import xaikit
from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import load_data
from xaikit.study.given import samples_of

RNG = np.random.default_rng(0)
X, Y = RNG.random((24, 3, 4, 5)).astype(np.float32), np.arange(24) % 2


class Pictures(Dataset):  # type: ignore[type-arg]
    """Pictures of PIL with names, as torchvision has them."""

    classes = ("cat", "dog")

    def __len__(self) -> int:
        return 24

    def __getitem__(self, i: int) -> tuple[Any, int]:
        return Image.new("RGB", (5, 4), (10 * i, 0, 255)), int(Y[i])


def held() -> dict[str, Any]:
    tensors = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    return {
        "arrays": (X, Y),
        "tensors": (torch.from_numpy(X), torch.from_numpy(Y)),
        "set": tensors,
        "loader": DataLoader(tensors, batch_size=5, shuffle=True),
        "subset": Subset(tensors, range(24)),
        "pairs": list(zip(X, Y.tolist(), strict=True)),
    }


@pytest.mark.parametrize("kind", held())
def test_each_way_to_give_pictures_is_the_same_data_set(kind: str) -> None:
    state = torch.random.get_rng_state()
    data = load_data(held()[kind])
    assert data.hash == load_data((X, Y)).hash
    assert (data.modality, data.classes) == ("image", ("0", "1"))
    assert data.train[0].x.tolist() == np.moveaxis(X[int(data.train[0].id[4:]) - 1], 0, -1).tolist()
    assert torch.equal(state, torch.random.get_rng_state())


def test_pictures_of_pil_and_names_of_classes_come_along() -> None:
    data = load_data(Pictures(), test=Subset(Pictures(), [0, 1, 2]))
    assert data.classes == ("cat", "dog")
    assert [s.label for s in data.test] == [0, 1, 0]
    assert data.test[2].x[0, 0].tolist() == pytest.approx([20 / 255, 0, 1])
    palette = Image.new("P", (5, 4), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    items = [(palette, "red"), (Image.new("RGB", (5, 4)), "black")] * 8
    assert load_data(items).train[0].x[0, 0].tolist() in ([1, 0, 0], [0, 0, 0])


def test_frames_are_read_as_their_file_would_be(tmp_path: Any) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"age": range(20), "job": ["cook", "nurse"] * 10, "label": ["y", "n"] * 10}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    right = load_data(tmp_path / "a.csv")
    assert load_data(frame).hash == right.hash
    assert load_data((frame[["age", "job"]], frame["label"])).hash == right.hash
    frame.loc[3, "age"] = None
    with pytest.raises(DataError, match="row 4 of 'the frame', column 'age' is empty"):
        load_data(frame)
    polars = pytest.importorskip("polars")
    assert load_data(polars.read_csv(tmp_path / "a.csv")).hash == right.hash


def test_texts_and_rows_of_numbers(tmp_path: Any) -> None:
    texts = [f"a fine film {i}" for i in range(20)]
    data = load_data((texts, ["good", "bad"] * 10))
    assert (data.modality, data.classes) == ("text", ("bad", "good"))
    assert load_data((RNG.random((20, 3)), np.arange(20) % 2)).modality == "table"
    assert (
        load_data((RNG.random((20, 3)), np.arange(20) % 2), modality="series").modality == "series"
    )


def test_a_data_set_is_explained_with_its_labels() -> None:
    model = xaikit.wrap(
        lambda xs: np.stack([np.mean(x) * np.array([1.0, -1.0]) for x in xs]),
        modality="image",
        classes=("cat", "dog"),
        background=[np.zeros((4, 5, 3), dtype=np.float32)],
        outputs="logits",
    )
    for given in (Pictures(), DataLoader(Pictures(), batch_size=4)):
        samples = samples_of(model, given)
        assert [s.label for s in samples] == Y.tolist()
        assert samples[2].x[0, 0].tolist() == pytest.approx([20 / 255, 0, 1])
    named = samples_of(model, [(X[i], ("cat", "dog")[Y[i]]) for i in range(4)])
    assert [s.label for s in named] == [0, 1, 0, 1]
    assert np.array_equal(named[1].x, np.moveaxis(X[1], 0, -1))
    alone = samples_of(model, [Image.new("L", (5, 4), 51).convert("RGB")] * 2)
    assert alone[0].x[0, 0].tolist() == pytest.approx([0.2] * 3)
    with pytest.raises(InvalidInput, match="a label is 'cow' and the model's classes are cat, dog"):
        samples_of(model, [(X[0], "cow")])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: [1, 2, 3], "a list without labels was given; give"),
        (lambda: TensorDataset(torch.ones(4, 2)), "a TensorDataset without labels was given"),
        (lambda: (X, Y[:3]), "24 inputs and 3 labels were given"),
        (lambda: TensorDataset(*[torch.ones(4)] * 3), "item 0 has 3 parts; give pairs"),
        (lambda: [(X[0], 1), (X[0][:, :2], 0)], r"inputs of the shapes \(3, 2, 5\) and \(3, 4, 5\)"),
        (lambda: DataLoader(Pictures(), sampler=WeightedRandomSampler([1.0], 3)), "a loader with a Weighted"),
        (lambda: 3.5, "a float was given; give a name, a path"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_data_set_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_data(given())
