"""Every method on every kind of model: a number that passes, or a refusal by name and reason."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from kinds import KINDS, dataset, fitted

from xaikit.core.abilities import Differentiable
from xaikit.core.errors import NotApplicable, OutOfBudget, XaikitError
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Target
from xaikit.methods import METHODS
from xaikit.methods.base import ask, make_method, reason_against
from xaikit.study.plan import Plan, make_question

COARSE = {"image": "patches:3", "text": "auto", "table": "auto", "series": "windows:8"}
QUICK = {
    "lime": {"budget": 200},
    "gradient_shap": {"n_samples": 32},
    "smoothgrad": {"n_samples": 8},
}
LINEAR_IN_TARGET = {
    "integrated_gradients", "gradient_shap", "input_x_gradient", "occlusion",
    "gradcam", "hirescam", "lime", "kernel_shap", "leverage_shap", "permutation_shap",
}  # fmt: skip


def make(name: str):
    known = set(METHODS.get(name).__dataclass_fields__)
    return make_method(name, **{k: v for k, v in QUICK.get(name, {}).items() if k in known})


def question(kind: tuple[str, str], index: int = 0, **changes) -> Question:
    model, data = fitted(*kind), dataset(kind[1])
    sample = data.test[index]
    if data.modality == "text":  # short texts keep exact methods affordable
        sample = min(data.test[:12], key=lambda s: abs(len(s.x) - 9 - index))
    found = make_question(model, sample, Plan(features=COARSE[data.modality], batch_size=64))
    masker = replace(found.masker, references=found.masker.references[:2])
    return replace(found, masker=masker, cache=None, **changes)


def answer(kind: tuple[str, str], method: str, **changes) -> Explanation:
    return ask(make(method), [question(kind, **changes)], seed=3)[0]


def group(kind: tuple[str, str]):
    """Tests of one kind run in one process, so that its model is trained once."""
    return pytest.mark.xdist_group("-".join(kind))


ONE_OF_EACH = [pytest.param(kind, id="-".join(kind), marks=group(kind)) for kind in KINDS]
CELLS = [
    pytest.param(kind, method, id=f"{kind[0]}-{kind[1]}-{method}", marks=group(kind))
    for kind in KINDS
    for method in METHODS
]


@pytest.mark.parametrize(("kind", "method"), CELLS)
def test_a_number_that_passes_or_a_refusal_that_says_why(kind, method) -> None:
    model = fitted(*kind)
    reason = reason_against(make(method), model)
    if reason is not None:
        assert model.id in reason
        assert method in reason or "class score" in reason
        with pytest.raises(NotApplicable, match=re.escape(reason)):
            answer(kind, method)
        return
    asked = question(kind)
    if method == "exact_shapley" and asked.n_features > 24:
        with pytest.raises(OutOfBudget, match=r"exact Shapley values of \d+ features need"):
            answer(kind, method)
        return
    found = answer(kind, method)
    assert found.output == pytest.approx(asked.output, abs=1e-5)
    assert found.empty == pytest.approx(asked.empty, abs=1e-4)
    again = answer(kind, method)
    assert np.array_equal(found.values, again.values), "the same seed gives the same numbers"
    small = answer(kind, method, batch_size=24)
    scale = np.abs(found.values).max() + 1e-12
    # float32 passes of other shapes differ by rounding, which a stopping rule must not amplify
    np.testing.assert_allclose(small.values, found.values, atol=2e-4 * scale + 1e-6)
    if found.additive and method != "gradient_shap":
        span = abs(found.output - found.empty)
        assert abs(found.residual) <= 0.01 * span + 2e-4
    if found.additive and method == "gradient_shap":
        assert found.std is not None


@pytest.mark.parametrize(("kind", "method"), CELLS)
def test_turning_the_question_round_turns_every_sign(kind, method) -> None:
    model = fitted(*kind)
    if len(model.classes) < 2 or method not in LINEAR_IN_TARGET:
        pytest.skip("one output, or a method that is not linear in the target")
    try:
        make(method).check(model)
        one = answer(kind, method, target=Target(0, against=1))
        other = answer(kind, method, target=Target(1, against=0))
    except NotApplicable:
        pytest.skip("does not apply, as the other test checks")
    scale = np.abs(one.values).max() + 1e-12
    np.testing.assert_allclose(one.values, -other.values, atol=1e-4 * scale + 1e-7)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_shap_is_the_enumeration_over_the_model_itself(kind) -> None:
    """By an independent route: masks applied to the sample in data space, all coalitions."""
    asked = question(kind)
    n = asked.n_features
    if n > 13:
        pytest.skip(f"{n} features are too many to enumerate here")
    x, ids = asked.sample.x, asked.segmentation.ids
    masks = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(bool)
    values = np.zeros(2**n)
    for reference in asked.masker.references:
        inputs = []
        for mask in masks:
            kept = mask[ids]
            kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim))
            inputs.append(np.where(kept, x, reference))
        scores = np.concatenate(
            [asked.model.scores(inputs[i : i + 512]) for i in range(0, len(inputs), 512)]
        )
        values += asked.target(scores) / len(asked.masker.references)
    expected = _shapley(values, n)
    found = answer(kind, "exact_shapley").values
    np.testing.assert_allclose(found, expected, atol=2e-4 * (np.abs(expected).max() + 1e-3))


def _along_numbers(asked: Question) -> Question:
    """Only references of the sample's own categories: there is nothing on the way between codes."""
    columns = enumerate(asked.model.info.get("columns") or ())
    coded = [i for i, column in columns if column.get("categories")]
    references = asked.masker.references
    alike = [not coded or np.array_equal(r[coded], asked.sample.x[coded]) for r in references]
    return replace(asked, masker=replace(asked.masker, references=references[alike]))


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_input_x_gradient_sums_to_the_slope_towards_the_reference(kind) -> None:
    """By an independent route: a finite difference of the scores in data space."""
    each = (_along_numbers(question(kind, i)) for i in range(12))
    asked = next(q for q in each if len(q.masker.references))
    model, x = asked.model, asked.sample.x
    if not isinstance(model, Differentiable) or x.dtype.kind == "U":
        pytest.skip("no derivative in data space")
    step = 0.001 if kind[1] in ("wine", "diabetes") else 0.01
    slopes = []
    for reference in asked.masker.references:
        ahead = model.scores([x + step * (x - reference)]) if x.dtype == float else None
        behind = model.scores([(x - step * (x - reference)).astype(x.dtype)])
        here = model.scores([x]) if ahead is None else ahead
        width = step if ahead is None else 2 * step
        slopes.append(float((asked.target(here) - asked.target(behind))[0]) / width)
    found = ask(make("input_x_gradient"), [asked], seed=3)[0].values.sum()
    # piecewise linear nets and float32 scores: a few per cent at these steps
    assert found == pytest.approx(np.mean(slopes), rel=0.15, abs=0.05 * np.std(slopes) + 0.05)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_nothing_is_left_changed(kind) -> None:
    asked = question(kind)
    net = getattr(asked.model, "net", None)
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    before = (random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state())
    state = _state(net)
    for method in METHODS:
        if method == "exact_shapley":
            continue  # the passes of the other estimators, only more of them
        try:
            made = make(method)
            made.check(asked.model)
            ask(made, [asked], seed=0)
        except XaikitError:
            continue  # refused, and still nothing may be left changed
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert torch.equal(torch.get_rng_state(), before[2])
    assert _state(net) == state


def _state(net) -> list:
    if net is None:
        return []
    facts = [
        (name, m.training, len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
        for name, m in net.named_modules()
    ]
    facts += [
        (name, p.requires_grad, p.grad is None, float(p.detach().double().sum()))
        for name, p in net.named_parameters()
    ]
    return [*facts, torch.is_grad_enabled(), torch.backends.mha.get_fastpath_enabled()]


def _shapley(values: np.ndarray, n: int) -> np.ndarray:
    from math import comb

    phi = np.zeros(n)
    for coalition in range(2**n):
        size = coalition.bit_count()
        for i in range(n):
            if not coalition >> i & 1:
                weight = 1 / (n * comb(n - 1, size))
                phi[i] += weight * (values[coalition | 1 << i] - values[coalition])
    return phi
