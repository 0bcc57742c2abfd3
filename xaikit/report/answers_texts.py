"""What a text for a text draws of its answer: for each token what speaks for it, and where the model looked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.core.types import Floats
from xaikit.report.answers_pictures import readable
from xaikit.report.case import Case

__all__ = ["alignment"]

LEAST = 0.05  # nats that all of the input must be worth to a token for its shares to be shown
SHOWN = 0.1  # of a token, above which a share is printed, in per cent


def alignment(mine: Case) -> dict[str, Any] | None:
    """Shares of what speaks for each token by feature, beside the attention of its step."""
    return readable(mine, _tables)


def _tables(mine: Case, found: Mapping[str, Any]) -> dict[str, Any] | None:
    if mine.lead is None or "values" not in found:
        return None
    tokens, names = [str(token) for token in found["tokens"]], mine.lead.names
    gains = np.array(found["values"], dtype=np.float64).reshape(len(tokens), len(names)).clip(min=0)
    total = gains.sum(axis=1, keepdims=True)
    shares = np.where(total >= LEAST, gains / np.where(total > 0, total, 1.0), 0.0)
    tables = [("shares", shares)]
    if "attention" in found:
        tables.append(
            ("attention", np.array(found["attention"], dtype=np.float64).reshape(shares.shape))
        )
    return {
        "kind": "alignment",
        "tokens": [*tokens[:-1], ""],
        "at": int(found["at"]),
        "still": [bool(t) for t in total[:, 0] < LEAST],
        "tables": [{"kind": kind, "rows": _rows(names, table)} for kind, table in tables],
    }


def _rows(names: tuple[str, ...], table: Floats) -> list[dict[str, Any]]:
    """A row a feature, a cell a token."""
    return [
        {
            "name": name,
            "cells": [
                {"deep": f"{share:.2f}", "text": str(round(100 * share)) if share >= SHOWN else ""}
                for share in column.tolist()
            ],
        }
        for name, column in zip(names, table.T, strict=True)
    ]
