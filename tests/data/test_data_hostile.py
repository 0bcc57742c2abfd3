"""Small files that would take much memory or mean two things, and tables too small to split."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import load_data

Y = np.arange(20) % 2


def save(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(folder / "a.npz", **arrays)
    return folder / "a.npz"


def rows(n: int, **changes: object) -> str:
    made = (
        {"text": f"a good film {i}", "label": ("bad", "good")[i % 2], **changes} for i in range(n)
    )
    return "\n".join(map(json.dumps, made))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_gzip_that_unpacks_to_far_more_is_refused(tmp_path: Path, ending: str) -> None:
    """200 MB of one letter in 200 kB; read until the limit and no further."""
    path = tmp_path / f"a.{ending}.gz"
    path.write_bytes(gzip.compress(b"a" * (200 << 20)))
    tracemalloc.start()
    with pytest.raises(
        DataError, match=rf"'a.{ending}.gz' has \d+ bytes and unpacks to more than 33554432"
    ):
        load_data(path)
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


def test_arrays_that_unpack_to_far_more_are_refused_and_stored_plain_they_are_read(
    tmp_path: Path,
) -> None:
    x = np.zeros((20, 2000, 2000), dtype=np.uint8)
    x[0, 0, 0] = 255
    with pytest.raises(
        DataError, match=r"'a.npz' has \d+ bytes and unpacks to \d+, .* numpy.savez"
    ):
        load_data(save(tmp_path, X=x, y=Y))
    np.savez(tmp_path / "b.npz", X=x[:, :400, :400], y=Y)
    assert load_data(tmp_path / "b.npz").train[0].x.shape == (400, 400, 1)


def test_a_picture_of_too_many_pixels_is_refused_unless_it_is_scaled(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("L", (6000, 5000)).save(out, "png")
    for i in range(20):
        path = tmp_path / "pets" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(out.getvalue())
    with pytest.raises(
        DataError, match=r"'cat/0.png' in 'pets' is 6000 x 5000 px, too many without size="
    ):
        load_data(tmp_path / "pets")
    assert load_data(tmp_path / "pets", size=4).train[0].x.shape == (4, 4, 1)
    for size in (0, -3, (4, 0), 10**6):
        with pytest.raises(InvalidInput, match="give a side, or .height, width., of at most"):
            load_data(tmp_path / "pets", size=size)


def test_many_pictures_in_few_bytes_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (3000, 3000)).save(out, "png")  # 108 MB of numbers in 80 kB
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(20):
            archive.writestr(f"{('cat', 'dog')[i % 2]}/{i}.png", out.getvalue())
    with pytest.raises(
        DataError, match=r"in 'a.zip' brings more pixels than files of this size hold"
    ):
        load_data(tmp_path / "a.zip")


def test_one_long_word_among_many_is_refused_where_it_would_widen_them_all(tmp_path: Path) -> None:
    """NumPy makes every word as wide as the longest: 100,000 x 20,000 x 4 bytes are 8 GB."""
    text = "x" * 20_000 + " a" * 100_000
    (tmp_path / "a.jsonl").write_text(rows(19) + "\n" + json.dumps({"text": text, "label": "bad"}))
    with pytest.raises(
        DataError, match=r"line 20 of 'a.jsonl' has a word of 20000 letters among 100001"
    ):
        load_data(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text(rows(19, more="x" * 20_000))
    assert load_data(tmp_path / "b.jsonl").classes == ("bad", "good")


def test_one_long_label_does_not_widen_the_others(tmp_path: Path) -> None:
    """40,000 rows and one label of 100,000 letters: 16 GB as a plain array of text."""
    lines = [f"{i},{('bad', 'good')[i % 2]}" for i in range(40_000)]
    lines += [f"1,{'x' * 100_000}"] * 9
    (tmp_path / "a.csv").write_text("a,b\n" + "\n".join(lines))
    assert [len(name) for name in load_data(tmp_path / "a.csv").classes] == [3, 4, 100_000]


@pytest.mark.parametrize(
    "spans", [[[0.5, 1]], ["01"], {"01": 1}, [[0, 1, 2]], [[True, 2]], [[0, 1e400]], [0, "1"], 3]
)
def test_spans_are_pairs_of_whole_numbers(tmp_path: Path, spans: object) -> None:
    (tmp_path / "a.jsonl").write_text(rows(20, rationale=spans))
    with pytest.raises(DataError, match=r"line 1 of 'a.jsonl' has a rationale that is no list of"):
        load_data(tmp_path / "a.jsonl")


BROKEN = [
    ({"X": np.zeros((20, 0, 3)), "y": Y}, r"X of shape \(20, 0, 3\), rows without a value"),
    ({"X": np.ones((20, 3)), "x": np.zeros((20, 3)), "y": Y}, "whose names differ in case only"),
    ({"X": np.full((20, 3), 1e300), "y": Y}, r"NaN or infinity in X \(as float32\), row 1"),
    ({"X": np.ones((20, 3, 2)), "y": Y, "columns": np.array([["a", "b"]])}, r"columns of shape \(1, 2\)"),
    ({"X": np.ones((20, 3, 2)), "y": Y, "classes": np.array("ab")}, r"classes of shape \(\); a plain list"),
    ({"X_train": np.ones((20, 3)), "y_train": Y, "X_test": np.ones((4, 5)), "y_test": Y[:4]},
     r"rows of the shapes \(3, 1\) and \(5, 1\); all parts need one"),
]  # fmt: skip


@pytest.mark.parametrize(("arrays", "message"), BROKEN)
def test_arrays_that_mean_nothing_or_two_things_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(DataError, match=f"'a.npz' (has|holds).*{message}"):
        load_data(save(tmp_path, **arrays))


@pytest.mark.parametrize("task", [None, "classification", "regression"])
def test_a_table_of_one_row_is_refused(tmp_path: Path, task: str | None) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="'a.*' (has one class only|has no val samples)"):
        load_data(tmp_path / "a.csv", task=task)
    (tmp_path / "a.jsonl").write_text(rows(1))
    with pytest.raises(
        DataError, match="'a.*' (has one class only|has labels that are no numbers)"
    ):
        load_data(tmp_path / "a.jsonl", task=task)
    with pytest.raises(DataError, match="'a.*' (has one class only|has no val samples)"):
        load_data(save(tmp_path, X=np.ones((1, 3)), y=np.ones(1)), modality="table", task=task)


@pytest.mark.parametrize("name", ["a" * 5000, "zero\0byte.csv", "a" * 300 + ".npz", "x/" * 3000])
def test_a_path_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(
        (DataError, KeyError), match="(there is no file or folder|no dataset is called)"
    ):
        load_data(name)
