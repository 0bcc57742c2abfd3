"""What results look like in a notebook, and one explanation as one file to send.

Each piece of HTML brings its own style and asks for nothing from outside; every name is escaped.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.folders import check_free, write_file
from xaikit.core.types import Explanation
from xaikit.judge.verdict import Verdict
from xaikit.report.badges import GLYPHS
from xaikit.report.colour import HATCH_FROM, STEPS, scoped_tokens_css
from xaikit.report.figures import plot_explanation, style
from xaikit.report.findings import Findings
from xaikit.report.formats import decimals, fixed, signed
from xaikit.report.image_case import heat_map, picture
from xaikit.report.png import heat_uri
from xaikit.report.render import fragment, static
from xaikit.report.sheet import sheet
from xaikit.report.single import Single, readable
from xaikit.report.strips import signal, strip, strongest_channels
from xaikit.report.told import finding
from xaikit.report.words import Words
from xaikit.study.flip.result import Counterfactual
from xaikit.study.run import Run

__all__ = ["html_of", "save_picture"]

Shown = Explanation | Explanations | Run | Verdict | Counterfactual
MOST_BARS, MOST_NUMBERS, MOST_SAMPLES = 8, 20, 8
DPI = 200


def html_of(shown: Shown, sample: Any = None, language: str = "en") -> str:
    """A small card: of an explanation its drawing, of a block its strongest features or samples, of a
    run its finding and verdicts, of a counterfactual its sentences."""
    words = Words(language)
    if isinstance(shown, Explanation):
        card = _explanation(Single.of(shown, sample, words))
    elif isinstance(shown, Explanations):
        card = _block(shown, words)
    elif isinstance(shown, Counterfactual):
        card = _flip(shown, words)
    else:
        card = _verdicts(shown, words)
    return fragment("notebook.html.j2", card=card, t=words, style=_style())


def save_picture(
    shown: Explanation | Explanations,
    path: str | Path,
    sample: Any = None,
    language: str = "en",
    force: bool = False,
) -> Path:
    """Write a picture, .png, .svg or .html, at once or not at all; an existing file stays unless
    `force`."""
    path = Path(path)
    writers: dict[str, Callable[[Path], Any]] = {
        ".png": lambda to: _write_figure(shown, to, sample, language),
        ".svg": lambda to: _write_figure(shown, to, sample, language),
        ".html": lambda to: to.write_bytes(_page(shown, sample, language)),
    }
    if path.suffix not in writers:
        raise InvalidInput(f"'{path}' ends with '{path.suffix}'; name it .png, .svg or .html.")
    check_free(path, force)  # before anything is drawn
    return write_file(path, writers[path.suffix], force)


def _write_figure(shown: Any, to: Path, sample: Any, language: str) -> None:
    figure = plot_explanation(shown, sample, language)
    with style(), warnings.catch_warnings():
        if to.suffix == ".svg":  # its text is drawn by the fonts of whoever looks
            warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        # of an SVG no date is kept, so that the same answer is the same file
        figure.savefig(to, dpi=DPI, metadata={"Date": None} if to.suffix == ".svg" else None)


def _page(shown: Explanation | Explanations, sample: Any, language: str) -> bytes:
    page = fragment(
        "notebook_page.html.j2",
        language=language,
        title=f"{shown.method} · {getattr(shown, 'sample_id', shown.model_id)}",
        card=html_of(shown, sample, language),
    )
    return page.encode("utf-8", "replace")  # a lone half of a character is a ?


@cache
def _style() -> str:
    return scoped_tokens_css(".xaikit") + static("notebook.css")


def _explanation(mine: Single) -> dict[str, Any]:
    empty = not np.abs(mine.e.values).max() > 0
    return {
        "kind": "explanation",
        "title": mine.target,
        "value": mine.number(mine.e.output),
        "empty": mine.words("single.from", value=mine.number(mine.e.empty)),
        "caption": mine.caption,
        "view": mine.view,
        **_DRAWN.get(mine.view, _picture)(mine),
        "nothing": mine.words("single.nothing") if empty else "",
        "numbers": [] if mine.view == "bars" else _numbers(mine),
        "more": max(0, mine.e.segmentation.n_features - MOST_NUMBERS),
    }


def _numbers(mine: Single) -> list[dict[str, str]]:
    order = np.argsort(-np.abs(mine.shown), kind="stable")[:MOST_NUMBERS].tolist()
    return [
        {"name": mine.label(i), "value": signed(float(mine.shown[i]), mine.digits)} for i in order
    ]


def _bars(mine: Single) -> dict[str, Any]:
    """Signed bars from a zero that lies where both sides have their room."""
    rows = mine.rows(MOST_BARS)
    low, high = _reach([row.value for row in rows])
    return {
        "bars": [
            {
                "name": row.name,
                "value": signed(row.value, mine.digits),
                "error": _error(row.half, mine.digits),
                "tone": "rest" if row.feature < 0 else "for" if row.value > 0 else "against",
                "faint": row.half is not None and abs(row.value) < row.half,
                **_bar(row.value, low, high),
            }
            for row in rows
        ],
        "zero": f"{-100 * low / (high - low):.1f}",
    }


def _error(half: float | None, digits: int) -> str:
    """Half an interval; nothing where it would read as 0."""
    seen = half is not None and float(f"{half:.{digits}f}") > 0
    return f"±{fixed(half, digits)}" if seen else ""


def _reach(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(0.0, *values), max(0.0, *values)
    return (low, high) if high > low else (0.0, 1.0)


def _bar(value: float, low: float, high: float) -> dict[str, str]:
    start, end = sorted((0.0, value))
    scale = 100 / (high - low)
    return {"left": f"{(start - low) * scale:.1f}", "width": f"{(end - start) * scale:.1f}"}


def _picture(mine: Single) -> dict[str, Any]:
    ids = sheet(mine.e.segmentation.ids, -1)
    height = 96 * float(np.clip(ids.shape[0] / ids.shape[1], 1 / 8, 8))
    return {
        "picture": None if mine.sample is None else picture(mine.sample),
        "map": heat_map(mine.shares, mine.e.segmentation, round(height, 1)),
        "height": round(height, 1),
        **_key(mine),
    }


def _text(mine: Single) -> dict[str, Any]:
    words = [
        {**item, "text": readable(item["text"])} if "text" in item else item
        for item in mine.marked()
    ]
    return {"words": words}


def _lines(mine: Single) -> dict[str, Any]:
    n_channels = mine.e.segmentation.ids.shape[1]
    channels = strongest_channels(mine.e, n_channels)
    return {
        "channels": [
            {
                "name": mine.words("single.channel", n=c + 1) if n_channels > 1 else "",
                **strip(mine.shares, mine.e.segmentation, c),
                **({} if mine.sample is None else signal(mine.sample, c)),
            }
            for c in channels
        ],
        "last": len(mine.e.segmentation.ids) - 1,
        **_key(mine),
    }


_DRAWN: dict[str, Callable[[Single], dict[str, Any]]] = {
    "bars": _bars,
    "parts": _bars,
    "text": _text,
    "lines": _lines,
}


def _key(mine: Single) -> dict[str, Any]:
    """The colours with their ends, and a name for the hatching that no other card has."""
    digest = hashlib.sha256(mine.e.values.tobytes() + mine.e.method.encode("utf-8", "replace"))
    return {
        "key": heat_uri(np.linspace(-1, 1, STEPS)[None, :]),
        "hatched": f"{50 * (1 - HATCH_FROM):.0f}",
        "ends": ("", "")
        if mine.relative
        else tuple(signed(s * mine.end, mine.digits) for s in (-1, 1)),
        "hatch_id": f"xaikit-{digest.hexdigest()[:10]}",
    }


def _block(block: Explanations, words: Words) -> dict[str, Any]:
    """The features of largest mean strength; where samples have their own, the first samples."""
    card = {
        "kind": "block",
        "title": words("single.block", n=len(block)),
        "caption": " · ".join([block.method, readable(block.model_id)]),
    }
    try:
        names = block.names
    except InvalidInput:
        return (
            card
            | {"rows": [_row(e, words) for e in block[:MOST_SAMPLES]]}
            | _more(len(block) - MOST_SAMPLES)
        )
    means = block.mean_abs()
    order = np.argsort(-means, kind="stable")[:MOST_BARS].tolist()
    end = float(means.max()) or 1.0
    bars = [
        {
            "name": readable(names[i]),
            "value": fixed(float(means[i]), decimals(end)),
            "tone": "rest",
            **_bar(float(means[i]), 0.0, end),
        }
        for i in order
    ]
    return (
        card
        | {"bars": bars, "zero": "0", "empty": words("single.mean", unit=words.unit(block.unit))}
        | _more(len(names) - MOST_BARS)
    )


def _more(n: int) -> dict[str, Any]:
    return {"more": max(0, n)}


def _row(e: Explanation, words: Words) -> dict[str, Any]:
    mine = Single(e, None, words)
    return {
        "sample": readable(e.sample_id),
        "answer": mine.title,
        "parts": ", ".join(
            f"{row.name} {signed(row.value, mine.digits)}" for row in mine.rows(3)[:3]
        ),
    }


def _verdicts(shown: Run | Verdict, words: Words) -> dict[str, Any]:
    """A row a method: what the checks say of it, and why."""
    if isinstance(shown, Verdict):
        rows = [_verdict(shown, shown.method, words)]
        return {"kind": "verdicts", "rows": rows}
    found = Findings(shown, words)
    n, methods = len(shown.samples), len(shown.methods)
    model = next((e.model_id for e in shown.explanations), "–")
    return {
        "kind": "verdicts",
        "title": readable(finding(found)),
        "empty": words("single.study", model=readable(model), n=n, methods=methods),
        "rows": [_verdict(found.verdicts[m], found.name(m), words) for m in found.order],
    }


def _flip(shown: Counterfactual, words: Words) -> dict[str, Any]:
    """What turns the answer and how that was found, then the other ways."""
    told = [shown.told, *(other.told[:1] for other in shown.others)]
    return {
        "kind": "flip",
        "title": words("flip.title"),
        "told": [readable(words.told(*found)) for found in told],
        "caption": " · ".join(map(readable, (shown.sample_id, shown.model_id))),
    }


def _verdict(verdict: Verdict, name: str, words: Words) -> dict[str, Any]:
    return {
        "method": readable(name),
        "status": verdict.status,
        "glyph": GLYPHS.get(verdict.status, ""),
        "badge": words.known(f"badge.{verdict.status}", verdict.status),
        "reason": words.told(*verdict.found),
    }
