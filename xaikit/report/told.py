"""What is said of a run in few words, the same on every page and in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from xaikit.report.findings import Findings

__all__ = ["finding", "standing", "use", "warning"]


def finding(findings: Findings) -> str:
    """What the model goes by, or why that is not known."""
    return findings.words.told(findings.run.findings()[0])


def warning(findings: Findings) -> str:
    """What to beware of, "" where nothing was found."""
    return findings.words.told(*findings.run.warnings()[:1])


def standing(findings: Findings) -> list[tuple[str, str]]:
    """Which explanations to use, which hold and are weaker, which nobody can tell, which not to use: name
    of the status, then methods."""
    words = findings.words
    found = []
    for status in ("use", "weaker", "unsettled", "failed"):
        named = [m for m in findings.order if findings.verdicts[m].status == status]
        if status == "use":
            found.append((words("badge.use"), use(findings)))
        elif named:
            found.append((words(f"badge.{status}"), _listed(findings, named, "and")))
    return found


def use(findings: Findings) -> str:
    """The methods to use, the shown one first, or that none can be named."""
    chosen = findings.run.choice().use
    if chosen:
        return _listed(findings, chosen, "or")
    tested = findings.tested
    return findings.words("told.none" if tested else "told.untested")


def _listed(findings: Findings, methods: Sequence[str], how: str) -> str:
    return findings.words.listed([findings.name(m) for m in methods], how)
