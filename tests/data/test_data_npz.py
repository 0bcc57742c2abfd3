"""NPZ files: which axis is what, scaling, and nothing unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xaikit.core.errors import DataError
from xaikit.data import load_data

Y = np.arange(20) % 2


def save(folder: Path, name: str = "a.npz", **arrays: object) -> Path:
    np.savez(folder / name, **arrays)
    return folder / name


def numbered(*shape: int, dtype: object = np.float32) -> np.ndarray:
    """(20, *shape), every number different."""
    return np.arange(20 * np.prod(shape)).reshape(20, *shape).astype(dtype)


def by_id(data: object) -> dict[str, np.ndarray]:
    return {s.id: s.x for part in ("train", "val", "test") for s in getattr(data, part)}


def test_bytes_of_three_axes_are_grey_images(tmp_path: Path) -> None:
    x = np.full((20, 4, 5), 51, dtype=np.uint8)
    data = load_data(save(tmp_path, X=x, y=Y))
    assert data.modality == "image"
    assert data.train[0].x.shape == (4, 5, 1)
    assert np.allclose(data.train[0].x, 0.2)


@pytest.mark.parametrize("first", [True, False])
def test_four_axes_are_images_with_channels_first_or_last(tmp_path: Path, first: bool) -> None:
    x = np.random.default_rng(0).random((20, 4, 5, 3))
    data = load_data(save(tmp_path, X=x.transpose(0, 3, 1, 2) if first else x, y=Y))
    assert np.allclose(by_id(data)["row-3"], x[2])


def test_floats_up_to_255_are_scaled(tmp_path: Path) -> None:
    data = load_data(save(tmp_path, X=np.full((20, 4, 4, 1), 255.0), y=Y))
    assert data.train[0].x.max() == 1.0
    stated = load_data(save(tmp_path, X=np.full((20, 4, 4), 0.5), y=Y), modality="image")
    assert stated.train[0].x.max() == 0.5


def test_two_axes_are_series_of_one_channel_or_stated_a_table(tmp_path: Path) -> None:
    x = numbered(7)
    path = save(tmp_path, X=x, y=Y)
    assert np.array_equal(by_id(load_data(path))["row-2"][:, 0], x[1])
    table = load_data(path, modality="table")
    assert [c.name for c in table.columns] == [f"x{i}" for i in range(7)]
    assert np.array_equal(by_id(table)["row-2"], x[1])


def test_the_longer_axis_of_a_series_is_time_unless_stated(tmp_path: Path) -> None:
    x = numbered(3, 8)
    path = save(tmp_path, X=x, y=Y)
    assert np.array_equal(by_id(load_data(path))["row-2"], x[1].T)
    assert np.array_equal(by_id(load_data(path, channels="last"))["row-2"], x[1])
    assert np.array_equal(by_id(load_data(path, channels="first"))["row-2"], x[1].T)
    assert [c.name for c in load_data(path).columns] == ["ch 1", "ch 2", "ch 3"]
    long = save(tmp_path, X=x.transpose(0, 2, 1), y=Y)
    assert np.array_equal(by_id(load_data(long))["row-2"], x[1].T)


def test_given_splits_and_names_are_kept(tmp_path: Path) -> None:
    x = numbered(6)
    words = np.array(["calm", "wild"])
    path = save(
        tmp_path, X_train=x, y_train=words[Y], X_test=x[:4], y_test=words[Y[:4]],
        X_val=x[:2], y_val=words[Y[:2]], columns=np.array(["pulse"]),
    )  # fmt: skip
    data = load_data(path)
    assert [len(p) for p in (data.train, data.val, data.test)] == [20, 2, 4]
    assert data.classes == ("calm", "wild")
    assert data.columns[0].name == "pulse"
    assert data.facts["split"] == "as given"
    named = load_data(save(tmp_path, X=x, y=Y, classes=words))
    assert named.classes == ("calm", "wild")


def test_val_is_drawn_from_train_when_only_test_is_given(tmp_path: Path) -> None:
    x = numbered(6)
    data = load_data(save(tmp_path, X_train=x, y_train=Y, X_test=x[:4], y_test=Y[:4]))
    assert [len(p) for p in (data.train, data.val, data.test)] == [16, 4, 4]
    assert {s.id.split("-")[0] for s in data.val} == {"train"}
    assert data.facts["split"] == "val drawn with seed 0"
    other = load_data(save(tmp_path, X=x, y=Y), test=save(tmp_path, "b.npz", x=x[:4], y=Y[:4]))
    assert sorted(s.id for s in other.test) == ["test-1", "test-2", "test-3", "test-4"]


BROKEN = [
    ({"a": Y, "b": Y}, "'a.npz' holds a, b; it needs X and y, or X_train"),
    ({"X": Y[:, None]}, "'a.npz' has 'Xx' and no labels 'yx'".replace("x'", "'")),
    ({"X": numbered(3), "y": Y[:5]}, r"X of shape \(20, 3\) and y of shape \(5,\)"),
    ({"X": numbered(3), "y": np.eye(20)}, r"y of shape \(20, 20\); one label a row is needed"),
    ({"X": np.array([["a"]] * 20), "y": Y}, "has X of type <U1; numbers are needed"),
    ({"X": np.array([{}] * 20), "y": Y}, "'a.npz' cannot be read: .* holds Python objects, which would need unpickling"),
    ({"X": numbered(3), "y": np.array([None] * 20)}, "'a.npz' cannot be read: .* holds Python objects, which would need unpickling"),
    ({"X": np.where(numbered(3) == 13, np.nan, 1.0), "y": Y}, r"NaN or infinity in X, row 5 at \(1,\)"),
    ({"X": numbered(3), "y": np.where(Y == 1, np.nan, 0)}, "'row-2' of 'a.npz' has a label that is NaN"),
    ({"X": numbered(3), "y": Y * 0}, "'a.npz' has one class only, '0'"),
    ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, "'a.npz' holds no rows"),
    ({"X": numbered(), "y": Y}, r"'a.npz' has X of shape \(20,\); images have 3 or 4 axes"),
    ({"X": numbered(4, 4, 5), "y": Y}, r"images of shape \(4, 4, 5\); 1 or 3 channels"),
    ({"X": numbered(2, 2, 1) - 5, "y": Y}, "pixels from -5 to 74; save bytes 0 to 255"),
    ({"X": numbered(6, 2), "y": Y, "columns": np.array(["a"])}, "names 1 columns and holds 2"),
]  # fmt: skip


@pytest.mark.parametrize(("arrays", "message"), BROKEN)
def test_what_is_wrong_is_named_by_file_array_and_row(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(save(tmp_path, **arrays))


def test_a_shape_that_does_not_fit_the_stated_modality_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"shape \(20, 3\), which cannot be read as image"):
        load_data(save(tmp_path, X=numbered(3), y=Y), modality="image")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fake.npz").write_text("not a zip")
    with pytest.raises(
        DataError, match=r"'fake.npz' cannot be read: File is not a zip file; write it with"
    ):
        load_data(tmp_path / "fake.npz")
    whole = save(tmp_path, X=numbered(30), y=Y).read_bytes()
    damaged = bytearray(whole)
    damaged[200:260] = bytes(60)
    (tmp_path / "damaged.npz").write_bytes(bytes(damaged))
    with pytest.raises(DataError, match=r"'damaged.npz' cannot be read"):
        load_data(tmp_path / "damaged.npz")
