"""A study measures every method on the same draws, as often as it says, and records what failed."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
import toy_studies
from scipy.special import softmax
from toys import FunctionModel

from xaikit.core.errors import CheckFailed, InvalidInput, UnknownName
from xaikit.core.question import Cache, Question
from xaikit.core.types import Sample, Score
from xaikit.methods.base import METHODS, ask
from xaikit.metrics import METRICS, Measure, Metric, Randomisation, Removal
from xaikit.metrics.base import described
from xaikit.study.plan import Plan, make_question
from xaikit.study.run import Run
from xaikit.study.study import study

WEIGHTS = np.random.default_rng(1).normal(size=(4, 3))
ROWS = np.random.default_rng(2).normal(size=(6, 4))
DRAWN: list[tuple[str, str, int]] = []


def model(**changes) -> FunctionModel:
    """Three classes, log-odds linear in four columns."""
    known = {"classes": ("red", "green", "blue"), "space": "logit", "background": ROWS}
    return FunctionModel(lambda x: x @ WEIGHTS, **known | changes)


def samples(n: int) -> list[Sample]:
    rng = np.random.default_rng(3)
    return [Sample(f"row {i}", rng.normal(size=4), "table", label=i % 3) for i in range(n)]


@dataclasses.dataclass(frozen=True)
class Recorder(Metric):
    """A metric that keeps what it drew."""

    name: ClassVar[str] = "recorder"
    measures: ClassVar[tuple[Measure, ...]] = ()
    explains_again: ClassVar[bool] = True

    def __call__(self, question, explanation, rng):
        DRAWN.append((question.sample.id, explanation.method, int(rng.integers(2**62))))
        return [Score(self.name, 1.0, "higher", "stability", of=described(question, explanation))]


class Twin(Recorder):
    name = "twin"


class Breaks(Recorder):
    """A metric that cannot do one sample."""

    name = "breaks"

    def __call__(self, question, explanation, rng):
        if question.sample.id == "row 1":
            raise CheckFailed("row 1 cannot be measured; leave it out.")
        return super().__call__(question, explanation, rng)


@pytest.fixture(autouse=True)
def _registered(monkeypatch) -> None:
    DRAWN.clear()
    for kind in (Recorder, Twin, Breaks):
        monkeypatch.setitem(METRICS._entries, kind.name, kind)


def run(n: int = 3, methods: str = "occlusion,shap,random,magnitude", **asked) -> Run:
    return study(model(), samples(n), methods, **{"metrics": "none"} | asked)


def drawn(**asked) -> dict[str, set[int]]:
    """Sample -> the different numbers that the methods' measurements drew."""
    DRAWN.clear()
    run(**{"metrics": "recorder"} | asked)
    found: dict[str, set[int]] = {}
    for sample, _, number in DRAWN:
        found.setdefault(sample, set()).add(number)
    return found


def test_all_methods_are_measured_on_the_same_draws_and_samples_on_their_own() -> None:
    found = drawn()
    assert Counter(m for _, m, _ in DRAWN) == dict.fromkeys(
        ("occlusion", "shap", "random", "magnitude"), 3
    )
    assert [len(numbers) for numbers in found.values()] == [1, 1, 1]
    assert len(set.union(*found.values())) == 3
    assert drawn(methods="lime") == found  # nor does the company of a method matter


def test_draws_follow_the_seed_the_sample_and_the_metric_only() -> None:
    found = drawn(n=3)
    few = drawn(n=2)
    assert few == {k: found[k] for k in ("row 0", "row 1")}
    DRAWN.clear()
    study(model(), samples(3)[::-1], "shap", "recorder")
    assert {s: {x} for s, _, x in DRAWN} == found
    assert not set.union(*drawn(seed=1).values()) & set.union(*found.values())
    assert not set.union(*drawn(metrics="twin").values()) & set.union(*found.values())


