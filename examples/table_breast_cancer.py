"""Which measurements make a sample look malignant, to trees and to a network?

Run: python examples/table_breast_cancer.py
"""

from pathlib import Path

import xaikit


def main(epochs: int | None = None, n: int = 4, out: str = "reports") -> Path:
    data = xaikit.load_data("breast_cancer")
    trees = xaikit.train("boosting", data, seed=0)
    network = xaikit.train("mlp", data, epochs=epochs, seed=0)

    for model in (trees, network):
        found = xaikit.explain(model, data.test[0], methods=["shap"], target="malignant")[0]
        print(f"{model.id}: {found.empty:+.2f} + {found.values.sum():+.2f} = {found.output:+.2f}")
        print("  strongest:", found.top(3), found.note)

    run = xaikit.study(network, data.test[:n], data=data, seed=0, progress=True)
    return xaikit.write_report(run, Path(out) / "breast-cancer.html")


if __name__ == "__main__":
    print("open", main())
