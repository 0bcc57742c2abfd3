"""LIME: what it converges to, its error bars, and the lime package's numbers to the bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from lime.lime_image import LimeImageExplainer
from lime.lime_text import LimeTextExplainer
from toys import FunctionModel, ask_table, linear, product

from xaikit.core.errors import InvalidInput, OutOfBudget
from xaikit.core.question import Masker, Question
from xaikit.core.types import Explanation, Floats, Sample, Segmentation, Target
from xaikit.methods.base import ask
from xaikit.methods.lime import Lime


def explain(question: Question, seed: int = 0, **params: Any) -> Explanation:
    return ask(Lime(**params), [question], seed=seed)[0]


def smooth(n: int) -> FunctionModel:
    weights = np.linspace(-1, 1.5, n)
    return FunctionModel(lambda x: np.tanh(x @ weights + x[:, 0] * x[:, 1])[:, None])


def by_definition(question: Question, width: float = 0.25) -> tuple[Floats, float, float]:
    """Slopes, intercept and R2 of the kernel-weighted least squares over all 2^n masks."""
    n = question.n_features
    masks = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    values = question.value(masks)
    distance = 1 - np.sqrt(masks.sum(axis=1) / n)
    root = np.exp(-(distance**2) / width**2) ** 0.25  # lime's kernel is sqrt(exp(...))
    design = np.column_stack([np.ones(2**n), masks])
    fitted = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0]
    weights = root**2 / (root**2).sum()
    left = values - design @ fitted
    r2 = 1 - weights @ left**2 / (weights @ (values - weights @ values) ** 2)
    return fitted[1:], float(fitted[0]), float(r2)


@pytest.mark.parametrize("n", [3, 12])
def test_a_linear_model_is_found_whole(n: int) -> None:
    weights, x = np.arange(n) - 1.5, np.linspace(1, 2, n)
    found = explain(ask_table(linear(weights, 0.5), x))
    np.testing.assert_allclose(found.values, weights * x, rtol=1e-4)  # the ridge takes 4e-6
    assert found.extras["intercept"] == pytest.approx(0.5, abs=1e-3)
    assert found.extras["r2"] == pytest.approx(1.0)
    assert (found.unit, found.additive, found.converged) == ("score", False, True)


def test_a_product_gets_equal_slopes_and_the_r2_of_the_definition() -> None:
    question = ask_table(product(), [2.0, 3.0])
    found = explain(question)
    slopes, intercept, r2 = by_definition(question)
    np.testing.assert_allclose(found.values, slopes, rtol=1e-4)
    assert found.values[0] == pytest.approx(found.values[1])
    assert found.extras["intercept"] == pytest.approx(intercept, rel=1e-4)
    assert found.extras["r2"] == pytest.approx(r2, rel=1e-6)


@pytest.mark.parametrize("width", [0.1, 0.25, 1.0])
def test_few_features_are_asked_for_all_masks(width: float) -> None:
    rng = np.random.default_rng(0)
    question = ask_table(smooth(7), rng.normal(size=7), rng.normal(size=(2, 7)))
    found = explain(question, width=width)
    np.testing.assert_allclose(
        found.values, by_definition(question, width)[0], rtol=1e-4, atol=1e-5
    )
    assert found.cost.asked == 2**7
    assert found.std is not None
    assert not found.std.any()


@pytest.mark.parametrize("width", [0.15, 0.25])
def test_samples_drawn_from_the_kernel_converge_to_the_definition(width: float) -> None:
    """12 features: 2000 of 4096 masks are drawn; 40 seeds show bias and the error bars."""
    rng = np.random.default_rng(1)
    x, references = rng.normal(size=12), rng.normal(size=(2, 12))
    truth = by_definition(ask_table(smooth(12), x, references), width)[0]
    question = ask_table(smooth(12), x, references, batch_size=5000)
    found = [explain(question, seed, width=width, budget=400) for seed in range(40)]
    values = np.array([f.values for f in found])
    claimed = np.array([f.std for f in found])
    spread = values.std(axis=0, ddof=1)
    bias = (values.mean(axis=0) - truth) / (spread / np.sqrt(40))
    assert np.abs(bias).max() < 4
    covered = np.mean(np.abs(values - truth) < 1.96 * claimed)
    assert 0.92 < covered < 0.98  # 480 intervals, those of one seed together: 0.95 +- 3 errors


def left_out_one_by_one(masks: Any, values: Floats, width: float = 0.25) -> tuple[Floats, Floats]:
    """Slopes and their standard errors, of masks in pairs (2 p, n), from a refit without each pair."""
    n = masks.shape[1]
    size = np.minimum(masks.sum(axis=1), n - masks.sum(axis=1))
    caps = np.array([math.comb(n, s) / (2 if 2 * s == n else 1) for s in range(n // 2 + 1)])
    asked = np.bincount(size, minlength=len(caps)) / 2
    kernel = np.exp(-((1 - np.sqrt(masks.mean(axis=1))) ** 2) / (2 * width**2))
    w = kernel * (caps / np.maximum(asked, 1))[size]
    design, ridge = np.column_stack([np.ones(len(masks)), masks]), np.diag([0.0, *np.full(n, 1e-6)])

    def fitted(kept: Any) -> Floats:
        own = design[kept] * w[kept, None]
        return np.linalg.solve(own.T @ design[kept] + w.sum() * ridge, own.T @ values[kept])

    whole, variance = fitted(slice(None)), np.zeros(n)
    for pair in range(len(masks) // 2):
        kept = np.arange(len(masks)) // 2 != pair
        share = 1 - (asked / caps)[size[2 * pair]]
        variance += share * (fitted(kept) - whole)[1:] ** 2
    return whole[1:], np.sqrt(variance)


def test_standard_errors_are_those_of_leaving_each_pair_out() -> None:
    weights = np.linspace(-1, 1.5, 12)
    asked: list[Any] = []

    def watched(x: Floats) -> Floats:
        asked.append(x > 0)
        return (np.tanh(x @ weights) * (1 + 3 * x[:, 0] * x[:, 1]))[:, None]

    question = ask_table(FunctionModel(watched), np.ones(12), np.zeros((1, 12)))
    found = explain(question, budget=100)
    masks = np.concatenate([rows for rows in asked if len(rows) > 2])
    assert len(masks) == 100
    slopes, std = left_out_one_by_one(masks, watched(masks.astype(float))[:, 0])
    np.testing.assert_allclose(found.values, slopes, rtol=1e-8)
    np.testing.assert_allclose(found.std, std, rtol=1e-6)
    assert np.ptp(std) > 0.1 * std.mean()


def test_a_wide_kernel_gives_banzhaf_values() -> None:
    """Equal weights on all masks: the slope is the mean gain over all masks of the others."""
    rng = np.random.default_rng(2)
    question = ask_table(smooth(6), rng.normal(size=6))
    masks = (np.arange(64)[:, None] >> np.arange(6)) & 1 == 1
    values = question.value(masks)
    banzhaf = [values[masks[:, i]].mean() - values[~masks[:, i]].mean() for i in range(6)]
    np.testing.assert_allclose(explain(question, width=1e6).values, banzhaf, atol=1e-5)


def test_the_sample_doubles_until_two_halves_agree() -> None:
    weights = np.zeros(40)
    weights[:5] = [9, 8, 7, 6, 5]
    clear = ask_table(linear(weights), np.ones(40))
    assert explain(clear).cost.asked == 256

    def noisy(x: Floats) -> Floats:
        return np.sin(1e4 * (x @ np.sqrt(np.arange(1.0, 41.0))))[:, None]

    found = explain(ask_table(FunctionModel(noisy), np.ones(40)), budget=2000)
    assert found.cost.asked == 2000
    assert found.converged is False
    assert "not converged: two halves" in found.note
    assert "fits poorly: R2 is 0.1" in found.note


def test_too_few_masks_are_said() -> None:
    found = explain(ask_table(linear(np.ones(50)), np.ones(50)), budget=100)
    assert "fewer than 4 masks for each of 50 features" in found.note


def test_a_constant_model_gets_zeros() -> None:
    found = explain(ask_table(linear(np.zeros(9), 2.0), np.ones(9)))
    assert not found.values.any()
    assert (found.extras["intercept"], found.extras["r2"], found.converged) == (2.0, 1.0, True)


def test_a_constant_model_settles_at_once() -> None:
    """Not all masks are asked, and rounding must not name strongest features."""
    found = explain(ask_table(linear(np.zeros(14), 0.1), np.ones(14)))
    assert not found.values.any()
    assert (found.cost.asked, found.converged) == (256, True)


def test_the_seed_decides_and_the_batch_size_does_not() -> None:
    x = np.random.default_rng(3).normal(size=14)

    def values(seed: int, size: int) -> Floats:
        return explain(ask_table(smooth(14), x, batch_size=size), seed, budget=512).values

    assert values(0, 7).tolist() == values(0, 7).tolist()
    np.testing.assert_allclose(values(0, 500), values(0, 7), rtol=1e-9, atol=1e-12)
    assert np.abs(values(1, 7) - values(0, 7)).max() > 1e-6


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"mode": "best"}, "no mode 'best'; use 'stable' or 'classic'"),
        ({"width": 0.0}, "width is 0.0; it must be above 0"),
        ({"budget": 3}, "budget is 3; it must be 4 or more"),
    ],
)
def test_wrong_parameters_are_named(params: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        Lime(**params)


def brightness(images: Floats) -> Floats:
    """Scores (B, 2) of images, the same for a row in any batch."""
    weights = np.linspace(-1, 2, images[0].size).reshape(images.shape[1:])
    margin = [np.tanh((image.astype(np.float64) * weights).sum() / 9) for image in images]
    return np.stack([np.zeros(len(images)), margin], axis=1)


def pictures(space: str) -> tuple[Question, Floats, Floats]:
    rng = np.random.default_rng(4)
    image = rng.random((12, 12, 3)).astype(np.float32)
    ids = (np.arange(12)[:, None] // 3) * 4 + np.arange(12) // 3
    hidden = image.copy()
    for i in range(16):
        hidden[ids == i] = [np.mean(image[ids == i][:, c]) for c in range(3)]
    model = FunctionModel(brightness, "image", ("a", "b"), "logit")
    question = Question(
        model,
        Sample("i", image, "image"),
        Segmentation(ids, tuple(map(str, range(16))), "squares"),
        Masker("mean of the segment", hidden[None]),
        Target(1, space=space),
    )
    return question, image, ids


@pytest.mark.parametrize(("space", "seed"), [("prob", 0), ("prob", 7), ("logit", 3)])
def test_classic_equals_the_package_on_images(space: str, seed: int) -> None:
    question, image, ids = pictures(space)

    def classify(images: Floats) -> Floats:
        value = question.target(brightness(images))
        return np.stack([1 - value, value], axis=1)

    state = np.random.get_state()[1].tolist()
    ours = explain(question, mode="classic", random_state=seed)
    assert np.random.get_state()[1].tolist() == state
    theirs = LimeImageExplainer(random_state=seed).explain_instance(
        image.astype(np.float32), classify, top_labels=None, segmentation_fn=lambda _: ids
    )
    assert dict(theirs.local_exp[1]) == dict(enumerate(ours.values))  # equal, not near
    assert theirs.intercept[1] == ours.extras["intercept"]
    assert theirs.score == ours.extras["r2"]
    assert ours.cost.asked == 1000


def count_words(words: list[str]) -> float:
    return sum(len(w) * (-1) ** i for i, w in enumerate(words)) + 3.0 * ("good" in words)


def text_question(words: list[str], *, drops: bool) -> Question:
    def scores(texts: Any) -> Floats:
        return np.array([[0.0, count_words(list(t)) / 9] for t in texts])

    references = np.array([["UNKWORDZ"] * len(words)])
    return Question(
        FunctionModel(scores, "text", ("a", "b"), "logit"),
        Sample("t", np.array(words), "text"),
        Segmentation(np.arange(len(words)), tuple(words), "words"),
        Masker("UNKWORDZ", references, drops=drops),
        Target(1, space="prob"),
    )


def classify_texts(texts: list[str]) -> Floats:
    scores = np.array([[0.0, count_words(t.split()) / 9] for t in texts])
    value = Target(1, space="prob")(scores)
    return np.stack([1 - value, value], axis=1)


WORDS = [
    "a",
    "good",
    "film",
    "with",
    "a",
    "good",
    "cast",
    "is",
    "worth",
    "the",
    "long",
    "wait",
    "and",
    "the",
    "money",
]


@pytest.mark.parametrize("n_selected", [10, 6, 100])
def test_classic_equals_the_package_on_texts_with_a_mask_word(n_selected: int) -> None:
    ours = explain(
        text_question(WORDS, drops=False), mode="classic", random_state=1, n_selected=n_selected
    )
    theirs = LimeTextExplainer(bow=False, random_state=1).explain_instance(
        " ".join(WORDS), classify_texts, num_features=n_selected
    )
    values = np.zeros(len(WORDS))
    for place, weight in theirs.local_exp[1]:
        values[place] = weight
    assert ours.values.tolist() == values.tolist()
    assert ours.cost.asked == 5000
    assert (ours.values != 0).sum() == min(n_selected, len(WORDS))


def test_classic_equals_the_package_on_texts_of_different_words_left_out() -> None:
    words = list(dict.fromkeys(WORDS))
    ours = explain(text_question(words, drops=True), mode="classic", random_state=5, budget=600)
    theirs = LimeTextExplainer(bow=True, random_state=5).explain_instance(
        " ".join(words), classify_texts, num_samples=600
    )
    found = {words.index(word): weight for word, weight in theirs.as_list()}
    assert found == {i: v for i, v in enumerate(ours.values) if v != 0}


def test_classic_draws_its_seed_from_the_run_and_says_what_it_does_on_tables() -> None:
    question = ask_table(smooth(8), np.linspace(-1, 1, 8))
    first, again, other = (explain(question, seed, mode="classic").values for seed in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert np.abs(first - other).max() > 1e-6
    assert "drawn as the package draws them for images" in explain(question, mode="classic").note


def test_a_budget_that_the_memory_does_not_hold_is_refused() -> None:
    question = ask_table(linear(np.ones(20)), np.ones(20), memory=10**6)
    with pytest.raises(OutOfBudget, match="hold 4166 evaluations of 20 features; lower the budget"):
        explain(question, budget=5000)
