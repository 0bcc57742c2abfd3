"""Samples of a comparison side by side: what each of the two rests its answer on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.report.comparison_told import Told
from xaikit.report.formats import fixed, percent
from xaikit.report.png import heat_uri, photo_uri

__all__ = ["cases"]


def cases(told: Told) -> list[dict[str, Any]]:
    """The samples in the order of the comparison, wrong answers first."""
    same = told.comparison.get("same") or {}
    return [_case(told, c) for c in same.get("cases") or ()]


def _case(told: Told, case: Mapping[str, Any]) -> dict[str, Any]:
    words, label = told.words, case["label"]
    text = label if isinstance(label, str) else fixed(label, 3)
    key = "value" if not isinstance(label, str) else "differ" if case["differ"] else "alike"
    sides = [
        {
            "name": told.name(s["model"]),
            "tone": told.tone(s["model"]),
            "says": _says(told, s),
            "right": s.get("right"),
        }
        for s in case["sides"]
    ]
    found: dict[str, Any] = {
        "id": case["id"],
        "chip": words(f"cmp.case.{key}", label=text),
        "wrong": case["differ"],
        "sides": sides,
        "key": words("cmp.case.key", target=case["target"])
        if case["target"]
        else words("cmp.case.key.value"),
    }
    inputs = case.get("inputs")
    if inputs == "pixels":
        return found | {"pictures": _pictures(case)}
    if inputs == "words":
        return found | {"texts": _texts(case)}
    return found | {"rows": _rows(told, case)}


def _says(told: Told, side: Mapping[str, Any]) -> str:
    if "sure" not in side:
        return told.words("cmp.says.value", says=fixed(side["says"], 3))
    return told.words("cmp.says", says=side["says"], sure=percent(side["sure"]))


def _rows(told: Told, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a feature with a bar for each side; all others in the last."""
    models = [s["model"] for s in case["sides"]]
    shares = [r["shares"] for r in case["rows"]]
    rest = case["rest"] if case.get("n_rest") else None
    most = max(abs(s[m]) for s in [*shares, *([rest] if rest else [])] for m in models) or 1.0
    rows = [
        {
            "name": r["feature"],
            "note": fixed(r["value"], 3) if "value" in r else "",
            "bars": [_bar(r["shares"][m] / most) for m in models],
        }
        for r in case["rows"]
    ]
    if rest:
        note = told.words("cmp.rest.n", n=case["n_rest"])
        rows.append(
            {
                "name": told.words("cmp.rest"),
                "note": note,
                "bars": [_bar(rest[m] / most) for m in models],
            }
        )
    return rows


def _bar(share: float) -> dict[str, Any]:
    """From the middle of its track, to the right when it speaks for the target."""
    width = 46 * abs(share)
    return {
        "tone": "f" if share >= 0 else "a",
        "left": 50 - (0 if share >= 0 else width),
        "width": width,
    }


def _pictures(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    x = np.asarray(case["x"], dtype=np.float64)
    pictures = [{"uri": photo_uri(x)}]
    for side in case["sides"]:
        values = np.asarray(case["maps"][side["model"]], dtype=np.float64)
        most = float(np.abs(values).max()) or 1.0
        pictures.append({"uri": heat_uri(values / most)})
    return pictures


def _texts(case: Mapping[str, Any]) -> list[list[dict[str, str]]]:
    """For each side the words with how strongly each speaks for (f) or against (a)."""
    found = []
    for side in case["sides"]:
        values = np.asarray(case["maps"][side["model"]], dtype=np.float64)
        most = float(np.abs(values).max()) or 1.0
        found.append(
            [
                {"word": str(w), "tone": _tone(v / most)}
                for w, v in zip(case["x"], values, strict=True)
            ]
        )
    return found


def _tone(share: float) -> str:
    step = next((k for k, edge in ((3, 0.66), (2, 0.33), (1, 0.12)) if abs(share) >= edge), 0)
    return f"{'f' if share > 0 else 'a'}{step}" if step else ""