def test_metrics_that_explain_again_take_as_many_samples_as_are_checked() -> None:
    metrics = "recorder,completeness_gap,removal"
    found = run(12, "occlusion,magnitude", metrics=metrics, checked=10)
    ids = [f"row {i}" for i in range(12)]
    for metric, expected in (("recorder", ids[:10]), ("srg", ids)):
        mine = {s.of["sample"] for s in found.scores if s.metric == metric}
        assert [i for i in ids if i in mine] == expected, metric
    every = run(12, "occlusion", metrics="recorder")  # up to 64 unless more are asked for
    assert [s.of["sample"] for s in every.scores if s.metric == "recorder"] == ids
    shap = run(12, "shap", metrics="completeness_gap")
    assert [s.of["sample"] for s in shap.scores] == ids  # what asks nothing again takes all


def test_what_a_metric_made_for_a_sample_is_gone_when_the_next_is_measured(monkeypatch) -> None:
    """Copies of a model take room."""
    held = []

    def makes(_, question, explanation, rng):
        held.append([len(q.cache._made) for q in asked])
        question.cache.once("copy", dict)
        asked.append(question)
        return []

    asked: list[Question] = []
    monkeypatch.setattr(Recorder, "__call__", makes)
    run(3, "shap", metrics="recorder")
    assert held == [[], [0], [0, 0]]


def test_a_measurement_that_fails_is_told_with_its_sample_and_the_others_go_on() -> None:
    found = run(3, "occlusion,shap", metrics="breaks,recorder")
    assert [(f.method, f.sample_id, f.kind, f.reason, f.model_id) for f in found.failures] == [
        (f"{m}: breaks", "row 1", "error", "row 1 cannot be measured; leave it out.", "toy")
        for m in ("occlusion", "shap")
    ]
    count = Counter(s.metric for s in found.scores if s.family == "stability")
    assert count == {"breaks": 4, "recorder": 6}


def test_removal_is_tried_in_two_ways_and_the_random_control_is_the_mean_of_many() -> None:
    found = run(2, metrics="removal")
    srg = [s for s in found.scores if s.metric == "srg"]
    maskers = {s.of["masker"] for s in srg}
    assert maskers == {"6 training rows", "column medians"}
    assert found.context["question"]["masker"] == "6 training rows"
    assert found.context["question"]["second_masker"] == "column medians"
    count = Counter((s.of["method"], s.of["sample"], s.of["masker"]) for s in srg)
    asked = itertools.product(found.methods, ("row 0", "row 1"), maskers)
    assert count == dict.fromkeys(asked, 1)
    random = [s for s in srg if s.of["method"] == "random"]
    assert all(s.note == "mean of 32 random orders" for s in random)
    assert [s.value for s in random] == pytest.approx([0.0] * 4, abs=1e-12)


def test_removal_in_the_second_way_reads_nothing_of_the_first() -> None:
    found = run(1, "shap", metrics="removal")
    alone = make_question(model(), samples(1)[0], Plan(masker="median"))
    wanted = Removal().scores([alone], [found.explanations])
    mine = {
        (s.metric, s.of["method"]): s.value
        for s in found.scores
        if s.of.get("masker") == "column medians"
    }
    assert mine == {(s.metric, s.of["method"]): pytest.approx(s.value) for s in wanted}


@pytest.mark.parametrize(
    ("masker", "second"), [("median", "6 training rows"), ("rows", "column medians")]
)
def test_the_second_way_is_another_than_the_one_asked_for(masker, second) -> None:
    assert run(1, "shap", masker=masker).context["question"]["second_masker"] == second


