"""Glyph, words and shape of what a verdict says."""

from __future__ import annotations

from xaikit.report.findings import Findings

__all__ = ["GLYPHS", "badge"]

GLYPHS = {
    "use": "✓",
    "weaker": "↓",
    "none": "–",
    "unsettled": "?",
    "not_tested": "?",
    "failed": "✕",
    "control": "◇",
    "error": "–",
}


def badge(findings: Findings, status: str, *, short: bool = False) -> dict[str, str]:
    """Glyph, words and kind of a verdict's badge."""
    key = f"short_badge.{status}" if short else f"badge.{status}"
    return {"glyph": GLYPHS[status], "text": findings.words(key), "kind": status}
