"""Every end of a scale that a page prints is the end that is drawn: both are read from the page."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from report import sample_runs
from report.reading import Node, read

from xaikit.report import write_report
from xaikit.report.case import Case
from xaikit.report.charts import curve_panel
from xaikit.report.colour import WORD_BINS

STEPS = 32  # of the diverging map on each side


def numbers(text: str) -> list[float]:
    """The numbers of a text as people read them."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.replace("\N{MINUS SIGN}", "-"))
    return [float(n) for n in re.findall(r"[+-]?\d+(?:\.\d+)?", plain)]


def printed_end(text: str) -> float:
    found = re.findall(r"±([\d.,]+)", text)[0]
    return numbers(found.rstrip("."))[0]


def scale_end(card: Node) -> float:
    """What the card says of the scale that its methods share."""
    return printed_end(next(p.text for p in card.all("p") if "Scale end" in p.text))


def place(node: Node, name: str) -> float:
    """A position in per cent as a share of the axis, -1 to 1."""
    return 2 * float(node.attributes[name].rstrip("%")) / 100 - 1


def dots(rows: list[Node], end: float) -> int:
    """Every dot stands where its number says on an axis that ends at `end`; how many there were."""
    n = 0
    for row in rows:
        value = numbers(row.all(class_="num")[0].text if row.name == "tr" else row.text)[0]
        drawn = end * place(row.one("circle"), "cx")
        if "›" in row.text or "‹" in row.text:
            assert abs(value) > end
            assert abs(drawn) == pytest.approx(end)
        else:
            assert drawn == pytest.approx(value, abs=0.001 * end + 0.011)  # all are rounded
        n += 1
    return n


def levels(uri: str) -> np.ndarray:
    """Steps of the diverging map in a picture, -32 to 32."""
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    return np.asarray(picture, dtype=int) - STEPS


@pytest.fixture(params=["image", "text", "series", "table"])
def cards(request, pages):
    page = read(pages(request.param).read_text())
    return request.param, page.all("article", class_="sample")


def test_the_strongest_features_stand_at_their_values(cards):
    kind, found = cards
    drawn = 0
    for card in found:
        for block in card.all("div", class_="strongest"):
            end = printed_end(block.one("h4").text)
            drawn += dots(block.all("tr"), end)
            whiskers = [place(w, "x1") for w in block.all("line", class_="whisker")]
            assert max(map(abs, whiskers), default=1.0) == pytest.approx(1, abs=0.3)
    assert (drawn > 0) == (kind != "table")


def test_table_columns_share_the_end_that_is_printed_below(pages):
    for card in read(pages("table").read_text()).all("article", class_="sample"):
        end = scale_end(card)
        heads = card.all("thead")[0].all("th")[2:]
        for row in card.all("tbody")[1 if len(card.all("table", class_="pbars")) else 0].all("tr"):
            for head, cell in zip(heads, row.all("td")[1:], strict=True):
                if cell.all("circle"):
                    own = "own maximum" in head.text
                    dots([cell.all("div")[0]], 1.0 if own else end)


def test_colours_of_maps_are_shares_of_the_end_that_is_printed(pages):
    seen = 0
    for card in read(pages("image").read_text()).all("article", class_="sample"):
        for slot in card.all("figure", class_="cell"):
            for kind in ("own", "on-shared"):
                scales = [s.text for s in slot.all("span", class_=kind) if "±" in s.text]
                for drawn in slot.all("div", class_=kind):
                    strongest = numbers(drawn.one("svg", role="img").attributes["aria-label"])[2]
                    share = np.clip(strongest / printed_end(scales[0]), -1, 1)
                    steps = levels(drawn.one("image").attributes["href"])
                    assert np.abs(steps).max() == pytest.approx(abs(STEPS * share), abs=0.6)
                    seen += 1
            if "own maximum" in slot.text:
                assert np.abs(levels(slot.one("image").attributes["href"])).max() == STEPS
    assert seen > 20


