"""Maps of a patch-wise method on shifted grids, averaged: for the eye, beside the map that is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.types import Explanation, Floats, Ints, Sample, Segmentation
from xaikit.methods.base import Method, ask
from xaikit.study.plan import Plan, make_question
from xaikit.study.run import Run
from xaikit.tasks import restored_task

__all__ = ["smooth_maps"]

STEPS = 4  # a side: 16 shifts
CASES = 3  # that are drawn so: the wrong ones first, then the least sure
BUDGET = 256  # evaluations a shift of methods that sample


def smooth_maps(
    run: Run, methods: Sequence[Method], model: Model, plan: Plan, seed: int
) -> list[dict[str, Any]]:
    """For the run's context: of a few samples the map of the method that the page shows.

    map : (h, w) evidence in equal cells, the mean over the shifts of what each patch says of its place
    [] where the features are no equal patches or the method has a finer map of its own
    """
    method = next((m for m in methods if m.name == run.choice().shown), None)
    if method is None:
        return []
    mine = {e.sample_id: e for e in run.of(method.name)}
    found: list[dict[str, Any]] = []
    for sample in (run.samples[i] for i in _first(run)[:CASES]):
        e = mine.get(sample.id)
        if e is None or e.elements is not None or (side := side_of(e.segmentation.ids)) < 2:
            continue
        grid, n = _averaged(_cheap(method), model, sample, e, side, plan, seed)
        found.append(
            {"sample": sample.id, "method": method.name, "shifts": n, "map": _rounded(grid)}
        )
    return found


def _first(run: Run) -> list[int]:
    """The samples as the page brings them: wrong ones, surest first, then the least sure."""
    top, model = run.predictions.max(axis=1), run.context.get("model") or {}
    task = restored_task(model, run.predictions.shape[1])
    wrong = [
        s.label is not None and not task.right(p, s.label)
        for s, p in zip(run.samples, run.predictions, strict=True)
    ]
    return sorted(range(len(wrong)), key=lambda i: (not wrong[i], -top[i] if wrong[i] else top[i]))


def side_of(ids: Ints) -> int:
    """Pixels a side of equal square patches in reading order, 0 where the features are something else."""
    if ids.ndim != 2 or ids.min() < 0:
        return 0
    side = int((ids[0] == ids[0, 0]).sum())
    rows, columns = np.arange(ids.shape[0]) // side, np.arange(ids.shape[1]) // side
    same = bool((ids == rows[:, None] * (int(columns[-1]) + 1) + columns).all())
    return side if same else 0


def _cheap(method: Method) -> Method:
    """The method with a small budget, where it has one."""
    return replace(method, budget=BUDGET) if hasattr(method, "budget") else method  # type: ignore[type-var]


def _averaged(
    method: Method,
    model: Model,
    sample: Sample,
    tested: Explanation,
    side: int,
    plan: Plan,
    seed: int,
) -> tuple[Floats, int]:
    """The mean over shifted grids, in the cells that all of them share, and how many they are."""
    offsets = sorted({k * side // STEPS for k in range(STEPS)})
    cuts = [
        _shifted(tested.segmentation.ids.shape, side, dy, dx)
        for dy, dx in product(offsets, repeat=2)
    ]
    asked = replace(plan, target=tested.target)
    questions = [make_question(model, sample, replace(asked, features=cut)) for cut in cuts]
    maps = [
        cut.scatter(e.values / cut.sizes if e.additive else e.values)
        for cut, e in zip(cuts, ask(method, questions, seed=seed), strict=True)
    ]
    mean = np.mean(maps, axis=0)
    cell = max(1, side // STEPS)
    return mean[cell // 2 :: cell, cell // 2 :: cell], len(cuts)


def _shifted(shape: tuple[int, ...], side: int, dy: int, dx: int) -> Segmentation:
    """Patches whose grid begins that many pixels before the picture does."""
    rows, columns = (np.arange(shape[0]) + dy) // side, (np.arange(shape[1]) + dx) // side
    ids = rows[:, None] * (int(columns[-1]) + 1) + columns
    names = tuple(f"patch {i + 1}" for i in range(int(ids.max()) + 1))
    return Segmentation(ids, names, f"{len(names)} patches of {side} x {side} px, shifted")


def _rounded(grid: Floats) -> list[list[float]]:
    return [[float(f"{v:.4g}") for v in row] for row in grid]
