"""What `xaikit layers` does between its options and its last line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xaikit.app.terminal import print_json, print_table, say, show_page
from xaikit.core.folders import check_page, file_name
from xaikit.report import write_layers
from xaikit.report.layers_page import headline, layer_rows, probed
from xaikit.report.words import Words
from xaikit.study.layers import layers

__all__ = ["check", "looked_at"]


def check(html: Path | None, model: str | None, force: bool) -> Path:
    """Where the page goes; what would be overwritten is refused before the work."""
    html = html or Path("reports") / file_name(f"layers-{Path(model or 'net').name}", ".html")
    check_page(html, force)
    return html


def looked_at(
    model: Any,
    data: Any,
    html: Path,
    names: tuple[str, ...],
    channels: int,
    seed: int,
    language: str,
    *,
    show: bool,
    force: bool,
    as_json: bool,
) -> None:
    """The layers, their page, and what the terminal says of them."""
    found = layers(model, data, names=names, n_channels=channels, seed=seed, progress=not as_json)
    page = write_layers(found, html, language, force)
    if as_json:
        print_json({"page": str(page), **found.to_json()})
    else:
        say(f"{headline(found, Words())}\n{probed(found, Words())}")
        print_table(*layer_rows(found))
        say(f"page: {page}")
    if show:
        show_page(page)
