"""The page of two runs and what the terminal says of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from report import sample_runs
from report.reading import read
from typer.testing import CliRunner

from xaikit.app.cli import app
from xaikit.report import write_diff
from xaikit.study.run import Run

MADE = {
    "image": lambda: sample_runs.image_run(12),
    "text": lambda: sample_runs.text_run(n=12, long=True),
    "table": lambda: sample_runs.table_run(12),
    "series": lambda: sample_runs.series_run(12, channels=2),
}


def other(run: Run) -> Run:
    """The same samples by a model that sees the first of them the other way round."""
    predictions = run.predictions.copy()
    predictions[0] = predictions[0][::-1]
    explanations = tuple(
        replace(e, values=np.roll(e.values, 1), elements=None) for e in run.explanations
    )
    model = {**run.context["model"], "id": "another"}
    context = {**run.context, "model": model}
    return replace(run, predictions=predictions, explanations=explanations, context=context)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", list(MADE))
def test_the_strongest_change_is_drawn_from_both_sides(tmp_path, kind, language) -> None:
    run = MADE[kind]()
    page = write_diff(run, other(run), tmp_path / "d.html", language)
    tree = read(page.read_text(encoding="utf-8"))
    first = tree.one("section", id="change")
    assert run.samples[0].id in first.text
    assert len(first.all("div", class_="side")) == 2
    rows = tree.one("tbody").all("tr")
    assert len(rows) == len(run.samples)
    assert rows[0].attributes["class"] == "turned"
    assert all("turned" not in row.attributes.get("class", "") for row in rows[1:])


def test_two_runs_of_one_thing_differ_in_nothing(tmp_path) -> None:
    run = MADE["table"]()
    tree = read(write_diff(run, run, tmp_path / "d.html").read_text(encoding="utf-8"))
    assert tree.one("h1").text.endswith("answer alike, and look at the same things")
    assert tree.all("tr", class_="turned") == []


def test_other_reasons_for_the_same_answers_are_the_headline(tmp_path) -> None:
    run = MADE["table"]()
    moved = replace(other(run), predictions=run.predictions)
    tree = read(write_diff(run, moved, tmp_path / "d.html").read_text(encoding="utf-8"))
    assert tree.one("h1").text.endswith("answer alike, and look at different things")


def test_the_command_prints_the_rows_and_refuses_by_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = MADE["table"]()
    run.save("runs/one")
    other(run).save("runs/two")
    sample_runs.text_run(n=3).save("runs/far")
    told = CliRunner().invoke(app, ["diff", "runs/one", "runs/two"]).output
    assert "answer differently on 1 of 12 samples" in told
    assert "evidence lies elsewhere" in told
    assert told.endswith("page: reports/one-two.html\n")
    words = ["diff", "runs/one", "runs/two", "--json", "-o", "d.html", "--language", "ko"]
    found = json.loads(CliRunner().invoke(app, words).output)
    assert found["page"] == "d.html"
    assert found["n"] == 12
    assert found["turns"][0]["answers"] is True
    refused = CliRunner().invoke(app, ["diff", "runs/one", "runs/far"])
    assert "the runs share no sample" in str(refused.exception)
