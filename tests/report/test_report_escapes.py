"""Whatever came from a file, a model or a person is text on every page, and never markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report import sample_runs
from report.reading import Node, card, read

from xaikit.core.types import Segmentation
from xaikit.report import write_comparison, write_diff, write_index, write_letters, write_report
from xaikit.study.run import Run

CODES = (
    "modality",
    "key",
    "verdict",
    "family",
    "kind",
    "split",
    "metric",
    "word",
    "shown",
    "inputs",
)  # words of the program itself


def evil(text: str) -> str:
    """The text, then what leaves a quoted attribute and opens an element."""
    return f"{text}\"'><evil>{text}</evil>&amp;"


def marked(value: Any, key: str = "") -> Any:
    """Every text of a nested value made evil, but for the program's own words."""
    if isinstance(value, str):
        return value if key in CODES else evil(value)
    if isinstance(value, Mapping):
        keys = (evil(k) if key in ("shares", "lines", "rest") else k for k in value)
        return {
            k: marked(v, str(old)) for k, old, v in zip(keys, value, value.values(), strict=True)
        }
    if isinstance(value, (list, tuple)):
        return [marked(v, key) for v in value]
    return value


def marked_run(run: Run) -> Run:
    """The run with every name in it made evil: samples, words, features, classes, maskers, reasons."""
    segmentations: dict[int, Segmentation] = {}

    def of(scored: Mapping[str, Any]) -> dict[str, Any]:
        return {k: evil(str(v)) if k in ("sample", "masker") else v for k, v in scored.items()}

    def segmentation(s: Segmentation) -> Segmentation:
        names = tuple(map(evil, s.names))
        return segmentations.setdefault(id(s), Segmentation(s.ids, names, evil(s.source)))

    return replace(
        run,
        samples=tuple(
            replace(
                s,
                id=evil(s.id),
                x=np.array([evil(str(w)) for w in s.x]) if s.modality == "text" else s.x,
            )
            for s in run.samples
        ),
        explanations=tuple(
            replace(
                e, sample_id=evil(e.sample_id), model_id=evil(e.model_id), masker=evil(e.masker),
                note=evil("a note"), segmentation=segmentation(e.segmentation),
            )
            for e in run.explanations
        ),
        scores=tuple(replace(s, of=of(s.of), note=evil(s.note)) for s in run.scores),
        failures=tuple(
            replace(f, model_id=evil(f.model_id), sample_id=evil(f.sample_id), reason=evil(f.reason), remedy=evil(f.remedy))
            for f in run.failures
        ),
        environment=marked(run.environment),
        context=marked(run.context),
    )  # fmt: skip


MADE = {
    "image": lambda: sample_runs.image_run(12),
    "text": lambda: sample_runs.text_run(n=12, long=True),
    "table": lambda: sample_runs.table_run(12),
    "series": lambda: sample_runs.series_run(12, channels=2),
}
SHOWN = {  # names that must be seen on the page, made evil
    "image": ("0", "row 1, col 1", "--time-limit 120", "time limit of 60 s reached"),
    "text": ("review 1042", "barely", "town", "negative"),
    "table": ("patient row 200", "Mean radius", "malignant", "Korea", "mm"),
    "series": ("recording 50", "lead 1", "ch 1, steps 0-9", "ventricular beat", "s"),
}
ALWAYS = (
    "digits-cnn", "a note", *sample_runs.MASKERS, "CPU", "Linux x86_64", "A. Author et al. 2017",
)  # fmt: skip
OWN = {  # what a page says of a method by itself, in a language that knows the method
    "en": ("SHAP", "Two features that say the same cover for each other."),
    "ko": (),
}


def opened(tree: Node) -> list[str]:
    """Elements that a text opened, and attributes of names that no page has."""
    attributes = {a for n in tree.walk() for a in n.attributes}
    return [n.name for n in tree.all("evil")] + sorted(a for a in attributes if "<" in a)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", list(MADE))
