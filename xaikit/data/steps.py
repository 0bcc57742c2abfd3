"""Series of one or several lengths as samples: (L, C), cut or filled to one length where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.files import short
from xaikit.data.dataset import Column
from xaikit.data.rows import Options, Rows

__all__ = ["Track", "series_rows"]

Array = NDArray[np.float32]
SPARE = 1 << 29  # bytes of all series of a file together
Fill = Literal["zero", "last"]


@dataclass(frozen=True, eq=False)
class Track:
    """One series as its file holds it; x (L, C), part "" where the file does not say."""

    id: str
    x: Array
    label: Any
    part: str = ""


def series_rows(
    tracks: Sequence[Track],
    options: Options,
    file: str,
    *,
    fill: Fill,
    form: Sequence[str] = (),
    channels: Sequence[str] | None = None,
    classes: tuple[str, ...] | None = None,
) -> Rows:
    """Series of one length; of several, `size` says to how many steps they are cut or filled.

    fill : what stands behind the end of a short one, silence or its last value; `facts["form"]` says how many
    """
    _check(tracks, file)
    lengths = [len(t.x) for t in tracks]
    n = options.size[0] if isinstance(options.size, tuple) else lengths[0]
    if not isinstance(options.size, tuple) and len(set(lengths)) > 1:
        raise DataError(
            f"'{file}' holds series of {min(lengths)} to {max(lengths)} steps and models read one length; give size= "
            f"(--size), for example {int(np.median(lengths))}, to cut or fill all to so many steps."
        )
    if n * len(tracks) * tracks[0].x.shape[1] * 4 > SPARE:
        raise DataError(
            f"'{file}' as {len(tracks)} series of {n} steps takes more than {SPARE >> 20} MB; give a smaller size= "
            "(--size), or fewer series."
        )
    cut, filled = sum(length > n for length in lengths), sum(length < n for length in lengths)
    told = [f"{count} {what}" for count, what in ((cut, "cut"), (filled, "filled")) if count]
    names = channels or [f"ch {c + 1}" for c in range(tracks[0].x.shape[1])]
    labels = [t.label for t in tracks]
    words = any(isinstance(label, str) for label in labels)
    return Rows(
        modality="series",
        ids=[t.id for t in tracks],
        xs=[_of_length(t.x, n, fill) for t in tracks],
        labels=np.array(labels, dtype=object if words else np.float64),
        parts=[t.part for t in tracks],
        columns=tuple(Column(name) for name in names),
        classes=classes,
        facts={"form": (*form, f"{n} steps", *told)},
    )


def _check(tracks: Sequence[Track], file: str) -> None:
    """`DataError` for what cannot be one data set of series."""
    if not tracks:
        raise DataError(f"'{file}' holds no series; give it at least a few of each class.")
    usual = tracks[0].x.shape[1]
    for t in tracks:
        if t.x.shape[1] != usual:
            raise DataError(
                f"'{short(t.id)}' of '{file}' has {t.x.shape[1]} channels and '{short(tracks[0].id)}' {usual}; all need "
                "as many."
            )
    gaps = [t for t in tracks if not np.isfinite(t.x).all()]
    if gaps:
        raise DataError(
            f"'{short(gaps[0].id)}' of '{file}' holds missing or infinite values ({len(gaps)} of {len(tracks)} series do); "
            "fill them or leave these series out."
        )


def _of_length(x: Array, n: int, fill: Fill) -> Array:
    if len(x) >= n:
        return x[:n]
    end = np.zeros_like(x[:1]) if fill == "zero" else x[-1:]
    return np.concatenate([x, np.repeat(end, n - len(x), axis=0)])