def test_the_removal_test_is_that_of_the_target_by_hand() -> None:
    """One mask after the other on a linear model: the area under the falling probability."""
    one = Sample("one", np.array([3.0, 0.0, 0.0, 0.0]), "table")
    slope = FunctionModel(
        lambda x: np.stack([0 * x[:, 0], x[:, 0]], axis=1),
        classes=("no", "yes"),
        space="logit",
        background=np.zeros((2, 4)),
    )
    found = study(slope, [one], "occlusion", "removal")
    scores = {s.metric: s.value for s in found.scores if s.of.get("method") == "occlusion"}
    high, low = 1 / (1 + np.exp(-3.0)), 0.5  # the only column that matters goes first
    assert scores["deletion"] == pytest.approx(low + (high - low) / 8)
    assert scores["insertion"] == pytest.approx(high - (high - low) / 8)
    assert scores["srg"] == pytest.approx(0.75 * (high - low))


def test_each_pair_of_methods_is_compared_once_a_sample() -> None:
    found = run(2, "occlusion,shap,lime", metrics="recorder")
    count = Counter(
        (s.of["a"], s.of["b"], s.of["sample"]) for s in found.scores if s.metric == "spearman"
    )
    pairs = itertools.combinations(("occlusion", "shap", "lime"), 2)
    assert count == {(a, b, f"row {i}"): 1 for a, b in pairs for i in range(2)}


def test_a_run_says_what_was_asked_and_what_the_model_said() -> None:
    found = run(3, target="green", seed=5, metrics="recorder", command="xaikit explain")
    assert {k: found.config[k] for k in ("seed", "methods", "metrics", "n", "target")} == {
        "seed": 5,
        "methods": ["occlusion", "shap", "random", "magnitude"],
        "metrics": ["recorder"],
        "n": 3,
        "target": "green",
    }
    xs = np.stack([s.x for s in samples(3)])
    assert found.predictions == pytest.approx(softmax(xs @ WEIGHTS, axis=1))
    assert {e.target.index for e in found.explanations} == {1}
    assert {e.seed for e in found.explanations} == {5}
    assert [e.output for e in found.of("shap")] == pytest.approx(
        [_log_odds(row, 1) for row in xs @ WEIGHTS]
    )
    assert found.context["command"] == "xaikit explain"
    numbers = study(value_model(), samples(2), "shap", "none")
    assert numbers.predictions == pytest.approx((xs @ WEIGHTS)[:2, :1])


def value_model() -> FunctionModel:
    return FunctionModel(lambda x: (x @ WEIGHTS)[:, :1], background=ROWS)


def _log_odds(scores: np.ndarray, k: int) -> float:
    p = softmax(scores)[k]
    return float(np.log(p / (1 - p)))


def test_which_metrics_are_taken() -> None:
    assert run(1, "shap", metrics="none").scores == ()
    fast = run(1, "shap", metrics="fast")
    assert fast.config["metrics"] == ["removal", "completeness_gap", "plausibility"]
    auto = run(1, "shap", metrics="auto").config["metrics"]
    costly = {n for n in METRICS.names() if METRICS.get(n).costly}
    assert costly
    assert set(auto) == set(METRICS.names()) - costly
    assert run(1, "shap", metrics=["twin"]).config["metrics"] == ["twin"]
    with pytest.raises(UnknownName, match="did you mean 'removal'"):
        run(1, "shap", metrics="removl")
    with pytest.raises(InvalidInput, match="0 samples were given"):
        study(model(), [])


def test_one_pool_that_sees_two_targets_answers_each_as_a_fresh_one(monkeypatch) -> None:
    for kind in toy_studies.EVERY:
        monkeypatch.setitem(METHODS._entries, kind.name, kind)
    (question,) = toy_studies.questions(4, n_samples=1)
    shared, found = Cache(), {}
    for fresh in (False, True):
        for index in range(3):
            target = dataclasses.replace(question.target, index=index)
            asked = dataclasses.replace(question, target=target, cache=Cache() if fresh else shared)
            (explanation,) = ask(toy_studies.Sound(), [asked])
            scores = Randomisation(n_copies=1)(asked, explanation, np.random.default_rng(0))
            found[fresh, index] = [s.value for s in scores]
    assert [found[False, k] for k in range(3)] == [found[True, k] for k in range(3)]
    assert len({tuple(found[True, k]) for k in range(3)}) == 3
