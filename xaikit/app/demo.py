"""The demo: one model and one report for each kind of data, a comparison, and a page that links them."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xaikit.core.progress import Progress
from xaikit.data import load_data
from xaikit.models import save_model, train
from xaikit.report import write_comparison, write_index, write_report
from xaikit.study.compare import compare
from xaikit.study.study import study

__all__ = ["COMPARED", "DEMOS", "Demo", "run_demo"]


@dataclass(frozen=True)
class Demo:
    """One model that is trained, explained on n test samples, and reported."""

    data: str
    model: str
    n: int = 16
    epochs: int | None = None
    metrics: str = "auto"


DEMOS = (
    Demo("digits", "lenet"),
    Demo("reviews", "bert_small"),
    Demo("waves", "fcn_1d"),
    Demo("breast_cancer", "mlp"),
)
COMPARED = "breast_cancer"


def run_demo(
    folder: Path, *, seed: int = 0, demos: tuple[Demo, ...] = DEMOS, compared: str | None = COMPARED
) -> Path:
    """Train, explain and report each demo, two at a time, and return the index page."""
    folder.mkdir(parents=True, exist_ok=True)
    total = len(demos) + (compared is not None)
    found: dict[str, dict[str, Any]] = {}
    with (
        Progress(total, "training and explaining", show=True) as bar,
        ProcessPoolExecutor(
            max_workers=min(2, os.cpu_count() or 1),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_one_thread,
        ) as pool,
    ):
        bar.tick(0)
        jobs = {pool.submit(_report, demo, folder, seed): demo.data for demo in demos}
        if compared is not None:
            jobs[pool.submit(_comparison, compared, folder, seed)] = "comparison"
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            left = [name for name in jobs.values() if name not in found]
            bar.tick(1, f"still to come: {', '.join(left)}" if left else "done")
    return write_index([found[name] for name in jobs.values()], folder / "index.html")


def _one_thread() -> None:
    """Two processes share the machine; more threads would only wait for each other."""
    import torch

    torch.set_num_threads(1)


def _report(demo: Demo, folder: Path, seed: int) -> dict[str, Any]:
    data = load_data(demo.data, seed=seed)
    model = train(demo.model, data, epochs=demo.epochs, seed=seed, progress=False)
    place = Path("runs") / f"{data.name}-{demo.model}"
    save_model(model, place)
    run = study(
        model,
        data.take(demo.n, seed),
        metrics=demo.metrics,
        data=data,
        seed=seed,
        drawn=seed,
        command=f"xaikit explain {place} --data {data.name} --n {demo.n} --draw",
    )
    numbers = run.save(Path("runs") / f"explain-{data.name}-{demo.model}")
    page = write_report(numbers, folder / f"{data.name}.html")
    return {
        "title": run.context["title"],
        "href": page.name,
        "modality": data.modality,
        "model": model.id,
        "quality": run.context["model"]["quality"] or {},
        "n": len(run.samples),
        "methods": len(run.methods),
    }


def _comparison(name: str, folder: Path, seed: int) -> dict[str, Any]:
    found = compare(load_data(name, seed=seed), seed=seed)
    found["command"] = f"xaikit compare --data {name}"
    page = write_comparison(found, folder / f"compare-{name}.html")
    return {"title": found["title"], "href": page.name, "modality": "comparison"}
