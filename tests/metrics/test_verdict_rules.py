"""The rules behind verdicts and causes, one at a time, on scores written down by hand."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from xaikit.core.types import Explanation, Score, Segmentation, Target
from xaikit.judge.causes import Cause, causes
from xaikit.judge.checks import interval_of
from xaikit.judge.verdict import Check, choice, verdicts
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
    good = {"randomisation": SPREAD, "random_logit": SPREAD, "variance_share": 0.95 + SPREAD}
    scores += [
        Score(metric, float(v), "higher", "sanity", of=named("m", i))
        for metric, row in {**good, **measured}.items()
        if metric != "own_sample"
        for i, v in enumerate(row)
    ]
    own = measured.get("own_sample", 0.1 + SPREAD)
    scores += [
        Score("own_sample", float(v), "higher", "sanity", of=named("m", i, masker))
        for masker in dict.fromkeys(w for _, w in srg)
        for i, v in enumerate(own)
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


def checks(run: Run) -> dict[str, Check]:
    return {c.name: c for c in verdicts(run)[0].checks}


def status(run: Run) -> str:
    return verdicts(run)[0].status


GOOD, LOW, EVEN = 0.4 + SPREAD, 0.1 - SPREAD, np.full(N, 0.4)


@pytest.mark.parametrize("controls", [1, 2, 3])
@pytest.mark.parametrize("maskers", [1, 2, 3])
def test_a_way_of_removing_counts_once_however_many_controls_there_are(controls, maskers) -> None:
    names = ("magnitude", "edges", "third")[:controls]
    ways = ("a", "b", "c")[:maskers]
    srg = {("m", way): GOOD for way in ways}
    srg |= {(c, way): LOW for c in names for way in ways}
    found = run_of(srg, controls=names)
    for check in (checks(found)["beats_random"], checks(found)["not_worse_than_input"]):
        assert check.passed is (True if maskers >= 2 else None), check
    assert status(found) == ("use" if maskers >= 2 else "unsettled")
    told = checks(found)["not_worse_than_input"].sentence
    listed = ("'magnitude'", "'magnitude or edges'", "'magnitude, edges or third'")[controls - 1]
    assert f" {listed} alone" in told
    if maskers == 1:
        assert told.endswith("under one way of removing only; 2 are needed.")
    else:
        assert told.endswith(f"(weakest of {maskers} ways of removing).")


def test_the_strongest_control_is_the_one_to_beat() -> None:
    srg = {("m", w): GOOD for w in "ab"}
    srg |= {("magnitude", w): LOW for w in "ab"} | {("edges", w): 0.3 + SPREAD for w in "ab"}
    check = checks(run_of(srg))["not_worse_than_input"]
    assert check.value == pytest.approx(0.1)
    assert check.passed is True
    srg |= {("edges", "b"): 0.6 + SPREAD}
    check = checks(run_of(srg))["not_worse_than_input"]
    assert (check.passed, check.value) == (False, pytest.approx(-0.2))


def test_differences_are_paired_by_sample_and_by_masker() -> None:
    """A control that is as good on average and worse on each sample; a masker of its own."""
    wide = np.linspace(-1, 1, N)
    srg = {("m", "a"): wide + 0.1, ("m", "b"): wide[::-1] + 0.1}
    srg |= {("magnitude", "a"): wide, ("magnitude", "b"): wide[::-1]}
    check = checks(run_of(srg))["not_worse_than_input"]
    assert check.value == pytest.approx(0.1)
    assert 0.05 < check.interval[0] < 0.1 < check.interval[1] < 0.15  # unpaired: +-0.3
    assert check.passed is True


def test_the_random_control_is_no_trivial_one_and_is_not_needed() -> None:
    srg = {("m", w): GOOD for w in "ab"} | {("random", w): 0.9 + SPREAD for w in "ab"}
    check = checks(run_of(srg))["not_worse_than_input"]
    assert check.passed is None
    assert check.sentence.startswith("Not measured: no control that only looks at the input")


@pytest.mark.parametrize(
    ("metric", "check", "limit", "below"),
    [
        ("randomisation", "depends_on_model", 0.3, True),
        ("random_logit", "depends_on_class", 0.9, True),
        ("completeness_gap", "adds_up", 0.05, True),
        ("variance_share", "repeats", 0.9, False),
    ],
)
def test_a_limit_is_passed_failed_or_open_by_the_whole_interval(
    metric, check, limit, below
) -> None:
    """All on one side, all on the other, and an interval across; exactly on the limit passes."""
    srg = {(m, w): v for m, v in (("m", GOOD), ("magnitude", LOW)) for w in "ab"}
    high = metric == "variance_share"  # which goes by its value where the interval is across
    sides = {
        (bool(below)): limit - 0.01 + 0 * SPREAD,
        (not below): limit + 0.01 + 0 * SPREAD,
        None: limit - 0.001 * high + np.tile([-0.02, 0.02], N // 2),
    }
    for passed, values in sides.items():
        found = checks(run_of(srg, additive=("m",), **{metric: values}))[check]
        assert found.passed is passed, values
        assert found.limit == limit
        assert found.direction == ("lower" if below else "higher")
    on = checks(run_of(srg, additive=("m",), **{metric: limit + 0 * SPREAD}))[check]
    assert on.passed is True
    if metric != "completeness_gap":
        across = checks(run_of(srg, **{metric: sides[None]}))[check]
        assert across.interval == pytest.approx(interval_of(sides[None]))


def test_a_tie_with_the_input_alone_holds_and_a_clear_loss_fails() -> None:
    """A tenth of the method's own gain may be lost; where the model has no twin, nothing may."""

    def found(behind: float, **model: bool) -> Check:
        srg = {("m", w): EVEN for w in "ab"} | {("magnitude", w): EVEN + behind for w in "ab"}
        run = run_of(srg)
        run = dataclasses.replace(run, context={**run.context, "model": model})
        return checks(run)["not_worse_than_input"]

    assert [found(b).passed for b in (0.0, 0.039, 0.041)] == [True, True, False]
    assert found(0.039).limit == pytest.approx(-0.04)
    assert [found(b, twin=True).passed for b in (0.0, 0.039)] == [True, True]
    assert [found(b, twin=False).passed for b in (-0.01, 0.0, 0.01)] == [True, False, False]


