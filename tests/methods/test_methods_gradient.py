"""Gradient methods on nets worked by hand, against captum, and as pure functions."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient as CaptumInputXGradient
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from captum.attr import Saliency as CaptumSaliency
from toy_nets import (
    Attends,
    AttentionModel,
    Conv,
    ConvModel,
    LastState,
    NetModel,
    WordModel,
    ask_net,
)
from toys import linear

from xaikit.core.errors import CheckFailed, InvalidInput, NotApplicable
from xaikit.core.question import Masker
from xaikit.core.types import Segmentation, Target
from xaikit.methods.base import ask, make_method, reason_against

NAMES = ("saliency", "input_x_gradient", "integrated_gradients", "smoothgrad", "gradient_shap")
WITH_REFERENCE = ("input_x_gradient", "integrated_gradients", "gradient_shap")
WEIGHTS = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)

LINEAR = NetModel(lambda at: (at @ WEIGHTS + 5)[:, None])
PRODUCT = NetModel(lambda at: (at[:, 0] * at[:, 1])[:, None])
SQUARES = NetModel(lambda at: at.square().sum(1, keepdim=True))


def explain(name: str, *questions, seed: int = 0, **params):
    return ask(make_method(name, **params), questions, seed=seed)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("saliency", [1, 2, 3]),
        ("smoothgrad", [1, 2, 3]),
        ("input_x_gradient", [1, -6, 0]),  # w * (x - r)
        ("integrated_gradients", [1, -6, 0]),
        ("gradient_shap", [1, -6, 0]),
    ],
)
def test_linear_model(name, values) -> None:
    (found,) = explain(name, ask_net(LINEAR, [2.0, 4.0, 1.0], [[1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(found.values, values, atol=1e-14)
    if found.std is not None:
        np.testing.assert_allclose(found.std, 0, atol=1e-14)
    assert found.additive == (name in ("integrated_gradients", "gradient_shap"))
    assert found.unit == ("score" if name in WITH_REFERENCE else "relative")


def test_product_is_shared_evenly_along_the_path() -> None:
    question = ask_net(PRODUCT, [2.0, 3.0])
    assert explain("saliency", question)[0].values.tolist() == [3, 2]
    assert explain("input_x_gradient", question)[0].values.tolist() == [6, 6]  # 12, not 6
    np.testing.assert_allclose(explain("integrated_gradients", question)[0].values, [3, 3])
    (shap,) = explain("gradient_shap", question)
    np.testing.assert_allclose(shap.values, [3, 3], atol=0.1)
    assert (shap.std > 0).all()


def test_references_are_averaged() -> None:
    # from (1, 1) to (2, 3): 1 * mean(1 + 2a) = 2 and 2 * mean(1 + a) = 3
    question = ask_net(PRODUCT, [2.0, 3.0], [[0.0, 0.0], [1.0, 1.0]])
    (found,) = explain("integrated_gradients", question)
    np.testing.assert_allclose(found.values, [2.5, 3.0])
    assert found.residual == pytest.approx(0, abs=1e-12)
    # x - mean reference = (1.5, 2.5), gradient (3, 2)
    assert explain("input_x_gradient", question)[0].values.tolist() == [4.5, 5.0]


def test_integrated_gradients_of_squares() -> None:
    (found,) = explain("integrated_gradients", ask_net(SQUARES, [3.0, -1.0], [[1.0, 2.0]]))
    np.testing.assert_allclose(found.values, [8, -3])  # x^2 - r^2
    assert found.extras["steps"] == 32
    assert found.converged
    assert found.extras["completeness_gap"] < 1e-12


def kink(at: torch.Tensor) -> torch.Tensor:
    """A steep step at 0.37 of the way: few points see it badly."""
    return torch.tanh(150 * (at.sum(1, keepdim=True) - 0.37))


def test_steps_are_doubled_until_complete() -> None:
    question = ask_net(NetModel(kink), [1.0, 0.0])
    (found,) = explain("integrated_gradients", question)
    assert found.extras["steps"] in (128, 256, 512)
    assert found.extras["completeness_gap"] <= 0.01
    assert found.converged
    assert abs(found.residual) <= 0.01 * 2
    # the fewest that suffice: half as many are not enough
    half = found.extras["steps"] // 2
    (fewer,) = explain("integrated_gradients", question, n_steps=half, max_steps=half)
    assert fewer.extras["completeness_gap"] > 0.01
    assert not fewer.converged
    assert fewer.note.endswith(f"after {half} steps, not converged")
    (most,) = explain("integrated_gradients", question, max_steps=half)  # the limit itself is tried
    assert most.extras == fewer.extras


def test_only_open_samples_get_more_steps() -> None:
    model = NetModel(lambda at: torch.where(at[:, :1] > 1, at.sum(1, keepdim=True), kink(at)))
    easy = ask_net(model, [3.0, 0.0], [[2.0, 0.0]], name="easy")
    hard = ask_net(model, [1.0, 0.0], name="hard")
    found = explain("integrated_gradients", easy, hard)
    assert found[0].extras["steps"] == 32
    assert found[1].extras["steps"] > 32
    assert found[0].cost.backward == 32
    assert found[1].cost.backward > 32


def test_a_target_that_never_changes_is_complete() -> None:
    (found,) = explain("integrated_gradients", ask_net(NetModel(lambda at: 0 * at), [1.0, 2.0]))
    assert found.extras["completeness_gap"] == 0
    assert found.values.tolist() == [0, 0]


def test_places_that_are_never_removed_get_no_credit() -> None:
    segmentation = Segmentation(np.array([0, -1, 1]), ("a", "b"), "two of three")
    question = ask_net(SQUARES, [1.0, 2.0, 3.0], segmentation=segmentation)
    (found,) = explain("integrated_gradients", question)
    np.testing.assert_allclose(found.values, [1, 9])
    assert found.elements[1] == 0
    assert found.residual == pytest.approx(0, abs=1e-12)
    assert explain("input_x_gradient", question)[0].elements.tolist() == [2, 0, 18]


@pytest.mark.parametrize("name", NAMES)
def test_a_dummy_gets_nothing(name) -> None:
    model = NetModel(lambda at: at[:, :1] ** 3 * at[:, 2:])
    (found,) = explain(name, ask_net(model, [1.0, 2.0, 3.0]))
    assert found.values[1] == 0
    assert (found.values[[0, 2]] != 0).all()


@pytest.mark.parametrize("name", ["integrated_gradients", "gradient_shap"])
def test_additive_methods_add_up_on_an_lstm(name) -> None:
    model = WordModel(LastState())
    question = ask_net(model, ["the", "film", "not", "very", "good"])
    (found,) = explain(name, question)
    assert abs(question.output - question.empty) > 0.1
    bound = 0.01 * abs(question.output - question.empty)
    if name == "gradient_shap":
        bound = 4 * np.sqrt(np.square(found.std).sum()) + 1e-12
    assert abs(found.residual) <= bound


def questions_of_every_kind(batch_size: int) -> list[list]:
    """Samples of different length, target and reference count, one list per model and unit."""
    rng = np.random.default_rng(3)
    words = WordModel(LastState())
    conv = ConvModel(Conv(), "image", ("a", "b"), "logit")
    sentences = (["good"], ["not", "very", "good", "film"], ["the", "film", "bad"])
    texts = [
        ask_net(words, s, name=str(i), target=Target(i % 2), batch_size=batch_size)
        for i, s in enumerate(sentences)
    ]
    images = [
        [
            ask_net(
                conv,
                rng.random((4, 4, 1)),
                rng.random((i + 1, 4, 4, 1)),
                name=str(i),
                target=Target(i % 2, space=space),
                batch_size=batch_size,
            )
            for i in range(3)
        ]
        for space in ("logit", "prob", "value")
    ]
    return [texts, *images]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_do_not_depend_on_batch_size_or_order(name) -> None:
    for ones, many in zip(questions_of_every_kind(1), questions_of_every_kind(128), strict=True):
        alone = [explain(name, q)[0] for q in ones]
        together = explain(name, *many[::-1])[::-1]
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a.values, b.values, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(a.elements, b.elements, rtol=1e-10, atol=1e-12)
            if a.std is not None:
                np.testing.assert_allclose(a.std, b.std, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_everything(name) -> None:
    (question, *_), *_ = questions_of_every_kind(16)
    first, again = (explain(name, question, seed=4)[0] for _ in range(2))
    other = explain(name, question, seed=5)[0]
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.values, other.values) == (first.std is None)


def state_of(net: torch.nn.Module) -> tuple:
    return (
        [m.training for m in net.modules()],
        [(p.grad is None, p.requires_grad, p.detach().clone().sum()) for p in net.parameters()],
        [len(m._forward_hooks) + len(m._backward_hooks) for m in net.modules()],
        (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        (torch.get_rng_state().sum(), np.random.get_state()[1].sum(), random.getstate()),
    )


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_changed(name, mode) -> None:
    for questions in questions_of_every_kind(2):
        net = questions[0].model.net
        net.train()
        with mode():
            before = state_of(net)
            values = explain(name, questions[0])[0].values
            assert state_of(net) == before
        assert np.array_equal(values, explain(name, questions[0])[0].values)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_changed_by_a_failure(name) -> None:
    class Breaks(Conv):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            super().forward(x)
            raise RuntimeError("out of memory")

    net = Breaks()
    question = ask_net(ConvModel(net, "image"), np.ones((4, 4, 1)))
    with torch.no_grad():
        before = state_of(net)
        with pytest.raises(RuntimeError, match="out of memory"):
            explain(name, question)
        assert state_of(net) == before


@pytest.mark.parametrize("batch_size", [1, 5, 128])
@pytest.mark.parametrize("name", NAMES)
def test_a_pass_never_holds_more_than_batch_size_rows(name, batch_size) -> None:
    sizes = []

    def net(at: torch.Tensor) -> torch.Tensor:
        sizes.append(len(at))
        return at.square().sum(1, keepdim=True)

    model, references = NetModel(net), np.zeros((3, 2))
    questions = [
        ask_net(model, [1.0, i], references, name=str(i), batch_size=batch_size) for i in range(7)
    ]
    explain(name, *questions)
    assert max(sizes) <= batch_size


@pytest.mark.parametrize("name", WITH_REFERENCE)
def test_few_references_are_held_at_once(name) -> None:
    held = []

    class Counting(NetModel):
        def leaf(self, xs):
            held.append(len(xs))
            return super().leaf(xs)

    model, references = Counting(SQUARES.net), np.zeros((3, 2))
    questions = [ask_net(model, [1.0, i], references, name=str(i), batch_size=7) for i in range(5)]
    explain(name, *questions)
    assert held == [2, 6, 2, 6, 1, 3]  # two samples with three references each, ...


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("saliency", 1),
        ("input_x_gradient", 1),
        ("integrated_gradients", 2 * 32),
        ("smoothgrad", 32),
        ("gradient_shap", 64),
    ],
)
def test_work_is_counted(name, passes) -> None:
    question = ask_net(SQUARES, [1.0, 2.0], np.zeros((2, 2)))
    _ = question.output, question.empty  # asked before, not paid again
    rows = SQUARES.rows
    (found,) = explain(name, question)
    assert SQUARES.rows - rows == passes
    assert (found.cost.asked, found.cost.forward, found.cost.backward) == (passes,) * 3


def test_samples_share_one_pass() -> None:
    sizes = []

    def net(at: torch.Tensor) -> torch.Tensor:
        if at.requires_grad:
            sizes.append(len(at))
        return at.square().sum(1, keepdim=True)

    model = NetModel(net)
    explain("saliency", *(ask_net(model, [1.0, i], name=str(i)) for i in range(7)))
    assert sizes == [7]


def as_captum(model: ConvModel):
    rng = np.random.default_rng(1)
    x, references = rng.random((4, 4, 1)), rng.random((1, 4, 4, 1))
    question = ask_net(model, x, references, target=Target(1, space="value"))
    encode = model.encode
    return question, encode([question.sample.x]), encode(np.float64(references))


def test_parity_with_captum() -> None:
    model = ConvModel(Conv("flatten"), "image", ("a", "b"), "value")
    question, x, reference = as_captum(model)
    zero = ask_net(model, question.sample.x, target=question.target)

    expected = CaptumSaliency(model.net).attribute(x.clone().requires_grad_(), target=1)
    np.testing.assert_allclose(
        explain("saliency", question)[0].elements, expected[0, 0], rtol=1e-12
    )

    expected = CaptumInputXGradient(model.net).attribute(x.clone().requires_grad_(), target=1)
    np.testing.assert_allclose(
        explain("input_x_gradient", zero)[0].elements,
        expected[0, 0].detach(),
        rtol=1e-12,
        atol=1e-14,
    )

    expected = CaptumIntegratedGradients(model.net).attribute(x, reference, target=1, n_steps=50)
    (found,) = explain("integrated_gradients", question, n_steps=50, max_steps=50)
    np.testing.assert_allclose(found.elements, expected[0, 0], rtol=1e-6, atol=1e-7)


CUBES = NetModel(lambda at: (at.pow(3).sum(1) + at[:, 0] * at[:, 1].sin())[:, None])


@pytest.mark.parametrize("n_references", [1, 4, 50])
def test_the_error_of_gradient_shap_is_honest(n_references) -> None:
    """(estimate - truth) / std has mean 0 and variance 1 over seeds."""
    rng = np.random.default_rng(0)
    question = ask_net(CUBES, [1.0, -0.5], rng.normal(size=(n_references, 2)))
    (truth,) = explain("integrated_gradients", question, n_steps=64, max_steps=64)
    runs = [explain("gradient_shap", question, seed=s, n_samples=32)[0] for s in range(300)]
    error = np.stack([r.values for r in runs]) - truth.values
    spread = np.stack([r.std for r in runs])
    variance = np.square(error).mean(axis=0) / np.square(spread).mean(axis=0)
    np.testing.assert_allclose(variance, 1, atol=0.3)  # 300 seeds: 0.08 is one standard error
    assert (np.abs(error.mean(axis=0)) < 4 * error.std(axis=0) / 300**0.5).all()


def test_the_error_of_gradient_shap_sees_every_jump() -> None:
    """One jump of the slope, anywhere: the error is never far beyond the standard error."""
    jumps = np.random.default_rng(1).uniform(0.1, 0.9, 100)
    for seed, jump in enumerate(jumps):
        model = NetModel(lambda at, jump=jump: torch.relu(at - jump))
        (found,) = explain("gradient_shap", ask_net(model, [1.0]), seed=seed)
        assert 0 < abs(found.values[0] - (1 - jump)) < 3 * found.std[0]
        assert found.std[0] < 1 / 64


def test_each_reference_gets_its_own_strata_when_draws_suffice() -> None:
    """Then a linear model is explained without error, though its references differ."""
    references = np.random.default_rng(2).normal(size=(4, 3))
    question = ask_net(LINEAR, [2.0, 4.0, 1.0], references)
    (found,) = explain("gradient_shap", question, n_samples=30)
    expected = WEIGHTS.numpy() * (question.sample.x - references.mean(axis=0))
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    np.testing.assert_allclose(found.std, 0, atol=1e-14)
    assert found.note == "sampled: 28 draws"
    (few,) = explain("gradient_shap", question, n_samples=12)  # 3 a reference: any reference
    assert (few.std > 0.1).all()


def test_strata_make_gradient_shap_better_than_chance() -> None:
    question = ask_net(CUBES, [1.0, -0.5])
    (found,) = explain("gradient_shap", question)
    # 64 free draws of 3 a^2, whose standard deviation is 0.894, give 0.11
    assert found.std[0] < 0.11 / 20


def test_smoothgrad_is_the_mean_slope_of_noisy_copies() -> None:
    """Slope of sum x^2 is 2 x: the mean is 2 x, its standard error 2 sd / sqrt(n)."""
    question = ask_net(SQUARES, [1.0, -3.0])  # max - min = 4
    runs = [explain("smoothgrad", question, seed=s)[0] for s in range(200)]
    error = np.stack([r.values for r in runs]) - [2, 6]
    expected = 2 * 0.4 / 32**0.5
    assert runs[0].extras["noise_sd"] == pytest.approx(0.4)
    np.testing.assert_allclose(error.std(axis=0), expected, rtol=0.2)
    np.testing.assert_allclose(error.mean(axis=0), 0, atol=4 * expected / 200**0.5)
    np.testing.assert_allclose(np.mean([r.std for r in runs], axis=0), expected, rtol=0.05)


def test_smoothgrad_lets_slopes_of_both_signs_cancel() -> None:
    (found,) = explain("smoothgrad", ask_net(SQUARES, [0.0, 4.0]))
    # 32 slopes of +-0.8: their mean is 0.14 from 0, the mean of their sizes would be 0.64
    assert found.values[0] < 3 * 0.14


def test_two_noisy_copies_are_enough_for_an_error() -> None:
    question = ask_net(SQUARES, [1.0, -3.0])
    runs = [explain("smoothgrad", question, seed=s, n_samples=2)[0] for s in range(400)]
    expected = (2 * 0.4) ** 2 / 2
    # the mean of 400 chi-squares of one degree: 0.07 is one standard error
    np.testing.assert_allclose(np.mean([r.std**2 for r in runs], axis=0), expected, rtol=0.28)


def test_smoothgrad_without_noise_is_saliency() -> None:
    for question, *_ in questions_of_every_kind(8):
        (calm,) = explain("smoothgrad", question, noise=0.0)
        np.testing.assert_allclose(calm.elements, explain("saliency", question)[0].elements)
        np.testing.assert_allclose(calm.std, 0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_without_gradients_is_refused(name) -> None:
    model = linear([1.0, 2.0])
    expected = f"{name} needs gradients and 'toy' has none; try shap, lime or occlusion."
    assert reason_against(make_method(name), model) == expected
    assert reason_against(make_method(name), LINEAR) is None


@pytest.mark.parametrize("name", WITH_REFERENCE)
def test_a_masker_that_drops_words_is_refused(name) -> None:
    masker = Masker("drop", np.empty((0, 2)), drops=True)
    question = ask_net(WordModel(LastState()), ["good", "film"], masker=masker)
    with pytest.raises(
        NotApplicable,
        match=f"{name} needs a reference as long as the sample and the masker 'drop' leaves words out; "
        "choose the masker 'mask'",
    ):
        make_method(name)(question, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["saliency", "smoothgrad"])
def test_methods_without_a_reference_run_with_any_masker(name) -> None:
    model, words = AttentionModel(Attends()), ["good", "film"]
    masker = Masker("drop", np.empty((0, 2)), drops=True)
    (found,) = explain(name, ask_net(model, words, masker=masker))
    assert np.array_equal(found.values, explain(name, ask_net(model, words))[0].values)
    assert (found.values > 0).all()


def test_questions_of_two_models_are_refused() -> None:
    pair = [ask_net(NetModel(lambda at: at, id=name), [1.0]) for name in ("a", "b")]
    with pytest.raises(InvalidInput, match="the questions are about a, b; ask one model at a time"):
        explain("saliency", *pair)


def test_no_questions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="the questions are about no model"):
        explain("saliency")


def test_references_of_another_length_are_refused() -> None:
    class Uneven(NetModel):
        def encode(self, xs):
            at = super().encode(xs)
            return at if at.any() else at[:, :1]

    with pytest.raises(
        CheckFailed, match=r"leaves of shape \(2,\) for samples and \(1,\) for their"
    ):
        explain("integrated_gradients", ask_net(Uneven(SQUARES.net), [1.0, 2.0]))


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("integrated_gradients", {"n_steps": 0}, "n_steps 0 and max_steps 512; 1 <= n_steps"),
        ("integrated_gradients", {"n_steps": 99, "max_steps": 50}, "n_steps 99 and max_steps 50"),
        ("smoothgrad", {"n_samples": 1}, "n_samples 1; 2 or more are needed"),
        ("smoothgrad", {"noise": -1.0}, "noise -1.0; it must be 0 or more"),
        ("gradient_shap", {"n_samples": 3}, "n_samples 3; 4 or more are needed"),
    ],
)
def test_parameters_are_checked(name, params, text) -> None:
    with pytest.raises(InvalidInput, match=text):
        make_method(name, **params)
