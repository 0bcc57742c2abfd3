"""Rows keep the order of their file, whatever form it has; drawing is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xaikit.data import load_data
from xaikit.data.dataset import Dataset

N = 60  # rows; their numbers count up, so that any other order shows


def _csv(place: Path, first: int) -> Path:
    rows = [f"{first + i},{i % 7},{'yes' if i % 3 else 'no'}" for i in range(N)]
    place.write_text("\n".join(["a,b,label", *rows]) + "\n")
    return place


def _jsonl(place: Path, first: int) -> Path:
    rows = [{"text": f"word{first + i} here", "label": "ny"[i % 3 > 0]} for i in range(N)]
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


def _npz(place: Path, first: int) -> Path:
    x = np.zeros((N, 8, 1), dtype=np.float32)
    x[:, 0, 0] = first + np.arange(N)
    np.savez(place, X=x, y=np.arange(N) % 3 > 0)
    return place


def _folder(place: Path, first: int) -> Path:
    for i in range(N):
        home = place / ("no" if i < N // 2 else "yes")
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), (first + i) % 256, np.uint8)).save(home / f"{i:03}.png")
    return place


FORMS = {"csv": _csv, "jsonl": _jsonl, "npz": _npz, "": _folder}


def number(x: np.ndarray) -> int:
    """The number of a row, which counts up in its file."""
    if x.dtype.kind == "U":
        return int(str(x[0]).removeprefix("word"))
    return round(float(x.ravel()[0]) * (255 if x.ndim == 3 else 1))


@pytest.mark.parametrize("form", FORMS)
def test_a_given_test_file_keeps_its_order(tmp_path, form):
    suffix = f".{form}" if form else ""
    train = FORMS[form](tmp_path / f"train{suffix}", 0)
    test = FORMS[form](tmp_path / f"test{suffix}", 100)
    data = load_data(train, test=test)
    assert [number(x) for x in data.inputs("test")] == list(range(100, 100 + N))
    assert [number(x) for x in data.inputs("train")] == sorted(map(number, data.inputs("train")))


@pytest.mark.parametrize("form", FORMS)
def test_splits_that_are_drawn_keep_the_order_of_the_file(tmp_path, form):
    data = load_data(FORMS[form](tmp_path / (f"all.{form}" if form else "all"), 0), seed=3)
    numbers = {s: [number(x) for x in data.inputs(s)] for s in ("train", "val", "test")}
    assert all(rows == sorted(rows) for rows in numbers.values())
    assert sorted([n for rows in numbers.values() for n in rows]) == list(range(N))
    assert numbers["test"] != list(range(N - len(numbers["test"]), N))  # drawn, not cut off


def test_samples_are_the_first_or_drawn_when_that_is_asked_for(tmp_path):
    data: Dataset = load_data(_csv(tmp_path / "a.csv", 0), test=_csv(tmp_path / "b.csv", 0))
    assert [s.id for s in data.take(3)] == ["test-1", "test-2", "test-3"]
    drawn = [number(s.x) for s in data.take(10, seed=1)]
    assert drawn == sorted(set(drawn)) != list(range(10))
    assert drawn == [number(s.x) for s in data.take(10, seed=1)]
    assert drawn != [number(s.x) for s in data.take(10, seed=2)]
    assert data.take(N + 5, seed=1) == data.test


def test_the_weights_make_every_class_count_the_same(tmp_path):
    data = load_data(_csv(tmp_path / "a.csv", 0), test=_csv(tmp_path / "b.csv", 0))
    labels = data.labels("train")
    shares = np.bincount(labels, weights=data.class_weights[labels]) / len(labels)
    assert shares == pytest.approx([0.5, 0.5])
