"""Pages of saved runs: one HTML file each, readable offline and without scripts.

The report reads a `Run` and nothing else; it imports neither torch nor a method nor a metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xaikit.core.errors import DataError
from xaikit.core.folders import write_page
from xaikit.report.comparison import Comparison
from xaikit.report.comparison_page import comparison_page
from xaikit.report.diff_page import diff_page
from xaikit.report.index_page import Entry, index_page
from xaikit.report.layers_page import layers_page
from xaikit.report.letter import letter_page
from xaikit.report.page import report_page
from xaikit.report.render import render
from xaikit.study.difference import Difference, difference
from xaikit.study.layers import Layers
from xaikit.study.run import Run

__all__ = [
    "Comparison",
    "Entry",
    "write_comparison",
    "write_diff",
    "write_index",
    "write_layers",
    "write_letters",
    "write_report",
]


def write_report(
    run: Run | str | Path, out: str | Path, language: str = "en", *, force: bool = False
) -> Path:
    """Write the page of a run (or of a saved run's folder); language is "en" or "ko".

    A file at `out` that is no page of xaikit is overwritten only with `force`.

    >>> run = xaikit.study(model, [sample], "shap", "none")
    >>> write_report(run, "wine.html").name
    'wine.html'
    """
    folder = "" if isinstance(run, Run) else Path(run).name
    where = "" if isinstance(run, Run) else f" in '{run}'"
    run = run if isinstance(run, Run) else Run.load(run)
    if not run.samples:
        raise DataError(
            f"the run{where} holds no sample, so there is nothing to report; explain one or more."
        )
    return write_page(render("report.html.j2", report_page(run, language, folder)), out, force)


def write_comparison(
    comparison: Comparison | Mapping[str, Any],
    out: str | Path,
    language: str = "en",
    *,
    force: bool = False,
) -> Path:
    """Write the page that compares models; `xaikit.report.comparison` describes the mapping.

    `out` and `force` as in `write_report`.
    """
    html = render("comparison.html.j2", comparison_page(comparison, language))
    return write_page(html, out, force)


def write_diff(
    a: Run | str | Path,
    b: Run | str | Path,
    out: str | Path,
    language: str = "en",
    *,
    found: Difference | None = None,
    force: bool = False,
) -> Path:
    """Write the page that shows where two runs differ, see `xaikit.study.difference`; `InvalidInput` names
    what cannot be compared. `found` where it is known, `out` and `force` as in `write_report`.
    """
    a, b = (run if isinstance(run, Run) else Run.load(run) for run in (a, b))
    html = render("diff.html.j2", diff_page(found or difference(a, b), a, b, language))
    return write_page(html, out, force)


def write_index(
    entries: Sequence[Entry | Mapping[str, Any]],
    out: str | Path,
    language: str = "en",
    *,
    force: bool = False,
) -> Path:
    """Write the page that links reports; `href` is relative to it, `force` as in `write_report`."""
    return write_page(render("index.html.j2", index_page(entries, language)), out, force)


def write_layers(found: Layers, out: str | Path, language: str = "en", force: bool = False) -> Path:
    """Write the page of `xaikit.layers`: the layers of a net from left to right. `force` as in `write_report`."""
    return write_page(render("layers.html.j2", layers_page(found, language)), out, force)


def write_letters(
    run: Run | str | Path,
    out: str | Path,
    language: str = "en",
    *,
    sample: str = "",
    force: bool = False,
) -> Path:
    """Write a sheet a case for the person that it is about, or that of one `sample`: what was decided,
    mainly why, what would have changed it, what the model cannot know. `force` as in `write_report`.
    """
    run = run if isinstance(run, Run) else Run.load(run)
    return write_page(render("letter.html.j2", letter_page(run, language, sample)), out, force)
