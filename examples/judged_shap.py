"""An explainer that you already use, judged: does its answer hold on your model?

A shap explainer is a method of the study as it is. You see its answers beside ours, on the same features of the same
rows, with a verdict each, and by how much the two differ and why: their backgrounds are not the same.

Run: python examples/judged_shap.py
"""

from pathlib import Path

import numpy as np
import shap
from sklearn.ensemble import RandomForestClassifier

import xaikit


def main(epochs: int = 60, n: int = 16, out: str = "reports") -> Path:
    data = xaikit.load_data("breast_cancer")
    rows = np.stack(data.inputs("train"))
    forest = RandomForestClassifier(epochs, random_state=0).fit(rows, data.labels("train"))
    model = xaikit.wrap(
        forest, modality="table", classes=range(len(data.classes)), background=rows, id="forest"
    )
    theirs = shap.TreeExplainer(forest, rows[:100], model_output="probability")
    run = xaikit.study(
        model, data.test[:n], ["shap", "occlusion", theirs, "random", "magnitude"], data=data
    )
    named = next(method for method in run.methods if method.startswith("shap "))
    alike = [
        np.corrcoef(ours.values, its.values)[0, 1]
        for ours, its in zip(run.of("shap"), run.of(named), strict=True)
    ]
    print(f"{named} goes with ours at {np.mean(alike):.3f}")
    for verdict in run.verdicts():
        print(f"{verdict.method}: {verdict.status} ({verdict.reason})")
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "judged-shap.html")


if __name__ == "__main__":
    print("page:", main())
