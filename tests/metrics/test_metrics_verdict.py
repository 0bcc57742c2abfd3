"""Verdicts: broken explainers are refused, sound ones are not, and each says why in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_studies as toys

from xaikit.core.stats import paired_test
from xaikit.core.types import Score
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
    assert [status.pop(kind.name) for kind in toys.SOUND] == ["faithful", "faithful"]
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


def test_each_broken_explainer_fails_the_gate_that_was_made_for_it(run: Run) -> None:
    found = {v.method: v for v in verdicts(run)}

    def passed(method: str) -> dict[str, bool | None]:
        return {g.name: g.passed for g in found[method].gates}

    assert passed("reversed")["beats_random"] is False
    assert passed("edges")["beats_trivial"] is not True
    assert passed("other_model")["depends_on_model"] is False
    assert passed("wrong_class")["depends_on_class"] is False
    assert passed("unstable")["repeats"] is False
    assert passed("leaky") == passed("sound") | {"adds_up": False}
    assert "adds_up" not in passed("edges")
    assert found["leaky"].reason == (
        "In half of the samples the parts miss the output by 20.0\xa0% or more; at most 5.0\xa0% is allowed."
    )


# Runs of numbers only: what each gate makes of them.


def numbers(n: int = 16, **changes: list[float] | None) -> Run:
    """A run of one good method "m" and a control; `changes` replace a metric's values or drop it."""
    (question,) = toys.questions(0, n_samples=1)
    spread = np.linspace(-0.05, 0.05, n)
    values: dict[str, list[float] | None] = {
        "srg": (0.4 + spread).tolist(),
        "randomisation": spread.tolist(),
        "random_logit": spread.tolist(),
        "completeness_gap": (0.01 + 0.1 * spread).tolist(),
        "seed_agreement": (0.9 + spread).tolist(),
        "control": (0.1 - spread).tolist(),
        "second": None,
    }
    values |= changes
    second = values.pop("second") or values["srg"]
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


def test_good_numbers_are_faithful_in_six_checks() -> None:
    found = judged(numbers())
    assert found.status == "faithful"
    assert found.reason == "All 6 checks passed on 16 samples."
    gain = found.gate("beats_trivial")
    assert gain.value == pytest.approx(0.3)
    assert gain.interval[0] > 0.25
    assert gain.sentence == (
        "What it marks matters 0.30 more than 'magnitude' alone (weakest of 2 ways of removing)."
    )


