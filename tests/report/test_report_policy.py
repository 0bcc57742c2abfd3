"""Every page forbids all that is not its own, and hostile names stay text: in the source and in a browser."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from report import sample_runs
from report.reading import read
from report.test_report_browser import Visit, browser  # noqa: F401 # a fixture

import xaikit
from xaikit.report import write_comparison, write_diff, write_index, write_letters, write_report
from xaikit.report.notebook import save_picture
from xaikit.report.pairs import save_pairs
from xaikit.study.run import Run

EVIL = (
    "<script>window.hostile=1</script>",
    '"><img src=x onerror="window.hostile=1">',
    "<style>@import 'http://evil.test/a.css'</style>",
    "<svg/onload=window.hostile=1>",
    "</title></script><iframe src=http://evil.test></iframe>",
    sample_runs.RIGHT_TO_LEFT,
    "javascript:window.hostile=1",
    "{{ 7 * 7 }}",
    "nul \0 and bell \x07",
    "long " + "x" * 3000,
)


def marked(value: Any, keys: tuple[str, ...]) -> Any:
    """The same facts with something evil behind each text under one of the keys."""
    found = copy.deepcopy(value)

    def walk(held: Any) -> None:
        for key in held if isinstance(held, dict) else range(len(held)):
            if isinstance(held[key], str) and key in keys:
                held[key] += " " + EVIL[len(held[key]) % 8]
            elif isinstance(held[key], (dict, list)):
                walk(held[key])

    walk(found)
    return found


def run(kind: str) -> Run:
    """Evil wherever the facts of a run hold a name."""
    if kind == "table":
        return sample_runs.hostile_run("table", n=12)
    given = sample_runs.image_run(6) if kind == "image" else sample_runs.text_run(n=12, long=True)
    keys = ("name", "source", "id", "title", "unit", "detail", "masker_words", "features", "data")
    context = marked(dict(given.context), keys)
    samples = tuple(replace(s, id=f"{s.id} {EVIL[0]}") for s in given.samples)
    renamed = dict(zip((s.id for s in given.samples), (s.id for s in samples), strict=True))
    explanations = tuple(replace(e, sample_id=renamed[e.sample_id]) for e in given.explanations)
    context["model"]["classes"] = [
        f"{c} {EVIL[i % 8]}" for i, c in enumerate(context["model"]["classes"])
    ]
    context["data"]["form"] = [*EVIL]
    return replace(given, samples=samples, explanations=explanations, context=context, scores=())


def interactions(out: Path) -> Path:
    model = toys.product()
    sample = xaikit.Sample(EVIL[0], np.array([1.0, 2.0]), "table")
    out.parent.mkdir(parents=True)
    found = xaikit.interactions(model, sample, masker=lambda x: np.zeros((1, 2)))
    return save_pairs(found, out, "en", False)


def explanation(out: Path) -> Path:
    made = sample_runs.hostile_run("table")
    out.parent.mkdir(parents=True)
    return save_picture(made.explanations[0], out, made.samples[0])


PAGES: dict[str, Callable[[Path], Path]] = {
    "study of pictures": lambda out: write_report(run("image"), out),
    "study of texts": lambda out: write_report(run("text"), out),
    "study of a table": lambda out: write_report(run("table"), out),
    "overview": lambda out: write_report(sample_runs.with_overview(sample_runs.bare_run(3, "table")), out),
    "comparison": lambda out: write_comparison(
        marked(sample_runs.comparison(3), ("title", "detail", "name", "things", "protocol", "protocol_detail", "note", "feature", "command")), out
    ),
    "index": lambda out: write_index([{"title": e, "href": "a.html", "facts": [e]} for e in EVIL], out),
    "index of runs": lambda out: write_index(
        [{"run": run("table").save(out.parent / "run"), "href": "a.html"}], out
    ),
    "explanation": explanation,
    "interactions": interactions,
    "letters": lambda out: write_letters(sample_runs.hostile_run("table"), out),
    "diff": lambda out: write_diff(run("table"), replace(run("table"), context={**run("table").context, "model": {**run("table").context["model"], "id": EVIL[1]}}), out),
}  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each page, written once."""
    folder = tmp_path_factory.mktemp("policy")
    made: dict[str, Path] = {}

    def written(name: str) -> Path:
        if name not in made:
            made[name] = PAGES[name](folder / name / "page.html")
        return made[name]

    return written


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_the_policy_before_anything_else(page: Any, name: str) -> None:
    html = page(name).read_text(encoding="utf-8")
    tree = read(html)
    policies = [
        m for m in tree.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (policy,) = (m.attributes["content"] for m in policies)
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules.get("media-src", "data:") == "data:"
    assert "http" not in policy
    assert "unsafe-inline" not in rules.get("script-src", "")
    assert "unsafe-eval" not in policy
    assert html.index("Content-Security-Policy") < min(
        html.index(t) for t in ("<title", "<style", "<body")
    )
    assert len(tree.all("script")) <= 1
    assert not [n for n in tree.walk() for a in n.attributes if a.startswith("on")]
    assert not tree.all("iframe")
    for node in tree.walk():
        for attribute in ("src", "href"):
            value = node.attributes.get(attribute, "#")
            assert value.startswith(("#", "data:image/")) or value == "a.html"


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_a_hostile_name_runs_or_asks(browser: Any, page: Any, name: str) -> None:  # noqa: F811
    with Visit(browser, page(name), viewport={"width": 390, "height": 900}) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        visit.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        for link in visit.page.locator("summary").all()[:3]:
            link.dispatch_event("mouseover")
        assert visit.page.evaluate("typeof window.hostile") == "undefined"
        assert visit.asked == []
        assert visit.errors == []


INJECTED = """<script>window.hostile=1</script><img src=x onerror="window.hostile=1"><img src="http://evil.test/a.png">
<link rel=stylesheet href="http://evil.test/a.css"><iframe src="http://evil.test"></iframe><base href="http://evil.test/">
<div style="background:url(http://evil.test/b.png)">x</div><script src="http://evil.test/a.js"></script>
<form id=evil action="http://evil.test"></form><svg onload="window.hostile=1"></svg>"""


@pytest.mark.browser
@pytest.mark.parametrize("name", ["study of a table", "comparison", "letters", "explanation"])
def test_the_policy_blocks_what_would_slip_through(browser: Any, page: Any, name: str) -> None:  # noqa: F811
    html = page(name).read_text(encoding="utf-8")
    other = page(name).with_name("injected.html")
    other.write_text(html.replace("</body>", INJECTED + "</body>"), encoding="utf-8")
    with Visit(browser, other) as visit:
        visit.page.evaluate("document.getElementById('evil').submit()")
        visit.page.wait_for_timeout(100)
        assert visit.page.evaluate("typeof window.hostile") == "undefined"
        assert visit.asked == []
        assert sum("Content Security Policy" in error for error in visit.errors) >= 5
