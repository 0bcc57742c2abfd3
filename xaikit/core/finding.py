"""What an analysis found: a key and its numbers. The report turns them into sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xaikit.core.display import display

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One finding; as `str` it is an English sentence.

    key : of the sentence in `report/words/*.toml`
    numbers : what stands in its fields: numbers, names, or findings
    """

    key: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(display("sentence", self))