@pytest.mark.parametrize(
    ("changes", "gate", "status", "sentence"),
    [
        ({"seed_agreement": [0.26] * 16}, "repeats", "failed", "Two runs agree 0.26; 0.80 is needed."),
        (
            {"seed_agreement": [0.6, 1.0] * 8},
            "repeats",
            "unsettled",
            "Two runs agree 0.80; 0.80 is needed. Not settled: the 95 % interval is 0.7",
        ),
        (
            {"randomisation": [0.95] * 16},
            "depends_on_model",
            "failed",
            "With the model's weights drawn anew, 0.95 of the picture is left; less than 0.30 is needed.",
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
            {"srg": [0.2, -0.2] * 8},
            "beats_random",
            "unsettled",
            "No clear gain over removing at random: +0.00, 95 % interval −0.1",
        ),
        (
            {"second": [-0.1] * 16},
            "beats_random",
            "failed",
            "What it marks matters 0.10 less than removing at random (weakest of 2 ways of removing).",
        ),
        (
            {"control": [0.8] * 16},
            "beats_trivial",
            "failed",
            "What it marks matters 0.40 less than 'magnitude' alone (weakest of 2 ways of removing).",
        ),
        (
            {"control": None},
            "beats_trivial",
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
            "Not measured: whether the picture changes when the model's weights are drawn anew.",
        ),
        (
            {"seed_agreement": None},
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
def test_each_gate_says_what_it_found(changes, gate, status, sentence) -> None:
    run = numbers(**changes)
    if changes.get("control", ()) is None:
        scores = tuple(s for s in run.scores if s.of["method"] != "magnitude")
        run = dataclasses.replace(run, scores=scores)
    found = judged(run)
    assert found.gate(gate).sentence.startswith(sentence)
    assert found.gate(gate).passed is (False if status == "failed" else None)
    assert found.status == status


def test_an_output_near_zero_on_few_samples_does_not_spoil_the_sum() -> None:
    assert judged(numbers(completeness_gap=[0.01] * 14 + [40.0] * 2)).status == "faithful"
    assert judged(numbers(completeness_gap=[0.01] * 9 + [40.0] * 7)).status == "unsettled"


def test_few_samples_are_never_enough_however_good_or_bad() -> None:
    one = judged(numbers(1))
    assert one.status == "unsettled"
    assert one.reason == "One sample: verdict at most not shown; 10 samples are needed."
    nine = judged(numbers(9))
    assert nine.reason.startswith("9 samples: verdict at most not shown")
    assert all(g.passed is None for g in nine.gates)
    assert judged(numbers(9, srg=[-0.4] * 9, seed_agreement=[0.0] * 9)).status == "unsettled"
    assert nine.gate("repeats").sentence.endswith("9 samples; 10 are needed to settle it.")
    assert nine.gate("beats_random").sentence == (
        "9 samples against removing at random; 10 are needed for a test."
    )


def test_nothing_measured_is_not_tested_and_controls_are_controls() -> None:
    run = dataclasses.replace(numbers(), scores=())
    method, control = verdicts(run)
    assert (method.status, method.reason) == ("not_tested", "Nothing was measured.")
    assert (control.status, control.gates) == ("control", ())


def test_two_classes_and_regressors_are_not_asked_for_another_class() -> None:
    for k in (1, 2):
        run = dataclasses.replace(numbers(random_logit=None), predictions=np.ones((16, k)) / k)
        assert judged(run).gate("depends_on_class") is None
        assert judged(run).status == "faithful"


def test_scores_that_could_not_be_measured_are_left_out() -> None:
    found = judged(numbers(seed_agreement=[0.95] * 12 + [float("nan")] * 4))
    assert found.gate("repeats").value == pytest.approx(0.95)


def test_holm_counts_every_method_and_masker() -> None:
    """Ten samples, all won: p = 0.002 for each of 2 maskers; 26 methods make 52 tests."""
    run = numbers(10)
    assert judged(run).gate("beats_random").passed is True
    weak = np.array([0.4, 0.3, 0.2, 0.5, 0.4, 0.3, 0.2, 0.1, 0.3, -0.05])
    assert paired_test(weak).p == pytest.approx(4 / 2**10)  # one loss, of the lowest rank
    many = dataclasses.replace(
        run,
        explanations=run.explanations
        + tuple(dataclasses.replace(run.explanations[0], method=f"x{j}") for j in range(7)),
        scores=tuple(
            score(m, "srg", float(v), i, masker)
            for m in ("m", *(f"x{j}" for j in range(7)))
            for i, v in enumerate(weak)
            for masker in ("a", "b")
        ),
    )
    alone = dataclasses.replace(many, explanations=run.explanations)
    assert judged(alone).gate("beats_random").passed is True  # 2 tests, p = 0.008
    assert judged(many).gate("beats_random").passed is None  # 16 tests, p = 0.062


def test_random_against_random_is_called_equal_in_95_percent_of_trials() -> None:
    """Random orders on random models, with the test that the gate uses."""
    rng = np.random.default_rng(0)
    equal = 0
    for _ in range(200):
        w = rng.normal(size=(16, 12))
        orders = rng.permuted(np.tile(np.arange(12), (16, 1)), axis=1)
        removed = np.cumsum(np.take_along_axis(w, orders, axis=1), axis=1)
        kept = np.cumsum(np.take_along_axis(w, orders[:, ::-1], axis=1), axis=1)
        equal += paired_test((np.tanh(removed) - np.tanh(kept)).mean(axis=1)).p >= 0.05
    assert 180 <= equal <= 198  # 190 expected, three standard deviations are 9
