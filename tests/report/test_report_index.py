"""The page that shows several runs: what each card says, and in which order."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from report import sample_runs
from report.reading import Node, read
from typer.testing import CliRunner

from xaikit.app.cli import app
from xaikit.report import write_index
from xaikit.report.index_card import errors_of
from xaikit.study.run import Run


def with_quality(run: Run, name: str, value: float, n: int) -> Run:
    quality = {
        "metric": "accuracy",
        "value": value,
        "interval": [value - 0.02, value + 0.01],
        "n": n,
    }
    model = {**run.context["model"], "id": name, "quality": quality}
    return replace(run, context={**run.context, "model": model})


def cards(tree: Node) -> list[Node]:
    return tree.all("li", class_="run")


def facts(card: Node) -> dict[str, str]:
    names, values = card.all("dt"), card.all("dd")
    return {n.text: " ".join(v.text.split()) for n, v in zip(names, values, strict=True)}


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Node:
    few = with_quality(sample_runs.table_run(12), "few", 0.98, 1500)
    many = with_quality(sample_runs.image_run(12), "many", 0.9, 400)
    entries = [
        {"run": few, "href": "few.html"},
        {"title": "Trees or a net?", "href": "both.html", "modality": "comparison"},
        {"run": many, "href": "many.html"},
    ]
    out = tmp_path_factory.mktemp("index") / "index.html"
    return read(write_index(entries, out).read_text(encoding="utf-8"))


def test_most_errors_come_first_and_what_is_no_run_last(index) -> None:
    links = [card.one("a").attributes["href"] for card in cards(index)]
    assert links == ["many.html", "few.html", "both.html"]
    assert index.one("h1").text == "Two models, and what each one looks at"
    assert "xaikit diff RUN_A RUN_B" in index.text


def test_a_card_says_what_was_found_how_good_the_model_is_and_what_to_use(index) -> None:
    many, few, other = cards(index)
    assert many.one("h2").text == "many gives the marked places more weight than chance would"
    assert facts(many) == {
        "Run": "many on digits",
        "Right": "90.0 % (88.0 to 91.0)",
        "Errors": "40 of 400",
        "Explanation": "SHAP or two others",
    }
    assert facts(few)["Errors"] == "30 of 1,500"
    assert other.all("dl") == []
    assert other.one("p", class_="kicker").text == "Machine learning and deep learning"


def test_a_card_shows_its_worst_case(index) -> None:
    many, few, _ = cards(index)
    (picture,) = many.all("svg", role="img")
    assert picture.attributes["aria-label"].startswith("the case ")
    assert len(few.all("span", class_="bar")) == 5


@pytest.mark.parametrize("kind", ["text", "series"])
def test_words_and_signals_are_shown_in_small(tmp_path, kind) -> None:
    run = {"text": sample_runs.text_run(n=12, long=True), "series": sample_runs.series_run(12)}[
        kind
    ]
    page = write_index([{"run": run, "href": "a.html"}], tmp_path / "i.html")
    (card,) = cards(read(page.read_text(encoding="utf-8")))
    if kind == "text":
        words = card.one("p", class_="words")
        assert words.all("mark")
        assert len(words.text.split()) <= 14
    else:
        assert len(card.all("svg", class_="wave")) == 1


def test_errors_are_counted_where_answers_can_be_wrong() -> None:
    run = sample_runs.table_run(3)
    assert errors_of(with_quality(run, "a", 2 / 3, 3)) == 1
    model = {**run.context["model"], "quality": {"metric": "r2", "value": 0.5, "n": 10}}
    assert errors_of(replace(run, context={**run.context, "model": model})) == 0
    assert errors_of(replace(run, context={})) == 0


def test_the_command_writes_a_page_a_run_and_the_index(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample_runs.table_run(3).save("runs/one")
    sample_runs.text_run(n=3).save("runs/two")
    done = CliRunner().invoke(app, ["index", "runs/one", "runs/two", "-o", "out/index.html"])
    assert done.output == "page: out/index.html\n"
    tree = read((tmp_path / "out/index.html").read_text(encoding="utf-8"))
    for card in cards(tree):
        assert (tmp_path / "out" / card.one("a").attributes["href"]).exists()
    assert json.dumps(sorted(p.name for p in (tmp_path / "out").iterdir())) == (
        '["index.html", "one.html", "two.html"]'
    )
