"""xaikit asks every explanation method the same question and shows which answer can be believed.

Names are loaded on first use: `import xaikit` itself loads no torch, shap, lime, captum or
matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaikit.asking import Plan, explain, make_question
    from xaikit.comparison import compare
    from xaikit.data import load_data
    from xaikit.errors import XaikitError
    from xaikit.estimators import shapley
    from xaikit.models import load_model, save_model, train, wrap
    from xaikit.pipeline import study
    from xaikit.question import Masker, Question
    from xaikit.report import write_comparison, write_report
    from xaikit.run import Run
    from xaikit.types import Explanation, Sample, Score, Segmentation, Target

_HOMES = {
    "compare": "xaikit.comparison",
    "explain": "xaikit.asking",
    "load_data": "xaikit.data",
    "load_model": "xaikit.models",
    "make_question": "xaikit.asking",
    "save_model": "xaikit.models",
    "shapley": "xaikit.estimators",
    "study": "xaikit.pipeline",
    "train": "xaikit.models",
    "wrap": "xaikit.models",
    "write_comparison": "xaikit.report",
    "write_report": "xaikit.report",
    "Explanation": "xaikit.types",
    "Masker": "xaikit.question",
    "Plan": "xaikit.asking",
    "Question": "xaikit.question",
    "Run": "xaikit.run",
    "Sample": "xaikit.types",
    "Score": "xaikit.types",
    "Segmentation": "xaikit.types",
    "Target": "xaikit.types",
    "XaikitError": "xaikit.errors",
}

__version__ = "0.1.0"

__all__ = [
    "Explanation",
    "Masker",
    "Plan",
    "Question",
    "Run",
    "Sample",
    "Score",
    "Segmentation",
    "Target",
    "XaikitError",
    "__version__",
    "compare",
    "explain",
    "load_data",
    "load_model",
    "make_question",
    "save_model",
    "shapley",
    "study",
    "train",
    "wrap",
    "write_comparison",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'xaikit' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
