"""Writes the second table of docs/models.md: estimators x methods, each cell a number that was checked.

Run: python docs/make_estimators.py (needs xgboost, lightgbm, catboost and onnxruntime)
"""

from __future__ import annotations

import itertools
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import xaikit
from xaikit.core.errors import NotApplicable, XaikitError
from xaikit.methods.base import make_method

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))
import toy_estimators as toy  # noqa: E402 # it lies among the tests
from toy_frames import shapley  # noqa: E402

TARGET = HERE / "models.md"
MARK = "<!-- made by docs/make_estimators.py: the table -->"
SHAPLEY = ("shap", "exact_shapley", "kernel_shap", "leverage_shap", "permutation_shap")
HEADS = {
    "shap": "SHAP", "exact_shapley": "exact", "kernel_shap": "kernel", "leverage_shap": "leverage",
    "permutation_shap": "orders", "occlusion": "occlusion", "lime": "LIME", "change": "change",
    "integrated_gradients": "gradients", "gradcam": "CAM", "attention": "attention",
}  # fmt: skip
ROW, N_BACKGROUND = 63, 12  # a row of the frame without an age, and rows that stand in


class Case:
    """One wrapped estimator and its own answers to every mixed frame."""

    def __init__(self, made: toy.Fitted) -> None:
        self.made, self.background = made, made.frame[:N_BACKGROUND]
        self.row = made.frame[ROW : ROW + 1]
        if "file" in made.wrapped:
            rows = self.background.to_numpy(float)
            self.model: Any = xaikit.load_model(
                made.wrapped["file"],
                modality="table",
                background=rows,
                names=["a", "b"],
                outputs="values",
            )
        else:
            self.model = xaikit.wrap(made.estimator, background=self.background, **made.wrapped)
        self.names = list(self.row.columns)
        self.masks = np.array(list(itertools.product([False, True], repeat=len(self.names))))
        self.values = np.array([self.value(mask) for mask in self.masks])
        self.known = dict(zip(map(tuple, self.masks.tolist()), self.values.tolist(), strict=True))

    def value(self, mask: Any) -> float:
        """The estimator itself on rows in which the kept columns are those of the row."""
        mixed = self.background.reset_index(drop=True)
        for kept, name in zip(mask, self.names, strict=True):
            if kept:
                cells = self.row[name].repeat(len(mixed)).reset_index(drop=True)
                mixed = mixed.assign(**{name: cells})
        return float(np.mean(self.made.ask(self.made.estimator, mixed)))

    def ask(self, name: str) -> Any:
        drawn = name in SHAPLEY[2:]  # these end early where they have converged
        method = make_method(name, budget=2 ** len(self.names)) if drawn else name
        return xaikit.explain(self.model, self.row, [method], target=self.made.target)[0]

    def check(self, method: str) -> float:
        """The largest difference from what is known, as a share of the largest known value."""
        if method == "change":
            return self._change()
        found = self.ask(method)
        if method in SHAPLEY:
            return off(
                found.values, shapley(lambda m: self.known[tuple(m.tolist())], len(self.names))
            )
        if method == "occlusion":
            whole = self.known[(True,) * len(self.names)]
            left = [tuple(j != i for j in range(len(self.names))) for i in range(len(self.names))]
            return off(found.values, np.array([whole - self.known[m] for m in left]))
        design = np.c_[np.ones(len(self.masks)), self.masks.astype(float)]
        best = np.linalg.lstsq(design, self.values, rcond=None)[0][1:]
        return off(np.corrcoef(found.values, best)[0, 1], 1.0)

    def _change(self) -> float:
        """What is said of the changed row, beside the estimator's own answer to it in a frame."""
        value = not self.model.classes
        middle = (self.values[0] + self.values[-1]) / 2 if value else None
        several = len(self.model.task.outputs) > 1 and (value or self.model.task.words == "labels")
        output = self.made.target.index if several else None
        found = xaikit.counterfactual(self.model, self.row, output=output, wanted=middle)
        if self.model.frames is None:
            frame = self.row.assign(**dict(zip(self.names, found.x, strict=True)))
        else:
            frame = self.model.frames.transform(found.x[None])
        target, index = self.made.target, self.made.target.index
        told = found.prediction_after
        own = float(self.made.ask(self.made.estimator, frame)[0])
        if target.against is not None:
            return off(np.log(told[index] / told[target.against]), own)
        if target.space == "logit":
            return off(np.log(told[index]) - np.log1p(-told[index]), own)
        return off(told[index], own)

    @property
    def form(self) -> str:
        """The closed form that SHAP took, a dash for none."""
        note = self.ask("shap").note
        return next((form for form in ("linear", "tree") if f"{form}, exact" in note), "–")


def off(found: Any, known: Any) -> float:
    return float(np.abs(np.asarray(found) - known).max() / max(np.abs(known).max(), 1e-3))


def cell(case: Case, method: str, reasons: dict[str, str]) -> str:
    try:
        return f"{case.check(method):.0e}"
    except XaikitError as error:
        said = re.sub(r"\(\d+ changes tried\)", "", str(error)).replace(f"'{case.model.id}'", "it")
        why = re.sub(r"on sample '[^']+' ", "", said).replace("  ", " ")
        if not isinstance(error, NotApplicable):
            why = why[0].lower() + why[1:]
        return f"[{reasons.setdefault(why, chr(97 + len(reasons)))}]"


def table() -> str:
    reasons: dict[str, str] = {}
    lines = [
        f"| estimator | form | {' | '.join(HEADS.values())} |",
        "|---" * (2 + len(HEADS)) + "|",
    ]
    numbers = 0
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits so small
        made = {**toy.CASES, "ONNX, two layers": lambda: toy.onnx_net(Path(place))}
        for name, make in made.items():
            case = Case(make())
            cells = [cell(case, method, reasons) for method in HEADS]
            numbers += sum(not c.startswith("[") for c in cells)
            lines.append(f"| {name} | {case.form} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    told = [f"* [{letter}] {why}" for why, letter in reasons.items()]
    refused = len(made) * len(HEADS) - numbers
    count = f"{numbers} cells hold a number that was checked and {refused} a refusal by reason."
    return "\n".join([*lines, "", count, "", *told])


if __name__ == "__main__":
    said = TARGET.read_text(encoding="utf-8").split(MARK)
    TARGET.write_text(f"{said[0]}{MARK}\n\n{table()}\n\n{MARK}{said[2]}", encoding="utf-8")
