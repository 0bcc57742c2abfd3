"""Missing values in rows: only for models that read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xaikit.core.errors import ModelError, XaikitError
from xaikit.core.files import short
from xaikit.core.types import Floats

__all__ = ["missing_rows", "require_missing_read"]

SHOWN = 6  # columns in an error


def missing_rows(rows: Floats, names: Sequence[str], what: str, of: int | None = None) -> str:
    """How many rows (B, D) have missing values, and in which columns; "" where none has."""
    gone = np.isnan(rows)
    where = np.flatnonzero(gone.any(axis=0)).tolist()
    held = [names[i] if i < len(names) else f"x{i}" for i in where]
    shown = ", ".join(held[:SHOWN]) + (", ..." if len(held) > SHOWN else "")
    n = int(gone.any(axis=1).sum())
    return f"{n} of {of or len(rows)} {what} have missing values ({shown})" if where else ""


def require_missing_read(
    id: str,
    answers: Callable[[Floats], Any],
    rows: Floats,
    names: Sequence[str],
    what: str,
    of: int | None = None,
) -> None:
    """`ModelError` with a count where rows (B, D) hold missing values and the model does not read them.

    answers : what the model gives for rows; asked about one row of each set of missing columns
    what : the rows are called, for example "background rows", `of` so many
    """
    gone, held = np.isnan(rows), missing_rows(rows, names, what, of)
    if not held:
        return
    _, first = np.unique(gone, axis=0, return_index=True)
    try:
        found = np.asarray(answers(rows[[i for i in first if gone[i].any()]]), dtype=np.float64)
        reason = "" if np.isfinite(found).all() else "its answers are NaN or infinite"
    except XaikitError:
        raise  # which says what is wrong
    except Exception as error:  # noqa: BLE001 # whatever a model of people raises
        reason = short(str(error).split("\n")[0].rstrip(".") or type(error).__name__)
    if reason:
        raise ModelError(
            f"{held} and '{id}' does not read them ({reason}); fill them or drop these rows, or put a "
            "SimpleImputer before the model."
        )
