"""The core types and the question, on models worked by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from toys import FunctionModel, ask_table, linear, product

from xaikit.core.errors import CheckFailed, DataError, InvalidInput, UnknownName
from xaikit.core.question import Cache
from xaikit.core.registry import Registry
from xaikit.core.types import Explanation, Sample, Score, Segmentation, Target
from xaikit.study.plan import explain
from xaikit.study.run import Run


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


def test_expand_keeps_the_places_of_kept_features_and_of_none() -> None:
    cut = Segmentation(np.array([[0, 0, 1], [-1, 2, 2]]), ("a", "b", "c"), "by hand")
    (kept,) = cut.expand(np.array([[True, False, True]]))
    assert kept.tolist() == [[True, True, False], [True, True, True]]


def test_scatter_and_pool_are_worked_by_hand() -> None:
    cut = Segmentation(np.array([[0, 0, 1], [-1, 2, 2]]), ("a", "b", "c"), "by hand")
    assert cut.scatter(np.array([1.0, 2.0, 3.0])).tolist() == [[1, 1, 2], [0, 3, 3]]
    grid = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert cut.pool(grid).tolist() == [3.0, 3.0, 11.0]
    assert cut.pool(grid, "mean").tolist() == [1.5, 3.0, 5.5]


@pytest.mark.parametrize("how", ["sum", "mean"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_maps_pooled_together_are_pooled_as_alone(how, kind) -> None:
    cut = Segmentation(np.array([[0, 0, 1], [-1, 2, 2]]), ("a", "b", "c"), "by hand")
    grids = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(kind)
    alone = [cut.pool(grid, how).tolist() for grid in grids]
    assert cut.pool_many(grids, how).tolist() == alone
    assert cut.pool_many(grids[:0], how).shape == (0, 3)


def test_maps_of_another_shape_are_not_pooled() -> None:
    cut = Segmentation(np.array([[0, 0, 1], [-1, 2, 2]]), ("a", "b", "c"), "by hand")
    message = r"a map of shape \(3, 2\) cannot be pooled on a grid of \(2, 3\)"
    with pytest.raises(InvalidInput, match=message):
        cut.pool(np.ones((3, 2)))
    with pytest.raises(InvalidInput, match=message):
        cut.pool_many(np.ones((2, 3, 2)))


def test_a_target_is_log_odds_probability_or_score() -> None:
    scores = np.log(np.array([[0.5, 0.3, 0.2]])) + 7.0  # a shift of all logits changes nothing
    assert Target(1)(scores)[0] == pytest.approx(np.log(0.3 / 0.7))
    assert Target(1, space="prob")(scores)[0] == pytest.approx(0.3)
    assert Target(0, against=2)(scores)[0] == pytest.approx(np.log(0.5 / 0.2))
    assert Target(2, space="value")(scores)[0] == pytest.approx(np.log(0.2) + 7)
    tensor = torch.tensor(scores)
    for target in (Target(1), Target(1, space="prob"), Target(0, against=2)):
        assert float(target(tensor)[0]) == pytest.approx(float(target(scores)[0]), abs=1e-12)


def test_a_target_far_from_even_stays_finite() -> None:
    scores = np.array([[1000.0, -1000.0]])
    assert Target(0)(scores)[0] == 2000.0
    assert Target(1, space="prob")(scores)[0] == 0.0


def test_a_pool_asks_each_mask_once() -> None:
    model = linear([1.0, 2.0])
    question = ask_table(model, [1.0, 1.0], cache=Cache())
    masks = np.array([[1, 0], [0, 1], [1, 0]], dtype=bool)
    assert question.value(masks).tolist() == [1.0, 2.0, 1.0]
    assert question.value(masks).tolist() == [1.0, 2.0, 1.0]
    assert (question.meter.asked, question.meter.forward, model.rows) == (6, 2, 2)


def test_methods_and_samples_draw_from_generators_of_their_own() -> None:
    question = ask_table(linear([1.0]), [1.0])
    draw = question.rng("lime", 0).random()
    assert draw == question.rng("lime", 0).random()
    assert draw != question.rng("shap", 0).random()
    assert draw != question.rng("lime", 1).random()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Sample("a", [np.inf], "table"), "sample 'a' holds infinity at (0,)"),
        (lambda: Sample("a", [[np.nan]], "series"), "sample 'a' holds NaN or infinity at (0, 0)"),
        (lambda: Sample("a", [[1.0]], "table"), "a table sample needs 1 non-empty dimension"),
        (lambda: Sample("a", np.full((2, 2, 1), 255.0), "image"), "scale them to [0, 1]"),
        (lambda: Sample("a", [1.0], "sound"), "use one of image, text, table, series"),
        (lambda: Sample("a", [1.0], "table", rationale=[True, False]), "its grid is (1,)"),
        (lambda: Segmentation(np.array([0, 2]), ("a", "b"), ""), "every id from 0 to n-1"),
        (lambda: Segmentation(np.array([-2, 0]), ("a",), ""), "ids are -1 (never removed)"),
        (lambda: Segmentation(np.array([-1]), (), ""), "needs at least one feature"),
        (lambda: Target(1, against=1), "cannot contrast class 1 with itself"),
        (lambda: Target(1, against=0, space="prob"), "use space='logit', not 'prob'"),
        (lambda: Target(3)(np.zeros((1, 2))), "the model gives 2 score(s)"),
        (lambda: Target(0)(np.zeros((1, 1))), "a model with one output has no log-odds"),
        (lambda: ask_table(linear([1.0]), [1.0], np.zeros((1, 2))), "needs (k, 1)"),
        (lambda: ask_table(linear([1.0]), [1.0], batch_size=0), "it must be 1 or more"),
        (
            lambda: ask_table(linear([1.0]), [1.0]).value(np.ones((1, 1))),
            "boolean (m, 1) is needed",
        ),
        (lambda: Score("x", float("nan"), "higher", "f"), "without a note"),
        (lambda: explain(linear([1.0]), "abc"), "cannot be read as table samples of one shape"),
        (lambda: explain(linear([1.0]), []), "0 samples were given; give one or more"),
    ],
)
def test_what_breaks_a_rule_is_refused_in_a_sentence(make, told) -> None:
    with pytest.raises(InvalidInput, match=re.escape(told)):
        make()


def test_a_model_that_gives_nan_is_named_with_the_mask() -> None:
    broken = FunctionModel(lambda x: np.where(x[:, :1] == 0, np.nan, 1.0))
    with pytest.raises(
        CheckFailed, match=r"gave nan for sample 's0' with only the features \[1\] kept"
    ):
        ask_table(broken, [1.0, 1.0]).value(np.array([[True, True], [False, True]]))


def test_a_registry_says_what_is_near() -> None:
    things: Registry[int] = Registry("thing")
    things.register("gradcam")(1)
    with pytest.raises(
        UnknownName, match=r"^no thing is called 'grad-cam'; did you mean 'gradcam'\?$"
    ):
        things.get("grad-cam")
    with pytest.raises(InvalidInput, match="registered twice"):
        things.register("gradcam")(2)


def test_a_folder_that_is_no_run_says_so(tmp_path) -> None:
    with pytest.raises(DataError, match=r"is no run folder: manifest\.json is missing"):
        Run.load(tmp_path)
    (tmp_path / "precious.txt").write_text("mine")
    question = ask_table(linear([1.0]), [1.0])
    run = Run({}, (question.sample,), np.array([[1.0]]), ())
    with pytest.raises(DataError, match="is not empty and holds no run that xaikit wrote"):
        run.save(tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]
