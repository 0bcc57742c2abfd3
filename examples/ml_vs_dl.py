"""Machine learning or deep learning, on your CSV: which one, and do they go by the same columns?

The file is written here from measurements of tumours; in its place stands yours. You see both beside the answer that
never looks: accuracy with intervals, calibration, cost, and the columns that each goes by.

Run: python examples/ml_vs_dl.py
"""

import tempfile
from pathlib import Path

from sklearn.datasets import load_breast_cancer

import xaikit
from xaikit.core.finding import Finding


def main(epochs: int | None = None, n: int = 16, out: str = "reports") -> Path:
    table = load_breast_cancer(as_frame=True)
    frame = table.data.assign(diagnosis=table.target_names[table.target])[: 60 * n]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "tumours.csv"
        frame.to_csv(path, index=False)
        data = xaikit.load_data(path, label_column="diagnosis")
    whole = epochs is None
    found = xaikit.compare(data, models="boosting,mlp", n=max(n, 2), learning=whole, full=whole)
    for row in found["models"]:
        print(
            row["id"],
            {k: v for k, v in row.items() if k in ("accuracy", "seconds", "train_seconds")},
        )
    page = xaikit.write_comparison(found, Path(out) / "ml-vs-dl.html")
    print(Finding(**found["title"]))
    return page


if __name__ == "__main__":
    print("page:", main())
