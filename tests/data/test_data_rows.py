"""From a file to rows: which row is where, what it holds, and at which line something is wrong."""

from __future__ import annotations

import functools
import json
import operator
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xaikit.core.errors import DataError
from xaikit.data import Column, Dataset, load_data

SPLITS = ("train", "val", "test")


def csv(folder: Path, labels: list[str], name: str = "t.csv", first: int = 0) -> Path:
    """Row i of the file holds i in its first column and -i in its second."""
    rows = [f"{i},{-i},{label}" for i, label in enumerate(labels, first)]
    path = folder / name
    path.write_text("a,b,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def numbers(data: Dataset, split: str) -> list[int]:
    return [int(s.x[0]) for s in getattr(data, split)]


# Splits


@pytest.mark.parametrize("seed", [0, 1])
def test_every_row_is_in_one_split_and_classes_keep_their_shares(tmp_path, seed) -> None:
    labels = [("x", "y", "y", "y")[i % 4] for i in range(400)]
    data = load_data(csv(tmp_path, labels), seed=seed)
    found = {split: numbers(data, split) for split in SPLITS}
    assert sorted(functools.reduce(operator.iadd, found.values(), [])) == list(range(400))
    assert {k: len(v) for k, v in found.items()} == {"train": 280, "val": 60, "test": 60}
    for split, n in (("train", 70), ("val", 15), ("test", 15)):
        assert sum(labels[i] == "x" for i in found[split]) == n, split
    assert data.facts["split"] == f"val and test drawn with seed {seed}"


def test_what_is_drawn_is_drawn_over_the_whole_file(tmp_path) -> None:
    data = load_data(csv(tmp_path, ["x", "y"] * 200))
    for split in ("val", "test"):
        rows = np.array(numbers(data, split))
        # the mean of 60 of 400 rows: 199.5, with a standard error of 13.8
        assert abs(rows.mean() - 199.5) < 4 * 13.8
        assert len(set(np.diff(np.sort(rows)))) > 1


def test_a_row_keeps_its_own_values_label_and_name(tmp_path) -> None:
    labels = [("x", "y", "z")[i % 3] for i in range(90)]
    data = load_data(csv(tmp_path, labels))
    for split in SPLITS:
        for s in getattr(data, split):
            i = int(s.x[0])
            assert (s.id, s.x[1], data.classes[s.label]) == (f"row-{i + 1}", -i, labels[i])


def test_a_test_file_is_the_test_split_and_val_comes_from_the_other(tmp_path) -> None:
    path = csv(tmp_path, ["x", "y"] * 20)
    test = csv(tmp_path, ["y", "x", "y"], "other.csv", first=1000)
    data = load_data(path, test=test)
    assert sorted(numbers(data, "test")) == [1000, 1001, 1002]
    assert {s.id: s.label for s in data.test} == {"test-1": 1, "test-2": 0, "test-3": 1}
    assert sorted(numbers(data, "train") + numbers(data, "val")) == list(range(40))
    assert len(data.val) == 6
    assert data.facts["split"] == "val drawn with seed 0"


def test_a_regression_keeps_its_numbers(tmp_path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    data = load_data(csv(tmp_path, [repr(float(v)) for v in y]))
    assert (data.task, data.classes) == ("regression", ())
    for split in SPLITS:
        rows = numbers(data, split)
        assert data.labels(split) == pytest.approx(y[rows])


# Classes


def test_names_of_classes_follow_the_sorted_labels_or_are_the_labels(tmp_path) -> None:
    path = csv(tmp_path, ["2", "10", "10", "2"] * 10)
    told = {}
    for given in (None, ("few", "many"), ("10", "2")):
        data = load_data(path, classes=given)
        named = {
            numbers(data, split)[0]: data.classes[getattr(data, split)[0].label] for split in SPLITS
        }
        told[given] = data.classes
        for i, name in named.items():
            label = "10" if i % 4 in (1, 2) else "2"  # 2 sorts before 10, being numbers
            assert name == {None: label, ("few", "many"): {"2": "few", "10": "many"}[label]}.get(
                given, label
            )
    assert told == {None: ("2", "10"), ("few", "many"): ("few", "many"), ("10", "2"): ("10", "2")}


def test_three_classes_in_another_order_keep_their_rows(tmp_path) -> None:
    labels = [("x", "y", "z")[i % 3] for i in range(60)]
    data = load_data(csv(tmp_path, labels), classes=("z", "x", "y"))
    assert data.classes == ("z", "x", "y")
    for split in SPLITS:
        for s in getattr(data, split):
            assert data.classes[s.label] == labels[int(s.x[0])]


def test_twenty_different_whole_numbers_are_classes_and_more_are_a_regression(tmp_path) -> None:
    for n, task in ((20, "classification"), (21, "regression")):
        data = load_data(csv(tmp_path, [str(i % n) for i in range(n * 12)]))
        assert data.task == task


def test_a_category_is_coded_by_its_place_among_the_sorted_names(tmp_path) -> None:
    path = tmp_path / "t.csv"
    names = ("pear", "apple", "fig")
    rows = [f"{names[i % 3]},{i},{'xy'[i % 2]}" for i in range(60)]
    path.write_text("fruit,n,label\n" + "\n".join(rows), encoding="utf-8")
    data = load_data(path)
    assert data.columns == (Column("fruit", ("apple", "fig", "pear")), Column("n"))
    for s in data.train:
        assert s.x[0] == {"pear": 2, "apple": 0, "fig": 1}[names[int(s.x[1]) % 3]]


# Where something is wrong


def test_a_byte_that_is_no_utf8_is_named_by_its_line(tmp_path) -> None:
    for line in (1, 2, 7):
        rows = [b"a,label"] + [f"{i},x".encode() for i in range(9)]
        rows[line - 1] = rows[line - 1] + b"\x81\xff"
        (tmp_path / "t.csv").write_bytes(b"\n".join(rows))
        with pytest.raises(DataError, match=rf"is not UTF-8: line {line} holds the byte 0x81"):
            load_data(tmp_path / "t.csv")


def test_a_line_is_counted_from_one_with_its_header_blank_lines_and_quotes(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b,label\n\n1,"two\nlines",x\n2,plain\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"line 5 of 't.csv' has 2 cells and the header 3"):
        load_data(path)
    path.write_text("a,label\n" + "1,x\n" * 30 + "nan,y\n" + "2,y\n" * 30, encoding="utf-8")
    with pytest.raises(DataError, match=r"line 32 of 't.csv', column 'a' holds nan"):
        load_data(path)


def test_a_value_that_is_no_number_is_named_by_array_row_and_place(tmp_path) -> None:
    x = np.zeros((12, 3, 2))
    x[4, 2, 1] = np.nan
    np.savez(tmp_path / "a.npz", X=x, y=np.arange(12) % 2)
    with pytest.raises(DataError, match=r"NaN or infinity in X, row 5 at \(2, 1\)"):
        load_data(tmp_path / "a.npz")


# Text


def jsonl(folder: Path, **row: object) -> Path:
    rows = [{"text": "one two-three, four.", "label": "ab"[i % 2], **row} for i in range(20)]
    path = folder / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("span", "marked"),
    [
        ([0, 1], ["one"]), ([1, 2], ["two-three", ","]), ([0, 2], ["one", "two-three", ","]),
        ([2, 3], ["four", "."]), ([1, 3], ["two-three", ",", "four", "."]),
    ],
)  # fmt: skip
def test_a_span_of_tokens_marks_every_word_of_them(tmp_path, span, marked) -> None:
    sample = load_data(jsonl(tmp_path, rationale=[span])).train[0]
    assert sample.x[sample.rationale].tolist() == marked


@pytest.mark.parametrize(
    ("span", "marked"),
    [([0, 3], ["one"]), ([3, 4], []), ([2, 5], ["one", "two-three"]), ([13, 14], [","]), ([19, 20], ["."])],
)  # fmt: skip
def test_a_span_of_characters_marks_the_words_that_it_touches(tmp_path, span, marked) -> None:
    sample = load_data(jsonl(tmp_path, evidence_char=[span])).train[0]
    assert sample.x[sample.rationale].tolist() == marked


def test_the_text_is_kept_beside_its_words(tmp_path) -> None:
    sample = load_data(jsonl(tmp_path)).train[0]
    assert sample.x.tolist() == ["one", "two-three", ",", "four", "."]
    assert sample.meta["text"] == "one two-three, four."
    assert (
        "".join(a + b for a, b in zip(sample.meta["spaces"], sample.x, strict=True))
        == sample.meta["text"]
    )


# Pictures


def pixel(folder: Path, mode: str, value: object, name: str = "a.png") -> np.ndarray:
    """What one pixel of that mode is read as."""
    for label in ("x", "y"):
        for i in range(10):
            path = folder / label / f"{i}{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (2, 3), value).save(path)
    data = load_data(folder)
    assert data.train[0].x.shape[:2] == (3, 2)
    return data.train[0].x[0, 0]


@pytest.mark.parametrize(
    ("mode", "value", "read"),
    [
        ("L", 51, [0.2]), ("1", 1, [1.0]), ("RGB", (255, 51, 0), [1.0, 0.2, 0.0]),
        ("RGBA", (255, 0, 0, 255), [1.0, 0.0, 0.0]), ("RGBA", (0, 0, 0, 51), [0.8, 0.8, 0.8]),
        ("I;16", 65535, [1.0]), ("I;16", 13107, [0.2]), ("I;16", 32768, [32768 / 65535]),
    ],
)  # fmt: skip
def test_a_pixel_is_its_share_of_full_brightness(tmp_path, mode, value, read) -> None:
    assert pixel(tmp_path / "p", mode, value) == pytest.approx(read, abs=1e-6)


def test_a_picture_that_lies_on_its_side_is_turned(tmp_path) -> None:
    """The camera's note says: turned by 90 degrees."""
    tall = np.zeros((2, 4), dtype=np.uint8)
    tall[0] = 255
    for label in ("x", "y"):
        for i in range(10):
            path = tmp_path / "p" / label / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(tall)
            note = image.getexif()
            note[0x0112] = 6
            image.save(path, exif=note)
    x = load_data(tmp_path / "p").train[0].x[..., 0]
    assert x.tolist() == [[0.0, 1.0]] * 4


def test_bytes_counts_and_shares_of_arrays_are_scaled_by_what_they_hold(tmp_path) -> None:
    y = np.arange(20) % 2
    for x, top in (
        (np.full((20, 4, 4, 1), 51, dtype=np.uint8), 0.2),
        (np.full((20, 4, 4, 1), 1, dtype=np.int64), 1 / 255),
        (np.full((20, 4, 4, 1), 51.0), 0.2),
        (np.full((20, 4, 4, 1), 0.2), 0.2),
    ):
        np.savez(tmp_path / "a.npz", X=x, y=y)
        assert load_data(tmp_path / "a.npz").train[0].x == pytest.approx(
            np.full((4, 4, 1), top), abs=1e-6
        )


def test_given_parts_of_arrays_stay_apart(tmp_path) -> None:
    def rows(n: int, start: int) -> np.ndarray:
        return np.arange(start, start + n)[:, None] + np.zeros((1, 6))

    np.savez(
        tmp_path / "a.npz",
        X_train=rows(20, 0), y_train=np.arange(20) % 2,
        X_val=rows(6, 100), y_val=np.arange(6) % 2,
        X_test=rows(8, 200), y_test=np.arange(8) % 2,
    )  # fmt: skip
    data = load_data(tmp_path / "a.npz")
    found = {split: sorted(int(s.x[0, 0]) for s in getattr(data, split)) for split in SPLITS}
    assert found == {"train": [*range(20)], "val": [*range(100, 106)], "test": [*range(200, 208)]}
    assert {s.id: int(s.x[0, 0]) for s in data.test} == {f"test-{i + 1}": 200 + i for i in range(8)}
    assert all(s.label == int(s.x[0, 0]) % 2 for split in SPLITS for s in getattr(data, split))
    assert data.facts["split"] == "as given"


@pytest.mark.parametrize("packed", [False, True])
def test_pictures_of_given_parts_keep_class_part_and_name(tmp_path, packed) -> None:
    folder = tmp_path / "pets"
    for part, n in (("train", 6), ("valid", 2), ("test", 3)):
        for j, label in enumerate(("cat", "dog")):
            for i in range(n):
                path = folder / part / label / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("L", (4, 4), 100 * j + i).save(path)
    if packed:
        with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
            for file in folder.rglob("*.png"):
                archive.write(file, file.relative_to(folder))
    data = load_data(tmp_path / "pets.zip" if packed else folder)
    assert {split: len(getattr(data, split)) for split in SPLITS} == {
        "train": 12,
        "val": 4,
        "test": 6,
    }
    for split, folder_name in (("train", "train"), ("val", "valid"), ("test", "test")):
        for s in getattr(data, split):
            part, label, name = s.id.split("/")
            assert part == folder_name
            assert data.classes[s.label] == label
            level = 100 * ("cat", "dog").index(label) + int(name[0])
            assert s.x == pytest.approx(np.full((4, 4, 1), level / 255), abs=1e-6)


def test_a_hash_follows_every_value_and_label(tmp_path) -> None:
    labels = ["x", "y"] * 20
    one = load_data(csv(tmp_path, labels))
    assert load_data(csv(tmp_path, labels)).hash == one.hash
    turned = ["y", "x", *labels[2:]]
    others = [load_data(csv(tmp_path, turned)), load_data(csv(tmp_path, labels, first=1))]
    assert len({one.hash, *(d.hash for d in others)}) == 3
    assert Counter(map(len, (one.hash,))) == {64: 1}
