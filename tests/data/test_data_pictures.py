"""Folders and zips of images: classes, splits, masks, colours and sizes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xaikit.core.errors import DataError
from xaikit.data import load_data


def picture(path: Path, level: int = 0, size: tuple[int, int] = (6, 4), mode: str = "L") -> Path:
    """Width 6 and height 4 of one level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = {"L": level, "RGB": (level, 0, 0), "RGBA": (level, 0, 0, 0), "I;16": level * 257}[mode]
    Image.new(mode, size, colour).save(path)
    return path


def fill(folder: Path, n: int = 10, **changes: object) -> Path:
    for name, level in (("cat", 51), ("dog", 204)):
        for i in range(n):
            picture(folder / name / f"{i}.png", level, **changes)
    return folder


def zipped(folder: Path) -> Path:
    path = folder.parent / f"{folder.name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def test_subfolders_are_classes_in_folders_and_zips(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets")
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.png").write_text("no image")
    data = load_data(folder)
    assert (data.name, data.classes, data.modality) == ("pets", ("cat", "dog"), "image")
    for s in (*data.train, *data.val, *data.test):
        assert s.x.shape == (4, 6, 1)
        assert np.allclose(s.x, 0.2 if s.id.startswith("cat/") else 0.8)
    other = load_data(zipped(folder))
    assert (other.hash, other.name) == (data.hash, "pets")


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    fill(tmp_path / "pets" / "train")
    fill(tmp_path / "pets" / "test", n=2)
    data = load_data(tmp_path / "pets")
    assert {s.id.split("/")[0] for s in data.test} == {"test"}
    assert len(data.test) == 4
    assert len(data.val) == 4  # 15 % of 10, in each class
    second = load_data(tmp_path / "pets" / "train", test=tmp_path / "pets" / "test")
    assert sorted(s.id for s in second.test) == sorted(s.id for s in data.test)


def test_masks_become_rationales(tmp_path: Path) -> None:
    fill(tmp_path / "set" / "images")
    mask = np.zeros((4, 6), dtype=np.uint8)
    mask[1, 2] = 255
    for i in range(10):
        path = tmp_path / "set" / "masks" / "dog" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    data = load_data(tmp_path / "set")
    for s in (*data.train, *data.val, *data.test):
        if s.label == 1:
            assert np.argwhere(s.rationale).tolist() == [[1, 2]]
        else:
            assert s.rationale is None


def test_one_coloured_picture_makes_all_of_three_channels(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets")
    picture(folder / "dog" / "red.png", 255, mode="RGB")
    data = load_data(folder)
    found = {s.id: s.x for s in (*data.train, *data.val, *data.test)}
    assert found["dog/red.png"][0, 0].tolist() == [1.0, 0.0, 0.0]
    assert np.allclose(found["dog/1.png"], 0.8)
    assert found["dog/1.png"].shape == (4, 6, 3)


def test_what_is_transparent_is_white_and_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    clear = load_data(fill(tmp_path / "clear", mode="RGBA"))
    assert clear.train[0].x.min() == 1.0
    deep = load_data(fill(tmp_path / "deep", mode="I;16"))
    assert np.allclose(sorted({float(s.x.max()) for s in deep.train}), [0.2, 0.8])


def test_mixed_sizes_are_refused_or_scaled(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets")
    picture(folder / "dog" / "odd.png", 204, size=(8, 8))
    with pytest.raises(DataError, match=r"'dog/odd.png' in 'pets' is 8 x 8 px and most are 4 x 6"):
        load_data(folder)
    assert load_data(folder, size=5).train[0].x.shape == (5, 5, 1)
    assert load_data(folder, size=(3, 7)).train[0].x.shape == (3, 7, 1)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets")
    (folder / "dog" / "broken.png").write_text("no image")
    for source in (folder, zipped(folder)):
        with pytest.raises(
            DataError, match=r"dog/broken.png' in 'pets.*' cannot be read as an image"
        ):
            load_data(source)
    whole = (folder / "dog" / "1.png").read_bytes()
    (folder / "dog" / "broken.png").write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"'dog/broken.png' in 'pets' cannot be read"):
        load_data(folder)


def test_folders_that_hold_no_classes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(
        DataError, match="'none' holds no images, .* put images or recordings in one subfolder"
    ):
        load_data(tmp_path / "none")
    picture(tmp_path / "flat" / "a.png")
    picture(tmp_path / "flat" / "b.png")
    with pytest.raises(DataError, match=r"'a.png' in 'flat' lies in no class folder"):
        load_data(tmp_path / "flat")
    for i in range(6):
        picture(tmp_path / "one" / "cat" / f"{i}.png")
    with pytest.raises(DataError, match="'one' has one class only, 'cat'"):
        load_data(tmp_path / "one")
    fill(tmp_path / "unseen" / "masks")
    with pytest.raises(DataError, match="'unseen' holds masks and no images"):
        load_data(tmp_path / "unseen")


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "set" / "images")
    picture(tmp_path / "set" / "masks" / "dog" / "3.png", 255, size=(5, 5))
    with pytest.raises(
        DataError, match=r"the mask of 'images/dog/3.png' .* is 5 x 5 px and the image 4 x 6"
    ):
        load_data(tmp_path / "set")


def test_a_file_that_is_no_zip_is_named(tmp_path: Path) -> None:
    (tmp_path / "pets.zip").write_text("no zip")
    with pytest.raises(DataError, match=r"'pets.zip' cannot be read: File is not a zip file"):
        load_data(tmp_path / "pets.zip")
