"""What is said of a run in few words: the page's own sentences without its marks."""

from __future__ import annotations

from markupsafe import Markup

from xaikit.report.blocks.choice import choice_block
from xaikit.report.findings import Findings

__all__ = ["finding", "standing", "use", "warning"]


def finding(findings: Findings) -> str:
    """What the model goes by, or why that is not known."""
    return findings.headline


def warning(findings: Findings) -> str:
    """What to beware of, "" where nothing was found."""
    return findings.warning


def standing(findings: Findings) -> list[tuple[str, str]]:
    """Which explanations to use, which nobody can tell, which not to use: the verdict, then the sentences."""
    lines = choice_block(findings)["lines"]
    return [(line["badge"]["text"], _plain(line["text"])) for line in lines]


def use(findings: Findings) -> tuple[str, ...]:
    """Names of the methods to use, the shown one first; () where none can be named."""
    return tuple(map(findings.name, findings.choice.use))


def _plain(text: str) -> str:
    """Words for where nothing is marked."""
    return text.striptags() if isinstance(text, Markup) else text
