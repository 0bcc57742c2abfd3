"""Changes of a row that turn a model's answer, beside DiCE: how many turn it, how small they are, how long it takes.

Run: python -m benchmarks.counterfactuals [--data FOLDER] [--n 20]

DiCE (`pip install dice-ml`) gets the training rows, xaikit the model's background of 100 rows and, in a second
line, the training rows. All are asked for three changes of a row; the model is asked about each one again.
Distances are sums over columns in standard deviations of the training rows, a category counts 1; a column has
changed where it moved by a hundredth of one or more, since DiCE rounds. Its method "kdtree" is left out: it took 1 to
40 s a row and gives training rows.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import xaikit
from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.tasks import task_of

BUILT_IN: dict[str, tuple[str, dict[str, Any]]] = {"breast cancer": ("breast_cancer", {})}
FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "German credit": ("tabular_german_credit/german.csv.gz", {}),
    "Adult": ("tabular_adult/train.csv.gz", {"label_column": "income"}),
}
MODELS = ("logistic", "forest")
METHODS = ("random", "genetic")  # of DiCE
N = 3  # changes of a row
Explainer = Callable[[Sample], list[Floats]]


@dataclass
class Tally:
    """What one explainer did on the rows of one model."""

    seconds: list[float] = field(default_factory=list)
    answered: int = 0
    valid: list[bool] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    nearest: list[tuple[int, float]] = field(default_factory=list)  # columns, distance of the best

    def line(self, name: str, n: int) -> str:
        shown = [f"{self.answered} of {n}", f"{np.mean(self.valid):.0%} of {len(self.valid)}"]
        best = np.array(self.nearest).reshape(-1, 2)
        sizes = [
            f"{np.mean(self.columns):.1f}",
            f"{best[:, 0].mean():.1f}",
            f"{best[:, 1].mean():.2f}",
        ]
        return f"| {name} | {' | '.join(shown + sizes)} | {np.median(self.seconds):.2f} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, help="folder of the real data sets")
    options.add_argument("--n", type=int, default=20, help="test rows of each model")
    asked = options.parse_args()
    places = dict(BUILT_IN)
    if asked.data is not None:
        places |= {name: (str(asked.data / file), how) for name, (file, how) in FILES.items()}
    warnings.filterwarnings("ignore")
    print(
        "| | answered | turn the model | columns, all | columns, smallest | distance, smallest | s a row |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, (place, how) in places.items():
        data = xaikit.load_data(place, **how)
        for kind in MODELS:
            model = xaikit.train(kind, data, progress=False)
            print(f"| **{name}, {kind}** | | | | | | |")
            samples = data.test[: asked.n]
            for who, explainer in explainers(model, data):
                print(tally(model, data, samples, explainer).line(who, len(samples)), flush=True)


def tally(model: Any, data: Dataset, samples: Any, explainer: Explainer) -> Tally:
    """Each change is given to the model again, by itself."""
    found, spread, coded = Tally(), np.std(data.inputs("train"), axis=0), is_coded(data)
    spread = np.where(spread > 0, spread, 1.0)
    for sample in samples:
        start = time.perf_counter()
        rows = explainer(sample)
        found.seconds.append(time.perf_counter() - start)
        before, sizes = model.scores([sample.x]).argmax(), []
        for row in rows:
            far = np.where(coded, row != sample.x, np.abs(row - sample.x) / spread)
            moved = far >= 0.01
            found.valid.append(bool(model.scores([row]).argmax() != before))
            found.columns.append(int(moved.sum()))
            if found.valid[-1]:
                sizes.append((float(far[moved].sum()), int(moved.sum())))
        if sizes:
            found.answered += 1
            distance, columns = min(sizes)
            found.nearest.append((columns, distance))
    return found


def is_coded(data: Dataset) -> Any:
    return np.array([bool(column.categories) for column in data.columns])


def explainers(model: Any, data: Dataset) -> Iterator[tuple[str, Explainer]]:
    def ours(sample: Sample, rows: Any = None) -> list[Floats]:
        try:
            found = xaikit.counterfactual(model, sample, rows=rows, n=N)
        except xaikit.XaikitError:
            return []
        return [one.x for one in (found, *found.others)]  # type: ignore[misc]

    train = np.stack(data.inputs("train"))
    yield "xaikit", ours
    yield "xaikit, all training rows", lambda sample: ours(sample, train)
    try:
        import dice_ml  # noqa: F401
    except ImportError:
        return
    for method in METHODS:
        yield f"DiCE {method}", dice(model, data, method)


def dice(model: Any, data: Dataset, method: str) -> Explainer:
    """As its documents show it, with categories as words of their codes."""
    import dice_ml
    import pandas as pd

    names = [column.name for column in data.columns]
    coded = is_coded(data)

    def frame(x: Any) -> Any:
        made = pd.DataFrame(np.asarray(x), columns=names)
        for name in np.array(names)[coded]:
            made[name] = made[name].astype(int).astype(str).astype(object)
        return made

    class Wrapped:
        def predict_proba(self, rows: Any) -> Floats:
            return task_of(model).predictions(model.scores(np.asarray(rows[names], dtype=float)))

        def predict(self, rows: Any) -> Any:
            return self.predict_proba(rows).argmax(axis=1)

    train = frame(data.inputs("train"))
    train["answer"] = [int(s.label) for s in data.train]  # type: ignore[arg-type]
    numbers = [n for n, code in zip(names, coded, strict=True) if not code]
    known = dice_ml.Data(dataframe=train, continuous_features=numbers, outcome_name="answer")
    explainer = dice_ml.Dice(
        known, dice_ml.Model(model=Wrapped(), backend="sklearn"), method=method
    )

    def ask(sample: Sample) -> list[Floats]:
        try:
            given = explainer.generate_counterfactuals(
                frame(sample.x[None]), total_CFs=N, desired_class="opposite", verbose=False
            )
            found = given.cf_examples_list[0].final_cfs_df
        except Exception:  # noqa: BLE001 - it raises its own where nothing is found
            return []
        return [] if found is None else list(found[names].to_numpy(dtype=float))

    return ask


if __name__ == "__main__":
    main()
