"""What would have changed the answer for one sample, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.core.errors import DataError
from xaikit.core.types import Sample
from xaikit.report.findings import Findings

__all__ = ["flip_of"]


def flip_of(findings: Findings, sample: Sample) -> list[str] | None:
    """What turns it and how that was found, then the other ways; None where nobody asked."""
    flips = findings.run.context.get("flips") or ()
    flip = next((f for f in flips if f.get("sample") == sample.id), None)
    if flip is None:
        return None
    if not flip.get("told"):
        return [findings.words("flip.none")]
    others = [_told(findings, other.get("told", ())[:1]) for other in flip.get("others", ())]
    return [_told(findings, flip["told"]), *others]


def _told(findings: Findings, told: list[Mapping[str, Any]]) -> str:
    try:
        return findings.words.told(*told)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            f"the run's 'flips' hold what has no words ({error}); make it again with --flip."
        ) from error
