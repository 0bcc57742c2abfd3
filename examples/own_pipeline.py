"""Your own pipeline and its frame: which measurements make a tumour look malignant?

You see exact Shapley values by the names of the frame's columns, in log-odds that add up, the columns that count
only together, and what would have changed each answer.

Run: python examples/own_pipeline.py
"""

from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xaikit


def main(epochs: int = 60, n: int = 16, out: str = "reports") -> Path:
    frame, malignant = load_breast_cancer(return_X_y=True, as_frame=True)
    train, test, labels, _ = train_test_split(frame, 1 - malignant, random_state=0)
    pipeline = make_pipeline(
        StandardScaler().set_output(transform="pandas"),
        HistGradientBoostingClassifier(max_iter=epochs, random_state=0),
    ).fit(train, labels)

    model = xaikit.wrap(
        pipeline, modality="table", classes=("benign", "malignant"), background=train, id="pipeline"
    )
    found = xaikit.explain(model, test[:n], "shap", target="malignant")
    row = found[0]
    print(
        f"{row.empty:+.2f} + {row.values.sum():+.2f} = {row.output:+.2f} ({row.extras['estimator']})"
    )
    for name, value in row.top(3):
        print(f"  {name}: {value:+.2f}")
    pairs = xaikit.interactions(model, test[:1], target="malignant")
    names, together, _ = pairs.top(1, size=2)[0]
    print(f"most together: {' and '.join(names)}, {together:+.2f}")

    run = xaikit.study(model, test[:n], "shap,occlusion,lime,random,magnitude", flips="auto")
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "own-pipeline.html")


if __name__ == "__main__":
    print("page:", main())