def test_a_map_that_is_worth_a_random_order_on_every_sample_fails() -> None:
    srg = {(m, w): v for m, v in (("m", 0 * LOW), ("magnitude", LOW)) for w in "ab"}
    assert checks(run_of(srg))["beats_random"].passed is False


def test_a_model_without_a_twin_is_not_asked_to_depend_on_it() -> None:
    srg = {(m, w): v for m, v in (("m", GOOD), ("magnitude", LOW)) for w in "ab"}
    run = run_of(srg, randomisation=np.ones(N))
    assert status(run) == "failed"
    run = dataclasses.replace(run, context={**run.context, "model": {"twin": False}})
    assert status(run) == "use"
    check = checks(run)["depends_on_model"]
    assert (check.applies, check.passed) == (False, None)


def test_samples_cut_into_features_of_their_own_are_not_asked_for_another_ones_map() -> None:
    srg = {(m, w): v for m, v in (("m", GOOD), ("magnitude", LOW)) for w in "ab"}
    run = run_of(srg, own_sample=np.zeros(N))
    assert checks(run)["depends_on_sample"].passed is None  # one order for all; the model may be so
    assert checks(run_of(srg, own_sample=-LOW))["depends_on_sample"].passed is False
    cuts = [Segmentation(np.arange(4), (f"word {i}", *"bcd"), "4 words") for i in range(N)]
    own = [
        dataclasses.replace(e, segmentation=cuts[int(e.sample_id[1:])]) for e in run.explanations
    ]
    run = dataclasses.replace(run, explanations=tuple(own))
    assert not checks(run)["depends_on_sample"].applies
    assert status(run) == "use"


# The ranking


def two_that_hold(other: np.ndarray, **more: object) -> Run:
    """Method m, and n that holds by the same scores but for its gain."""
    srg = {("m", w): GOOD for w in "ab"} | {("n", w): other for w in "ab"}
    run = run_of(srg | {("magnitude", w): LOW for w in "ab"}, **more)
    again = [
        dataclasses.replace(s, of={**s.of, "method": "n"})
        for s in run.scores
        if s.of["method"] == "m" and s.metric != "srg"
    ]
    return dataclasses.replace(run, scores=(*run.scores, *again))


