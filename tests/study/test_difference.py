"""Two runs on the same samples, worked by hand: whose answers turn, how much of the evidence moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Cost, Explanation, Sample, Segmentation, Target
from xaikit.study.difference import difference
from xaikit.study.run import Run

CUT = Segmentation(np.arange(3), ("age", "income", "debt"), "columns")


def explained(sample: str, values, index: int, std=None, cut=CUT) -> Explanation:
    values = np.array(values, dtype=float)
    return Explanation(
        values=values, elements=None, std=None if std is None else np.array(std, dtype=float),
        output=float(values.sum()), empty=0.0, additive=True, unit="log-odds", method="shap", params={},
        target=Target(index), segmentation=cut, sample_id=sample, model_id="m", masker="mean",
        cost=Cost(0, 0, 0.0), seed=0, versions={},
    )  # fmt: skip


def run(
    name: str, rows, classes=("bad", "good"), target="predicted", std=None, cut=CUT, x0=0.0
) -> Run:
    """rows : sample -> (probabilities, values)"""
    explanations = [
        explained(s, values, int(np.argmax(p)), std, cut) for s, (p, values) in rows.items()
    ]
    return Run(
        config={},
        samples=tuple(Sample(s, [x0, 1.0, 2.0], "table", 0) for s in rows),
        predictions=np.array([p for p, _ in rows.values()]),
        explanations=tuple(explanations),
        context={
            "model": {"id": name, "classes": list(classes)},
            "question": {"target": target},
            "methods": {},
        },
    )


OLD = run(
    "old",
    {"a": ([0.9, 0.1], [2, 1, 1]), "b": ([0.6, 0.4], [1, 0, -1]), "c": ([0.2, 0.8], [0, 0, 4])},
)
NEW = run(
    "new",
    {"b": ([0.6, 0.4], [1, 0, 1]), "a": ([0.7, 0.3], [1, 1, 2]), "c": ([0.7, 0.3], [0, 0, -4])},
)


def test_answers_come_first_and_then_the_reasons_that_moved_most() -> None:
    found = difference(OLD, NEW)
    assert [t.sample for t in found.turns] == ["c", "b", "a"]
    assert [t.answers for t in found.turns] == [True, False, False]
    assert found.names == ("old", "new")
    assert found.method == "shap"
    assert found.n_answers == 1
    assert [(t.a, t.b) for t in found.turns] == [(2, 2), (1, 0), (0, 1)]


def test_evidence_moves_by_half_the_distance_of_its_shares() -> None:
    c, b, a = difference(OLD, NEW).turns
    assert (
        c.moved == 0
    )  # debt speaks for good in both: the one says so, the other says the opposite of bad
    assert b.moved == pytest.approx(0.5)  # half of it went to the other side
    assert a.moved == pytest.approx(0.25)
    assert c.by == pytest.approx(0.5)
    assert a.by == pytest.approx(0.2)
    assert difference(OLD, NEW).moved == pytest.approx(0.25)


def test_of_three_classes_other_answers_are_not_compared_by_reasons() -> None:
    names = ("x", "y", "z")
    old = run("old", {"a": ([0.8, 0.1, 0.1], [1, 0, 0])}, names)
    new = run("new", {"a": ([0.1, 0.8, 0.1], [0, 1, 0])}, names)
    (turn,) = difference(old, new).turns
    assert (turn.answers, turn.moved) == (True, None)
    assert difference(old, new).moved is None


def test_noise_is_what_the_errors_alone_would_move() -> None:
    rows = {"a": ([0.9, 0.1], [2, 1, 1])}
    found = difference(run("old", rows, std=[0.4, 0, 0]), run("new", rows, std=[0.3, 0, 0]))
    assert found.turns[0].moved == 0
    assert found.noise == pytest.approx(np.sqrt(2 / np.pi) * 0.125 / 2)


def test_features_gain_and_lose_by_their_mean_share() -> None:
    shifts = {s.feature: s for s in difference(OLD, NEW).shifts}
    assert shifts["age"].a == pytest.approx((2 / 4 + 1 / 2 + 0) / 3)
    assert shifts["age"].b == pytest.approx((1 / 4 + 1 / 2 + 0) / 3)
    assert set(shifts) == {"age", "debt"}
    assert not shifts["age"].clear  # three samples give no interval
    many = {f"s{i}": ([0.9, 0.1], [1, 0, 1 + 0.01 * i]) for i in range(12)}
    less = {f"s{i}": ([0.9, 0.1], [1, 0, 3 + 0.01 * i]) for i in range(12)}
    (first, *_) = difference(run("old", many), run("new", less)).shifts
    assert first.clear
    gaps = [(3 + 0.01 * i) / (4 + 0.01 * i) - (1 + 0.01 * i) / (2 + 0.01 * i) for i in range(12)]
    by_feature = {s.feature: s for s in difference(run("old", many), run("new", less)).shifts}
    assert by_feature["debt"].interval == pytest.approx(
        bootstrap_interval(gaps, level=1 - 0.05 / 3)
    )


def test_values_differ_by_their_spread() -> None:
    def values(name: str, *found: float) -> Run:
        made = run(name, {f"s{i}": ([v], [1, 0, 0]) for i, v in enumerate(found)}, ())
        return replace(made, context={**made.context, "model": {"id": name, "classes": []}})

    near, far = difference(values("old", 1, 5), values("new", 1.5, 9)).turns[::-1]
    spread = np.std([1, 5, 1.5, 9])
    assert (near.answers, far.answers) == (False, True)
    assert near.by == pytest.approx(0.5 / spread)


def test_the_same_model_twice_is_told_apart() -> None:
    assert difference(OLD, replace(NEW, context=OLD.context)).names == ("old (A)", "old (B)")


def test_samples_of_one_run_alone_are_counted() -> None:
    fewer = replace(NEW, samples=NEW.samples[:2], predictions=NEW.predictions[:2])
    found = difference(OLD, fewer)
    assert len(found.turns) == 2
    assert found.left_out == 1


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            run("new", {"z": ([0.9, 0.1], [1, 0, 0])}),
            "the runs share no sample: one has 'a', 'b', 'c', the other 'z'; explain both with the same "
            "--data, --n, --draw and --seed.",
        ),
        (
            run("new", {"a": ([0.9, 0.1], [1, 0, 0])}, x0=7.0),
            "sample 'a' holds other data in each run; explain both on the same data.",
        ),
        (
            run("new", {"a": ([0.9, 0.1], [1, 0, 0])}, ("no", "yes")),
            "the runs are of other outputs, bad, good and no, yes; compare models that answer the same "
            "question.",
        ),
        (
            run("new", {"a": ([0.9, 0.1], [1, 0, 0])}, target="label"),
            "the runs have other targets, predicted and label; give both the same --target.",
        ),
        (
            run("new", {"a": ([0.9, 0.1], [1, 0, 0])}, cut=Segmentation(np.arange(3), ("p", "q", "r"), "mine")),
            "sample 'a' has other features in each run, columns (3) and mine (3); give both the same "
            "--features.",
        ),
        (
            replace(
                run("new", {"a": ([0.9, 0.1], [1, 0, 0])}),
                explanations=(replace(explained("a", [1, 0, 0], 0), method="lime"),),
            ),
            "no method explains both runs: shap and lime; give both the same --methods.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_by_name(other, told) -> None:
    with pytest.raises(InvalidInput) as refused:
        difference(OLD, other)
    assert str(refused.value) == told


def test_a_difference_is_read_beside_another_seed_and_an_untrained_net() -> None:
    """Twelve samples: the twin moves a tenth of the evidence, the seed from .4 on, the untrained net all."""

    def made(name: str, moved, std=None) -> Run:
        rows = {f"s{i}": ([0.8, 0.2], [1 - m, m, 0]) for i, m in enumerate(moved)}
        return run(name, rows, std=std)

    seeds = [0.4 + 0.01 * i for i in range(12)]
    own, twin, other = made("own", [0.0] * 12), made("twin", [0.1] * 12), made("other", seeds)
    fresh = made("fresh", [1.0] * 12)
    found = difference(own, twin, floors={"seed": other, "untrained": fresh})
    seed, untrained = found.floors
    assert (seed.kind, untrained.kind) == ("seed", "untrained")
    assert found.moved == pytest.approx(0.1)
    assert seed.moved == pytest.approx(np.mean(seeds))
    assert untrained.moved == pytest.approx(1.0)
    assert seed.beyond[0] > 0.28
    assert found.beside_seed == "closer"
    assert difference(own, other, floors={"seed": twin}).beside_seed == "farther"
    assert difference(own, other, floors={"seed": other}).beside_seed == "open"
    unsure = [
        made(n, m, std=[0.2, 0.2, 0.2]) for n, m in (("own", [0.0] * 12), ("twin", [0.1] * 12))
    ]
    assert difference(*unsure, floors={"seed": other}).beside_seed == "noise"
    near = made("near", [0.08, 0.12] * 6)
    assert (
        difference(*unsure, floors={"seed": near}).beside_seed == "open"
    )  # errors hide what a seed moves
    assert difference(own, twin).beside_seed is None
    assert difference(own, twin, floors={"untrained": fresh}).beside_seed is None
    assert found.facts()["floors"][0]["moved"] == seed.moved


def test_a_floor_of_other_methods_is_refused_by_name() -> None:
    other = replace(OLD, explanations=tuple(replace(e, method="lime") for e in OLD.explanations))
    with pytest.raises(
        InvalidInput, match=r"the run beside \(seed\) has lime and the two are compared by shap"
    ):
        difference(OLD, NEW, floors={"seed": other})
