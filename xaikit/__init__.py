"""xaikit asks every explanation method the same question and shows which answer can be believed.

Names are loaded on first use: `import xaikit` itself loads no torch, shap, lime, captum or
matplotlib.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from xaikit.core.moved import Moved
from xaikit.core.registry import FILLED_BY

if TYPE_CHECKING:
    from xaikit.core.errors import XaikitError
    from xaikit.core.explanations import Explanations
    from xaikit.core.interactions import Interactions
    from xaikit.core.question import Masker, Question
    from xaikit.core.types import Explanation, Sample, Score, Segmentation, Target
    from xaikit.data import load_data
    from xaikit.modalities import sound
    from xaikit.models import ensemble, load, load_model, save_model, train, wrap
    from xaikit.report import write_comparison, write_report
    from xaikit.shapley import shapley
    from xaikit.study.compare import compare
    from xaikit.study.flip.api import counterfactual
    from xaikit.study.flip.result import Counterfactual
    from xaikit.study.interactions import interactions
    from xaikit.study.layers import layers
    from xaikit.study.plan import Plan, explain, make_question
    from xaikit.study.run import Run
    from xaikit.study.study import study

_HOMES = {
    "compare": "xaikit.study.compare",
    "counterfactual": "xaikit.study.flip.api",
    "ensemble": "xaikit.models",
    "explain": "xaikit.study.plan",
    "interactions": "xaikit.study.interactions",
    "layers": "xaikit.study.layers",
    "load": "xaikit.models",
    "load_data": "xaikit.data",
    "load_model": "xaikit.models",
    "make_question": "xaikit.study.plan",
    "save_model": "xaikit.models",
    "shapley": "xaikit.shapley",
    "sound": "xaikit.modalities",
    "study": "xaikit.study.study",
    "train": "xaikit.models",
    "wrap": "xaikit.models",
    "write_comparison": "xaikit.report",
    "write_report": "xaikit.report",
    "Counterfactual": "xaikit.study.flip.result",
    "Explanation": "xaikit.core.types",
    "Explanations": "xaikit.core.explanations",
    "Interactions": "xaikit.core.interactions",
    "Masker": "xaikit.core.question",
    "Plan": "xaikit.study.plan",
    "Question": "xaikit.core.question",
    "Run": "xaikit.study.run",
    "Sample": "xaikit.core.types",
    "Score": "xaikit.core.types",
    "Segmentation": "xaikit.core.types",
    "Target": "xaikit.core.types",
    "XaikitError": "xaikit.core.errors",
}

__version__ = "0.2.0"

__all__ = [
    "Counterfactual",
    "Explanation",
    "Explanations",
    "Interactions",
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
    "counterfactual",
    "ensemble",
    "explain",
    "interactions",
    "layers",
    "load",
    "load_data",
    "load_model",
    "make_question",
    "save_model",
    "shapley",
    "sound",
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


class _Front(ModuleType):
    """`study` and `shapley` are functions here, although folders bear the same names."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _HOMES and isinstance(value, ModuleType):
            return  # importing `xaikit.study.plan` would put the folder in the function's place
        super().__setattr__(name, value)


FILLED_BY["modality"] = "xaikit.modalities"  # so that a sample alone finds its kind
sys.modules[__name__].__class__ = _Front
sys.meta_path.insert(0, Moved())  # before the folder of a room that was renamed
