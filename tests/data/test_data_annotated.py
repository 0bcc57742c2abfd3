"""Boxes of Pascal VOC, YOLO and COCO and masks of classes: the same boxes from each, hostile files refused."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

import xaikit
from xaikit.core.errors import DataError, InvalidInput

WIDTH, HEIGHT = 40, 20
CLASSES = ("cat", "dog")
TRUTH = (
    {  # class, left, top, right, bottom
        f"p{i}": [[i % 2, 2, 4, 12, 14], [1, 20, 5, 40, 20]][: 1 + i % 2] for i in range(6)
    }
    | {"none": []}
)


def pictures(folder, size=(WIDTH, HEIGHT)):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in TRUTH:
        x = rng.integers(0, 255, (size[1], size[0]), dtype=np.uint8)
        Image.fromarray(x).save(folder / f"{name}.png")


def voc(folder):
    pictures(folder / "JPEGImages")
    (folder / "Annotations").mkdir()
    for name, boxes in TRUTH.items():
        objects = "".join(
            f"<object><name>{CLASSES[k]}</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
            f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for k, x0, y0, x1, y1 in boxes
        )
        (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")


def yolo(folder):
    pictures(folder / "images")
    (folder / "labels").mkdir()
    (folder / "classes.txt").write_text("cat\ndog\n")
    for name, boxes in TRUTH.items():
        lines = [
            f"{k} {(x0 + x1) / 2 / WIDTH} {(y0 + y1) / 2 / HEIGHT} {(x1 - x0) / WIDTH} {(y1 - y0) / HEIGHT}"
            for k, x0, y0, x1, y1 in boxes
        ]
        (folder / "labels" / f"{name}.txt").write_text("\n".join(lines))


def coco(folder):
    pictures(folder / "pictures")
    names = list(TRUTH)
    document = {
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        "images": [{"id": 10 + i, "file_name": f"{n}.png"} for i, n in enumerate(names)],
        "annotations": [
            {"image_id": 10 + i, "category_id": (3, 7)[k], "bbox": [x0, y0, x1 - x0, y1 - y0]}
            for i, name in enumerate(names)
            for k, x0, y0, x1, y1 in TRUTH[name]
        ]
        + [{"image_id": 10, "category_id": 3, "bbox": [0, 0, 5, 5], "iscrowd": 1}],
    }
    (folder / "all.json").write_text(json.dumps(document))


def samples(data):
    return {
        s.id.split("/")[-1].removesuffix(".png"): s for s in (*data.train, *data.val, *data.test)
    }


@pytest.mark.parametrize("write", [voc, yolo, coco])
def test_each_form_gives_the_same_boxes(write, tmp_path) -> None:
    write(tmp_path / "data")
    data = xaikit.load_data(tmp_path / "data", task="detection")
    assert data.classes == CLASSES
    found = samples(data)
    assert set(found) == set(TRUTH)
    for name, boxes in TRUTH.items():
        np.testing.assert_allclose(found[name].label, np.reshape(boxes, (-1, 5)), atol=1e-9)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in sorted((tmp_path / "data").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path / "data"))
    assert xaikit.load_data(tmp_path / "data.zip", task="detection").hash == data.hash
    half = samples(xaikit.load_data(tmp_path / "data", task="detection", size=(10, 40)))
    np.testing.assert_allclose(half["p0"].label, [[0, 2, 2, 12, 7]])
    assert half["p0"].x.shape == (10, 40, 1)
    named = xaikit.load_data(tmp_path / "data", task="detection", classes=["Katze", "Hund"])
    assert named.classes == ("Katze", "Hund")


def test_splits_are_read_off_folders(tmp_path) -> None:
    for part in ("train", "val", "test"):
        yolo(tmp_path / "data" / part)
    data = xaikit.load_data(tmp_path / "data", task="detection")
    assert data.facts["split"] == "as given"
    assert len(data.test) == len(TRUTH)
    assert all(s.id.startswith("test/") for s in data.test)


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb">]><annotation>&b;</annotation>'


@pytest.mark.parametrize(
    ("write", "file", "text", "told"),
    [
        (voc, "Annotations/p0.xml", BOMB, "p0.xml' in 'data' is no plain annotation"),
        (voc, "Annotations/p0.xml", "<annotation>", "is no .xml"),
        (
            voc,
            "Annotations/p0.xml",
            "<a><object><name>x</name></object></a>",
            "the coordinate 'None', which is no number",
        ),
        (yolo, "labels/p0.txt", "0 0.5 0.5 0.2", "is no class and four numbers"),
        (yolo, "labels/p0.txt", "0 0.5 0.5 nan 1", "has the coordinate nan"),
        (yolo, "labels/p0.txt", "0 0.5 0.5 0 0.1", "outside of its 40 x 20 px, or without an area"),
        (
            yolo,
            "labels/p0.txt",
            "0 0.9 0.5 0.6 0.1",
            "outside of its 40 x 20 px, or without an area",
        ),
        (yolo, "labels/p0.txt", "5 0.5 0.5 0.2 0.2", "boxes of class 5 and classes.txt names 2"),
        (coco, "all.json", '{"images": []}', "is no COCO annotation"),
    ],
)
def test_wrong_annotations_are_told_by_file(write, file, text, told, tmp_path) -> None:
    write(tmp_path / "data")
    (tmp_path / "data" / file).write_text(text)
    with pytest.raises(DataError, match=told):
        xaikit.load_data(tmp_path / "data", task="detection")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../b.png", "..\\b.png"])
def test_no_picture_is_taken_from_outside(name, tmp_path) -> None:
    coco(tmp_path / "data")
    file = tmp_path / "data" / "all.json"
    file.write_text(file.read_text().replace("p0.png", name.replace("\\", "\\\\")))
    with pytest.raises(DataError, match="leads out of the folder"):
        xaikit.load_data(tmp_path / "data", task="detection")


def test_folders_without_what_is_asked_for(tmp_path) -> None:
    pictures(tmp_path / "data" / "images")
    with pytest.raises(DataError, match="holds no boxes; give .xml of Pascal VOC"):
        xaikit.load_data(tmp_path / "data", task="detection")
    with pytest.raises(DataError, match="holds no masks; put one of the same name"):
        xaikit.load_data(tmp_path / "data", task="segmentation")
    with pytest.raises(DataError, match="there is no file or folder"):
        xaikit.load_data(tmp_path / "dada", task="detection")
    with pytest.raises(InvalidInput, match="takes what it is measured on from a folder 'test'"):
        xaikit.load_data(tmp_path / "data", task="detection", test=tmp_path / "data")
    (tmp_path / "data" / "labels").mkdir()
    (tmp_path / "data" / "labels" / "other.txt").write_text("0 0.5 0.5 0.2 0.2")
    with pytest.raises(DataError, match="no box for any of its pictures"):
        xaikit.load_data(tmp_path / "data", task="detection")


def masks(folder, codes, mode="L"):
    pictures(folder / "images")
    (folder / "masks").mkdir()
    for i, name in enumerate(TRUTH):
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        mask[2:8, 3 : 6 + i] = codes[i % len(codes)]
        image = Image.fromarray(mask)
        if mode == "P":
            image = image.convert("P")
            image.putdata(mask.ravel().tolist())
        image.save(folder / "masks" / f"{name}.png")


@pytest.mark.parametrize(("codes", "mode"), [([1, 2], "L"), ([1, 2], "P"), ([255], "L")])
def test_masks_hold_classes_or_are_bright(codes, mode, tmp_path) -> None:
    masks(tmp_path / "data", codes, mode)
    data = xaikit.load_data(tmp_path / "data", task="segmentation")
    bright = codes == [255]
    assert data.classes == (("ground", "object") if bright else ("ground", "class 1", "class 2"))
    found = samples(data)
    for i, name in enumerate(TRUTH):
        expected = np.zeros((HEIGHT, WIDTH), dtype=int)
        expected[2:8, 3 : 6 + i] = 1 if bright else codes[i % 2]
        np.testing.assert_array_equal(found[name].label, expected)
    half = samples(
        xaikit.load_data(tmp_path / "data", task="segmentation", size=(HEIGHT // 2, WIDTH))
    )
    np.testing.assert_array_equal(half["p1"].label, found["p1"].label[1::2])


def test_masks_of_folders_are_of_their_class(tmp_path) -> None:
    for kind in ("hole", "crack"):
        masks(tmp_path / kind, [255])
        for part in ("images", "masks"):
            (tmp_path / "data" / part).mkdir(parents=True, exist_ok=True)
            (tmp_path / kind / part).rename(tmp_path / "data" / part / kind)
    data = xaikit.load_data(tmp_path / "data", task="segmentation")
    assert data.classes == ("ground", "crack", "hole")
    for sample in (*data.train, *data.test):
        assert set(np.unique(sample.label)) == {0, 1 if "/crack/" in sample.id else 2}


def test_masks_that_cannot_be_read(tmp_path) -> None:
    masks(tmp_path / "data", [1])
    place = tmp_path / "data" / "masks" / "p0.png"
    Image.new("RGB", (WIDTH, HEIGHT)).save(place)
    with pytest.raises(DataError, match=r"has colours \(RGB\); save one number a pixel"):
        xaikit.load_data(tmp_path / "data", task="segmentation")
    Image.new("L", (WIDTH, 5)).save(place)
    with pytest.raises(DataError, match="is 5 x 40 px and its picture is not"):
        xaikit.load_data(tmp_path / "data", task="segmentation")
    place.unlink()
    with pytest.raises(DataError, match="has no mask of the same name"):
        xaikit.load_data(tmp_path / "data", task="segmentation")
    masks(tmp_path / "two", [1])
    Image.new("L", (8, 8)).save(tmp_path / "two" / "images" / "p0.png")
    with pytest.raises(DataError, match="pictures of 8 x 8 and 40 x 20 px; give size="):
        xaikit.load_data(tmp_path / "two", task="segmentation")
    masks(tmp_path / "data2" / "data", [1])
    with pytest.raises(DataError, match="classes names 1 classes and 'data' holds 2"):
        xaikit.load_data(tmp_path / "data2" / "data", task="segmentation", classes=["a"])


@pytest.mark.parametrize("write", [voc, yolo, coco])
def test_damaged_annotations_end_in_a_sentence(write, tmp_path) -> None:
    """Bytes that are changed, cut off or doubled: boxes all the same, or an error that names the file."""
    write(tmp_path / "data")
    rng = np.random.default_rng(0)
    files = [f for f in (tmp_path / "data").rglob("*") if f.suffix in (".xml", ".txt", ".json")]
    told = []
    for _ in range(60):
        file = files[rng.integers(len(files))]
        raw = file.read_bytes()
        at = int(rng.integers(len(raw) + 1))
        changes = (raw[:at], raw + raw[at:], raw[:at] + rng.bytes(2) + raw[at + 2 :])
        file.write_bytes(changes[rng.integers(3)])
        try:
            xaikit.load_data(tmp_path / "data", task="detection")
        except DataError as error:
            told.append(str(error))
        file.write_bytes(raw)
    assert told
    assert all("data" in error for error in told)


def yolo_line(box):
    x0, y0, x1, y1 = box
    return f"0 {(x0 + x1) / 2 / WIDTH} {(y0 + y1) / 2 / HEIGHT} {(x1 - x0) / WIDTH} {(y1 - y0) / HEIGHT}"


def one_of(form, name, box):
    """An annotation of one picture with one box of a cat."""
    if form == "txt":
        return yolo_line(box)
    x0, y0, x1, y1 = box
    if form == "xml":
        return (
            f"<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size><object><name>cat</name>"
            f"<bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox>"
            "</object></annotation>"
        )
    one = {"image_id": 1, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
    images, kinds = [{"id": 1, "file_name": f"{name}.png"}], [{"id": 1, "name": "cat"}]
    return json.dumps({"images": images, "categories": kinds, "annotations": [one]})


@pytest.mark.parametrize("form", ["txt", "xml", "json"])
def test_pictures_of_one_name_keep_their_own_boxes(form, tmp_path) -> None:
    boxes = {"train": (2, 4, 12, 14), "val": (20, 5, 40, 20), "test": (6, 6, 9, 9)}
    for part, box in boxes.items():
        folder = tmp_path / part
        folder.mkdir()
        Image.new("L", (WIDTH, HEIGHT)).save(folder / "p.png")
        (folder / f"p.{form}").write_text(one_of(form, "p", box))
    data = xaikit.load_data(tmp_path, task="detection")
    for part, box in boxes.items():
        (sample,) = getattr(data, part)
        np.testing.assert_allclose(sample.label, [[0, *box]], atol=1e-6)
    (tmp_path / "test" / f"p.{form}").rename(tmp_path / f"p.{form}")
    with pytest.raises(
        DataError, match="of several pictures of that name|of which there are several"
    ):
        xaikit.load_data(tmp_path, task="detection")


def test_an_annotation_of_another_size_or_a_second_one_is_refused(tmp_path) -> None:
    voc(tmp_path / "data")
    note = tmp_path / "data" / "Annotations" / "p0.xml"
    note.write_text(one_of("xml", "p0", (2, 4, 12, 14)).replace(">40<", ">80<"))
    with pytest.raises(DataError, match="is for a picture of 80 x 20 px, and its own has 40 x 20"):
        xaikit.load_data(tmp_path / "data", task="detection")
    (tmp_path / "data" / "p0.xml").write_text(one_of("xml", "p0", (2, 4, 12, 14)))
    with pytest.raises(DataError, match="are of one picture"):
        xaikit.load_data(tmp_path / "data", task="detection")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((1, 15, 255), "masks with 0, 1, 15 ... 255, neither black and white nor an index"),
        ((128, 255), "masks with 0, 128 ... 255"),
        ((0,), "masks without a class"),
    ],
)
def test_masks_of_other_values_are_no_black_and_white(values, told, tmp_path) -> None:
    for i in range(3):
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        for k, value in enumerate(values):
            mask[:, 8 * k + i : 8 * k + 6] = value
        for folder, x in (("images", mask // 2), ("masks", mask)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(x).save(tmp_path / folder / f"p{i}.png")
    with pytest.raises(DataError, match=told):
        xaikit.load_data(tmp_path, task="segmentation")


def test_grey_edges_of_white_regions_are_no_classes(tmp_path) -> None:
    rng = np.random.default_rng(0)
    for i in range(3):
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        mask[4:16, 6:30] = 255
        mask[4:16, 30] = rng.integers(1, 255, 12)
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(mask).save(tmp_path / folder / f"p{i}.png")
    data = xaikit.load_data(tmp_path, task="segmentation")
    assert data.classes == ("ground", "object")
    assert set(np.unique(data.test[0].label)) == {0, 1}
