"""The demo: one model and one report for each kind of data, a comparison, and a page that links them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from xaikit.comparison import compare
from xaikit.data import load_data
from xaikit.models import save_model, train
from xaikit.pipeline import study
from xaikit.report import write_comparison, write_index, write_report

__all__ = ["DEMOS", "Demo", "run_demo"]


@dataclass(frozen=True)
class Demo:
    """One model that is trained, explained and reported."""

    data: str
    model: str
    n: int
    methods: str = "auto"
    epochs: int | None = None


DEMOS = (
    Demo("digits", "lenet", n=16),
    Demo("reviews", "bert_small", n=16),
    Demo("breast_cancer", "mlp", n=16),
    Demo("waves", "fcn_1d", n=16),
)


def run_demo(folder: Path, *, seed: int = 0, demos: tuple[Demo, ...] = DEMOS) -> Path:
    """Train, explain and report each demo, and return the index page."""
    say = Console(stderr=True)
    entries: list[dict[str, Any]] = []
    for i, demo in enumerate(demos, 1):
        say.print(f"[bold]{i} of {len(demos) + 1}[/bold] {demo.model} on {demo.data}")
        entries.append(_report(demo, folder, seed))
    say.print(f"[bold]{len(demos) + 1} of {len(demos) + 1}[/bold] trees against a network")
    entries.append(_comparison(folder, seed))
    return write_index(entries, folder / "index.html")


def _report(demo: Demo, folder: Path, seed: int) -> dict[str, Any]:
    data = load_data(demo.data, seed=seed)
    model = train(demo.model, data, epochs=demo.epochs, seed=seed)
    save_model(model, Path("runs") / f"{data.name}-{demo.model}")
    run = study(
        model,
        data.test[: demo.n],
        demo.methods,
        data=data,
        seed=seed,
        progress=True,
        command=f"xaikit explain runs/{data.name}-{demo.model} --data {data.name} --n {demo.n}",
    )
    run.save(Path("runs") / f"explain-{data.name}-{demo.model}")
    page = write_report(run, folder / f"{data.name}.html")
    quality = run.context["model"]["quality"] or {}
    return {
        "title": run.context["title"],
        "href": page.name,
        "modality": data.modality,
        "model": model.id,
        "quality": quality,
        "n": len(run.samples),
        "methods": len(run.methods),
    }


def _comparison(folder: Path, seed: int) -> dict[str, Any]:
    data = load_data("breast_cancer", seed=seed)
    found = compare(data, seed=seed, progress=True)
    found["command"] = "xaikit compare --data breast_cancer"
    page = write_comparison(found, folder / "compare-breast_cancer.html")
    return {"title": found["title"], "href": page.name, "modality": "comparison"}
