"""What one question knows is never paid for twice, and never mixed up."""

from __future__ import annotations

import dataclasses

import numpy as np
from toys import FunctionModel, ask_table

from xaikit.methods.base import ask, make_method
from xaikit.metrics.sanity import RandomLogit
from xaikit.question import Pool, Question, runner_up
from xaikit.types import Target


def three_classes(**changes) -> Question:
    weights = np.random.default_rng(3).normal(size=(6, 3))
    model = FunctionModel(lambda x: np.tanh(x @ weights), classes=("a", "b", "c"), space="logit")
    references = np.random.default_rng(4).normal(size=(4, 6))
    return ask_table(model, np.ones(6), references, target=Target(0), **changes)


MASKS = np.random.default_rng(5).random((40, 6)) < 0.5


def test_each_distinct_mask_is_passed_once_whatever_the_order() -> None:
    question = three_classes(pool=Pool())
    plain = three_classes().value(MASKS)
    np.testing.assert_array_equal(question.value(MASKS), plain)
    distinct = len(np.unique(MASKS, axis=0))
    assert question.meter.forward == 4 * distinct == 4 * len(question.pool)
    np.testing.assert_array_equal(question.value(MASKS[::-1]), plain[::-1])
    assert (question.meter.forward, question.meter.asked) == (4 * distinct, 80)


def test_another_class_is_read_from_the_same_passes_with_its_own_numbers() -> None:
    other = Target(1)
    question = three_classes(pool=Pool([other]))
    question.value(MASKS)
    before = question.model.rows
    about_other = dataclasses.replace(question, target=other)
    right = dataclasses.replace(three_classes(), target=other).value(MASKS)
    np.testing.assert_array_equal(about_other.value(MASKS), right)
    third = dataclasses.replace(question, target=Target(2)).value(MASKS)
    assert question.model.rows > before  # the third class was not read along
    assert not np.array_equal(third, right)


def test_the_check_of_another_class_costs_no_pass() -> None:
    question = three_classes()
    other = runner_up(question.model.scores([question.sample.x])[0], question.target)
    question = dataclasses.replace(question, pool=Pool([other]))
    (found,) = ask(make_method("occlusion"), [question])
    before = question.model.rows
    (score,) = RandomLogit()(question, found, np.random.default_rng(0))
    # the ends of the other question, and the scores that name it
    assert question.model.rows - before <= 2 + len(question.masker.references)
    assert -1 <= score.value <= 1


def test_the_ends_are_known_and_right() -> None:
    question = three_classes(pool=Pool())
    ends = np.array([[True] * 6, [False] * 6])
    plain = three_classes().value(ends)
    ask(make_method("occlusion"), [question])
    before = question.meter.forward
    np.testing.assert_allclose(question.value(ends), plain, rtol=1e-12)
    assert question.meter.forward == before


def test_once_makes_once_and_forget_forgets() -> None:
    pool, made = Pool(), []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [pool.once("a", make), pool.once("a", make), pool.once("b", make)] == [1, 1, 2]
    pool.fill(MASKS, Target(0), lambda masks, targets: np.zeros((len(masks), len(targets))))
    pool.forget()
    assert (len(pool), pool.once("a", make)) == (0, 3)


def test_the_runner_up_is_the_likeliest_class_that_is_not_asked_about() -> None:
    scores = np.array([3.0, 1.0, 2.0])
    assert runner_up(scores, Target(0)) == Target(2)
    assert runner_up(scores, Target(0, against=2)) == Target(1, against=2)
    assert runner_up(scores[:2], Target(0)) is None
    assert runner_up(scores, Target(0, space="value")) is None
