"""What one question knows is never paid for twice, and never mixed up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from toys import FunctionModel, ask_table

from xaikit.core.errors import CheckFailed
from xaikit.core.question import Cache, Question
from xaikit.core.types import Sample, Target
from xaikit.methods.base import ask, make_method
from xaikit.metrics.sanity import RandomLogit
from xaikit.models import wrap
from xaikit.study.plan import Plan, make_question
from xaikit.tasks import Classification, task_of


def three_classes(**changes) -> Question:
    weights = np.random.default_rng(3).normal(size=(6, 3))
    model = FunctionModel(lambda x: np.tanh(x @ weights), classes=("a", "b", "c"), space="logit")
    references = np.random.default_rng(4).normal(size=(4, 6))
    return ask_table(model, np.ones(6), references, target=Target(0), **changes)


MASKS = np.random.default_rng(5).random((40, 6)) < 0.5


def test_each_distinct_mask_is_passed_once_whatever_the_order() -> None:
    question = three_classes(cache=Cache())
    plain = three_classes().value(MASKS)
    np.testing.assert_array_equal(question.value(MASKS), plain)
    distinct = len(np.unique(MASKS, axis=0))
    assert question.meter.forward == 4 * distinct == 4 * len(question.cache)
    np.testing.assert_array_equal(question.value(MASKS[::-1]), plain[::-1])
    assert (question.meter.forward, question.meter.asked) == (4 * distinct, 80)


def test_another_class_is_read_from_the_same_passes_with_its_own_numbers() -> None:
    other = Target(1)
    question = three_classes(cache=Cache([other]))
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
    scores = question.model.scores([question.sample.x])[0]
    other = task_of(question.model).runner_up(scores, question.target)
    question = dataclasses.replace(question, cache=Cache([other]))
    (found,) = ask(make_method("occlusion"), [question])
    before = question.model.rows
    (score,) = RandomLogit()(question, found, np.random.default_rng(0))
    # the ends of the other question, and the scores that name it
    assert question.model.rows - before <= 2 + len(question.masker.references)
    assert -1 <= score.value <= 1


def test_the_ends_are_known_and_right() -> None:
    question = three_classes(cache=Cache())
    ends = np.array([[True] * 6, [False] * 6])
    plain = three_classes().value(ends)
    ask(make_method("occlusion"), [question])
    before = question.meter.forward
    np.testing.assert_allclose(question.value(ends), plain, rtol=1e-12)
    assert question.meter.forward == before


def test_once_makes_once_and_forget_forgets() -> None:
    cache, made = Cache(), []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [cache.once("a", make), cache.once("a", make), cache.once("b", make)] == [1, 1, 2]
    cache.fill(MASKS, Target(0), lambda masks, targets: np.zeros((len(masks), len(targets))))
    cache.forget()
    assert (len(cache), cache.once("a", make)) == (0, 3)


def test_the_runner_up_is_the_likeliest_class_that_is_not_asked_about() -> None:
    scores = np.array([3.0, 1.0, 2.0])
    task = Classification(("a", "b", "c"))
    assert task.runner_up(scores, Target(0)) == Target(2)
    assert task.runner_up(scores, Target(0, against=2)) == Target(1, against=2)
    assert Classification(("a", "b")).runner_up(scores[:2], Target(0)) is None
    assert task.runner_up(scores, Target(0, space="value")) is None


def nets(n: int, **changes) -> list[Question]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 3))
    rows = np.random.default_rng(0).normal(size=(n, 6))
    model = wrap(net, modality="table", classes=("a", "b", "c"), background=rows[:4], id="net")
    samples = [Sample(str(i), row, "table") for i, row in enumerate(rows)]
    return [make_question(model, sample, Plan(**changes)) for sample in samples]


def passes_of(questions: list[Question]) -> tuple[list, list[int]]:
    """Occlusion of all questions, and the rows of each pass of the net."""
    sizes: list[int] = []
    net = questions[0].model.net
    handle = net.register_forward_hook(lambda _m, args, _o: sizes.append(len(args[0])))
    found = ask(make_method("occlusion"), questions)
    handle.remove()
    return found, sizes


def test_small_requests_of_several_questions_share_passes() -> None:
    apart = [ask(make_method("occlusion"), [q])[0] for q in nets(12)]
    together, sizes = passes_of(nets(12))
    for a, b in zip(apart, together, strict=True):
        np.testing.assert_allclose(a.values, b.values, rtol=1e-6, atol=1e-7)
        assert (a.cost.asked, a.cost.forward) == (b.cost.asked, b.cost.forward)
    # one pass for the outputs, one for the input that is empty for all of them, and one for all that
    # is removed one by one
    assert sizes == [12, 4, 12 * 6 * 4]


def test_shared_passes_keep_to_the_batch_size() -> None:
    _, sizes = passes_of(nets(12, batch_size=50))
    assert max(sizes) <= 50
    assert sum(sizes) == 12 + 4 + 12 * 6 * 4


def test_a_class_that_knows_more_than_the_other_is_no_trouble() -> None:
    other = Target(1)
    question = three_classes(cache=Cache([other]))
    dataclasses.replace(question, target=other).value(MASKS[:20])  # the first class learns nothing
    np.testing.assert_array_equal(question.value(MASKS), three_classes().value(MASKS))
    right = dataclasses.replace(three_classes(), target=other).value(MASKS)
    np.testing.assert_array_equal(dataclasses.replace(question, target=other).value(MASKS), right)


def test_what_is_not_finite_in_a_shared_pass_is_refused_by_name() -> None:
    questions = nets(3)
    with torch.no_grad():
        questions[0].model.net[0].weight.fill_(float("inf"))
    with pytest.raises(CheckFailed, match="the model must give finite scores"):
        ask(make_method("occlusion"), questions)
