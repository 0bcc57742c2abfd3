"""Stability and sanity on explainers whose answers are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_studies as toys
from toy_nets import NetModel, ask_net
from toys import ask_table, linear

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Cache, Masker
from xaikit.core.stats import spearman
from xaikit.methods.base import METHODS, ask, make_method
from xaikit.metrics import (
    METRICS,
    OwnSample,
    Randomisation,
    RandomLogit,
    RemovalTest,
    Stability,
    neighbours,
)
from xaikit.metrics.base import ask_again
from xaikit.metrics.stability import variance_share


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    for kind in toys.EVERY:
        monkeypatch.setitem(METHODS._entries, kind.name, kind)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def measured(metric, kind, question) -> dict[str, float]:
    (explanation,) = ask(kind(), [question])
    return {s.metric: s.value for s in metric(question, explanation, question.rng("test", 0))}


def test_randomisation_is_the_rank_correlation_with_a_copy_and_leaves_the_model_alone() -> None:
    (question,) = toys.questions(0, n_samples=1)
    before = question.model.weights.copy()
    (explanation,) = ask(toys.Sound(), [question])
    found = Randomisation(n_copies=1)(question, explanation, rng())
    seed = int(rng().integers(2**31))
    number = int(question.rng("twins", seed).integers(16))
    copy = question.model.randomised(("pairs", "singles"), np.random.default_rng([seed, number]))
    theirs = toys.exact(dataclasses.replace(question, model=copy, cache=Cache()))
    assert found[0].metric == "randomisation"
    assert found[0].value == pytest.approx(spearman(explanation.values, theirs))
    assert found[1].metric == "randomisation_strength"
    assert found[1].value == pytest.approx(spearman(abs(explanation.values), abs(theirs)))
    assert found[0].curve.tolist() == [[0.0, 1.0], [1.0, found[0].value]]
    assert np.array_equal(question.model.weights, before)


def test_twins_are_dealt_out_in_turn_and_a_block_asks_each_once() -> None:
    asked, calls = toys.questions(0, n_samples=20), []
    block = ask(toys.Sound(), asked)

    class Watched(type(asked[0].model)):
        def randomised(self, layers, rng):
            calls.append(rng.bit_generator.seed_seq.entropy)
            return super().randomised(layers, rng)

    model = Watched(**vars(asked[0].model))
    asked = [dataclasses.replace(q, model=model) for q in asked]
    found = Randomisation(n_copies=1).scores(asked, [block, block], seed=3)
    first = int(asked[0].rng("twins", 3).integers(16))
    assert sorted(calls) == [[3, number] for number in range(16)]
    assert [s.of["sample"] for s in found[::4]] == [f"s{i}" for i in range(20)]
    for i in (0, 1, 19):
        twin = model.randomised(model.layers(), np.random.default_rng([3, (first + i) % 16]))
        theirs = toys.exact(dataclasses.replace(asked[i], model=twin, cache=Cache()))
        assert found[4 * i].value == pytest.approx(spearman(block[i].values, theirs))


def test_the_cascade_starts_at_the_output_and_ends_at_full_randomisation() -> None:
    (question,) = toys.questions(0, n_samples=1)
    (explanation,) = ask(toys.Sound(), [question])
    found = Randomisation(n_copies=2, cascade=True)(question, explanation, rng())[0]
    assert found.curve[:, 0].tolist() == [0.0, 0.5, 1.0]
    assert found.curve[-1, 1] == found.value
    full = Randomisation(n_copies=2)(question, explanation, rng())[0]
    assert full.value == found.value  # the same draws, layer by layer or at once
    assert found.curve[1, 1] > found.value  # "singles" still hold after the first step


def test_strength_survives_randomisation_where_the_signed_values_do_not() -> None:
    found = [measured(Randomisation(), toys.Sound, q) for q in toys.questions(3)]
    assert abs(np.mean([f["randomisation"] for f in found])) < 0.15
    assert np.mean([f["randomisation_strength"] for f in found]) > 0.3


def test_what_ignores_the_model_or_the_class_is_measured_as_one() -> None:
    (question,) = toys.questions(0, n_samples=1)
    for kind in (toys.Edges, toys.FixedRandomMap, toys.Constant):
        assert measured(Randomisation(), kind, question)["randomisation"] == 1.0
        assert measured(RandomLogit(), kind, question)["random_logit"] == 1.0
    assert measured(RandomLogit(), toys.WrongClass, question)["random_logit"] == 1.0


def test_random_logit_asks_about_the_runner_up() -> None:
    (question,) = toys.questions(0, n_samples=1)
    order = np.argsort(-question.model.scores([question.sample.x])[0])
    (explanation,) = ask(toys.Sound(), [question])
    (found,) = RandomLogit()(question, explanation, rng())
    target = dataclasses.replace(question.target, index=int(order[1]))
    theirs = toys.exact(dataclasses.replace(question, target=target, cache=Cache()))
    assert found.value == pytest.approx(spearman(explanation.values, theirs))
    assert found.note == f"against '{question.model.classes[order[1]]}'"


def test_the_map_of_a_sample_is_held_against_that_of_the_next_of_its_class() -> None:
    asked = toys.questions(0, n_samples=12)
    block = ask(toys.Sound(), asked)
    found = OwnSample().scores(asked, [block, ask(toys.Constant(), asked)])
    targets = [q.target.index for q in asked]
    assert len(set(targets)) > 1
    for i, score in enumerate(found[:12]):
        same = [j % 12 for j in range(i + 1, i + 12) if targets[j % 12] == targets[i]]
        j = same[0] if same else (i + 1) % 12
        theirs = toys.exact(dataclasses.replace(asked[j], target=asked[i].target, cache=Cache()))
        swapped = dataclasses.replace(block[i], values=theirs)
        own, other = (
            next(s.value for s in RemovalTest([asked[i]]).scores([[e]]) if s.metric == "srg")
            for e in (block[i], swapped)
        )
        assert score.value == pytest.approx(own - other)
    assert np.mean([s.value for s in found[:12]]) > 0.1
    assert [s.value for s in found[12:]] == [0.0] * 12  # one map for every sample
    assert OwnSample().scores(asked[:1], [block[:1]]) == []
    texts = toys.questions(0, "text", n_samples=3)
    cuts = [dataclasses.replace(q.segmentation, names=tuple(q.sample.x)) for q in texts]
    texts = [dataclasses.replace(q, segmentation=c) for q, c in zip(texts, cuts, strict=True)]
    assert OwnSample().scores(texts, [ask(toys.Sound(), texts)]) == []


def test_a_method_that_chooses_its_effort_gets_as_much_as_the_first_time(monkeypatch) -> None:
    @dataclasses.dataclass(frozen=True)
    class Eager(toys.Toy):
        budget: int | str = "auto"
        name = "eager"

        def values(self, question, rng):
            budgets.append(self.budget)
            rng.random()
            question.value(np.ones((7, toys.N), dtype=bool))
            return exact(question)

    exact, budgets = toys.exact, []
    monkeypatch.setitem(METHODS._entries, "eager", Eager)
    (question,) = toys.questions(0, n_samples=1)
    (explanation,) = ask(Eager(), [question])
    cost = explanation.cost.asked
    assert cost == 2**toys.N + 7
    RandomLogit()(question, explanation, rng())
    Stability()(question, explanation, rng())
    assert budgets == ["auto", cost, "auto", "auto"]


def test_integrated_gradients_of_a_random_copy_takes_the_steps_of_the_first_time() -> None:
    method = make_method("integrated_gradients", n_steps=4, max_steps=64, tolerance=0.0)
    question = ask_net(NetModel(lambda at: at.abs().sqrt().sum(1, keepdim=True)), [2.0, -3.0, 9.0])
    (first,) = ask(method, [question])
    assert first.extras["steps"] == 64  # never within the tolerance
    easy = dataclasses.replace(first, extras={"steps": 8}, params=first.params | {"n_steps": 4})
    (again,) = ask_again([question], [easy], seed=0, capped=True)
    assert again.extras["steps"] == 8
    (free,) = ask_again([question], [easy], seed=0)
    assert free.extras["steps"] == 64


def test_a_method_that_draws_nothing_is_not_asked_a_second_time(monkeypatch) -> None:
    @dataclasses.dataclass(frozen=True)
    class Counted(toys.Toy):
        name = "counted"

        def values(self, question, rng):
            calls.append(question)
            return exact(question)

    exact, calls = toys.exact, []
    monkeypatch.setitem(METHODS._entries, "counted", Counted)
    (question,) = toys.questions(0, n_samples=1)
    (fixed,) = ask(Counted(), [question])
    (drawing,) = ask(toys.RandomMap(), [question])
    assert (fixed.drawn, drawing.drawn) == (False, True)
    Stability(n_seeds=3, n_neighbours=0)(question, fixed, rng())
    assert len(calls) == 1


def test_no_other_class_and_no_weights_give_no_score() -> None:
    question = ask_table(linear(np.ones(toys.N)), np.arange(1.0, 1 + toys.N))
    (explanation,) = ask(toys.Sound(), [question])
    assert RandomLogit()(question, explanation, rng()) == []
    assert Randomisation()(question, explanation, rng()) == []
    (asked,) = toys.questions(0, n_samples=1)
    (explanation,) = ask(toys.Sound(), [asked])
    other = dataclasses.replace(asked, masker=Masker("other", np.ones((1, toys.N))), cache=None)
    for metric in (RandomLogit(), Randomisation(), Stability()):
        assert metric(other, explanation, rng()) == []


def test_a_second_run_of_a_fixed_method_agrees_and_its_ceiling_comes_from_a_neighbour() -> None:
    (question,) = toys.questions(1, n_samples=1)
    (explanation,) = ask(toys.Sound(), [question])
    found = {s.metric: s for s in Stability()(question, explanation, rng())}
    assert found["variance_share"].value == 1.0
    assert found["variance_share"].note == "the same numbers: nothing is drawn at random"
    assert 0.9 < found["input_stability"].value <= 1.0
    assert found["spearman"].of == {"a": "sound", "b": "sound", "sample": "s0"}
    seed = int(rng().integers(2**31))
    (near,) = neighbours(question, question.rng("stability", seed))
    theirs = toys.exact(near)
    assert found["input_stability"].value == pytest.approx(spearman(explanation.values, theirs))


def test_a_second_run_of_noise_agrees_by_chance() -> None:
    values = [
        measured(Stability(n_neighbours=1), toys.RandomMap, q)
        for q in toys.questions(1, n_samples=40)
    ]
    assert np.mean([v["variance_share"] for v in values]) == pytest.approx(0, abs=0.15)
    assert np.mean([v["input_stability"] for v in values]) == 1.0  # the same seed


def test_a_drawn_method_takes_its_ceiling_from_the_second_run() -> None:
    (question,) = toys.questions(1, n_samples=1)
    (explanation,) = ask(toys.RandomMap(), [question])
    (again,) = ask(toys.RandomMap(), [question], seed=1)
    found = {s.metric: s for s in Stability()(question, explanation, rng())}
    assert "input_stability" not in found
    assert found["spearman"].of == {"a": "noise", "b": "noise", "sample": "s0"}
    assert found["spearman"].value == pytest.approx(
        spearman(abs(explanation.values), abs(again.values))
    )


def test_the_share_of_the_variance_that_repeats_by_hand() -> None:
    (question,) = toys.questions(1, n_samples=1)
    runs = [*ask(toys.Sound(), [question])] * 3
    # 2 cov / (var + var), each less its mean: (3, 1, -1, -3, 0...), (3, -1, 1, -3), (1, 1, -1, -1)
    values = np.zeros((3, 8))
    values[:, :4] = [[3, 1, -1, -3], [3, -1, 1, -3], [1, 1, -1, -1]]
    values[1] += 7  # an offset that all share is no difference
    runs = [dataclasses.replace(e, values=v) for e, v in zip(runs, values, strict=True)]
    shares = [32 / 40, 16 / 24, 8 / 24]
    assert variance_share(runs, {}).value == pytest.approx(np.mean(shares))
    empty = [runs[0], dataclasses.replace(runs[0], values=np.zeros(8))]
    assert variance_share(empty, {}).note == "0 by rule: one run is constant"
    noisy = [runs[0], dataclasses.replace(runs[0], values=values[0] + 1e-3 * np.arange(8) % 3)]
    assert (
        variance_share(noisy, {}).value > 0.999
    )  # unlike ranks, which four features of weight 0 spoil


def test_neighbours_keep_prediction_categories_and_range() -> None:
    (picture,) = toys.questions(0, "image", n_samples=1)
    for near in neighbours(picture, rng(), n=3, radius=0.5):
        assert near.sample.x.min() >= 0.0
        assert near.sample.x.max() <= 1.0
        assert near.model.scores([near.sample.x])[0].argmax() == picture.target.index
    (table,) = toys.questions(0, n_samples=1)
    table.model.background = np.random.default_rng(0).normal(size=(50, toys.N))
    table.model.info["columns"] = [{"categories": ["a", "b"]}] + [{"categories": []}] * 7
    (near,) = neighbours(table, rng())
    change = near.sample.x - table.sample.x
    assert change[0] == 0.0
    assert (change[1:] != 0).all()
    words = toys.questions(0, "text", n_samples=1)[0]
    with pytest.raises(
        InvalidInput, match="a text sample has no hardly changed neighbours; use image"
    ):
        neighbours(words, rng())


def test_no_neighbour_within_the_radius_is_said() -> None:
    question = ask_table(linear([1e9] * toys.N), [1.0] + [0.0] * 7, references=np.eye(toys.N))
    (explanation,) = ask(toys.Sound(), [question])
    found = {s.metric: s for s in Stability(radius=50.0)(question, explanation, rng())}
    assert np.isnan(found["input_stability"].value)
    assert found["input_stability"].note == "no neighbour kept the prediction"


def test_metrics_are_registered_and_refuse_wrong_parameters() -> None:
    for name, kind in (
        ("stability", Stability), ("randomisation", Randomisation), ("random_logit", RandomLogit)
    ):  # fmt: skip
        assert METRICS.get(name) is kind
    with pytest.raises(InvalidInput, match="n_copies is 0; give 1 or more random models, or None"):
        Randomisation(n_copies=0)
    with pytest.raises(
        InvalidInput, match="stability has n_seeds 0, n_neighbours None and radius 0"
    ):
        Stability(n_seeds=0)
