"""Peak memory of answers in a fresh process while features and background rows grow.

A child process (`python -m benchmarks.memory KIND SIZE BYTES`) prints the bytes it took.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.harness import Options, Row, within

CAP = 64 * 2**20
STATUS = Path("/proc/self/status")
FEATURES = (16, 64, 256, 1024)
BACKGROUND = (1, 10, 100, 1000)
MANY = (1000, 20_000)  # rows of which the values alone are wanted
MANY_COLUMNS = 100


def rows(options: Options) -> Iterator[Row]:
    """One child a line."""
    every = slice(1, 2) if options.quick else slice(None)
    for kind, sizes, what in (
        ("features", FEATURES[every], "study of a 32-px image of {} features"),
        ("background", BACKGROUND[every], "shap of a table row, {} background rows"),
    ):
        for size in sizes:
            found = (_child(kind, size) / 2**20,) * 3
            bar = CAP / 2**20
            yield Row(
                "memory", what.format(size), f"<= {bar:.0f}", found, {}, "MiB", within(found, bar),
                f"memory={bar:.0f} MiB",
            )  # fmt: skip

    few, many = (_child("values", n) for n in (MANY[:1] * 2 if options.quick else MANY))
    alone = (MANY[1] - MANY[0]) * (MANY_COLUMNS + 3) * 8  # values, output, empty, target
    found = ((many - few) / alone,) * 3
    yield Row(
        "memory", f"values of {MANY[1]:,} rows instead of {MANY[0]:,}, saliency", "<= 1.1",
        found, {}, "times the bytes of the values", within(found, 1.1),
        f"{few / 2**20:.1f} and {many / 2**20:.1f} MiB",
    )  # fmt: skip


def _child(kind: str, size: int) -> float:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.memory", kind, str(size), str(CAP)]
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def _features(n: int, cap: int) -> None:
    """Occlusion, LIME and SHAP of one image, and the removal test of each."""
    from benchmarks.nets import image_model
    from xaikit import study
    from xaikit.core.types import Sample
    from xaikit.methods.base import make_method

    model = image_model("vgg_small", 32, width=16)
    x = model.example()
    model.scores([x] * 8)
    methods = [
        make_method("occlusion"),
        make_method("lime", budget=4096),
        make_method("leverage_shap", budget=max(2048, 4 * n)),
    ]
    sample = Sample("picture", x, "image")
    study(model, [sample], ["occlusion"], "none", features="patches:4", memory=cap)
    _measure(
        lambda: study(
            model, [sample], methods, ["removal"], features=f"patches:{round(n**0.5)}", memory=cap
        )
    )


def _background(k: int, cap: int) -> None:
    """2,048 evaluations against k rows."""
    from benchmarks.nets import table_question
    from xaikit.methods.base import ask, make_method

    ask(make_method("occlusion"), [table_question(1)])
    question = replace(table_question(k), memory=cap)
    _measure(lambda: ask(make_method("leverage_shap", budget=2048), [question]))


def _values(n: int, cap: int) -> None:
    """The values of n rows, which are there already."""
    import numpy as np
    from torch import nn

    from xaikit import wrap
    from xaikit.core.many import Counted
    from xaikit.core.samples import Samples
    from xaikit.study.bulk import explain_many

    del cap
    x = np.random.default_rng(0).normal(size=(MANY[1], MANY_COLUMNS))
    net = nn.Sequential(nn.Linear(MANY_COLUMNS, 32), nn.ReLU(), nn.Linear(32, 2))
    model = wrap(net, modality="table", classes=["a", "b"], background=x[:20])

    def asked(n: int) -> object:
        samples = Samples(x[:n], "table", Counted("row", range(n)))
        return explain_many(model, samples, "saliency")

    asked(300)
    _measure(lambda: asked(n))


def _measure(work: Callable[[], object]) -> None:
    if STATUS.exists():  # Linux: the peak starts anew from what is held now
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _peak()
    work()
    print(max(0, _peak() - before))


def _peak() -> int:
    """Largest resident size so far, in bytes.

    On Linux not that of `getrusage`, in which a child starts with the size of its parent.
    """
    if STATUS.exists():
        lines = STATUS.read_text(encoding="ascii", errors="ignore").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    {"features": _features, "background": _background, "values": _values}[sys.argv[1]](
        int(sys.argv[2]), int(sys.argv[3])
    )
