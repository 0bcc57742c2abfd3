"""Headlines, shortcuts and what errors have in common: each rule where it holds, and where it must not."""

from __future__ import annotations

import numpy as np
import pytest
from toy_overviews import overview, pictures, rows, texts

from xaikit.core.features import Segmentation
from xaikit.core.types import Explanation, Sample, Target
from xaikit.judge.errors import search
from xaikit.judge.findings import findings, searched, warnings
from xaikit.judge.overview import Overview
from xaikit.judge.shares import Shares, outstanding
from xaikit.report.words import LANGUAGES, Words
from xaikit.study.run import Run

N = 40
RNG = np.random.default_rng


def keys(seen: Overview, holds: bool = True) -> list[str]:
    return [found.key.removeprefix("finding.") for found in findings(seen, holds)]


def even(n: int = N, columns: int = 12) -> np.ndarray:
    """(n, columns) evidence that says nothing."""
    return RNG(1).normal(size=(n, columns))


# what cannot be said


@pytest.mark.parametrize("n", [1, 2, 9])
def test_few_samples_are_said_to_be_few(n) -> None:
    (found,) = findings(overview(even(n)))
    assert found.key == "finding.few"
    assert found.numbers["n"] == n
    assert warnings(overview(even(n), wrong=[True] * n)) == ()


def test_one_sample_is_told_in_the_singular() -> None:
    assert str(findings(overview(even(1)))[0]) == (
        "One sample is too few to say what net goes by; it takes 10"
    )


def test_a_method_that_does_not_hold_says_nothing_of_the_model() -> None:
    strong = even() + 30 * np.eye(12)[0]
    assert keys(overview(strong, names=list("abcdefghijkl"), output=99.0), holds=False) == [
        "unheld"
    ]


def test_a_model_that_is_no_better_than_one_answer_says_so_first() -> None:
    predicted = np.zeros(N, int)
    for labels, key in (
        (np.arange(N) % 2, "guessing"),  # always "no", which is right half the time
        (
            np.arange(N) % 10 == 0,
            "guessing",
        ),  # always "no" again: as often as the best single answer
    ):
        seen = overview(even(), predicted=predicted, labels=[int(y) for y in labels])
        assert keys(seen)[0] == key
        assert keys(seen, holds=False) == [key, "unheld"]
    better = (np.arange(N) % 2) * (np.arange(N) > 1)
    assert "guessing" not in keys(overview(even(), labels=[int(y) for y in better]))[0]
    barely = [int(i % 2) if i < 22 else 0 for i in range(N)]  # 11 "yes" of 40, two of them found
    found = overview(even(), predicted=[int(i in (1, 3)) for i in range(N)], labels=barely)
    assert keys(found)[0] == "guessing.open"


def test_labels_of_one_kind_or_none_are_no_ground_for_guessing() -> None:
    assert keys(overview(even(), labels=[None] * N)) == ["many"]
    assert keys(overview(even(), predicted=[1] * N, labels=[1] * N)) == ["many"]


@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_a_value_is_held_against_the_mean(noise) -> None:
    truth = np.linspace(0, 1, N)
    given = truth + RNG(0).normal(size=N) * noise
    seen = overview(
        even(), predicted=[0] * N, labels=truth.tolist(), predictions=given[:, None], unit="score",
        classes=(), task="regression",
    )  # fmt: skip
    assert (keys(seen)[0] == "guessing.value") == (noise > 1)


# (a) what the data mark


def marked(inside: float, n: int = N) -> Overview:
    """Texts of five words, the first of which is marked and holds that share of the evidence."""
    values = np.tile([inside, *[(1 - inside) / 4] * 4], (n, 1)) + RNG(0).uniform(0, 0.01, (n, 5))
    words = [[f"w{i}-{j}" for j in range(5)] for i in range(n)]
    first = np.array([True, False, False, False, False])
    return texts(words, values, rationales=(first,) * n)


