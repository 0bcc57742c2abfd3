"""Verdicts: broken explainers are refused, sound ones are not, and each says why in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_studies as toys

from xaikit.core.types import Score
from xaikit.judge.checks import interval_of
from xaikit.judge.verdict import Verdict, verdicts
from xaikit.methods.base import METHODS
from xaikit.study.run import Run


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    for kind in toys.EVERY:
        monkeypatch.setitem(METHODS._entries, kind.name, kind)


@pytest.fixture(scope="module", params=list(toys.GRIDS))
def run(request) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        for kind in toys.EVERY:
            patch.setitem(METHODS._entries, kind.name, kind)
        return toys.study(toys.questions(11, request.param, n_samples=12))


def test_broken_explainers_are_refused_and_sound_ones_are_not(run: Run) -> None:
    status = {v.method: v.status for v in verdicts(run)}
    assert {status.pop(kind.name) for kind in toys.SOUND} <= {"use", "weaker"}
    assert status.pop("magnitude") == "control"
    assert status == {kind.name: "failed" for kind in toys.BROKEN}


def test_the_sound_gradients_close_and_the_broken_ones_do_not(run: Run) -> None:
    gaps = {
        m: [s.value for s in run.scores if s.metric == "completeness_gap" and s.of["method"] == m]
        for m in ("ig", "other_ig")
    }
    assert max(gaps["ig"]) < 0.01
    assert np.median(gaps["other_ig"]) > 0.05


def test_two_seeds_agree_and_opposites_are_found() -> None:
    assert toys.agreement_trials(4) == {"two seeds": 4, "opposite order": 4, "opposite signs": 4}


def test_each_broken_explainer_fails_the_check_that_was_made_for_it(run: Run) -> None:
    found = {v.method: v for v in verdicts(run)}

    def passed(method: str) -> dict[str, bool | None]:
        return {c.name: c.passed for c in found[method].checks}

    assert passed("reversed")["beats_random"] is False
    assert passed("edges")["depends_on_model"] is False
    assert passed("other_model")["depends_on_model"] is False
    assert passed("wrong_class")["depends_on_class"] is False
    assert passed("unstable")["repeats"] is False
    assert passed("leaky") == passed("sound") | {"adds_up": False}
    assert not found["edges"].check("adds_up").applies
    assert found["leaky"].reason == (
        "In half of the samples the parts miss the output by 20.0\xa0% or more; at most 5.0\xa0% is allowed."
    )


# Runs of numbers only: what each check makes of them.


def numbers(n: int = 16, **changes: list[float] | None) -> Run:
    """A run of one good method "m" and a control; `changes` replace a metric's values or drop it."""
    (question,) = toys.questions(0, n_samples=1)
    spread = np.linspace(-0.05, 0.05, n)
    values: dict[str, list[float] | None] = {
        "srg": (0.4 + spread).tolist(),
        "randomisation": spread.tolist(),
        "random_logit": spread.tolist(),
        "completeness_gap": (0.01 + 0.1 * spread).tolist(),
        "variance_share": (0.95 + spread).tolist(),
        "control": (0.1 - spread).tolist(),
        "second": None,
    }
    values |= changes
    second = values.pop("second") or values["srg"]
    own = values.pop("own_sample", [0.1] * n)
    explanation = dataclasses.replace(ask_sound(question), method="m")
    control = dataclasses.replace(explanation, method="magnitude")
    scores = [
        score("magnitude" if metric == "control" else "m", metric, v, i, "a")
        for metric, row in values.items()
        for i, v in enumerate(row or ())
    ]
    if values["srg"] and changes.get("second", ()) is not None:
        scores += [score("m", "srg", v, i, "b") for i, v in enumerate(second or ())]
        scores += [score("magnitude", "control", 0.1, i, "b") for i in range(n)]
    scores += [score("m", "own_sample", v, i, way) for way in "ab" for i, v in enumerate(own or ())]
    samples = range(n)
    return Run(
        config={},
        samples=(),
        predictions=np.ones((n, 3)) / 3,
        explanations=tuple(
            dataclasses.replace(e, sample_id=f"s{i}")
            for e in (explanation, control)
            for i in samples
        ),
        scores=tuple(scores),
        context={"methods": {"m": {"control": False}, "magnitude": {"control": True}}},
    )


