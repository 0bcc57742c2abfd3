"""Writes docs/methods.md from the registries, so that it cannot drift from the code.

Run: python docs/make_methods.py
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from xaikit.methods import METHODS
from xaikit.metrics import MEASURES

TARGET = Path(__file__).parent / "methods.md"


def text() -> str:
    """The whole page."""
    parts = [
        "# Methods and metrics\n",
        "Made by `make docs` from the registries; do not edit.\n",
        "`xaikit list methods --model FOLDER` says which methods apply to a model, and why not.\n",
        "## Methods\n",
    ]
    for name in METHODS:
        kind = METHODS.get(name)
        card = kind.card
        fields = [f"`{f.name}={f.default!r}`" for f in dataclasses.fields(kind)]
        control = " (control)" if card.control else ""
        parts += [
            f"### {card.title}{control}: `{name}`\n",
            f"{card.asks} {card.misleads}\n",
            *([f"Source: {card.paper}\n"] if card.paper else []),
            *([f"Parameters: {', '.join(fields)}\n"] if fields else []),
        ]
    parts += ["## Measures\n", "| name | family | better | what it means |", "|---|---|---|---|"]
    for name in MEASURES:
        m = MEASURES.get(name)
        parts.append(f"| `{name}` | {m.family} | {m.direction} | {m.title}: {m.means} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
