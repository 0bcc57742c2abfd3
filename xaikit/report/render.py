"""From a page model to one HTML file that needs no network and no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from xaikit.report.colour import HATCH_FROM, STEPS, WORD_BINS, tokens_css
from xaikit.report.png import heat_uri
from xaikit.report.words import Words

__all__ = ["fragment", "render", "static"]

HERE = Path(__file__).parent


def render(template: str, page: Mapping[str, Any]) -> str:
    """The page as HTML; every value is escaped by the template."""
    words = Words(page["language"])
    script = static("page.js")
    sheets = ("style.css", *page.get("sheets", ()))
    return (
        _templates()
        .get_template(template)
        .render(
            page=page,
            t=words,
            style=Markup(tokens_css() + "".join(map(static, sheets))),  # ours, not data
            script=Markup(script),
            csp=policy(script),
            version=_version(),
            hatch_from=HATCH_FROM,
            word_bins=WORD_BINS,
            key_uri=heat_uri(np.linspace(-1, 1, STEPS)[None, :]),
        )
    )


def fragment(template: str, **values: Any) -> str:
    """A piece of HTML; every value is escaped by the template, but for a style, which is ours."""
    return _templates().get_template(template).render(**values)


def policy(script: str) -> str:
    """The content security policy: nothing from anywhere, this very script only."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def static(name: str) -> str:
    """The text of a file of ours."""
    return (HERE / "static" / name).read_text(encoding="utf-8").strip()


def _version() -> str:
    try:
        return version("xaikit")
    except PackageNotFoundError:
        return "0"
