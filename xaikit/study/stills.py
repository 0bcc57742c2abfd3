"""Pictures that a generator makes around a code, for the page: its strongest latents drawn anew, and one that slides."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.types import Explanation, Floats, Sample, Target
from xaikit.study.run import Run
from xaikit.tasks.generation import pictures

__all__ = ["stills_of"]

N_DRAWN, N_SLID = 3, 7
ENDS = (0.03, 0.97)  # of the random codes, between which a latent slides


def stills_of(run: Run, model: Model, seed: int) -> dict[str, Any]:
    """By sample, for the run's context: the picture with its two strongest latents (of the method that the page
    shows) drawn anew, and as the strongest slides; with the explained number of each."""
    mine = {e.sample_id: e for e in run.of(run.choice().shown or "")}
    return {s.id: _stills(model, s, mine[s.id], seed) for s in run.samples if s.id in mine}


def _stills(model: Model, sample: Sample, e: Explanation, seed: int) -> dict[str, Any]:
    assert model.background is not None  # latents are drawn from it
    strong = np.argsort(-np.abs(e.values), kind="stable")[:2]
    drawn = np.tile(sample.x, (1 + N_DRAWN, 1))
    rows = np.random.default_rng(seed).choice(model.background, N_DRAWN)
    away = np.isin(e.segmentation.ids, strong)
    drawn[1:, away] = rows[:, away]
    slid = np.tile(sample.x, (N_SLID, 1))
    first = e.segmentation.ids == strong[0]
    ends = np.quantile(model.background[:, first], ENDS, axis=0)
    slid[:, first] = np.linspace(ends[0], ends[1], N_SLID)
    return {
        "names": [e.names[i] for i in strong],
        "ends": ends[:, 0].tolist() if first.sum() == 1 else None,
        "drawn": _told(model, drawn, e.target),
        "slid": _told(model, slid, e.target),
    }


def _told(model: Model, codes: Floats, target: Target) -> list[dict[str, Any]]:
    """The picture and the number of each code."""
    values = target(model.scores(codes)).tolist()
    made = np.rint(255 * pictures(model, codes).clip(0, 1)).astype(np.uint8)
    return [
        {"value": v, "shape": list(x.shape), "pixels": base64.b64encode(x.tobytes()).decode()}
        for v, x in zip(values, made, strict=True)
    ]
