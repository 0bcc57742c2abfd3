"""What is printed, and where."""

from __future__ import annotations

import json
import re
import sys
import warnings
import webbrowser
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from xaikit.core.registry import PluginWarning

__all__ = ["complain", "out", "print_json", "print_table", "say", "show_page", "tell"]

out = Console()
err = Console(stderr=True)
_usual = warnings.showwarning
# what would move the cursor, change the terminal or turn the line, out of a name in a file
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def say(text: str) -> None:
    """A line as it stands, however long."""
    out.print(_harmless(text), highlight=False, soft_wrap=True, markup=False)


def complain(text: str, style: str = "") -> None:
    """A line on stderr."""
    err.print(_harmless(text), style=style, markup=False, highlight=False, soft_wrap=True)


def _harmless(text: str) -> str:
    return _UNSAFE.sub("\ufffd", text)


def show_page(page: Path) -> None:
    """The page in the reader's browser."""
    if not webbrowser.open(page.resolve().as_uri()):
        complain(f"no browser was found; open {page} by hand.")


def tell(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What is left out is one line on stderr, without a place in the code."""
    if issubclass(category, PluginWarning):
        complain(f"xaikit: {message}", "yellow")
    else:
        _usual(message, category, filename, lineno, file, line)


def print_table(columns: list[str], rows: list[list[str]]) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_harmless(str(cell)).replace("[", r"\[") for cell in row))
    out.print(table)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
