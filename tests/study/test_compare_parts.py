"""Parts of a comparison: sureness, shifts, claims, the model to use, and the spaces of tuning."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from toy_zoo import toy_data

from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES, Sample
from xaikit.judge.rule import Judged
from xaikit.models.assembly import settable
from xaikit.models.wrapping import wrap
from xaikit.models.zoo import ZOO
from xaikit.report.words import Words
from xaikit.study.compare import claims as claimed
from xaikit.study.compare import compare, tuning
from xaikit.study.compare.calibration import ece, net_benefit, reliability, temperature, tempered
from xaikit.study.compare.families import FAMILIES, Family, chosen
from xaikit.study.compare.fitting import Teacher
from xaikit.study.compare.folds import Folds, pooled
from xaikit.study.compare.outer import BASE
from xaikit.study.compare.reasons import Reasons, _ask
from xaikit.study.compare.shift import SHIFTS, shifted
from xaikit.study.compare.spaces import SPACES
from xaikit.study.compare.verdict import answer, recommended, warning

# sureness


def stated(n: int = 4000, t: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities from log-odds times t, and labels drawn from the log-odds as they are."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 3)) * 1.5
    labels = np.array([rng.choice(3, p=p) for p in softmax(z, axis=1)])
    return softmax(t * z, axis=1), labels


def test_a_planted_temperature_is_found_and_takes_the_error_away() -> None:
    p, labels = stated(t=2.0)
    assert temperature(p, labels) == pytest.approx(2.0, rel=0.06)
    assert ece(p, labels) > 0.1
    assert ece(tempered(p, labels), labels) < 0.03
    honest, drawn = stated()
    assert temperature(honest, drawn) == pytest.approx(1.0, rel=0.06)


def test_groups_are_of_equal_size_from_the_least_sure_on() -> None:
    p, labels = stated(801)
    bins = reliability(p, labels, 8)
    assert [b["n"] for b in bins] == [101] + [100] * 7
    assert [b["p"] for b in bins] == sorted(b["p"] for b in bins)
    assert all(b["lo"] <= b["observed"] <= b["hi"] for b in bins)
    sure = p.max(axis=1).argsort(kind="stable")[-100:]
    assert bins[-1]["observed"] == pytest.approx(np.mean(p[sure].argmax(1) == labels[sure]))


def test_acting_on_a_perfect_answer_is_worth_the_share_and_on_a_wrong_one_costs() -> None:
    y = np.array([1, 0, 0, 0, 1])
    t = np.array([0.2, 0.5])
    assert net_benefit(y.astype(float), y, t) == pytest.approx([0.4, 0.4])
    assert net_benefit(np.ones(5), y, t) == pytest.approx([0.4 - 0.6 * 0.25, 0.4 - 0.6])
    assert net_benefit(np.zeros(5), y, t) == pytest.approx([0, 0])


# shifts


@pytest.mark.parametrize("modality", ["table", "image", "series", "text"])
def test_a_shift_is_the_same_for_every_model_and_changes_rows_but_not_the_data(modality) -> None:
    data = toy_data(modality, 60)
    before = [x.copy() for x in data.inputs("test")]
    for name in SHIFTS[MODALITIES.get(modality).inputs]:
        one, two = shifted(data, name, 1), shifted(data, name, 1)
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert any(not np.array_equal(a, b) for a, b in zip(one, before, strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(data.inputs("test"), before, strict=True))
        if modality != "text":
            assert [a.shape for a in one] == [b.shape for b in before]


def test_what_a_shift_does() -> None:
    table = toy_data("table", 60)
    x, noisy, missing = (
        np.array(r)
        for r in (table.inputs("test"), shifted(table, "noise", 0), shifted(table, "missing", 0))
    )
    whole = [bool(c.categories) for c in table.columns]
    assert np.array_equal(noisy[:, whole], x[:, whole])  # categories have no noise
    assert (noisy[:, ~np.array(whole)] != x[:, ~np.array(whole)]).all()
    learned = np.array(table.inputs("train"))
    assert all(
        value in learned[:, d]
        for row in missing - 0
        for d, value in enumerate(row)
        if value not in x[:, d]
    )
    text = toy_data("text", 60)
    for a, b in zip(text.inputs("test"), shifted(text, "dropped", 0), strict=True):
        assert 1 <= len(b) <= len(a)
        assert set(b) <= set(a)
    for a, b in zip(text.inputs("test"), shifted(text, "misspelt", 0), strict=True):
        assert [sorted(w) for w in a] == [sorted(w) for w in b]
    image = toy_data("image", 60)
    for a, b in zip(image.inputs("test"), shifted(image, "blur", 0), strict=True):
        assert b.std() < a.std()


# claims and the model to use


def judged(word: str, rope: float = 0.01) -> Judged:
    return Judged(0.0, (0.0, 0.0), 0.0, 1.0, (0, 1, 0), word, rope, 50)


class Measured:
    """An outer loop whose numbers are given: {model: [kind, quality a fold, seconds]}."""

    def __init__(self, given: dict[str, Any], **more: Any) -> None:
        data = toy_data("table", 60)
        data, rows, _ = pooled(data, None)
        self.folds = Folds(data, rows, 0)
        self.given, self.more = given, more
        self.families = [Family(name, kind) for name, (kind, *_) in given.items()]
        self.found = {
            (name, 0, k): {"cost": np.array([s, s, 0.0]), "alone": np.array([s]), **({"learned": np.ones(1)} if name in more else {})}
            for name, (_, _, s) in given.items() for k in range(5)
        }  # fmt: skip

    def quality(self, name: str) -> np.ndarray:
        return np.array(self.given[name][1], dtype=float)

    def each(self, name: str, what: str) -> np.ndarray:
        return np.array(
            self.more[name][what] if what != "rows" else self.given[name][1], dtype=float
        )


def every(names: list[str], words: dict[tuple[str, str], str]) -> dict[tuple[str, str], Judged]:
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    known = (
        {(BASE, n): "clearly_better" for n in names} | dict.fromkeys(pairs, "cannot_tell") | words
    )
    return {pair: judged(word) for pair, word in known.items()}


def test_the_model_to_use_is_the_cheapest_of_those_level_with_the_best() -> None:
    outer = Measured(
        {
            "forest": ("ml", [0.95] * 5, 0.2),
            "mlp": ("dl", [0.96] * 5, 2.0),
            "tree": ("ml", [0.7] * 5, 0.01),
        }
    )
    names = ["forest", "mlp", "tree"]

    def use(words, floors=()):
        return recommended(outer, every(names, words), floors, "majority", "columns")

    beaten = {("mlp", "tree"): "clearly_worse", ("forest", "tree"): "worse"}
    found = use(beaten)
    assert found["id"] == "forest"  # not shown to be worse than the net, and ten times as cheap
    assert [w["key"] for w in found["why"]] == ["cmp.use.as_good", "cmp.use.cheap"]
    found = use(beaten | {("forest", "mlp"): "better"})
    assert (found["id"], found["why"][0]["key"]) == ("mlp", "cmp.use.best")
    assert (
        use({})["id"] == "forest"
    )  # a tree that is far behind is no match, shown to be worse or not
    floors = [{"a": "forest", "kind": "rows", "value": v} for v in (0.95,)]
    assert use(beaten, floors)["why"][-1]["key"] == "cmp.use.steady"
    found = use({(BASE, n): "cannot_tell" for n in names})
    assert (found["id"], found["why"][0]["key"]) == ("majority", "cmp.use.none")
    # what is no better than guessing is never the model to use, nor does it hide those that are
    assert use({(BASE, "forest"): "cannot_tell"})["id"] == "mlp"
    assert use({(BASE, "mlp"): "cannot_tell"} | beaten)["id"] == "forest"
    # nor one that another is shown to beat, though the best is not
    assert use({("forest", "tree"): "better"})["id"] == "mlp"


def test_no_number_of_rows_is_told_that_nobody_could_gather() -> None:
    outer = Measured(dict.fromkeys(("forest", "mlp"), ("ml", [0.9] * 5, 1.0)))
    told = [
        answer(outer, replace(judged("cannot_tell"), rows=60 * times), "columns")["key"]
        for times in (1000, 2000)
    ]
    assert told == ["cmp.h1.cannot_tell", "cmp.h1.cannot_tell.far"]


def test_a_number_is_held_against_the_mean_in_words_and_a_small_gap_is_no_zero() -> None:
    outer = Measured(dict.fromkeys(("ridge", "tree"), ("ml", [0.1] * 5, 1.0)))
    words = every(["ridge", "tree"], {(BASE, "tree"): "cannot_tell"})
    assert warning(outer, words, None, "ridge", "columns", False)["key"] == "cmp.watch.base"
    outer.folds = SimpleNamespace(classed=False)
    found = warning(outer, words, None, "ridge", "columns", False)
    assert Words().told(found) == "tree is not shown to be better than always giving the mean."
    found = answer(outer, replace(judged("better"), difference=0.002), "columns")
    assert Words().told(found).endswith("is better than ridge by less than 0.01 of R²")


def test_a_column_that_may_hold_the_answer_is_named() -> None:
    def line(right, share):
        outer = Measured(dict.fromkeys(("forest", "mlp"), ("ml", [right] * 5, 1.0)))
        rows = [{"feature": f, "shares": {"forest": s, "mlp": 0.9}} for f, s in (("paid", share), ("age", 0.1))]  # fmt: skip
        same = {"evidence": {"rows": rows}, "pairs": [], "floors": []}
        found = warning(outer, every(["forest", "mlp"], {}), same, "mlp", "columns", False)
        return found and Words().told(found)

    said = "Hardly an error, and mostly by paid: check that it does not hold the answer."
    assert [line(1.0, 0.8), line(0.9, 0.8), line(1.0, 0.3)] == [said, None, None]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_kind_of_input_has_its_words_and_claims(language) -> None:
    for inputs in {MODALITIES.get(name).inputs for name in MODALITIES}:
        for key in ("where", "unit", "parts"):
            assert Words(language)(f"cmp.{key}.{inputs}")
        hand = claimed.HAND.get(inputs)
        assert not hand or Words(language)(f"cmp.bar.hand.{inputs}")
        assert claimed.RAW.get(inputs, ()) == () or Words(language)(f"cmp.bar.raw.{inputs}")


def test_nothing_is_compared_unnamed_where_no_models_are_meant_for_it() -> None:
    data = SimpleNamespace(modality="video", classes=("a", "b"))
    with pytest.raises(InvalidInput, match="no models are compared on videos unless named; name"):
        chosen(data, "auto")


@pytest.mark.parametrize(
    ("few", "whole", "verdict"),
    [
        ([-0.2, -0.21, -0.2, -0.19, -0.2], [0.0, 0.01, -0.01, 0.0, 0.0], "held"),
        ([-0.2, -0.21, -0.2, -0.19, -0.2], [-0.1, -0.11, -0.1, -0.09, -0.1], "part"),
        ([0.2, 0.21, 0.2, 0.19, 0.2], [0.0, 0.01, -0.01, 0.0, 0.0], "no"),
        ([-0.4, 0.41, -0.2, 0.19, 0.0], [0.0, 0.01, -0.01, 0.0, 0.0], "open"),
    ],
)
def test_appetite_is_told_by_both_ends_of_the_curves(few, whole, verdict) -> None:
    outer = Measured({"forest": ("ml", [0.8] * 5, 1.0), "mlp": ("dl", [0.8] * 5, 1.0)})
    curves = [
        {"model": name, "points": [{"n": n, "folds": 0.8 + sign * np.array(d)} for n, d in ((10, few), (48, whole))]}
        for name, sign in (("forest", 0), ("mlp", 1))
    ]  # fmt: skip
    row = claimed._appetite(outer, claimed.Sides("forest", "mlp"), curves, 0.01)
    assert row["verdict"] == verdict


def test_compute_is_told_as_ratios_of_the_net_to_the_other() -> None:
    sides = claimed.Sides("forest", "mlp")
    for seconds, verdict in ((4.0, "held"), (1.2, "no")):
        outer = Measured({"forest": ("ml", [0.8] * 5, 1.0), "mlp": ("dl", [0.8] * 5, seconds)})
        row = claimed._compute(outer, sides)
        assert row["verdict"] == verdict
        assert [b["value"] for b in row["bars"]] == [seconds, 1.0, seconds, 1.0]
    outer.found["mlp", 0, 0]["alone"] = np.array([3.0])
    assert claimed._compute(outer, sides)["say"]["key"] == "cmp.claim.compute.part.answer"


def test_fit_is_told_by_the_best_of_each_kind() -> None:
    outer = Measured(
        {
            "forest": ("ml", [0.9] * 5, 1.0),
            "mlp": ("dl", [0.8] * 5, 1.0),
            "tree": ("ml", [0.7] * 5, 1.0),
        }
    )
    names = ["forest", "mlp", "tree"]
    for word, verdict in (
        ("worse", "held"),
        ("better", "no"),
        ("equal", "no"),
        ("cannot_tell", "open"),
    ):
        row = claimed._fit(outer, every(names, {("forest", "mlp"): word}))
        assert row["verdict"] == verdict  # tables belong to classical models, says the book


def test_the_sides_of_the_claims_are_the_pair_or_the_best_of_each_kind() -> None:
    given = {
        "forest": ("ml", [0.9] * 5, 1.0),
        "tree": ("ml", [0.95] * 5, 1.0),
        "mlp": ("dl", [0.8] * 5, 1.0),
    }
    assert claimed.sides_of(Measured(given)) == claimed.Sides("tree", "mlp")
    turned = {name: given[name] for name in ("mlp", "forest", "tree")}
    assert claimed.sides_of(Measured(turned)) == claimed.Sides("forest", "mlp")
    assert claimed.sides_of(Measured({n: given[n] for n in ("forest", "tree")})) is None


def test_own_rows_and_shifts_of_the_net_beside_the_other() -> None:
    given = {"forest": ("ml", [0.8] * 5, 1.0), "mlp": ("dl", [0.8] * 5, 1.0)}
    sides = claimed.Sides("forest", "mlp")
    for own, noise, missing, key in (
        (0.95, 0.6, 0.6, "held"), (0.95, 0.79, 0.6, "part.heart"), (0.85, 0.6, 0.79, "part.shift"), (0.85, 0.79, 0.79, "no"),
    ):  # fmt: skip
        outer = Measured(
            given,
            forest={"own": [0.9] * 5, "shift.noise": [0.7] * 5, "shift.missing": [0.7] * 5},
            mlp={"own": [own] * 5, "shift.noise": [noise] * 5, "shift.missing": [missing] * 5},
        )
        row = claimed._other(outer, sides, 0.01)
        assert row["say"]["key"] == f"cmp.claim.other.{key}"
        assert row["bars"][0]["value"] == pytest.approx(own - 0.8)
        assert row["bars"][2]["value"] == pytest.approx(noise - 0.8)


def test_gaps_that_the_folds_cannot_tell_apart_are_no_verdict() -> None:
    sides = claimed.Sides("forest", "mlp")
    given = {"forest": ("ml", [0.8] * 5, 1.0), "mlp": ("dl", [0.8] * 5, 1.0)}
    noisy = [0.95, 0.85, 0.97, 0.86, 0.90]
    for own, noise, key in (
        (noisy, 0.7, "open"), (noisy, 0.6, "part.some"), (noisy, 0.79, "no.shift"), ([0.81] * 5, 0.7, "no.heart"),
    ):  # fmt: skip
        forest = {"own": [0.9] * 5, "shift.noise": [0.7] * 5, "shift.missing": [0.7] * 5}
        mlp = {"own": own, "shift.noise": [noise] * 5, "shift.missing": [0.7] * 5}
        row = claimed._other(Measured(given, forest=forest, mlp=mlp), sides, 0.01)
        assert (row["say"]["key"], row["verdict"]) == (f"cmp.claim.other.{key}", key.partition(".")[0])  # fmt: skip


def test_reading_is_told_by_how_far_each_repeats_its_reasons() -> None:
    def row(ml, dl):
        floors = [
            {"a": n, "kind": "rows", "value": np.mean(v), "each": v}
            for n, v in (("forest", ml), ("mlp", dl))
        ]
        return claimed._read(claimed.Sides("forest", "mlp"), floors)["verdict"]

    high, low, mixed = [0.9, 0.91, 0.92, 0.9], [0.5, 0.52, 0.5, 0.51], [1.0, 0.8, 0.95, 0.85]
    assert (row(high, low), row(low, high), row(high, mixed)) == ("held", "no", "open")
    assert claimed._read(claimed.Sides("forest", "mlp"), [])["verdict"] == "missing"


# tuning


def test_every_setting_of_a_space_is_one_that_the_model_has() -> None:
    for inputs, families in FAMILIES.items():
        kinds = {"columns": "table", "pixels": "image", "words": "text", "steps": "series"}
        data = toy_data({**kinds, "sound": "audio"}[inputs], 60)
        for family in families:
            assert SPACES.get(family.name), f"{family.name} has no space"
            if family.needs and importlib.util.find_spec(family.needs[0]) is None:
                continue
            if family.net:
                net = ZOO.get(family.of or family.name)
                known = {*settable(net, inputs), *vars(net.recipes[inputs])}
                assert set(SPACES[family.name]) <= known, family.name
                continue
            if family.name == "ridge":
                continue
            values = {
                k: of[0] if kind == "of" else of[-1]
                for k, (kind, *of) in SPACES[family.name].items()
            }
            family.pipeline(data, 0, values)


def test_tuning_gives_every_model_as_many_trials_and_keeps_the_untuned_result_beside_it() -> None:
    pytest.importorskip("optuna")
    found = compare(
        toy_data("table", 60), models="logistic,tree", n=0, full=False, learning=False, trials=3
    )
    rows = found["tuning"]["models"]
    assert [(r["id"], r["trials"]) for r in rows] == [("logistic", 30), ("tree", 30)]
    right = {m["id"]: m["accuracy"] for m in found["models"]}
    assert all(r["untuned"] == pytest.approx(right[r["id"]]) for r in rows)
    assert rows[1]["tuned"] == pytest.approx(rows[1]["untuned"])  # a tree has no space here


def test_tuning_without_its_package_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *_: None if name == "optuna" else SimpleNamespace(),
    )
    with pytest.raises(InvalidInput, match=r"tuning needs optuna, .* pip install 'xaikit\[tune\]'"):
        compare(toy_data("table", 60), models="logistic,tree", trials=2)


def test_a_package_that_is_missing_is_left_out_of_auto_and_refused_by_name(monkeypatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "sktime" else real(name, *a)
    )
    data = toy_data("series", 60)
    assert [f.name for f in chosen(data, "auto")][:2] == ["fcn", "summary"]
    with pytest.raises(
        InvalidInput, match=r"'minirocket' needs sktime, .* pip install 'xaikit\[series\]'"
    ):
        chosen(data, "minirocket,fcn")


def test_one_sample_to_explain_is_refused() -> None:
    with pytest.raises(InvalidInput, match="n is 1; explain 2 samples or more, or 0 for none"):
        compare(toy_data("table", 60), models="logistic,tree", n=1)


def three_classes():
    """A straight model of three classes, and samples of the second and the third."""
    model = wrap(
        lambda x: x @ np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]]), modality="table",
        classes=("a", "b", "c"), outputs="logits", background=np.zeros((2, 2)),
    )  # fmt: skip
    rows = np.array([[1.0, 2.0], [3.0, -1.0]])
    return model, [Sample(f"s{i}", row, "table", i + 1) for i, row in enumerate(rows)]


def test_the_true_class_of_each_sample_is_explained():
    model, samples = three_classes()
    asked = _ask(model, samples, "value", model.background, 0)
    assert [e.target.index for e in asked.explained] == [1, 2]
    assert [v.tolist() for v in asked.values] == [[0.0, 4.0], [-3.0, 0.0]]


def test_samples_that_both_answer_wrongly_come_before_those_that_one_does():
    samples = three_classes()[1]
    values = [np.array([1.0, 2.0]), np.array([2.0, 1.0])]
    says = {"one": [[9, 0, 0], [9, 0, 0]], "two": [[0, 9, 0], [0, 9, 0]]}  # b is right of the first
    one, two = (SimpleNamespace(told=np.array(t), values=values) for t in says.values())
    held = SimpleNamespace(samples=samples)
    ranks = [Reasons._rank(held, one, two, i) for i in range(2)]
    assert [rank[0] for rank in ranks] == [-1, -2]


def test_equal_seconds_are_counted_within_5_percent_and_a_cheap_model_makes_more_trials(
    monkeypatch,
):
    """The clock is one that fits alone move: 0.3 s a tree, 0.7 s a logistic model."""
    pytest.importorskip("optuna")
    clock = {"now": 0.0}
    fit = Teacher.__call__

    def timed(self, family, data, seed, **params):
        clock["now"] += {"logistic": 0.7, "tree": 0.3}[family.name]
        return fit(self, family, data, seed, **params)

    monkeypatch.setattr(Teacher, "__call__", timed)
    monkeypatch.setattr(tuning, "process_time", lambda: clock["now"])
    asked = {"models": "logistic,tree", "n": 0, "full": False, "learning": False}
    found = compare(toy_data("table", 60), tune_seconds=2.0, **asked)
    rows = {r["id"]: r for r in found["tuning"]["models"]}
    assert [rows[n]["seconds"] for n in rows] == pytest.approx([20, 20], rel=0.05)
    assert [rows[n]["trials"] for n in rows] == [29, 67]  # ceil(20 / 0.7), ceil(20 / 0.3)
    with pytest.raises(InvalidInput, match="3 trials and 2 seconds of tuning were asked for"):
        compare(toy_data("table", 60), trials=3, tune_seconds=2.0, **asked)
