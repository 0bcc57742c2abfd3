"""Test accuracy of the models of the package, on the built-in data and on real files.

Run: python benchmarks/accuracy.py [--data FOLDER] [--only digits,reviews]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from xaikit import load_data, train
from xaikit.core.stats import wilson

BUILT_IN = {
    "digits": ("lenet",),
    "breast_cancer": ("mlp", "boosting"),
    "reviews": ("logistic", "lstm", "bert_small"),
    "waves": ("forest", "fcn_1d"),
}
FILES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "Fashion-MNIST": ("image_fashion_mnist/fashion_mnist.npz", {}, ("forest", "lenet")),
    "SST-2": (
        "text_en_sst2/train.csv.gz",
        {"test": "text_en_sst2/dev.csv.gz", "text_column": "text", "label_column": "label"},
        ("logistic", "lstm"),
    ),
    "GunPoint": ("tsc_gunpoint/GunPoint.npz", {}, ("forest", "fcn_1d")),
    "ItalyPowerDemand": ("tsc_italypowerdemand/ItalyPowerDemand.npz", {}, ("forest", "fcn_1d")),
    "Adult": ("tabular_adult/train.csv.gz", {"label_column": "income"}, ("boosting", "mlp")),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, help="folder of the real data sets")
    options.add_argument("--only", default="", help="names with commas between")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    wanted = {name for name in given.only.split(",") if name}
    print("| data | model | test accuracy | 95 % interval | n | fit seconds |")
    print("|---|---|---|---|---|---|")
    for name, models in BUILT_IN.items():
        if not wanted or name in wanted:
            report(name, load_data(name, seed=given.seed), models, given.seed)
    for name, (file, more, models) in FILES.items():
        if given.data is None or (wanted and name not in wanted):
            continue
        if "test" in more:
            more = more | {"test": given.data / more["test"]}
        report(name, load_data(given.data / file, seed=given.seed, **more), models, given.seed)


def report(name: str, data: Any, models: tuple[str, ...], seed: int) -> None:
    """One row of the table for each model."""
    for model in models:
        start = time.perf_counter()
        test = train(model, data, seed=seed, progress=False).info["metrics"]["test"]
        seconds = time.perf_counter() - start
        low, high = wilson(test["correct"], test["n"])
        print(
            f"| {name} | {model} | {test['accuracy']:.3f} | {low:.3f}–{high:.3f} "
            f"| {test['n']} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
