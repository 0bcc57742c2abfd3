"""The pages in a real browser with the network blocked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report import sample_runs

from xaikit.report import write_comparison, write_index, write_report

pytestmark = pytest.mark.browser
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser was found; looked for {', '.join(NAMES)}")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


class Visit:
    """A page that was opened, what it asked the network for and what it complained of."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.context.route("**/*", self._only_files)
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.goto(path.as_uri())

    def _only_files(self, route: Any) -> None:
        url = route.request.url
        if url.startswith(("file:", "data:")):
            route.continue_()
        else:
            self.asked.append(url)
            route.abort()

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("kind", ["image", "text", "table", "series"])
def test_reports_are_quiet_and_never_wider_than_the_screen(browser, pages, kind):
    with Visit(browser, pages(kind), viewport={"width": 1280, "height": 900}) as visit:
        for width in (1280, 800, 390, 320):
            visit.page.set_viewport_size({"width": width, "height": 900})
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, width
        assert visit.asked == []
        assert visit.errors == []


OUTSIDE = """() => [...document.querySelectorAll('.ranks text')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.left < 0 || box.right > innerWidth;
}).map(e => e.textContent)"""


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", ["image", "table"])
def test_evidence_fits_the_screen_with_every_fold_open(browser, pages, kind, language):
    with Visit(browser, pages(kind, language), viewport={"width": 1280, "height": 900}) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert visit.page.locator(".ranks text").count() > 7
        for width in (1280, 390, 320):
            visit.page.set_viewport_size({"width": width, "height": 900})
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, width
            assert visit.page.evaluate(OUTSIDE) == [], width
            size = visit.page.evaluate(
                "getComputedStyle(document.querySelector('.ranks text')).fontSize"
            )
            assert size == "12px"  # text never shrinks with the chart


def test_sign_and_verdict_are_told_without_colour(browser, pages):
    """Shapes, glyphs and words stay when every colour is taken away."""
    with Visit(browser, pages("table"), viewport={"width": 1280, "height": 900}) as visit:
        page = visit.page
        fills = page.evaluate(
            """() => ['for', 'against'].map(k => {
              const dot = document.querySelector(`.sample .dw.${k} .dot`);
              return getComputedStyle(dot).fill === getComputedStyle(dot).stroke;
            })"""
        )
        assert fills == [True, False]  # filled for, hollow against
        badges = page.evaluate(
            "[...document.querySelectorAll('#which .badge')].map(b => b.innerText.trim()[0])"
        )
        assert set(badges) <= set("✓↓?✕◇")
        assert len(set(badges)) >= 3
        hatched = page.evaluate(
            """() => ['for', 'ag'].map(k => {
              const bar = document.querySelector(`.wf .bar.${k}`);
              return getComputedStyle(bar).backgroundImage !== 'none';
            })"""
        )
        assert hatched == [False, True]


@pytest.mark.parametrize("name", ["hostile", "korean", "compare", "index"])
def test_other_pages_are_quiet_too(browser, pages, tmp_path, name):
    out = tmp_path / "x.html"
    path = {
        "hostile": lambda: write_report(sample_runs.hostile_run(), out),
        "korean": lambda: pages("image", "ko"),
        "compare": lambda: write_comparison(sample_runs.comparison(3), out),
        "index": lambda: write_index([{"title": "x" * 200, "href": "a.html"}], out),
    }[name]()
    with Visit(browser, path, viewport={"width": 320, "height": 900}) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320
        assert visit.asked == []
        assert visit.errors == []
        assert visit.page.evaluate("typeof window.hostile") == "undefined"
        assert visit.page.locator("h1").count() == 1


def test_theme_and_filters_work_without_scripts(browser, pages):
    options = {
        "java_script_enabled": False,
        "color_scheme": "light",
        "viewport": {"width": 1280, "height": 900},
    }
    with Visit(browser, pages("image"), **options) as visit:
        page = visit.page
        assert page.locator(".rw").count() == 16
        page.locator("#f-w").check()
        shown = sum(r.is_visible() for r in page.locator(".rw").all())
        assert shown == page.locator(".rw.w").count() == 4
        page.locator("#f-all").check()
        page.locator(".rw summary").first.click()
        assert page.locator(".rw .own").first.is_visible()
        page.locator("#shared").check()
        assert not any(m.is_visible() for m in page.locator("div.own").all())
        assert page.locator(".rw div.on-shared").first.is_visible()
        before = page.locator("html").screenshot()
        page.locator("#theme-dark").check()
        assert page.locator("html").screenshot() != before


def test_a_thumbnail_brings_its_case_without_scripts(browser, pages):
    options = {"java_script_enabled": False, "viewport": {"width": 1280, "height": 900}}
    for kind in ("image", "text", "table", "series"):
        with Visit(browser, pages(kind), **options) as visit:
            page = visit.page
            chosen = page.locator("#case input:checked")
            assert page.locator(".one .said:visible").count() == 1
            first = page.locator(".one .said:visible").inner_text()
            assert first == page.locator(".one .said").first.inner_text()
            last = page.locator("#case .thumbs input").last
            last.check()
            assert chosen.get_attribute("id") == last.get_attribute("id")
            assert page.locator(".one .said:visible").count() == 1
            assert page.locator(f".k{last.get_attribute('id')[1:]} .said").is_visible()


@pytest.mark.parametrize(("width", "height", "most"), [(1280, 800, 320), (390, 844, 480)])
def test_the_case_stands_on_the_first_screen(browser, pages, width, height, most):
    for kind in ("image", "text", "table", "series"):
        with Visit(browser, pages(kind), viewport={"width": width, "height": height}) as visit:
            top = "document.querySelector('[data-first-picture]').getBoundingClientRect().top"
            assert visit.page.evaluate(top) <= most, kind


def test_the_theme_can_be_forced(browser, pages):
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    with Visit(browser, pages("text"), color_scheme="dark") as visit:
        assert visit.page.evaluate(colour) == "rgb(20, 23, 27)"
        visit.page.locator("#theme-light").check()
        assert visit.page.evaluate(colour) == "rgb(250, 250, 247)"
        visit.page.emulate_media(media="print")
        visit.page.locator("#theme-dark").evaluate("e => { e.checked = true }")
        assert visit.page.evaluate(colour) == "rgb(255, 255, 255)"  # paper is always light


def test_scripts_sort_announce_and_open_evidence(browser, pages):
    with Visit(browser, pages("table"), viewport={"width": 1280, "height": 900}) as visit:
        page = visit.page
        page.locator("#f-w").check()
        shown = page.locator(".rw.w").count()
        assert page.locator("#announce").inner_text() == f"{shown} samples shown"
        page.locator("#f-all").check()
        page.locator(".rw summary").first.click()
        card = page.locator(".sample").first
        card.locator("details.numbers-fold summary").click()
        card.locator(".numbers thead button").nth(2).click()
        cells = card.locator(".numbers tbody").first.locator("tr td:nth-child(3)").all_inner_texts()
        values = [float(c.split("±")[0].replace("\u2212", "-")) for c in cells]
        assert values == sorted(values, reverse=True)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details.evidence:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details.evidence[open]").count() == 0
        assert visit.errors == []


def test_every_control_is_large_enough_and_named(browser, pages):
    with Visit(browser, pages("series"), viewport={"width": 390, "height": 900}) as visit:
        small = visit.page.evaluate(
            """() => [...document.querySelectorAll('summary, button, nav a, .seg label, .th, .check')]
            .filter(e => e.offsetParent && e.getBoundingClientRect().height < 24)
            .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert small == []
        unnamed = visit.page.evaluate(
            """() => [...document.querySelectorAll('[role=img],[role=region],input')]
            .filter(e => !e.getAttribute('aria-label') && !(e.labels && e.labels.length)).length"""
        )
        assert unnamed == 0


def test_the_page_prints_on_a_few_sheets(browser, pages):
    with Visit(browser, pages("image")) as visit:
        sheets = visit.page.pdf(format="A4").count(b"/Type /Page\n")
        assert 2 <= sheets <= 8