def test_colours_of_strips_are_shares_of_the_end_that_is_printed(pages):
    seen = 0
    for card in read(pages("series").read_text()).all("article", class_="sample"):
        for strip in card.all("div", class_="lane"):
            said = re.search(r"strongest [^,]*, ([+\N{MINUS SIGN}][\d.]+)", strip.text)
            if not said:
                continue
            (value,) = numbers(said[1])
            share = value / (1.0 if "own maximum" in strip.text else printed_end(strip.text))
            drawn = [np.abs(levels(i.attributes["href"])).max() for i in strip.all("image")]
            assert max(drawn) == pytest.approx(abs(STEPS * share), abs=0.6)
            seen += 1
    assert seen > 20


def test_words_are_marked_by_their_share_of_the_end_that_is_printed(pages):
    page = read(pages("text").read_text())
    bins, seen = WORD_BINS, 0
    for card in page.all("article", class_="sample"):
        for row in card.all("div", class_="text-row"):
            end = (
                1 if "own maximum" in row.text else printed_end(row.all("p", class_="sub")[0].text)
            )
            for word in row.all("span"):
                if not word.all("sup"):
                    continue
                share = numbers(word.one("sup").text)[0] / end
                kind = word.attributes["class"].split()[0]
                low, high = [*bins, np.inf][int(kind[1]) - 1 : int(kind[1]) + 1]
                assert low - 0.01 <= abs(share) <= high + 0.01
                assert kind[0] == ("f" if share > 0 else "a")
                seen += 1
    assert seen > 20


def test_methods_that_hold_set_the_shared_end_and_each_has_its_own():
    run = sample_runs.bare_run(1, "table")
    first, x = run.explanations[0], np.linspace(-1, 1, len(run.explanations[0].values))

    def made(method: str, size: float, **changes):
        return replace(first, method=method, values=size * x, elements=None, std=None, **changes)

    found = {
        "passed": made("passed", 2.0, unit="log-odds"),
        "failed": made("failed", 10.0, unit="log-odds"),
        "relative": replace(made("relative", 5.0, unit="relative"), std=np.full(len(x), 0.5)),
    }
    named = {"order": tuple(found), "trusted": ("passed",), "lead": "passed"}
    case = Case(SimpleNamespace(run=run, by_sample={run.samples[0].id: found}, **named), 0)
    assert (case.end, case.end_of(found["failed"]), case.end_of(found["relative"])) == (2, 10, 5)
    assert case.shares(found["failed"]) == pytest.approx(x)
    assert case.shared(found["failed"]) == pytest.approx(5 * x)
    assert case.shown(found["failed"]) == pytest.approx(10 * x)
    assert case.shown(found["relative"]) == pytest.approx(x)
    assert case.errors(found["relative"]) == pytest.approx(np.full(len(x), 1.96 * 0.5 / 5))


def test_a_value_beyond_the_scale_is_named_and_one_within_is_not(tmp_path, runs):
    run = runs["table"]
    page = read(write_report(run, tmp_path / "t.html").read_text())
    for card in page.all("article", class_="sample"):
        end = scale_end(card)
        for head in card.all("thead")[0].all("th")[2:]:
            for note in head.all("span", class_="clipped"):
                assert printed_end(note.text) > end


@pytest.mark.parametrize("axis", [(0.0, 1.0), (-3.27, 9.81), (151.2, 151.9), (1034.2, 1034.8)])
def test_levels_of_a_curve_stand_at_their_numbers(axis):
    x = np.linspace(0, 1, 5)
    low, high = axis
    curve = low + (high - low) * x
    page = read(
        curve_panel(x, curve, curve, axis=axis, ticks=[(0.0, "0")], names=("a", "b"), label="l")
    )
    found = [(t.text, float(t.attributes["y"].rstrip("%"))) for t in page.all("text", class_="end")]
    levels = [(numbers(text)[0], y) for text, y in found if numbers(text)]
    assert len(levels) == 3
    for value, y in levels:
        assert value == pytest.approx(high - (high - low) * y / 100, abs=0.002 * (high - low))


def test_a_run_without_an_explanation_prints_no_end(tmp_path):
    run = sample_runs.table_run(12)
    page = read(
        write_report(replace(run, explanations=(), scores=()), tmp_path / "n.html").read_text()
    )
    assert not [p for p in page.all("p") if "Scale end" in p.text]
