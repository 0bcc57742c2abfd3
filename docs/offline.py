"""A hook of the site: a page that a browser would complete from outside is an error."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

LOADED = {
    "src",
    "srcset",
    "poster",
    "data",
}  # attributes whose address is loaded, and href of <link>
OUTSIDE = re.compile(r"^\s*(https?:)?//")
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")


class Loads(HTMLParser):
    """Collects the outside addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            loaded = name in LOADED or (tag == "link" and name == "href")
            if loaded and OUTSIDE.match(value or ""):
                self.found.append(str(value))


def outside(html: str) -> list[str]:
    """Addresses outside that a browser would load for this page."""
    page = Loads()
    page.feed(html)
    return page.found + IN_STYLE.findall(html)


def on_post_build(config: Any, **_: Any) -> None:
    """Every page and style of the built site."""
    site = Path(config["site_dir"])
    for file in (*site.rglob("*.html"), *site.rglob("*.css")):
        text = file.read_text(encoding="utf-8")
        if found := outside(text) if file.suffix == ".html" else IN_STYLE.findall(text):
            raise PluginError(f"{file.relative_to(site)} loads {', '.join(found)} from outside.")
