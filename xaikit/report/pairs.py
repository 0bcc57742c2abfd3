"""Interactions as people see them: the pairs as a map with single features on its diagonal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.folders import check_free, write_file
from xaikit.core.interactions import Interactions
from xaikit.core.types import Floats, Ints
from xaikit.report.colour import HATCH_FROM, bin_of, scoped_tokens_css
from xaikit.report.figures import figure_of, key_of, map_colours, stripes, style
from xaikit.report.formats import decimals, fixed, signed
from xaikit.report.render import fragment, static
from xaikit.report.single import Z, readable, target_of
from xaikit.report.words import Words

__all__ = ["card_of_pairs", "html_of_pairs", "plot_pairs", "save_pairs"]

MOST, MOST_SETS = 14, 8  # features of a map, sets of a list
LONG = 24
DPI = 200


def plot_pairs(found: Interactions, language: str = "en") -> Any:
    """A matplotlib `Figure`: the strongest features by each other, the strongest first."""
    words, shown = Words(language), _strongest(found)
    with style():
        figure = figure_of(0.9 + 0.33 * len(shown), _title(found, words), _caption(found, words))
        axes = figure.add_subplot()
        values = found.matrix()[np.ix_(shown, shown)]
        end, digits = _end(values), decimals(_end(values))
        drawn = axes.imshow(values, cmap=map_colours(), vmin=-end, vmax=end)
        hatched = stripes(values < -HATCH_FROM * end)
        axes.imshow(hatched, extent=drawn.get_extent(), aspect=axes.get_aspect())
        names = [_short(readable(found.names[i])) for i in shown]
        axes.set_xticks(range(len(shown)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(shown)), names)
        axes.tick_params(length=0)
        key_of(figure, axes, drawn, words, end, (signed(-end, digits), signed(end, digits)))
    return figure


def html_of_pairs(found: Interactions, language: str = "en") -> str:
    """A card: the strongest sets as a list, and the map as a table."""
    words = Words(language)
    card = card_of_pairs(found, words)
    look = scoped_tokens_css(".xaikit") + static("notebook.css")
    return fragment("pairs.html.j2", card=card, t=words, style=look)


def card_of_pairs(found: Interactions, words: Words) -> dict[str, Any]:
    """The strongest sets, and the map as cells."""
    return {
        "kind": "pairs",
        "title": _title(found, words),
        "sample": readable(found.sample_id),
        "caption": _caption(found, words),
        "rows": _sets(found),
        **_table(found),
    }


def save_pairs(found: Interactions, path: str | Path, language: str, force: bool) -> Path:
    """Write the map, .png or .svg, or the card, .html; an existing file stays unless `force`."""
    path = Path(path)
    writers: dict[str, Callable[[Path], Any]] = {
        ".png": lambda to: _write(found, to, language),
        ".svg": lambda to: _write(found, to, language),
        ".html": lambda to: to.write_bytes(_page(found, language)),
    }
    if path.suffix not in writers:
        raise InvalidInput(f"'{path}' ends with '{path.suffix}'; name it .png, .svg or .html.")
    check_free(path, force)
    return write_file(path, writers[path.suffix], force)


def _write(found: Interactions, to: Path, language: str) -> None:
    figure = plot_pairs(found, language)
    with style():
        figure.savefig(to, dpi=DPI, metadata={"Date": None} if to.suffix == ".svg" else None)


def _page(found: Interactions, language: str) -> bytes:
    card = html_of_pairs(found, language)
    title = f"{found.index} · {found.sample_id}"
    page = fragment("notebook_page.html.j2", language=language, title=title, card=card)
    return page.encode("utf-8", "replace")


def _strongest(found: Interactions) -> Ints:
    """The features of the largest values in all that they take part in, strongest first."""
    strength = np.abs(found.matrix()).max(axis=1)
    return np.asarray(np.argsort(-strength, kind="stable")[:MOST])


def _end(values: Floats) -> float:
    return float(np.abs(values).max()) or 1.0


def _title(found: Interactions, words: Words) -> str:
    return words("pairs.title", target=target_of(found, words), index=found.index)


def _caption(found: Interactions, words: Words) -> str:
    parts = [readable(found.sample_id), readable(found.model_id), words("pairs.diagonal")]
    parts.append(words("single.removed", masker=readable(found.masker)))
    return " · ".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG - 1]}…"


def _sets(found: Interactions) -> list[dict[str, str]]:
    digits = decimals(_end(found.values))
    return [
        {
            "name": " × ".join(map(readable, names)),
            "value": signed(value, digits),
            "error": f"±{fixed(Z * std, digits)}" if std else "",
        }
        for names, value, std in found.top(MOST_SETS)
    ]


def _table(found: Interactions) -> dict[str, Any]:
    shown = _strongest(found)
    values = found.matrix()[np.ix_(shown, shown)]
    end = _end(values)
    digits = decimals(end)
    marks = {0: "", 1: "f", -1: "a"}
    cells = [
        [
            (signed(v, digits), f"{marks[int(np.sign(bin_of(v / end)))]}{abs(bin_of(v / end))}")
            for v in row
        ]
        for row in values.tolist()
    ]
    names = [readable(found.names[i]) for i in shown]
    return {"names": names, "cells": list(zip(names, cells, strict=True))}
