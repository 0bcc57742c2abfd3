"""Numbers on the page, each worked by hand from a run of few numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from report.reading import card, cards, read

from xaikit.core.types import Cost, Explanation, Sample, Score, Segmentation, Target
from xaikit.report import write_report
from xaikit.report.facts import fingerprint
from xaikit.report.page import report_page
from xaikit.report.strips import strip
from xaikit.report.text_case import marked_words
from xaikit.study.run import Run

SPACE = "\u00a0"
MINUS = "\u2212"
FLAT = np.array([[0.0, 1.0], [1.0, 1.0]])


def table_samples(n: int, width: int = 4) -> list[Sample]:
    return [Sample(f"s{i}", np.zeros(width), "table", label=0) for i in range(n)]


def columns(width: int = 4) -> Segmentation:
    return Segmentation(np.arange(width), tuple("abcdefgh"[:width]), f"{width} columns")


def hand_run(
    values: Mapping[str, Sequence[float]],
    scores: Mapping[tuple[str, str], Sequence[float]] | None = None,
    samples: Sequence[Sample] | None = None,
    segmentation: Segmentation | None = None,
    changes: Mapping[str, Any] | None = None,
    **parts: Any,
) -> Run:
    """Each method gives every sample the same values.

    scores : (metric, method) -> one value a sample; deletion and insertion with a flat curve
    """
    samples = samples or table_samples(12)
    segmentation = segmentation or columns(len(next(iter(values.values()))))
    explanations = [
        Explanation(
            **{
                "values": np.array(v, dtype=float), "method": m, "sample_id": s.id, "model_id": "net",
                "target": Target(0), "segmentation": segmentation, "masker": "zeros", "output": 2.0,
                "empty": 0.0, "additive": False, "unit": "log-odds", **(changes or {}),
            }
        )
        for s in samples
        for m, v in values.items()
    ]  # fmt: skip
    found = [
        Score(
            metric, v, "higher", family(metric), of={"method": m, "sample": s.id},
            curve=v * FLAT + (1 - v) * FLAT * [1, 0] if metric in ("deletion", "insertion") else None,
        )
        for (metric, m), row in (scores or {}).items()
        for s, v in zip(samples, row, strict=True)
    ]  # fmt: skip
    known = {"config": {}, "predictions": np.tile([0.7, 0.2, 0.1], (len(samples), 1))}
    return Run(
        samples=tuple(samples), explanations=tuple(explanations), scores=tuple(found), **known | parts
    )  # fmt: skip


def family(metric: str) -> str:
    return {"randomisation": "sanity", "variance_share": "stability"}.get(metric, "faithfulness")


def test_a_gain_is_positive_where_a_method_is_better_than_removing_at_random() -> None:
    """A lower deletion and a higher insertion area are better."""
    n = 12
    run = hand_run(
        {"good": [1, 2, 3, 4], "bad": [4, 3, 2, 1], "random": [1, 1, 1, 2]},
        {
            ("deletion", "good"): [0.2] * n, ("deletion", "bad"): [0.7] * n,
            ("deletion", "random"): [0.5] * n, ("insertion", "good"): [0.8] * n,
            ("insertion", "bad"): [0.3] * n, ("insertion", "random"): [0.6] * n,
        },
    )  # fmt: skip
    panels = {p["title"]: p["curves"] for p in report_page(run)["folds"]["removal"]["panels"]}
    told = {name: [c["area"] for c in curves] for name, curves in panels.items()}
    assert told == {
        "Good": ["area between +0.30 [+0.30, +0.30]", "area between +0.20 [+0.20, +0.20]"],
        "Bad": [
            f"area between {MINUS}0.20 [{MINUS}0.20, {MINUS}0.20]",
            f"area between {MINUS}0.30 [{MINUS}0.30, {MINUS}0.30]",
        ],
    }
    assert panels["Good"][0]["table"][2] == (f"25{SPACE}%", "0.20", "0.50")
    assert panels["Good"][1]["table"][2] == (f"25{SPACE}%", "0.80", "0.60")


def test_the_bars_are_the_likeliest_classes_the_true_one_and_the_rest() -> None:
    p = np.array([[0.02, 0.5, 0.25, 0.125, 0.105]])
    sample = replace(table_samples(1)[0], label=0)
    bars = cards(report_page(hand_run({"m": [1, 2]}, samples=[sample], predictions=p)))[0]["bars"]
    assert [(b["name"], b["text"]) for b in bars] == [
        ("1", f"50{SPACE}%"), ("2", f"25{SPACE}%"), ("3", f"12{SPACE}%"), ("0 · true", f"2{SPACE}%"),
        ("1 other", f"10{SPACE}%"),
    ]  # fmt: skip
    assert [b["width"] for b in bars[:-1]] == ["50.0", "25.0", "12.5", "2.0"]


def test_a_gap_is_told_by_its_median_and_other_measures_by_their_mean() -> None:
    gaps = [0.01] * 8 + [5.0] * 4
    run = hand_run({"m": [1, 2]}, {("completeness_gap", "m"): gaps, ("srg", "m"): gaps})
    (group,) = report_page(run)["folds"]["measures"]["groups"]
    gap, srg = (row["cells"][0] for row in group["rows"])
    assert gap == ("0.01", "[0.01, 5.00]")
    assert srg[0] == "1.67"  # (8 x 0.01 + 4 x 5) / 12


# Where the evidence lies


def test_known_places_are_told_with_their_size_and_share() -> None:
    marked = np.array([True, False, False, False, False])
    sample = Sample("s", np.zeros(5), "table", 0, rationale=marked)
    run = hand_run({"m": [3.0, 1.0, -9.0, 0.0, 0.0]}, samples=[sample])
    measured = Score(
        "relevance_mass", 0.9, "higher", "plausibility", of={"method": "m", "sample": "s"}
    )
    place = report_page(replace(run, scores=(measured,)))["folds"]["place"]
    assert (place["size"], place["rows"][0]["text"]) == (f"20{SPACE}%", f"90{SPACE}%")


def test_a_picture_keeps_its_own_height_and_width() -> None:
    """8 x 16 px, on a drawing 96 wide."""
    sample = Sample("s", np.full((8, 16, 1), 0.5), "image", 0)
    seg = Segmentation(np.arange(128).reshape(8, 16) // 64, ("top", "bottom"), "two parts")
    page = report_page(hand_run({"m": [1.0, 4.0]}, samples=[sample], segmentation=seg))
    assert cards(page)[0]["picture"]["height"] == 48
    assert page["cases"][0]["picture"]["height"] == 48


# Cards


def test_at_most_half_of_the_cards_are_wrong_answers_and_all_keep_their_order() -> None:
    samples = [replace(s, label=int(i >= 12)) for i, s in enumerate(table_samples(30))]
    rows = report_page(hand_run({"m": [1, 2]}, samples=samples))["rows"]
    assert [r["index"] for r in rows["rows"] if r["w"]] == [*range(12, 20)]
    assert sorted(r["index"] for r in rows["rows"]) == [*range(8), *range(12, 20)]
    assert rows["n"] == 30


def test_a_fold_sums_every_word_that_it_hides() -> None:
    """70 words: the first 20 and the last 49 carry 0.01 each, the one between them 1."""
    x = np.array([f"w{i}" for i in range(70)])
    values = np.where(np.arange(70) == 20, 1.0, 0.01)
    run = hand_run(
        {"m": values.tolist()},
        samples=[Sample("t", x, "text", 0)],
        segmentation=Segmentation(np.arange(70), tuple(x), "70 words"),
    )
    found = marked_words(run.samples[0], run.explanations[0], values, values, 2)
    assert [(w["n"], w["sum"]) for w in found if "fold" in w] == [(20, "+0.20"), (49, "+0.49")]
    assert [w["text"] for w in found if "fold" not in w] == ["w20"]
    assert [w["text"] for w in found[0]["fold"]] == x[:20].tolist()


def test_hatching_of_a_strip_stands_where_the_evidence_is_against() -> None:
    seg = Segmentation((np.arange(20) // 5)[:, None], ("a", "b", "c", "d"), "4 windows")
    found = strip(np.array([0.5, -0.5, -0.1, -1.0]), seg, 0)
    assert found["hatch"] == [(25.0, 25.0), (75.0, 25.0)]


def test_the_sum_of_a_row_is_told_in_its_unit_with_the_probability() -> None:
    run = hand_run(
        {"m": [1.0, -0.5, 0.25, 0.25]}, changes={"additive": True, "output": 2.0, "empty": 0.875}
    )
    told = cards(report_page(run))[0]["table"]["sum"]
    p = 1 / (1 + np.exp(-2.0))
    for part in ("+0.88", "+1.00", "+2.00", f"{100 * p:.0f}{SPACE}% 0", "+0.12"):
        assert part in told, part


def test_a_table_lists_the_eight_strongest_and_sums_the_rest() -> None:
    values = [0.5, -9.0, 8.0, 7.0, -6.0, 5.0, 4.0, 3.0, 2.0, -0.25]
    names = tuple(f"c{i}" for i in range(10))
    run = hand_run(
        {"m": values},
        samples=[Sample("s", np.arange(10.0), "table", 0)],
        segmentation=Segmentation(np.arange(10), names, "10 columns"),
        context={"data": {"columns": [
            {"name": n, "unit": "kg" if n == "c1" else "", "categories": ["no", "yes", "maybe"] if n == "c2" else []}
            for n in names
        ]}},
    )  # fmt: skip
    table = cards(report_page(run))[0]["table"]
    assert [r["name"] for r in table["rows"]] == [f"c{i}" for i in (1, 2, 3, 4, 5, 6, 7, 8)]
    assert [r["value"] for r in table["rows"][:3]] == ["1 kg", "maybe", "3"]
    assert [r["cells"][0]["text"] for r in table["rows"][:2]] == [f"{MINUS}9.00", "+8.00"]
    assert "+0.25" in table["rest"][0]  # 0.5 - 0.25


def test_costs_are_means_over_the_samples() -> None:
    run = hand_run({"m": [1, 2]}, samples=table_samples(2))
    costs = (Cost(100, 80, 0, 1.0), Cost(0, 20, 300, 2.0))
    run = replace(
        run,
        explanations=tuple(
            replace(e, cost=c) for e, c in zip(run.explanations, costs, strict=True)
        ),
    )
    (row,) = report_page(run)["choice"]["rows"]
    assert row["time"] == f"1.5{SPACE}s"


def test_the_heads_facts_are_counted_from_the_run() -> None:
    samples = [replace(s, label=int(i < 3)) for i, s in enumerate(table_samples(12))]
    quality = {"metric": "accuracy", "value": 0.875, "interval": [0.8, 0.925], "n": 80}
    run = hand_run(
        {"m": [1, 2]}, samples=samples, config={"seed": 41, "created": "2026-01-02T03:04:05"},
        context={"model": {"id": "net", "quality": quality, "n_parameters": 12345}, "data": {"name": "made"}},
    )  # fmt: skip
    facts = {
        f["label"]: (f["value"], f["detail"])
        for f in report_page(run)["folds"]["provenance"]["facts"]
    }
    assert facts["Samples"] == ("12 scored, 12 shown", "wrong predictions: 3 of 12")
    assert facts["Data"] == ("made", f"80 · accuracy 87.5{SPACE}% [80.0, 92.5]")
    assert facts["Model"] == ("net", "12,345 weights")
    assert facts["Seed"][0] == "41"
    assert facts["Run"][0] == "2026-01-02 03:04"


def test_a_fingerprint_follows_numbers_and_configuration() -> None:
    run = hand_run({"m": [1, 2]})
    assert fingerprint(run) == fingerprint(hand_run({"m": [1, 2]}))
    first, *rest = run.explanations
    others = (
        hand_run({"m": [2, 1]}),
        replace(run, config={"seed": 1}),
        replace(run, explanations=tuple(rest)),
        replace(run, explanations=(replace(first, seed=9), *rest)),
    )
    found = [fingerprint(r) for r in (run, *others)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{7}", f) for f in found)


def test_wrong_answers_are_named_with_what_was_read_and_what_is_true(tmp_path) -> None:
    samples = [replace(s, label=i) for i, s in enumerate(table_samples(2))]
    context = {"model": {"classes": ["cat", "dog", "cow"]}}
    run = hand_run({"m": [1, 2]}, samples=samples, context=context)
    tree = read(write_report(run, tmp_path / "x.html").read_text(encoding="utf-8"))
    chips = [c.text for c in tree.all(class_="case-chip")]
    assert chips == ["≠ Wrong: says cat, is dog", "Right: cat"]  # what is wrong stands first
    rows = [r.one(class_="st").text for r in tree.all("details", class_="rw")]
    assert rows == [f"≠ says cat, is dog · 70{SPACE}%", f"says cat · 70{SPACE}%"]
    assert "wrong" in card(tree, 1).attributes["class"].split()
    assert "wrong" not in card(tree, 0).attributes["class"].split()
