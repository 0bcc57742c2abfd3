"""Planted causes among many features: found coarse to fine, and by plain SHAP over all of them.

`python -m benchmarks.refining` prints for each problem how many causes stand alone (of a picture: lie in
features that hold nothing else), and the evaluations, seconds and peak memory of a fresh process.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import _measure

CASES = ("columns 1000", "columns 5000", "words 3000", "picture 512")
WAYS = ("refined", "plain")
PATIENCE = 600  # seconds that one answer may take


def columns(n: int) -> tuple[Any, Any, set[int], str]:
    """A row of n columns: five matter, two of them only together."""
    import xaikit
    from xaikit.core.types import Sample

    rng = np.random.default_rng(0)
    rows, at = rng.normal(size=(51, n)), (np.array([0.02, 0.24, 0.5, 0.501, 0.99]) * n).astype(int)

    def value(xs: Any) -> Any:
        x = np.asarray(xs)[:, at]
        return (3 * x[:, 0] + 2 * x[:, 1] * x[:, 2] + x[:, 3] - 2 * x[:, 4])[:, None]

    model = xaikit.wrap(value, modality="table", background=rows[:50])
    return model, Sample("row", rows[50] + 1, "table"), set(at.tolist()), "columns"


def words(n: int) -> tuple[Any, Any, set[int], str]:
    """A text of n words: three matter, one of them more with another."""
    import xaikit
    from xaikit.core.types import Sample

    rng = np.random.default_rng(0)
    text = rng.choice(["the", "a", "film", "was", "and", "it", "long", "day", "."], size=n).astype(
        "U10"
    )
    text[[n // 7, n // 2, n - 100]] = ["superb", "awful", "touching"]

    def value(xs: Any) -> Any:
        held = [set(map(str, x)) for x in xs]
        return np.array(
            [[2.0 * ("superb" in h) * (1 + ("touching" in h)) - 3.0 * ("awful" in h)] for h in held]
        )

    model = xaikit.wrap(value, modality="text")
    return model, Sample("text", text, "text"), {n // 7, n // 2, n - 100}, "words"


def picture(n: int) -> tuple[Any, Any, set[int], str]:
    """A picture of n x n pixels with a bright mark of 16 x 16."""
    import xaikit
    from xaikit.core.types import Sample

    rng = np.random.default_rng(0)
    x = (0.2 * rng.random((n, n, 1))).astype(np.float32)
    x[300:316, 101:117] = 1
    mark = np.zeros((n, n), dtype=bool)
    mark[300:316, 101:117] = True

    def value(xs: Any) -> Any:
        return np.asarray(xs)[:, 300:316, 101:117].mean(axis=(1, 2, 3))[:, None]

    model = xaikit.wrap(value, modality="image", background=np.full((2, n, n, 1), 0.1, np.float32))
    return model, Sample("p", x, "image"), set(np.flatnonzero(mark).tolist()), "pixels"


def answer(case: str, way: str) -> str:
    """One line: causes found, evaluations, seconds, MiB."""
    from xaikit.methods.base import ask, make_method
    from xaikit.study.plan import Plan, make_question

    kind, n = case.split()
    model, sample, causes, every = globals()[kind](int(n))
    found: dict[str, Any] = {}

    def work() -> None:
        start = time.perf_counter()
        question = make_question(
            model, sample, Plan(features="refined" if way == "refined" else every)
        )
        e = ask(make_method("leverage_shap" if way == "plain" else "shap"), [question])[0]
        found.update(e=e, seconds=time.perf_counter() - start)

    _measure(work)
    e = found["e"]
    per_place = np.abs(e.places).ravel()  # of a block, its value shared out
    strongest = set(np.argsort(-per_place, kind="stable")[: len(causes)].tolist())
    said = e.segmentation.source.partition("(")[2].partition(" ")[0].replace(",", "") or "0"
    return (
        f"causes {len(strongest & causes)} of {len(causes)}, features {len(e.values)}, evaluations "
        f"{int(said)} + {e.cost.asked}, {found['seconds']:.1f} s"
    )


def main(run: Callable[..., Any] = subprocess.run) -> None:
    for case in CASES:
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.refining", case, way]
            try:
                root = Path(__file__).resolve().parents[1]
                done = run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                print(f"{case:14} {way:8} not done in {PATIENCE} s", flush=True)
                continue
            if done.returncode:
                print(f"{case:14} {way:8} {done.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            took, said = done.stdout.splitlines()
            print(f"{case:14} {way:8} {said}, {int(took) / 2**20:.0f} MiB", flush=True)


if __name__ == "__main__":
    print(answer(*sys.argv[1:])) if len(sys.argv) == 3 else main()
