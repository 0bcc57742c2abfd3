"""`docs/performance.csv`, every number that was measured, and `docs/performance.md`, what people read of it."""

from __future__ import annotations

import csv
import io
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from benchmarks.harness import Row, Triple

__all__ = ["Line", "Measured", "facts", "lines", "merged", "page", "read", "shown", "written"]

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "captum", "shap", "lime", "shapiq")
TITLES = {
    "bulk": "Many rows by one method",
    "overhead": "One sample, methods that remove features",
    "gradients": "One batch, methods that differentiate",
    "tabular": "Table rows, the method's own work",
    "study": "A whole study",
    "memory": "Peak memory of a study",
    "growth": "More features, samples, background rows",
    "evaluations": "Evaluations for a given accuracy",
    "background": "Few evaluations against many background rows",
    "structure": "Nets that need not be run whole",
}
WORDS = {
    "bulk": "The same rows, references, steps and targets, from the fitted model to all values. Below 1 is "
    "faster than the package.",
    "overhead": "Time over that of the same number of rows passed through the net in its fastest batch: 1 "
    "means that nothing but the passes costs.",
    "gradients": "32 samples, over the forward and backward passes that the method needs.",
    "tabular": "Time beyond the passes themselves.",
    "study": "16 digits, eight methods, all metrics, over the passes alone.",
    "memory": "Largest resident size during the work, less that after one first answer.",
    "growth": "What more of each costs.",
    "evaluations": "Evaluations until the error is as small.",
    "background": "Errors with fewer evaluations than twice the features.",
    "structure": "Speed over batched whole passes of the same inputs.",
}
FIELDS = (
    *("version", "date", "machine", "part", "what", "low", "median", "high"),
    *("unit", "bar", "holds", "peer", "note"),
)
Line = dict[str, str]


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


def lines(run: Measured, version: str) -> list[Line]:
    """One line a number: ours, then those of other packages."""
    machine = f"{run.machine['CPU']}, {run.machine['threads']} thread, torch {run.machine['torch']}"
    if load := run.machine.get("load"):
        machine += f", load {load}"
    found = []
    for row in run.rows:
        holds = {True: "yes", False: "no", None: ""}[row.holds]
        common = {
            "version": version, "date": run.machine["date"], "machine": machine, "part": row.part,
            "what": row.what, "unit": row.unit,
        }  # fmt: skip
        own = {"bar": row.bar, "holds": holds, "peer": "", "note": row.note}
        found.append(common | _triple(row.ours) | own)
        for name, value in row.peers.items():
            peer = {"bar": "", "holds": "", "peer": name, "note": ""}
            found.append(common | _triple(value) | peer)
    return found


def _triple(found: Triple) -> Line:
    low, median, high = (f"{value:.6g}" for value in found)
    return {"low": low, "median": median, "high": high}


def merged(known: Sequence[Line], new: Sequence[Line]) -> list[Line]:
    """The new lines, and of the known ones the parts that were not measured again."""
    again = {line["part"] for line in new}
    kept = [line for line in known if line["part"] not in again]
    return sorted([*new, *kept], key=lambda line: list(TITLES).index(line["part"]))


def read(file: Path) -> list[Line]:
    """The lines of a file, none where there is no file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def written(found: Sequence[Line]) -> str:
    """The lines as a CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


def page(found: Sequence[Line]) -> str:
    """The whole of `docs/performance.md`."""
    parts = dict.fromkeys(line["part"] for line in found)
    top = [
        "# How fast xaikit is", "",
        "Look for the line that is like your case. Numbers are medians of turns in which xaikit and the other "
        "package do the same work one after the other, in one process and one thread, in CPU time. "
        "Smallest and largest, machines, notes and further packages: [performance.csv](performance.csv). "
        "Again on your machine: `python -m benchmarks PART`.", "",
        *(f"* [{TITLES[part]}](#{_anchor(TITLES[part])})" for part in parts), "",
    ]  # fmt: skip
    body = [text for part in parts for text in _part(part, [x for x in found if x["part"] == part])]
    return "\n".join([*top, *body]).rstrip() + "\n"


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace("'", "").replace(" ", "-")


def _part(part: str, found: Sequence[Line]) -> list[str]:
    first = found[0]
    told = f"{WORDS[part]} Measured with version {first['version']}, {first['date']}: {first['machine']}."
    table = [
        f"## {TITLES[part]}", "", told, "", "| case | xaikit | fastest other | bar | |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for line in found:
        if line["peer"]:
            continue
        peers = [x for x in found if x["peer"] and x["what"] == line["what"]]
        best = min(peers, key=lambda x: float(x["median"]), default=None)
        other = f"{_number(float(best['median']))} {best['peer']}" if best else ""
        mark = {"yes": "", "no": "not reached", "": ""}[line["holds"]]
        ours = f"{_number(float(line['median']))} {line['unit']}"
        cells = (line["what"], ours, other, line["bar"], mark)
        table.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*table, ""]


def shown(found: Triple) -> str:
    low, middle, high = (_number(value) for value in found)
    return f"{low} / {middle} / {high}" if low != high else middle


def _number(value: float) -> str:
    """Three digits, without a power of ten where one can do without."""
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2g}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
