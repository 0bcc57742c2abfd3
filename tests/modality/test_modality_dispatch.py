"""What holds for the modalities: names, refusals, the background, and maskers that fit."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample
from xaikit.data import Dataset
from xaikit.modalities import MODALITIES, background, masker, segment, sound

RNG = np.random.default_rng(0)
SAMPLES = {
    "audio": sound(RNG.normal(0, 0.1, 1500), 8000, id="a"),
    "image": Sample("i", RNG.random((12, 12, 3)), "image"),
    "text": Sample("t", ["not", "bad", "."], "text"),
    "table": Sample("r", [1.0, 2.0], "table"),
    "series": Sample(
        "s", RNG.random((30, 2)), "series", meta={"profile": [[0.0, 1.0], [2.0, 3.0]]}
    ),
}
CELLS = [(m, how) for m in SAMPLES for how in MODALITIES.get(m).maskers]
CUTS = [(m, how) for m in SAMPLES for how in MODALITIES.get(m).segmenters]


def rows(modality: str, n: int = 7) -> np.ndarray | None:
    x = SAMPLES[modality].x
    return None if modality == "text" else RNG.random((n, *x.shape))


@pytest.mark.parametrize(("modality", "how"), CELLS)
def test_references_have_the_samples_shape_and_leave_it_unchanged(modality: str, how: str) -> None:
    sample = SAMPLES[modality]
    before = sample.x.copy()
    given = rows(modality)
    kept = None if given is None else given.copy()
    found = masker(sample, segment(sample), given, how)
    assert found.references.shape[1:] == sample.x.shape
    assert found.references.dtype.kind == sample.x.dtype.kind
    assert np.array_equal(sample.x, before)
    assert given is None or np.array_equal(given, kept)
    again = masker(sample, segment(sample), given, how)
    assert np.array_equal(found.references, again.references)
    if modality == "image":
        assert found.references.min() >= 0.0
        assert found.references.max() <= 1.0 + 1e-6


@pytest.mark.parametrize("modality", SAMPLES)
def test_auto_is_the_first_masker_and_the_first_cut(modality: str) -> None:
    sample, given, kind = SAMPLES[modality], rows(modality), MODALITIES.get(modality)
    cut = segment(sample)
    assert np.array_equal(cut.ids, segment(sample, kind.segmenters[0]).ids)
    first = masker(sample, cut, given, kind.maskers[0])
    assert masker(sample, cut, given).name == first.name
    assert len(kind.maskers) >= 2  # a second opinion exists


@pytest.mark.parametrize(("modality", "how"), CUTS)
def test_every_place_belongs_to_a_feature(modality: str, how: str) -> None:
    found = segment(SAMPLES[modality], how)
    assert found.ids.shape == SAMPLES[modality].grid
    assert found.ids.min() == 0


@pytest.mark.parametrize("how", ["wordz", "patches:0", "patches:x", "slic:-3"])
def test_an_unknown_cut_is_refused_with_the_known_ones(how: str) -> None:
    with pytest.raises(InvalidInput, match=f"cannot be cut by '{how}'; use auto, patches, slic"):
        segment(SAMPLES["image"], how)


@pytest.mark.parametrize(
    ("modality", "how"),
    [
        ("text", "words:3"),
        ("table", "columns:2"),
        ("series", "channels:2"),
        ("image", "pixels:9"),
        ("image", "quickshift:9"),
    ],
)
def test_a_number_is_refused_where_it_has_no_meaning(modality: str, how: str) -> None:
    with pytest.raises(InvalidInput, match="takes no number and got"):
        segment(SAMPLES[modality], how)


def test_an_unknown_masker_is_refused_with_the_known_ones() -> None:
    text = SAMPLES["text"]
    with pytest.raises(InvalidInput, match="no masker 'blur'; use auto, mask, delete"):
        masker(text, segment(text), how="blur")


def test_a_background_of_another_shape_is_refused() -> None:
    row = SAMPLES["table"]
    with pytest.raises(InvalidInput, match=r"background has shape \(4, 3\); .* needs \(b, 2\)"):
        masker(row, segment(row), np.zeros((4, 3)))
    with pytest.raises(InvalidInput, match=r"background has shape \(0, 2\)"):
        masker(row, segment(row), np.zeros((0, 2)))


def dataset(modality: str, labels: list[float], classes: tuple[str, ...]) -> Dataset:
    x = SAMPLES[modality].x
    made = [
        Sample(f"{i}", x if modality == "text" else np.full(x.shape, i, float), modality, label=y)
        for i, y in enumerate(labels)
    ]
    task = "classification" if classes else "regression"
    part = tuple(made)
    return Dataset("d", modality, task, classes, part, part[:1], part[:1])


def test_the_background_keeps_the_shares_of_the_classes() -> None:
    data = dataset("table", [0] * 60 + [1] * 30 + [2] * 10, ("a", "b", "c"))
    found = background(data, limit=20)
    picked = found[:, 0]
    assert [
        int(((picked >= a) & (picked < b)).sum()) for a, b in ((0, 60), (60, 90), (90, 100))
    ] == [
        12,
        6,
        2,
    ]
    assert len(set(picked)) == 20
    assert np.array_equal(found, background(data, limit=20))
    assert not np.array_equal(found, background(data, limit=20, seed=1))
    assert background(data, limit=500).shape == (100, 2)


def test_the_background_of_a_regression_spans_the_targets() -> None:
    data = dataset("table", list(range(100)), ())
    picked = sorted(background(data, limit=10)[:, 0])
    assert picked == [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]


def test_text_has_no_background_and_none_is_made_of_no_rows() -> None:
    assert background(dataset("text", [0, 1], ("a", "b"))) is None
    with pytest.raises(InvalidInput, match="background limit is 0"):
        background(dataset("table", [0, 1], ("a", "b")), limit=0)
