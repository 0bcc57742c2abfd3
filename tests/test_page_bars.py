"""What the pages must reach is measured as a reader would meet it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))  # the benchmarks are no part of the package

from benchmarks import page_bars
from benchmarks.page_runs import STUDIES

GOOD = {
    "page": "x", "language": "en", "theme": "light", "width": 1280, "begins": 300, "words": ["a"] * 90,
    "numbers": ["1"] * 14, "height": 6000, "clipped": [], "errors": [], "requests": [], "seconds": 1,
}  # fmt: skip

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title><style>
body{margin:0;font:16px/20px monospace}.sr{position:absolute;width:1px;height:1px;overflow:hidden}
.skip{position:absolute;left:-999px}</style>
<body><a class="skip" href="#m">Skip 1 this</a><main id="m"><h1 style="height:100px;margin:0">Three words here 97.5</h1>
<p class="sr">not counted 12</p><details><summary>fold</summary><p>hidden 13</p></details>
<div data-first-picture style="height:50px">inside 1,200 of −3.5</div>
<div style="width:100px;overflow-x:auto"><div style="width:300px">wide</div></div>
<p style="margin-top:2000px">far 14 below, x15</p>
<img src="https://example.invalid/a.png" alt="a"></main></body></html>"""


def test_a_bar_is_missed_by_more_than_it_allows_and_by_nothing_there() -> None:
    assert page_bars.missed([GOOD]) == {bar.title: [] for bar in page_bars.BARS if bar.name in GOOD}
    worse = {
        "begins": 321,
        "words": ["a"] * 91,
        "numbers": ["1"] * 15,
        "height": 6001,
        "clipped": ["p"],
    }
    for name, value in worse.items():
        found = page_bars.missed([{**GOOD, name: value}])
        assert sum(map(len, found.values())) == 1, name
    assert page_bars.missed([{**GOOD, "begins": None}])["picture at px"] == ["x en 1280 light"]
    narrow = {**GOOD, "width": 390, "numbers": ["1"] * 13, "begins": 480, "height": 10500}
    assert page_bars.missed([narrow])["numbers"] == ["x en 390 light"]
    assert page_bars.missed([narrow])["height px"] == []
    assert "| x | 1280 | 321 ✕ | 90 | 14 | 6000 |" in page_bars.table([{**GOOD, "begins": 321}])


def test_the_ten_demos_and_four_real_sets_are_measured() -> None:
    assert [asked.name for asked in STUDIES] == [
        "digits", "reviews", "waves", "breast_cancer",
        "lags", "factors", "scenes", "plates", "sessions", "lookup",
        "fashion_mnist", "sst2", "german_credit", "gunpoint",
    ]  # fmt: skip


@pytest.mark.browser
def test_a_page_is_read_as_it_is_seen(tmp_path, capsys) -> None:
    pytest.importorskip("playwright", reason="playwright is not installed")
    if not any(map(shutil.which, page_bars.BROWSERS)):
        pytest.skip("no browser was found")
    (tmp_path / "made.html").write_text(PAGE, encoding="utf-8")
    assert page_bars.main([str(tmp_path / "made.html"), "--why", "--quick"]) == 0
    told = capsys.readouterr().out
    assert "words before (5): Three words here 97.5 fold" in told
    assert "numbers (3): 97.5 1,200 −3.5" in told
    assert "clipped (1): div sideways" in told
    assert "requests (1): https://example.invalid/a.png" in told
    assert "| made | 1280 | 120 | 5 | 3 |" in told


@pytest.mark.browser
def test_axe_core_sees_what_is_planted(tmp_path, capsys) -> None:
    pytest.importorskip("playwright", reason="playwright is not installed")
    pytest.importorskip("axe_playwright_python", reason="axe-core comes with the extra 'bench'")
    if not any(map(shutil.which, page_bars.BROWSERS)):
        pytest.skip("no browser was found")
    faint = PAGE.replace('alt="a"', "").replace("<h1 ", '<p style="color:#ccc">faint</p><h1 ')
    (tmp_path / "made.html").write_text(faint, encoding="utf-8")
    page_bars.main([str(tmp_path / "made.html"), "--why"])
    told = capsys.readouterr().out
    assert "image-alt (critical)" in told
    assert "color-contrast (serious)" in told