def ask_sound(question):
    return toys.Sound()(question, np.random.default_rng(0))


def score(method: str, metric: str, value: float, i: int, masker: str) -> Score:
    metric = "srg" if metric == "control" else metric
    of = {"method": method, "sample": f"s{i}", "masker": masker}
    return Score(metric, value, "higher", "faithfulness", of=of, note="-")


def judged(run: Run) -> Verdict:
    return verdicts(run)[0]


def test_good_numbers_hold_in_seven_checks() -> None:
    found = judged(numbers())
    assert found.status == "use"
    assert found.reason == "All 7 checks passed on 16 samples."
    gain = found.check("not_worse_than_input")
    assert gain.value == pytest.approx(0.3)
    assert gain.interval[0] > 0.25
    assert gain.sentence == (
        "What it marks matters 0.30 more than 'magnitude' alone (weakest of 2 ways of removing)."
    )


@pytest.mark.parametrize(
    ("changes", "check", "status", "sentence"),
    [
        (
            {"variance_share": [0.26] * 16},
            "repeats",
            "failed",
            "A second run gives 0.260 of the picture again; 0.90 is needed.",
        ),
        (
            {"variance_share": [0.76, 1.0] * 8},
            "repeats",
            "unsettled",
            "A second run gives 0.880 of the picture again; 0.90 is needed. Not settled: the 90 % interval is 0.8",
        ),
        (
            {"randomisation": [0.95] * 16},
            "depends_on_model",
            "failed",
            "With what the model learned erased, 0.95 of the picture is left; less than 0.30 is needed.",
        ),
        (
            {"random_logit": [1.0] * 16},
            "depends_on_class",
            "failed",
            "The pictures of two different classes are 1.00 alike; less than 0.90 is needed.",
        ),
        (
            {"completeness_gap": [0.2] * 16},
            "adds_up",
            "failed",
            "In half of the samples the parts miss the output by 20.0\xa0% or more; at most 5.0\xa0% is allowed.",
        ),
        (
            {"srg": [-0.2] * 16},
            "beats_random",
            "failed",
            "What it marks matters 0.20 less than removing at random (weakest of 2 ways of removing).",
        ),
        (
            {"srg": [0.25, -0.15] * 8},
            "beats_random",
            "unsettled",
            "No clear gain over removing at random: +0.05, 90 % interval −0.0",
        ),
        (
            {"second": [-0.1] * 16},
            "beats_random",
            "failed",
            "What it marks matters 0.10 less than removing at random (weakest of 2 ways of removing).",
        ),
        (
            {"control": [0.8] * 16},
            "not_worse_than_input",
            "failed",
            "What it marks matters 0.40 less than 'magnitude' alone (weakest of 2 ways of removing).",
        ),
        (
            {"own_sample": [0.0, -0.1] * 8},
            "depends_on_sample",
            "failed",
            "What it marks matters 0.05 less than what the map of another sample marks (weakest of 2 ",
        ),
        (
            {"own_sample": [0.0] * 16},
            "depends_on_sample",
            "unsettled",
            "Every sample has its features in the same order; the model may be so, or the map may not ",
        ),
        (
            {"own_sample": None},
            "depends_on_sample",
            "unsettled",
            "Not measured: the removal test against what the map of another sample marks.",
        ),
        (
            {"control": None},
            "not_worse_than_input",
            "unsettled",
            "Not measured: no control that only looks at the input was in the study.",
        ),
        (
            {"second": None},
            "beats_random",
            "unsettled",
            "Better than removing at random under one way of removing only; 2 are needed.",
        ),
        (
            {"randomisation": None},
            "depends_on_model",
            "unsettled",
            "Not measured: whether the picture changes when what the model learned is erased.",
        ),
        (
            {"variance_share": None},
            "repeats",
            "unsettled",
            "Not measured: whether a second run gives the same picture.",
        ),
        (
            {"srg": None},
            "beats_random",
            "unsettled",
            "Not measured: the removal test against removing at random.",
        ),
    ],
)  # fmt: skip
def test_each_check_says_what_it_found(changes, check, status, sentence) -> None:
    run = numbers(**changes)
    if changes.get("control", ()) is None:
        scores = tuple(s for s in run.scores if s.of["method"] != "magnitude")
        run = dataclasses.replace(run, scores=scores)
    found = judged(run)
    assert found.check(check).sentence.startswith(sentence)
    assert found.check(check).passed is (False if status == "failed" else None)
    assert found.status == status


