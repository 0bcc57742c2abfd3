"""The demo: one model and one report for each kind of data, a comparison, and a page that links them."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xaikit.core.folders import check_page
from xaikit.core.progress import Progress
from xaikit.data import load_data
from xaikit.models import save_model, train
from xaikit.models.fields import MODELS
from xaikit.report import write_comparison, write_index, write_report
from xaikit.study.compare import compare
from xaikit.study.run import RUNS
from xaikit.study.study import study

__all__ = ["COMPARED", "DEMOS", "OTHERS", "Demo", "run_demo"]


@dataclass(frozen=True)
class Demo:
    """One model that is trained, explained on n test samples, and reported."""

    data: str
    model: str
    n: int = 16
    epochs: int | None = None
    metrics: str = "auto"

    @property
    def place(self) -> Path:
        """Where its model is saved."""
        return Path("runs") / f"{self.data}-{self.model}"

    @property
    def numbers(self) -> Path:
        """Where its run is saved."""
        return Path("runs") / f"explain-{self.data}-{self.model}"


DEMOS = (
    Demo("digits", "lenet"),
    Demo("reviews", "bert_small"),
    Demo("waves", "fcn_1d"),
    Demo("breast_cancer", "mlp"),
)
OTHERS = (
    Demo("lags", "mixer_1d"),
    Demo("factors", "autoencoder"),
    Demo("scenes", "detector"),
    Demo("plates", "unet"),
    Demo("sessions", "gru"),
    Demo("lookup", "gpt_small"),
)  # a task each that is no classification
COMPARED = "breast_cancer"
ERRORS = 4  # shown beside the drawn samples


def run_demo(
    folder: Path,
    *,
    seed: int = 0,
    demos: tuple[Demo, ...] = DEMOS,
    compared: str | None = COMPARED,
    force: bool = False,
) -> Path:
    """Train, explain and report each demo, two at a time, and return the index page.

    Models and runs go to `runs/`. What xaikit did not write is left alone: a folder there is refused
    before anything is trained, and so is a page, unless `force`.
    """
    _check_free(folder, demos, compared, force)
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
        jobs = {pool.submit(_report, demo, folder, seed, force): demo.data for demo in demos}
        if compared is not None:
            jobs[pool.submit(_comparison, compared, folder, seed, force)] = "comparison"
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            left = [name for name in jobs.values() if name not in found]
            bar.tick(1, f"still to come: {', '.join(left)}" if left else "done")
    entries = [found[name] for name in jobs.values()]
    return write_index(entries, folder / "index.html", force=force)


def _check_free(folder: Path, demos: tuple[Demo, ...], compared: str | None, force: bool) -> None:
    for demo in demos:
        MODELS.check_free(demo.place)
        RUNS.check_free(demo.numbers)
    pages = [*(f"{demo.data}.html" for demo in demos), "index.html"]
    for page in [*pages, *([] if compared is None else [f"compare-{compared}.html"])]:
        check_page(folder / page, force)


def _one_thread() -> None:
    """Two processes share the machine; more threads would only wait for each other."""
    import torch

    torch.set_num_threads(1)


def _report(demo: Demo, folder: Path, seed: int, force: bool) -> dict[str, Any]:
    data = load_data(demo.data, seed=seed)
    model = train(demo.model, data, epochs=demo.epochs, seed=seed, progress=False)
    save_model(model, demo.place)
    run = study(
        model,
        data.take(demo.n, seed),
        metrics=demo.metrics,
        data=data,
        seed=seed,
        drawn=seed,
        errors=ERRORS,
        flips="auto",
        command=f"xaikit explain {demo.place} --data {data.name} --n {demo.n} --draw",
    )
    numbers = run.save(demo.numbers)
    page = write_report(numbers, folder / f"{data.name}.html", force=force)
    return {"run": numbers, "href": page.name}


def _comparison(name: str, folder: Path, seed: int, force: bool) -> dict[str, Any]:
    found = compare(load_data(name, seed=seed), seed=seed)
    found["command"] = f"xaikit compare --data {name}"
    page = write_comparison(found, folder / f"compare-{name}.html", force=force)
    return {"title": found["title"], "href": page.name, "modality": "comparison"}
