"""Attention readings, by hand and against loops written from the papers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_nets import Attends, AttentionModel, NetModel, ask_net

from xaikit.core.abilities import Attention
from xaikit.core.errors import CheckFailed, InvalidInput, NotApplicable
from xaikit.core.types import Target
from xaikit.methods.base import ask, make_method, reason_against

READINGS = ("first", "last", "mean")
MODES = ("gradient", "rollout", "raw")
TEXT = ["the", "film", "not", "very", "good"]


def explain(mode: str, *questions):
    return ask(make_method("attention", mode=mode), questions)


@dataclass(eq=False)
class Given(NetModel):
    """Two places and given weights (layers, H, T, T); score = sum of slopes * weights."""

    weights: tuple[Tensor, ...] = ()
    slopes: tuple[Tensor, ...] = ()
    read: int = 0
    special: int = 0

    def scores(self, xs) -> np.ndarray:
        return np.repeat(self.attention(xs).scores.detach().numpy(), len(xs), axis=0)

    def attention(self, _) -> Attention:
        weights = tuple(w[None].clone().requires_grad_() for w in self.weights)
        score = sum((w * s).sum() for w, s in zip(weights, self.slopes, strict=True))
        place = torch.arange(2)[None]
        return Attention(
            weights=weights,
            scores=score.reshape(1, 1),
            read=torch.tensor([self.read]),
            special=place < self.special,
            valid=torch.ones(1, 2, dtype=torch.bool),
            fold=lambda values: [(v * (place[0] >= self.special)).numpy() for v in values],
        )


def tensor(rows) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def given(**changes):
    # two heads of one layer, then one head of a second layer
    first = tensor([[[0.25, 0.75], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]])
    second = tensor([[[0.5, 0.5], [0.75, 0.25]]])
    slopes = (tensor([[[0, 2], [-1, 4]], [[1, 1], [1, 0]]]), tensor([[[2, 2], [0, 4]]]))
    model = Given(lambda at: at, weights=(first, second), slopes=slopes)
    return ask_net(replace(model, **changes), [1.0, 1.0])


def test_gradient_mode_by_hand() -> None:
    # layer 1: heads relu([0, 1.5], [-.5, 2]) and [1, 0], [0, 0] -> mean [.5, .75], [0, 1]
    # layer 2: [1, 1], [0, 1]; R = I + L1 = [1.5, .75], [0, 2]; L2 R = [1.5, 2.75], [0, 2]
    # R - I = [2, 3.5], [0, 3]
    assert explain("gradient", given())[0].values.tolist() == [2.0, 3.5]
    assert explain("gradient", given(read=1))[0].values.tolist() == [0.0, 3.0]
    assert explain("gradient", given(read=-1))[0].values.tolist() == [1.0, 3.25]


def test_rollout_by_hand() -> None:
    # layer 1: mean head [.625, .375], [.25, .75]; with I: [.8125, .1875], [.125, .875]
    # layer 2 with I: [.75, .25], [.375, .625]; product: first row [.640625, .359375]
    assert explain("rollout", given())[0].values.tolist() == [0.640625, 0.359375]


def test_raw_is_the_last_layer() -> None:
    assert explain("raw", given())[0].values.tolist() == [0.5, 0.5]
    assert explain("raw", given(read=1))[0].values.tolist() == [0.75, 0.25]
    assert explain("raw", given(read=-1))[0].values.tolist() == [0.625, 0.375]


def test_special_tokens_keep_their_share_and_it_is_said() -> None:
    (found,) = explain("gradient", given(special=1))
    assert found.values.tolist() == [0.0, 3.5]
    assert found.extras["special_share"] == pytest.approx(2 / 5.5)
    assert found.note == "36% of it falls on special tokens"
    (found,) = explain("rollout", given(special=1))
    assert found.values.sum() + found.extras["special_share"] == pytest.approx(1)


def test_attention_that_raises_nothing_is_said() -> None:
    slopes = (-torch.ones(2, 2, 2, dtype=torch.float64), -torch.ones(1, 2, 2, dtype=torch.float64))
    (found,) = explain("gradient", given(slopes=slopes))
    assert found.values.tolist() == [0, 0]
    assert found.note == "0% of it falls on special tokens; no attention raises the target"


def naive(model: AttentionModel, words, target: Target, mode: str) -> np.ndarray:
    """Loops over layers, heads and positions; one sentence, no padding."""
    seen = model.attention([np.array(words)])
    weights = [w[0] for w in seen.weights]
    slopes = torch.autograd.grad(target(seen.scores).sum(), seen.weights)
    n = weights[0].shape[-1]
    flow = np.eye(n)
    for layer, slope in zip(weights, slopes, strict=True):
        heads = []
        for head, head_slope in zip(layer.detach().numpy(), slope[0].numpy(), strict=True):
            heads.append(np.maximum(head * head_slope, 0) if mode == "gradient" else head)
        mean = sum(heads) / len(heads)
        if mode == "raw":
            flow = mean
        step = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                for k in range(n):
                    own = 1.0 if i == k else 0.0
                    move = mean[i, k] if mode == "gradient" else (mean[i, k] + own) / 2
                    step[i, j] += move * flow[k, j]
        if mode != "raw":
            flow = flow + step if mode == "gradient" else step
    if mode == "gradient":
        flow = flow - np.eye(n)
    read = int(seen.read[0])
    row = flow.mean(axis=0) if read < 0 else flow[read]
    return row[int(seen.special.sum()) :]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("mode", MODES)
def test_readings_equal_the_loops_of_the_papers(reading, mode) -> None:
    model = AttentionModel(Attends(reading))
    for target in (Target(0), Target(1, space="prob")):
        (found,) = explain(mode, ask_net(model, TEXT, target=target))
        expected = naive(model, TEXT, target, mode)
        np.testing.assert_allclose(found.values, expected, rtol=1e-10, atol=1e-14)
        assert found.values.max() > 1e-4


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("mode", MODES)
def test_padding_changes_nothing(reading, mode) -> None:
    model = AttentionModel(Attends(reading))
    texts = [["good"], TEXT, ["bad", "film", "not"]]
    questions = [ask_net(model, t, name=str(i), target=Target(i % 2)) for i, t in enumerate(texts)]
    for question, found in zip(questions, explain(mode, *questions), strict=True):
        (alone,) = explain(mode, question)
        np.testing.assert_allclose(found.values, alone.values, rtol=1e-10, atol=1e-14)
        assert found.extras["special_share"] == pytest.approx(alone.extras["special_share"])


@pytest.mark.parametrize("mode", ["gradient", "rollout", "raw"])
def test_a_sample_whose_score_is_another_one_with_open_attention_is_named(mode) -> None:
    class Off(Given):
        def scores(self, xs) -> np.ndarray:
            return super().scores(xs) + 0.01

    honest = given()
    model = Off(lambda at: at, weights=honest.model.weights, slopes=honest.model.slopes)
    with pytest.raises(
        CheckFailed, match=r"computed openly 'net' gives sample 's0' 7 instead of 7\.01; only"
    ):
        explain(mode, replace(honest, model=model))


@pytest.mark.parametrize("mode", ["rollout", "raw"])
def test_padded_rows_may_hold_nan(mode) -> None:
    class Hollow(AttentionModel):
        def attention(self, xs) -> Attention:
            seen = super().attention(xs)
            padded = ~seen.valid[:, None, :, None]
            hollow = (torch.where(padded, torch.nan, w) for w in seen.weights)
            return replace(seen, weights=tuple(hollow))

    net = Attends("last")
    model, short = Hollow(net), ["good", "film"]
    found = explain(mode, ask_net(model, short), ask_net(model, TEXT, name="long"))
    (alone,) = explain(mode, ask_net(AttentionModel(net), short))
    np.testing.assert_allclose(found[0].values, alone.values, rtol=1e-10)


@pytest.mark.parametrize("mode", ["rollout", "gradient"])
def test_causal_models_see_no_later_word(mode) -> None:
    """What the first of two words receives does not change when it is read before the second."""
    net = Attends("last")

    class ReadsFirst(AttentionModel):
        def attention(self, xs) -> Attention:
            return replace(super().attention(xs), read=torch.zeros(len(xs), dtype=torch.long))

    (found,) = explain(mode, ask_net(ReadsFirst(net), TEXT))
    assert found.values[1:].tolist() == [0] * 4


@pytest.mark.parametrize("reading", READINGS)
def test_rollout_keeps_its_mass(reading) -> None:
    (found,) = explain("rollout", ask_net(AttentionModel(Attends(reading)), TEXT))
    assert found.values.sum() + found.extras["special_share"] == pytest.approx(1)
    assert (found.extras["special_share"] > 0) == (reading == "first")


def test_rollout_refuses_weights_that_do_not_sum_to_one() -> None:
    weights = (tensor([[[0.5, 0.5], [0.2, 0.5]]]),)
    question = given(weights=weights, slopes=(torch.ones_like(weights[0]),))
    with pytest.raises(
        NotApplicable,
        match=r"rows that sum to 1 and layer 0 has one that sums to 0.7; use mode='gradient'",
    ):
        explain("rollout", question)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_left_changed_and_work_is_counted(mode) -> None:
    model = AttentionModel(Attends())
    model.net.train()
    question = ask_net(model, TEXT)
    _ = question.output, question.empty
    with torch.inference_mode():
        (found,) = explain(mode, question)
        assert torch.is_inference_mode_enabled()
    assert model.net.training
    assert all(p.grad is None and p.requires_grad for p in model.net.parameters())
    assert (found.cost.forward, found.cost.backward) == (1, int(mode == "gradient"))
    assert (found.unit, found.additive) == ("relative", False)
    assert len(found.values) == len(TEXT)


def test_refusals() -> None:
    expected = (
        "attention needs attention weights and 'net' has none; try integrated_gradients or lime."
    )
    assert reason_against(make_method("attention"), NetModel(lambda at: at)) == expected
    assert reason_against(make_method("attention"), AttentionModel(Attends())) is None
    with pytest.raises(InvalidInput, match="no mode 'flow'; use gradient, rollout, raw"):
        make_method("attention", mode="flow")
