"""The case shown large, the sentence on it and what would have changed it, each worked by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report.reading import card, read
from report.test_report_numbers import hand_run

from xaikit.core.errors import DataError
from xaikit.core.types import Sample, Score, Segmentation, Target
from xaikit.report import write_report
from xaikit.report.blocks.choice import choice_block
from xaikit.report.columns import rank_of
from xaikit.report.contours import level_path, object_level
from xaikit.report.findings import Findings
from xaikit.report.page import report_page
from xaikit.report.predictions import likely
from xaikit.report.words import Words
from xaikit.study.run import Run

SPACE = "\u00a0"
CLASSES = {"model": {"id": "made-net", "classes": ["cat", "dog"]}, "data": {"name": "made"}}


def first(run: Run, language: str = "en") -> dict[str, Any]:
    case: dict[str, Any] = report_page(run, language)["cases"][0]
    return case


def row_of(
    values: list[float], x: list[float], columns: list[dict[str, Any]], **changes: Any
) -> Run:
    """One table row of class 0, in log-odds that add up from 1 to 1 + their sum."""
    names = tuple(c["name"] for c in columns)
    return hand_run(
        {"m": values},
        samples=[Sample("s", np.array(x), "table", 0)],
        segmentation=Segmentation(np.arange(len(x)), names, "columns"),
        changes={"additive": True, "empty": 1.0, "output": 1.0 + sum(values)},
        predictions=np.array([[0.9, 0.1]]),
        context={**CLASSES, "data": {"name": "made", "columns": columns}},
        **changes,
    )


# The waterfall


def test_a_waterfall_leads_from_the_average_to_the_row() -> None:
    """From 1 by +4, -2, +1 to 4; the axis is 0 to 5 and a twentieth and more beyond."""
    columns = [{"name": n} for n in "abc"]
    found = first(row_of([-2.0, 4.0, 1.0], [0, 0, 0], columns))["waterfall"]

    def at(value: float) -> float:
        return 100 * (value + 0.3) / 5.6

    assert [r["name"] for r in found["rows"]] == ["b", "a", "c"]
    places = [(float(r["left"]), float(r["width"]), float(r["to"])) for r in found["rows"]]
    ends = [(1, 5), (5, 3), (3, 4)]
    assert places == [
        pytest.approx((at(min(a, b)), at(max(a, b)) - at(min(a, b)), at(b)), abs=0.11)
        for a, b in ends
    ]
    assert [r["tone"] for r in found["rows"]] == ["for", "ag", "for"]
    marks = [float(found[k]) for k in ("start", "end", "zero")]
    assert marks == pytest.approx([at(1), at(4), at(0)], abs=0.06)
    assert found["sides"] == ("dog", "cat")


def test_what_is_not_among_the_six_strongest_is_one_step() -> None:
    columns = [{"name": f"c{i}"} for i in range(9)]
    run = row_of([9, 8, 7, 6, 5, 4, 3, -2, 1], [0] * 9, columns)
    rows = first(run)["waterfall"]["rows"]
    assert [r["name"] for r in rows] == [*(f"c{i}" for i in range(6)), "all other columns"]
    assert "+2" in rows[-1]["label"]
    assert float(rows[-1]["to"]) == pytest.approx(float(first(run)["waterfall"]["end"]), abs=0.11)


def test_values_that_do_not_add_up_all_start_at_zero() -> None:
    run = row_of([4.0, -2.0], [0, 0], [{"name": "a"}, {"name": "b"}])
    flat = replace(run.explanations[0], additive=False)
    found = first(replace(run, explanations=(flat,)))["waterfall"]
    assert (found["start"], found["end"]) == ("", "")
    zero = float(found["zero"])
    a, b = found["rows"]
    assert float(a["left"]) == pytest.approx(zero, abs=0.06)
    assert float(b["left"]) + float(b["width"]) == pytest.approx(zero, abs=0.11)


def test_a_value_is_placed_among_the_training_rows() -> None:
    quantiles = {"quantiles": [0.0, 1.0, 2.0, 3.0, 4.0]}
    assert [rank_of(x, quantiles) for x in (-1, 0, 1, 1.5, 4, 5)] == [0, 0, 0.25, 0.375, 1, 1]
    assert rank_of(0.0, {"quantiles": [0.0, 0.0, 0.0, 1.0]}) == pytest.approx(1 / 3)  # of many
    assert rank_of(5.0, {"low": 0.0, "median": 5.0, "high": 9.0}) == 0.5
    assert rank_of(5.0, {"low": 0.0}) is None


def test_a_row_beyond_the_training_rows_is_called_unusual() -> None:
    columns = [{"name": n, "quantiles": [0.0, 1.0]} for n in "abcd"]
    run = row_of([4.0, 3.0, 2.0, 1.0], [2.0, -1.0, 1.5, 0.5], columns)
    assert first(run)["unusual"].startswith("Three of the four strongest columns lie beyond")
    assert first(row_of([4.0, 3.0, 2.0, 1.0], [2.0, -1.0, 0.5, 0.5], columns))["unusual"] == ""


# The sentence


def test_the_sentence_names_columns_by_how_high_they_are() -> None:
    columns = [
        {"name": "age", "quantiles": [0.0, 10.0]},
        {"name": "size", "quantiles": [0.0, 10.0]},
        {"name": "home", "categories": ["rent", "own"]},
        {"name": "debt", "quantiles": [0.0, 10.0]},
    ]
    run = row_of([4.0, 3.0, 2.0, -5.0], [9.5, 9.6, 1.0, 0.5], columns)
    assert first(run)["lead"] == (
        f"Says <b>cat</b> (90{SPACE}%) mainly for very high age and size and home “own”; "
        "very low debt speaks against it."
    )
    assert "매우 높은 age" in first(run, "ko")["lead"]
    weak = row_of([4.0, 1.0, 1.0, -1.0], [9.5, 9.6, 1.0, 0.5], columns)
    assert first(weak)["lead"].endswith("mainly for very high age.")  # below three tenths of it


def test_the_sentence_names_places_of_what_is_marked() -> None:
    """A 6 x 12 picture whose right half is marked: places are ninths of it, others of the picture."""
    marked = np.zeros((6, 12), dtype=bool)
    marked[:, 6:] = True
    ids = (np.arange(6) // 2)[:, None] * 6 + np.arange(12) // 2
    values = np.zeros(18)
    values[5], values[15], values[0] = 4.0, 3.0, -2.0  # top right; bottom left of the half; outside
    run = hand_run(
        {"m": values.tolist()},
        samples=[Sample("s", np.zeros((6, 12, 1)), "image", 1, rationale=marked)],
        segmentation=Segmentation(ids, tuple(map(str, range(18))), "18 patches"),
        predictions=np.array([[0.4, 0.6]]),
        changes={"target": Target(1)},
        context={**CLASSES, "rationale": "rationale.digits"},
    )
    assert first(run)["lead"] == (
        "Reads <b>dog</b> mainly for the top right and bottom left of the digit; "
        "the top left of the picture speaks against it."
    )
    row = report_page(run)["rows"]["rows"][0]
    assert row["parts"] == ["top right", "bottom left", "against: top left of the picture"]


def test_a_place_is_told_within_the_marked_one_that_holds_it() -> None:
    """Two marked places of 6 x 4 px; a patch at the top right of the first is at the top left of both."""
    marked = np.zeros((6, 12), dtype=bool)
    marked[:, :4] = marked[:, 8:] = True
    ids = (np.arange(6) // 2)[:, None] * 6 + np.arange(12) // 2
    values = np.zeros(18)
    values[1] = 4.0
    run = hand_run(
        {"m": values.tolist()},
        samples=[Sample("s", np.zeros((6, 12, 1)), "image", 1, rationale=marked)],
        segmentation=Segmentation(ids, tuple(map(str, range(18))), "18 patches"),
        predictions=np.array([[0.4, 0.6]]),
        changes={"target": Target(1)},
        context={**CLASSES, "rationale": "rationale.plates"},
    )
    assert first(run)["lead"] == "Reads <b>dog</b> mainly for the top right of the defect."


def test_names_in_a_sentence_are_text() -> None:
    run = row_of([1.0, -1.0], [0, 0], [{"name": "<b>a</b>"}, {"name": "&b"}])
    assert "&lt;b&gt;a&lt;/b&gt;; &amp;b speaks" in first(run)["lead"]


def test_sureness_is_never_all_or_nothing() -> None:
    assert [likely(p) for p in (1.0, 0.9967, 0.5, 0.004, 0.0)] == [
        f">99.9{SPACE}%", f"99.7{SPACE}%", f"50{SPACE}%", f"0.4{SPACE}%", f"<0.1{SPACE}%",
    ]  # fmt: skip


# Lines over a map


def test_a_line_goes_round_what_lies_above_the_level() -> None:
    y, x = np.mgrid[:40, :40] + 0.5
    disc = 15 - np.hypot(x - 20, y - 20)  # above 5 within 10 of the middle
    path = level_path(disc, 5.0, (40, 40))
    points = np.array([[float(v) for v in p.split()] for p in re.findall(r"[\d.]+ [\d.]+", path)])
    assert path.count("M") == path.count("Z") == 1
    assert np.hypot(*(points - 20).T) == pytest.approx(np.full(len(points), 10), abs=0.06)
    assert level_path(disc, 5.0, (40, 40), least=0.3) == ""  # it covers a fifth


def test_a_thing_stands_out_when_its_level_parts_the_picture() -> None:
    rng = np.random.default_rng(0)
    ground = rng.normal(0.1, 0.02, size=(20, 20))
    thing = ground.copy()
    thing[5:10, 5:10] += 0.8
    level = object_level(thing)
    assert level is not None
    assert 0.2 < level < 0.85
    assert object_level(ground) is None
    assert object_level(np.zeros((3, 3))) is None


# What would have changed the answer


def flipped(run: Run, **flip: Any) -> dict[str, Any]:
    found = {
        "sample": "s", "smallest": True, "told": [{"key": "flip.none", "numbers": {}}],
        "before": [0.9, 0.1], "after": [0.2, 0.8], "others": [], "changes": [], "removed": None,
    }  # fmt: skip
    change: dict[str, Any] = first(replace(run, context={**run.context, "flips": [found | flip]}))[
        "change"
    ]
    return change


def test_a_change_of_columns_is_told_with_its_curve() -> None:
    columns = [{"name": "age", "quantiles": [0.0, 5.0, 10.0]}, {"name": "size"}]
    run = row_of([2.0, 1.0], [8.0, 1.0], columns)
    changes = [
        {"name": "age", "before": 8.0, "after": 2.5},
        {"name": "size", "before": 1.0, "after": 3.0},
    ]
    curve = {
        "column": "age",
        "row": 8.0,
        "turn": 4.0,
        "at": [0.0, 4.0, 8.0, 10.0],
        "share": [0.0, 0.5, 0.9, 1.0],
    }
    found = flipped(run, kind="change", changes=changes, curve=curve)
    assert found["text"] == [
        "With <b>age</b> lowered to 2.50 and <b>size</b> raised to 3 it says <b>dog</b>."
    ]
    drawn = found["curve"]
    assert (drawn["row"], drawn["turn"], drawn["turn_y"]) == ("80.0", "40.0", "50.0")
    assert drawn["path"] == "M0.0 94.0L40.0 50.0L80.0 14.8L100.0 6.0"
    assert (drawn["up"], drawn["down"]) == ("cat", "dog")
    assert len(drawn["bars"]) == 40


def test_a_removal_is_told_by_its_number_and_whether_it_is_right() -> None:
    words = np.array(["a", "fine", "film"])
    run = hand_run(
        {"m": [0.0, 2.0, 1.0]},
        samples=[Sample("s", words, "text", 1)],
        segmentation=Segmentation(np.arange(3), tuple(words), "3 words"),
        predictions=np.array([[0.9, 0.1]]),
        context=CLASSES,
    )
    found = flipped(run, kind="deletion", removed=[1, 2], smallest=None)
    assert found["text"] == ["Without these two words it reads <b>dog</b>, which is right."]
    assert found["how"] == "The smallest among those tried; checked on the model."
    assert [w["text"] for w in found["struck"] if w["struck"]] == ["fine", "film"]
    one = flipped(run, kind="deletion", removed=[1], after=[0.6, 0.4])
    assert one["text"] == ["Without this word it reads <b>cat</b>."]
    with pytest.raises(DataError, match="hold what has no words"):
        flipped(run, kind="deletion", removed=[1], smallest=None, after="none")


# Which explanation to use


def test_the_lines_say_why_none_can_be_named() -> None:
    scores = {("srg", "m"): [0.1] * 6 + [-0.1] * 6, ("srg", "random"): [0.0] * 12}
    run = hand_run({"m": [1, 2], "random": [0, 1]}, scores)
    found = choice_block(Findings(run, Words()))
    assert [line["badge"]["kind"] for line in found["lines"]] == ["none", "unsettled"]
    assert (
        "none holds on every check. This page shows M; read it as a claim."
        in found["lines"][0]["text"]
    )
    assert "<b>M</b>: may be no better than marking at random." in found["lines"][1]["text"]


def test_a_page_without_one_class_among_the_wrong_says_so(tmp_path) -> None:
    samples = [replace(Sample(f"s{i}", np.zeros(2), "table", 0), label=i % 2) for i in range(4)]
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.2, 0.8]])
    run = hand_run({"m": [1, 2]}, samples=samples, predictions=p, context=CLASSES)
    style = report_page(run)["rows"]["style"]
    assert ":has(#f-w:checked):has(#g-1:checked) .none" in style  # no wrong one says dog
    assert ":has(#f-w:checked):has(#g-0:checked) .none" not in style
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    assert tree.all("details", class_="rw")[0].attributes["id"] == "s1"  # wrong first
    assert "wrong" in card(tree, 1).attributes["class"].split()


def test_errors_that_were_added_are_told_apart() -> None:
    samples = [Sample(f"s{i}", np.zeros(2), "table", 1) for i in range(3)]
    run = hand_run({"m": [1, 2]}, samples=samples, context={**CLASSES, "added": ["s2"]})
    run = replace(run, predictions=np.tile([0.9, 0.1], (3, 1)))
    page = report_page(run)
    assert page["header"]["meta"].endswith("2 samples and one added error")
    assert page["rows"]["added"] == 1
    assert page["choice"]["n"] == 2


def test_a_finer_map_is_drawn_only_where_it_says_the_same() -> None:
    ids = np.kron(np.arange(4).reshape(2, 2), np.ones((2, 2), dtype=int))
    run = hand_run(
        {"m": [4.0, 1.0, -2.0, 0.5]},
        samples=[Sample("s", np.random.default_rng(0).uniform(size=(4, 4, 1)), "image", 0)],
        segmentation=Segmentation(ids, tuple("abcd"), "4 patches"),
        predictions=np.array([[0.9, 0.1]]),
        context=CLASSES,
    )
    same = np.array([4.0, 1.0, -2.0, 0.5])[ids]

    def drawn(grid: np.ndarray) -> dict[str, Any]:
        smooth = [{"sample": "s", "method": "m", "shifts": 4, "map": grid.tolist()}]
        return first(replace(run, context={**run.context, "smooth": smooth}))

    alike, other = drawn(same), drawn(-same)
    assert alike["map"]["smooth"]
    assert "on shifted patch grids" in alike["note"]
    assert "goes with the tested one at 1.00" in alike["alike"]
    assert not other["map"]["smooth"]
    assert "so the tested one is drawn large" in other["alike"]
    assert not first(run)["map"]["smooth"]


def test_a_score_without_a_method_harms_nothing() -> None:
    run = hand_run({"m": [1, 2]})
    odd = Score("srg", 1.0, "higher", "faithfulness", of={})
    assert report_page(replace(run, scores=(odd,)))["choice"]["rows"]


def test_wrong_answers_stand_first_and_the_surest_of_them_before() -> None:
    """Of wrong answers those first of which it is known what would have turned them."""
    samples = [Sample(f"s{i}", np.zeros(2), "table", label) for i, label in enumerate([0, 1, 1, 1])]
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05], [0.7, 0.3]])
    run = hand_run({"m": [1, 2]}, samples=samples, predictions=p, context=CLASSES)
    told = [{"key": "flip.none", "numbers": {}}]
    flip = {
        "sample": "s3", "kind": "change", "told": told, "smallest": None, "before": [0.7, 0.3],
        "after": [0.2, 0.8], "changes": [{"name": "a", "before": 1.0, "after": 2.0}], "removed": None,
    }  # fmt: skip
    run = replace(run, context={**run.context, "flips": [flip]})
    page = report_page(run)
    assert [c["index"] for c in page["cases"]] == [3, 2, 1, 0]
    groups = {g["kind"]: [c["index"] for c in g["cases"]] for g in page["strip"]["groups"]}
    assert groups == {"wrong": [3, 2, 1], "rest": [0]}


def test_samples_without_labels_are_called_neither_right_nor_near() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05]])
    samples = [Sample(f"s{i}", np.zeros(2), "table") for i in range(3)]
    page = report_page(hand_run({"m": [1, 2]}, samples=samples, predictions=p, context=CLASSES))
    assert [g["title"] for g in page["strip"]["groups"]] == ["Least sure", "All others"]
    assert page["strip"]["legend"] == "Dotted: least sure."
    known = [Sample(s.id, s.x, "table", 0) for s in samples]
    page = report_page(hand_run({"m": [1, 2]}, samples=known, predictions=p, context=CLASSES))
    assert [g["title"] for g in page["strip"]["groups"]] == ["Least sure", "Right and sure"]
    values = report_page(hand_run({"m": [1, 2]}, samples=samples, predictions=p[:, :1]))
    assert [g["title"] for g in values["strip"]["groups"]] == ["All others"]