def test_an_output_near_zero_on_few_samples_does_not_spoil_the_sum() -> None:
    assert judged(numbers(completeness_gap=[0.01] * 14 + [40.0] * 2)).status == "use"
    assert judged(numbers(completeness_gap=[0.01] * 9 + [40.0] * 7)).status == "unsettled"


def test_few_samples_are_never_enough_however_good_or_bad() -> None:
    one = judged(numbers(1))
    assert one.status == "unsettled"
    assert one.reason == "One sample is not enough to tell; 10 are needed."
    nine = judged(numbers(9))
    assert nine.reason.startswith("9 samples are not enough to tell; 10 are needed.")
    assert all(c.passed is None for c in nine.checks)
    assert judged(numbers(9, srg=[-0.4] * 9, variance_share=[0.0] * 9)).status == "unsettled"
    assert nine.check("repeats").sentence.endswith("9 samples; 10 are needed to settle it.")
    assert nine.check("beats_random").sentence == (
        "9 samples against removing at random; 10 are needed for a test."
    )


def test_nothing_measured_is_not_tested_and_controls_are_controls() -> None:
    run = dataclasses.replace(numbers(), scores=())
    method, control = verdicts(run)
    assert (method.status, method.reason) == ("not_tested", "Nothing was measured.")
    assert (control.status, control.checks) == ("control", ())


def test_two_classes_and_regressors_are_not_asked_for_another_class() -> None:
    for k in (1, 2):
        run = dataclasses.replace(numbers(random_logit=None), predictions=np.ones((16, k)) / k)
        assert not judged(run).check("depends_on_class").applies
        assert judged(run).status == "use"


def test_scores_that_could_not_be_measured_are_left_out() -> None:
    found = judged(numbers(variance_share=[0.95] * 12 + [float("nan")] * 4))
    assert found.check("repeats").value == pytest.approx(0.95)


def test_a_verdict_does_not_hang_on_what_else_was_asked() -> None:
    run = numbers(10)
    weak = [0.4, 0.3, 0.2, 0.5, 0.4, 0.3, 0.2, 0.1, 0.3, -0.05]
    others = [f"x{j}" for j in range(7)]
    many = dataclasses.replace(
        run,
        explanations=run.explanations
        + tuple(dataclasses.replace(e, method=m) for m in others for e in run.of("m")),
        scores=run.scores
        + tuple(
            score(m, "srg", v, i, masker)
            for m in others
            for i, v in enumerate(weak)
            for masker in ("a", "b")
        ),
    )
    assert judged(many).checks == judged(run).checks
    assert verdicts(many)[2].check("beats_random").passed is True


def test_random_orders_beat_random_in_5_percent_of_trials() -> None:
    """Random orders on random models, with the interval that the check uses."""
    rng = np.random.default_rng(0)
    better = 0
    for _ in range(200):
        w = rng.normal(size=(16, 12))
        orders = rng.permuted(np.tile(np.arange(12), (16, 1)), axis=1)
        removed = np.cumsum(np.take_along_axis(w, orders, axis=1), axis=1)
        kept = np.cumsum(np.take_along_axis(w, orders[:, ::-1], axis=1), axis=1)
        better += interval_of((np.tanh(removed) - np.tanh(kept)).mean(axis=1))[0] > 0
    assert 3 <= better <= 20  # 10 expected, three standard deviations are 9
