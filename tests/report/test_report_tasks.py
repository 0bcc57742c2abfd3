"""The page tells what each task predicts: labels of their own, several values, what was found out."""

from __future__ import annotations

import numpy as np
import pytest
from report.reading import card, read
from scipy.special import expit, softmax

from xaikit.core.types import Sample, Target
from xaikit.models import wrap
from xaikit.report import write_report
from xaikit.study.study import study

ROWS = np.random.default_rng(0).normal(size=(20, 4))
W = np.array([[4.0, 3.0, 0, 0], [0, 0, -3.0, 2.0], [-2.0, 1.0, 0, -4.0], [1.0, 0, 0.5, 0]])
NAMES = ("cat", "dog", "owl", "fox")
X = np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [0, 1.0, 0, 0]])  # logits are the rows of W


def page(model, samples, tmp_path, language="en", **asked):
    run = study(model, samples, methods=["occlusion", "shap"], metrics="fast", **asked)
    assert not run.failures
    return read(
        write_report(run, tmp_path / "page.html", language=language).read_text("utf-8")
    ), run


def of_labels(**given):
    return wrap(
        lambda x: x @ W, modality="table", classes=NAMES, background=ROWS,
        outputs="multilabel_logits", **given,
    )  # fmt: skip


LABELLED = [
    Sample("both", X[0], "table", label={0, 1}),
    Sample("none", X[1], "table", label=set()),
    Sample("wrong", X[2], "table", label={0}),
]


def test_the_page_of_several_labels(tmp_path) -> None:
    found, run = page(of_labels(), LABELLED, tmp_path)
    shown = {name: card(found, i) for i, name in enumerate(("both", "none", "wrong"))}
    said = [c.one(class_="what").text for c in shown.values()]
    assert "Labels read: cat and dog, all correct" in said[0]
    assert "Labels read: none, all correct" in said[1]
    assert "Wrong: labels read: fox, true: cat" in said[2]
    assert "explained: log-odds of 'cat'" in said[0]  # two were predicted: which one is told
    bars = {
        r.one("th").text: r.one("td", class_="num").text
        for r in shown["both"].one("table", class_="pbars").all("tr")
    }
    p = expit(X[0] @ W)
    assert bars["cat"] == f"{100 * p[0]:.0f}\u00a0%"  # not a share of all
    assert bars["dog"] == f"{100 * p[1]:.0f}\u00a0%"
    assert bars["1 other"].startswith("≤ ")
    assert "cat · true" in shown["wrong"].one("table", class_="pbars").text
    assert "several labels can hold, each with its own probability" in found.text
    assert "wrong predictions: 1 of 3" in found.text
    assert run.predictions.sum(axis=1) == pytest.approx(expit(X @ W).sum(axis=1))


def test_labels_that_have_no_bar_are_told_by_the_largest(tmp_path) -> None:
    logits = np.array([4.0, 3.0, 2.0, -0.5, -1.0, -2.0])  # the last three have no bar
    model = wrap(
        lambda x: x[:, :1] * logits, modality="table", classes=tuple("abcdef"), background=ROWS,
        outputs="multilabel_logits",
    )  # fmt: skip
    found, _ = page(model, [Sample("s", X[0], "table")], tmp_path)
    bars = {
        r.one("th").text: r.one("td", class_="num").text
        for r in found.one("table", class_="pbars").all("tr")
    }
    assert bars["3 others"] == f"\N{LESS-THAN OR EQUAL TO} {100 * expit(-0.5):.0f}\u00a0%"


def test_the_page_of_several_labels_in_korean(tmp_path) -> None:
    found, _ = page(of_labels(), LABELLED, tmp_path, language="ko")
    assert "판독한 레이블: cat, dog, 모두 정답" in found.text
    assert "여러 레이블이 함께 성립할 수 있으며" in found.text


def test_the_page_of_several_values(tmp_path) -> None:
    model = wrap(lambda x: x @ W, modality="table", background=ROWS, names=NAMES)
    samples = [Sample("a", X[0], "table", label=(1, 2, 3, 4)), Sample("b", X[1], "table")]
    found, _ = page(model, samples, tmp_path, target="dog")
    assert (
        "Predicted cat 4 (true 1), dog 3 (true 2), owl 0 (true 3) and fox 0 (true 4)" in found.text
    )
    assert "Predicted value of dog" in found.text
    assert "explained: predicted value of 'dog'" in found.text
    assert not found.all("table", class_="pbars")
    assert "wrong" not in card(found, 0).attributes["class"]


def test_the_page_says_what_the_numbers_were_taken_for(tmp_path) -> None:
    told = {"outputs": "probabilities"}
    for given, said in (({}, True), (told, False)):
        model = wrap(
            lambda x: softmax(x @ W, axis=1),
            modality="table",
            classes=NAMES,
            background=ROWS,
            **given,
        )
        found, _ = page(model, [Sample("a", X[0], "table")], tmp_path)
        assert ("outputs were found to be probabilities" in found.text) == said


def test_curves_of_values_of_a_classifier_are_not_cut_at_1(tmp_path) -> None:
    model = wrap(lambda x: x @ W, modality="table", classes=NAMES, background=ROWS)
    samples = [Sample(f"s{i}", x, "table") for i, x in enumerate(X)]
    found, _ = page(model, samples, tmp_path, target=Target(0, space="value"))
    assert "mean predicted value" in found.text
    assert "score of 'cat'" in found.text
