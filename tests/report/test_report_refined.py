"""How pages draw features that were found coarse to fine."""

from __future__ import annotations

import numpy as np
from report.test_report_numbers import hand_run

from xaikit.core.types import Sample, Segmentation
from xaikit.report.facts import _features
from xaikit.report.findings import Findings
from xaikit.report.text_case import marked_words, struck_words
from xaikit.report.words import Words

WORDS = [f"w{i}" for i in range(100)]
IDS = np.repeat(np.arange(3), [60, 1, 39])
SOURCE = "3 features found coarse to fine among 100 words (9 evaluations)"


def long_run():
    return hand_run(
        {"m": [0.5, 1.0, 0.2]},
        samples=[Sample("long", np.array(WORDS), "text", 0)],
        segmentation=Segmentation(IDS, ("a", "w60", "b"), SOURCE),
        predictions=np.array([[0.9, 0.1]]),
        context={
            "model": {"id": "made-net", "classes": ["cat", "dog"]},
            "data": {"name": "made"},
            "question": {"features": SOURCE, "refined": 100},
        },
    )


def test_blocks_of_words_are_marked_apart() -> None:
    run = long_run()
    (e,) = run.explanations
    marked = marked_words(run.samples[0], e, e.values, e.values, 2)
    assert [w["block"] for w in marked] == [True] * 60 + [False] + [True] * 39


def test_long_runs_of_what_stays_and_of_what_goes_are_folded() -> None:
    run = long_run()
    (e,) = run.explanations
    struck = struck_words(run.samples[0], e, [1])
    shown = [len(w["fold"]) if "fold" in w else w["text"] for w in struck]
    assert shown == [55, *WORDS[55:66], 34]
    assert [w["text"] for w in struck if w.get("struck")] == ["w60"]
    both = struck_words(run.samples[0], e, [0])
    assert [w["text"] for w in both if w.get("struck")] == WORDS[55:60]
    assert [len(w["fold"]) for w in both if "fold" in w] == [55, 35]


def test_the_page_says_among_how_many_features_were_found() -> None:
    findings = Findings(long_run(), Words("en"))
    assert findings.parts == "features"
    assert _features(findings) == (
        "3 single words and blocks of them, found coarse to fine among 100 words"
    )
    assert Findings(long_run(), Words("ko")).parts == "특징"
