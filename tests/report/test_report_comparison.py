"""The page that compares models: every mark stands at its number, and no two words contradict."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from report import sample_runs
from report.reading import read

from xaikit.report import write_comparison
from xaikit.report.comparison_charts import (
    curve_chart,
    gap_chart,
    interval_chart,
    reliability_chart,
)
from xaikit.report.comparison_page import comparison_page
from xaikit.report.comparison_told import Told, turned
from xaikit.report.formats import MINUS, SPACE
from xaikit.report.words import Words


def told(found: dict | None = None, language: str = "en") -> Told:
    return Told(Words(language), found or sample_runs.comparison())


def test_the_h1_answers_the_question_that_was_asked(tmp_path) -> None:
    found = sample_runs.comparison()
    tree = read(write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8"))
    assert tree.one("h1").text == (
        "Whether the Neural network beats Boosted trees cannot be told from 569 rows; about 5,000 would do"
    )
    assert "Boosted trees changes its reasons when trained on other rows." in tree.one(class_="watch").text  # fmt: skip
    assert "Use Logistic regression here" in tree.one(class_="chip").text
    for word, said in (("better", "is better than"), ("equal", "are practically equal")):
        where = {"key": "cmp.where.columns", "numbers": {}}
        size = {"key": "cmp.size.about", "numbers": {}}
        found["title"] = {"key": f"cmp.h1.{word}", "numbers": {"a": "boosting", "b": "mlp", "where": where, "size": size}}  # fmt: skip
        assert said in comparison_page(found)["title"]


def test_for_a_number_the_difference_is_told_in_parts_of_r2() -> None:
    found = sample_runs.comparison() | {"metric": "r2"}
    size = {"key": "cmp.size.r2", "numbers": {"value": 0.06}}
    where = {"key": "cmp.where.columns", "numbers": {}}
    found["title"] = {"key": "cmp.h1.better", "numbers": {"a": "boosting", "b": "mlp", "where": where, "size": size}}  # fmt: skip
    page = comparison_page(found)
    assert page["title"].endswith("by about 0.06 of R²")
    low, high = found["pairs"][0]["interval"]
    assert page["pair"]["may"] == f"The true difference may be anything from {low:+.2f} to {high:+.2f} of R².".replace("-", MINUS)  # fmt: skip
    assert "within 0.01 of R²" in page["pair"]["small"]
    assert "R² 약 0.06만큼" in comparison_page(found, "ko")["title"]


def test_models_have_their_names_in_both_languages() -> None:
    found = sample_runs.comparison()
    for model in found["models"]:
        model.pop("title", None)
    assert [told(found).name(n) for n in ("mlp", "boosting", "majority")] == ["MLP", "boosting", "guessing"]  # fmt: skip
    assert (told(found).the("mlp"), told(found).the("boosting")) == ("the MLP", "boosting")
    assert comparison_page(found, "ko")["title"].startswith("569개 행(으)로는 MLP 신경망")


def test_a_cell_is_the_row_against_the_column_and_the_pair_asked_about_is_outlined() -> None:
    found = sample_runs.comparison()
    page = comparison_page(found)["matrix"]
    names = {"guessing": "majority", "Boosted trees": "boosting", "Neural network": "mlp", "Logistic regression": "logistic"}  # fmt: skip
    right = {m["id"]: m["accuracy"] for m in found["models"]}
    outlined = 0
    for row in page["rows"]:
        for column, cell in zip(page["columns"], row["cells"], strict=True):
            if cell is None:
                continue
            gap = 100 * (right[names[row["name"]]] - right[names[column]])
            assert cell["text"] == f"{gap:+.1f}".replace("-", MINUS)
            assert cell["glyph"] == ("▲" if column == "guessing" else "?")
            outlined += cell["asked"]
    assert outlined == 1


def test_a_pair_seen_from_the_other_side() -> None:
    pair = {"a": "x", "b": "y", "difference": 0.02, "interval": (0.01, 0.04), "word": "clearly_better", "chances": (0.0, 0.1, 0.9)}  # fmt: skip
    other = turned(pair)
    assert (other["a"], other["b"], other["difference"]) == ("y", "x", -0.02)
    assert (other["interval"], other["word"]) == ((-0.04, -0.01), "clearly_worse")
    assert other["chances"] == (0.9, 0.1, 0.0)
    assert turned(other) == pair
    for word in ("equal", "cannot_tell"):
        assert turned(pair | {"word": word})["word"] == word


def test_marks_of_learning_curves_stand_at_their_numbers() -> None:
    chart = curve_chart(told())
    x, y = (np.array([m[k] for m in chart["marks"]]).reshape(2, 5) for k in "xy")
    sizes, values = np.array([24, 57, 114, 227, 455]), np.array([0.8, 0.92, 0.95, 0.965, 0.975])
    line = np.polyfit(np.log(sizes), x[0], 1)
    assert np.polyval(line, np.log(sizes)) == pytest.approx(x[0], abs=1e-9)
    errors = np.concatenate(
        [np.log(1 - values), np.log(1 - values + 0.01)]
    )  # boosting, then the net
    line = np.polyfit(errors, y.ravel(), 1)
    assert line[0] > 0  # the more errors, the lower
    assert np.polyval(line, errors) == pytest.approx(y.ravel(), abs=1e-9)
    for level in chart["levels"]:
        quality = float(level["text"].split(SPACE)[0]) / 100
        assert np.polyval(line, np.log(1 - quality)) == pytest.approx(level["y"], abs=1e-6)
    at = sorted(n["y"] for n in chart["names"])
    assert min(np.diff(at)) >= 6.9  # names do not overlap
    assert "Boosted trees 80" in chart["label"]


def test_the_gap_and_the_interval_stand_on_the_region_that_does_not_matter() -> None:
    chart = gap_chart(told())
    zero, rope = chart["band"] + chart["height"] / 2, chart["height"] / 2
    assert zero == pytest.approx(50)
    for mark, gap in zip(chart["marks"][1:], (0.02, 0.01, 0.0, 0.002), strict=True):
        assert mark["y"] == pytest.approx(zero - rope * gap / 0.01)
        assert mark["low"] == pytest.approx(zero - rope * (gap - 0.03) / 0.01, abs=1e-6) or mark["low"] == 100  # fmt: skip
    assert chart["marks"][0]["out"] == "up"  # beyond the scale
    chart = interval_chart(told())
    unit = chart["width"] / 2  # of one point
    assert chart["band"] + unit == pytest.approx(50)
    assert chart["value"] == pytest.approx(50 + 0.2 * unit)
    assert (chart["low"], chart["high"]) == pytest.approx((50 - 1.6 * unit, 50 + 2.1 * unit))


def test_sureness_stands_at_what_was_stated_and_seen() -> None:
    found = sample_runs.comparison()
    one = {"p": 0.75, "observed": 0.5, "lo": 0.25, "hi": 0.875, "n": 8}
    for model in found["models"][1:]:
        model["calibration"] = [one]
    chart = reliability_chart(told(found))
    for mark in chart["marks"]:
        assert (mark["x"], mark["y"]) == pytest.approx((50, 100))  # the scale is 50 to 100 %
        assert (mark["low"], mark["high"]) == pytest.approx((100, 25))
    assert (chart["low"], chart["high"]) == (f"50{SPACE}%", f"100{SPACE}%")


def test_a_bar_of_a_case_lies_on_the_side_that_it_speaks_for() -> None:
    (case,) = comparison_page(sample_runs.comparison())["cases"]
    assert case["chip"] == "One sample, two answers: it is malignant"
    for row, (a, b) in zip(case["rows"], ((-0.3, 0.1), (-0.1, 0.1), (0.1, 0.1), (0.05, 0.3)), strict=True):  # fmt: skip
        for bar, share in zip(row["bars"], (a, b), strict=True):
            assert bar["width"] == pytest.approx(46 * abs(share) / 0.3)
            assert bar["tone"] == ("f" if share > 0 else "a")
            assert bar["left"] + (bar["width"] if share < 0 else 0) == pytest.approx(50)


def test_numbers_are_told_in_the_units_that_fit() -> None:
    page = comparison_page(sample_runs.comparison())
    rows = {r["name"]: r["cells"] for r in page["table"]["rows"]}
    assert rows["Boosted trees"] == [f"97.0{SPACE}%", f"120{SPACE}ms", f"660{SPACE}µs", "1.6 pts"]
    assert rows["guessing"] == [f"62.7{SPACE}%", "–", "–", "–"]
    assert [b["text"] for b in page["claims"][0]["bars"]] == ["4.1 ×", "1.0 ×"]
    assert [r["n"] for r in page["errors"]["rows"]] == [13, 5, 9]
    assert [r["text"] for r in page["agreement"]] == ["0.56", "0.85", "0.66", "1.00", "0.95"]
    measures = next(f for f in page["folds"] if f["title"] == "Every measure")["tables"][0]
    assert measures["rows"][0][-3:] == [f"1.0{SPACE}MB", "1.20 J", f"180{SPACE}kB"]


def test_without_curves_every_model_is_a_bar_and_without_reasons_it_says_so(tmp_path) -> None:
    found = copy.deepcopy(sample_runs.comparison())
    found |= {
        "learning": [],
        "gaps": [],
        "same": None,
        "decision": None,
        "tuning": None,
        "claims": [],
    }
    tree = read(write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8"))
    assert len(tree.one("figure", class_="lc").all(class_="v")) == 3
    assert "Reasons were not compared" in tree.one(id="same").text
    assert "Both sides are of one kind" in tree.one(id="claims").text


def test_a_number_is_told_in_hundredths_of_r2() -> None:
    found = sample_runs.comparison() | {"metric": "r2", "errors": None, "decision": None}
    for model in found["models"]:
        for key in ("ece", "brier", "calibration", "confusion"):
            model.pop(key, None)
    found["data"]["classes"] = []
    page = comparison_page(found)
    assert page["meta"]["said"].startswith("R² 0.972 and 0.970 on rows held out")
    assert page["table"]["heads"] == ["explained spread", "training", "one answer"]


def test_pictures_and_texts_stand_side_by_side(tmp_path) -> None:
    found = sample_runs.comparison()
    (case,) = found["same"]["cases"]
    maps = {"boosting": [[0.5, 0.0], [0.0, -0.5]], "mlp": [[0.0, 1.0], [0.0, 0.0]]}
    case |= {"inputs": "pixels", "x": np.zeros((2, 2, 1)).tolist(), "maps": maps}
    tree = read(write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8"))
    assert len(tree.one(class_="maps3").all("img")) == 3
    maps = {"boosting": [1.0, -0.5, 0.05], "mlp": [0.0, 0.0, -1.0]}
    case |= {"inputs": "words", "x": ["not", "so", "bad"], "maps": maps}
    tree = read(write_comparison(found, tmp_path / "d.html").read_text(encoding="utf-8"))
    marks = [(m.text, m.attributes["class"]) for m in tree.one(id="same").all("mark")]
    assert marks == [("not", "f3"), ("so", "a2"), ("bad", "a3")]


def test_the_region_is_told_as_it_was_given_and_rows_in_time_have_one_look() -> None:
    found = sample_runs.comparison()
    said = []
    for rope in (0.01, 0.015, 0.0005):
        found["pairs"] = [{**p, "rope": rope} for p in found["pairs"]]
        said.append(
            comparison_page(found)["pair"]["small"].partition("Grey: ")[2].partition(",")[0]
        )
    assert said == ["within 1 point", "within 1.5 points", "within 0.05 points"]
    looks = [
        "Two looks" in " ".join(comparison_page(found | {"protocol": {"key": key, "numbers": numbers}})["folds"][0]["said"])
        for key in ("cmp.protocol.plain", "cmp.protocol.time")
        for numbers in [{"n": 10, "seed": 0, "weights": {"key": "cmp.weights.none", "numbers": {}}}]
    ]  # fmt: skip
    assert looks == [True, False]


def test_a_scale_that_does_not_begin_at_0_or_is_cut_says_so(tmp_path) -> None:
    found = sample_runs.comparison()
    found.pop("learning")
    page = comparison_page(found)
    begins = float(page["bars"]["note"].removeprefix("Bars begin at ").partition(SPACE)[0]) / 100
    width = next(r["width"] for r in page["bars"]["rows"] if r["name"] == "Boosted trees")
    right = told(found).entry("boosting")["accuracy"]
    assert width == pytest.approx(100 * (right - begins) / (1 - begins), abs=2)
    assert page["bars"]["note"] in write_comparison(found, tmp_path / "c.html").read_text("utf-8")
    found = sample_runs.comparison() | {"metric": "r2"}
    assert comparison_page(found)["scale"] == ""
    found["learning"][0]["points"][0]["value"] = -3.0
    assert comparison_page(found)["scale"] == f"R² below {MINUS}1 is drawn on the edge."