@pytest.mark.parametrize(
    ("inside", "key"), [(0.8, "region"), (0.4, "region.more"), (0.05, "region.less")]
)
def test_a_region_is_held_against_its_size(inside, key) -> None:
    found = findings(marked(inside))[0]
    assert found.key == f"finding.{key}"
    assert found.numbers["size"] == pytest.approx(0.2)
    assert found.numbers["share"] == pytest.approx(inside, abs=0.02)


def test_a_region_with_the_share_of_its_size_is_not_named() -> None:
    values = RNG(3).uniform(0.5, 1.5, size=(N, 5))
    words = [[f"w{i}-{j}" for j in range(5)] for i in range(N)]
    first = np.array([True, False, False, False, False])
    assert not any("region" in key for key in keys(texts(words, values, rationales=(first,) * N)))


def test_a_region_that_is_nearly_everything_is_not_the_main_thing() -> None:
    words = [[f"w{i}-{j}" for j in range(10)] for i in range(N)]
    values = np.tile([1.0] * 9 + [0.5], (N, 1)) + RNG(0).uniform(0, 0.01, (N, 10))
    nearly_all = np.arange(10) < 9
    assert keys(texts(words, values, rationales=(nearly_all,) * N))[0] == "region.more"


def test_a_region_is_judged_by_what_speaks_for_the_answer() -> None:
    values = np.tile([1.0, 0.1, 0.1, -5.0, 0.1], (N, 1))
    words = [[f"w{i}-{j}" for j in range(5)] for i in range(N)]
    first = np.array([True, False, False, False, False])
    assert keys(texts(words, values, rationales=(first,) * N))[0] == "region"


def test_a_region_of_a_value_is_judged_by_all_that_moves_it() -> None:
    """What lowers a value counts; for a class only what speaks for it does."""
    values = np.tile([-1.0, 0.1, 0.1, 0.1, 0.1], (N, 1))
    words = [[f"w{i}-{j}" for j in range(5)] for i in range(N)]
    first = np.array([True, False, False, False, False])
    given = {"rationales": (first,) * N, "unit": "value", "labels": [0.0] * N}
    numbers = {"predictions": np.ones((N, 1)), "predicted": [0] * N, "classes": ()}
    seen = texts(words, values, task="regression", **numbers, **given)
    assert Shares(seen).inside.mean == pytest.approx(1 / 1.4)
    assert Shares(texts(words, values, rationales=(first,) * N)).inside.mean == 0.0


def test_a_mark_that_is_finer_than_the_features_is_that_of_the_features_that_hold_it() -> None:
    values = np.tile([3.0, 1.0] + [0.0] * 14, (N, 1))
    fine, wide = (np.zeros((8, 8), dtype=bool) for _ in range(2))
    fine[0, 0] = True  # a quarter of a patch of 2 x 2 px
    wide[:2, :3] = True  # one patch, and half of the next
    for mark, share, size in ((fine, 0.75, 4 / 64), (wide, 0.75 + 0.25 / 2, 6 / 64)):
        inside = Shares(pictures(values, rationales=(mark,) * N)).inside
        assert inside.mean == pytest.approx(share)
        assert inside.expected == pytest.approx(size)


def test_relative_values_are_means_over_the_places_of_a_feature() -> None:
    cut = Segmentation(np.array([0, 1, 1, 1]), ("one", "three"), "words")
    words = tuple(np.array([f"a{i}", "b", "c", "d"]) for i in range(N))
    for unit, share in (("relative", 0.25), ("log-odds", 0.5)):
        seen = overview(np.ones((N, 2)), cuts=[cut] * N, inputs=words, modality="text", unit=unit)
        assert Shares(seen).mass[0, 0] == pytest.approx(share)


# (b) what stands out


