"""What readers meet on each study page, in a real browser, beside what the page must reach.

`make page-bars`, or `python -m benchmarks.page_bars digits --quick`. Studies are made once and kept in
`build/pages`; `--again` makes them anew. A name that ends in .html is measured as it stands.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.page_runs import HOME, PLACE, made

__all__ = ["BARS", "Bar", "main", "missed", "table"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREENS = {1280: 800, 390: 844}
READ = Path(__file__).with_suffix(".js")
AXE = "axe_playwright_python"  # of the extra 'bench'; it carries axe-core
Line = dict[str, Any]  # one page at one width, language and theme


@dataclass(frozen=True)
class Bar:
    """The most that a page may have of something, by width; what is not there reaches no bar."""

    name: str
    title: str
    most: tuple[float, float]  # at 1280 px, at 390 px
    of_case: bool = False  # asked of study pages only

    def missed(self, line: Line) -> bool:
        value = line.get(self.name)
        caseless = "seconds" not in line and line.get("begins") is None
        if self.name not in line or (self.of_case and caseless):
            return False  # not measured, or a page without a case
        return (
            value is None
            or (len(value) if isinstance(value, list) else value) > self.most[line["width"] < 1000]
        )


BARS = (
    Bar("begins", "picture at px", (320, 480), True),
    Bar("words", "words before", (90, 90), True),
    Bar("numbers", "numbers", (14, 12), True),
    Bar("height", "height px", (6000, 10500), True),
    Bar("clipped", "clipped", (0, 0)),
    Bar("errors", "errors", (0, 0)),
    Bar("requests", "requests", (0, 0)),
    Bar("axe", "axe", (0, 0)),
    Bar("sheets", "sheets", (8, 8), True),
    Bar("kilobytes", "kB", (2000, 2000)),
    Bar("seconds", "made in s", (5, 5)),
)


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None or find_spec("playwright") is None:
        print("needs Chromium and playwright (the extra 'test').", file=sys.stderr)
        return 2
    axe = _axe()
    print("axe-core: " + ("yes" if axe else "not installed (the extra 'bench')"), flush=True)
    lines = []
    with _browser(found) as browser:
        for page in _pages(given):
            for line in _visits(browser, page, given, axe):
                lines.append(line)
                print(_row(line), flush=True)
    print("\n" + table(lines))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_bars", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="names of studies, or .html files")
    parser.add_argument("--data", type=Path, default=HOME.parent / "shared" / "data")
    parser.add_argument("--again", action="store_true", help="make the studies anew")
    parser.add_argument("--quick", action="store_true", help="English, light, without axe-core")
    parser.add_argument("--why", action="store_true", help="say what was counted")
    parser.add_argument(
        "--folds", action="store_true", help="axe-core with every fold open, minutes a page"
    )
    parser.add_argument("--pictures", action="store_true", help="screenshots beside the pages")
    return parser


def _axe() -> str:
    spec = find_spec(AXE)
    if spec is None or not spec.submodule_search_locations:
        return ""
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


@contextmanager
def _browser(path: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


def _pages(given: argparse.Namespace) -> Iterator[Line]:
    """The page of each study in each language, with its size and the processor time that it took."""
    from xaikit.report import write_report

    files = [Path(name) for name in given.pages if name.endswith(".html")]
    yield from ({"page": file.stem, "language": "", "file": file.resolve()} for file in files)
    names = [name for name in given.pages if not name.endswith(".html")]
    if files and not names:
        return
    for asked in made(given.data, names, given.again):
        for language in ("en",) if given.quick else ("en", "ko"):
            start = time.process_time()
            file = write_report(
                asked.run, PLACE / f"{asked.name}-{language}.html", language, force=True
            )
            yield {
                "page": asked.name,
                "language": language,
                "file": file,
                "seconds": time.process_time() - start,
                "kilobytes": file.stat().st_size / 1000,
            }


def _visits(browser: Any, page: Line, given: argparse.Namespace, axe: str) -> Iterator[Line]:
    for width, height in SCREENS.items():
        for theme in ("light",) if given.quick else ("light", "dark"):
            line = {**page, "width": width, "theme": theme}
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
            line |= _visit(context, page["file"], "" if given.quick else axe, width, given.folds)
            if given.pictures:
                _pictures(context, line)
            context.close()
            if given.why:
                _why(line)
            yield line


def _visit(context: Any, file: Path, axe: str, width: int, folds: bool) -> Line:
    errors: list[str] = []
    requests: list[str] = []

    def only_files(route: Any) -> None:
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            requests.append(route.request.url)
            route.abort()

    context.route("**/*", only_files)
    page = context.new_page()
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(file.as_uri())
    line: Line = page.evaluate(f"({_reader()})(false)")
    if width == 1280:
        line["sheets"] = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    if axe:
        page.evaluate(f"({_reader()})({str(folds).lower()})")
        line["axe"] = _broken(page, axe)
    return {**line, "errors": errors, "requests": requests}


def _broken(page: Any, axe: str) -> list[str]:
    """What axe-core finds on the page as it opens, all rules."""
    page.evaluate(axe)
    ask = "axe.run({resultTypes: ['violations'], preload: false}).then(r => r.violations)"
    return [
        f"{v['id']} ({v['impact']}): {n['html'][:100]}"
        for v in page.evaluate(ask)
        for n in v["nodes"]
    ]


def _reader() -> str:
    text = READ.read_text(encoding="utf-8")
    return text[text.index("(() =>") :].strip()


def _pictures(context: Any, line: Line) -> None:
    page = context.pages[0]
    place = PLACE / "pictures"
    name = f"{line['page']}-{line['language'] or 'en'}-{line['width']}-{line['theme']}"
    page.screenshot(path=place / f"{name}-top.png")
    page.screenshot(path=place / f"{name}.png", full_page=True)


def _why(line: Line) -> None:
    for bar in BARS:
        value = line.get(bar.name)
        if isinstance(value, list) and value:
            shown = " ".join(value) if bar.name in ("words", "numbers") else "\n    ".join(value)
            print(f"  {bar.title} ({len(value)}): {shown}")


def _row(line: Line) -> str:
    cells = [f"{_cell(line, bar)}{'!' if bar.missed(line) else ' '} {bar.title}" for bar in BARS]
    return f"{_where(line):36s} " + "  ".join(cells)


def _where(line: Line) -> str:
    return " ".join(
        filter(None, (line["page"], line["language"], str(line["width"]), line["theme"]))
    )


def _cell(line: Line, bar: Bar) -> str:
    value = line.get(bar.name)
    if bar.name not in line:
        return "-"
    if value is None:
        return "none"
    if isinstance(value, list):
        return str(len(value))
    return f"{value:.1f}" if bar.name == "seconds" else f"{value:.0f}"


def missed(lines: Sequence[Line]) -> Mapping[str, list[str]]:
    """Bar -> where it is missed."""
    return {
        bar.title: [_where(line) for line in lines if bar.missed(line)]
        for bar in BARS
        if any(bar.name in line for line in lines)
    }


def table(lines: Sequence[Line]) -> str:
    """Markdown: a row a page and width in the first language and theme, and a row a bar."""
    first = [line for line in lines if line["theme"] == "light" and line["language"] in ("", "en")]
    rows = ["| page | width | " + " | ".join(bar.title for bar in BARS) + " |"]
    rows.append("|" + "---|" * (len(BARS) + 2))
    for line in first:
        cells = [_cell(line, bar) + (" ✕" if bar.missed(line) else "") for bar in BARS]
        rows.append(f"| {line['page']} | {line['width']} | " + " | ".join(cells) + " |")
    rows += ["", f"| bar, on {len(lines)} visits | missed on |", "|---|---|"]
    for title, where in missed(lines).items():
        shown = f"✕ {len(where)}: {', '.join(where[:4])}{' …' if len(where) > 4 else ''}"
        rows.append(f"| {title} | {shown if where else '✓ reached'} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
