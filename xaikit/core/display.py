"""Who shows what: results name a drawing or a sentence and know nothing of how it is made."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["DISPLAYS", "Saved", "display"]

DISPLAYS = {
    "figure": "xaikit.report.figures:plot_explanation",
    "html": "xaikit.report.notebook:html_of",
    "file": "xaikit.report.notebook:save_picture",
    "pairs": "xaikit.report.pairs:plot_pairs",
    "pairs file": "xaikit.report.pairs:save_pairs",
    "pairs html": "xaikit.report.pairs:html_of_pairs",
    "layers page": "xaikit.report:write_layers",
    "sentence": "xaikit.report.words:told",
    "model folder": "xaikit.models.store:save_model",
}
"""Name of a drawing -> "module:function", which is imported when it is first asked for."""


def display(name: str, *args: Any) -> Any:
    """What the drawing of that name makes of its arguments."""
    module, function = DISPLAYS[name].split(":")
    return getattr(import_module(module), function)(*args)


class Saved:
    """A model that can be written as a folder."""

    def save(self, folder: str | Path) -> Path:
        """Write it as `xaikit.save_model` does; `ModelError` says why where a folder cannot hold it."""
        return display("model folder", self, folder)  # type: ignore[no-any-return]
