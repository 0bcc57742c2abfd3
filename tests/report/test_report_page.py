"""The report: safe, offline, ordered, complete when evidence is missing, and true to its run."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from report import sample_runs
from report.reading import card, cards, read

from xaikit.core.errors import DataError, InvalidInput, UnknownName
from xaikit.judge.verdict import verdicts
from xaikit.report import write_comparison, write_index, write_report
from xaikit.report.page import report_page
from xaikit.study.run import Run

KINDS = ("image", "text", "table", "series")
BLOCKS = ["case", "which", "rows", "more"]
FOLDS = ["agreement", "removal", "measures", "place", "missing", "glossary", "provenance"]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_case_stands_first_then_trust_then_the_evidence(pages, kind, language):
    page = read(pages(kind, language).read_text())
    assert page.one("html").attributes["lang"] == language
    assert len(page.all("h1")) == 1
    assert [n.attributes["id"] for n in page.all("section")] == BLOCKS
    folds = [n.attributes["id"] for n in page.one(id="more").all("details") if "id" in n.attributes]
    assert folds == [f for f in FOLDS if f != "place" or kind in ("image", "text")]
    links = [a.attributes["href"] for a in page.one("nav").all("a")]
    assert links == [f"#{b}" for b in BLOCKS[1:]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_map_carries_its_verdict(pages, kind):
    tree = read(pages(kind).read_text())
    for shown in tree.all(class_="one"):
        (found,) = [b.text for b in shown.one("figure").all(class_="badge")]
        assert ": " in found  # the method and what its verdict says
    for article in tree.all("article", class_="sample"):
        slots = [s for c in ("cell", "text-row", "lane") for s in article.all(class_=c)]
        assert all(len(s.all(class_="badge")) == 1 for s in slots)
        assert kind == "table" or len(slots) == len(sample_runs.KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_points_outside_the_file(pages, kind):
    html = pages(kind).read_text()
    bare = re.sub(r"data:image/(png|jpeg);base64,[\w+/=]+|sha256-[\w+/=]+", "", html)
    assert not re.search(r"https?:|//\w|url\((?!#)|@import|<link|<iframe|<form", bare)
    page = read(html)
    for node in page.walk():
        for name in ("src", "href"):
            assert node.attributes.get(name, "#").startswith(("#", "data:image/"))
        assert not any(name.startswith("on") for name in node.attributes)


def test_the_policy_allows_this_script_only(pages):
    html = pages("image").read_text()
    policy = next(
        m.attributes["content"] for m in read(html).all("meta") if "http-equiv" in m.attributes
    )
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    )
    assert f"script-src 'sha256-{digest}';" in policy


@pytest.mark.parametrize("kind", ["text", "table"])
def test_hostile_names_stay_text(tmp_path, kind):
    page = write_report(sample_runs.hostile_run(kind), tmp_path / "x.html")
    html = page.read_text()
    tree = read(html)
    assert len(tree.all("script")) == 1
    assert "alert" not in tree.one("script").children[0]
    assert not any("onerror" in n.attributes or "onmouseover" in n.attributes for n in tree.walk())
    assert not [n for n in tree.all("img") if n.attributes.get("src") == "x"]
    assert sample_runs.HOSTILE in tree.text
    assert "{{ 7 * 7 }}" in tree.text
    assert not re.search(r"\b49 [0-5]\b", tree.text)  # a template in a name is not run
    assert sample_runs.RIGHT_TO_LEFT in tree.text


def test_many_classes_show_the_likeliest_five_and_the_true_one(tmp_path):
    run = sample_runs.hostile_run("table")
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    rows = card(tree, 0).one("table", class_="pbars").all("tr")
    assert len(rows) == 7
    assert rows[-1].text.startswith("94 others")


def test_the_matrix_repeats_the_verdicts(pages, runs):
    tree = read(pages("image").read_text())
    given = {v.method: v for v in verdicts(runs["image"])}
    order = ("use", "weaker", "unsettled", "not_tested", "failed", "control")
    titles = {k.title: k.name for k in sample_runs.KINDS}
    seen = []
    for row in tree.one(id="which").all("details"):
        verdict = given[titles[row.one(class_="n").text]]
        (kind,) = [b.attributes["class"].split()[-1] for b in row.all(class_="badge")]
        assert kind == verdict.status
        seen.append(order.index(kind))
        for c in verdict.checks:
            assert c.sentence in row.one(class_="why").text
        if verdict.share is not None:
            text = f"{100 * max(verdict.share, 0):.0f}\u00a0%"
            assert row.one(class_="share").text.endswith(text)
    assert seen == sorted(seen)
    assert {"use", "weaker", "unsettled", "control"} <= {v.status for v in given.values()}


def test_three_lines_name_what_to_use_and_what_not(pages, runs):
    lines = read(pages("image").read_text()).one("ul", class_="says").all("li")
    told = {li.one(class_="badge").attributes["class"].split()[-1]: li.text for li in lines}
    titles = {k.name: k.title for k in sample_runs.KINDS}
    for verdict in verdicts(runs["image"]):
        kind = "use" if verdict.status == "weaker" else verdict.status
        if kind != "control":
            assert titles[verdict.method] in told[kind]
    assert f"This page shows {titles[runs['image'].choice().shown]}." in told["use"]


def test_the_method_shown_stands_first_then_the_largest_gain(runs):
    found = {v.method: v for v in verdicts(runs["image"])}
    rows = [found[r["method"]] for r in report_page(runs["image"])["choice"]["rows"]]
    assert rows[0].method == runs["image"].choice().shown
    for status in {v.status for v in rows}:
        shares = [v.share for v in rows[1:] if v.status == status]
        known = [s for s in shares if s is not None]
        assert known == sorted(known, reverse=True)


def test_numbers_of_a_card_are_those_of_the_run(pages, runs):
    run: Run = runs["table"]
    tree = read(pages("table").read_text())
    table = card(tree, 1).one("table", class_="numbers")
    heads = [h.text for h in table.one("thead").all("th")][1:]
    titles = {k.title: k.name for k in sample_runs.KINDS}
    mine = {e.method: e for e in run.explanations if e.sample_id == run.samples[1].id}
    for row in table.all("tbody")[0].all("tr"):
        feature = row.all("th")[0].text.strip()
        for head, cell in zip(heads, row.all("td"), strict=True):
            e = mine[titles[head]]
            value = e.values[e.names.index(feature)]
            if e.unit == "relative":
                value = value / np.abs(e.values).max()
            printed = float(cell.text.split("±")[0].replace("\u2212", "-").replace("+", ""))
            assert printed == pytest.approx(value, abs=0.00501)


def test_probabilities_are_those_of_the_run(pages, runs):
    run: Run = runs["image"]
    tree = read(pages("image").read_text())
    first = card(tree, 2).one("table", class_="pbars").all("tr")[0]
    best = int(run.predictions[2].argmax())
    assert first.one("th").text == str(best)
    assert first.one("td", class_="num").text == f"{100 * run.predictions[2, best]:.0f}\u00a0%"


def test_areas_of_the_removal_test_are_paired_with_random(runs):
    run = runs["series"]
    area = {
        (s.of["method"], s.of["sample"]): s.value
        for s in run.scores
        if s.metric == "deletion" and s.of["masker"] == sample_runs.MASKERS[0]
    }
    gain = np.mean([area["random", s.id] - area["occlusion", s.id] for s in run.samples])
    panels = report_page(run)["folds"]["removal"]["panels"]
    panel = next(p for p in panels if p["title"] == "Occlusion")
    assert panel["curves"][0]["area"].startswith(f"area between +{gain:.2f} [")


def test_agreement_is_read_against_its_ceiling(runs):
    run = runs["image"]
    found = {}
    for s in run.scores:
        if s.metric == "spearman":
            found.setdefault((s.of["a"], s.of["b"]), []).append(s.value)
    mean = {k: float(np.mean(v)) for k, v in found.items()}
    matrix = report_page(run)["folds"]["agreement"]["matrices"][0]
    i, j = matrix["names"].index("Integrated gradients"), matrix["names"].index("SHAP")
    cell = matrix["rows"][i]["cells"][j]
    ceiling = np.sqrt(mean["integrated_gradients", "integrated_gradients"] * mean["shap", "shap"])
    assert cell["text"] == f"{mean['integrated_gradients', 'shap']:.2f}"
    assert cell["ceiling"] == f"{ceiling:.2f}"
    assert matrix["rows"][i]["cells"][i]["itself"]


def test_known_places_are_told_of_every_method(runs):
    place = report_page(runs["image"])["folds"]["place"]
    assert place["name"] == "the true digit's box"
    size = np.mean([s.rationale.mean() for s in runs["image"].samples])
    assert place["size"] == f"{100 * size:.0f}\u00a0%"
    assert len(place["rows"]) == len(sample_runs.KINDS)  # controls too


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_evidence_says_so(tmp_path, kind):
    tree = read(write_report(sample_runs.bare_run(1, kind), tmp_path / "x.html").read_text())
    which = tree.one(id="which")
    badges = [b.text for b in which.all(class_="badge")]
    assert set(badges) <= {"? Not yet tested", "◇ Control"}
    assert "? Not yet tested" in badges
    assert "one sample, which settles nothing" in which.text
    assert "[" not in which.text  # no interval for one sample
    assert "Use it" not in tree.text


def test_a_run_in_which_everything_failed_names_the_reasons(tmp_path):
    tree = read(write_report(sample_runs.failed_run(), tmp_path / "x.html").read_text())
    assert "No method gave an explanation" in tree.one(id="which").text
    rows = tree.one(id="missing").one("tbody").all("tr")
    assert len(rows) == len(sample_runs.KINDS)
    assert "SHAP needs a gradient and 'digits-cnn' has none." in rows[2].text


def test_a_stopped_method_keeps_its_place_with_the_way_out(pages):
    tree = read(pages("image").read_text())
    slots = card(tree, 0).all("figure", class_="cell")
    assert len(slots) == len(sample_runs.KINDS)
    gone = next(s for s in slots if s.all(class_="gone"))
    assert gone.all("b")[0].text == "SHAP"
    assert "Stopped: time limit of 60 s reached" in gone.text
    assert "--time-limit 120" in gone.text


def test_an_empty_map_is_not_stretched(tmp_path):
    run = sample_runs.image_run(2)
    first = replace(run.explanations[0], values=np.zeros(64))
    run = replace(run, explanations=(first, *run.explanations[1:]))
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    slot = next(
        m
        for m in card(tree, 0).all("figure", class_="cell")
        if m.all("b")[0].text == "Integrated gradients"
    )
    assert "No patch changed the answer" in slot.text
    assert not slot.all("image")


def test_estimates_that_did_not_converge_say_so_wherever_they_are(pages, runs):
    tree = read(pages("text").read_text())
    open_ = [e for e in runs["text"].explanations if e.converged is False]
    assert {e.method for e in open_} == {"shap"}
    in_cards = [c.text for x in tree.all("article") for c in x.all(class_="note-chip")]
    assert in_cards == len(open_) * ["not converged"]
    every = f"not converged: {len(open_)} of {len(runs['text'].samples)} samples"
    for section in ("which", "removal", "agreement"):
        chips = [c.text for c in tree.one(id=section).all(class_="note-chip")]
        assert chips, section
        assert set(chips) == {every}, section
    (row,) = [r for r in tree.one(id="which").all("details") if r.one(class_="n").text == "SHAP"]
    assert every in row.text


def test_values_whose_interval_holds_zero_are_faint(runs):
    page = report_page(runs["table"])
    table = cards(page)[0]["table"]
    e = next(x for x in runs["table"].explanations if x.method == "lime")
    column = table["methods"].index("lime")
    for row in table["rows"]:
        i = e.names.index(row["name"])
        assert ("faint" in row["cells"][column]["chart"]) == (abs(e.values[i]) < 1.96 * e.std[i])


def test_words_keep_their_order_and_carry_bins(pages, runs):
    row = card(read(pages("text").read_text()), 0).all(class_="text-row")[0]
    marked = {
        n.children[0].rstrip("\u2060"): n.attributes["class"]
        for n in row.one("div", class_="words").all("span")
    }
    assert marked["barely"] == "f3"
    assert marked["sharp"].startswith("a")
    words = row.one("div", class_="words").text.replace("\u2060", "")
    assert (
        re.sub(r"[+\u2212][\d.]+", "", words)
        .strip()
        .startswith("The screen is sharp and the keyboard feels solid, but")
    )


def test_long_texts_fold_what_carries_nothing(tmp_path):
    run = sample_runs.text_run(long=True, n=1, evidence=False)
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    folds = card(tree, 0).all(class_="text-row")[0].all("details")
    assert folds
    n, total = re.match(
        r"(\d+) words, each below 0.05 of the scale \(sum ([+\u2212]?[\d.]+)\)",
        folds[0].one("summary").text,
    ).groups()
    assert int(n) >= 12
    assert abs(float(total.replace("\u2212", "-"))) < 0.05 * 2.06 * int(n)
    assert len(folds[0].text.split(")")[-1].split()) == int(n)


def test_sixteen_pictures_and_eight_methods_stay_small(tmp_path):
    kinds = (
        *sample_runs.KINDS,
        replace(sample_runs.KINDS[0], name="smoothgrad", title="SmoothGrad"),
    )
    run = sample_runs.make_run(
        sample_runs.digit_samples(16),
        sample_runs.patches,
        sample_runs.stroke_truth,
        [str(i) for i in range(10)],
        kinds=kinds,
    )
    assert write_report(run, tmp_path / "x.html").stat().st_size < 700_000


def test_large_runs_show_sixteen_cards_and_say_how_they_were_chosen(tmp_path):
    tree = read(
        write_report(sample_runs.image_run(24, evidence=False), tmp_path / "x.html").read_text()
    )
    assert len(tree.all("article")) == 16
    assert "16 of 24 samples are shown" in tree.text
    assert len(tree.all("article", class_="wrong")) == 6
    assert len(tree.one(id="case").all("input")) == 16


def test_the_same_run_gives_the_same_bytes(tmp_path, runs):
    folder = runs["image"].save(tmp_path / "run")
    one = write_report(runs["image"], tmp_path / "a.html").read_bytes()
    two = write_report(Run.load(folder), tmp_path / "b.html").read_bytes()
    assert one == two
    assert b"run/: every figure here" in write_report(folder, tmp_path / "c.html").read_bytes()


def test_a_failed_page_leaves_the_old_one(tmp_path, runs):
    out = tmp_path / "x.html"
    out.write_text("old")
    with pytest.raises(DataError, match="holds no sample"):
        write_report(replace(runs["image"], samples=()), out)
    with pytest.raises(UnknownName, match="no language 'fr'; use one of en, ko"):
        write_report(runs["image"], out, "fr")
    with pytest.raises(InvalidInput, match="is a folder; give the report a file name"):
        write_report(runs["image"], tmp_path)
    assert out.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.html"]


def test_the_other_two_pages(tmp_path):
    tree = read(write_comparison(sample_runs.comparison(3), tmp_path / "c.html").read_text())
    assert len(tree.all("h1")) == 1
    assert [b.text for b in tree.one(id="claims").all(class_="badge")] == ["◐ Held in part"]
    assert len(tree.one(id="pairs").one("table", class_="ct2").one("tbody").all("tr")) == 4
    with pytest.raises(DataError, match="it needs two models or more, and a pair in 'asked'"):
        write_comparison({"title": "t", "models": []}, tmp_path / "e.html")
    entries = [
        {
            "title": sample_runs.HOSTILE,
            "href": "javascript:alert(1)",
            "modality": "image",
            "quality": {"metric": "accuracy", "value": 0.981},
            "n": 16,
        }
    ]
    tree = read(write_index(entries, tmp_path / "i.html", "ko").read_text())
    link = tree.one("main").one("a")
    assert link.attributes["href"] == "./javascript%3Aalert(1)"
    assert "정확도 98.1\u00a0%" in tree.text


def test_the_report_needs_no_torch_method_or_metric():
    code = (
        "import sys, xaikit.report, xaikit.report.figures\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('torch', 'shap', 'lime', 'captum', 'matplotlib')"
        " or m.startswith(('xaikit.methods', 'xaikit.metrics', 'xaikit.models'))]\n"
        "sys.exit(' '.join(bad) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
