"""The rules behind verdicts and causes, one at a time, on scores written down by hand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from xaikit.core.stats import bootstrap_interval, holm, paired_test
from xaikit.core.types import Explanation, Score, Segmentation, Target
from xaikit.judge.causes import Cause, causes
from xaikit.judge.verdict import Gate, verdicts
from xaikit.methods import METHODS
from xaikit.study.run import Run

N = 16
SPREAD = np.linspace(-0.05, 0.05, N)
SEG = Segmentation(np.arange(4), tuple("abcd"), "4 columns")


def explained(
    method: str, i: int, values: Sequence[float] = (1, 2, 3, 4), **changes
) -> Explanation:
    known = {
        "sample_id": f"s{i}", "model_id": "m", "target": Target(0), "segmentation": SEG,
        "masker": "a", "output": 2.0, "empty": 0.0, "additive": False, "unit": "log-odds",
    }  # fmt: skip
    return Explanation(np.array(values, dtype=float), method, **known | changes)


def run_of(
    srg: Mapping[tuple[str, str], np.ndarray],
    *,
    controls: Sequence[str] = ("magnitude", "edges"),
    classes: int = 3,
    additive: Sequence[str] = (),
    **measured: np.ndarray,
) -> Run:
    """srg : (method, masker) -> one value a sample; measured : other metrics of method "m"."""
    scores = [
        Score("srg", float(v), "higher", "faithfulness", of=named(m, i, masker))
        for (m, masker), row in srg.items()
        for i, v in enumerate(row)
    ]
    good = {"randomisation": SPREAD, "random_logit": SPREAD, "seed_agreement": 0.9 + SPREAD}
    scores += [
        Score(metric, float(v), "higher", "sanity", of=named("m", i))
        for metric, row in {**good, **measured}.items()
        for i, v in enumerate(row)
    ]
    methods = list(dict.fromkeys(m for m, _ in srg))
    return Run(
        config={}, samples=(), predictions=np.full((N, classes), 1 / classes), scores=tuple(scores),
        explanations=tuple(
            explained(m, i, additive=m in additive) for m in methods for i in range(N)
        ),
        context={"methods": {m: {"control": m in controls} for m in methods}},
    )  # fmt: skip


def named(method: str, i: int, masker: str = "") -> dict[str, str]:
    return {"method": method, "sample": f"s{i}", **({"masker": masker} if masker else {})}


def gates(run: Run) -> dict[str, Gate]:
    return {g.name: g for g in verdicts(run)[0].gates}


def status(run: Run) -> str:
    return verdicts(run)[0].status


GOOD, LOW = 0.4 + SPREAD, 0.1 - SPREAD


@pytest.mark.parametrize("controls", [1, 2, 3])
@pytest.mark.parametrize("maskers", [1, 2, 3])
def test_a_way_of_removing_counts_once_however_many_controls_there_are(controls, maskers) -> None:
    names = ("magnitude", "edges", "third")[:controls]
    ways = ("a", "b", "c")[:maskers]
    srg = {("m", way): GOOD for way in ways}
    srg |= {(c, way): LOW for c in names for way in ways}
    found = run_of(srg, controls=names)
    for gate in (gates(found)["beats_random"], gates(found)["beats_trivial"]):
        assert gate.passed is (True if maskers >= 2 else None), gate
    assert status(found) == ("faithful" if maskers >= 2 else "unsettled")
    told = gates(found)["beats_trivial"].sentence
    listed = ("'magnitude'", "'magnitude or edges'", "'magnitude, edges or third'")[controls - 1]
    assert f" {listed} alone" in told
    if maskers == 1:
        assert told.endswith("under one way of removing only; 2 are needed.")
    else:
        assert told.endswith(f"(weakest of {maskers} ways of removing).")


def test_the_strongest_control_is_the_one_to_beat() -> None:
    srg = {("m", w): GOOD for w in "ab"}
    srg |= {("magnitude", w): LOW for w in "ab"} | {("edges", w): 0.3 + SPREAD for w in "ab"}
    gate = gates(run_of(srg))["beats_trivial"]
    assert gate.value == pytest.approx(0.1)
    assert gate.passed is True
    srg |= {("edges", "b"): 0.6 + SPREAD}
    gate = gates(run_of(srg))["beats_trivial"]
    assert (gate.passed, gate.value) == (False, pytest.approx(-0.2))


def test_differences_are_paired_by_sample_and_by_masker() -> None:
    """A control that is as good on average and worse on each sample; a masker of its own."""
    wide = np.linspace(-1, 1, N)
    srg = {("m", "a"): wide + 0.1, ("m", "b"): wide[::-1] + 0.1}
    srg |= {("magnitude", "a"): wide, ("magnitude", "b"): wide[::-1]}
    gate = gates(run_of(srg))["beats_trivial"]
    assert gate.value == pytest.approx(0.1)
    assert gate.interval == pytest.approx((0.1, 0.1))
    assert gate.passed is True


def test_the_random_control_is_no_trivial_one_and_is_not_needed() -> None:
    srg = {("m", w): GOOD for w in "ab"} | {("random", w): 0.9 + SPREAD for w in "ab"}
    gate = gates(run_of(srg))["beats_trivial"]
    assert gate.passed is None
    assert gate.sentence.startswith("Not measured: no control that only looks at the input")


@pytest.mark.parametrize(
    ("metric", "gate", "limit", "below"),
    [
        ("randomisation", "depends_on_model", 0.3, True),
        ("random_logit", "depends_on_class", 0.9, True),
        ("completeness_gap", "adds_up", 0.05, True),
        ("seed_agreement", "repeats", 0.8, False),
    ],
)
def test_a_limit_is_passed_failed_or_open_by_the_whole_interval(metric, gate, limit, below) -> None:
    """All on one side, all on the other, and an interval across; exactly on the limit passes."""
    srg = {(m, w): v for m, v in (("m", GOOD), ("magnitude", LOW)) for w in "ab"}
    sides = {
        (bool(below)): limit - 0.01 + 0 * SPREAD,
        (not below): limit + 0.01 + 0 * SPREAD,
        None: limit + np.tile([-0.02, 0.02], N // 2),
    }
    for passed, values in sides.items():
        found = gates(run_of(srg, additive=("m",), **{metric: values}))[gate]
        assert found.passed is passed, values
        assert found.limit == limit
        assert found.direction == ("lower" if below else "higher")
    on = gates(run_of(srg, additive=("m",), **{metric: limit + 0 * SPREAD}))[gate]
    assert on.passed is True
    if metric != "completeness_gap":
        across = gates(run_of(srg, **{metric: sides[None]}))[gate]
        assert across.interval == pytest.approx(bootstrap_interval(sides[None]))


def test_a_test_that_is_not_significant_after_correction_settles_nothing() -> None:
    """Holm over every method and masker; the interval alone is not enough."""
    weak = np.concatenate([np.full(10, 0.3), np.full(6, -0.1)])
    srg = {("m", w): weak for w in "ab"}
    p = paired_test(weak).p
    assert bootstrap_interval(weak)[0] > 0
    many = {(f"x{i}", w): weak for i in range(20) for w in "ab"}
    for more in ({}, many):
        tests = 2 + len(more)
        corrected = holm([p] * tests)[0]
        found = gates(run_of(srg | more, controls=()))["beats_random"]
        assert found.passed is (True if corrected < 0.05 else None), corrected
    assert holm([p] * 2)[0] < 0.05 < holm([p] * 42)[0]


# Causes

SAID = {"methods": {m: METHODS.get(m).facts() for m in METHODS}}  # what methods declare


def disagreeing(
    first: Mapping[str, Sequence[float]],
    n: int = N,
    own: Mapping[str, Sequence[float]] | None = None,
    **changes: Mapping[str, object],
) -> Run:
    """Methods that agree 0 with each other and 1 (or `own`) with their own second runs.

    changes : method -> fields of its explanations
    """  # fmt: skip
    methods = list(first)
    scores = []
    for i in range(n):
        for a, b in itertools.combinations_with_replacement(methods, 2):
            value = (own or {}).get(a, [1.0] * n)[i] if a == b else 0.0 + 0.01 * (i % 3)
            of = {"a": a, "b": b, "sample": f"s{i}"}
            scores.append(Score("spearman", float(value), "higher", "agreement", of=of))
    return Run(
        config={}, samples=(), context=SAID, predictions=np.ones((n, 3)) / 3, scores=tuple(scores),
        explanations=tuple(
            explained(m, i, first[m], **changes.get(m, {})) for m in methods for i in range(n)
        ),
    )  # fmt: skip


def the(run: Run) -> Cause:
    (found,) = causes(run)
    return found


def alternating(low: float, high: float) -> list[float]:
    return [low, high] * (N // 2)


@pytest.mark.parametrize(
    ("own", "cause"),
    [
        (0.5 + SPREAD, "instability"),
        (0.9 + SPREAD, "not traced"),
        # the mean lies below 0.8 and its interval across it
        (np.array(alternating(0.6, 0.98)), "not traced"),
    ],
)
def test_a_method_is_unsteady_when_the_whole_interval_says_so(own, cause) -> None:
    found = the(disagreeing({"a": [1, 2, 3, 4], "b": [4, 3, 2, 1]}, own={"b": own.tolist()}))
    assert found.cause == cause
    if cause == "instability":
        assert found.value == pytest.approx(np.mean(own))
        assert found.sentence.startswith("b agrees only")


def outcome(share: float) -> dict[str, Sequence[float]]:
    return {"occlusion": [2 * share, 0, 0, 0], "shap": [0, 0, 1, 1]}


@pytest.mark.parametrize(("share", "cause"), [(0.7, "interactions"), (0.9, "not traced")])
def test_features_act_together_when_leaving_one_out_misses_a_fifth(share, cause) -> None:
    assert the(disagreeing(outcome(share))).cause == cause


def test_an_interval_across_the_limit_traces_nothing() -> None:
    """Half of the samples miss 10 %, half 30 %: the median's interval reaches from one to the other."""
    run = disagreeing(outcome(0.9))
    changed = [
        explained("occlusion", i, outcome(0.7)["occlusion"])
        if e.method == "occlusion" and i % 2
        else e
        for e in run.explanations
        for i in [int(e.sample_id[1:])]
    ]
    run = Run(
        config={}, samples=(), context=SAID, predictions=run.predictions, scores=run.scores,
        explanations=tuple(changed),
    )  # fmt: skip
    assert the(run).cause == "not traced"


