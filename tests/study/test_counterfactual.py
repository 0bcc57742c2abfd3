"""What would have changed the answer: small models whose answer is worked by hand, and all sets tried."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from toys import FunctionModel

import xaikit
from xaikit.core.errors import DataError, InvalidInput, NothingFound
from xaikit.core.types import Sample
from xaikit.report.words import Words
from xaikit.study.flip import change, removal
from xaikit.study.flip.api import flips
from xaikit.study.flip.asked import Asked
from xaikit.tasks import MultiLabel, Regression

NAMES = ("income", "debt", "age", "job")


class Falls:
    """The decision turns where the number is below 0."""

    def margin(self, predictions: np.ndarray) -> np.ndarray:
        return -predictions[:, 0]

    def turned(self, predictions: np.ndarray) -> np.ndarray:
        return predictions[:, 0] < 0


def credit(weights=(1.0, -1.0, 0.5, 0.0), bias: float = 0.0, **changes) -> FunctionModel:
    """Two classes; the log-odds of "yes" are linear. Values 0 to 4 occur in every column, codes 0 to 2."""
    w = np.array(weights)
    rows = np.repeat(np.arange(5.0)[:, None], 4, axis=1)
    rows[:, 3] %= 3
    columns = [{"name": name, "categories": ()} for name in NAMES]
    columns[3]["categories"] = ("none", "part", "full")
    return FunctionModel(
        lambda x: np.stack([np.zeros(len(x)), x @ w + bias], axis=1),
        **{
            "classes": ("no", "yes"),
            "space": "logit",
            "background": rows,
            "info": {"columns": columns},
            **changes,
        },
    )


def row(*x: float) -> Sample:
    return Sample("s0", np.array(x), "table")


SPREAD = np.arange(5.0).std()


def game(rng: np.random.Generator, n: int):
    """A random game of effects, pairs and triples that few sets turn: one in a hundred."""
    single, pairs = rng.normal(0, 1, n), rng.normal(0, 1, (n, n)) * (rng.random((n, n)) < 0.3)
    threes = [(rng.choice(n, 3, replace=False), rng.normal(0, 2)) for _ in range(n // 2)]

    def value(kept: np.ndarray) -> np.ndarray:
        z = kept.astype(float)
        found = z @ single + np.einsum("mi,ij,mj->m", z, pairs, z)
        return found + sum(c * z[:, t].prod(axis=1) for t, c in threes)

    hard = np.quantile(value(rng.random((2000, n)) < 0.5), 0.01) + 1e-6  # off every value
    cut = min(hard, value(np.ones((1, n), dtype=bool))[0] - 1e-6)
    return lambda removed: (value(~removed) - cut)[:, None]


def brute(asked: Asked, n: int) -> int | None:
    """The size of the smallest set, all sets tried."""
    for size in range(1, n + 1):
        sets = np.zeros((0, n), dtype=bool)
        for at in combinations(range(n), size):
            sets = np.vstack([sets, np.isin(np.arange(n), at)])
        if asked(sets)[1].any():
            return size
    return None


def test_the_exact_set_is_the_smallest_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        n = int(rng.integers(3, 9))
        asked = Asked(game(rng, n), Falls())
        found, known = removal.smallest_removal(asked, n, None, 2**14)
        assert known
        assert (None if found is None else int(found.sum())) == brute(asked, n)
        assert found is None or asked(found[None])[1].all()
        alone, _ = removal.exact(asked, n, None, 2**14)  # where the search found nothing
        least = brute(asked, n)
        assert least == 1 or (None if alone is None else int(alone.sum())) == least


def test_the_searched_set_is_at_most_a_seventh_larger_on_average() -> None:
    """Before anything is enumerated."""
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(250):
        n = int(rng.integers(8, 15))
        asked = Asked(game(rng, n), Falls())
        found = removal.searched(asked, n, None, 2**14)
        best, known = removal.exact(asked, n, None, 2**14)
        single = asked(np.eye(n, dtype=bool))[1].any()
        assert known
        if single or best is not None:
            assert found is not None
            ratios.append(found.sum() / (1 if single else best.sum()))
    assert len(ratios) > 200
    assert np.mean(ratios) <= 1.15


def test_a_set_that_grows_too_large_to_be_enumerated_is_not_called_the_smallest() -> None:
    """Twelve of 40 equal features must go: known by hand, not by the search."""
    asked = Asked(lambda removed: 11.5 - removed.sum(axis=1, keepdims=True), Falls())
    found, known = removal.smallest_removal(asked, 40, None, 2**14)
    assert found.sum() == 12
    assert not known


def test_features_that_were_not_needed_are_left_back_in() -> None:
    """The order begins with 3 features of no effect."""
    weights = np.array([0, 0, 0, 1.0, 1.0, 0])
    asked = Asked(lambda removed: 1.5 - (removed @ weights)[:, None], Falls())
    first = removal._first(asked, np.arange(6.0)[::-1])
    assert first.sum() == 3  # from the other end: 5, 4, 3
    assert np.flatnonzero(removal._shrunk(asked, first)).tolist() == [3, 4]


def test_the_sentences_say_it_in_both_languages() -> None:
    found = xaikit.counterfactual(credit(bias=-1.2), row(4, 3, 2, 1), "remove")
    # 4 - 3 + 1 - 1.2 = 0.8 > 0; the mean of the columns is 2, so that debt would help and income turns it
    assert found.features == ("income",)
    assert found.removed.tolist() == [True, False, False, False]
    assert (found.kind, found.verified, found.smallest) == ("removal", True, True)
    assert found.prediction_after.argmax() == 0
    assert str(found).startswith("Without income it says “no” (")
    assert "Nothing smaller does it; " in str(found)
    assert "Removed means replaced by 5 training rows; the 5 answers are averaged." in str(found)
    assert (
        Words("ko").told(*found.told).startswith("제거할 특징: income. 그러면 모델의 답이 “yes”(")
    )


def test_the_smallest_change_is_worked_by_hand() -> None:
    """3 - 2 + 0.5 = 1.5 must fall below 0: income from 3 to 1 (2 values), or debt from 2 to 4."""
    found = xaikit.counterfactual(credit(), row(3, 2, 1, 1))
    assert [(c.name, c.before, c.after) for c in found.changes] == [("income", 3.0, 1.0)]
    assert found.distance == pytest.approx(2 / SPREAD)
    assert found.smallest
    assert found.x.tolist() == [1, 2, 1, 1]
    assert [[c.name for c in other.changes] for other in found.others] == [["debt"]]
    assert found.others[0].smallest is None
    assert str(found).startswith(
        "With income at 1 (it is 3) it says “no” (62\xa0%) instead of “yes” (82\xa0%)."
    )


def test_a_category_costs_one_and_is_said_in_its_own_words() -> None:
    model = credit((0.2, 0.0, 0.0, 2.0), bias=-1.5)  # "part" leaves 0.9
    found = xaikit.counterfactual(model, row(2, 0, 0, 2), n=1)
    assert [(c.name, c.before, c.after) for c in found.changes] == [("job", "full", "none")]
    assert found.distance == 1
    assert "With job “none” (it is “full”) it says" in str(found)


def test_codes_that_the_model_does_not_know_are_never_taken() -> None:
    model = credit((0.0, 0.0, 0.0, -1.0), bias=2.5)
    rows = np.vstack([model.background, [0, 0, 0, 7]])  # 7 is no job
    with pytest.raises(NothingFound, match="no change of up to three columns to values that occur"):
        xaikit.counterfactual(model, row(2, 0, 0, 0), rows=rows)


def test_columns_that_stay_stay() -> None:
    found = xaikit.counterfactual(credit(), row(3, 2, 1, 1), immutable=["income"])
    assert [c.name for c in found.changes] == ["debt"]
    for one in (found, *found.others):
        assert one.x[0] == 3


def test_one_way_columns_go_one_way() -> None:
    found = xaikit.counterfactual(credit(), row(3, 2, 1, 1), increasing=["income", "debt"], n=5)
    for one in (found, *found.others):
        assert one.x[0] >= 3
        assert one.x[1] >= 2
    with pytest.raises(NothingFound, match=r"sample 's0' \(\d+ changes tried\); give more rows="):
        xaikit.counterfactual(credit(), row(3, 2, 1, 1), increasing=["income"], decreasing=["debt"])


def test_the_change_is_the_cheapest_of_all() -> None:
    """Beside every change of one to three of five columns, on bent models."""
    rng = np.random.default_rng(2)
    for _ in range(25):
        rows, x = rng.normal(0, 1, (6, 5)), rng.normal(0, 1, 5)
        w, bend = rng.normal(0, 1, (5, 8)), rng.normal(0, 1, 8)
        steps = lambda r, w=w, bend=bend: np.floor(r @ w).clip(-2, 2) @ bend  # noqa: E731
        shift = abs(rng.normal(0, 2)) - steps(x[None])
        model = lambda r, f=steps, b=shift: (f(r) + b)[:, None]  # noqa: E731
        no = np.zeros(5, dtype=bool)
        ways = change.options_of(x, rows, rows.std(axis=0), no, [None] * 5, no, no, no)
        found = change.smallest_changes(Asked(model, Falls()), ways, 3, 2**16)
        costs = _costs(model, ways)
        assert bool(found) == bool(costs)
        if found:
            assert found[0].smallest
            cost = found[0].distance + change.COLUMN * len(found[0].columns)
            assert cost == pytest.approx(min(costs))


def test_a_change_is_made_as_small_as_it_gets_in_its_columns() -> None:
    """x0 + x1 from 4 to below 2.5: of (0, 0) first x0 goes back to 2, then x1 to 0."""
    no = np.zeros(2, dtype=bool)
    rows = np.repeat(np.arange(3.0)[:, None], 2, axis=1)
    ways = change.options_of(np.full(2, 2.0), rows, np.ones(2), no, [None] * 2, no, no, no)
    asked = Asked(lambda x: x.sum(axis=1, keepdims=True) - 2.5, Falls())
    far = np.flatnonzero(ways.values == 0)
    near = change._refined(asked, ways, far)
    assert ways.rows(near[None]).tolist() in ([[0, 2]], [[2, 0]])


def _costs(model, ways: change.Options) -> list[float]:
    """Of every change that turns it."""
    found: list[float] = []
    for size in (1, 2, 3):
        for columns in combinations(range(5), size):
            picks = np.array(list(product(*[np.flatnonzero(ways.columns == j) for j in columns])))
            found += ways.cost(picks)[model(ways.rows(picks))[:, 0] < 0].tolist()
    return found


def test_changes_are_verified_small_and_differ_in_their_columns() -> None:
    data = xaikit.load_data("wine")
    model = xaikit.train("logistic", data, progress=False)
    for sample in data.test[::6]:
        found = xaikit.counterfactual(model, sample)
        ways = (found, *found.others)
        sets = [{c.name for c in one.changes} for one in ways]
        before = model.scores([sample.x]).argmax()
        assert len(ways) == 3
        for one, columns in zip(ways, sets, strict=True):
            assert one.verified
            assert 1 <= len(columns) <= 3
            assert model.scores([one.x]).argmax() != before
            moved = np.flatnonzero(one.x != sample.x)
            assert {data.columns[j].name for j in moved} == columns
            for j in moved:
                assert one.x[j] in model.background[:, j]
            assert not any(columns <= other for other in sets if other is not columns)
        json.dumps(found.facts())


@pytest.mark.parametrize("how", ["change", "remove"])
def test_the_size_of_a_batch_changes_nothing(how) -> None:
    data = xaikit.load_data("wine")
    model = xaikit.train("forest", data, progress=False)
    one, many = (
        xaikit.counterfactual(model, data.test[3], how, batch_size=b, most=300) for b in (7, None)
    )
    assert one.facts() == many.facts()


def test_words_are_left_out() -> None:
    """The score is the good words less the bad ones; two good ones must go."""

    def score(texts) -> np.ndarray:
        good = [sum(w == "good" for w in t) - sum(w == "bad" for w in t) - 0.5 for t in texts]
        return np.stack([np.zeros(len(good)), good], axis=1)

    model = FunctionModel(score, "text", ("no", "yes"), "logit")
    sample = Sample("t", np.array(["a", "good", "and", "good", "film", "not", "bad"]), "text")
    found = xaikit.counterfactual(model, sample)
    assert found.kind == "deletion"
    assert found.features == ("good",)
    assert found.prediction_after.argmax() == 0
    assert str(found).startswith("Without the word “good” it says “no” (62\xa0%)")
    everything = Sample(
        "t", np.array(["good", "good", "good", "good", "good", "good", "good", "bad"]), "text"
    )
    many = xaikit.counterfactual(model, everything)
    assert many.features == ("good",) * 6
    assert many.smallest


def test_many_features_are_counted() -> None:
    model = FunctionModel(
        lambda t: np.array([[0, len(x) - 1.5] for x in t]), "text", ("no", "yes"), "logit"
    )
    sample = Sample("t", np.array([f"w{i}" for i in range(9)]), "text")
    found = xaikit.counterfactual(model, sample)
    assert len(found.features) == 8
    assert str(found).startswith("Without 8 words, such as “w")


def test_a_value_crosses_a_number_or_reaches_a_range() -> None:
    model = FunctionModel(lambda x: x[:, :1] * 10, background=np.arange(5.0)[:, None])
    assert xaikit.counterfactual(model, row(1), wanted=25).x.tolist() == [3]
    assert xaikit.counterfactual(model, row(4), wanted=25).x.tolist() == [2]
    assert xaikit.counterfactual(model, row(4), wanted=(5, 15)).x.tolist() == [1]
    found = xaikit.counterfactual(model, row(4), wanted=(None, 0))
    assert str(found).startswith("With x0 at 0 (it is 4) it says 0 instead of 40. Nothing smaller")


def test_a_class_is_reached_where_one_is_wanted() -> None:
    model = FunctionModel(
        lambda x: np.stack([0 * x[:, 0], x[:, 0], 2 * x[:, 0] - 3], axis=1),
        classes=("a", "b", "c"), space="logit", background=np.arange(-2.0, 6.0)[:, None],
    )  # fmt: skip
    assert xaikit.counterfactual(model, row(-2)).x.tolist() == [1]
    assert xaikit.counterfactual(model, row(-2), wanted="c").x.tolist() == [4]
    assert xaikit.counterfactual(model, row(-2), wanted=2).x.tolist() == [4]


def test_one_label_flips_whatever_the_others_do() -> None:
    model = FunctionModel(lambda x: np.stack([x[:, 0], -x[:, 1]], axis=1), classes=("p", "q"))
    model.background = np.array([[-1.0, 1.0], [1.0, -1.0]])
    model.task = MultiLabel(("p", "q"))
    found = xaikit.counterfactual(model, row(1, 1), output="q")
    assert found.x.tolist() == [1, -1]
    assert str(found).startswith("With x1 at −1 (it is 1) it says “q” (73\xa0%) instead of not “q”")


def test_an_explanation_gives_the_order() -> None:
    model, sample = credit(bias=-1.2), row(4, 3, 2, 1)
    found = xaikit.explain(model, sample, ["occlusion"])[0]
    turned = xaikit.counterfactual(model, sample, "remove", explanation=found, wanted="no")
    assert turned.features == ("income",)
    other = Sample("s1", sample.x, "table")
    with pytest.raises(InvalidInput, match="the explanation is of 4 features of sample 's0', and"):
        xaikit.counterfactual(model, other, "remove", explanation=found)


def _labels() -> FunctionModel:
    model = credit()
    model.task = MultiLabel(("no", "yes"))
    return model


def _values() -> FunctionModel:
    model = credit(space="value")
    model.task = Regression(("no", "yes"))
    return model


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (credit(), {"immutable": ["sex"]}, "immutable names 'sex', which is no column; use some of income, debt"),
        (credit(), {"increasing": "age"}, r"increasing is 'age'; give a list of names, such as \['age'\]"),
        (credit(), {"decreasing": ["job"]}, "decreasing names 'job', whose values are categories without an order"),
        (credit(), {"how": "remove", "immutable": ["age"]}, "are for columns that change; use how='change'"),
        (credit(), {"how": "remove", "rows": [[1]]}, "rows, immutable, increasing and decreasing are for"),
        (credit(), {"how": "turn"}, "how is 'turn', n 3 and most 16384; use auto, change or remove"),
        (credit(), {"n": 0}, "n 0 and most 16384"),
        (credit(), {"wanted": "yes"}, "the model says 'yes' already; want another of no, yes"),
        (credit(), {"wanted": "maybe"}, "'maybe' is no class of the model; use one of no, yes"),
        (credit(), {"output": "yes"}, "output is 'yes' and one of the classes holds; say wanted='...'"),
        (credit(), {"rows": np.zeros((3, 2))}, r"rows has shape \(3, 2\); finite numbers of shape \(b, 4\)"),
        (_labels(), {}, r"gives several labels \(no, yes\); say which one is to turn, for example output='no'"),
        (_labels(), {"wanted": "no"}, "wanted is 'no' and a label holds or not; say output='...'"),
        (_values(), {}, r"gives several outputs \(no, yes\); say which one is to turn"),
        (_values(), {"output": "yes"}, "predicts the value 1.5, which is no decision by itself; give a number"),
        (_values(), {"output": "yes", "wanted": (1, 2)}, r"lies in the wanted range \(1, 2\) already"),
        (_values(), {"output": "yes", "wanted": (3, 2)}, "its first end must be the lower one"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(model, options, said) -> None:
    with pytest.raises(InvalidInput, match=said):
        xaikit.counterfactual(model, row(3, 2, 1, 1), **options)


def test_what_is_no_table_has_no_columns_and_no_rows_have_no_values() -> None:
    text = FunctionModel(lambda t: np.zeros((len(t), 2)), "text", ("no", "yes"), "logit")
    sample = Sample("t", np.array(["a", "b"]), "text")
    with pytest.raises(InvalidInput, match="sample 't' is text, which has no columns to change"):
        xaikit.counterfactual(text, sample, "change")
    with pytest.raises(
        NothingFound, match=r"no removal at all of the 2 features turns the decision"
    ):
        xaikit.counterfactual(text, sample)
    with pytest.raises(InvalidInput, match="has no background rows, so no value is known to occur"):
        xaikit.counterfactual(credit(background=None), row(3, 2, 1, 1))
    with pytest.raises(InvalidInput, match="a list is no sample"):
        xaikit.counterfactual(credit(), [1, 2])


def test_a_run_keeps_them_and_says_where_nothing_was_found(tmp_path) -> None:
    model = credit()
    samples = [row(3, 2, 1, 1), Sample("s1", np.array([1e6, 0, 0, 0]), "table")]
    found = flips(model, samples, immutable=["income"])
    run = xaikit.study(model, samples, "occlusion", "none", flips=found)
    told = xaikit.Run.load(run.save(tmp_path / "run")).context["flips"]
    assert [flip["sample"] for flip in told] == ["s0", "s1"]
    assert told[0]["changes"] == [{"name": "debt", "before": 2.0, "after": 4.0}]
    assert Words("ko").told(*told[0]["told"]).startswith("바꿀 항목: debt 2 → 4.")
    assert told[1]["refused"].startswith("no change of up to three columns")
    page = xaikit.write_report(run, tmp_path / "page.html").read_text("utf-8")
    assert "<h4>What would have changed the answer</h4><ul><li>With debt at 4 (it is 2) it" in page
    assert "<li>Nothing that was tried turns the answer.</li>" in page
    odd = replace(run, context={**run.context, "flips": [{**told[0], "told": [{"key": "no"}]}]})
    with pytest.raises(DataError, match=r"the run's 'flips' hold what has no words \('numbers'\)"):
        xaikit.write_report(odd, tmp_path / "page.html")
