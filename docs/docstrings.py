"""How the docstrings of xaikit become Markdown on the site: lists of what is named, examples as code."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

NAMED = re.compile(r"^(?P<names>\*{0,2}\w+(?:, \w+)*) : (?P<told>.*)$")


class Docstrings(Extension):
    """Rewrites every docstring before it is drawn."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """`name : what it is` becomes a line of a list, `>>>` a block of code."""
    found: list[str] = []
    example = named = False
    for line in text.splitlines():
        begins, match = line.startswith(">>> "), NAMED.match(line)
        if begins and not example:
            found += ["", "```pycon"]
        elif example and not line.strip():
            found += ["```"]
        elif bool(match) != named and line.strip() and not line.startswith(" "):
            found += [""]  # a list begins or ends
        example = (begins or example) and bool(line.strip())
        named = bool(match) or (named and line.startswith(" "))
        found.append(f"- **{match['names']}**: {match['told']}" if match else line)
    return "\n".join([*found, "```"] if example else found)
