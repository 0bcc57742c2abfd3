"""A sound to listen to inside the page: whole, what speaks for the answer alone, and the sound without it."""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.sound import FLOOR, wave_of
from xaikit.core.types import Floats
from xaikit.report.case import Case
from xaikit.report.formats import percent

__all__ = ["played", "strong_part", "wav_uri"]

MOST = 8  # patches that are kept
ENOUGH = 0.8  # of the evidence for it, after which no more are kept
SECONDS = 4.0
RATE = 16000  # of a page, at most


def played(mine: Case) -> dict[str, Any] | None:
    """The sounds as data, and how much of the evidence the kept patches hold."""
    e, rate = mine.lead, mine.sample.meta.get("rate")
    if not isinstance(rate, int):
        return None
    x, where = mine.sample.x, np.zeros(mine.sample.grid, dtype=bool)
    kept = [] if e is None else strong_part(e.values)
    share = ""
    if e is not None and kept:
        where = np.isin(e.segmentation.ids, kept)
        gains = e.values.clip(min=0)
        share = percent(float(gains[kept].sum() / gains.sum()))
    parts = {"whole": x} | ({"kept": _only(x, where), "gone": _only(x, ~where)} if kept else {})
    loudest = float(np.abs(wave_of(x)).max())
    return {
        "kind": "sounds",
        "rows": [
            {"key": key, "uri": wav_uri(*_short(part, rate), loudest)}
            for key, part in parts.items()
        ],
        "n": len(kept),
        "share": share,
        "top": f"{rate / 2000:g}",
        "seconds": f"{(x.shape[1] - 1) * (x.shape[0] - 1) / rate:.2f}",
    }


def strong_part(values: Floats) -> list[int]:
    """The strongest features that speak for it, until they hold four fifths of what does; 8 at most."""
    gains = values.clip(min=0)
    order = np.argsort(-gains, kind="stable")
    n = int(np.searchsorted(np.cumsum(gains[order]), ENOUGH * gains.sum())) + 1
    return [int(i) for i in order[: min(n, MOST)] if gains[i] > 0]


def _only(x: NDArray[Any], where: NDArray[np.bool_]) -> NDArray[Any]:
    """The sound in those places, silence elsewhere."""
    found = x.copy()
    found[..., 0] = np.where(where, x[..., 0], FLOOR)
    return found


def _short(x: NDArray[Any], rate: int) -> tuple[Floats, int]:
    """The first seconds, without the frequencies that a page does not need."""
    while rate > RATE and x.shape[0] % 2:
        x, rate = x[x.shape[0] // 2 :], rate // 2
    return wave_of(x)[: int(SECONDS * rate)], rate


def wav_uri(wave: Floats, rate: int, loudest: float) -> str:
    """A .wav of 8 bits a sample (mu-law, G.711) as a data URI.

    loudest : what becomes the loudest sample, so that parts keep their loudness beside the whole
    """
    size = 32124 * np.clip(wave / (loudest or 1.0), -1, 1)
    loud = np.minimum(np.abs(size) + 132, 32767).astype(np.int64)
    exponent = np.log2(loud).astype(np.int64) - 7
    mantissa = (loud >> (exponent + 3)) & 15
    codes = ~((size < 0) * 128 | exponent << 4 | mantissa) & 255
    data = codes.astype(np.uint8).tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 38 + len(data), b"WAVE", b"fmt ", 18, 7, 1, rate, rate, 1, 8
    )
    body = head + struct.pack("<H4sI", 0, b"data", len(data)) + data
    return "data:audio/wav;base64," + base64.b64encode(body).decode()
