"""The sheet for the person that an answer is about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report import sample_runs
from report.reading import Node, read
from typer.testing import CliRunner

from xaikit.app.cli import app
from xaikit.core.errors import InvalidInput
from xaikit.report import write_letters
from xaikit.report.letter import letter_page
from xaikit.study.run import Run

RUN = sample_runs.table_run(12)
FLIP = {
    "kind": "change", "sample": RUN.samples[0].id, "features": [], "removed": None,
    "changes": [{"name": "age", "before": 30.0, "after": 31.0}, {"name": "job", "before": "A", "after": "B"}],
    "after": RUN.predictions[0][::-1].tolist(), "smallest": True, "told": [{"key": "flip.none", "numbers": {}}],
    "others": [],
}  # fmt: skip


def sheets(run: Run, tmp_path, language: str = "en", **options) -> list[Node]:
    page = write_letters(run, tmp_path / "l.html", language, **options)
    return read(page.read_text(encoding="utf-8")).all("article")


def with_flips(run: Run, *flips) -> Run:
    return replace(run, context={**run.context, "flips": list(flips)})


def test_each_case_has_a_sheet_and_one_alone_can_be_asked_for(tmp_path) -> None:
    assert len(sheets(RUN, tmp_path)) == 12
    (only,) = sheets(RUN, tmp_path, sample=RUN.samples[3].id)
    assert RUN.samples[3].id in only.text
    with pytest.raises(InvalidInput) as refused:
        letter_page(RUN, sample="nobody")
    ids = ", ".join(s.id for s in RUN.samples[:3])
    assert str(refused.value) == f"the run has no sample 'nobody'; it holds {ids}, ...."


def test_reasons_are_the_strongest_for_the_answer_with_their_columns(tmp_path) -> None:
    case = letter_page(RUN)["letters"][0]
    lead = next(e for e in RUN.of(RUN.choice().shown) if e.sample_id == RUN.samples[0].id)
    sign = 1 if lead.target.index == RUN.predictions[0].argmax() else -1
    order = np.argsort(-sign * lead.values, kind="stable")
    assert [int(r["code"]) - 1 for r in case["for"]] == order[: len(case["for"])].tolist()
    assert case["for"][0]["text"].startswith(lead.names[order[0]])
    assert 1 <= len(case["for"]) <= 4
    assert len(case["against"]) <= 2
    (sheet, *_) = sheets(RUN, tmp_path)
    assert f"(reason {case['for'][0]['code']})" in sheet.text


def test_what_speaks_against_the_one_class_speaks_for_the_other() -> None:
    predictions = RUN.predictions.copy()
    predictions[0] = predictions[0][::-1]
    turned = letter_page(replace(RUN, predictions=predictions))["letters"][0]
    case = letter_page(RUN)["letters"][0]
    assert turned["for"][0] == case["against"][0]
    assert turned["against"][0] == case["for"][0]


def test_what_would_have_changed_it_is_said_with_all_else_the_same(tmp_path) -> None:
    first, second, third = sheets(
        with_flips(RUN, FLIP, {"sample": RUN.samples[1].id, "told": [], "refused": "no"}), tmp_path
    )[:3]
    other = RUN.context["model"]["classes"][1 - RUN.predictions[0].argmax()]
    said = f"If age had been 31 instead of 30 and job had been B instead of A, and all else the same, the answer would have been {other}."
    assert said in first.text
    assert "No small change that was tried would have led to another answer." in second.text
    assert "This was not looked into." in third.text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_sheet_says_what_the_model_cannot_know_and_what_it_explains(tmp_path, language) -> None:
    told = {
        "en": (
            "the model, not the world",
            "did not pass every check",
            "It knows nothing else of you",
        ),
        "ko": ("세상이 아니라 모델을", "모든 점검을 통과하지 못했습니다", "아무것도 모릅니다"),
    }
    world, unproved, unknown = told[language]
    for sheet in sheets(RUN, tmp_path, language):
        assert world in sheet.text
        assert unknown in sheet.text
        assert unproved not in sheet.text
    assert unproved in sheets(replace(RUN, scores=()), tmp_path, language)[0].text


@pytest.mark.parametrize(
    ("right", "said"),
    [(0.68, "one answer in three"), (0.9, "one answer in 10"), (0.4, "one answer in two"), (0.99, "seldom wrong"), (1.0, "seldom wrong")],
)  # fmt: skip
def test_how_often_it_is_wrong_is_said_as_one_in_so_many(tmp_path, right, said) -> None:
    quality = {**RUN.context["model"]["quality"], "metric": "accuracy", "value": right}
    model = {**RUN.context["model"], "quality": quality}
    run = replace(RUN, context={**RUN.context, "model": model})
    assert said in sheets(run, tmp_path)[0].text


@pytest.mark.parametrize(
    ("p", "said"), [(0.97, "It was sure"), (0.8, "fairly sure"), (0.6, "close decision")]
)
def test_how_sure_it_was_is_said_in_a_word(tmp_path, p, said) -> None:
    predictions = RUN.predictions.copy()
    predictions[0] = (p, 1 - p)
    assert said in sheets(replace(RUN, predictions=predictions), tmp_path)[0].text


@pytest.mark.parametrize("kind", ["image", "text", "series"])
def test_other_data_are_drawn_and_named_in_words(tmp_path, kind) -> None:
    run = {
        "image": lambda: sample_runs.image_run(12),
        "text": lambda: sample_runs.text_run(n=12),
        "series": lambda: sample_runs.series_run(12),
    }[kind]()
    e = run.explanations[0]
    flip = {**FLIP, "kind": "removal", "sample": run.samples[0].id, "changes": [], "removed": [0]}
    flip |= {"features": [e.names[0]], "after": run.predictions[0][::-1].tolist()}
    (sheet, *_) = sheets(with_flips(run, flip), tmp_path)
    assert sheet.all("div", class_="pic")
    assert "Without " in sheet.text
    assert "(reason" not in sheet.text


def test_a_command_writes_them(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    RUN.save("runs/one")
    words = ["report", "runs/one", "--reader", "person", "--language", "ko"]
    assert CliRunner().invoke(app, words).output == "report: reports/one-person.html\n"
    refused = CliRunner().invoke(app, ["report", "runs/one", "--reader", "boss"]).exception
    assert str(refused) == "--reader is boss; give expert or person."
    refused = CliRunner().invoke(app, ["report", "runs/one", "--sample", "a"]).exception
    assert str(refused) == "--sample is a and belongs to --reader person; add it."