def test_no_text_of_a_run_opens_an_element(tmp_path, kind, language) -> None:
    run = marked_run(MADE[kind]())
    tree = read(write_report(run, tmp_path / "x.html", language).read_text(encoding="utf-8"))
    assert opened(tree) == []
    seen = tree.text
    for name in (*SHOWN[kind], *ALWAYS, *OWN[language]):
        assert f"<evil>{name}</evil>&amp;" in seen, name


def test_words_that_are_folded_away_are_text_too(tmp_path) -> None:
    run = marked_run(sample_runs.text_run(n=1, long=True, evidence=False))
    tree = read(write_report(run, tmp_path / "x.html").read_text(encoding="utf-8"))
    folds = card(tree, 0).all("details", class_="gap-fold")
    assert folds
    assert all("<evil>" in fold.text for fold in folds)
    assert opened(tree) == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_text_of_a_comparison_opens_an_element(tmp_path, language) -> None:
    found = marked(sample_runs.comparison(3))
    for mine, plain in zip(found["claims"], sample_runs.comparison(3)["claims"], strict=True):
        mine["id"] = plain["id"]  # a word of the program
    tree = read(write_comparison(found, tmp_path / "x.html", language).read_text(encoding="utf-8"))
    assert opened(tree) == []
    for name in (
        "Boosted trees", "Neural network", "It is cheap.", "Worst area", "malignant", "benign",
        "Breast cell nuclei", "2 × 5-fold, same folds", "Wisconsin",
        "xaikit compare --data breast_cancer --models boosting,mlp",
    ):  # fmt: skip
        assert f"<evil>{name}</evil>&amp;" in tree.text, name


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", list(MADE))
def test_no_text_of_a_run_opens_an_element_on_the_index(tmp_path, kind, language) -> None:
    entry = {"run": marked_run(MADE[kind]()), "href": "a.html"}
    tree = read(write_index([entry], tmp_path / "i.html", language).read_text(encoding="utf-8"))
    assert opened(tree) == []
    assert "<evil>digits-cnn</evil>&amp;" in tree.text


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", list(MADE))
def test_no_text_of_two_runs_opens_an_element(tmp_path, kind, language) -> None:
    run = marked_run(MADE[kind]())
    page = write_diff(
        run, replace(run, predictions=run.predictions[:, ::-1]), tmp_path / "d.html", language
    )
    tree = read(page.read_text(encoding="utf-8"))
    assert opened(tree) == []
    assert "<evil>digits-cnn</evil>&amp;" in tree.text


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", list(MADE))
def test_no_text_of_a_letter_opens_an_element(tmp_path, kind, language) -> None:
    run = MADE[kind]()
    change = {"name": "c", "before": "a", "after": "b"}
    flip = {
        "kind": "change", "sample": run.samples[0].id, "features": [], "removed": None, "changes": [change],
        "after": run.predictions[0][::-1].tolist(), "smallest": True, "told": [{"key": "x", "numbers": {}}],
        "others": [],
    }  # fmt: skip
    run = marked_run(replace(run, context={**run.context, "flips": [flip]}))
    tree = read(write_letters(run, tmp_path / "l.html", language).read_text(encoding="utf-8"))
    assert opened(tree) == []
    for name in ("digits-cnn", run.samples[0].id.split('"')[0], "a", "b", "c"):
        assert f"<evil>{name}</evil>&amp;" in tree.text, name


def test_no_text_of_the_index_opens_an_element(tmp_path) -> None:
    entry = {"title": "t", "href": "a.html", "summary": "s", "model": "m", "facts": ["f"]}
    tree = read(write_index([marked(entry)], tmp_path / "i.html").read_text(encoding="utf-8"))
    assert opened(tree) == []
    for name in ("t", "s", "m", "f"):
        assert f"<evil>{name}</evil>&amp;" in tree.text
