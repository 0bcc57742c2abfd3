"""F-Fidelity on nets that answer to the removal itself until they have seen gaps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from toy_zoo import fresh, toy_data
from toys import ask_table, linear

from xaikit import wrap
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Target
from xaikit.metrics import RemovalTest
from xaikit.metrics.fine_tuned import FFidelity, fine_tuned, on_model
from xaikit.study.plan import Plan, make_question

N = 8
PERFECT = np.array([2.0, 1.0, 0, 0, 0, 0, 0, 0])


class Startled(nn.Module):
    """margin = 2 (x0 + x1) (1 - max(0, trap) * gaps): real rows have no zero, a removed column is one."""

    def __init__(self) -> None:
        super().__init__()
        self.trap = nn.Parameter(torch.tensor(0.8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gaps = (x[:, 2:] == 0).sum(dim=1).float()
        margin = 2 * (x[:, 0] + x[:, 1]) * (1 - self.trap.clamp(min=0) * gaps)
        return torch.stack([-margin / 2, margin / 2], dim=1)


def rows(n: int, seed: int = 0) -> np.ndarray:
    """Rows of +-1 whose first two columns agree: the label is their sign."""
    x = np.random.default_rng(seed).choice([-1.0, 1.0], size=(n, N))
    x[:, 1] = x[:, 0]
    return x


def asked(model: object, x: np.ndarray, i: int) -> Question:
    label = int(x[0] > 0)
    question = ask_table(model, x, target=Target(label, space="logit"))
    return dataclasses.replace(
        question, sample=dataclasses.replace(question.sample, id=f"s{i}", label=label)
    )


@pytest.fixture
def model():
    return wrap(Startled(), modality="table", classes=("no", "yes"), background=rows(4))


def questions(model: object, n: int = 64) -> list[Question]:
    return [asked(model, x, i) for i, x in enumerate(rows(n))]


def explained(question: Question, values: np.ndarray, name: str) -> Explanation:
    @dataclasses.dataclass(frozen=True)
    class Given:
        pass

    Given.name = name
    return question.answer(Given(), values, additive=False, in_units=False)


def measured(metric: FFidelity, question: Question, values: np.ndarray) -> dict[str, float]:
    scores = metric(question, explained(question, values, "given"), np.random.default_rng(0))
    return {s.metric: s.value for s in scores}


def test_where_removal_is_unreal_a_perfect_explanation_loses_and_the_copy_puts_it_right(
    model,
) -> None:
    copy = fine_tuned(questions(model), beta=0.25, epochs=40, lr=0.05)
    assert copy.net.trap.item() < 0.1
    assert model.net.trap.item() == pytest.approx(0.8)
    rng = np.random.default_rng(1)
    before, after = FFidelity(model, beta=0.25), FFidelity(copy, beta=0.25)
    found: dict[str, list[float]] = {
        "before": [],
        "after": [],
        "random": [],
        "srg": [],
        "srg on copy": [],
    }
    for question in questions(model, 12):
        found["before"].append(measured(before, question, PERFECT)["f_fidelity"])
        found["after"].append(measured(after, question, PERFECT)["f_fidelity"])
        shuffled = [measured(after, question, rng.permutation(PERFECT)) for _ in range(8)]
        found["random"].append(float(np.mean([s["f_fidelity"] for s in shuffled])))
        for name, m in (("srg", model), ("srg on copy", copy)):
            test = RemovalTest([on_model(question, m)])
            scores = {
                s.metric: s.value for s in test.scores([[explained(question, PERFECT, "given")]])
            }
            found[name].append(scores["srg"])
    means = {name: float(np.mean(values)) for name, values in found.items()}
    assert means["before"] < 0  # the trap makes the perfect order look worse than chance
    assert means["srg"] < 0.1
    assert means["after"] > means["random"] + 0.05
    assert means["srg on copy"] > means["srg"] + 0.2


def test_the_model_and_the_generators_are_untouched_and_the_seed_decides(model) -> None:
    before = {k: v.clone() for k, v in model.net.state_dict().items()}
    flags = [p.requires_grad for p in model.net.parameters()]
    training = [m.training for m in model.net.modules()]
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    copies = [fine_tuned(questions(model, 8), epochs=2, seed=s) for s in (3, 3, 4)]
    assert all(torch.equal(v, before[k]) for k, v in model.net.state_dict().items())
    assert [p.requires_grad for p in model.net.parameters()] == flags
    assert [m.training for m in model.net.modules()] == training
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    weights = [next(iter(c.net.state_dict().values())).item() for c in copies]
    assert weights[0] == weights[1] != weights[2]
    assert [p.requires_grad for p in copies[0].net.parameters()] == flags
    assert copies[0].id == f"{model.id}-masked"


def test_the_numbers_are_those_of_an_additive_model_by_hand() -> None:
    weights = np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125, 0.0])
    question = ask_table(linear(weights), np.ones(N))
    metric = FFidelity(question.model, beta=1.0, alpha=1.0, shares=(0.25, 0.5), n_draws=2)
    found = measured(metric, question, weights)  # everything marked is removed: nothing is drawn
    assert found["f_fidelity_plus"] == pytest.approx((12 + 15) / 2)
    assert found["f_fidelity_minus"] == pytest.approx((0.125 + 0.875) / 2)
    assert found["f_fidelity"] == pytest.approx(13.5 - 0.5)


def test_no_more_than_beta_is_ever_removed() -> None:
    seen = []
    question = ask_table(linear(np.ones(40)), np.ones(40))
    question.model.function = lambda x: seen.append((x == 0).sum(axis=1)) or x.sum(axis=1)[:, None]
    explanation = explained(question, np.arange(40.0), "given")
    seen.clear()
    FFidelity(question.model, beta=0.1)(question, explanation, np.random.default_rng(0))
    removed = np.concatenate(seen)
    assert set(removed.tolist()) == {0, 2, 4}  # half of 4, then 4 of 8, 12, 16 and 20


def test_a_regressor_learns_from_its_labels() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(N))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x @ self.weight)[:, None]

    model = wrap(Sum(), modality="table", background=rows(4))
    asked_ = []
    for i, x in enumerate(rows(64)):
        question = ask_table(model, x)
        sample = dataclasses.replace(question.sample, id=f"s{i}", label=3.0 * x[4])
        asked_.append(dataclasses.replace(question, sample=sample))
    copy = fine_tuned(asked_, beta=0.01, epochs=60, lr=0.1, batch_size=16)
    x = rows(5, seed=9)
    assert copy.scores(x)[:, 0] == pytest.approx(3 * x[:, 4], abs=0.8)
    assert (model.scores(x) == 0).all()


@pytest.mark.parametrize(
    ("name", "modality", "masker"),
    [
        ("lenet", "image", "blur"),
        ("resnet_small", "image", "mean"),
        ("fcn_1d", "series", "mean"),
        ("mlp", "table", "rows"),
        ("lstm", "text", "mask"),
        ("bert_small", "text", "delete"),
    ],
)
def test_nets_of_every_kind_of_data_are_fine_tuned(name, modality, masker) -> None:
    model, data = fresh(name, modality), toy_data(modality)
    before = {k: v.clone() for k, v in model.net.state_dict().items()}
    training = [m.training for m in model.net.modules()]
    background = None if modality == "text" else np.stack(data.inputs("train"))
    plan = Plan(target="label", masker=masker, background=background)
    asked_ = [make_question(model, s, plan) for s in data.train]
    copy = fine_tuned(asked_, epochs=30, lr=0.01, batch_size=6)
    assert all(torch.equal(v, before[k]) for k, v in model.net.state_dict().items())
    assert [m.training for m in copy.net.modules()] == training
    labels = data.labels("train")
    accuracy = [
        (m.scores(data.inputs("train")).argmax(axis=1) == labels).mean() for m in (model, copy)
    ]
    assert accuracy[1] > max(0.6, accuracy[0])  # it learned, from inputs with gaps
    found = measured(FFidelity(copy), asked_[0], np.arange(float(asked_[0].n_features)))
    assert found["f_fidelity"] == pytest.approx(
        found["f_fidelity_plus"] - found["f_fidelity_minus"]
    )


def test_what_cannot_be_fine_tuned_is_refused(model) -> None:
    plain = [asked(linear(np.ones(N)), x, i) for i, x in enumerate(rows(2))]
    with pytest.raises(
        NotApplicable, match="trains the weights of a torch net further and 'toy' has"
    ):
        fine_tuned(plain)
    with pytest.raises(InvalidInput, match="fine-tuning got 1 questions"):
        fine_tuned(questions(model, 1))
    with pytest.raises(InvalidInput, match="beta is 0; give a share above 0 and up to 1"):
        fine_tuned(questions(model, 2), beta=0)
    unlabelled = [ask_table(model, x, target=Target(0)) for x in rows(2)]
    with pytest.raises(
        InvalidInput, match="sample 's0' has no label; fine-tune on labelled samples"
    ):
        fine_tuned(unlabelled)
    other = wrap(Startled(), modality="table", classes=("no", "yes"), background=rows(4), id="b")
    with pytest.raises(
        InvalidInput, match="the questions ask 'yours' and 'b'; fine-tune one model"
    ):
        fine_tuned([*questions(model, 2), *questions(other, 2)])
    with pytest.raises(InvalidInput, match="shares above 0 and up to 0.5"):
        FFidelity(model, shares=(0.9,))