def test_what_is_clearly_behind_the_best_is_weaker_and_says_by_how_much() -> None:
    m, n, _ = verdicts(two_that_hold(GOOD / 2 + 0.3 * SPREAD))
    assert (m.status, m.share, m.than) == ("use", 1.0, "")
    assert (n.status, n.than) == ("weaker", "m")
    assert n.share == pytest.approx(0.5)
    assert n.share_interval[0] < 0.5 < n.share_interval[1]
    assert n.reason == "Every check passed; it gains 50\xa0% of what m gains."


def test_differences_of_gains_are_paired_and_needed_under_every_masker() -> None:
    wide = np.linspace(-0.1, 0.1, N)
    srg = {("m", w): 0.4 + wide for w in "ab"} | {("n", w): 0.38 + wide for w in "ab"}
    scores = two_that_hold(GOOD).scores[-5 * N :]  # n passes the other checks

    def second(srg: Mapping[tuple[str, str], np.ndarray]) -> str:
        run = run_of(srg | {("magnitude", w): LOW for w in "ab"})
        return verdicts(dataclasses.replace(run, scores=(*run.scores, *scores)))[1].status

    assert second(srg) == "weaker"  # 0.02 on each sample, far within the spread
    assert second(srg | {("n", "b"): 0.4 + wide}) == "use"
    assert second({k: 0.4 + wide - 0.003 * (k[0] == "n") for k in srg}) == "use"  # 99.3 %


def test_of_those_level_with_the_best_the_additive_one_is_shown() -> None:
    level = GOOD + 0.01 * np.tile([-1, 1], N // 2)
    run = two_that_hold(level + 0.001)
    found = choice(run)
    assert (found.use, found.shown, found.holds) == (("n", "m"), "n", True)
    measured = [score("completeness_gap", i) for i in range(N)]
    run = two_that_hold(level + 0.001, additive=("m",))
    run = dataclasses.replace(run, scores=(*run.scores, *measured))
    assert choice(run).use == ("m", "n")


def score(metric: str, i: int, value: float = 0.0) -> Score:
    return Score(metric, value, "lower", "faithfulness", of=named("m", i))


def test_where_none_holds_the_best_unsettled_is_shown() -> None:
    open_ = 0.3 + np.tile([-0.2, 0.2], N // 2)
    run = two_that_hold(GOOD + 0.1, random_logit=open_ + 0.6)
    found = choice(run)
    assert (found.use, found.shown, found.holds) == ((), "n", False)
    assert choice(two_that_hold(LOW - 1, randomisation=1 + SPREAD)).shown == "m"
    assert choice(dataclasses.replace(run, scores=())).shown == "m"
    only = dataclasses.replace(run, explanations=run.of("magnitude"))
    assert choice(only).shown is None


def test_the_input_alone_is_level_with_the_best_within_a_tenth() -> None:
    for behind, alone in ((0.0, True), (0.039, True), (0.041, False)):
        srg = {("m", w): EVEN for w in "ab"} | {("magnitude", w): EVEN - behind for w in "ab"}
        assert choice(run_of(srg)).input_alone is alone
        assert status(run_of(srg)) == "use"


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        (0.25 + 6.4 * SPREAD, 50),  # +-0.08 at 16, 0.05 off: 16 * 2.7
        (0.35 + 6.4 * SPREAD, 50),
        (0.3 + 6.4 * SPREAD, None),  # on the limit: no number settles it
    ],
)
def test_how_many_samples_would_settle_it(values, needed) -> None:
    srg = {(m, w): v for m, v in (("m", GOOD), ("magnitude", LOW)) for w in "ab"}
    found = verdicts(run_of(srg, randomisation=values))[0]
    assert (found.status, found.needed) == ("unsettled", needed)
    assert found.reason.endswith("About 50 samples would settle it.") is (needed is not None)


def test_what_must_narrow_is_the_side_of_the_interval_that_crosses_the_limit() -> None:
    srg = {(m, w): v for m, v in (("m", GOOD), ("magnitude", LOW)) for w in "ab"}
    skewed = (
        0.2 + 0.5 * (np.arange(N) / N) ** 6
    )  # its mean lies below the limit, its high end above
    check = checks(run_of(srg, randomisation=skewed - 0.01))["depends_on_model"]
    low, high = check.interval
    assert low < check.value < check.limit < high
    wanted, other = (
        N * (d / (0.3 - check.value)) ** 2 for d in (high - check.value, check.value - low)
    )
    assert check.needed - 10 < wanted <= check.needed
    assert other < 0.8 * wanted


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
