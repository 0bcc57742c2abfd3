"""A study: what the data know reaches the page, and nothing that fails ends it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from report.reading import read
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from toys import FunctionModel, linear

from xaikit.core.errors import ForeignError, InvalidInput, NotApplicable
from xaikit.core.question import Masker
from xaikit.core.types import Sample, Score, Segmentation
from xaikit.data.dataset import Column, Dataset
from xaikit.methods.base import METHODS, Card, Method
from xaikit.metrics import METRICS, Measure, Metric
from xaikit.models import wrap
from xaikit.report import write_report
from xaikit.study import overview
from xaikit.study.plan import Plan, explain, make_question
from xaikit.study.run import Run
from xaikit.study.study import study

WEIGHTS = np.array([2.0, -1.0, 0.5, 0.0])
COLUMNS = ("age", "income", "height", "weight")


def table(labels: Callable[[np.ndarray], np.ndarray] | None = None, **changes: Any) -> Dataset:
    """60 rows of four columns; yes where the weighted sum is positive, unless said otherwise."""
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = (x @ WEIGHTS > 0).astype(int) if labels is None else labels(x)
    samples = [
        Sample(f"r{i}", row, "table", t)
        for i, (row, t) in enumerate(zip(x, y.tolist(), strict=True))
    ]
    found = Dataset(
        "people",
        "table",
        "classification",
        ("no", "yes"),
        tuple(samples[:30]),
        tuple(samples[30:35]),
        tuple(samples[35:]),
        tuple(Column(name) for name in COLUMNS),
    )
    return replace(found, **changes)


def model(function: Callable[..., Any] | None = None, **changes: Any) -> FunctionModel:
    """Log-odds: the weighted sum of the columns."""

    def scores(x: np.ndarray) -> np.ndarray:
        return np.stack([np.zeros(len(x)), x @ WEIGHTS], axis=1)

    facts = {
        "classes": ("no", "yes"),
        "space": "logit",
        "background": np.zeros((3, 4)),
        "id": "sum",
    }
    return FunctionModel(function or scores, **{**facts, **changes})


def run_of(asked: FunctionModel, data: Dataset | None = None, **changes: Any) -> Run:
    samples = (data or table()).take(12)
    facts = {"methods": ["occlusion", "random"], "metrics": "fast", "data": data, **changes}
    return study(asked, samples, **facts)


# names


def test_columns_have_the_names_that_the_data_know_and_the_model_stays_as_it_was():
    asked = model()
    run = run_of(asked, table())
    assert run.explanations[0].names == COLUMNS
    assert asked.info == {}
    assert run_of(model()).explanations[0].names == ("x0", "x1", "x2", "x3")


def test_numbers_are_no_names_of_classes():
    run = run_of(model(classes=("0", "1")), table())
    assert run.context["model"]["classes"] == ["no", "yes"]
    kept = run_of(model(), table(classes=("0", "1")))
    assert kept.context["model"]["classes"] == ["no", "yes"]


@pytest.mark.parametrize(
    ("changes", "data", "text"),
    [
        (
            {},
            {"columns": tuple(map(Column, "abc"))},
            r"reads 4 columns and 'people' has 3 \(a, b, c\)",
        ),
        (
            {"info": {"columns": [{"name": n} for n in ("income", "age", "height", "weight")]}},
            {},
            "column 1 of model 'sum' is 'income' and of 'people' 'age'",
        ),
        (
            {"info": {"columns": [{"name": n, "categories": ["f", "m"]} for n in COLUMNS]}},
            {
                "columns": tuple(
                    Column(n, ("f", "m") if i else ("m", "f")) for i, n in enumerate(COLUMNS)
                )
            },
            "column 'age' has the categories f, m in model 'sum' and m, f in 'people'",
        ),
        (
            {"classes": ("yes", "no")},
            {},
            r"2 classes \(yes, no\) and 'people' has 2 classes \(no, yes\)",
        ),
        (
            {},
            {"classes": ("no", "yes", "maybe")},
            r"\(no, yes\) and 'people' has 3 classes \(no, yes, maybe\)",
        ),
        ({"modality": "series"}, {}, "model 'sum' reads series and 'people' is table"),
    ],
)
def test_a_model_of_other_columns_or_classes_is_refused_by_both_names(changes, data, text):
    with pytest.raises(InvalidInput, match=text):
        run_of(model(**changes), table(**data))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3)])
def test_the_columns_that_an_estimator_was_fitted_on_are_known(order):
    data = table()
    x, y = np.stack(data.inputs("train"))[:, order], data.labels("train")
    fitted = LogisticRegression().fit(x, y)
    asked = wrap(fitted, modality="table", classes=("no", "yes"), background=x)
    assert "columns" not in asked.info  # fitted on an array, it knows none
    fitted.feature_names_in_ = np.array(COLUMNS, dtype=object)[list(order)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        asked = wrap(fitted, modality="table", classes=("no", "yes"), background=x)
        if order == (0, 1, 2, 3):
            assert run_of(asked, data).explanations[0].names == COLUMNS
        else:
            with pytest.raises(InvalidInput, match="column 1 of model 'yours' is 'income' and of"):
                run_of(asked, data)


# quality


def test_quality_is_measured_on_the_labelled_test_rows_with_its_interval(tmp_path):
    flipped = table(lambda x: ((x @ WEIGHTS > 0) ^ (np.arange(60) % 5 == 0)).astype(int))
    run = run_of(model(), flipped)
    quality = run.context["model"]["quality"]
    bounds = binomtest(20, 25).proportion_ci(method="wilson")  # rows 35, 40, ..., 55 are flipped
    assert (quality["value"], quality["n"]) == (20 / 25, 25)
    assert quality["interval"] == pytest.approx([bounds.low, bounds.high], abs=1e-12)
    page = write_report(run, tmp_path / "p.html").read_text()
    head = read(page).one("p", class_="meta").text
    assert "right on 80.0\N{NO-BREAK SPACE}% of 25 test rows (60.9 to 91.1)" in head
    assert "quality not yet tested" not in page
    assert "the first of 25 test rows, in their order" in page


def test_as_many_test_rows_are_explained_as_were_asked_for(monkeypatch):
    monkeypatch.setattr(overview, "SECONDS", 0.0)  # no time at all
    data = table()
    run = study(model(), data.take(2), ["occlusion"], "none", data=data, overview=13)
    assert (len(run.overview), run.overview.of) == (13, 25)
    assert (
        study(model(), data.take(2), ["occlusion"], "none", data=data, overview=0).overview is None
    )


def test_how_the_samples_were_taken_is_told(tmp_path):
    data = table()
    for samples, drawn, how in (
        (data.test, None, "all"),
        (data.take(5), None, "first"),
        (data.take(5, seed=3), 3, "drawn"),
        (data.take(25, seed=3), 3, "all"),  # nothing is left to draw
        (data.test[2:4], None, "others"),
    ):
        run = study(model(), samples, ["occlusion"], "none", data=data, drawn=drawn)
        assert run.context["chosen"] == {"how": how, "of": 25, "seed": drawn}
    run = study(model(), data.take(5, seed=3), ["occlusion"], "none", data=data, drawn=3)
    page = write_report(run, tmp_path / "p.html").read_text()
    assert "drawn from 25 test rows with seed 3" in page


def test_quality_of_numbers_is_r2_with_its_interval():
    noise = np.random.default_rng(1).normal(size=60)
    data = table(lambda x: x @ WEIGHTS + noise, task="regression", classes=())
    asked = replace(linear(WEIGHTS), background=np.zeros((3, 4)))
    quality = run_of(asked, data).context["model"]["quality"]
    y = data.labels("test")
    r2 = 1 - np.sum(noise[35:] ** 2) / np.sum((y - y.mean()) ** 2)
    assert quality["value"] == pytest.approx(r2, abs=1e-12)
    assert quality["interval"][0] < r2 < quality["interval"][1]


def test_without_labels_nothing_is_claimed():
    data = table()
    bare = replace(data, test=tuple(replace(s, label=None) for s in data.test))
    assert run_of(model(), bare).context["model"]["quality"] is None


def test_a_model_that_always_says_the_frequent_class_is_not_better_than_that(tmp_path):
    data = table(lambda x: (np.arange(60) % 4 == 0).astype(int))
    says_no = model(lambda x: np.stack([np.ones(len(x)), x[:, 0] * 0], axis=1))
    run = run_of(says_no, data)
    assert run.context["model"]["quality"]["baseline"] == {
        "says": "no",
        "value": pytest.approx(np.mean([i % 4 != 0 for i in range(35, 60)])),
        "verdict": "equal",
    }
    page = read(write_report(run, tmp_path / "p.html").read_text())
    assert page.one("h1").text == "sum is right no more often than always answering “no”"


def test_the_answer_that_never_looks_is_that_of_the_training_rows():
    i = np.arange(60)
    turned = table(lambda _: np.where(i < 30, i % 3 == 0, i % 5 != 0).astype(int))
    baseline = run_of(model(), turned).context["model"]["quality"]["baseline"]
    assert (baseline["says"], baseline["value"]) == ("no", 5 / 25)  # yes in 20 of 25 test rows


# failures


def odd(x: np.ndarray, error: Exception, hidden: bool = False) -> FunctionModel:
    """Fails on the row x, or only on what removal makes of it."""

    def scores(rows: np.ndarray) -> np.ndarray:
        mine = (rows == x).sum(axis=1)
        if ((mine > 0) & (mine < 4)).any() if hidden else (mine == 4).any():
            raise error
        return np.stack([np.zeros(len(rows)), rows @ WEIGHTS], axis=1)

    return model(scores)


@pytest.mark.parametrize(
    "error", [ValueError("bad row"), KeyError("bad row"), ZeroDivisionError("bad row")]
)
def test_a_sample_that_the_model_cannot_answer_is_told_and_the_others_go_on(tmp_path, error):
    data = table()
    run = run_of(odd(data.test[3].x, error), data)
    ids = [s.id for s in data.take(12)]
    assert [s.id for s in run.samples] == ids[:3] + ids[4:]
    assert {e.sample_id for e in run.explanations} == {s.id for s in run.samples}
    assert len(run.predictions) == 11
    first, quality = run.failures
    assert (first.sample_id, first.kind) == (ids[3], "error")
    assert f"raised {type(error).__name__}" in first.reason
    assert "bad row" in first.reason
    assert quality.method == "quality"
    page = read(write_report(run, tmp_path / "p.html").read_text())
    missing = page.one("details", id="missing").text
    assert f"Every method, sample {ids[3]}" in missing
    assert "bad row" in missing


def test_a_sample_whose_removals_fail_is_told_by_each_method(tmp_path):
    data = table()
    x = data.test[3].x
    run = run_of(
        odd(x, TypeError("half a row"), hidden=True), data, methods=["occlusion", "lime", "random"]
    )
    broken = {(f.method, f.sample_id) for f in run.failures}
    assert broken == {(m, "r38") for m in ("occlusion", "lime", "removal", "overview")}
    assert all(
        "model 'sum' on sample 'r38' raised TypeError (half a row)" in f.reason
        for f in run.failures
    )
    assert len(run.of("occlusion")) == 11
    assert "half a row" in write_report(run, tmp_path / "p.html").read_text()


def test_a_score_that_is_no_number_is_a_failure_of_its_sample():
    data = table()

    def scores(x: np.ndarray) -> np.ndarray:
        bad = (x == data.test[0].x).all(axis=1)
        return np.stack([np.zeros(len(x)), np.where(bad, np.nan, x @ WEIGHTS)], axis=1)

    run = run_of(model(scores), data)
    assert "r35" in {f.sample_id for f in run.failures}
    assert "r35" not in {s.id for s in run.samples}
    assert np.isfinite(run.predictions).all()


def test_a_question_that_cannot_be_made_for_one_sample_is_told(tmp_path):
    samples = table().take(3)
    unlabelled = [samples[0], replace(samples[1], label=None), samples[2]]
    run = study(model(), unlabelled, methods=["occlusion"], metrics="none", target="label")
    (failure,) = run.failures
    assert failure.sample_id == samples[1].id
    assert "has no label" in failure.reason
    assert len(run.explanations) == 2
    write_report(run, tmp_path / "p.html")


def test_a_question_that_cannot_be_made_for_any_sample_is_refused():
    with pytest.raises(InvalidInput, match="has no masker 'wrong'"):
        run_of(model(), table(), masker="wrong")
    with pytest.raises(ForeignError, match=r"raised KeyError \('nothing'\)"):
        run_of(model(lambda x: {}["nothing"]))


@dataclass(frozen=True)
class Stumbling(Method):
    """A method of somebody that fails on one sample."""

    name: ClassVar[str] = "stumbling"
    card: ClassVar[Card] = Card("Stumbling", "It asks.", "It stumbles.", "none")

    def __call__(self, question: Any, rng: np.random.Generator) -> Any:
        if question.sample.id == "r36":
            raise AssertionError
        return question.answer(
            self, np.arange(question.n_features) + 1.0, additive=False, in_units=False
        )


@dataclass(frozen=True)
class Choosy(Method):
    """A method of somebody that does not apply to one sample."""

    name: ClassVar[str] = "choosy"
    card: ClassVar[Card] = Card("Choosy", "It asks.", "It chooses.", "none")

    def __call__(self, question: Any, rng: np.random.Generator) -> Any:
        if question.sample.id == "r36":
            raise NotApplicable("choosy takes no r36; leave it out.")
        return question.answer(
            self, np.arange(question.n_features) + 1.0, additive=False, in_units=False
        )


def test_a_method_that_does_not_apply_to_one_sample_did_not_break(monkeypatch):
    monkeypatch.setitem(METHODS._entries, "choosy", Choosy)
    run = run_of(model(), table(), methods=["choosy", "occlusion"], metrics="none", overview=False)
    (failure,) = run.failures
    assert (failure.method, failure.sample_id) == ("choosy", "r36")
    assert (failure.kind, failure.reason) == (
        "not_applicable",
        "choosy takes no r36; leave it out.",
    )


@dataclass(frozen=True)
class Broken(Metric):
    """A metric of somebody that divides by nothing on one sample."""

    name: ClassVar[str] = "broken"
    measures: ClassVar[tuple[Measure, ...]] = ()

    def __call__(self, question: Any, explanation: Any, rng: Any) -> list[Score]:
        value = 1 / (question.sample.id != "r37")
        return [Score("broken", value, "higher", "stability", of={"method": explanation.method})]


def test_methods_and_metrics_of_others_may_fail_with_any_class(monkeypatch, tmp_path):
    monkeypatch.setitem(METHODS._entries, "stumbling", Stumbling)
    monkeypatch.setitem(METRICS._entries, "broken", Broken)
    run = run_of(
        model(), table(), methods=["stumbling", "occlusion"], metrics=["removal", "broken"]
    )
    told = {(f.method, f.sample_id): f.reason for f in run.failures}
    assert told.pop(("stumbling", "r36")) == (
        "'stumbling' raised AssertionError (no reason given); mend it there or leave it out."
    )
    assert set(told) == {("stumbling: broken", "r37"), ("occlusion: broken", "r37")}
    assert all("ZeroDivisionError" in reason for reason in told.values())
    assert len(run.of("stumbling")) == 11
    page = write_report(run, tmp_path / "p.html").read_text()
    assert "AssertionError" in page
    assert "ZeroDivisionError" in page


def test_two_samples_of_one_name_are_refused():
    sample = table().test[0]
    with pytest.raises(
        InvalidInput, match="2 samples are called 'r35'; give each an id of its own"
    ):
        study(model(), [sample, sample])


def test_explain_names_what_a_model_raised_and_keeps_the_cause():
    data = table()
    with pytest.raises(ForeignError, match=r"raised ValueError \(bad row\)") as caught:
        explain(odd(data.test[0].x, ValueError("bad row")), data.test[0], ["occlusion"], target=1)
    assert isinstance(caught.value.__cause__, ValueError)


# background, features and maskers of one's own


def test_every_background_row_that_is_not_used_is_told():
    rows = np.random.default_rng(3).normal(size=(200, 4))
    asked, sample = replace(linear(WEIGHTS), background=None), table().test[0]
    for n, kept, name in (
        (
            None,
            np.linspace(0, 199, 50).round().astype(int),
            "50 of 200 training rows, evenly spaced",
        ),
        (10, np.linspace(0, 199, 10).round().astype(int), "10 of 200 training rows, evenly spaced"),
        (200, np.arange(200), "200 training rows"),
    ):
        (found,) = explain(asked, sample, ["shap"], background=rows, n_background=n)
        assert found.masker == name
        want = WEIGHTS * (sample.x - rows[kept].mean(axis=0))  # Shapley values of a weighted sum
        assert found.values == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("n", [0, 201])
def test_more_background_than_there_is_is_refused(n):
    plan = Plan(background=np.zeros((200, 4)), n_background=n)
    with pytest.raises(
        InvalidInput, match=f"n_background is {n} and there is a background of 200 rows"
    ):
        make_question(linear(WEIGHTS), table().test[0], plan)


def test_means_and_medians_say_how_many_rows_they_are_of():
    rng = np.random.default_rng(5)
    pictures = rng.random((9, 4, 4, 3)).astype(np.float32)
    asked = FunctionModel(lambda x: x.reshape(len(x), -1).sum(axis=1)[:, None], modality="image")
    sample = Sample("p", pictures[0], "image")
    found = make_question(asked, sample, Plan(background=pictures, n_background=3))
    assert found.masker.name == "mean colour of 3 of 9 training images, evenly spaced"
    assert found.masker.references[0, 0, 0] == pytest.approx(
        pictures[[0, 4, 8]].mean(axis=(0, 1, 2))
    )
    whole = make_question(asked, sample, Plan(background=pictures))
    assert whole.masker.references[0, 0, 0] == pytest.approx(pictures.mean(axis=(0, 1, 2)))


def test_a_given_background_serves_the_second_masker_too(tmp_path):
    rows = np.random.default_rng(3).normal(size=(70, 4))
    run = run_of(model(background=None), table(), background=rows, n_background=20)
    assert not run.failures
    maskers = {s.of["masker"] for s in run.scores if "masker" in s.of}
    assert maskers == {
        "20 of 70 training rows, evenly spaced",
        "column medians of 20 of 70 training rows, evenly spaced",
    }
    page = write_report(run, tmp_path / "p.html").read_text()
    assert "20 of 70 training rows, evenly spaced" in page


def test_a_segmentation_of_ones_own_is_explained_as_it_is(tmp_path):
    """Two groups and a column that stays: Shapley values of a weighted sum add up over a group."""
    cut = Segmentation(np.array([0, 1, 0, -1]), ("body", "money"), "my groups")
    sample = table().test[0]
    (found,) = explain(model(), sample, ["shap"], features=cut, target="yes")
    own = WEIGHTS * sample.x
    assert found.names == ("body", "money")
    assert found.values == pytest.approx([own[0] + own[2], own[1]], abs=1e-9)
    run = run_of(model(), table(), features=cut)
    assert run.config["features"] == "my groups"
    assert not run.failures
    loaded = Run.load(run.save(tmp_path / "run"))
    assert "my groups" in write_report(loaded, tmp_path / "p.html").read_text()


def test_a_segmentation_of_another_grid_is_a_failure_of_the_samples_it_does_not_fit():
    words = FunctionModel(lambda xs: np.array([[float(len(x))] for x in xs]), modality="text")
    cut = Segmentation(np.array([0, 0, 1]), ("start", "end"), "halves")
    samples = [Sample(f"s{i}", np.array(["a"] * n), "text") for i, n in enumerate((3, 4, 3))]
    run = study(words, samples, methods=["occlusion"], metrics="none", features=cut)
    (failure,) = run.failures
    assert failure.sample_id == "s1"
    assert "the segmentation has the grid (3,)" in failure.reason


def test_a_masker_of_ones_own_replaces_what_it_says():
    sample, rows = table().test[0], np.full((1, 4), 7.0)
    (found,) = explain(model(), sample, ["shap"], masker=Masker("sevens", rows), target="yes")
    assert found.masker == "sevens"
    assert found.values == pytest.approx(WEIGHTS * (sample.x - 7.0), abs=1e-9)
    run = run_of(model(), table(), masker=Masker("sevens", rows))
    assert run.config["masker"] == "sevens"
