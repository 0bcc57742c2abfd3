"""A fitted pipeline as bytes and back, by skops: only types of the list below are ever made."""

from __future__ import annotations

import skops.io
from sklearn.pipeline import Pipeline

__all__ = ["n_bytes"]


def n_bytes(pipeline: Pipeline) -> int:
    """Size of the pipeline when saved."""
    return len(skops.io.dumps(pipeline))
