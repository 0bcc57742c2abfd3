"""The controls: noise, and a map of the input that never asks the model."""

from __future__ import annotations

import numpy as np
import pytest
from toys import FunctionModel, ask_table, linear

from xaikit.core.errors import NotApplicable
from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.methods.base import METHODS, ask
from xaikit.methods.controls import Magnitude, Random


def test_random_is_standard_normal_noise_of_the_seed_and_the_sample() -> None:
    question = ask_table(linear(np.ones(4000)), np.ones(4000))
    first, again = (ask(Random(), [question], seed=3)[0].values for _ in range(2))
    other = ask(Random(), [question], seed=4)[0].values
    assert first.tolist() == again.tolist()
    assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(4000)
    assert abs(first.mean()) < 4 / np.sqrt(4000)
    assert abs(first.std() - 1) < 4 / np.sqrt(2 * 4000)


@pytest.mark.parametrize("name", ["random", "magnitude"])
def test_controls_are_marked_and_claim_no_unit(name: str) -> None:
    found = ask(METHODS.get(name)(), [ask_table(linear([1.0, 2.0]), [1.0, 1.0])])[0]
    assert METHODS.get(name).card.control
    assert (found.unit, found.additive) == ("relative", False)
    assert found.cost.asked == 0


def test_magnitude_is_the_distance_from_one_reference() -> None:
    question = ask_table(linear([1.0, 1.0]), [3.0, -2.0], [[1.0, 2.0]])
    assert ask(Magnitude(), [question])[0].values.tolist() == [2.0, 4.0]


def test_magnitude_counts_deviations_where_references_differ() -> None:
    references = [[0.0, 100.0, 7.0], [2.0, 300.0, 7.0]]  # deviations 1, 100, none
    question = ask_table(linear([1.0, 1.0, 1.0]), [4.0, 500.0, 9.0], references)
    assert ask(Magnitude(), [question])[0].values.tolist() == [3.0, 3.0, 2.0]


def test_magnitude_adds_channels_and_averages_places() -> None:
    x = np.zeros((2, 2, 3), dtype=np.float32)
    x[0, 0], x[0, 1] = 0.5, 0.25
    segmentation = Segmentation(np.array([[0, 0], [1, 1]]), ("top", "bottom"), "rows")
    model = FunctionModel(lambda x: x.sum(axis=(1, 2, 3))[:, None], modality="image")
    masker = Masker("black", np.zeros((1, 2, 2, 3), dtype=np.float32))
    question = Question(
        model, Sample("i", x, "image"), segmentation, masker, Target(0, None, "value")
    )
    found = ask(Magnitude(), [question])[0]
    assert found.values.tolist() == [(1.5 + 0.75) / 2, 0.0]
    assert found.elements is not None
    assert found.elements.tolist() == [[1.5, 0.75], [0.0, 0.0]]


def test_magnitude_of_words_is_their_length() -> None:
    model = FunctionModel(lambda texts: np.array([[float(len(t))] for t in texts]), modality="text")
    sample = Sample("t", np.array(["so", "marvellous"]), "text")
    segmentation = Segmentation(np.arange(2), ("so", "marvellous"), "words")
    masker = Masker("left out", np.empty((0, 2), dtype=str), drops=True)
    question = Question(model, sample, segmentation, masker, Target(0, None, "value"))
    assert ask(Magnitude(), [question])[0].values.tolist() == [2.0, 10.0]


def test_magnitude_refuses_numbers_without_references() -> None:
    sample = Sample("s", np.ones((3, 1)), "series")
    segmentation = Segmentation(np.arange(3)[:, None], ("a", "b", "c"), "steps")
    model = FunctionModel(lambda x: x.sum(axis=(1, 2))[:, None], modality="series")
    masker = Masker("left out", np.empty((0, 3, 1)), drops=True)
    question = Question(model, sample, segmentation, masker, Target(0, None, "value"))
    with pytest.raises(NotApplicable, match="the masker 'left out' has none"):
        Magnitude()(question, np.random.default_rng(0))
