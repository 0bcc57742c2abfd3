"""The evidence on the page: who disagrees, what is agreed, who ranks ahead, how unreal removals are."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from report import sample_runs
from report.reading import card, cards, read

from xaikit.core.types import Explanation, Sample, Score, Segmentation, Target
from xaikit.judge.verdict import verdicts
from xaikit.report import write_report
from xaikit.report.consensus import levels
from xaikit.report.page import report_page
from xaikit.report.words import catalogue
from xaikit.study.run import Run

MASKERS = sample_runs.MASKERS
REAL = [k.name for k in sample_runs.KINDS if not k.control]
TITLES = {k.name: k.title for k in sample_runs.KINDS}


def number(text: str) -> float:
    return float(text.replace("\u2212", "-").replace("+", ""))


def spearmans(run: Run, a: str, b: str) -> dict[str, float]:
    return {
        s.of["sample"]: s.value
        for s in run.scores
        if s.metric == "spearman" and {s.of["a"], s.of["b"]} == {a, b}
    }


def small_run(values: dict[str, list[list[float]]], std: dict[str, float] | None = None) -> Run:
    """Methods -> (samples, features) values, and one standard error each; every check is passed."""
    n_samples, n = np.shape(next(iter(values.values())))
    seg = Segmentation(np.arange(n), tuple("abcdefgh"[:n]), f"{n} columns")
    samples = tuple(Sample(f"s{i}", np.zeros(n), "table") for i in range(n_samples))
    found, scores = [], []
    for method, rows in values.items():
        for sample, row in zip(samples, rows, strict=True):
            error = (std or {}).get(method)
            found.append(
                Explanation(
                    np.array(row), method, sample.id, "m", Target(0), seg, MASKERS[0], 1.0, 0.0,
                    additive=False, unit="log-odds",
                    std=None if error is None else np.full(n, error),
                )
            )  # fmt: skip
            of = {"method": method, "sample": sample.id}
            for masker in MASKERS:
                scores.append(
                    Score("srg", 0.5, "higher", "faithfulness", of={**of, "masker": masker})
                )
            scores += [
                Score("randomisation", 0.0, "lower", "sanity", of=of),
                Score("random_logit", 0.0, "lower", "sanity", of=of),
                *(
                    Score("own_sample", 0.1, "higher", "sanity", of={**of, "masker": masker})
                    for masker in MASKERS
                ),
                Score("variance_share", 1.0, "higher", "stability", of=of),
            ]
    for sample in samples:
        flat = np.ones(n)
        found.append(replace(found[0], values=flat, method="flat", sample_id=sample.id, std=None))
        for masker in MASKERS:
            of = {"method": "flat", "sample": sample.id, "masker": masker}
            scores.append(Score("srg", 0.1, "higher", "faithfulness", of=of))
    return Run(
        config={},
        samples=samples,
        predictions=np.full((n_samples, 3), 1 / 3),
        explanations=tuple(found),
        scores=tuple(scores),
        context={"methods": {"flat": {"control": True}}},
    )


def test_a_run_answers_for_its_own_evidence(runs):
    run = runs["image"]
    assert run.verdicts() == verdicts(run)
    pair = ("integrated_gradients", "gradcam")
    assert run.disagreements()[pair].agreement == pytest.approx(
        np.mean(list(spearmans(run, *pair).values()))
    )
    lost = [
        replace(s, value=float("nan"), note="lost")
        if s.metric == "spearman" and s.of == {"a": pair[0], "b": pair[1], "sample": "3"}
        else s
        for s in run.scores
    ]
    assert (
        replace(run, scores=tuple(lost)).disagreements()[pair].test.n == 15
    )  # one of 16 is unknown
    assert run.consensus("0", REAL[:2]).methods == tuple(REAL[:2])


def with_twins(run: Run) -> Run:
    """The first two methods agree as well as each with itself, up to a little noise."""
    noise = itertools.cycle([0.01, -0.01])
    return replace(
        run,
        scores=tuple(
            replace(s, value=0.98 + next(noise))
            if s.metric == "spearman" and {s.of["a"], s.of["b"]} <= set(REAL[:2])
            else s
            for s in run.scores
        ),
    )


@pytest.mark.parametrize("kind", ["image", "series"])
def test_every_pair_is_told_with_its_ceiling(tmp_path, runs, kind):
    run = with_twins(runs[kind])
    section = read(write_report(run, tmp_path / "x.html").read_text()).one(id="agreement")
    rows = {
        r.all("th")[0].text.strip(): r for t in section.all(class_="differ") for r in t.all("tr")
    }
    real, pairs = 0, list(itertools.combinations(REAL, 2))
    for a, b in pairs:
        between = spearmans(run, a, b)
        own = [spearmans(run, m, m) for m in (a, b)]
        ceiling = [np.sqrt(max(own[0][s], 0) * max(own[1][s], 0)) for s in between]
        gap = np.array(ceiling) - list(between.values())
        differ = bool(scipy.stats.wilcoxon(gap).pvalue < 0.05 and gap.mean() > 0)
        real += differ
        names = {f"{TITLES[x]} and {TITLES[y]}" for x, y in ((a, b), (b, a))}
        (text,) = [r.text for title, r in rows.items() if any(title.startswith(n) for n in names)]
        assert ("The two disagree" in text) == differ
        assert ("No disagreement beyond noise" in text) != differ
        shown = re.search(r"they agree (\S+) of (\S+) that noise would allow", text)
        assert number(shown[1]) == pytest.approx(np.mean(list(between.values())), abs=0.0051)
        assert number(shown[2]) == pytest.approx(np.mean(ceiling), abs=0.0051)
    assert real == len(pairs) - 1  # all but the twins
    assert f"Of {len(pairs)} pairs of methods {real} disagree beyond noise" in section.text
    matrix = section.all("table", class_="matrix")[0]
    assert matrix.text.count("≠") == 2 * real  # both halves


def test_disagreements_carry_their_cause(runs):
    run = runs["image"]
    found = {}
    for cause in run.causes():
        found.setdefault(frozenset((TITLES[cause.a], TITLES[cause.b])), []).append(cause.sentence)
    block = report_page(run)["folds"]["agreement"]["differ"]
    shown = {
        frozenset(r["pair"].split(" and ")): r["cause"] for r in block["shown"] + block["rest"]
    }
    assert found
    for pair, sentences in found.items():
        assert shown[pair] == " ".join(sentences)
    korean = report_page(run, "ko")["folds"]["agreement"]["differ"]
    assert all(re.search("[가-힣]", r["cause"]) for r in korean["shown"])


def test_levels_of_a_partial_order():
    above = np.zeros((5, 5), dtype=bool)
    for i, j in ((0, 1), (0, 2), (1, 3), (0, 3)):  # 4 is compared with nobody
        above[i, j] = True
    assert [x.tolist() for x in levels(above)] == [[0, 4], [1, 2], [3]]
    assert [x.tolist() for x in levels(above, most=1)] == [[0, 4]]
    assert [x.tolist() for x in levels(np.zeros((2, 2), dtype=bool))] == [[0, 1]]


def test_a_card_tells_the_order_and_the_signs_that_all_share():
    rows = {
        "one": [[5.0, -4.0, 1.0, 0.5]] * 12,
        "two": [[6.0, -4.0, -0.5, 1.0]] * 12,
    }
    run = small_run(rows)
    assert {v.method: v.status for v in run.verdicts()}["one"] == "use"
    page = report_page(run)
    text = cards(page)[0]["consensus"]["text"]
    assert text[0].startswith("Order by strength: a → b → c · d. ")
    assert text[1] == "All put 83\u00a0% of the pairs in the same order."  # 5 of 6
    assert text[2:] == [
        "For the prediction, by all 2: a · d.",
        "Against it, by all 2: b.",
        "Sign not agreed: c.",
    ]
    assert (
        "One and Two put 83\u00a0% of all pairs" in page["folds"]["agreement"]["consensus"]["text"]
    )


def test_error_bars_loosen_the_order():
    rows = {"one": [[5.0, 4.0, 1.0]] * 12, "two": [[5.0, 4.0, 1.0]] * 12}
    page = report_page(small_run(rows, {"one": 0.5}))  # 1 < 1.96 sqrt(2) 0.5 < 3
    text = cards(page)[0]["consensus"]["text"]
    assert text[0].startswith("Order by strength: a · b → c. ")


def test_without_two_methods_that_passed_there_is_no_consensus(tmp_path):
    run = small_run({"one": [[1.0, 2.0]] * 12})
    page = report_page(run)
    assert (
        "here 1 did. Nothing is averaged instead."
        in page["folds"]["agreement"]["consensus"]["text"]
    )
    assert cards(page)[0]["consensus"] is None
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    assert not tree.all(class_="agreed")


def test_cards_show_fit_gap_and_error_bars(runs):
    run, page = runs["image"], report_page(runs["image"])
    for i, sample in enumerate(run.samples[:2]):
        slots = {s["method"]: s.get("figures", []) for s in cards(page)[i]["slots"]}
        lime = next(e for e in run.of("lime") if e.sample_id == sample.id)
        poor = lime.extras["r2"] < 0.3
        first, errors = slots["lime"]
        words = "poor fit: R² " if poor else "fit R² "
        assert first == {"text": f"{words}{lime.extras['r2']:.2f}", "poor": poor}
        assert number(errors["text"].split("±")[1].split()[0]) == pytest.approx(
            1.96 * lime.std.max(), abs=0.006
        )
        assert [f["text"] for f in slots["integrated_gradients"]] == ["sum off by 0.4\u00a0%"]
        assert slots["gradcam"] == []


def test_a_bar_chart_of_an_open_estimate_says_so(tmp_path):
    kinds = [k for k in sample_runs.KINDS if k.name == "shap" or k.control]
    run = sample_runs.text_run(kinds=kinds)
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    for i, e in enumerate(run.of("shap")):
        shown = card(tree, i).one(class_="strongest")
        chips = shown.one("h4").all(class_="note-chip")
        assert [c.text for c in chips] == (["not converged"] if e.converged is False else [])
        rows = shown.all("tr")
        assert all("±" in r.one("td", class_="num").text for r in rows)


def test_features_with_an_open_sign_are_faint_in_texts_too(tmp_path, runs):
    run = runs["text"]
    lime = run.of("lime")[0]
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    rows = card(tree, 0).all(class_="text-row")
    row = next(r for r in rows if r.one("h4").text == "LIME")
    drawn = row.one("div", class_="words").all("span")
    for node in drawn:
        word = node.children[0].rstrip("\u2060")
        places = [i for i, name in enumerate(lime.names) if name == word]
        faint = "faint" in node.attributes["class"].split()
        assert faint in [bool(abs(lime.values[i]) < 1.96 * lime.std[i]) for i in places]
    assert any("faint" in n.attributes["class"].split() for n in drawn)


def test_every_measure_stands_in_one_table(pages, runs):
    run = runs["image"]
    table = read(pages("image").read_text()).one("table", class_="measures")
    heads = [h.children[0].strip() for h in table.one("thead").all("th")][1:]
    rows = {r.all("th")[0].text: r for r in table.all("tr") if r.all("td")}
    key = next(k for k in rows if k.startswith("Insertion ↑") and MASKERS[1] in k)
    for head, cell in zip(heads, rows[key].all("td"), strict=True):
        values = [
            s.value
            for s in run.scores
            if s.metric == "insertion"
            and s.of["masker"] == MASKERS[1]
            and TITLES[s.of["method"]] == head
        ]
        assert number(cell.children[0]) == pytest.approx(np.mean(values), abs=0.0051)
    assert "counts in no verdict" in table.text
    assert not any(k.startswith("shift") for k in rows)


def test_a_failed_verdict_names_every_failed_check(runs):
    run = runs["image"]
    given = {v.method: v for v in run.verdicts()}
    failed = [v for v in given.values() if v.status == "failed"]
    assert failed
    rows = {r["method"]: r for r in report_page(run)["choice"]["rows"]}
    marks = {True: "passed", False: "failed", None: "not settled"}
    for verdict in failed:
        told = rows[verdict.method]["checks"]
        assert [c["found"] for c in told] == [c.sentence for c in verdict.checks]
        assert [c["mark"] for c in told] == [
            marks[c.passed] if c.applies else "does not apply" for c in verdict.checks
        ]


def test_failed_texts_and_strips_name_the_check(pages):
    checks = [words for key, words in catalogue("en").items() if key.startswith("short_check.")]
    for kind, part in (("image", "cell"), ("text", "text-row"), ("series", "lane")):
        shown = card(read(pages(kind).read_text()), 0)
        failed = [r for r in shown.all(class_=part) if "failed" in r.attributes["class"].split()]
        assert failed
        for row in failed:
            (band,) = [b.text for b in row.all(class_="badge") if "Do not use: " in b.text]
            assert band.split(": ")[1] in checks


@pytest.mark.parametrize("kind", ["text", "table"])
def test_hostile_names_stay_text_in_the_evidence(tmp_path, kind):
    run = sample_runs.hostile_run(kind, n=12)
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    assert len(tree.all("script")) == 1
    assert not any("onerror" in n.attributes or "onmouseover" in n.attributes for n in tree.walk())
    assert not [n for n in tree.all("img") if n.attributes.get("src") == "x"]
    parts = [*tree.all(class_="differ"), *tree.all(class_="agreed"), tree.one(class_="measures")]
    assert len([a for a in tree.all(class_="agreed") if not a.all(class_="flip")]) == 12
    for part in parts:
        assert sample_runs.HOSTILE in part.text
    names = [t.text for t in tree.one(class_="ranks").all("text", class_="name")]
    assert all(name.startswith("<script>alert(") for name in names)
    turned = card(tree, 0).one(class_="agreed").text
    assert sample_runs.RIGHT_TO_LEFT in turned
    assert turned.count("\u2068") == turned.count("\u2069") >= turned.count("\u202e") > 0
    assert not re.search(r"\b49 [0-5]\b", tree.text)


@pytest.mark.parametrize("kind", ["image", "text", "table", "series"])
@pytest.mark.parametrize("n", [1, 3])
def test_few_samples_settle_nothing(tmp_path, kind, n):
    made = getattr(sample_runs, f"{kind}_run")
    tree = read(write_report(made(n=n), tmp_path / "x.html").read_text())
    words = f"methods were measured on {n} sample{'s' if n > 1 else ''}."
    assert words in tree.one(id="removal").text
    assert "≠" not in tree.one(id="agreement").text
    assert "Not settled: they agree" in tree.one(id="agreement").text


def test_two_methods_and_no_scores_are_enough_for_a_page(tmp_path):
    two = sample_runs.KINDS[:2]
    run = sample_runs.table_run(12, kinds=two)
    tree = read(write_report(run, tmp_path / "x.html").read_text())
    assert "here 2 methods were measured on 12 samples" in tree.one(id="removal").text
    assert len(tree.one(id="agreement").all(class_="differ")) == 1
    bare = read(write_report(sample_runs.bare_run(2, "table"), tmp_path / "y.html").read_text())
    assert "none was tested here" in bare.one(id="agreement").text
    assert not bare.all("table", class_="measures")
