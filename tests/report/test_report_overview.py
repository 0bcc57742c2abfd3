"""The section over all test samples: shares, words, errors and groups that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report import sample_runs
from report.reading import read

from xaikit.core.explanations import Explanations
from xaikit.core.finding import Finding
from xaikit.core.many import Same
from xaikit.core.stats import wilson
from xaikit.core.target import Target, Targets
from xaikit.core.types import Sample, Segmentation
from xaikit.judge.overview import Overview
from xaikit.judge.shares import Shares
from xaikit.report import write_report
from xaikit.report.blocks.overview import overview_block
from xaikit.report.blocks.overview_columns import _apart, _shade
from xaikit.report.blocks.overview_errors import confusion
from xaikit.report.blocks.overview_seen import Seen
from xaikit.report.findings import Findings
from xaikit.report.words import Words
from xaikit.study.run import Run

KINDS = {
    "image": sample_runs.image_run,
    "text": lambda n: sample_runs.text_run(n=n),
    "table": sample_runs.table_run,
    "series": sample_runs.series_run,
}


def made(
    xs: list[Any],
    values: Any,
    answers: list[int],
    *,
    modality: str = "table",
    cuts: Any = None,
    unit: str = "log-odds",
    predictions: Any = None,
    context: dict[str, Any] | None = None,
    **changes: Any,
) -> Findings:
    """A run whose overview holds these samples, explained by one method."""
    n = len(xs)
    samples = [Sample(f"s{i}", np.asarray(x), modality) for i, x in enumerate(xs)]
    grid = samples[0].grid
    shared = Segmentation(np.arange(np.prod(grid)).reshape(grid), tuple(f"c{i}" for i in range(int(np.prod(grid)))), "one a place")  # fmt: skip
    space = {"log-odds": "logit", "score": "value"}.get(unit, "logit")
    distinct = tuple(Target(k, space=space) for k in sorted(set(answers)))
    which = np.array([sorted(set(answers)).index(a) for a in answers])
    block = Explanations(
        rows=values if cuts is not None else np.asarray(values, dtype=float),
        method="m", model_id="net", sample_ids=[s.id for s in samples],
        targets=Targets(distinct, which), segmentations=Same(shared, n) if cuts is None else cuts,
        maskers=Same("zeros", n), output=np.ones(n), empty=np.zeros(n), additive=True, unit=unit,
    )  # fmt: skip
    k = max(2, max(answers) + 1)
    said = np.eye(k)[answers] * 0.8 + 0.1 if predictions is None else np.asarray(predictions)
    facts = {
        "ids": tuple(s.id for s in samples), "predictions": said, "labels": (None,) * n, "explanations": block,
        "inputs": tuple(s.x for s in samples), "rationales": (None,) * n, "modality": modality,
        "classes": tuple("abcdefgh"[: said.shape[1]]), "task": "classification", "of": n,
        "columns": shared.names if modality == "table" else (),
    }  # fmt: skip
    overview = Overview(**{**facts, **changes})
    names = list(overview.classes) or None
    about = {
        "model": {"classes": names, "task": {"name": overview.task, "outputs": names or ["value"]}}
    }
    run = Run({}, tuple(samples[:1]), said[:1], (block[0],), context={**about, **(context or {})}, overview=overview)  # fmt: skip
    return Findings(run, Words())


def cards(findings: Findings) -> dict[str, Any]:
    """Kind -> card."""
    block = overview_block(findings)
    assert block is not None
    return {c["kind"]: c for c in (*block["main"], *block["side"], *block["below"])}


def seen(findings: Findings) -> Seen:
    assert findings.run.overview is not None
    return Seen(findings, Shares(findings.run.overview))


def test_values_of_two_classes_are_turned_towards_the_second() -> None:
    found = seen(made([[1.0, 2.0], [3.0, 4.0]], [[0.3, -0.1], [0.2, 0.6]], [0, 1]))
    assert found.towards == pytest.approx(np.array([[-0.3, 0.1], [0.2, 0.6]]))
    assert found.sides == ("a", "b")
    three = seen(made([[1.0, 2.0], [3.0, 4.0]], [[0.3, -0.1], [0.2, 0.6]], [0, 2]))
    assert three.towards == pytest.approx(np.array([[0.3, -0.1], [0.2, 0.6]]))
    assert three.sides == ("against its answer", "for its answer")
    bare = seen(made([[1.0, 2.0]], [[0.3, 0.1]], [0], unit="relative"))
    assert bare.sides == three.sides  # a map without a unit speaks for its own answer only
    assert bare.towards.tolist() == [[0.3, 0.1]]


def test_columns_stand_by_their_mean_share_with_its_interval_and_direction() -> None:
    x = np.arange(12.0)
    values = np.column_stack([0.1 * (x - 5.5), 0.3 * np.abs(x - 5.5)])
    card = cards(made(list(np.column_stack([x, x])), values, [1] * 12))["bees"]
    assert [(r["name"], r["share"]) for r in card["rows"]] == [
        ("c1", "75\N{NO-BREAK SPACE}%"),
        ("c0", "25\N{NO-BREAK SPACE}%"),
    ]
    assert [r["direction"] for r in card["rows"]] == ["no one direction", "high values speak for b"]
    assert card["numbers"][0] == (
        "c1",
        "75.0\N{NO-BREAK SPACE}%",
        "[75.0, 75.0]",
        "no one direction",
    )
    assert card["rest"] == ""
    assert sum(d.count("M") for _, d in card["rows"][0]["dots"]) == 12


def test_most_dots_are_three_hundred() -> None:
    x = np.arange(700.0)
    found = made([[v, v] for v in x], np.column_stack([x + 1, x + 1]), [1] * 700)
    card = cards(found)["bees"]
    assert all(sum(d.count("M") for _, d in r["dots"]) == 300 for r in card["rows"])
    assert "(300 of 700 shown)" in card["note"]
    assert seen(found).dots[[0, -1]].tolist() == [0, 699]


def test_shades_are_fifths_of_the_values_and_dots_lie_apart() -> None:
    assert _shade(np.arange(10.0)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert _shade(np.array([1.0, 1.0, 1.0])).tolist() == [2, 2, 2]
    assert _apart(np.array([500.0, 500.0, 500.0, 900.0])).tolist() == [18.0, 22.5, 13.5, 18.0]


def test_the_strongest_columns_are_told_by_thirds_or_by_category() -> None:
    x = np.column_stack([np.arange(9.0), np.tile([0.0, 1.0, 0.0], 3)])
    values = np.column_stack([np.repeat([-3.0, 0.0, 3.0], 3), np.where(x[:, 1], -1.0, 1.0)])
    columns = [{"name": "c0", "categories": []}, {"name": "c1", "categories": ["no", "yes"]}]
    card = cards(made(list(x), values, [1] * 9, context={"data": {"columns": columns}}))["curves"]
    first, second = card["charts"]
    assert first["label"] == (
        "On average −3.00 in the lowest third of the values, 0.00 in the middle, +3.00 in the highest."
    )
    assert second["label"] == "On average: no +1.00, yes −1.00."
    assert [text for _, text in second["ticks"]] == ["no", "yes"]


def test_what_is_taken_for_what() -> None:
    found = made(
        [[0.0, 1.0]] * 6, np.ones((6, 2)), [0, 0, 1, 1, 2, 2], labels=(0, 1, 1, 1, 0, None)
    )
    assert confusion(seen(found)).tolist() == [[1, 0, 1], [1, 2, 0], [0, 0, 0]]
    card = cards(found)["matrix"]
    assert [[c["text"] for c in r["cells"]] for r in card["rows"]] == [
        ["1", "", "1"], ["1", "2", ""], ["", "", ""]
    ]  # fmt: skip
    assert [c["kind"] for c in card["rows"][0]["cells"]] == ["d", "", "e"]


def test_many_classes_are_told_by_their_commonest_confusions() -> None:
    said = np.eye(13)[[0, 1, 1, 2, 3]]
    found = made([[0.0, 1.0]] * 5, np.ones((5, 2)), [0, 1, 1, 2, 3], predictions=said, classes=tuple("abcdefghijklm"), labels=(0, 0, 0, 5, 3))  # fmt: skip
    assert cards(found)["confused"]["rows"] == [("a", "b", "2/3"), ("f", "c", "1/1")]


def test_the_worst_errors_stand_first() -> None:
    said = np.array([[0.7, 0.3], [0.9, 0.1], [0.2, 0.8], [0.0001, 0.9999]])
    found = made(
        [[0.0, 1.5]] * 4, [[1.0, 3.0]] * 4, [0, 0, 1, 1], predictions=said, labels=(1, 1, 1, 0)
    )
    card = cards(found)["worst"]
    assert card["title"] == "All 3 errors, the worst first"
    assert [(r["id"], r["true"], r["said"], r["sure"]) for r in card["rows"]] == [
        ("s3", "a", "b", ">99.9\N{NO-BREAK SPACE}%"), ("s1", "b", "a", "90\N{NO-BREAK SPACE}%"), ("s0", "b", "a", "70\N{NO-BREAK SPACE}%")
    ]  # fmt: skip
    assert card["rows"][0]["text"] == "c1 1.50 · c0 0"
    assert "worst" not in cards(made([[0.0, 1.0]], [[1.0, 1.0]], [0], labels=(0,)))


def test_more_errors_than_are_shown_are_counted() -> None:
    n = 20
    found = made([[0.0, 1.0]] * n, np.ones((n, 2)), [0] * n, labels=(1,) * n)
    card = cards(found)["worst"]
    assert card["title"] == "The 12 worst of 20 errors"
    assert (len(card["rows"]), len(card["more"])) == (5, 7)


def test_a_draw_says_of_how_many_samples_it_is() -> None:
    found = made([[0.0, 1.0]] * 3, np.ones((3, 2)), [0, 0, 1], labels=(0, 1, 1), of=9)
    block = overview_block(found)
    assert block is not None
    assert (
        block["method"] == "M, 3 of 9 test table rows, drawn at random"
        or "3 of 9" in block["method"]
    )
    assert cards(found)["matrix"]["note"].endswith("Of the 3 samples drawn.")
    assert cards(found)["worst"]["note"].endswith("Of the 3 samples drawn.")


def test_accuracy_by_group_has_intervals_and_small_groups_are_said_to_be_small() -> None:
    n = 40
    groups = {"sex": ("f",) * 30 + ("m",) * 10}
    labels = (0,) * 24 + (1,) * 6 + (0,) * 9 + (None,)
    found = made([[0.0, 1.0]] * n, np.ones((n, 2)), [0] * n, labels=labels, groups=groups)
    card = cards(found)["groups"]
    assert [(r["name"], r["said"], r["text"], r["small"]) for r in card["rows"]] == [
        ("f", "24 of 30", "80\N{NO-BREAK SPACE}%", False), ("m", "9 of 9", "100\N{NO-BREAK SPACE}%", True)
    ]  # fmt: skip
    low, high = wilson(24, 30)
    assert card["rows"][0]["interval"] == f"[{100 * low:.1f}, {100 * high:.1f}]"
    assert "fewer than 20 samples" in card["note"]
    known = {
        "plan": ("x", "y", "y"),
        "shoe": ("x", "y", "y"),
        "hat": ("x", "y", "y"),
        "Sex": ("f", "m", "m"),
    }
    many = made([[0.0, 1.0]] * 3, np.ones((3, 2)), [0] * 3, labels=(0, 0, 0), groups=known)
    block = overview_block(many)
    assert block is not None
    grouped = [c for c in block["side"] if c["kind"] == "groups"]
    assert [c["title"] for c in grouped] == ["By Sex", "By plan", "By shoe"]
    assert grouped[-1]["note"].endswith("1 more column names groups and is not shown: hat.")
    one = made([[0.0, 1.0]] * 3, np.ones((3, 2)), [0] * 3, labels=(0, 0, None), groups={"sex": ("f", "f", "m")})  # fmt: skip
    assert "groups" not in cards(one)


def test_without_labels_nothing_is_said_of_errors() -> None:
    found = cards(
        made([[0.0, 1.0]] * 3, np.ones((3, 2)), [0, 1, 1], groups={"sex": ("f", "m", "m")})
    )
    assert found["said"]["note"] == (
        "The test samples have no labels, so nothing is known of errors."
    )
    assert not {"worst", "groups", "matrix"} & found.keys()


def texts(**changes: Any) -> Findings:
    xs = [
        ["Good", "film"],
        ["good"],
        ["good", "dull"],
        ["dull", "."],
        ["dull", "odd"],
        ["film", "."],
    ]
    xs = [np.array(x) for x in xs]
    values = [[1.0, 0.1], [2.0], [3.0, -1.0], [1.0, 9.0], [3.0, 0.2], [0.3, 9.0]]
    answers = [1, 1, 1, 0, 0, 1]
    cuts = [Segmentation(np.arange(len(x)), tuple(map(str, x)), "words") for x in xs]
    rows = [np.array(v) for v in values]
    return made(xs, rows, answers, modality="text", cuts=cuts, **changes)


def test_words_stand_by_their_mean_evidence_with_how_many_texts_hold_them() -> None:
    card = cards(texts())["words"]
    assert card["sides"] == ("a", "b")
    # good: (1 + 2 + 3) / 3 for b; dull: (-1 - 1 - 3) / 3; film stands in two texts; signs are no words
    assert [(w["word"], w["n"], w["mean"]) for w in card["right"]] == [("good", 3, "2")]  # fmt: skip
    assert [(w["word"], w["n"], w["mean"]) for w in card["left"]] == [("dull", 3, "−1.67")]
    assert card["right"][0]["width"] == "100.0"


def test_words_of_several_labels_stand_by_class() -> None:
    said = np.array([[0.1, 0.8, 0.1]] * 3 + [[0.8, 0.1, 0.1]] * 2 + [[0.1, 0.8, 0.1]])
    card = cards(texts(predictions=said, classes=("x", "y", "z")))["class_words"]
    assert [(c["name"], [w["word"] for w in c["words"]]) for c in card["classes"]] == [
        ("x", ["dull"]), ("y", ["good", "film"])
    ]  # fmt: skip


def pictures(**changes: Any) -> Findings:
    """2 x 2 pixels; the answer of the first three lies top left, of the last in the corner below."""
    x = np.zeros((2, 2, 1), dtype=np.float32)
    values = [
        [3.0, 1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [3.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, -4.0],
    ]
    return made([x] * 4, values, [0, 0, 0, 1], modality="image", **changes)


def test_a_place_is_named_by_its_share_against_its_size() -> None:
    corner = np.array([[True, False], [False, False]])
    card = cards(pictures(rationales=(corner, corner, corner, None)))["places"]
    assert [(r["text"], r["size"]) for r in card["rows"]] == [
        ("83\N{NO-BREAK SPACE}%", "25\N{NO-BREAK SPACE}%"),
        ("17\N{NO-BREAK SPACE}%", "75\N{NO-BREAK SPACE}%"),
    ]


def test_a_typical_sample_is_the_one_whose_map_is_most_like_the_mean() -> None:
    card = cards(pictures())["typical"]
    # unit maps (3, 1, 0)/10^.5, (1, 0, 0), (3, 0, 1)/10^.5: the second is nearest to their mean
    assert [(t["name"], t["id"], t["n"]) for t in card["tiles"]] == [("a", "s1", 3), ("b", "s3", 1)]
    wrong = cards(pictures(labels=(0, 1, 0, 1)))["typical"]
    assert [(t["id"], t["n"]) for t in wrong["tiles"]] == [("s0", 2), ("s3", 1)]


def test_values_are_held_against_the_truth() -> None:
    found = made([[0.0, 1.0]] * 4, np.ones((4, 2)), [0] * 4, unit="score", predictions=[[1.0], [2.0], [3.0], [8.0]], classes=(), task="regression", labels=(1.0, 2.5, 1.0, None), groups={"sex": ("f", "f", "m", "m")})  # fmt: skip
    got = cards(found)
    assert got["scatter"]["label"] == (
        "Half of the predictions are off by 0.500 or less, all by 0.833 on average."
    )
    assert [(r["id"], r["true"], r["said"]) for r in got["worst"]["rows"]] == [
        ("s2", "1", "3"), ("s1", "2.50", "2")
    ]  # fmt: skip
    assert [(r["name"], r["text"], r["said"]) for r in got["groups"]["rows"]] == [
        ("f", "0.250", "of 2"), ("m", "2", "of 1")
    ]  # fmt: skip
    assert got["bees"]["sides"] == ("lower", "higher")


def test_labels_that_hold_together_are_counted_each() -> None:
    said = [[0.9, 0.9], [0.1, 0.9], [0.9, 0.1]]
    found = made([[0.0, 1.0]] * 3, np.ones((3, 2)), [0, 1, 0], predictions=said, task="multilabel", labels=(frozenset({0}), frozenset({1}), frozenset({1})))  # fmt: skip
    got = cards(found)
    assert got["labels"]["rows"] == [("a", "1", "0", "1"), ("b", "1", "1", "1")]
    assert [(r["id"], r["true"], r["said"]) for r in got["worst"]["rows"]] == [
        ("s0", "a", "a, b"), ("s2", "b", "a")
    ]  # fmt: skip


def test_what_errors_have_in_common_beside_the_warning_is_told(monkeypatch) -> None:
    found = made([[0.0, 1.0]] * 3, np.ones((3, 2)), [0, 0, 1], labels=(0, 1, 1))
    said = tuple(Finding("reason.few", {"n": n, "needed": 10}) for n in range(2, 10))
    monkeypatch.setattr(Run, "warnings", lambda self: said)
    block = overview_block(found)
    assert block is not None
    (errors,) = (c for c in block["side"] if c["kind"] == "found")
    assert errors["sentences"] == [Words().told(s) for s in said[1:6]]
    assert errors["note"] == "2 more stay clear after correction."
    assert block["tried"] == ""  # three samples are too few to compare


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_section_stands_on_the_page_of_every_kind(tmp_path, kind, language) -> None:
    run = sample_runs.with_overview(KINDS[kind](12))
    page = write_report(run, tmp_path / "x.html", language).read_text()
    section = read(page).one("section", id="over")
    assert len(section.all("div", class_="card")) >= 3
    assert "{" not in section.text
    assert write_report(run, tmp_path / "y.html", language).read_text() == page
    for picture in section.all("svg", role="img"):
        assert picture.attributes["aria-label"].strip()


def test_there_is_no_section_without_an_overview(tmp_path) -> None:
    page = write_report(sample_runs.table_run(12), tmp_path / "x.html").read_text()
    assert not read(page).all("section", id="over")


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_few_samples_make_a_section_too(tmp_path, kind, n) -> None:
    run = sample_runs.with_overview(KINDS[kind](n))
    assert read(write_report(run, tmp_path / "x.html").read_text()).one("section", id="over")
    bare = replace(run.overview, inputs=(), labels=(None,) * n)
    run = replace(run, overview=bare)
    assert read(write_report(run, tmp_path / "y.html").read_text()).one("section", id="over")