def test_columns_that_stand_out_are_named_with_what_the_strongest_speaks_for() -> None:
    x = RNG(0).normal(size=(N, 5))
    answers = (x[:, 0] > 0).astype(int)
    values = 0.1 * RNG(1).normal(size=(N, 5))
    values[:, 0] = np.abs(x[:, 0]) + 0.2  # for the predicted class, whichever it is
    names = ["radius", "b", "c", "d", "e"]
    given = {"inputs": tuple(x), "names": names, "output": 9.0, "wrong": RNG(2).random(N) < 0.2}
    seen = overview(values, predicted=answers, **given)
    (found, *_) = findings(seen)
    assert found.numbers["names"] == ("radius",)
    assert str(found) == "net goes by radius most of all: high radius speaks for yes"
    turned = overview(values, predicted=1 - answers, **given)
    assert str(findings(turned)[0]).endswith("high radius speaks for no")


def test_a_column_of_codes_has_no_direction() -> None:
    x = RNG(0).integers(3, size=(N, 4)).astype(float)
    values = 0.1 * RNG(1).normal(size=(N, 4))
    values[:, 0] = x[:, 0] + 1
    given = {"predicted": x[:, 0] > 1, "inputs": tuple(x), "names": list("abcd")}
    found = findings(overview(values, output=9.0, wrong=RNG(2).random(N) < 0.2, **given))
    assert found[0].key == "finding.features"


def test_a_place_among_the_top_must_survive_resampling() -> None:
    clear = np.tile([0.5, 0.3, 0.1, 0.1], (N, 1)) + RNG(0).normal(0, 0.01, (N, 4))
    assert outstanding(clear, 0.15, 3) == [0, 1]
    assert outstanding(clear, 0.6, 3) == []
    rare = np.full((N, 4), 0.1)
    rare[:2, 0] = 5.0  # strong on average, by two samples of forty
    assert outstanding(rare, 0.05, 1) == []
    assert outstanding(clear[:9], 0.15, 3) == []


def test_ties_do_not_stand_out() -> None:
    assert keys(overview(np.ones((N, 20)), names=[f"c{i}" for i in range(20)])) == ["many"]


def test_channels_of_series_are_named() -> None:
    ids = np.arange(6)[:, None] + 6 * np.arange(3)[None, :]
    cut = Segmentation(ids, tuple(f"f{i}" for i in range(18)), "windows")
    values = 0.1 + 0.01 * RNG(0).random((N, 18))
    values[:, 6:12] = 1.0
    seen = overview(
        values, cuts=[cut] * N, modality="series", columns=("x", "y", "z"),
        inputs=(np.zeros((6, 3)),) * N,
    )  # fmt: skip
    assert findings(seen)[0].numbers["names"] == ("y",)


