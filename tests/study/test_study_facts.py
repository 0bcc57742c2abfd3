"""What a study says beside its numbers: how long, of which data, how good the model is, what was asked."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from toys import FunctionModel, ask_table, linear

from xaikit.core.errors import CheckFailed, InvalidInput, NotApplicable
from xaikit.core.stats import wilson
from xaikit.core.types import Sample, Target
from xaikit.data.dataset import Column, Dataset
from xaikit.methods.base import METHODS, Method, make_method
from xaikit.metrics import METRICS
from xaikit.study.forecast import Forecast, forecast
from xaikit.study.plan import Plan, choose_methods, explain, explain_all, make_question
from xaikit.study.study import study

HOME = importlib.import_module("xaikit.study.forecast")  # `xaikit.study` is a function too
PARTS = "the explanations will take about {} ({} model rows)"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.01, "1 s"), (0.99, "1 s"), (1, "1 s"), (59.6, "60 s"), (89, "89 s"), (91, "2 min"),
        (120, "2 min"), (600, "10 min"), (3000, "50 min"), (5300, "88 min"), (5400, "1.5 h"),
        (7200, "2.0 h"), (36000, "10.0 h"),
    ],
)  # fmt: skip
def test_a_time_is_told_in_the_unit_that_fits_it(seconds, words) -> None:
    assert str(Forecast((9, 9), (seconds, seconds))) == PARTS.format(words, "9")


def test_a_range_is_told_from_the_least_to_the_most() -> None:
    found = str(Forecast((1000, 25000), (30.0, 240.0)))
    assert found == PARTS.format("30 s to 4 min", "1,000 to 25,000")


@dataclass(frozen=True)
class Plain(Method):
    """A method that asks 10 to 30 rows a sample."""

    name = "plain"

    def rows_needed(self, question) -> tuple[int, int]:
        return 10, 30


def test_the_forecast_adds_up_rows_and_times_of_one_timed_pass(monkeypatch) -> None:
    """A pass of 64 rows takes 6.4 s, so a row 0.1 s, and 0.3 s with its gradient."""
    times = iter([100.0, 106.4])
    clock = SimpleNamespace(perf_counter=lambda: next(times))
    monkeypatch.setattr(HOME, "time", clock)
    questions = [ask_table(linear(np.ones(4)), np.ones(4)) for _ in range(3)]
    saliency = make_method("saliency")  # one forward and backward pass a sample
    found = forecast(questions, [Plain(), saliency])
    assert found.rows == (3 * 10 + 3, 3 * 30 + 3)
    assert found.seconds == pytest.approx((3 * 1.0 + 3 * 0.3, 3 * 3.0 + 3 * 0.3))


def test_the_forecast_counts_what_checks_ask_again_and_remove() -> None:
    questions = [ask_table(linear(np.ones(4)), np.ones(4)) for _ in range(3)]
    metrics = [METRICS.get(name)() for name in ("randomisation", "stability", "removal")]
    found = forecast(questions, [Plain()], metrics, checked=2)
    assert found.rows == (3 * 10 + 2 * 2 * 10 + 3 * 16, 3 * 30 + 2 * 2 * 30 + 3 * 16)
    assert str(found).startswith("the explanations and their checks will take about")


# The data and the model, as the page will read them.


def data(**changes) -> Dataset:
    """Train, val and test lie far apart, so that a number tells where it is from."""
    rng = np.random.default_rng(0)

    def rows(part: str, n: int, start: float) -> tuple[Sample, ...]:
        x = np.stack([start + np.arange(n), 10 * rng.normal(size=n)], axis=1)
        return tuple(Sample(f"{part} {i}", row, "table", i % 2) for i, row in enumerate(x))

    known = {
        "name": "made", "modality": "table", "task": "classification", "classes": ("no", "yes"),
        "train": rows("train", 200, 0.0), "val": rows("val", 20, 5000.0),
        "test": rows("test", 30, 10000.0), "source": "made here",
        "columns": (Column("age", unit="years"), Column("pay")),
    }  # fmt: skip
    return Dataset(**known | changes)


def odd(x: np.ndarray) -> np.ndarray:
    """Log-odds of "yes": whether column 0 is odd, wrong below 10003."""
    right = np.where(x[:, 0] < 10003, -1.0, 1.0)
    return np.stack([0 * right, right * np.where(x[:, 0].round() % 2 == 1, 2.0, -2.0)], axis=1)


INFO = {
    "metrics": {"test": {"accuracy": 0.9, "correct": 27, "n": 30}, "val": {"accuracy": 0.1}},
    "data": "told", "data_hash": "abc",
}  # fmt: skip


def facts(dataset: Dataset | None, methods: str = "occlusion", **changes) -> dict:
    """What a study of a model of two columns says of it and of the data."""
    known = {
        "classes": ("no", "yes"),
        "space": "logit",
        "info": INFO,
        "background": np.zeros((2, 2)),
    }
    model = FunctionModel(odd, **known | changes)
    samples = data().test[:2]
    return dict(study(model, samples, methods, "none", data=dataset, command="as typed").context)


def test_the_usual_range_of_a_column_is_that_of_the_training_rows() -> None:
    x = np.sort(np.stack(data().inputs("train")), axis=0)
    columns = facts(data())["data"]["columns"]
    assert [(c["name"], c["unit"], c["categories"]) for c in columns] == [
        ("age", "years", []), ("pay", "", []),
    ]  # fmt: skip
    for i, column in enumerate(columns):
        # of 200 sorted values the share q lies at place 199 q
        for key, q in (("low", 0.05), ("median", 0.5), ("high", 0.95)):
            place, rest = divmod(199 * q, 1)
            value = x[int(place), i] * (1 - rest) + x[int(place) + 1, i] * rest
            assert column[key] == pytest.approx(value), key


@pytest.mark.parametrize("dataset", [None, data()], ids=["as told", "with data"])
def test_the_models_quality_is_that_of_the_test_rows_with_its_interval(dataset) -> None:
    """The model is right on 27 of 30 test rows, and says so of itself."""
    quality = facts(dataset)["model"]["quality"]
    assert (quality["metric"], quality["n"], quality["split"]) == ("accuracy", 30, "test")
    assert quality["value"] == pytest.approx(0.9)
    assert quality["interval"] == pytest.approx(wilson(27, 30))


def test_a_regressors_quality_is_r2_and_what_is_not_known_is_not_told() -> None:
    info = {"metrics": {"test": {"r2": 0.5, "mae": 3.0, "n": 30}, "val": {"r2": 0.1}}}
    value = {"classes": (), "space": "value"}
    quality = facts(None, info=info, **value)["model"]["quality"]
    assert (quality["metric"], quality["value"], quality["n"]) == ("r2", 0.5, 30)
    assert facts(None, info={})["model"]["quality"] is None


def test_the_data_are_named_counted_and_identified() -> None:
    found = facts(data())["data"]
    assert (found["name"], found["n_test"], found["source"]) == ("made", 30, "made here")
    assert found["hash"] == data().hash
    unknown = facts(None)["data"]
    assert (unknown["name"], unknown["hash"], unknown["n_test"]) == ("told", "abc", None)


def test_methods_are_described_by_their_cards_and_controls_are_marked() -> None:
    found = facts(data(), "occlusion,random,magnitude")
    assert {m: c["control"] for m, c in found["methods"].items()} == {
        "occlusion": False, "random": True, "magnitude": True,
    }  # fmt: skip
    card = METHODS.get("occlusion").card
    mine = found["methods"]["occlusion"]
    assert [mine[k] for k in ("title", "asks", "misleads", "paper")] == [
        card.title, card.asks, card.misleads, card.paper,
    ]  # fmt: skip
    asked = found["question"]
    assert (asked["masker"], asked["features"]) == ("2 training rows", "2 columns")
    assert (asked["target"], asked["unit"]) == ("predicted", "log-odds")
    assert found["command"] == "as typed"
    assert found["rationale"] is None


# What is asked, and in which order the answers come.


def test_a_question_takes_names_target_masker_and_background_from_its_plan() -> None:
    weights = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 1.0]])
    info = {
        "columns": [{"name": "age", "categories": []}, {"name": "job", "categories": ["a", "b"]}]
    }
    model = FunctionModel(
        lambda x: x @ weights, classes=("no", "maybe", "yes"), space="logit", info=info,
        background=np.array([[0.0, 1.0], [2.0, 0.0], [4.0, 0.0]]),
    )  # fmt: skip
    sample = Sample("s", np.array([1.0, 1.0]), "table", label=0)
    question = make_question(model, sample, Plan(masker="median"))
    assert question.segmentation.names == ("age", "job")
    assert question.masker.references.tolist() == [[2.0, 0.0]]  # the usual code, not its middle
    assert question.target.index == 1  # of the scores 1, 3 and 3 the first of the largest
    assert question.cache.targets[0].index == 2  # the runner-up
    own = make_question(model, sample, Plan(background=np.array([[7.0, 7.0]])))
    assert own.masker.references.tolist() == [[7.0, 7.0]]
    for target, index in (("label", 0), ("yes", 2), (2, 2), ("2", 2), (Target(1), 1)):
        assert make_question(model, sample, Plan(target=target)).target.index == index
    with pytest.raises(InvalidInput, match="target 'perhaps' is no class of .*; use predicted"):
        make_question(model, sample, Plan(target="perhaps"))
    with pytest.raises(InvalidInput, match="a list is no sample; give Sample"):
        make_question(model, [1.0, 2.0])


def test_explanations_come_sample_by_sample_in_the_order_of_the_methods() -> None:
    model = replace(linear([1.0, -2.0]), background=np.zeros((1, 2)))
    rows = [
        Sample(name, np.array(x), "table") for name, x in (("a", [1.0, 1.0]), ("b", [3.0, 0.5]))
    ]
    found = explain(model, rows, "occlusion,shap,magnitude")
    assert [(e.sample_id, e.method) for e in found] == [
        (s, m) for s in ("a", "b") for m in ("occlusion", "shap", "magnitude")
    ]
    by_hand = {"a": [1.0, -2.0], "b": [3.0, -1.0]}
    for e in found:
        if e.method != "magnitude":
            assert e.values == pytest.approx(by_hand[e.sample_id])
    with pytest.raises(NotApplicable, match="gradcam needs a spatial layer and 'toy' has none"):
        explain(model, rows, "shap,gradcam")
    assert "gradcam" not in {e.method for e in explain(model, rows[:1])}


def test_methods_are_named_once_and_those_that_do_not_apply_are_told() -> None:
    model = linear(np.ones(3))
    chosen, refused = choose_methods(model, "shap, gradcam ,lime")
    assert [m.name for m in chosen] == ["shap", "lime"]
    assert [(f.method, f.kind, f.model_id, f.sample_id) for f in refused] == [
        ("gradcam", "not_applicable", "toy", "")
    ]
    with pytest.raises(InvalidInput, match="the methods shap, lime, shap name one twice"):
        choose_methods(model, ["shap", "lime", make_method("shap")])
    with pytest.raises(InvalidInput, match="no method was named"):
        choose_methods(model, " , ")


def test_one_sample_that_fails_is_recorded_and_the_others_are_explained() -> None:
    """The model gives no number where column 0 is removed from the second sample."""

    def function(x: np.ndarray) -> np.ndarray:
        return np.where((x[:, :1] == 0) & (x[:, 1:2] == 5.0), np.nan, x @ [[1.0], [1.0]])

    model = FunctionModel(function)
    rows = [[1.0, 2.0], [3.0, 5.0], [4.0, 6.0]]
    questions = [
        replace(ask_table(model, x), sample=Sample(f"s{i}", np.array(x), "table"))
        for i, x in enumerate(rows)
    ]
    done: list[int] = []
    methods = [make_method("occlusion"), make_method("magnitude")]
    found, failures = explain_all(questions, methods, 0, done.append)
    assert [(e.method, e.sample_id) for e in found] == [
        ("occlusion", "s0"), ("occlusion", "s2"), *(("magnitude", f"s{i}") for i in range(3)),
    ]  # fmt: skip
    (failure,) = failures
    assert (failure.method, failure.sample_id, failure.kind) == ("occlusion", "s1", "error")
    assert "gave nan for sample 's1' with only the features [1] kept" in failure.reason
    assert sum(done) == 6
    with pytest.raises(CheckFailed):
        methods[0](questions[1], np.random.default_rng(0))
