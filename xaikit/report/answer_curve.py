"""The answer along one column: the model's curve, this row on it, and where it turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.types import Floats
from xaikit.report.case import Case
from xaikit.report.charts import position

__all__ = ["curve_of"]

BARS = 40
TOP, BOTTOM = 6.0, 94.0  # of the plot, in per cent


def curve_of(mine: Case, flip: Mapping[str, Any]) -> dict[str, Any] | None:
    """Places in per cent of the plot, the probability of the answer upwards; None where none was asked."""
    curve = flip.get("curve")
    if not curve:
        return None
    x, share = np.array(curve["at"], dtype=float), np.array(curve["share"], dtype=float)
    axis = (float(x.min()), float(x.max()))
    findings, words = mine.findings, mine.findings.words
    after = findings.class_name(int(np.argmax(flip["after"])))
    row = position(float(curve["row"]), axis)
    turn = None if curve.get("turn") is None else position(float(curve["turn"]), axis)
    low, high = share[x < curve["row"]], share[x > curve["row"]]
    left = len(low) > 0 and (len(high) == 0 or low.min() < high.min())
    return {
        "path": "M"
        + "L".join(f"{position(a, axis):.1f} {_up(b):.1f}" for a, b in zip(x, share, strict=True)),
        "bars": _bars(mine, str(curve["column"]), axis),
        "row": f"{row:.1f}",
        "turn": None if turn is None else f"{turn:.1f}",
        "turn_y": f"{_up(float(np.interp(curve['turn'], x, share))):.1f}"
        if turn is not None
        else "",
        "middle": f"{_up(0.5):.1f}",
        "side": "left" if row > 50 else "right",
        "inset": f"{(100 - row) if row > 50 else row:.1f}",
        "far": "left" if left else "right",
        "up": findings.class_name(int(np.argmax(flip["before"]))),
        "down": words("change.not", name=findings.class_name(int(np.argmax(flip["before"]))))
        if len(findings.classes) > 2
        else after,
        "label": words("change.curve.label", column=curve["column"], after=after),
        "note": words("change.curve.note", column=curve["column"]),
    }


def _up(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _bars(mine: Case, name: str, axis: tuple[float, float]) -> list[tuple[str, str]]:
    """Where training rows lie, as heights of bars over the axis, from the column's quantiles."""
    columns = (mine.findings.run.context.get("data") or {}).get("columns") or []
    known = next((c.get("quantiles") for c in columns if c["name"] == name), None)
    if not known or len(known) < 3:
        return []
    edges = np.linspace(*axis, BARS + 1)
    share: Floats = np.diff(np.interp(edges, known, np.linspace(0, 1, len(known))))
    top = float(share.max()) or 1.0
    return [
        (f"{100 * i / BARS:.1f}", f"{26 * float(s) / top:.1f}")
        for i, s in enumerate(share)
        if s > 0
    ]
