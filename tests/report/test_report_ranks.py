"""Ranks over the samples, their diagram, and how unreal the removals are."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from report import sample_runs
from report.reading import read

from xaikit.core.stats import friedman_nemenyi
from xaikit.report.charts import position
from xaikit.report.page import report_page
from xaikit.report.rank_chart import joined
from xaikit.study.run import Run

MASKERS = sample_runs.MASKERS
REAL = [k.name for k in sample_runs.KINDS if not k.control]
TITLES = {k.name: k.title for k in sample_runs.KINDS}


def srg_table(run: Run, methods: list[str]) -> np.ndarray:
    found = {
        (s.of["method"], s.of["sample"]): s.value
        for s in run.scores
        if s.metric == "srg" and s.of["masker"] == MASKERS[0]
    }
    return np.array([[found[m, s.id] for m in methods] for s in run.samples])


def test_ranks_are_those_of_friedman_and_nemenyi(pages, runs):
    run, methods = runs["table"], list(TITLES)
    table = srg_table(run, methods)
    test = scipy.stats.friedmanchisquare(*table.T)
    k, n = len(methods), len(run.samples)
    cd = 2.949 * np.sqrt(k * (k + 1) / (6 * n))  # q of 7 methods, Demsar 2006, table 5
    ranks = dict(zip(methods, scipy.stats.rankdata(-table, axis=1).mean(axis=0), strict=True))
    section = read(pages("table").read_text()).one(id="removal")
    assert f"Friedman χ² = {test.statistic:.1f}, p < 0.001" in section.text
    assert f"more than {cd:.1f} apart" in section.text
    diagram = section.one(class_="ranks").one("svg")
    labels = [t.text for t in diagram.all("text", class_="name")]
    best_first = sorted(methods, key=ranks.get)
    assert labels == [f"{TITLES[m]} {ranks[m]:.1f}" for m in best_first]
    places = [c.attributes["cx"] for c in diagram.all("circle")]
    axis = (1 - 0.03 * k, 1.03 * k)
    assert places == [f"{position(ranks[m], axis):.1f}%" for m in best_first]
    for control in ("magnitude", "random"):
        ahead = [TITLES[m] for m in best_first if m in REAL and ranks[control] - ranks[m] > cd]
        sentence = f"Clearly ahead of {TITLES[control]} (control): "
        assert sentence in section.text
        named = section.text.split(sentence)[1].split(".")[0]
        assert re.split(", | and ", named) == (ahead or ["none"])
    for row in section.one("table", class_="wraps").one("tbody").all("tr"):
        (mine,) = [m for m in methods if row.one("th").text.startswith(TITLES[m])]
        near = {TITLES[m] for m in methods if m != mine and abs(ranks[m] - ranks[mine]) <= cd}
        assert set(row.all("td")[1].text.split(", ")) == (near or {"–"})
    aria = diagram.attributes["aria-label"]
    assert all(f"{TITLES[m]} {ranks[m]:.1f}" in aria for m in methods)


def test_bars_join_what_is_not_told_apart():
    """Four classifiers on 14 data sets (Demsar 2006, section 3.2.4): CD 1.25, at 10 % 1.12."""
    ranks = [1.964, 2.000, 2.893, 3.143]
    table = np.random.default_rng(0).normal(size=(14, 4))
    assert friedman_nemenyi(table).critical_difference == pytest.approx(1.25, abs=0.005)
    assert joined(ranks, 1.25) == [(0, 3)]
    assert joined(ranks, 1.12) == [(0, 2), (2, 3)]
    assert joined(ranks, 0.01) == []


def test_methods_that_do_not_differ_share_one_bar(runs):
    run = runs["table"]
    rng = np.random.default_rng(1)
    noise = [replace(s, value=float(rng.normal())) if s.metric == "srg" else s for s in run.scores]
    ranks = report_page(replace(run, scores=tuple(noise)))["folds"]["removal"]["ranks"]
    assert "are not told apart" in ranks["text"][0]
    assert ranks["chart"].count('class="joined"') == 1
    assert "Clearly ahead of Random (control): none." in ranks["text"]


def test_a_method_that_missed_a_sample_is_left_out_of_the_ranks(runs):
    run = runs["table"]
    gone = run.samples[0].id
    kept = [
        s
        for s in run.scores
        if not (s.metric == "srg" and s.of["method"] == "lime" and s.of["sample"] == gone)
    ]
    ranks = report_page(replace(run, scores=tuple(kept)))["folds"]["removal"]["ranks"]
    assert "Left out, because not measured on every sample: LIME." in ranks["text"]
    assert "LIME" not in [row[0] for row in ranks["rows"]]


def test_the_gauge_says_how_far_removed_inputs_lie(pages, runs):
    run = runs["series"]
    section = read(pages("series").read_text()).one(id="removal")
    for masker in MASKERS:
        values = [s.value for s in run.scores if s.metric == "shift" and s.of["masker"] == masker]
        assert (
            f"Replaced by {masker}: inputs with removed parts lie {np.mean(values):.2f} times as far "
            "from real data as real data from each other [" in section.text
        )
    means = [
        [
            np.mean(
                [
                    s.value
                    for s in run.scores
                    if s.metric == "srg" and (s.of["method"], s.of["masker"]) == (m, masker)
                ]
            )
            for m in REAL
        ]
        for masker in MASKERS
    ]
    tau = scipy.stats.kendalltau(*means).statistic
    assert f"Kendall’s τ = {tau:.2f}".replace("-", "\u2212") in section.text
    text = read(pages("text").read_text()).one(id="removal").text
    assert "no such distance is defined here" in text
