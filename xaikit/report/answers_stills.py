"""What a generator made: the picture, with its strongest latents drawn anew, and as one of them slides."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.errors import DataError
from xaikit.report.case import Case
from xaikit.report.formats import decimals, fixed, signed
from xaikit.report.png import photo_uri

__all__ = ["generation"]


def generation(mine: Case) -> dict[str, Any] | None:
    """Two rows of stills with the explained number under each; None where the run has none."""
    found = (mine.findings.run.context.get("stills") or {}).get(mine.sample.id)
    if not isinstance(found, Mapping) or mine.lead is None:
        return None
    try:
        rows = [[_still(still) for still in found[row]] for row in ("drawn", "slid")]
        numbers = [value for row in rows for _, value in row]
        digits = decimals(max(numbers) - min(numbers) or 1.0)
        shown = [[{"uri": uri, "text": fixed(v, digits)} for uri, v in row] for row in rows]
        names, ends = [str(name) for name in found["names"]], found["ends"]
        span = "" if ends is None else " … ".join(signed(float(v), 1) for v in ends)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"the run's 'stills' cannot be drawn ({error}); make the run again."
        ) from error
    return {
        "kind": "stills",
        "what": mine.findings.task.outputs[mine.lead.target.index],
        "names": mine.findings.words.listed(names),
        "first": names[0],
        "span": span,
        "drawn": shown[0],
        "slid": shown[1],
    }


def _still(still: Mapping[str, Any]) -> tuple[str, float]:
    shape = tuple(int(n) for n in still["shape"])
    pixels = np.frombuffer(base64.b64decode(still["pixels"]), dtype=np.uint8).reshape(shape)
    return photo_uri(pixels.transpose(1, 2, 0) / 255), float(still["value"])
