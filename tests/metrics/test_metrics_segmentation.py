"""Other cuts of the same sample, and what explanations make of them."""

from __future__ import annotations

import numpy as np
import pytest
from toys import FunctionModel, ask_table, linear

from xaikit.core.question import Cache, Masker, Question
from xaikit.core.stats import spearman
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.methods.base import ask, make_method
from xaikit.metrics import METRICS, SegmentationStability
from xaikit.metrics.segmentation import recut
from xaikit.modalities import segment

RNG = np.random.default_rng(3)


def image_question(function, side: int = 16, cut: str = "patches:4") -> Question:
    x = RNG.random((side, side, 1))
    sample = Sample("s0", x, "image")
    model = FunctionModel(function, "image")
    masker = Masker("black", np.zeros((1, *x.shape)))
    return Question(model, sample, segment(sample, cut), masker, Target(0, space="value"))


def measured(question: Question, method: str, seed: int = 0) -> float:
    (explanation,) = ask(make_method(method), [question], seed=seed)
    (score,) = SegmentationStability()(question, explanation, np.random.default_rng(0))
    assert score.of == {"method": method, "sample": "s0", "masker": question.masker.name}
    return score.value


def test_an_image_is_cut_into_larger_squares() -> None:
    sample = Sample("s0", np.zeros((32, 32, 3)), "image")
    for cut, n, side in (("patches:8", 36, 6), ("patches:4", 9, 11)):
        first = segment(sample, cut)
        other = recut(sample, first)
        assert other.source == f"{n} parts: squares of {side} x {side} px"
        assert other.n_features == n
        assert np.array_equal(other.ids[:side, :side], np.zeros((side, side)))
        assert other.ids[0, side] == 1
    wide = Sample("s0", np.zeros((8, 40, 1)), "image")
    other = recut(wide, segment(wide, "patches:10"))  # 2 x 10 of 4 px
    assert other.source == "14 parts: squares of 6 x 6 px"


def test_places_that_are_never_removed_stay_so() -> None:
    ids = np.arange(16).reshape(4, 4)
    ids[0] = -1
    ids[1:] -= 4
    first = Segmentation(ids, tuple("abcdefghijkl"), "by hand")
    other = recut(Sample("s0", np.zeros((4, 4, 1)), "image"), first)
    assert other.ids.tolist() == [[-1] * 4, [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]


def test_series_keep_their_channels_apart_where_they_were() -> None:
    together = Sample("s0", np.zeros((48, 1)), "series")
    other = recut(together, segment(together, "windows:12"))
    assert other.source == "9 parts: 9 windows"
    two = Sample("s0", np.zeros((24, 2)), "series")
    other = recut(two, segment(two, "windows:6"))
    assert other.source == "8 parts: 4 windows"
    assert other.ids[:, 0].max() == 3
    assert other.ids[:, 1].min() == 4
    assert recut(two, segment(two, "channels")) is None


def test_words_are_joined_two_by_two_and_columns_not_at_all() -> None:
    text = Sample("s0", np.array(list("abcdefg")), "text")
    assert recut(text, segment(text)).ids.tolist() == [0, 0, 1, 1, 2, 2, 3]
    short = Sample("s0", np.array(list("abcd")), "text")
    assert recut(short, segment(short)) is None
    row = Sample("s0", np.zeros(20), "table")
    assert recut(row, segment(row)) is None


def test_words_of_an_additive_model_get_the_same_map_whatever_the_cut() -> None:
    words = np.array([f"{v:.3f}" for v in RNG.normal(size=11)])
    model = FunctionModel(lambda xs: [[sum(float(w) for w in x if w != "_")] for x in xs], "text")
    sample = Sample("s0", words, "text")
    masker = Masker("mask", np.full((1, 11), "_"))
    question = Question(model, sample, segment(sample), masker, Target(0, space="value"))
    assert measured(question, "occlusion") == pytest.approx(1.0)
    assert measured(question, "exact_shapley") == pytest.approx(1.0)


def test_images_by_an_independent_computation() -> None:
    weights = np.linspace(-1, 1, 256).reshape(16, 16, 1) ** 3

    def function(x: np.ndarray) -> np.ndarray:
        return (x * weights).sum(axis=(1, 2, 3))[:, None]

    question = image_question(function)
    terms = (question.sample.x * weights)[..., 0]
    blocks = terms.reshape(4, 4, 4, 4).sum(axis=(1, 3))  # what 4 x 4 patches of 4 px get
    spread = np.kron(blocks / 16, np.ones((4, 4)))
    cuts = [slice(0, 6), slice(6, 12), slice(12, 16)]  # squares of 6 px
    same = [spread[r, c].sum() for r in cuts for c in cuts]
    theirs = [terms[r, c].sum() for r in cuts for c in cuts]
    assert measured(question, "occlusion") == pytest.approx(spearman(same, theirs))


def test_maps_that_know_nothing_of_the_sample_agree_by_chance_only() -> None:
    question = image_question(lambda x: x.sum(axis=(1, 2, 3))[:, None])
    values = [measured(question, "random", seed=seed) for seed in range(60)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
    assert measured(question, "occlusion") > 0.6


def test_maps_of_places_tables_and_other_maskers_are_not_asked() -> None:
    metric, rng = SegmentationStability(), np.random.default_rng(0)
    question = image_question(lambda x: x.sum(axis=(1, 2, 3))[:, None])
    (everywhere,) = ask(make_method("magnitude"), [question])
    assert everywhere.elements is not None
    assert metric(question, everywhere, rng) == []
    row = ask_table(linear(np.ones(8)), np.arange(8.0))
    (explanation,) = ask(make_method("occlusion"), [row])
    assert metric(row, explanation, rng) == []
    (explanation,) = ask(make_method("occlusion"), [question])
    white = Masker("white", np.ones((1, 16, 16, 1)))
    other = Question(
        question.model,
        question.sample,
        question.segmentation,
        white,
        question.target,
        cache=Cache(),
    )
    assert metric(other, explanation, rng) == []


def test_a_constant_map_is_noted() -> None:
    question = image_question(lambda x: np.zeros((len(x), 1)))
    (explanation,) = ask(make_method("occlusion"), [question])
    (score,) = SegmentationStability()(question, explanation, np.random.default_rng(0))
    assert score.value == 0.0
    assert score.note.endswith("0 by rule: one map is constant")


def test_it_is_registered_as_costly() -> None:
    assert METRICS.get("segmentation_stability") is SegmentationStability
    assert SegmentationStability.costly
