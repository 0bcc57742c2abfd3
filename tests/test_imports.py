"""Imports follow the arrows of the design, and `import xaikit` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xaikit

ROOT = Path(xaikit.__file__).parent
ORDER = {  # what each part may import from xaikit
    "types": {"errors", "report"},  # report: only inside `plot`, for `explanation.plot()`
    "registry": {"errors"},
    "abilities": {"types"},
    "engine": {"errors"},
    "pool": {"types", "estimators"},
    "question": {"types", "errors", "abilities", "engine", "pool"},
    "packing": {"types", "engine", "question"},
    "run": {"types", "errors", "verdict", "agreement", "causes"},  # the last three only in methods
    "measures": {"types", "registry", "question"},  # question: for its name only
    "agreement": {"types", "errors", "measures", "stats"},
    "causes": {"types", "run", "agreement", "stats"},
    "stats": {"types", "errors"},
    "verdict": {"types", "errors", "run", "stats"},
    "modality": {"types", "errors", "question", "registry", "data"},
    "data": {"types", "errors", "registry", "modality"},
    "estimators": {"types", "errors"},
    "methods": {
        *("types", "errors", "abilities", "registry", "engine", "packing", "question"),
        *("estimators", "stats"),
    },
    "metrics": {
        *("types", "errors", "abilities", "registry", "question", "methods", "stats"),
        *("measures", "agreement", "pool"),
    },
    "report": {"types", "errors", "run", "verdict", "stats"},
}
HEAVY = {"torch", "shap", "lime", "captum", "matplotlib", "sklearn", "skimage"}


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("part", ORDER)
def test_nothing_runs_against_the_arrows(part) -> None:
    home = ROOT / part
    files = list(home.rglob("*.py")) if home.is_dir() else [ROOT / f"{part}.py"]
    assert files
    for file in files:
        inner = {m.split(".")[1] for m in imported(file) if m.startswith("xaikit.")}
        assert inner <= ORDER[part] | {part}, f"{file.relative_to(ROOT)} imports {inner}"


def test_the_report_needs_no_torch_and_no_method() -> None:
    for file in (ROOT / "report").rglob("*.py"):
        assert not {m.split(".")[0] for m in imported(file)} & {"torch", "shap", "lime", "captum"}


def test_importing_xaikit_loads_nothing_heavy() -> None:
    code = "import sys, xaikit, xaikit.app.cli; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", xaikit.__all__)
def test_every_public_name_can_be_had(name) -> None:
    assert getattr(xaikit, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'xaikit' has no attribute 'gradcam'"):
        xaikit.gradcam  # noqa: B018 - the access is what is tested
