"""The command: runs the parts, prints each line as it comes, writes them down."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import torch

import xaikit
from benchmarks import page
from benchmarks.harness import Options, Row

PARTS = (
    "overhead", "tabular", "gradients", "structure", "study", "memory", "growth", "background",
    "evaluations", "bulk",
)  # fmt: skip
ON_GPU = ("overhead", "gradients")
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
NUMBERS = DOCUMENT.with_suffix(".csv")


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["evidence"]:
        from benchmarks import evidence

        return evidence.main(words[1:])
    given = _parser().parse_args(words)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("this machine has no GPU that torch can use; leave --device out.", file=sys.stderr)
        return 2
    known = ON_GPU if given.device == "cuda" else PARTS
    parts = given.parts or known
    wrong = [part for part in parts if part not in known]
    if wrong:
        there = f" with --device {given.device}" if given.device != "cpu" else ""
        print(f"there is no part '{wrong[0]}'{there}; use {', '.join(known)}.", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    options = Options(given.quick, given.device, given.seed)
    rows: list[Row] = []
    missing: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the other packages
        for part in parts:
            print(f"\n{part}", flush=True)
            for row in _rows(part, options, missing):
                print(_told(row), flush=True)
                rows.append(row)
    run = page.Measured(_command(given), page.facts(given.device), rows, missing)
    for part, why in missing.items():
        print(f"`{part}` was not run: {why}")
    found = page.lines(run, xaikit.__version__)
    if given.csv:
        given.csv.write_text(page.written(found), encoding="utf-8")
    if given.write:
        new = [*found, *(line for file in given.also for line in page.read(file))]
        known = page.merged(page.read(NUMBERS), new)
        NUMBERS.write_text(page.written(known), encoding="utf-8")
        DOCUMENT.write_text(page.page(known), encoding="utf-8")
        print(f"\nwrote {DOCUMENT} and {NUMBERS}")
    return 0


def _rows(part: str, options: Options, missing: dict[str, str]) -> Iterator[Row]:
    """The rows of a part; one that cannot be imported here is said to be missing."""
    try:
        module = import_module(f"benchmarks.{part}")
    except ImportError as error:
        missing[part] = f"{error}."
        print(f"  not run: {error}", flush=True)
        return
    yield from module.rows(options)


def _told(row: Row) -> str:
    mark = {True: "holds", False: "MISSES", None: ""}[row.holds]
    lines = [f"  {row.what}: {page.shown(row.ours)} {row.unit}  {row.bar} {mark}  ({row.note})"]
    lines += [f"      {name}: {page.shown(found)}" for name, found in row.peers.items()]
    return "\n".join(lines).replace("**", "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small cases, two turns")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, help="also write the numbers to this file")
    parser.add_argument(
        "--write", action="store_true", help="bring docs/performance.csv and .md up to date"
    )
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="FILE",
        help="with --write: numbers of other runs (--csv) to show as well, for example of a GPU",
    )  # fmt: skip
    return parser


def _command(given: argparse.Namespace) -> str:
    words = ["python -m benchmarks", *given.parts]
    words += ["--quick"] if given.quick else []
    words += ["--device cuda"] if given.device == "cuda" else []
    words += [f"--seed {given.seed}"] if given.seed else []
    return " ".join(words)
