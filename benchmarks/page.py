"""`docs/performance.md` from runs of the benchmark, and the facts of the machine they ran on."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness import Row, Triple

__all__ = ["Measured", "facts", "load", "page", "save"]

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "captum", "shap", "lime", "shapiq")
TITLES = {
    "overhead": "Overhead over pure passes",
    "tabular": "Tables: the method's own work",
    "gradients": "Gradient, CAM and attention methods",
    "structure": "Nets that need not be run whole",
    "study": "A whole study",
    "memory": "Peak memory of a study",
    "growth": "Growth with features, samples and background rows",
    "background": "Few evaluations against many background rows",
    "evaluations": "Evaluations for a given accuracy",
    "bulk": "Many rows at once",
}
WORDS = {
    "overhead": "Time of a method over the time of the same number of rows, masked and encoded "
    "beforehand, in the net's fastest batch and layout. 1 means that nothing but the passes costs. "
    "Below 1 the method needs less than a full pass a row: CNNs are run from cached activations, LSTMs from common "
    "beginnings. Designs of coalitions, which all samples of a process share, are made before.",
    "tabular": "A pass of a table takes a fraction of a microsecond, so the method's own work is what "
    "people wait for. With one background row: (time - time of the passes) / evaluations. The design of "
    "coalitions, which all rows share, is made before.",
    "gradients": "32 samples at once, whose outputs are known already, as in a study. The limit is one "
    "forward and one backward pass of each row the method used, down to the input; Grad-CAM stops at "
    "its layer.",
    "structure": "The first maps of masked images are put together from those of a few images. The speed is "
    "that of batched whole passes of the same inputs over ours.",
    "study": "16 digits, eight methods, all metrics. The passes a study needs are all rows that went "
    "through the net, forward and backward, timed alone.",
    "memory": "In a fresh process: the largest resident size during the work, less that after the "
    "imports, the model and one first answer.",
    "growth": "What more features, samples or background rows cost.",
    "background": "With fewer than 2 n + 2 evaluations, `shap` spends the model rows on pairs against "
    "one background row each. The exact values are from all coalitions against all rows.",
    "evaluations": "How near to the exact Shapley values, by evaluations.",
    "bulk": "The same rows against the same 50 references, one process and one thread: the time of a "
    "block, reading and trying the model included, over that of shap's own explainer.",
}


@dataclass(frozen=True)
class Measured:
    """One run: the command, the machine, the rows, and parts that could not be run with the reason."""

    command: str
    machine: Mapping[str, str]
    rows: Sequence[Row]
    missing: Mapping[str, str]


def facts(device: str) -> dict[str, str]:
    """What a reader must know of the machine."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "CPU": _cpu(),
        "cores": str(os.cpu_count()),
        "RAM": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "threads": str(torch.get_num_threads()),
        "Python": platform.python_version(),
    }
    if device == "cuda":
        found["GPU"] = torch.cuda.get_device_name()
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    load = os.getloadavg()[0]
    if load > 1.5 * torch.get_num_threads():
        found["load"] = f"{load:.1f} while it ran: other work shared the machine"
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def save(run: Measured, file: Path) -> None:
    """As JSON."""
    file.write_text(json.dumps(dataclasses.asdict(run), indent=1) + "\n", encoding="utf-8")


def load(file: Path) -> Measured:
    """What `save` wrote."""
    held = json.loads(file.read_text(encoding="utf-8"))
    rows = [Row(**_triples(row)) for row in held.pop("rows")]
    return Measured(rows=rows, **held)


def _triples(row: dict[str, Any]) -> dict[str, Any]:
    peers = {name: tuple(found) for name, found in row["peers"].items()}
    return row | {"ours": tuple(row["ours"]), "peers": peers}


def page(runs: Iterable[Measured]) -> str:
    """The whole of `docs/performance.md`."""
    lines = [
        "# How fast xaikit is, and beside what", "",
        "Made by `python -m benchmarks --write`. Every number is smallest / **median** / largest of "
        "turns in which xaikit, the pure passes and the other packages take their place one after the "
        "other in one process, in one thread, in CPU time. Nets have random weights, which changes no "
        "time. A number is a ratio of two times of the same turn unless its unit says otherwise.", "",
        "What each table leaves out: the search for the best batch, which the first question of a "
        "model pays, and the compiling of other packages' kernels.", "",
    ]  # fmt: skip
    for run in runs:
        lines += _run(run)
    return "\n".join(lines).rstrip() + "\n"


def _run(run: Measured) -> list[str]:
    lines = [f"## `{run.command}`", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in run.machine.items()]
    lines += [""]
    for part in dict.fromkeys(row.part for row in run.rows):
        rows = [row for row in run.rows if row.part == part]
        lines += [f"### {TITLES.get(part, part)}", "", WORDS.get(part, ""), ""]
        lines += [
            "| what | bar | xaikit | others | unit | holds | |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for row in rows]
        lines += [""]
    return lines + _not_reached(run)


def _line(row: Row) -> str:
    peers = "<br>".join(f"{name}: {shown(found)}" for name, found in row.peers.items())
    holds = {True: "yes", False: "**no**", None: ""}[row.holds]
    cells = [row.what, row.bar, shown(row.ours), peers, row.unit, holds, row.note]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def shown(found: Triple) -> str:
    low, middle, high = (_number(value) for value in found)
    return f"{low} / **{middle}** / {high}" if low != high else f"**{middle}**"


def _number(value: float) -> str:
    """Three digits, without a power of ten where one can do without."""
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2g}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _not_reached(run: Measured) -> list[str]:
    """What misses its bar and what was not run, in words."""
    missed = [row for row in run.rows if row.holds is False]
    lines = ["### What is not reached", ""]
    lines += [
        f"- {row.what}: {_number(row.ours[1])} {row.unit}, the bar is {row.bar}." for row in missed
    ] or ["- Every bar of this run is reached."]
    lines += [f"- `{part}` was not run: {why}" for part, why in run.missing.items()]
    return [*lines, ""]
