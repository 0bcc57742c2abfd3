"""The core types and the question, on models worked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from toys import ask_table, linear, product

from xaikit.run import Run
from xaikit.types import Explanation, Sample


@dataclass(frozen=True)
class ByHand:
    name: ClassVar[str] = "by hand"


def test_value_of_a_linear_model_is_its_sum() -> None:
    question = ask_table(linear([1.0, 2.0, -3.0], 0.5), [1.0, 1.0, 1.0])
    masks = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 1]], dtype=bool)
    assert question.value(masks).tolist() == [0.5, 0.5, -1.5]
    assert (question.output, question.empty) == (0.5, 0.5)
    assert (question.meter.asked, question.meter.forward) == (3, 4)


def test_value_is_the_mean_over_the_references() -> None:
    question = ask_table(product(), [2.0, 3.0], [[0.0, 0.0], [1.0, 1.0]], batch_size=1)
    masks = np.array([[1, 0], [0, 1], [0, 0]], dtype=bool)
    assert question.value(masks).tolist() == [1.0, 1.5, 0.5]


def test_a_run_comes_back_as_it_was_saved(tmp_path) -> None:
    question = ask_table(linear([1.0, 2.0]), [1.0, 1.0])

    found = question.answer(ByHand(), np.array([1.0, 2.0]), additive=True, in_units=True)
    run = Run({"seed": 0}, (question.sample,), np.array([[3.0]]), (found,))
    again = Run.load(run.save(tmp_path / "run"))
    assert isinstance(again.explanations[0], Explanation)
    assert isinstance(again.samples[0], Sample)
    assert again.explanations[0].values.tolist() == [1.0, 2.0]
    assert again.explanations[0].residual == 0.0
    assert again.explanations[0].target == found.target