def reviews(strong: str = "great") -> Overview:
    """Texts of six words, one of which has most of the evidence in half of them."""
    words = [[strong if i % 2 else f"o{i}", *(f"w{i}-{j}" for j in range(5))] for i in range(N)]
    values = [[2.0 if i % 2 else 0.5, 0.3, -0.3, 0.3, -0.3, 0.3] for i in range(N)]
    return texts(words, values, predicted=[i // 2 % 2 for i in range(N)])


def test_words_with_much_of_the_evidence_wherever_they_stand_are_named() -> None:
    found = findings(reviews())
    assert found[0].key == "finding.words"
    assert found[0].numbers["names"] == ("great",)
    assert warnings(reviews()) == ()  # it stands in the texts of both answers alike


# (c) concentration


def test_many_features_at_once_and_a_few_at_a_time() -> None:
    assert keys(overview(even(columns=30))) == ["many"]
    few = 0.01 * even(columns=40)
    few[np.arange(N), RNG(0).integers(40, size=N)] = 1.0  # another one in each sample
    (found,) = findings(overview(few))
    assert found.key == "finding.concentrated"
    assert found.numbers["half"] == 1
    assert "columns" in str(found)
    assert "항목" in Words("ko").told(found)


def test_nothing_is_said_to_stand_out_beside_what_does() -> None:
    strong = np.abs(even(columns=30)) + 8 * np.eye(30)[0]
    assert keys(overview(strong, output=99.0, names=[f"c{i}" for i in range(30)])) == ["features"]


def test_no_evidence_at_all_is_nothing() -> None:
    assert keys(overview(np.zeros((N, 12)))) == ["nothing"]


# (d) place


def test_the_middle_of_pictures_and_never_an_edge_by_its_size() -> None:
    flat = pictures(np.ones((N, 16)), patch=2)
    assert keys(flat) == ["many"]
    middle = np.full((N, 16), 0.05)
    middle[:, [5, 6, 9, 10]] = 1 + 0.1 * RNG(0).random((N, 4))
    found = findings(pictures(middle))[-1]
    assert found.key == "finding.place"
    assert str(found) == "net goes mainly by the middle of the picture"


def test_what_stands_out_from_an_even_ground() -> None:
    x = np.zeros((N, 8, 8, 1))
    values = np.full((N, 16), 0.02)
    for i, patch in enumerate(RNG(0).integers(16, size=N)):
        row, column = divmod(int(patch), 4)
        x[i, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 1.0
        values[i, patch] = 1.0
    assert "what stands out from the ground" in str(findings(pictures(values, inputs=tuple(x)))[-1])
    no_ground = RNG(0).random((N, 8, 8, 1))
    assert not any("place" in k for k in keys(pictures(values, inputs=tuple(no_ground))))


@pytest.mark.parametrize(("at", "words"), [(0, "the start"), (1, "the middle"), (2, "the end")])
def test_the_start_the_middle_and_the_end_of_series(at, words) -> None:
    cut = Segmentation(np.arange(9)[:, None], tuple("abcdefghi"), "windows")
    values = np.full((N, 9), 0.1)
    values[:, 3 * at : 3 * at + 3] = 1 + 0.1 * RNG(0).random((N, 3))
    found = findings(overview(values, cuts=[cut] * N, modality="series"))[-1]
    assert str(found) == f"net goes mainly by {words} of the series"


# (e) shortcuts


def leaking(turns: bool, gives_away: bool) -> Overview:
    y = np.arange(N) % 2
    x = RNG(0).normal(size=(N, 6))
    values = 0.1 * even(columns=6)
    values[:, 2] = 3.0 if turns else 0.8
    x[:, 2] = y if gives_away else x[:, 2]
    names = ["a", "b", "code", "d", "e", "f"]
    return overview(values, output=2.0, predicted=y, inputs=tuple(x), names=names)


@pytest.mark.parametrize(
    ("turns", "gives_away"), [(True, False), (False, True), (True, True), (False, False)]
)
def test_a_column_that_turns_most_answers_or_gives_the_label_away(turns, gives_away) -> None:
    seen = leaking(turns, gives_away)
    held = turns or gives_away
    assert (keys(seen)[0] == "shortcut.column") == held
    assert [w.key for w in warnings(seen)] == ["warning.shortcut.column"] * held
    if held:
        assert str(findings(seen)[0]) == "net leans on one column above all: code"
        assert keys(seen, holds=False) == ["shortcut.column", "unheld"]


def test_an_answer_that_is_no_more_likely_than_not_cannot_be_turned() -> None:
    seen = leaking(turns=True, gives_away=False)
    unsure = overview(Shares(seen).values, output=-0.5, names=["a", "b", "code", "d", "e", "f"])
    assert keys(unsure)[0] == "features"


def test_a_column_that_gives_three_classes_away() -> None:
    y = np.arange(60) % 3
    x = np.stack([RNG(0).normal(size=60), y + 0.1 * RNG(1).normal(size=60)], axis=1)
    values = np.tile([0.1, 1.0], (60, 1)) + RNG(2).normal(0, 0.01, (60, 2))
    given = {"predicted": y, "labels": y.tolist(), "classes": ("a", "b", "c"), "output": 9.0}
    seen = overview(values, inputs=tuple(x), names=["age", "code"], **given)
    assert keys(seen)[0] == "shortcut.column"
    other = overview(values, inputs=tuple(x[:, ::-1]), names=["age", "code"], **given)
    assert keys(other)[0] == "features"


def corner(only: int | None, share: float = 5.0, **given) -> Overview:
    """Evidence in the lower right patch, of one answer or of all."""
    y = np.arange(N) % 2
    values = np.abs(even(columns=16))
    values[(y == only) if only is not None else slice(None), 15] += 12 * share
    return pictures(values, predicted=y, side=16, patch=4, **given)


def test_a_corner_that_gives_one_class_or_all_away() -> None:
    one = findings(corner(only=1))[0]
    assert str(one) == "net reads “yes” by one small place: the bottom right of the picture"
    assert str(findings(corner(only=None))[0]) == (
        "net goes by one small place in every picture: the bottom right of the picture"
    )
    assert str(warnings(corner(only=1))[0]) == (
        "A mark at the bottom right of the picture may give “yes” away."
    )
    assert not any("shortcut" in key for key in keys(corner(only=1, share=0.1)))


def test_a_corner_that_the_data_mark_is_no_shortcut() -> None:
    mark = np.zeros((16, 16), dtype=bool)
    mark[12:, 12:] = True
    assert not any("shortcut" in key for key in keys(corner(1, rationales=(mark,) * N)))
    elsewhere = np.roll(mark, 8, axis=0)
    assert any("shortcut" in key for key in keys(corner(1, rationales=(elsewhere,) * N)))


def tokens(share: float, alone: float = 3.0) -> Overview:
    """A word in a share of the texts of one answer."""
    y = np.arange(60) % 2
    held = (y == 1) & (np.arange(60) < 60 * share)
    words = [["XQ" if h else f"o{i}", *(f"w{i}-{j}" for j in range(5))] for i, h in enumerate(held)]
    values = np.where(held[:, None], [[alone, 1, -1, 1, -1, 1]], [[0.5, 1, -1, 1, -1, 1]])
    return texts(words, values, predicted=y)


def test_a_word_that_gives_an_answer_away() -> None:
    seen = tokens(1.0)
    assert str(findings(seen)[0]) == "net reads “yes” by one word: “xq”"
    assert (
        str(warnings(seen)[0]) == "“xq” stands in 30 of 30 texts read as “yes”: does it mean that?"
    )
    assert "어절" in Words("ko").told(findings(seen)[0])
    assert keys(tokens(0.5))[0] == "shortcut.word.class"
    assert not any("shortcut" in key for key in keys(tokens(0.2)))  # too rare
    assert not any("shortcut" in key for key in keys(tokens(1.0, alone=0.5)))  # too weak


# errors


def told(seen: Overview) -> list[str]:
    return [str(w).replace("\u202f", " ").replace("\xa0", " ") for w in warnings(seen)]


def test_errors_that_gather_are_named_with_their_counts() -> None:
    x = np.arange(200.0)
    wrong = (x >= 160) & (x % 2 == 0)
    seen = overview(even(200), wrong=wrong, inputs=tuple(x[:, None]), columns=("age",))
    assert told(seen)[0] == "Of 40 samples where age is 160 or more, 20 are wrong; elsewhere 0 %."
    assert warnings(seen)[0].numbers["p"] <= 0.002
    assert warnings(seen)[0].numbers["tried"] == 5


def test_errors_at_random_are_not_named() -> None:
    found = [bool(warnings(rows(RNG(seed), n=200))) for seed in range(16)]
    assert sum(found) <= 2


@pytest.mark.parametrize("planted", ["high", "middle", "group"])
def test_a_planted_fifth_is_named(planted) -> None:
    name = {"group": "town"}.get(planted, "x0")
    found = [warnings(rows(RNG(seed), planted=planted))[:1] for seed in range(8)]
    hits = [bool(w) and w[0].numbers["where"].numbers["name"] == name for w in found]
    assert sum(hits) >= 6


def test_a_correction_is_over_all_that_was_tried() -> None:
    """One column with p near .01 is told alone, and not among forty others."""
    x = RNG(0).permutation(200.0 * np.ones(200).cumsum() / 200)
    wrong = np.zeros(200, bool)
    wrong[np.argsort(x)[-40:][:15]] = True
    wrong[np.argsort(x)[:160][::7]] = True
    alone = overview(even(200), wrong=wrong, inputs=tuple(x[:, None]), columns=("a",))
    others = np.column_stack([x, RNG(1).normal(size=(200, 60))])
    many = overview(
        even(200), wrong=wrong, inputs=tuple(others), columns=tuple(f"c{j}" for j in range(61))
    )
    assert len(told(alone)) == 1
    assert told(many) == []
    assert searched(many).numbers["tried"] == 305


def test_all_right_and_all_wrong_have_no_pattern() -> None:
    x = tuple(RNG(0).normal(size=(N, 3)))
    for wrong in ([False] * N, [True] * N):
        assert warnings(overview(even(), wrong=wrong, inputs=x)) == ()
    assert warnings(overview(even(), labels=[None] * N, inputs=x)) == ()
    assert str(searched(overview(even(), inputs=x))).startswith("Errors were compared")


def test_samples_without_a_label_count_on_neither_side() -> None:
    x = np.arange(200.0)
    y = np.arange(200) % 2
    labels = [None if i < 100 else int(1 - y[i] if i >= 180 else y[i]) for i in range(200)]
    seen = overview(even(200), labels=labels, inputs=tuple(x[:, None]), columns=("age",))
    assert told(seen)[0].startswith("Of 40 samples where age is 160 or more, 20 are wrong")


def test_the_largest_errors_of_values_are_those_that_are_compared() -> None:
    x = np.arange(200.0)
    predictions = np.zeros((200, 1))
    labels = [1.0] * 200
    labels[:40] = [5.0 + i for i in range(40)]
    seen = overview(
        even(200), labels=labels, predictions=predictions, predicted=[0] * 200, unit="score",
        classes=(), task="regression", inputs=tuple(x[:, None]), columns=("age",),
    )  # fmt: skip
    assert told(seen)[0].startswith(
        "Of 40 samples where age is 39 or less, 40 are among the largest"
    )


def test_words_in_which_errors_gather() -> None:
    words = [["It", "opens" if i < 24 else f"o{i}", f"w{i}"] for i in range(240)]
    wrong = [i < 14 or i % 40 == 39 for i in range(240)]
    seen = texts(words, even(240, 3), wrong=wrong)
    assert told(seen) == ["Of 24 samples where “opens” stands, 14 are wrong; elsewhere 3 %."]


def test_places_that_count_more_in_errors() -> None:
    words = [[f"w{i}-{j}" for j in range(5)] for i in range(200)]
    wrong = np.arange(200) % 10 == 0
    values = np.where(wrong[:, None], [[1.0, 1, 1, 1, 1]], [[4.0, 1, 1, 0, 0]])
    values = values + RNG(0).uniform(0, 0.05, values.shape)
    first = np.array([True, False, False, False, False])
    seen = texts(words, values, wrong=wrong, rationales=(first,) * 200)
    assert told(seen)[0].startswith("When wrong, what lies outside the marked places counts")
    assert warnings(seen)[0].numbers["times"] == pytest.approx(2.35, abs=0.05)


def test_sure_errors_on_samples_unlike_the_training_rows() -> None:
    far = np.linspace(0, 0.9, 100)
    far[70] = 0.99
    wrong = np.arange(100) == 70
    seen = overview(even(100), wrong=wrong, facts={"distance": far}, sure=0.95)
    assert told(seen) == ["It was wrong while sure on one sample unlike nearly all training rows."]
    assert warnings(seen)[0].numbers["samples"] == ("s70",)
    unsure = overview(even(100), wrong=wrong, facts={"distance": far}, sure=0.7)
    assert not any("sure" in w for w in told(unsure))


def test_being_unsure_is_no_pattern_and_being_sure_is_one() -> None:
    sure = np.linspace(0.5, 0.99, 200)
    assert warnings(overview(even(200), wrong=np.arange(200) < 40, sure=sure)) == ()
    found = told(overview(even(200), wrong=np.arange(200) >= 170, sure=sure))
    assert found[0].startswith("Of 40 samples where it is surest, 30 are wrong")


def test_the_search_is_the_same_each_time() -> None:
    seen = rows(RNG(3), planted="high")
    assert search(Shares(seen)) == search(Shares(seen))


# any model, any name


EVIL = ["<script>alert(1)</script>", "{name}", "{0!r}", "a\nb", "", "%s", "“quoted”", "한국어"]


def test_hostile_names_stand_as_they_are() -> None:
    strong = 0.1 * even(columns=8) + 5 * np.eye(8)[1]
    found = findings(overview(strong, names=EVIL, output=9.0))
    assert str(found[0]) == "net goes by {name} most of all"
    x = np.arange(200.0)
    for name in EVIL:
        group = tuple("{value}" if i >= 160 else name for i in range(200))
        seen = overview(even(200), wrong=x >= 170, groups={name: group})
        assert str(warnings(seen)[0]).startswith(f"Of 40 samples where {name} is “{{value}}”, 30")


def several(task: str) -> Overview:
    """Several labels or several values at once."""
    n = 60
    p = RNG(0).random((n, 3))
    labels = [frozenset(np.flatnonzero(row > 0.5).tolist()) for row in p]
    if task == "regression":
        labels = [tuple(map(float, row)) for row in p]
    return overview(
        even(n), predicted=RNG(1).integers(3, size=n), labels=labels, predictions=p + 0.05,
        classes=("a", "b", "c"), task=task, unit="score" if task == "regression" else "log-odds",
        inputs=tuple(even(n)), names=[f"c{j}" for j in range(12)],
        facts={"distance": RNG(2).random(n)},
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_several_labels_and_several_values_are_told(task, language) -> None:
    seen = several(task)
    for found in (*findings(seen), *warnings(seen), searched(seen)):
        assert Words(language).told(found)
    assert "guessing" not in keys(seen)[0]


@pytest.mark.parametrize("modality", ["image", "text", "series", "table"])
@pytest.mark.parametrize("n", [1, 12])
def test_every_modality_without_inputs_or_marks_says_something(modality, n) -> None:
    shape = {"image": (4, 3), "text": (12,), "table": (12,)}.get(modality, (12, 1))
    cut = Segmentation(np.arange(12).reshape(shape), tuple(map(str, range(12))), "features")
    for unit in ("log-odds", "relative", "probability"):
        seen = overview(even(n), cuts=[cut] * n, modality=modality, unit=unit)
        assert all(map(str, findings(seen)))
        assert warnings(seen) == ()


# a run


def made_run(n: int, **given) -> Run:
    cut = Segmentation(np.arange(12), tuple(f"c{j}" for j in range(12)), "columns")
    values = 0.1 * even(n) + 5 * np.eye(12)[3]
    explanations = tuple(
        Explanation(row, "shap", f"r{i}", "net", Target(0), cut, "rows", 9.0, 0.0, True, "log-odds")
        for i, row in enumerate(values)
    )
    return Run(
        config={}, samples=tuple(Sample(f"r{i}", row, "table", i % 2) for i, row in enumerate(values)),
        predictions=np.where(np.arange(n)[:, None] % 2 == np.arange(2), 0.9, 0.1),
        explanations=explanations, **given,
    )  # fmt: skip


def test_a_run_without_an_overview_is_told_by_its_own_samples() -> None:
    assert [f.key for f in made_run(4).findings()] == ["finding.few"]
    assert [f.key for f in made_run(16).findings()] == ["finding.unheld"]
    assert made_run(16).warnings() == ()
    added = made_run(12, context={"added": [f"r{i}" for i in range(8)]})
    assert added.findings()[0].numbers["n"] == 4


def test_a_run_of_no_explanation_has_nothing_to_say() -> None:
    empty = Run(config={}, samples=(), predictions=np.zeros((0, 2)), explanations=())
    assert [f.key for f in empty.findings()] == ["finding.nothing"]
    assert empty.warnings() == ()


def test_a_run_is_told_by_its_overview() -> None:
    seen = leaking(turns=True, gives_away=False)
    run = made_run(16, overview=seen)
    assert [f.key for f in run.findings()] == ["finding.shortcut.column", "finding.unheld"]
    assert [w.key for w in run.warnings()] == ["warning.shortcut.column"]
