"""Addresses of version 0.1: they go on working, with a warning that names the new one."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["MOVED", "Moved", "new_address"]

MOVED = {
    "xaikit.abilities": "xaikit.core.abilities",
    "xaikit.agreement": "xaikit.core.agreement",
    "xaikit.asking": "xaikit.study.plan",
    "xaikit.causes": "xaikit.judge.causes",
    "xaikit.cli": "xaikit.app.cli",
    "xaikit.comparison": "xaikit.study.compare",
    "xaikit.errors": "xaikit.core.errors",
    "xaikit.estimators": "xaikit.shapley",
    "xaikit.modality": "xaikit.modalities",
    "xaikit.modality.tabular": "xaikit.modalities.table",
    "xaikit.models.estimator": "xaikit.models.sklearn",
    "xaikit.models.zoo.card": "xaikit.models.zoo.architecture",
    "xaikit.pipeline": "xaikit.study.study",
    "xaikit.pool": "xaikit.core.cache",
    "xaikit.question": "xaikit.core.question",
    "xaikit.registry": "xaikit.core.registry",
    "xaikit.run": "xaikit.study.run",
    "xaikit.stats": "xaikit.core.stats",
    "xaikit.types": "xaikit.core.types",
    "xaikit.verdict": "xaikit.judge.verdict",
}


class Moved(MetaPathFinder, Loader):
    """Finds a module of `MOVED`, and what lies in it, and gives the one module there is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target  # every address is whole
        return ModuleSpec(name, self) if new_address(name) else None

    def exec_module(self, module: ModuleType) -> None:
        old, new = module.__name__, new_address(module.__name__)
        warnings.warn(f"{old} is now {new}.", DeprecationWarning, stacklevel=2)
        sys.modules[old] = importlib.import_module(str(new))


def new_address(old: str) -> str | None:
    """Where a module of version 0.1 is now; None where it has not moved."""
    if old in MOVED:
        return MOVED[old]
    room, _, module = old.rpartition(".")
    return f"{MOVED[room]}.{module}" if room in MOVED else None