@pytest.mark.parametrize(
    ("slopes", "cause"),
    [
        ([0.3] * N, "saturation"),
        ([0.7] * N, "not traced"),
        (alternating(0.3, 0.7), "not traced"),
    ],
)
def test_a_model_is_saturated_when_the_slope_is_below_half_for_certain(slopes, cause) -> None:
    methods = {"input_x_gradient": [1, 0, 0, 0], "integrated_gradients": [0, 0, 0, 1]}
    run = disagreeing(methods)
    changed = [
        explained("input_x_gradient", i, [slopes[i], 0, 0, 0])
        if e.method == "input_x_gradient"
        else e
        for e in run.explanations
        for i in [int(e.sample_id[1:])]
    ]
    run = Run(
        config={}, samples=(), context=SAID, predictions=run.predictions, scores=run.scores,
        explanations=tuple(changed),
    )  # fmt: skip
    found = the(run)
    assert found.cause == cause
    if cause == "saturation":
        assert found.value == pytest.approx(0.3)


def test_what_is_missing_is_the_ceiling_less_the_agreement() -> None:
    run = disagreeing({"a": [1, 2, 3, 4], "b": [4, 3, 2, 1]}, own={"a": [0.81] * N, "b": [1.0] * N})
    between = np.mean([0.01 * (i % 3) for i in range(N)])
    assert the(run).cause == "not traced"
    assert the(run).value == pytest.approx(0.9 - between)  # sqrt(0.81 x 1)
