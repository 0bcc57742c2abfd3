"""The real data sets beside the repository, through the same loaders as a user's own files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from xaikit.core.errors import DataError
from xaikit.data import Dataset, load_data
from xaikit.modalities.text import join

pytestmark = pytest.mark.shared

SHARED = Path(os.environ.get("XAIKIT_SHARED", Path(__file__).parents[3] / "shared")) / "data"
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip


def load(path: str, test: str | None = None, **options: object) -> Dataset:
    if not (SHARED / path).exists():
        pytest.skip(f"the real data set {path} is not beside the repository; set XAIKIT_SHARED")
    return load_data(SHARED / path, test=None if test is None else SHARED / test, **options)


def sizes(data: Dataset) -> list[int]:
    return [len(data.train), len(data.val), len(data.test)]


def every_text_comes_back(data: Dataset) -> None:
    for s in data.test:
        assert join([str(w) for w in s.x], s.meta["spaces"]) == s.meta["text"].rstrip()


def test_sst2() -> None:
    data = load(
        "text_en_sst2/train.csv.gz", "text_en_sst2/dev.csv.gz",
        text_column="text", classes=("negative", "positive"),
    )  # fmt: skip
    assert sizes(data) == [5882, 1038, 872]
    assert data.labels("test").sum() == 444
    assert (data.name, data.language) == ("text_en_sst2", "en")
    every_text_comes_back(data)


def test_nsmc_is_korean_and_quick() -> None:
    start = time.process_time()
    data = load("text_ko_nsmc/train.csv.gz", "text_ko_nsmc/test.csv.gz", text_column="text")
    assert time.process_time() - start < 6  # measured 0.8 s of processor time
    assert sizes(data) == [20400, 3600, 4000]
    assert data.language == "ko"
    every_text_comes_back(data)


def test_adult_keeps_the_question_mark_as_a_category() -> None:
    start = time.process_time()
    data = load("tabular_adult/train.csv.gz")
    assert time.process_time() - start < 8  # measured 1.5 s of processor time
    assert sum(sizes(data)) == 32561
    assert data.classes == ("<=50K", ">50K")
    columns = {c.name: c for c in data.columns}
    assert columns["workclass"].categories[0] == "?"
    assert columns["age"].categories == ()
    assert len(columns["native_country"].categories) == 42
    labels = np.concatenate([data.labels(p) for p in ("train", "val", "test")])
    assert labels.sum() == 7841


def test_german_credit_and_california_housing() -> None:
    credit = load("tabular_german_credit/german.csv.gz")
    assert (credit.classes, len(credit.columns)) == (("bad", "good"), 20)
    assert credit.columns[0].categories == ("A11", "A12", "A13", "A14")
    houses = load("tabular_california_housing/california_housing.csv.gz")
    assert (houses.task, len(houses.columns)) == ("regression", 8)
    values = np.concatenate([houses.labels(p) for p in ("train", "val", "test")])
    assert values.mean() == pytest.approx(2.069, abs=1e-3)


def test_a_real_table_with_gaps_is_refused_by_line_and_column() -> None:
    with pytest.raises(DataError, match=r"line 117 of 'nhanes1.csv.gz', column 'Diastolic BP'"):
        load("tabular_nhanes1/nhanes1.csv.gz")


def test_fashion_mnist_and_mnist() -> None:
    fashion = load("image_fashion_mnist/fashion_mnist.npz", classes=FASHION)
    assert sizes(fashion) == [5950, 1050, 1500]
    assert fashion.classes == FASHION
    assert fashion.train[0].x.shape == (28, 28, 1)
    mean = np.mean([s.x.mean() for s in (*fashion.train, *fashion.val)])
    assert mean == pytest.approx(0.286, abs=0.005)  # as published for the whole training set
    assert sum(sizes(load("image_mnist/mnist_t10k.npz"))) == 10000


def test_cifar10_from_its_zip() -> None:
    data = load("image_cifar10/cifar10_jpg.zip")
    assert sizes(data) == [3400, 600, 1000]
    assert data.classes[0] == "airplane"
    assert data.train[0].x.shape == (32, 32, 3)
    assert all(s.id.startswith("test/") for s in data.test)


def test_magnetic_tiles_carry_their_masks() -> None:
    with pytest.raises(DataError, match="give size= to scale all images"):
        load("localisation_magnetic_tile/magnetic_tile.zip")
    data = load("localisation_magnetic_tile/magnetic_tile.zip", size=64)
    every = [*data.train, *data.val, *data.test]
    assert len(every) == 335
    assert {s.rationale is None for s in every if data.classes[int(s.label)] == "Free"} == {True}
    assert sum(s.rationale is not None for s in every) > 200


@pytest.mark.parametrize(
    ("path", "shape", "counts"),
    [
        ("tsc_gunpoint/GunPoint.npz", (150, 1), [42, 8, 150]),
        ("tsc_italypowerdemand/ItalyPowerDemand.npz", (24, 1), [57, 10, 1029]),
        ("tsc_basicmotions/BasicMotions.npz", (100, 6), [32, 8, 40]),
    ],
)
def test_series_find_their_time_axis(path: str, shape: tuple[int, int], counts: list[int]) -> None:
    data = load(path)
    assert data.modality == "series"
    assert data.train[0].x.shape == shape
    assert sizes(data) == counts


def test_movie_rationales_are_on_the_marked_words() -> None:
    data = load("rationales_movies/train.jsonl.gz", "rationales_movies/val.jsonl.gz")
    assert sizes(data) == [1360, 240, 200]
    shares = [s.rationale.mean() for s in data.train]
    assert np.mean(shares) == pytest.approx(0.093, abs=0.005)  # as its provenance counts tokens
    every_text_comes_back(data)
