"""From a run to the plain dict that the report's template shows. Pure: no files, no clock."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from xaikit.report.blocks.choice import choice_block
from xaikit.report.blocks.folds import folds_block
from xaikit.report.blocks.header import header_block
from xaikit.report.blocks.hero import case_block
from xaikit.report.blocks.overview import overview_block
from xaikit.report.blocks.rows import rows_block
from xaikit.report.blocks.strip import groups_of, strip_block
from xaikit.report.facts import part
from xaikit.report.findings import Findings
from xaikit.report.words import Words
from xaikit.study.run import Run

__all__ = ["report_page"]

MOST_CASES = 16  # beside errors that were added


def report_page(run: Run, language: str = "en", folder: str = "") -> dict[str, Any]:
    """Everything the page says of a run; `folder` is the name of the run's folder, if it was saved."""
    findings = Findings(run, Words(language))
    words, chosen = findings.words, _chosen(findings)
    groups = groups_of(findings, chosen)
    header = header_block(findings)
    over, rows = overview_block(findings), rows_block(findings, groups)
    sections = ("which", *(("over",) if over else ()), "rows", "more")
    return {
        "language": language,
        "sheets": ("overview.css",) if over else (),
        "title": " · ".join(x for x in (_called(findings), words("page.title")) if x),
        "nav": [(f"#{s}", words(f"{s}.nav")) for s in sections],
        "view": findings.kind.view,
        "part": findings.part,
        "parts": findings.parts,
        "header": header,
        "cases": [case_block(findings, i) for i in groups.order],
        "strip": strip_block(findings, groups),
        "choice": choice_block(findings),
        "overview": over,
        "rows": rows,
        "folds": folds_block(findings, len(chosen), folder),
        "style": Markup(_style(groups.order)) + rows["style"],
    }


def _called(findings: Findings) -> str:
    """Data and model."""
    data = part(findings.run, "data").get("name")
    return " · ".join(str(x) for x in (data, findings.model) if x)


def _style(cases: tuple[int, ...]) -> str:
    """Which case is shown: the one whose radio is chosen, or the first where a browser cannot ask."""
    shown = [f":root:has(#c{i}:checked) .k{i}{{display:contents}}" for i in cases]
    return "".join(shown) + f"@supports not selector(:has(a)){{.k{cases[0]}{{display:contents}}}}"


def _chosen(findings: Findings) -> list[int]:
    """At most 16 samples and the errors that were added: up to half of the 16 wrong predictions, the
    others the first in order."""
    added = set(findings.run.context.get("added") or ())
    ids = [s.id for s in findings.run.samples]
    own = [i for i, name in enumerate(ids) if name not in added]
    if len(own) > MOST_CASES:
        wrong = [i for i in own if findings.is_wrong(i)][: MOST_CASES // 2]
        own = wrong + [i for i in own if not findings.is_wrong(i)][: MOST_CASES - len(wrong)]
    return sorted(own + [i for i, name in enumerate(ids) if name in added])
