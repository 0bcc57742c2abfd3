"""Causes of a disagreement, each planted in a run of numbers that shows it and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from toy_nets import NetModel
from toys import ask_table

from xaikit.core.stats import spearman
from xaikit.core.types import Explanation, Segmentation, Target
from xaikit.judge.causes import Cause, causes
from xaikit.methods.base import METHODS, ask, make_method
from xaikit.metrics import agreement_scores, pairwise_agreement
from xaikit.study.run import Run

PIXELS = Segmentation(np.arange(64).reshape(8, 8), tuple(f"p{i}" for i in range(64)), "64 pixels")
Make = Callable[[np.random.Generator], dict[str, Explanation]]


def explained(method: str, values: np.ndarray, **changes: object) -> Explanation:
    known = {
        "sample_id": "", "model_id": "m", "target": Target(0), "segmentation": PIXELS,
        "masker": "black", "output": 2.0, "empty": 0.0, "additive": False, "unit": "log-odds",
    }  # fmt: skip
    return Explanation(values=np.asarray(values, dtype=float), method=method, **known | changes)


def planted(make: Make, n: int = 12, own: float = 0.0) -> Run:
    """A run of n samples; second runs differ from the first by noise of the size `own`."""
    rng = np.random.default_rng(7)
    explanations, scores = [], []
    for i in range(n):
        found = [dataclasses.replace(e, sample_id=f"s{i}") for e in make(rng).values()]
        explanations += found
        scores += pairwise_agreement(found)
        for e in found:
            noise = own * rng.normal(size=64) if e.method == "shaky" else 0.0
            scores += agreement_scores(e, dataclasses.replace(e, values=e.values + noise))
    return Run(
        config={},
        samples=(),
        predictions=np.ones((n, 3)) / 3,
        explanations=tuple(explanations),
        scores=tuple(scores),
        context={
            "methods": {m: METHODS.get(m).facts() for m in METHODS} | {"edges": {"control": True}}
        },
    )


def two(a: str, b: str, **changes: object) -> Make:
    """Two methods that have nothing in common; `changes` are those of the first."""
    return lambda rng: {
        a: explained(a, rng.normal(size=64), **changes),
        b: explained(b, rng.normal(size=64)),
    }


def only(run: Run) -> Cause:
    (found,) = causes(run)
    return found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"unit": "relative"},
            "a gives an order without a unit and b gives shares of the log-odds",
        ),
        ({"masker": "blur"}, "a and b remove features in different ways."),
        ({"target": Target(1)}, "a and b explain different targets."),
    ],
)
def test_methods_that_measure_different_things(changes, words) -> None:
    found = only(planted(two("a", "b", **changes)))
    assert (found.a, found.b) == ("a", "b")
    assert (found.cause, found.value) == ("other value function", 1.0)
    assert words in found.sentence


def test_the_method_without_a_unit_is_named_first_whichever_was_asked_first() -> None:
    def make(rng: np.random.Generator) -> dict[str, Explanation]:
        found = two("b", "a", unit="relative")(rng)
        return {"a": found["a"], "b": found["b"]}

    found = only(planted(make))
    assert (found.a, found.b) == ("a", "b")
    assert found.sentence.startswith("b gives an order without a unit and a gives shares of")


def test_another_masker_on_some_samples_is_counted() -> None:
    def make(rng: np.random.Generator) -> dict[str, Explanation]:
        masker = next(turns)
        return two("a", "b", masker=masker)(rng)

    turns = iter(["black", "black", "blur"] * 4)
    found = only(planted(make))
    assert found.value == pytest.approx(1 / 3)
    assert found.sentence.endswith("in different ways (on 33\xa0% of the samples).")


def slopes(at_the_point: float) -> Make:
    def make(rng: np.random.Generator) -> dict[str, Explanation]:
        credit, noise = rng.normal(size=(2, 64))
        noise *= at_the_point * np.abs(credit).sum() / np.abs(noise).sum()
        return {
            "input_x_gradient": explained("input_x_gradient", noise),
            "integrated_gradients": explained("integrated_gradients", credit),
        }

    return make


def test_a_saturated_model_is_seen_by_the_slope_at_the_sample() -> None:
    found = only(planted(slopes(0.1)))
    assert found.cause == "saturation"
    assert found.value == pytest.approx(0.1)
    assert found.sentence.startswith(
        "Input x gradient looks at the slope at the sample only, and there it is 0.10 of the mean"
    )
    assert only(planted(slopes(0.9))).cause == "not traced"


def test_saliency_is_saturated_where_input_x_gradient_shows_it() -> None:
    def make(rng: np.random.Generator) -> dict[str, Explanation]:
        saliency = explained("saliency", np.abs(rng.normal(size=64)), unit="relative")
        return {"saliency": saliency, **slopes(0.1)(rng)}

    found = {(c.a, c.b, c.cause) for c in causes(planted(make))}
    pair = ("saliency", "integrated_gradients")
    assert {(*pair, "other value function"), (*pair, "saturation")} <= found
    # both look at the point: saturation cannot set them apart
    assert ("saliency", "input_x_gradient", "saturation") not in found


def coarse(within: float, cell: tuple[float, float] | None = (2.0, 2.0)) -> Make:
    """One map on cells of 2 x 2 pixels, the other the same plus what cancels in each cell."""

    def make(rng: np.random.Generator) -> dict[str, Explanation]:
        cells = np.kron(rng.normal(size=(4, 4)), np.ones((2, 2)))
        fine = rng.normal(size=(8, 8))
        fine -= np.kron(fine.reshape(4, 2, 4, 2).mean(axis=(1, 3)), np.ones((2, 2)))
        extras = {"cell": cell} if cell else {}
        return {
            "gradcam": explained("gradcam", cells.ravel(), extras=extras),
            "b": explained("b", (cells + within * fine).ravel()),
        }

    return make


def test_a_coarse_map_agrees_once_both_are_looked_at_cell_by_cell() -> None:
    run = planted(coarse(3.0))
    fine = np.mean([
        spearman(abs(a.values), abs(b.values))
        for a, b in zip(run.of("gradcam"), run.of("b"), strict=True)
    ])  # fmt: skip
    found = only(run)
    assert (found.cause, found.value) == ("resolution", pytest.approx(1.0))
    assert found.sentence == (
        "A cell of Grad-CAM covers 4.0 features; compared cell by cell the two agree 1.00 instead of "
        f"{fine:.2f}."
    )
    assert only(planted(coarse(3.0, cell=None))).cause == "not traced"
    assert only(planted(coarse(3.0, cell=(1.0, 1.0)))).cause == "not traced"
    assert only(planted(coarse(3.0, cell=(8.0, 4.0)))).cause == "not traced"  # 2 cells


def test_coarseness_is_no_cause_where_cells_differ_too() -> None:
    make = two("gradcam", "b", extras={"cell": (2.0, 2.0)})
    assert only(planted(make)).cause == "not traced"


def test_a_method_that_does_not_repeat_is_named_with_its_own_agreement() -> None:
    run = planted(two("shaky", "b"), own=1.0)
    own = [
        s.value for s in run.scores if s.metric == "spearman" and s.of["a"] == s.of["b"] == "shaky"
    ]
    found = only(run)
    assert (found.cause, found.value) == ("instability", pytest.approx(np.mean(own)))
    assert found.sentence == f"shaky agrees only {np.mean(own):.2f} with its own second run."
    assert only(planted(two("shaky", "b"), own=0.05)).cause == "not traced"


def left_out(share: float) -> Make:
    """Leaving one out accounts for that share of output - empty = 2."""

    def make(rng: np.random.Generator) -> dict[str, Explanation]:
        values = rng.normal(size=64)
        values += (2 * share - values.sum()) / 64
        return {
            "occlusion": explained("occlusion", values),
            "shap": explained("shap", rng.normal(size=64)),
            "other": explained("other", rng.normal(size=64)),
        }

    return make


def test_features_that_act_together_set_removal_methods_apart() -> None:
    found = {(c.a, c.b): c for c in causes(planted(left_out(0.25)))}
    mine = found["occlusion", "shap"]
    assert (mine.cause, mine.value) == ("interactions", pytest.approx(0.75))
    assert "leaving them out one by one misses 75\xa0% of the change of the output" in mine.sentence
    assert found["shap", "other"].cause == "not traced"  # of which nothing is known
    found = {(c.a, c.b): c for c in causes(planted(left_out(0.95)))}
    assert found["occlusion", "shap"].cause == "not traced"


def test_the_methods_held_to_be_alike_are_so_on_a_sum_of_terms() -> None:
    torch = pytest.importorskip("torch")
    weights = torch.linspace(-1, 1, 5, dtype=torch.float64)
    model = NetModel(lambda x: (weights * x**3).sum(dim=1, keepdim=True))
    question = ask_table(model, [1.0, -2.0, 0.5, 1.5, 3.0])
    terms = weights.numpy() * question.sample.x**3
    for name in (m for m in METHODS if METHODS.get(m).splits_sums):
        (found,) = ask(make_method(name), [question])
        assert found.values == pytest.approx(terms, abs=0.06 * np.ptp(terms)), name


def test_what_nothing_explains_is_said_with_what_is_missing() -> None:
    run = planted(two("a", "b"))
    between = [s.value for s in run.scores if s.metric == "spearman" and s.of["a"] != s.of["b"]]
    found = only(run)
    assert found.cause == "not traced"
    assert found.value == pytest.approx(1 - np.mean(between))


def test_agreement_controls_and_few_samples_have_no_cause() -> None:
    def alike(rng: np.random.Generator) -> dict[str, Explanation]:
        values = rng.normal(size=64)
        return {"a": explained("a", values), "b": explained("b", values)}

    assert causes(planted(alike)) == ()
    assert causes(planted(two("a", "edges"))) == ()
    assert causes(planted(two("random", "b"))) == ()
    assert causes(planted(two("a", "b"), n=9)) == ()
