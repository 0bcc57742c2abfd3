"""Planted problems: exact answers solve them, controls and known faults do not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from xaikit.app.truth import TruthCase, truth_cases, watermark
from xaikit.core.abilities import Differentiable, Model
from xaikit.core.errors import InvalidInput
from xaikit.core.types import Explanation
from xaikit.shapley.exact import coalition_masks

CASES = {case.name: case for case in truth_cases()}


@dataclasses.dataclass(frozen=True)
class ByHand:
    name = "by hand"


def explain(case: TruthCase, values: np.ndarray, std=None) -> Explanation:
    return case.question.answer(ByHand(), values, additive=False, in_units=True, std=std)


def shapley(case: TruthCase) -> np.ndarray:
    """Exact where it can be enumerated; the other cases are sums of one term a feature."""
    n = case.question.n_features
    if n > 12:
        return one_by_one(case)
    masks = coalition_masks(n, 0, 2**n)
    design = np.column_stack([np.ones(len(masks)), 2 * masks - 1.0])
    sizes = masks.sum(axis=1)
    inner = (sizes > 0) & (sizes < n)
    weight = np.full(len(masks), 1e8)  # the ends hold with certainty
    choose = np.array(
        [1.0] + [np.prod(np.arange(n, n - k, -1) / np.arange(1, k + 1)) for k in range(1, n + 1)]
    )
    weight[inner] = (n - 1) / (choose[sizes[inner]] * sizes[inner] * (n - sizes[inner]))
    w = np.sqrt(weight)  # the kernel of Lundberg and Lee 2017, theorem 2
    found = np.linalg.lstsq(design * w[:, None], case.question.value(masks) * w, rcond=None)[0]
    return 2 * found[1:]


def one_by_one(case: TruthCase) -> np.ndarray:
    """Removing one feature at a time."""
    n = case.question.n_features
    return case.question.output - case.question.value(~np.eye(n, dtype=bool))


@pytest.mark.parametrize("name", CASES)
def test_exact_shapley_values_find_what_was_planted(name: str) -> None:
    case = CASES[name]
    found, detail = case.check(explain(case, shapley(case)))
    assert found, detail


@pytest.mark.parametrize("name", CASES)
def test_what_looks_at_the_input_alone_does_not(name: str) -> None:
    case = CASES[name]
    x, reference = case.question.sample.x, case.question.masker.references
    if x.dtype.kind == "U":
        size = np.strings.str_len(x).astype(float)
    else:
        size = (
            np.abs(x - reference.mean(axis=0)).reshape(*case.question.sample.grid, -1).sum(axis=-1)
        )
    values = case.question.segmentation.pool(size, "mean")
    assert not case.check(explain(case, values))[0]
    assert not case.check(explain(case, np.ones(len(values))))[0]
    assert not case.check(explain(case, np.zeros(len(values))))[0]


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("null feature", "correlated twin")])
def test_reversed_answers_are_no_answers(name: str) -> None:
    case = CASES[name]
    assert not case.check(explain(case, -shapley(case)))[0]


def test_noise_finds_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    hits = {
        name: np.mean(
            [c.check(explain(c, rng.normal(size=c.question.n_features)))[0] for _ in range(100)]
        )
        for name, c in CASES.items()
    }
    assert max(hits.values()) <= 0.2, hits
    assert np.mean(list(hits.values())) < 0.08


def test_the_answers_are_what_the_models_do() -> None:
    for case in CASES.values():
        question, n = case.question, case.question.n_features
        kept = question.value(np.array([case.answer, np.ones(n, dtype=bool)]))
        span = abs(question.output - question.empty)
        assert abs(kept[0] - kept[1]) <= 0.25 * span, case.name  # the answer alone nearly decides


def test_removing_one_at_a_time_misses_what_either_of_two_decides() -> None:
    case = CASES["either of two"]
    assert one_by_one(case).tolist() == pytest.approx([0.0, 0.0, 0.05, 0.0])
    found, detail = case.check(explain(case, one_by_one(case)))
    assert (found, detail) == (False, "strongest: column 2; not column 0 and column 1")


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_removing_the_watermark_costs_its_strength(strength: float) -> None:
    case = watermark(strength)
    parts = one_by_one(case)
    assert parts[8] / case.question.output == pytest.approx(strength, abs=1e-6)
    assert parts.sum() == pytest.approx(case.question.output)
    found, detail = case.check(explain(case, parts))
    assert found
    assert detail == f"the mark gets {strength:.0%}, {strength:.0%} is due"
    wrong = np.eye(9)[8] if strength < 0.5 else np.eye(9)[4]
    assert not case.check(explain(case, wrong))[0]
    assert case.check(explain(case, np.zeros(9))) == (False, "every feature gets 0")


def test_the_watermark_has_a_strength_from_0_to_1() -> None:
    with pytest.raises(InvalidInput, match=r"the watermark's strength is 1\.5; give 0 to 1"):
        watermark(1.5)


def test_an_error_bar_may_reach_zero_for_what_is_never_read() -> None:
    case = CASES["null feature"]
    values = np.array([2.0, 0.5, 0.3, 0.4, 1.0, 0.1])
    assert case.check(explain(case, values)) == (False, "column 3 gets 20% of the largest")
    assert case.check(explain(case, values, std=np.full(6, 0.3)))[0]
    assert not case.check(explain(case, np.eye(6)[5]))[0]  # another column that is never read


@pytest.mark.parametrize("name", CASES)
def test_formulas_are_models_with_a_leaf_of_equal_scores(name: str) -> None:
    question = CASES[name].question
    model, x = question.model, question.sample.x
    assert isinstance(model, Model)
    assert isinstance(model, Differentiable)
    leaf = model.leaf([x, question.masker.references[0]])
    rows = torch.tensor([1, 0])
    scores = leaf.forward(leaf.at[rows], rows).numpy()
    assert scores == pytest.approx(model.scores([question.masker.references[0], x]))
    folded = leaf.fold(leaf.at, torch.tensor([0, 1]))
    assert [m.shape for m in folded] == [question.sample.grid] * 2


def test_words_left_out_count_nothing() -> None:
    model = CASES["planted token"].question.model
    scores = model.scores([np.array(["refund", "loved"]), np.array(["unheard"])])
    assert scores[:, 0] == pytest.approx([4.2, 0.0])
